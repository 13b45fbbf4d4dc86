package handover

import (
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
)

// BarTx has somebody who is no member come in by a new invitation alone, or by the directory: neither by their address, nor by an invitation from before, nor by what is shared with
// another organization of theirs. It is part of the transaction of a caller who holds org.LockMembers.
func (s *Store) BarTx(tx *db.Tx, a actor.Actor, organizationID, userID db.ID) error {
	if err := invitation.EndTx(tx, a, organizationID, userID); err != nil {
		return err
	}
	_, err := tx.Run("INSERT INTO domain_barred (organization_id, user_id, created_at) VALUES (?, ?, ?) ON CONFLICT (organization_id, user_id) DO NOTHING", organizationID, userID, tx.Now)
	return err
}

// bar is BarTx of who was removed, and of who left while the organization shares apps: they may have shared them before, with an organization that they are in or will be, whatever
// their role was at the end.
func (s *Store) bar(tx *db.Tx, a actor.Actor, organizationID, userID db.ID, act audit.Act) error {
	if act != audit.MemberRemoved {
		if shares, err := org.Shares(tx, organizationID); err != nil || !shares {
			return err
		}
	}
	return s.BarTx(tx, a, organizationID, userID)
}

// tellShares is org.TellShares when the role of who is gone was one that shares apps.
func (s *Store) tellShares(tx *db.Tx, a actor.Actor, organizationID db.ID, role string) error {
	if !org.Sharer(role) {
		return nil
	}
	return org.TellShares(tx, a, s.outbox, s.link, organizationID)
}
