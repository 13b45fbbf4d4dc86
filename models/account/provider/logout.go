package provider

import (
	"context"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/openid"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Logout ends at once, on all replicas, the sessions that a logout token names: the one of a session there, or all of a person (Back-Channel Logout 1.0, section
// 2.7), and what they had begun here. The token was judged before; it counts once. It is no fault when there is nothing to end. Faults: NotFound, Invalid for a
// token that was taken already.
func (s *Store) Logout(ctx context.Context, a actor.Actor, name string, l openid.Logout) error {
	p, err := s.ByName(name)
	if err != nil {
		return err
	}
	if p.Issuer != l.Issuer || l.TokenID == "" || l.Subject == "" && l.SessionID == "" {
		return fault.Missing()
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Run("INSERT INTO provider_logouts (expires_at, digest) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING", l.ExpiresAt, digest(l.Issuer+"\x00"+l.TokenID))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Invalid, "This logout token was taken before.")
		}
		if _, err := tx.Run("DELETE FROM provider_visits WHERE issuer = ? AND (? = '' OR subject = ?) AND (? = '' OR sid = ?)", l.Issuer, l.Subject, l.Subject, l.SessionID, l.SessionID); err != nil {
			return err
		}
		var users []db.ID
		err = tx.Raw(`DELETE FROM sessions WHERE id IN (SELECT session_id FROM provider_sessions WHERE issuer = ? AND (? = '' OR subject = ?) AND (? = '' OR sid = ?))
			RETURNING user_id`, l.Issuer, l.Subject, l.Subject, l.SessionID, l.SessionID).Scan(&users).Error
		if err != nil {
			return err
		}
		slices.SortFunc(users, func(x, y db.ID) int { return slices.Compare(x[:], y[:]) })
		for _, id := range slices.Compact(users) {
			change.Record(tx, change.Session, id)
			audit.Record(tx, a, audit.Event{Act: audit.ProviderLoggedOut, TargetKind: "user", TargetID: id, Details: map[string]string{"provider": p.Name}})
		}
		return nil
	})
}
