package forum

import (
	"context"
	"math"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/markdown"
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

// Revision is a text as it once was. Number 1 is how it was first written; the highest is how it is. State is what became of it: only what was published is for everybody.
type Revision struct {
	PostID     db.ID
	Number     int64
	Title      string
	Body       string
	EditorID   db.ID
	EditorName string
	EditorGone bool
	State      string
	CreatedAt  time.Time
}

// Edit changes a post and keeps how it was. The new text is judged like a new post, and may have to wait for approval: the post's State says so
// afterwards. Faults: Unauthenticated, NotFound, Forbidden for another's post, Conflict when the question is locked and when somebody changed
// the post since, Invalid (title, body, tags), and those of trust.Judge.
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
		if err := keepFirst(tx, q, p); err != nil {
			return err
		}
		edited = p
		if verdict.Pending {
			edited.State = Pending
		}
		edited.Body, edited.HTML = in.Body, html
		if err := addRevision(tx, a, edited, in); err != nil {
			return err
		}
		if err := writeEdit(tx, q, edited, in); err != nil {
			return err
		}
		if p.Kind == PostQuestion {
			if err := SetTags(tx, q.ID, in.Tags); err != nil {
				return err
			}
		}
		act, kind, id := audit.PostEdited, "post", p.ID
		if p.Kind == PostQuestion {
			act, kind, id = audit.QuestionEdited, "question", q.ID
		}
		audit.Record(tx, a, audit.Event{Act: act, TargetKind: kind, TargetID: id, OrganizationID: db.Deref(q.OrganizationID), Details: judged(map[string]string{"state": edited.State}, verdict)})
		return Settle(tx, q.ID)
	})
	return edited, err
}

func mayEdit(a actor.Actor, q Question, p Post) error {
	switch {
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

const insertRevision = "INSERT INTO post_revisions (post_id, number, title, body, editor_id, state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)"

// keepFirst writes how a post was first written, before its first edit.
func keepFirst(tx *db.Tx, q Question, p Post) error {
	if p.Revisions > 0 {
		return nil
	}
	title := ""
	if p.Kind == PostQuestion {
		title = q.Title
	}
	_, err := tx.Run(insertRevision, p.ID, 1, title, p.Body, p.AuthorID, p.State, p.CreatedAt)
	return err
}

// addRevision writes a new text of a post, in the state that the post gets by it.
func addRevision(tx *db.Tx, a actor.Actor, p Post, in Edit) error {
	title := ""
	if p.Kind == PostQuestion {
		title = in.Title
	}
	_, err := tx.Run(insertRevision, p.ID, p.Revisions+2, title, in.Body, a.UserID, p.State, tx.Now)
	return err
}

func writeEdit(tx *db.Tx, q Question, p Post, in Edit) error {
	if _, err := tx.Run("UPDATE posts SET body = ?, html = ?, renderer_version = ?, state = ?, revisions = revisions + 1, edited_at = ?, updated_at = ? WHERE id = ?",
		p.Body, p.HTML, markdown.RendererVersion, p.State, tx.Now, tx.Now, p.ID); err != nil {
		return err
	}
	if p.Kind != PostQuestion {
		return nil
	}
	_, err := tx.Run("UPDATE questions SET title = ?, slug = ?, state = ? WHERE id = ?", in.Title, slugOf(in.Title), p.State, q.ID)
	return err
}

// Revisions lists how a post was, newest first, for who may read it: at most the last 100. What was never approved only its author and staff read. An answer that was never
// edited has none.
func (s *Store) Revisions(ctx context.Context, a actor.Actor, postID db.ID) (Row, Said, []Revision, error) {
	return s.RevisionsBelow(ctx, a, postID, math.MaxInt32, 100)
}

// RevisionsBelow is Revisions from the one before this number on, at most most of them.
func (s *Store) RevisionsBelow(ctx context.Context, a actor.Actor, postID db.ID, below int64, most int) (Row, Said, []Revision, error) {
	q, p, err := s.PostFor(ctx, a, postID)
	if err != nil {
		return q, p, nil, err
	}
	all := 0
	if p.Mine || readsAll(a) {
		all = 1
	}
	var rows []Revision
	err = s.db.Read(ctx).Raw(`SELECT r.*, u.display_name AS editor_name, u.deleted_at IS NOT NULL AS editor_gone FROM post_revisions r JOIN users u ON u.id = r.editor_id
		WHERE r.post_id = ? AND (? = 1 OR r.state = 'published') AND r.number < ? ORDER BY r.number DESC LIMIT ?`, postID, all, below, most).Scan(&rows).Error
	return q, p, rows, err
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
	if _, err := tx.Run("UPDATE posts SET body = '', html = '', deleted_at = ?, updated_at = ? WHERE ("+where+") AND deleted_at IS NULL", append([]any{tx.Now, tx.Now}, args...)...); err != nil {
		return err
	}
	if p.Kind != PostQuestion {
		return nil
	}
	_, err := tx.Run("UPDATE questions SET title = '', slug = 'deleted', app_id = NULL, deleted_at = ? WHERE id = ?", tx.Now, q.ID)
	return err
}
