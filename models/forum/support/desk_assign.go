package support

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// event is what the audit log is told of a question.
func event(act audit.Act, q forum.Question, details map[string]string) audit.Event {
	return audit.Event{Act: act, TargetKind: "question", TargetID: q.ID, OrganizationID: db.Deref(q.OrganizationID), Details: details}
}

// Take assigns a question to the actor, who now has it open. Faults: those of act.
func (s *Store) Take(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.act(ctx, a, id, func(tx *db.Tx, q forum.Question) error { return s.assign(tx, a, q) })
}

func (s *Store) assign(tx *db.Tx, a actor.Actor, q forum.Question) error {
	if err := answering(tx, a, q.ID); err != nil {
		return err
	}
	if db.Deref(q.AssigneeID) == a.UserID {
		return nil
	}
	audit.Record(tx, a, event(audit.QuestionAssigned, q, map[string]string{"to": "self"}))
	_, err := tx.Run("UPDATE questions SET assignee_id = ?, updated_at = ? WHERE id = ?", a.UserID, tx.Now, q.ID)
	return err
}

// Hand is to whom a question is handed: a person, a team, or nobody when both are zero. Note, when not empty, is kept as a note among staff.
type Hand struct {
	Person, Team db.ID
	Note         string // Markdown
}

// HandOver hands a question to somebody who is then told by mail, when they chose so; the mail does not hold the note. Faults: those of act, Invalid (to, body).
func (s *Store) HandOver(ctx context.Context, a actor.Actor, id db.ID, h Hand) error {
	return s.act(ctx, a, id, func(tx *db.Tx, q forum.Question) error {
		if err := checkHand(tx, h); err != nil {
			return err
		}
		if db.Deref(q.AssigneeID) == h.Person && db.Deref(q.TeamID) == h.Team {
			return fault.BadField("to", "It is there already. Choose somebody else.")
		}
		if h.Note != "" {
			if err := writeNote(tx, a, q, h.Note); err != nil {
				return err
			}
		}
		audit.Record(tx, a, event(audit.QuestionAssigned, q, map[string]string{"to": shown(h)}))
		if _, err := tx.Run("UPDATE questions SET assignee_id = ?, team_id = ?, updated_at = ? WHERE id = ?", h.Person.Ref(), h.Team.Ref(), tx.Now, q.ID); err != nil {
			return err
		}
		if err := stopAnswering(tx, a, q.ID); err != nil {
			return err
		}
		return s.tellHanded(tx, a, q, h)
	})
}

func checkHand(tx *db.Tx, h Hand) error {
	if !h.Person.IsZero() {
		ok, err := canAnswer(tx, h.Person)
		if err != nil {
			return err
		}
		if !ok {
			return fault.BadField("to", "Choose somebody from the list.")
		}
	}
	if !h.Team.IsZero() {
		n, err := number(tx.DB, "SELECT COUNT(*) FROM support_teams WHERE id = ?", h.Team)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.BadField("to", "Choose somebody from the list.")
		}
	}
	return nil
}

func shown(h Hand) string {
	switch {
	case !h.Person.IsZero():
		return h.Person.Show("user")
	case !h.Team.IsZero():
		return h.Team.Show(TeamPrefix)
	}
	return "nobody"
}
