package key

import (
	"context"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// final refuses to change what is revoked or expired.
func final(r Row, tx *db.Tx) error {
	switch {
	case r.RevokedAt != nil:
		return fault.New(fault.Conflict, "This key was revoked, which is final.")
	case reached(r.EndsAt(), tx.Now):
		return fault.New(fault.Conflict, "This key has expired, which is final.")
	}
	return nil
}

// record notes the act on a key and that verification must read it anew.
func record(tx *db.Tx, a actor.Actor, act audit.Act, r Row, details map[string]string) {
	audit.Record(tx, a, eventOf(act, r, details))
	change.Record(tx, change.Key, r.ID)
}

// Pause stops a key until it is resumed. Pausing a paused key does nothing. Faults: NotFound, Forbidden, Conflict when it is over.
func (s *Store) Pause(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error {
		r, err := forMember(tx, a, id)
		if err != nil {
			return err
		}
		if err := final(r, tx); err != nil || r.PausedAt != nil {
			return err
		}
		return s.PauseTx(tx, a, []Row{r}, "", nil)
	})
}

// Resume ends a pause. Resuming a key that is not paused does nothing. Faults: NotFound, Forbidden, Conflict when it is over or staff paused it.
func (s *Store) Resume(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		r, err := forMember(tx, a, id)
		if err != nil {
			return err
		}
		if r.PausedAt != nil && r.PausedCause == PausedBulk && r.RevokedAt == nil && !a.Trusted() {
			return fault.New(fault.Conflict, "This portal’s staff paused this key together with others. They resume it.")
		}
		if r.PausedAt != nil && r.PausedCause == PausedLeak && r.RevokedAt == nil && !a.Trusted() {
			return fault.New(fault.Conflict, "This key was reported as leaked. An admin of the organization reads its incident and resumes it there.")
		}
		if r.PausedAt != nil {
			if err := touchesWithin(tx, a, r, nil, nil); err != nil {
				return err
			}
		}
		if err := resumable(tx, r); err != nil {
			return err
		}
		return resume(tx, a, r)
	})
}

// ResumeByStaff is Resume of any key, whatever paused it. Faults: NotFound, Forbidden, Conflict.
func (s *Store) ResumeByStaff(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		r, err := forStaff(tx, a, id)
		if err != nil {
			return err
		}
		return resume(tx, a, r)
	})
}

func resume(tx *db.Tx, a actor.Actor, r Row) error {
	if err := final(r, tx); err != nil || r.PausedAt == nil {
		return err
	}
	return resumeTx(tx, a, r, nil)
}

// ResumeTx ends the pause of a key in the caller's transaction, with an event that holds details. It asks for no permission: that is the caller's, who has
// locked the key and found it paused and not over. What staff paused beside a leak stays paused, by them. Faults: Conflict when a policy would pause it
// again at once.
func (s *Store) ResumeTx(tx *db.Tx, a actor.Actor, r Row, details map[string]string) error {
	if err := resumable(tx, r); err != nil {
		return err
	}
	return resumeTx(tx, a, r, details)
}

func resumeTx(tx *db.Tx, a actor.Actor, r Row, details map[string]string) error {
	record(tx, a, audit.KeyResumed, r, details)
	_, err := tx.Run(`UPDATE keys SET paused_at = CASE WHEN paused_under = '' THEN NULL ELSE paused_at END, paused_cause = paused_under, paused_under = '',
		resumed_at = ?, updated_at = ? WHERE id = ?`, tx.Now, tx.Now, r.ID)
	return err
}

// Rename gives a key another name. Faults: NotFound, Forbidden, Invalid (name).
func (s *Store) Rename(ctx context.Context, a actor.Actor, id db.ID, name string) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		r, err := forMember(tx, a, id)
		if err != nil {
			return err
		}
		var bad fault.Problems
		name := cleanName(name, &bad)
		if err := bad.Err(); err != nil || name == r.Name {
			return err
		}
		record(tx, a, audit.KeyRenamed, r, map[string]string{"before": r.Name, "after": name})
		_, err = tx.Run("UPDATE keys SET name = ?, updated_at = ? WHERE id = ?", name, tx.Now, id)
		return err
	})
}

// Revoke ends a key for ever, on the very next request; its people are mailed. reason is optional for members. Revoking a revoked key does
// nothing. Faults: NotFound, Forbidden, Invalid (reason).
func (s *Store) Revoke(ctx context.Context, a actor.Actor, id db.ID, reason string) error {
	return s.revoke(ctx, a, id, reason, forMember)
}

// RevokeByStaff is Revoke by staff, who may revoke any key and say why. Faults: NotFound, Forbidden, Invalid (reason).
func (s *Store) RevokeByStaff(ctx context.Context, a actor.Actor, id db.ID, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return reasonNeeded()
	}
	return s.revoke(ctx, a, id, reason, forStaff)
}

func (s *Store) revoke(ctx context.Context, a actor.Actor, id db.ID, reason string, find func(*db.Tx, actor.Actor, db.ID) (Row, error)) error {
	return s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error {
		r, err := find(tx, a, id)
		if err != nil || r.RevokedAt != nil {
			return err
		}
		why, err := CleanReason(reason)
		if err != nil {
			return err
		}
		if err := s.tellRevoked(tx, []Row{r}, why); err != nil {
			return err
		}
		return s.RevokeTx(tx, a, []Row{r}, why, nil)
	})
}

func reasonNeeded() error {
	return fault.BadField("reason", "Say why: the key’s people read it in their mail, and the audit log keeps it.")
}

// MaxReason is the most characters of a reason.
const MaxReason = 300

// CleanReason is a reason as it is kept. Faults: Invalid (reason) when it is too long.
func CleanReason(reason string) (string, error) {
	reason = audit.Clean(strings.TrimSpace(reason))
	if len([]rune(reason)) > MaxReason {
		return "", fault.BadField("reason", "A reason has at most %d characters.", MaxReason)
	}
	return reason, nil
}
