package account

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// InviteAge is how long the link of InviteStaff works.
const InviteAge = 24 * time.Hour

// InviteStaff makes a staff account without a password and returns the link, once, by which its owner sets one. Until then nobody can sign in
// with it. When the link was lost, asking for a new password at the address does the same. Faults: Forbidden, also for a role beyond the
// actor's own, Invalid about "email", "name" or "role", Conflict when the address has an account.
func (s *Store) InviteStaff(ctx context.Context, a actor.Actor, email, name, role string) (User, string, error) {
	if !a.Trusted() && !permission.Staff(a.StaffRole, permission.StaffRolesManage) {
		return User{}, "", fault.Lacking(string(permission.StaffRolesManage), "")
	}
	var p fault.Problems
	name = checkName(&p, "name", name)
	address, err := CanonicalEmail(email)
	if f := fault.As(err); f != nil {
		p = append(p, f.Problems...)
	}
	p.Check(staffrole.CanBe(role), "role", "Choose a role of the list.")
	if err := p.Err(); err != nil {
		return User{}, "", err
	}
	var u User
	var token string
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := staffrole.Given(tx, a, role, ""); err != nil {
			return err
		}
		if u, err = s.AddUser(tx, NewUser{Email: address, Name: name, StaffRole: role}); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.UserInvited, TargetKind: "user", TargetID: u.ID, Details: map[string]string{"role": role}, Personal: map[string]string{"email": address}})
		token, err = newLink(tx, u.ID, linkReset, "", InviteAge)
		return err
	})
	if err != nil {
		return User{}, "", err
	}
	return u, s.link("/password/reset?token=" + token), nil
}
