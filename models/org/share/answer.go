package share

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// answering locks an offer that the actor may answer. Faults: NotFound, Forbidden for a member of the lender alone.
func answering(tx *db.Tx, a actor.Actor, id db.ID) (Share, error) {
	share, err := lockedShare(tx, a, id)
	switch {
	case err != nil:
		return share, err
	case !share.Receives():
		return share, fault.New(fault.Forbidden, "An owner or admin of the other organization answers this offer.")
	case !share.Offered():
		return share, fault.New(fault.Conflict, "This offer was accepted already.")
	}
	_, err = org.Require(tx.DB, a, share.ReceiverID, permission.AppsManage)
	return share, err
}

// lockedShare is find under a lock that lasts until the commit.
func lockedShare(tx *db.Tx, a actor.Actor, id db.ID) (Share, error) {
	if _, err := find(tx.DB, a, tx.Now, id); err != nil { // nobody locks what they can't see
		return Share{}, err
	}
	if err := locked(tx, "SELECT 1 FROM app_shares WHERE id = ? FOR UPDATE", id); err != nil {
		return Share{}, err
	}
	return find(tx.DB, a, tx.Now, id)
}

// Accept takes an offer: from the next request on it opens the app to the receiver's people, by their roles. The lender's admins are told. Faults: NotFound,
// Forbidden below admin of the receiver, Conflict while one of the organizations is suspended, and for what was accepted already.
func (s *Store) Accept(ctx context.Context, a actor.Actor, id db.ID) (Share, error) {
	var out Share
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		share, err := answering(tx, a, id)
		if err != nil {
			return err
		}
		if share.Halted {
			return fault.New(fault.Conflict, "One of the two organizations is suspended. The offer can be accepted when that has ended.")
		}
		if _, err := tx.Run("UPDATE app_shares SET accepted_at = ? WHERE id = ?", tx.Now, id); err != nil {
			return err
		}
		if out, err = find(tx.DB, a, tx.Now, id); err != nil {
			return err
		}
		if err := record(tx, a, out, audit.ShareAccepted, audit.ShareTaken, ""); err != nil {
			return err
		}
		return s.tellAccepted(tx, out)
	})
	return out, err
}

// Decline ends an offer. The lender's admins are told. Faults: as Accept.
func (s *Store) Decline(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error {
		share, err := answering(tx, a, id)
		if err != nil {
			return err
		}
		if err := end(tx, a, share, Declined); err != nil {
			return err
		}
		return s.tellDeclined(tx, share)
	})
}

// End ends a share, or takes an offer back, for either side: on the next request it opens nothing any more. The other side's admins are told. Faults: NotFound,
// Forbidden below admin of lender and receiver; Conflict for an offer, on the receiver's side: it is declined.
func (s *Store) End(ctx context.Context, a actor.Actor, id db.ID) (Share, error) {
	var out Share
	err := s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) (err error) { // it stops outsiders from rotating keys
		out, err = lockedShare(tx, a, id)
		if err != nil {
			return err
		}
		cause := ByLender
		switch {
		case out.MayLend() && out.Offered():
			cause = Withdrawn
		case out.MayLend():
		case out.MayAnswer() && out.Offered():
			return fault.New(fault.Conflict, "Nobody has accepted this offer yet. Decline it.")
		case out.MayAnswer():
			cause = ByReceiver
		default:
			return out.Refusal()
		}
		if err := end(tx, a, out, cause); err != nil {
			return err
		}
		return s.tellEnded(tx, out, cause)
	})
	return out, err
}

// end writes down that a share ended, and tells it in both organizations. Nothing happens to one that has ended.
func end(tx *db.Tx, a actor.Actor, s Share, cause Cause) error {
	n, err := tx.Run("UPDATE app_shares SET ended_at = ?, ended_cause = ? WHERE id = ? AND ended_at IS NULL", tx.Now, cause, s.ID)
	if err != nil || n == 0 {
		return err
	}
	lender, receiver := audit.ShareEnded, audit.ShareLost
	if cause == Declined {
		lender, receiver = audit.ShareDeclined, audit.ShareRefused
	}
	return record(tx, a, s, lender, receiver, cause)
}

// EndOfAppTx ends all shares and offers of an app that becomes another organization's. The caller holds a lock on the app.
func EndOfAppTx(tx *db.Tx, a actor.Actor, appID db.ID) error {
	var all []Share
	if err := tx.Raw("SELECT s.*, a.name AS app_name FROM app_shares s JOIN apps a ON a.id = s.app_id WHERE s.app_id = ? AND s.ended_at IS NULL ORDER BY s.id", appID).Scan(&all).Error; err != nil {
		return err
	}
	for _, s := range all {
		if err := end(tx, a, s, Moved); err != nil {
			return err
		}
	}
	return nil
}
