package invitation

import (
	"context"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// tokenBytes are the random bytes of a link.
const tokenBytes = 24

// needs is the permission that giving a role takes: nobody gives more than they have (Z5).
func needs(role string) permission.Name {
	if role == permission.Owner {
		return permission.OwnersManage
	}
	return permission.MembersManage
}

// Input says who is invited as what.
type Input struct {
	Email string
	Role  string
}

func (in *Input) check() error {
	var p fault.Problems
	address, err := account.CanonicalEmail(in.Email)
	if f := fault.As(err); f != nil {
		p = append(p, f.Problems...)
	}
	audit.NoKey(&p, "email", in.Email)
	p.Check(slices.Contains(org.Roles, in.Role), "role", "Choose a role of the list.")
	in.Email = address
	return p.Err()
}

// Invite sends an invitation. Whoever calls has asked for a fresh proof to make an owner, and so of Resend (A14). Faults: NotFound, Forbidden for a role that the actor can't give, Invalid about "email" and "role", Conflict for a personal
// organization, a suspended one and a full one, RateLimited.
func (s *Store) Invite(ctx context.Context, a actor.Actor, organizationID db.ID, in Input) (Invitation, error) {
	var out Invitation
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := org.Require(tx.DB, a, organizationID, permission.MembersManage); err != nil {
			return err
		}
		if err := in.check(); err != nil {
			return err
		}
		if _, err := org.Require(tx.DB, a, organizationID, needs(in.Role)); err != nil {
			return fault.BadField("role", "Only an owner makes owners. Choose another role.")
		}
		if err := org.LockMembers(tx, organizationID); err != nil {
			return err
		}
		if err := s.mayInvite(tx, a, organizationID, in.Email); err != nil {
			return err
		}
		id, token := db.NewID(), secret.Token(tokenBytes)
		_, err := tx.Run("INSERT INTO invitations (id, organization_id, email, role, digest, invited_by, sent, sent_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?)",
			id, organizationID, in.Email, in.Role, digestOf(token), a.UserID, tx.Now, tx.Now.Add(Age), tx.Now)
		if err != nil {
			return err
		}
		out, err = s.send(tx, a, organizationID, id, token, audit.MemberInvited)
		return err
	})
	return out, err
}

// mayInvite refuses what no role allows.
func (s *Store) mayInvite(tx *db.Tx, a actor.Actor, organizationID db.ID, email string) error {
	if !a.SignedIn() { // a person answers for the mail, and the invitation works while they may give the role
		return fault.Denied()
	}
	o, err := org.ByID(tx.DB, organizationID)
	if err != nil {
		return err
	}
	switch {
	case o.Kind == org.Personal:
		return fault.New(fault.Conflict, "This is a personal organization, which has one member. Create an organization to work together.")
	case o.Suspended(tx.Now):
		return fault.New(fault.Conflict, "This organization is suspended, and invites nobody until that ends.")
	}
	var n struct{ Members, Same, Open, Invited int64 }
	err = tx.Raw(`SELECT (SELECT COUNT(*) FROM members WHERE organization_id = ?) AS members,
		(SELECT COUNT(*) FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ? AND u.email = ?) AS same,
		(SELECT COUNT(*) FROM invitations WHERE organization_id = ?) AS open,
		(SELECT COUNT(*) FROM invitations WHERE organization_id = ? AND email = ?) AS invited`,
		organizationID, organizationID, email, organizationID, organizationID, email).Scan(&n).Error
	switch {
	case err != nil:
		return err
	case n.Same > 0:
		return fault.BadField("email", "Whoever has this address is a member already.")
	case n.Invited > 0:
		return fault.BadField("email", "There is an invitation to this address. Send that again, or revoke it first.")
	case n.Open >= MaxOpen:
		return fault.New(fault.Conflict, "This organization has %d open invitations, which is the most that one can have.", int(n.Open))
	case n.Members >= MaxMembers:
		return fault.New(fault.Conflict, "This organization has %d members, which is the most that one can have.", int(n.Members))
	}
	return nil
}

// Resend sends an invitation again with a new link and a new end; the former link stops working. Whoever does so now stands behind it. Faults: NotFound,
// Forbidden, Conflict for a suspended organization, RateLimited.
func (s *Store) Resend(ctx context.Context, a actor.Actor, organizationID, id db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		i, err := managed(tx, a, organizationID, id)
		if err != nil {
			return err
		}
		if !a.SignedIn() {
			return fault.Denied()
		}
		o, err := org.ByID(tx.DB, organizationID)
		if err != nil {
			return err
		}
		if o.Suspended(tx.Now) {
			return fault.New(fault.Conflict, "This organization is suspended, and invites nobody until that ends.")
		}
		token := secret.Token(tokenBytes)
		_, err = tx.Run("UPDATE invitations SET digest = ?, invited_by = ?, sent = sent + 1, sent_at = ?, expires_at = ? WHERE id = ?", digestOf(token), a.UserID, tx.Now, tx.Now.Add(Age), i.ID)
		if err != nil {
			return err
		}
		_, err = s.send(tx, a, organizationID, id, token, audit.InvitationResent)
		return err
	})
}

// Revoke ends an invitation; its link and its line on the console of who was invited are gone at once. Faults: NotFound, Forbidden.
func (s *Store) Revoke(ctx context.Context, a actor.Actor, organizationID, id db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		i, err := managed(tx, a, organizationID, id)
		if err != nil {
			return err
		}
		n, err := tx.Run("DELETE FROM invitations WHERE id = ?", id)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.Missing()
		}
		record(tx, a, audit.InvitationRevoked, i)
		return nil
	})
}

// managed is an invitation of an organization where the actor may give its role.
func managed(tx *db.Tx, a actor.Actor, organizationID, id db.ID) (Invitation, error) {
	if _, err := org.Require(tx.DB, a, organizationID, permission.MembersManage); err != nil {
		return Invitation{}, err
	}
	if err := org.LockMembers(tx, organizationID); err != nil {
		return Invitation{}, err
	}
	i, err := one(tx.DB, tx.Now, "WHERE i.organization_id = ? AND i.id = ?", organizationID, id)
	if err != nil {
		return Invitation{}, err
	}
	_, err = org.Require(tx.DB, a, organizationID, needs(i.Role))
	return i, err
}

// EndTx ends the invitation of a user's address that waits, as part of the transaction that takes them out of the organization: what was sent before is no way back (K6, Z7).
func EndTx(tx *db.Tx, a actor.Actor, organizationID, userID db.ID) error {
	var rows []Invitation
	if err := tx.Raw("DELETE FROM invitations WHERE organization_id = ? AND email = (SELECT email FROM users WHERE id = ?) RETURNING *", organizationID, userID).Scan(&rows).Error; err != nil {
		return err
	}
	for _, i := range rows {
		record(tx, a, audit.InvitationRevoked, i)
	}
	return nil
}

func record(tx *db.Tx, a actor.Actor, act audit.Act, i Invitation) {
	audit.Record(tx, a, audit.Event{
		Act: act, TargetKind: "invitation", TargetID: i.ID, OrganizationID: i.OrganizationID,
		Details: map[string]string{"role": i.Role}, Personal: map[string]string{"email": i.Email},
	})
}

// send counts and writes the mail, and records the act.
func (s *Store) send(tx *db.Tx, a actor.Actor, organizationID, id db.ID, token string, act audit.Act) (Invitation, error) {
	i, err := one(tx.DB, tx.Now, "WHERE i.id = ?", id)
	if err != nil {
		return i, err
	}
	for _, b := range []struct {
		bucket string
		most   int
	}{{"invitations of " + organizationID.String(), perOrganization}, {"invitations by " + a.UserID.String(), perPerson}, {"invitations to " + i.Email + " of " + organizationID.String(), perAddressOfOne}} {
		ok, err := account.TakeTx(tx, b.bucket, b.most, window)
		if err != nil {
			return i, err
		}
		if !ok {
			return i, fault.Later(window, "That was too much mail for one day. Try again tomorrow.")
		}
	}
	record(tx, a, act, i)
	// Whether others wrote to this address is not told: without a mail the invitation stands on the console of who has it all the same.
	if ok, err := account.TakeTx(tx, "invitations to "+i.Email, perAddress, window); err != nil || !ok {
		return i, err
	}
	return i, s.write(tx, a, i, token)
}

func (s *Store) write(tx *db.Tx, a actor.Actor, i Invitation, token string) error {
	var to []org.Recipient // the account with the address, if there is one: its id alone; else in the inviter's language
	if err := tx.Raw(`SELECT CASE WHEN email = ? THEN id END AS id, language, time_zone FROM users WHERE (email = ? OR id = ?) AND deleted_at IS NULL ORDER BY CASE WHEN email = ? THEN 0 ELSE 1 END LIMIT 1`,
		i.Email, i.Email, a.UserID, i.Email).Scan(&to).Error; err != nil || len(to) == 0 {
		return err
	}
	button := outbox.L("See the invitation")
	return s.outbox.Queue(tx, outbox.Letter{
		Kind: "invitation", To: i.Email, UserID: to[0].ID, Language: to[0].Language, TimeZone: to[0].TimeZone, ExpiresAt: i.ExpiresAt,
		Subject: outbox.L("You are invited to an organization"),
		Lines: []outbox.Line{
			outbox.L("%s invites you to the organization %s.", i.InviterName, i.OrganizationName),
			outbox.L("Accept with the account whose address is %v; if you have none, create it with this address.", i.Email),
		},
		Button: &button, URL: s.link("/invitation?token=" + token),
		After: []outbox.Line{outbox.L("The invitation works until %s. If you don’t know who this is, do nothing.", to[0].Moment(i.ExpiresAt))},
	})
}
