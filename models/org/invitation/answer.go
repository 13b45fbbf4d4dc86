package invitation

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Accept makes the actor a member with the role of the invitation, and uses that up: of parallel tries one gets it. Who is a member already keeps
// their role. Of a new owner the others are told. Faults: NotFound for none that the actor can accept now, Conflict for a full organization and for a suspended one.
func (s *Store) Accept(ctx context.Context, a actor.Actor, id db.ID) (Invitation, error) {
	var out Invitation
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		i, err := forMe(tx.DB, tx.Now, a, id)
		if err != nil {
			return err
		}
		if err := org.LockMembers(tx, i.OrganizationID); err != nil {
			return err
		}
		if i, err = forMe(tx.DB, tx.Now, a, id); err != nil { // what was so before the lock
			return err
		}
		o, err := org.ByID(tx.DB, i.OrganizationID)
		if err != nil {
			return err
		}
		if o.Suspended(tx.Now) {
			return fault.New(fault.Conflict, "This organization is suspended, and takes nobody in until that ends.")
		}
		var members int64
		if err := tx.Raw("SELECT COUNT(*) FROM members WHERE organization_id = ?", i.OrganizationID).Scan(&members).Error; err != nil {
			return err
		}
		if members >= MaxMembers {
			return fault.New(fault.Conflict, "This organization has %d members, which is the most that one can have.", int(members))
		}
		if err := take(tx, i); err != nil {
			return err
		}
		n, err := tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (organization_id, user_id) DO NOTHING", i.OrganizationID, a.UserID, i.Role, tx.Now)
		if err != nil {
			return err
		}
		if _, err := tx.Run("DELETE FROM domain_barred WHERE organization_id = ? AND user_id = ?", i.OrganizationID, a.UserID); err != nil {
			return err
		}
		if n > 0 {
			audit.Record(tx, a, audit.Event{Act: audit.MemberJoined, TargetKind: "user", TargetID: a.UserID, OrganizationID: i.OrganizationID, Details: map[string]string{"role": i.Role}})
		}
		out = i
		if n > 0 && i.Role == permission.Owner {
			return org.TellOwners(tx, s.outbox, s.link, o, a.UserID)
		}
		return nil
	})
	return out, err
}

// Decline ends an invitation of the actor's. Faults: NotFound.
func (s *Store) Decline(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		i, err := forMe(tx.DB, tx.Now, a, id)
		if err != nil {
			return err
		}
		if err := take(tx, i); err != nil {
			return err
		}
		record(tx, a, audit.InvitationDeclined, i)
		return nil
	})
}

// take deletes the invitation. Faults: NotFound when somebody was faster.
func take(tx *db.Tx, i Invitation) error {
	n, err := tx.Run("DELETE FROM invitations WHERE id = ?", i.ID)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.Missing()
	}
	return nil
}
