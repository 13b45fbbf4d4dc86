package scim

import (
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// join makes somebody a member, as what their groups give or the directory's default role. Who is one already keeps what they have, but for what groups give.
func (s *Store) join(tx *db.Tx, a actor.Actor, u User, made bool) error {
	role, byGroup, err := given(tx, u)
	if err != nil {
		return err
	}
	if u.Role != "" {
		return s.settle(tx, a, u)
	}
	if err := roomFor(tx, "SELECT COUNT(*) FROM members WHERE organization_id = ?", u.OrganizationID, org.MaxMembers); err != nil {
		return err
	}
	for _, step := range []struct {
		query string
		args  []any
	}{
		{"INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", []any{u.OrganizationID, u.UserID, role, tx.Now}},
		{"DELETE FROM domain_barred WHERE organization_id = ? AND user_id = ?", []any{u.OrganizationID, u.UserID}},
		{"UPDATE scim_users SET by_group = ? WHERE id = ?", []any{byGroup, u.ID}},
	} {
		if _, err := tx.Run(step.query, step.args...); err != nil {
			return err
		}
	}
	audit.Record(tx, a, audit.Event{Act: audit.MemberJoined, TargetKind: "user", TargetID: u.UserID, OrganizationID: u.OrganizationID, Details: map[string]string{"role": role}})
	told, err := org.LetterTx(tx, a, u.UserID)
	if err != nil || !told {
		return err
	}
	return s.welcome(tx, u, made)
}

// given is the role that a user has by the directory: the highest that one of their groups gives, or the default.
func given(tx *db.Tx, u User) (role string, byGroup bool, err error) {
	var roles []string
	if err := tx.Raw("SELECT g.role FROM scim_group_members m JOIN scim_groups g ON g.id = m.group_id WHERE m.scim_id = ? AND g.role <> ''", u.ID).Scan(&roles).Error; err != nil {
		return "", false, err
	}
	for _, r := range roles {
		if slices.Contains(GroupRoles, r) && slices.Index(org.Roles, r) > slices.Index(org.Roles, role) {
			role = r
		}
	}
	if role != "" {
		return role, true, nil
	}
	var defaults []string
	err = tx.Raw("SELECT default_role FROM scim_directories WHERE organization_id = ?", u.OrganizationID).Scan(&defaults).Error
	if len(defaults) == 0 {
		return permission.Viewer, false, err
	}
	return defaults[0], false, err
}

// settle gives a member the role of their groups. Who has one from no group keeps what people gave them, and owners are nobody's to change but owners' (Z5).
func (s *Store) settle(tx *db.Tx, a actor.Actor, u User) error {
	if u.Role == "" || u.Role == permission.Owner {
		return nil
	}
	role, byGroup, err := given(tx, u)
	if err != nil || !byGroup && !u.ByGroup {
		return err
	}
	if byGroup != u.ByGroup {
		if _, err := tx.Run("UPDATE scim_users SET by_group = ? WHERE id = ?", byGroup, u.ID); err != nil {
			return err
		}
	}
	return s.orgs.GiveRoleTx(tx, a, u.OrganizationID, u.UserID, role)
}

// settleAll settles users of a directory, of whom the ids tell. The caller holds org.LockMembers.
func (s *Store) settleAll(tx *db.Tx, a actor.Actor, organizationID db.ID, ids []db.ID) error {
	for part := range slices.Chunk(ids, 200) {
		var rows []User
		if err := tx.Raw(userRows+"AND s.id IN ? ORDER BY s.id", organizationID, part).Scan(&rows).Error; err != nil {
			return err
		}
		for _, u := range rows {
			if err := s.settle(tx, a, u); err != nil {
				return err
			}
		}
	}
	return nil
}

// leave takes somebody out, as removing them by hand does, also who is no member now, and ends their sessions: of an account whose address is in a domain of the organization's, and that is
// not of the portal's staff. Faults: Conflict for the last owner (Z5).
func (s *Store) leave(tx *db.Tx, a actor.Actor, u User) error {
	out := s.handover.DepartTx
	if u.Role == "" { // they left before, and come back by the directory alone
		out = s.handover.BarTx
	}
	if err := out(tx, a, u.OrganizationID, u.UserID); err != nil {
		return err
	}
	holder, _, ok, err := domain.Of(tx.DB, u.Address)
	if err != nil || !ok || holder != u.OrganizationID || u.StaffRole != "" {
		return err
	}
	audit.Record(tx, a, audit.Event{Act: audit.SessionsEnded, TargetKind: "user", TargetID: u.UserID})
	return account.ShutOut(tx, u.UserID)
}

// welcome tells somebody that they are a member, and who has just got an account how to sign in.
func (s *Store) welcome(tx *db.Tx, u User, made bool) error {
	o, err := org.ByID(tx.DB, u.OrganizationID)
	if err != nil {
		return err
	}
	var to []org.Recipient
	if err := tx.Raw("SELECT id, email, language, time_zone FROM users WHERE id = ? AND deleted_at IS NULL AND email_verified_at IS NOT NULL", u.UserID).Scan(&to).Error; err != nil || len(to) == 0 {
		return err
	}
	button := outbox.L("See the organization")
	l := outbox.Letter{
		Kind: "directory_joined", To: to[0].Email, UserID: to[0].ID, Language: to[0].Language, TimeZone: to[0].TimeZone,
		Subject: outbox.L("You are a member of an organization now"), Lines: []outbox.Line{outbox.L("The directory of %s made you a member of it.", o.Name)},
		Button: &button, URL: s.link("/console/organizations/" + o.ID.Show(org.Prefix)),
	}
	if made {
		set := outbox.L("Set a password")
		l.Lines = append(l.Lines, outbox.L("You have an account with this address now. Sign in with your organization’s provider, or set a password."))
		l.Button, l.URL = &set, s.link("/password/forgot")
	}
	return s.outbox.Queue(tx, l)
}

// noSuchUser names the first of these whom the directory does not have, as Invalid about "members".
func noSuchUser(tx *db.Tx, organizationID db.ID, ids []db.ID) error {
	var known []db.ID
	if err := tx.Raw("SELECT id FROM scim_users WHERE organization_id = ? AND id IN ?", organizationID, ids).Scan(&known).Error; err != nil {
		return err
	}
	for _, id := range without(ids, known) {
		return fault.BadField("members", "There is no user %s in this directory. Make the user first, then the member.", id.Show(UserPrefix))
	}
	return fault.BadField("members", "A member of a group is named by the id of a user of this directory.")
}
