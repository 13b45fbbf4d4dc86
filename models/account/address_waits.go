package account

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// WaitingEmail is an address that waits for its confirmation, and until when.
type WaitingEmail struct {
	Email     string
	ExpiresAt time.Time
}

// WaitingEmail is the actor's change of address that nobody confirmed yet; zero when there is none.
func (s *Store) WaitingEmail(ctx context.Context, a actor.Actor) (WaitingEmail, error) {
	var rows []WaitingEmail
	err := s.db.Read(ctx).Raw("SELECT email, expires_at FROM one_time_links WHERE user_id = ? AND purpose = ? AND used_at IS NULL AND expires_at > ? ORDER BY created_at DESC LIMIT 1",
		a.UserID, linkChange, s.db.Now()).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return WaitingEmail{}, err
	}
	return rows[0], nil
}

// ResendEmail mails a link of the actor's waiting change once more; only the newest works, and no longer than the first one would have. It counts like RequestEmail, and asks
// for no password: the address is the one for which it was given, and so is the time (A14). Faults: Conflict when no change waits, Invalid about "new_email", RateLimited.
func (s *Store) ResendEmail(ctx context.Context, a actor.Actor) error {
	waiting, err := s.WaitingEmail(ctx, a)
	if err != nil {
		return err
	}
	if waiting.Email == "" {
		return nothingWaits()
	}
	u, err := s.ByID(ctx, a.UserID)
	if err != nil {
		return err
	}
	return s.mailChange(ctx, a, u, waiting.Email, func(tx *db.Tx) (string, time.Time, error) {
		token, ends, err := renewLink(tx, u.ID, linkChange, waiting.Email)
		if err == nil && token == "" {
			err = nothingWaits()
		}
		return token, ends, err
	})
}

// GiveUpEmail ends the actor's waiting change of address: the link of its mail works no more. Faults: Conflict when no change waits.
func (s *Store) GiveUpEmail(ctx context.Context, a actor.Actor) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Run("DELETE FROM one_time_links WHERE user_id = ? AND purpose = ? AND used_at IS NULL AND expires_at > ?", a.UserID, linkChange, tx.Now)
		if err != nil {
			return err
		}
		if n == 0 {
			return nothingWaits()
		}
		audit.Record(tx, a, audit.Event{Act: audit.UserEmailGivenUp, TargetKind: "user", TargetID: a.UserID})
		return nil
	})
}

func nothingWaits() error {
	return fault.New(fault.Conflict, "No change of your address waits for its confirmation any more.")
}
