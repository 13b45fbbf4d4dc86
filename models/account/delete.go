package account

import (
	"context"
	"crypto/subtle"
	"log/slog"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/privacy"
)

// Departure is what deleting the actor's account would stop, and what stands in its way.
type Departure struct {
	Apps, Keys int64 // of the personal organization: apps, and keys that still work
	Obstacle   error `gorm:"-"` // Conflict, or nil
}

// Departure looks ahead of Delete.
func (s *Store) Departure(ctx context.Context, a actor.Actor) (Departure, error) {
	var d Departure
	err := s.db.Read(ctx).Raw(`SELECT (SELECT COUNT(*) FROM apps JOIN organizations o ON o.id = apps.organization_id WHERE o.personal_user_id = ? AND apps.deleted_at IS NULL) AS apps,
		(SELECT COUNT(*) FROM keys JOIN apps ON apps.id = keys.app_id JOIN organizations o ON o.id = apps.organization_id
			WHERE o.personal_user_id = ? AND apps.deleted_at IS NULL AND keys.revoked_at IS NULL AND (keys.expires_at IS NULL OR keys.expires_at > ?)) AS keys`,
		a.UserID, a.UserID, s.db.Now()).Scan(&d).Error
	if err != nil {
		return d, err
	}
	err = s.db.View(ctx, func(tx *db.Tx) error { d.Obstacle = mayLeave(tx, a.UserID); return nil })
	if d.Obstacle != nil && !fault.Is(d.Obstacle, fault.Conflict) {
		return d, d.Obstacle
	}
	return d, err
}

// mayLeave refuses to let the last owner of an organization or the last staff admin go (Z5). It locks what it looked at until the end of the
// transaction, so that of two who leave together one stays.
func mayLeave(tx *db.Tx, userID db.ID) error {
	lock := ""
	if tx.Home.Dialect == db.Postgres {
		lock = " ORDER BY o.id FOR UPDATE OF o"
	}
	var orgs []struct {
		ID   db.ID
		Name string
	}
	err := tx.Raw(`SELECT o.id, o.name FROM organizations o JOIN members m ON m.organization_id = o.id
		WHERE m.user_id = ? AND m.role = 'owner' AND o.kind <> 'personal' AND o.deleted_at IS NULL`+lock, userID).Scan(&orgs).Error
	if err != nil {
		return err
	}
	for _, o := range orgs {
		var others int64
		err := tx.Raw(`SELECT COUNT(*) FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ? AND m.role = 'owner' AND m.user_id <> ?
			AND u.deleted_at IS NULL AND NOT (u.suspended_at IS NOT NULL AND (u.suspended_until IS NULL OR u.suspended_until > ?))`, o.ID, userID, tx.Now).Scan(&others).Error
		if err != nil {
			return err
		}
		if others == 0 {
			return fault.New(fault.Conflict, "You are the only owner of %s. Make somebody else an owner first, or delete the organization.", o.Name)
		}
		if err := WayStays(tx, o.ID, userID); err != nil {
			return err
		}
	}
	return adminStays(tx, userID)
}

// adminStays refuses to take away the last staff admin who can sign in. The rows of the admins stay locked, so that two can't each count on the other.
func adminStays(tx *db.Tx, leaving db.ID) error {
	lock := ""
	if tx.Home.Dialect == db.Postgres {
		lock = " ORDER BY id FOR UPDATE"
	}
	var admins []User
	if err := tx.Raw("SELECT * FROM users WHERE staff_role = ? AND deleted_at IS NULL"+lock, permission.StaffAdmin).Scan(&admins).Error; err != nil {
		return err
	}
	is, others := false, 0
	for _, u := range admins {
		switch {
		case u.ID == leaving:
			is = true
		case u.Active(tx.Now):
			others++
		}
	}
	if is && others == 0 {
		return fault.New(fault.Conflict, "This is the last admin of the portal. Make somebody else an admin first.")
	}
	return nil
}

// Delete ends the actor's account for ever, given its address and password. What belongs to the person is erased: name, address, password, sessions, mails, personal
// values in the audit log. The personal organization goes with its apps, and their keys stop. Faults: Invalid about "email" or "password", Conflict for
// the last owner of an organization and the last admin, RateLimited, Unavailable. What they wrote for others stays, without the name. One last letter tells it, in case
// that it was somebody else; its address and text are gone within a day.
func (s *Store) Delete(ctx context.Context, a actor.Actor, email, plain string) error {
	return s.delete(ctx, a, email, plain, false)
}

// DeleteWithWords is Delete, and takes along what they wrote for others, too.
func (s *Store) DeleteWithWords(ctx context.Context, a actor.Actor, email, plain string) error {
	return s.delete(ctx, a, email, plain, true)
}

func (s *Store) delete(ctx context.Context, a actor.Actor, email, plain string, words bool) error {
	typed, bad := CanonicalEmail(email)
	u, err := s.ByID(ctx, a.UserID)
	if err != nil {
		return err
	}
	if bad != nil || subtle.ConstantTimeCompare([]byte(typed), []byte(u.Email)) == 0 {
		return fault.BadField("email", "Type the address of this account.")
	}
	proven, err := s.confirmPassword(ctx, a, "password", plain)
	if err != nil {
		return err
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := mayLeave(tx, u.ID); err != nil { // which takes its locks first
			return err
		}
		if err := stillCurrent(tx, proven, "password"); err != nil {
			return err
		}
		p, err := personOf(tx, u)
		if err != nil {
			return err
		}
		last, err := lastAddresses(tx, u)
		if err != nil {
			return err
		}
		if err := s.erase(tx, u, p, words); err != nil {
			return err
		}
		// What was erased before comes back for these letters alone, and goes with them (package outbox).
		for _, address := range last {
			if err := s.outbox.Queue(tx, s.letterDeleted(tx.Context(), u, address, tx.Now)); err != nil {
				return err
			}
		}
		// The event itself must not bring back what was just erased.
		nobody := actor.Actor{Kind: actor.User, UserID: u.ID, RequestID: a.RequestID}
		audit.Record(tx, nobody, audit.Event{Act: audit.UserDeleted, TargetKind: "user", TargetID: u.ID})
		change.Record(tx, change.User, u.ID)
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.db.Scrub(context.WithoutCancel(ctx)); err != nil { // they are gone all the same, and the next sweep tries again
		slog.Warn("the write-ahead log was not emptied", "error", err)
	}
	return nil
}

// erase takes the person out of everything, and has the other areas do what is theirs.
func (s *Store) erase(tx *db.Tx, u User, p privacy.Person, words bool) error {
	were, err := membershipsOf(tx, u.ID)
	if err != nil {
		return err
	}
	if err := deletePersonal(tx, p.Org); err != nil {
		return err
	}
	if err := eraseEvents(tx, p); err != nil {
		return err
	}
	if err := eraseUser(tx, u, p); err != nil {
		return err
	}
	return s.leaveBehind(tx, Gone{UserID: u.ID, Memberships: were}, words)
}

// lastAddresses are to where it is told that u is gone: their address, and those from which a change could still have been undone. Whoever changed it may be
// who deletes the account.
func lastAddresses(tx *db.Tx, u User) ([]string, error) {
	var former []string
	err := tx.Raw(`SELECT DISTINCT email FROM one_time_links l WHERE user_id = ? AND purpose = ? AND used_at IS NULL AND expires_at > ? AND email <> ?
		AND NOT EXISTS (SELECT 1 FROM users o WHERE o.email = l.email)`, u.ID, linkUndo, tx.Now, u.Email).Scan(&former).Error
	return append([]string{u.Email}, former...), err
}

// leaveBehind has the areas that this one does not know do what is theirs.
func (s *Store) leaveBehind(tx *db.Tx, who Gone, words bool) error {
	for _, fn := range s.onDelete {
		if err := fn(tx, who); err != nil {
			return err
		}
	}
	if s.leave == nil {
		return nil
	}
	return s.leave(tx, who.UserID, words)
}

// membershipsOf are the organizations of a user that are not deleted, with their role.
func membershipsOf(tx *db.Tx, user db.ID) (all []Membership, err error) {
	err = tx.Raw("SELECT m.organization_id, m.role FROM members m JOIN organizations o ON o.id = m.organization_id AND o.deleted_at IS NULL WHERE m.user_id = ? ORDER BY m.organization_id", user).Scan(&all).Error
	return all, err
}

// deletePersonal deletes the personal organization with its apps; verification forgets them by the change feed.
func deletePersonal(tx *db.Tx, org db.ID) error {
	if org.IsZero() {
		return nil
	}
	var apps []db.ID
	if err := tx.Raw("UPDATE apps SET deleted_at = ?, updated_at = ? WHERE organization_id = ? AND deleted_at IS NULL RETURNING id", tx.Now, tx.Now, org).Scan(&apps).Error; err != nil {
		return err
	}
	if err := audit.ErasePerson(tx, org); err != nil {
		return err
	}
	for _, app := range apps {
		change.Record(tx, change.App, app)
	}
	change.Record(tx, change.Organization, org)
	_, err := tx.Run("UPDATE organizations SET deleted_at = ?, updated_at = ? WHERE id = ?", tx.Now, tx.Now, org)
	return err
}

// personOf is the user as package privacy knows people: with the addresses that were theirs, unless another account has them by now.
func personOf(tx *db.Tx, u User) (p privacy.Person, err error) {
	p = privacy.Person{ID: u.ID, Email: u.Email}
	if p.Org, err = personalOrganization(tx, u.ID); err != nil {
		return p, err
	}
	err = tx.Raw(`SELECT DISTINCT p.value FROM audit_personal p JOIN audit_events e ON e.id = p.event_id
		WHERE e.target_id = ? AND e.act IN ? AND p.field IN ('email', 'old_email') AND p.value <> ? AND NOT EXISTS (SELECT 1 FROM users o WHERE o.email = p.value)`,
		u.ID, []audit.Act{audit.UserSignedUp, audit.UserEmailChanged, audit.UserEmailUndone}, u.Email).Scan(&p.Former).Error
	return p, err
}

// eraseEvents deletes what the audit log holds of a person apart from its chain: all of what they did and what was done to them and to their second factors, and in
// the events of others the addresses that were theirs.
func eraseEvents(tx *db.Tx, p privacy.Person) error {
	for _, address := range append(p.Former, p.Email) {
		if err := audit.EraseValue(tx, address); err != nil {
			return err
		}
	}
	var factors []db.ID // also those that they removed: who added a factor is whose it was
	if err := tx.Raw("SELECT id FROM factors WHERE user_id = ? UNION SELECT target_id FROM audit_events WHERE actor_id = ? AND target_kind = 'factor' AND act = ?", p.ID, p.ID, audit.FactorAdded).Scan(&factors).Error; err != nil {
		return err
	}
	for _, id := range append(factors, p.ID) {
		if err := audit.ErasePerson(tx, id); err != nil {
			return err
		}
	}
	return nil
}

// eraseUser takes out what package privacy declares, ends the sign-ups of the addresses, and shuts the person out.
func eraseUser(tx *db.Tx, u User, p privacy.Person) error {
	for _, address := range append(p.Former, u.Email) {
		if err := endSignups(tx, address, db.ID{}); err != nil {
			return err
		}
	}
	if err := privacy.Erase(tx, p); err != nil {
		return err
	}
	if err := shutOut(tx, u.ID, db.ID{}); err != nil {
		return err
	}
	_, err := tx.Run("UPDATE users SET deleted_at = ?, updated_at = ? WHERE id = ?", tx.Now, tx.Now, u.ID)
	return err
}

// personalOrganization is the id of the user's own organization; zero when there is none.
func personalOrganization(tx *db.Tx, userID db.ID) (db.ID, error) {
	var ids []db.ID
	if err := tx.Raw("SELECT id FROM organizations WHERE personal_user_id = ?", userID).Scan(&ids).Error; err != nil || len(ids) == 0 {
		return db.ID{}, err
	}
	return ids[0], nil
}

// Locale is how u reads.
func (u User) Locale() text.Locale { return u.locale() }
