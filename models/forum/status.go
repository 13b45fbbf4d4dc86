package forum

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Status is what the company says in public of an idea or a bug. Its Words are a sentence of the message catalogue.
type Status struct {
	Name  string
	Words string
	Done  bool // nothing more will come
}

var statuses = map[string][]Status{
	KindIdea: {
		{"considered", text.N("Under consideration"), false}, {"planned", text.N("Planned"), false}, {"started", text.N("In progress"), false},
		{"done", text.N("Done"), true}, {"declined", text.N("Not planned"), true},
	},
	KindBug: {
		{"confirmed", text.N("Confirmed"), false}, {"started", text.N("In progress"), false}, {"fixed", text.N("Fixed"), true}, {"declined", text.N("Not a bug"), true},
	},
}

// Statuses are those that a question of this kind can have; none for a plain question.
func Statuses(kind string) []Status { return statuses[kind] }

// StatusOf is the status by name that a question of this kind can have; ok is false for none.
func StatusOf(kind, name string) (status Status, ok bool) {
	for _, s := range statuses[kind] {
		if s.Name == name {
			return s, true
		}
	}
	return Status{}, false
}

// SetStatus says in public how an idea or a bug stands; "" takes it back. For staff who answer. Faults: Unauthenticated, NotFound, Forbidden, Invalid (status).
func (s *Store) SetStatus(ctx context.Context, a actor.Actor, id db.ID, name string) error {
	return s.onQuestion(ctx, a, id, func(tx *db.Tx, q Question) error {
		if !answersFor(a) {
			return fault.Denied()
		}
		if _, ok := StatusOf(q.Kind, name); !ok && name != "" {
			return fault.BadField("status", "Choose one of the states.")
		}
		if q.PublicStatus == name {
			return nil
		}
		if _, err := tx.Run("UPDATE questions SET public_status = ?, updated_at = ? WHERE id = ?", name, tx.Now, id); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.QuestionStatusSet, TargetKind: "question", TargetID: id, OrganizationID: db.Deref(q.OrganizationID), Details: map[string]string{"status": name, "kind": q.Kind}})
		return nil
	})
}
