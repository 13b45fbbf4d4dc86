package account

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// PrefixBrowser is the prefix of a known browser's id.
const PrefixBrowser = "brw"

// Browsers lists the browsers that are known for the actor, the one used last first, and the id of the one in which they are: zero when that is not known.
func (s *Store) Browsers(ctx context.Context, a actor.Actor) (known []Device, here db.ID, err error) {
	q := s.db.Read(ctx)
	err = q.Raw("SELECT * FROM devices WHERE user_id = ? AND last_seen_at > ? ORDER BY last_seen_at DESC, id DESC", a.UserID, s.db.Now().Add(-KnownAge)).Scan(&known).Error
	if err != nil {
		return nil, db.ID{}, err
	}
	var ids []db.ID
	err = q.Raw("SELECT d.id FROM sessions s JOIN devices d ON d.id = s.device_id AND d.user_id = s.user_id WHERE s.id = ? AND s.user_id = ?", a.SessionID, a.UserID).Scan(&ids).Error
	if err == nil && len(ids) > 0 {
		here = ids[0]
	}
	return known, here, err
}

// ForgetBrowser makes one of the actor's own known browsers a stranger, also the one in which they are: the next sign-in there is one with a new browser. A session there
// goes on. Faults: NotFound.
func (s *Store) ForgetBrowser(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Run("DELETE FROM devices WHERE id = ? AND user_id = ?", id, a.UserID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.Missing()
		}
		audit.Record(tx, a, audit.Event{Act: audit.BrowserForgotten, TargetKind: "browser", TargetID: id})
		return nil
	})
}

// ForgetOtherBrowsers is ForgetBrowser of all but the one in which the actor is. When there is none, nothing is written.
func (s *Store) ForgetOtherBrowsers(ctx context.Context, a actor.Actor) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Run("DELETE FROM devices WHERE user_id = ? AND "+deviceOfAnother, a.UserID, a.SessionID)
		if err == nil && n > 0 {
			audit.Record(tx, a, audit.Event{Act: audit.BrowsersForgotten, TargetKind: "user", TargetID: a.UserID})
		}
		return err
	})
}
