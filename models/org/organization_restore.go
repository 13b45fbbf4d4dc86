package org

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Grace is for how long an owner can bring a deleted organization back.
const Grace = 30 * 24 * time.Hour

// Deleted is an organization that can come back.
type Deleted struct {
	ID        db.ID
	Name      string
	DeletedAt time.Time
}

// EndsAt is when it is gone for good.
func (d Deleted) EndsAt() time.Time { return d.DeletedAt.Add(Grace) }

// restorable are organizations that a user can bring back; two arguments: the user, and now less Grace.
const restorable = `SELECT o.id, o.name, o.deleted_at FROM organizations o JOIN members m ON m.organization_id = o.id AND m.role = 'owner'
	WHERE m.user_id = ? AND o.kind = 'ordinary' AND o.deleted_at > ?`

// Restorable lists the deleted organizations that the actor can bring back, which was deleted last first; at most 50.
func (s *Store) Restorable(ctx context.Context, a actor.Actor) ([]Deleted, error) {
	if !a.SignedIn() {
		return nil, nil
	}
	var rows []Deleted
	err := s.db.Read(ctx).Raw(restorable+" ORDER BY o.deleted_at DESC, o.id DESC LIMIT 50", a.Membership("m"), s.db.Now().Add(-Grace)).Scan(&rows).Error
	return rows, err
}

// Restore brings a deleted organization back with all that it had; its keys work again at once, but for those that ended meanwhile, and so do the rules of its domains. The owners and
// admins are told. Faults: NotFound for none that the actor can bring back, Conflict when they own MaxOwned others.
func (s *Store) Restore(ctx context.Context, a actor.Actor, id db.ID) (Organization, error) {
	var o Organization
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if !a.SignedIn() {
			return fault.Missing()
		}
		if err := lockRow(tx, "SELECT 1 FROM users WHERE id = ? FOR UPDATE", a.UserID); err != nil {
			return err
		}
		if err := LockMembers(tx, id); err != nil {
			return err
		}
		var rows []Deleted
		if err := tx.Raw(restorable+" AND o.id = ?", a.Membership("m"), tx.Now.Add(-Grace), id).Scan(&rows).Error; err != nil {
			return err
		}
		if len(rows) == 0 {
			return fault.Missing()
		}
		if err := ownsLess(tx.DB, a); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE organizations SET deleted_at = NULL, updated_at = ? WHERE id = ?", tx.Now, id); err != nil {
			return err
		}
		if err := bindAgain(tx, a, id); err != nil {
			return err
		}
		change.Record(tx, change.Organization, id)
		audit.Record(tx, a, audit.Event{Act: audit.OrganizationRestored, TargetKind: "organization", TargetID: id, OrganizationID: id, Details: map[string]string{"name": rows[0].Name}})
		var err error
		if o, err = read(tx.DB, id); err != nil {
			return err
		}
		return s.tellManagers(tx, o, outbox.L("See the organization"), func(Recipient) outbox.Letter {
			return outbox.Letter{
				Kind: "organization_restored", Subject: outbox.L("Your organization is restored"),
				Lines: []outbox.Line{outbox.L("The organization %s is back, with its apps and members. Its keys work again, but for those that ended meanwhile.", o.Name)},
				URL:   s.link("/console/organizations/" + id.Show(Prefix)),
			}
		})
	})
	return o, err
}

// bindAgain ends the sessions of people with an address at the organization's domains that have a rule for signing in, which held for nobody while it was deleted: all but
// the actor's own, and that, too, if the rule would not let it begin (S4).
func bindAgain(tx *db.Tx, a actor.Actor, id db.ID) error {
	query := "SELECT name FROM domains WHERE organization_id = ? AND proven_at IS NOT NULL AND provider <> '' ORDER BY id"
	if tx.Home.Dialect == db.Postgres { // who signs in now holds the row (Store.Binding of package domain), and is seen below
		query += " FOR UPDATE"
	}
	var names []string
	if err := tx.Raw(query, id).Scan(&names).Error; err != nil || len(names) == 0 {
		return err
	}
	for _, name := range names {
		if err := account.EndSessionsAt(tx, name, a.SessionID); err != nil {
			return err
		}
	}
	return account.EndUnspared(tx, a.UserID)
}

// ownsLess refuses one more organization to who owns MaxOwned. The caller holds the user's row.
func ownsLess(q *gorm.DB, a actor.Actor) error {
	owned, err := count(q, "SELECT COUNT(*) FROM members m JOIN organizations o ON o.id = m.organization_id WHERE m.user_id = ? AND m.role = ? AND o.deleted_at IS NULL", a.UserID, permission.Owner)
	if err == nil && owned >= MaxOwned {
		return fault.New(fault.Conflict, "You own %d organizations, which is the most that one person can own.", int(owned))
	}
	return err
}

// tellDeleted writes to those who managed the organization, while there is time to bring it back.
func (s *Store) tellDeleted(tx *db.Tx, o Organization) error {
	return s.tellManagers(tx, o, outbox.L("See your organizations"), func(r Recipient) outbox.Letter {
		return outbox.Letter{
			Kind: "organization_deleted", Subject: outbox.L("Your organization was deleted"),
			Lines: []outbox.Line{
				outbox.L("The organization %s was deleted. Its apps and keys do not work any more.", o.Name),
				outbox.L("An owner can bring it back until %s. Then it is gone for good.", r.Moment(tx.Now.Add(Grace))),
			},
			URL: s.link("/console/organizations"),
		}
	})
}

func (s *Store) tellManagers(tx *db.Tx, o Organization, button outbox.Line, letter func(Recipient) outbox.Letter) error {
	to, err := Managers(tx, o.ID)
	for _, r := range to {
		if err == nil {
			l := letter(r)
			l.Button, l.To, l.UserID, l.Language, l.TimeZone = &button, r.Email, r.ID, r.Language, r.TimeZone
			err = s.outbox.Queue(tx, l)
		}
	}
	return err
}

// Purge ends for good what was deleted longer than Grace ago: its apps, memberships and invitations. What verification and the audit log need to name stays.
// It is a job.
func (s *Store) Purge(ctx context.Context) error {
	over := s.db.Now().Add(-Grace)
	var ids []db.ID
	err := s.db.Read(ctx).Raw(`SELECT o.id FROM organizations o WHERE o.kind = 'ordinary' AND o.deleted_at <= ? AND (EXISTS (SELECT 1 FROM members m WHERE m.organization_id = o.id)
		OR EXISTS (SELECT 1 FROM apps a WHERE a.organization_id = o.id AND a.deleted_at IS NULL)) ORDER BY o.id LIMIT 1000`, over).Scan(&ids).Error
	for _, id := range ids {
		if err == nil {
			err = s.db.Tx(ctx, func(tx *db.Tx) error { return purge(tx, id) })
		}
	}
	return err
}

func purge(tx *db.Tx, id db.ID) error {
	if err := LockMembers(tx, id); err != nil {
		return err
	}
	var names []string
	if err := tx.Raw("SELECT name FROM organizations WHERE id = ? AND deleted_at <= ?", id, tx.Now.Add(-Grace)).Scan(&names).Error; err != nil || len(names) == 0 {
		return err // somebody was here before
	}
	var apps []db.ID
	if err := tx.Raw("UPDATE apps SET deleted_at = ?, updated_at = ? WHERE organization_id = ? AND deleted_at IS NULL RETURNING id", tx.Now, tx.Now, id).Scan(&apps).Error; err != nil {
		return err
	}
	for _, app := range apps {
		change.Record(tx, change.App, app)
	}
	for _, query := range []string{
		"DELETE FROM members WHERE organization_id = ?", "DELETE FROM invitations WHERE organization_id = ?", "DELETE FROM domains WHERE organization_id = ?",
		"DELETE FROM domain_barred WHERE organization_id = ?", "DELETE FROM key_calendars WHERE organization_id = ?",
		"DELETE FROM scim_group_members WHERE group_id IN (SELECT id FROM scim_groups WHERE organization_id = ?)", "DELETE FROM scim_groups WHERE organization_id = ?",
		"DELETE FROM scim_users WHERE organization_id = ?", "DELETE FROM scim_tokens WHERE organization_id = ?", "DELETE FROM scim_directories WHERE organization_id = ?",
		"DELETE FROM review_decisions WHERE review_id IN (SELECT id FROM reviews WHERE organization_id = ?)", "DELETE FROM reviews WHERE organization_id = ?",
		"UPDATE organizations SET technical_email = '' WHERE id = ?",
	} {
		if _, err := tx.Run(query, id); err != nil {
			return err
		}
	}
	audit.Record(tx, actor.ForSystem(), audit.Event{Act: audit.OrganizationPurged, TargetKind: "organization", TargetID: id, OrganizationID: id, Details: map[string]string{"name": names[0]}})
	return nil
}
