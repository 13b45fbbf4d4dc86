package support

import (
	"context"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/fault"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// What becomes of a question with an answer.
const (
	ThenNothing = ""
	ThenWait    = "wait"
	ThenClose   = "close"
)

// Answer is what staff answer in public.
type Answer struct {
	Body    string // Markdown
	Version int64  // of the question as they read it
	Then    string // ThenNothing, ThenWait or ThenClose
}

// Answer publishes an answer, assigns the question to its author when it is nobody's, and sets it waiting or closes it, all or nothing. Faults: those of act, Invalid (body) as long as a
// variable of a canned reply is not filled in, and those of forum.Write: Conflict also when something public was written since Version.
func (s *Store) Answer(ctx context.Context, a actor.Actor, id db.ID, in Answer) (forum.Post, error) {
	var post forum.Post
	if left := Holes(in.Body); len(left) > 0 {
		return post, fault.BadField("body", "Still to be filled in: %s. Write what belongs there, or put it between backticks if it is meant so.", strings.Join(left, ", "))
	}
	err := s.act(ctx, a, id, func(tx *db.Tx, q forum.Question) error {
		var err error
		if post, err = s.forum.Write(tx, a, q, forum.Reply{Body: in.Body, Version: in.Version}); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE questions SET assignee_id = COALESCE(assignee_id, ?) WHERE id = ?", a.UserID, q.ID); err != nil {
			return err
		}
		if err := stopAnswering(tx, a, q.ID); err != nil {
			return err
		}
		switch in.Then {
		case ThenWait:
			return wait(tx, a, q)
		case ThenClose:
			return closeFor(tx, a, q, Answered)
		}
		_, err = tx.Run("UPDATE questions SET asked_back_at = NULL, warned_at = NULL WHERE id = ?", q.ID)
		return err
	})
	return post, err
}

// Preview renders an answer as it will look, and keeps nothing. Faults: Invalid (body), also for an API key in it.
func Preview(body string) (string, error) {
	var bad fault.Problems
	checkBody(&bad, body, forum.MaxBody)
	if err := bad.Err(); err != nil {
		return "", err
	}
	return forum.Render("body", body)
}
