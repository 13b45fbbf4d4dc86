package account

import (
	"context"
	"crypto/subtle"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
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
// the last owner of an organization and the last admin, RateLimited, Unavailable.
func (s *Store) Delete(ctx context.Context, a actor.Actor, email, plain string) error {
	typed, bad := CanonicalEmail(email)
	u, err := s.ByID(ctx, a.UserID)
	if err != nil {
		return err
	}
	if bad != nil || subtle.ConstantTimeCompare([]byte(typed), []byte(u.Email)) == 0 {
		return fault.BadField("email", "Type the address of this account.")
	}
	if _, err := s.confirmPassword(ctx, a, "password", plain); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := mayLeave(tx, u.ID); err != nil {
			return err
		}
		if err := deletePersonal(tx, u.ID); err != nil {
			return err
		}
		if err := eraseEvents(tx, u); err != nil {
			return err
		}
		if err := eraseUser(tx, u); err != nil {
			return err
		}
		for _, fn := range s.onDelete {
			if err := fn(tx, u.ID); err != nil {
				return err
			}
		}
		// The event itself must not bring back what was just erased.
		nobody := actor.Actor{Kind: actor.User, UserID: u.ID, RequestID: a.RequestID}
		audit.Record(tx, nobody, audit.Event{Act: audit.UserDeleted, TargetKind: "user", TargetID: u.ID})
		change.Record(tx, change.User, u.ID)
		return nil
	})
}

// deletePersonal deletes the personal organization with its apps; verification forgets them by the change feed.
func deletePersonal(tx *db.Tx, userID db.ID) error {
	org, err := personalOrganization(tx, userID)
	if err != nil || org.IsZero() {
		return err
	}
	var apps []db.ID
	if err := tx.Raw("UPDATE apps SET deleted_at = ?, updated_at = ? WHERE organization_id = ? AND deleted_at IS NULL RETURNING id", tx.Now, tx.Now, org).Scan(&apps).Error; err != nil {
		return err
	}
	if _, err := tx.Run("UPDATE apps SET name = ?, description = '', homepage_url = '' WHERE organization_id = ?", erasedApp, org); err != nil {
		return err
	}
	if err := audit.ErasePerson(tx, org); err != nil {
		return err
	}
	for _, app := range apps {
		change.Record(tx, change.App, app)
	}
	change.Record(tx, change.Organization, org)
	_, err = tx.Run("UPDATE organizations SET deleted_at = ?, updated_at = ?, name = ?, technical_email = '' WHERE id = ?", tx.Now, tx.Now, erasedName, org)
	return err
}

// What stands where a deleted user's name was, and those of their apps. It is data, the same in every language.
const (
	erasedName = "Deleted user"
	erasedApp  = "Deleted app"
)

// eraseEvents deletes what the audit log holds of a person apart from its chain: all of what they did and what was done to them, and in the events of
// others the addresses that were theirs, unless another account has them by now. Mails to those addresses go too.
func eraseEvents(tx *db.Tx, u User) error {
	var addresses []string
	err := tx.Raw(`SELECT DISTINCT p.value FROM audit_personal p JOIN audit_events e ON e.id = p.event_id
		WHERE e.target_id = ? AND e.act IN ? AND p.field IN ('email', 'old_email') AND NOT EXISTS (SELECT 1 FROM users o WHERE o.email = p.value)`,
		u.ID, []audit.Act{audit.UserSignedUp, audit.UserEmailChanged, audit.UserEmailUndone}).Scan(&addresses).Error
	if err != nil {
		return err
	}
	for _, address := range append(addresses, u.Email) {
		if err := audit.EraseValue(tx, address); err != nil {
			return err
		}
		if _, err := tx.Run("DELETE FROM mails WHERE recipient = ?", address); err != nil {
			return err
		}
	}
	return audit.ErasePerson(tx, u.ID)
}

func eraseUser(tx *db.Tx, u User) error {
	address := "deleted-" + u.ID.String() + "@deleted.invalid"
	steps := []struct {
		query string
		args  []any
	}{
		{`UPDATE users SET email = ?, name = ?, display_name = ?, language = 'en', time_zone = 'UTC', password_sealed = NULL, staff_role = '',
			suspended_reason = '', posting_blocked_reason = '', deleted_at = ?, updated_at = ? WHERE id = ?`, []any{address, erasedName, erasedName, tx.Now, tx.Now, u.ID}},
		{"DELETE FROM members WHERE user_id = ?", []any{u.ID}},
		{"DELETE FROM one_time_links WHERE user_id = ?", []any{u.ID}},
		{"DELETE FROM form_tokens WHERE user_id = ?", []any{u.ID}},
		{"DELETE FROM factors WHERE user_id = ?", []any{u.ID}},
		{"DELETE FROM recovery_codes WHERE user_id = ?", []any{u.ID}},
		{"DELETE FROM factor_failures WHERE user_id = ?", []any{u.ID}},
		{"DELETE FROM identities WHERE user_id = ?", []any{u.ID}},
		{"DELETE FROM provider_visits WHERE address = ?", []any{u.Email}},
		{"DELETE FROM mails WHERE user_id = ?", []any{u.ID}},
		{"DELETE FROM page_ratings WHERE user_id = ?", []any{u.ID}},
		{"DELETE FROM follows WHERE user_id = ?", []any{u.ID}},
		{"DELETE FROM notice_choices WHERE user_id = ?", []any{u.ID}},
		{"UPDATE questions SET app_id = NULL WHERE asker_id = ?", []any{u.ID}},
		{"UPDATE flags SET words = '' WHERE flagger_id = ?", []any{u.ID}},
		{"UPDATE questions SET votes = votes - 1 WHERE id IN (SELECT p.question_id FROM posts p JOIN votes v ON v.post_id = p.id WHERE v.user_id = ? AND p.kind = 'question')", []any{u.ID}},
		{"UPDATE posts SET votes = votes - 1 WHERE id IN (SELECT post_id FROM votes WHERE user_id = ?)", []any{u.ID}},
		{"DELETE FROM votes WHERE user_id = ?", []any{u.ID}},
		{"DELETE FROM answering WHERE user_id = ?", []any{u.ID}},
		{"DELETE FROM support_team_members WHERE user_id = ?", []any{u.ID}},
		{"UPDATE questions SET assignee_id = NULL WHERE assignee_id = ?", []any{u.ID}},
		{"UPDATE tutorial_ticks SET user_id = NULL WHERE user_id = ?", []any{u.ID}},
		{"DELETE FROM invitations WHERE email = ?", []any{u.Email}},
		{"DELETE FROM domain_barred WHERE user_id = ?", []any{u.ID}},
		{"DELETE FROM app_members WHERE user_id = ?", []any{u.ID}},
		{"UPDATE organizations SET technical_email = '' WHERE technical_email = ?", []any{u.Email}},
	}
	for _, step := range steps {
		if _, err := tx.Run(step.query, step.args...); err != nil {
			return err
		}
	}
	if err := endSignups(tx, u.Email, db.ID{}); err != nil {
		return err
	}
	return shutOut(tx, u.ID, db.ID{})
}

// personalOrganization is the id of the user's own organization; zero when there is none.
func personalOrganization(tx *db.Tx, userID db.ID) (db.ID, error) {
	var ids []db.ID
	if err := tx.Raw("SELECT id FROM organizations WHERE personal_user_id = ?", userID).Scan(&ids).Error; err != nil || len(ids) == 0 {
		return db.ID{}, err
	}
	return ids[0], nil
}
