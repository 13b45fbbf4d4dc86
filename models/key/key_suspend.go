package key

import (
	"context"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Suspend stops any key until until, or, when that is nil, until staff lift it, also while the disk is full (REL-8); its people are mailed the reason. Suspending a suspended key
// replaces reason and end. Faults: NotFound, Forbidden, Invalid (reason, until), Conflict when the key is over.
func (s *Store) Suspend(ctx context.Context, a actor.Actor, id db.ID, reason string, until *time.Time) error {
	return s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error {
		r, err := forStaff(tx, a, id)
		if err != nil {
			return err
		}
		if err := final(r, tx); err != nil {
			return err
		}
		if strings.TrimSpace(reason) == "" {
			return reasonNeeded()
		}
		why, err := CleanReason(reason)
		if err != nil {
			return err
		}
		if until != nil && !until.After(tx.Now) {
			return fault.BadField("until", "That moment is over. Choose a later one, or none.")
		}
		r.SuspendedAt, r.SuspendedUntil, r.SuspendedReason = &tx.Now, until, why
		details := map[string]string{"reason": why, "until": "lifted by staff"}
		if until != nil {
			details["until"] = until.UTC().Format(time.RFC3339)
		}
		record(tx, a, audit.KeySuspended, r, details)
		if err := s.tellSuspended(tx, r); err != nil {
			return err
		}
		_, err = tx.Run("UPDATE keys SET suspended_at = ?, suspended_until = ?, suspended_reason = ?, updated_at = ? WHERE id = ?", tx.Now, until, why, tx.Now, id)
		return err
	})
}

// Unsuspend lifts a suspension. A key that is not suspended is left alone. Faults: NotFound, Forbidden.
func (s *Store) Unsuspend(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		r, err := forStaff(tx, a, id)
		if err != nil || r.SuspendedAt == nil {
			return err
		}
		record(tx, a, audit.KeyUnsuspended, r, map[string]string{"reason": r.SuspendedReason})
		_, err = tx.Run("UPDATE keys SET suspended_at = NULL, suspended_until = NULL, suspended_reason = '', updated_at = ? WHERE id = ?", tx.Now, id)
		return err
	})
}
