package forum

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/trust"
)

// Vote gives the actor's vote to a question or an answer, or takes it back. Each person has one a post, however often they click; doing
// it again does nothing (F7). Faults: Unauthenticated, NotFound, Forbidden for who is kept from posting, Conflict for one's own post, for a comment, for
// what is not shown and for a locked question.
func (s *Store) Vote(ctx context.Context, a actor.Actor, postID db.ID, on bool) (Post, error) {
	var voted Post
	err := s.onPost(ctx, a, postID, func(tx *db.Tx, q Question, p Post) error {
		voted = p
		if p.AuthorID == a.UserID {
			return fault.New(fault.Conflict, "You can’t vote for what you wrote yourself.")
		}
		if p.Kind == PostComment || !p.Shown() || !q.Shown() {
			return fault.New(fault.Conflict, "This can’t be voted for.")
		}
		if err := mayVote(tx, a, q); err != nil {
			return err
		}
		query, act, args := "INSERT INTO votes (post_id, user_id, created_at) VALUES (?, ?, ?) ON CONFLICT (post_id, user_id) DO NOTHING", audit.PostVoted, []any{p.ID, a.UserID, tx.Now}
		if !on {
			query, act, args = "DELETE FROM votes WHERE post_id = ? AND user_id = ?", audit.PostUnvoted, []any{p.ID, a.UserID}
		}
		n, err := tx.Run(query, args...)
		if err != nil || n == 0 {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: act, TargetKind: "post", TargetID: p.ID, OrganizationID: db.Deref(q.OrganizationID), Details: map[string]string{"question": q.ID.Show(Prefix)}})
		return countVotes(tx, p)
	})
	return voted, err
}

// mayVote refuses whoever may not write here either: a vote is a word too, and one taken back changes as much.
func mayVote(tx *db.Tx, a actor.Actor, q Question) error {
	if err := mayWrite(a, q); err != nil {
		return err
	}
	return trust.May(tx, a)
}

// countVotes writes how many votes a post has, under the lock of its question.
func countVotes(tx *db.Tx, p Post) error {
	if _, err := tx.Run("UPDATE posts SET votes = (SELECT COUNT(*) FROM votes v WHERE v.post_id = posts.id) WHERE id = ?", p.ID); err != nil {
		return err
	}
	if p.Kind != PostQuestion {
		return nil
	}
	_, err := tx.Run("UPDATE questions SET votes = (SELECT COUNT(*) FROM votes v WHERE v.post_id = ?) WHERE id = ?", p.ID, p.QuestionID)
	return err
}

// Accept marks an answer as the one that solved the question, in place of another one. The asker may, and staff who answer; also an asker who is kept
// from posting, and of a locked question: it adds no word, and spares everybody else looking. Doing it again does nothing. Faults: Unauthenticated, NotFound, Forbidden, Conflict for what is no answer that is shown.
func (s *Store) Accept(ctx context.Context, a actor.Actor, postID db.ID) (Post, error) {
	var accepted Post
	err := s.onPost(ctx, a, postID, func(tx *db.Tx, q Question, p Post) error {
		accepted = p
		if err := mayAccept(a, q); err != nil {
			return err
		}
		if p.Kind != PostAnswer || !p.Shown() || !q.Shown() {
			return fault.New(fault.Conflict, "Only an answer that is shown can be accepted.")
		}
		n, err := tx.Run("UPDATE questions SET accepted_post_id = ?, accepted_at = ? WHERE id = ? AND (accepted_post_id IS NULL OR accepted_post_id <> ?)", p.ID, tx.Now, q.ID, p.ID)
		if err != nil || n == 0 {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.QuestionAccepted, TargetKind: "question", TargetID: q.ID, OrganizationID: db.Deref(q.OrganizationID), Details: map[string]string{"post": p.ID.Show(PostPrefix)}})
		return Settle(tx, q.ID)
	})
	return accepted, err
}

// Unaccept takes the mark back: the question is open again. Faults: as Accept; Conflict when the answer is not the accepted one.
func (s *Store) Unaccept(ctx context.Context, a actor.Actor, postID db.ID) (Post, error) {
	var was Post
	err := s.onPost(ctx, a, postID, func(tx *db.Tx, q Question, p Post) error {
		was = p
		if err := mayAccept(a, q); err != nil {
			return err
		}
		n, err := tx.Run("UPDATE questions SET accepted_post_id = NULL, accepted_at = NULL WHERE id = ? AND accepted_post_id = ?", q.ID, p.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "This answer is not the accepted one.")
		}
		audit.Record(tx, a, audit.Event{Act: audit.QuestionUnaccepted, TargetKind: "question", TargetID: q.ID, OrganizationID: db.Deref(q.OrganizationID), Details: map[string]string{"post": p.ID.Show(PostPrefix)}})
		return Settle(tx, q.ID)
	})
	return was, err
}

func mayAccept(a actor.Actor, q Question) error {
	if q.AskerID == a.UserID || answersFor(a) {
		return nil
	}
	return fault.New(fault.Forbidden, "Only who asked and support can say which answer solved this.")
}
