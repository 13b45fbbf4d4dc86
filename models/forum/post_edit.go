package forum

import (
	"context"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/trust"
)

// Edit is a post as its author, or staff who moderate, want it to be. Title and Tags count for the question's own post only.
type Edit struct {
	Title     string
	Body      string
	Tags      []string
	Revisions int64 // of the post as the editor read it
	Honey     string
}

// Edit changes a post and keeps how it was. The new text is judged like a new post, and may have to wait for approval, as the State of the result says
// then: what was published before stands for everybody until staff decide, and a later edit of the author's takes the place of the one that waits. Faults: Unauthenticated, NotFound,
// Forbidden for another's post, Conflict when the question is locked, when somebody changed the post since, and for staff while its author's edit waits, Invalid (title,
// body, tags), and those of trust.Judge.
func (s *Store) Edit(ctx context.Context, a actor.Actor, postID db.ID, in Edit) (Post, error) {
	var edited Post
	err := s.onPost(ctx, a, postID, func(tx *db.Tx, q Question, p Post) error {
		if err := mayEdit(a, q, p); err != nil {
			return err
		}
		if in.Revisions != p.Revisions {
			return fault.New(fault.Conflict, "Somebody changed this since you opened it. Look at it as it is now, and enter your change again.")
		}
		html, err := in.check(p)
		if err != nil {
			return err
		}
		verdict, err := trust.Judge(tx, a, trust.Post{Question: p.Kind == PostQuestion, Title: in.Title, Body: in.Body, Edit: true, Before: p.Body, Honey: in.Honey, Host: s.link("")})
		if err != nil {
			return err
		}
		edited = p
		if verdict.Pending {
			edited.State = Pending
		}
		edited.Body, edited.HTML = in.Body, html
		if err := s.writeEdit(tx, a, q, p, edited, in); err != nil {
			return err
		}
		act, kind, id := audit.PostEdited, "post", p.ID
		if p.Kind == PostQuestion {
			act, kind, id = audit.QuestionEdited, "question", q.ID
		}
		audit.Record(tx, a, audit.Event{Act: act, TargetKind: kind, TargetID: id, OrganizationID: db.Deref(q.OrganizationID), Details: judged(map[string]string{"state": edited.State}, verdict)})
		if stands(p, edited) { // nothing that anybody else reads changed
			return nil
		}
		return Settle(tx, q.ID)
	})
	return edited, err
}

// stands reports whether a post goes on as it is, because the edit of it waits.
func stands(p, edited Post) bool { return p.State == Published && edited.State == Pending }

// writeEdit keeps the edit in the history and, unless it must wait while p is published, makes it the text of the post.
func (s *Store) writeEdit(tx *db.Tx, a actor.Actor, q Question, p, edited Post, in Edit) error {
	if err := keepFirst(tx, q, p); err != nil {
		return err
	}
	if err := addRevision(tx, a, edited, in); err != nil {
		return err
	}
	if stands(p, edited) {
		_, err := tx.Run("UPDATE posts SET pending_revision = ? WHERE id = ?", p.Revisions+2, p.ID)
		return err
	}
	return writeText(tx, q, edited, in)
}

func mayEdit(a actor.Actor, q Question, p Post) error {
	switch {
	case p.PendingRevision != nil && p.AuthorID != a.UserID && moderates(a):
		return fault.New(fault.Conflict, "A change by its author waits for approval. Decide about it first.")
	case moderates(a):
		return nil
	case p.AuthorID != a.UserID:
		return fault.New(fault.Forbidden, "Only who wrote this can change it.")
	case p.State == Rejected || p.HiddenAt != nil:
		return fault.New(fault.Conflict, "Support took this out of the forum. It can’t be changed any more.")
	}
	return mayWrite(a, q)
}

// check brings the edit of p into its form and returns the text rendered.
func (in *Edit) check(p Post) (html string, err error) {
	var problems fault.Problems
	if p.Kind == PostQuestion {
		in.Title = checkTitle(&problems, in.Title)
		in.Tags = CheckTags(&problems, "tags", in.Tags)
		for _, t := range in.Tags {
			trust.NoKey(&problems, "tags", t)
		}
	}
	in.Body, html = checkBody(&problems, in.Body)
	return html, problems.Err()
}

// Delete takes back what the actor wrote, as long as nobody answered it: a question without a post of somebody else's, an answer that is not accepted
// and without a comment of somebody else's, a comment with none of somebody else's after it. Its text is erased. Faults: Unauthenticated, NotFound, Forbidden
// for another's post, Conflict when it was answered.
func (s *Store) Delete(ctx context.Context, a actor.Actor, postID db.ID) (Question, Post, error) {
	var from Question
	var gone Post
	err := s.onPost(ctx, a, postID, func(tx *db.Tx, q Question, p Post) error {
		from, gone = q, p
		if p.AuthorID != a.UserID {
			return fault.New(fault.Forbidden, "Only who wrote this can delete it.")
		}
		answered, err := answered(tx.DB, q, p)
		if err != nil {
			return err
		}
		if answered {
			return fault.New(fault.Conflict, "Somebody answered this. It can be changed, but not deleted any more.")
		}
		if err := erase(tx, q, p); err != nil {
			return err
		}
		act, kind, id := audit.PostDeleted, "post", p.ID
		if p.Kind == PostQuestion {
			act, kind, id = audit.QuestionDeleted, "question", q.ID
		}
		audit.Record(tx, a, audit.Event{Act: act, TargetKind: kind, TargetID: id, OrganizationID: db.Deref(q.OrganizationID)})
		return Settle(tx, q.ID)
	})
	return from, gone, err
}

// Deletable reports whether the author of a post can still delete it, by the rule of Delete. The posts are as PostFor gave them.
func (s *Store) Deletable(ctx context.Context, a actor.Actor, q Question, p Post) (bool, error) {
	if !a.SignedIn() || p.AuthorID != a.UserID {
		return false, nil
	}
	answered, err := answered(s.db.Read(ctx), q, p)
	return !answered, err
}

func answered(read *gorm.DB, q Question, p Post) (bool, error) {
	const others = "SELECT COUNT(*) FROM posts o WHERE o.question_id = ? AND o.author_id <> ? AND o.deleted_at IS NULL"
	var n int64
	var err error
	switch p.Kind {
	case PostQuestion:
		n, err = number(read, others, q.ID, p.AuthorID)
	case PostAnswer:
		if q.AcceptedPostID != nil && *q.AcceptedPostID == p.ID {
			return true, nil
		}
		n, err = number(read, others+" AND o.parent_id = ?", q.ID, p.AuthorID, p.ID)
	default:
		n, err = number(read, others+" AND o.kind = 'comment' AND COALESCE(o.parent_id, ?) = ? AND o.id > ?", q.ID, p.AuthorID, db.ID{}, db.Deref(p.ParentID), p.ID)
	}
	return n > 0, err
}

// erase empties a post; of a question, with all that its asker wrote under it, and of an answer with its author's comments.
func erase(tx *db.Tx, q Question, p Post) error {
	where, args := "id = ? OR parent_id = ?", []any{p.ID, p.ID}
	if p.Kind == PostQuestion {
		where, args = "question_id = ?", []any{q.ID}
	}
	if _, err := tx.Run("DELETE FROM post_revisions WHERE post_id IN (SELECT id FROM posts WHERE "+where+")", args...); err != nil {
		return err
	}
	if _, err := tx.Run("UPDATE posts SET body = '', html = '', pending_revision = NULL, deleted_at = ?, updated_at = ? WHERE ("+where+") AND deleted_at IS NULL", append([]any{tx.Now, tx.Now}, args...)...); err != nil {
		return err
	}
	if p.Kind != PostQuestion {
		return nil
	}
	_, err := tx.Run("UPDATE questions SET title = '', slug = 'deleted', app_id = NULL, deleted_at = ? WHERE id = ?", tx.Now, q.ID)
	return err
}
