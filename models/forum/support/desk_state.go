package support

import (
	"context"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// Reasons for which a question is closed. NoWord is the program's own: the asker did not come back.
const (
	Answered   = "answered"
	Duplicate  = "duplicate"
	OutOfScope = "out_of_scope"
	NotClear   = "not_clear"
	NoWord     = "no_word"
)

// Reasons are those that staff choose from.
var Reasons = []string{Answered, Duplicate, OutOfScope, NotClear, NoWord}

// settleAs runs one UPDATE on a question and settles it.
func settleAs(tx *db.Tx, id db.ID, query string, args ...any) error {
	if _, err := tx.Run(query, args...); err != nil {
		return err
	}
	return forum.Settle(tx, id)
}

// Wait sets a question waiting for its asker: the clock stops until they reply, and it closes when they don't. Faults: those of act, Conflict for a closed one.
func (s *Store) Wait(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.act(ctx, a, id, func(tx *db.Tx, q forum.Question) error { return wait(tx, a, q) })
}

func wait(tx *db.Tx, a actor.Actor, q forum.Question) error {
	if q.ClosedAt != nil {
		return fault.New(fault.Conflict, "This question is closed. Reopen it first.")
	}
	audit.Record(tx, a, event(audit.QuestionWaiting, q, nil))
	return settleAs(tx, q.ID, "UPDATE questions SET asked_back_at = ?, warned_at = NULL, updated_at = ? WHERE id = ?", tx.Now, tx.Now, q.ID)
}

// Escalate marks a question for those who decide; the reason is kept as a note among staff. Faults: those of act, Invalid (body).
func (s *Store) Escalate(ctx context.Context, a actor.Actor, id db.ID, reason string) error {
	return s.act(ctx, a, id, func(tx *db.Tx, q forum.Question) error {
		if err := writeNote(tx, a, q, reason); err != nil {
			return err
		}
		audit.Record(tx, a, event(audit.QuestionEscalated, q, map[string]string{"escalated": "yes"}))
		_, err := tx.Run("UPDATE questions SET escalated_at = COALESCE(escalated_at, ?), updated_at = ? WHERE id = ?", tx.Now, tx.Now, q.ID)
		return err
	})
}

// Calm takes the mark of Escalate away. Faults: those of act.
func (s *Store) Calm(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.act(ctx, a, id, func(tx *db.Tx, q forum.Question) error {
		audit.Record(tx, a, event(audit.QuestionEscalated, q, map[string]string{"escalated": "no"}))
		_, err := tx.Run("UPDATE questions SET escalated_at = NULL, updated_at = ? WHERE id = ?", tx.Now, q.ID)
		return err
	})
}

// Close closes a question for one of Reasons. It opens again when its asker replies, who is told by mail. Faults: those of act, Invalid (reason).
func (s *Store) Close(ctx context.Context, a actor.Actor, id db.ID, reason string) error {
	return s.act(ctx, a, id, func(tx *db.Tx, q forum.Question) error {
		if err := closeFor(tx, a, q, reason); err != nil {
			return err
		}
		return s.tellClosed(tx, a, q, reason)
	})
}

func closeFor(tx *db.Tx, a actor.Actor, q forum.Question, reason string) error {
	if !slices.Contains(Reasons, reason) {
		return fault.BadField("reason", "Choose one of the reasons.")
	}
	audit.Record(tx, a, event(audit.QuestionClosed, q, map[string]string{"reason": reason}))
	return settleAs(tx, q.ID, "UPDATE questions SET closed_at = ?, closed_reason = ?, escalated_at = NULL, updated_at = ? WHERE id = ?", tx.Now, reason, tx.Now, q.ID)
}

// Reopen opens a closed question again. Faults: those of act.
func (s *Store) Reopen(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.act(ctx, a, id, func(tx *db.Tx, q forum.Question) error {
		if q.ClosedAt == nil {
			return nil
		}
		audit.Record(tx, a, event(audit.QuestionReopened, q, nil))
		return settleAs(tx, q.ID, "UPDATE questions SET closed_at = NULL, closed_reason = '', asked_back_at = NULL, warned_at = NULL, updated_at = ? WHERE id = ?", tx.Now, q.ID)
	})
}

// SetStatus sets the public status of an idea or a bug, one of forum.Statuses. Faults: those of act, Invalid (status).
func (s *Store) SetStatus(ctx context.Context, a actor.Actor, id db.ID, status string) error {
	return s.act(ctx, a, id, func(tx *db.Tx, q forum.Question) error {
		if _, ok := forum.StatusOf(q.Kind, status); !ok {
			return fault.BadField("status", "Choose one of the list.")
		}
		audit.Record(tx, a, event(audit.QuestionStatusSet, q, map[string]string{"before": q.PublicStatus, "after": status}))
		return settleAs(tx, q.ID, "UPDATE questions SET public_status = ?, updated_at = ? WHERE id = ?", status, tx.Now, q.ID)
	})
}

// Move makes a question be about another API, or about none when the slug is empty. From then on those read it who may see that API. Faults: those of act, Invalid (api).
func (s *Store) Move(ctx context.Context, a actor.Actor, id db.ID, slug string) error {
	return s.act(ctx, a, id, func(tx *db.Tx, q forum.Question) error {
		var to *db.ID
		if slug != "" {
			var ids []db.ID
			if err := tx.Raw("SELECT id FROM apis WHERE slug = ?", slug).Scan(&ids).Error; err != nil {
				return err
			}
			if len(ids) == 0 {
				return fault.BadField("api", "Choose one of the list.")
			}
			to = &ids[0]
		}
		if db.Deref(to) == db.Deref(q.APIID) {
			return fault.BadField("api", "It is about that already. Choose another.")
		}
		audit.Record(tx, a, event(audit.QuestionMoved, q, map[string]string{"before": db.Deref(q.APIID).Show("api"), "after": db.Deref(to).Show("api")}))
		return settleAs(tx, q.ID, "UPDATE questions SET api_id = ?, updated_at = ? WHERE id = ?", to, tx.Now, q.ID)
	})
}
