package forum

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/forum/trust"
)

// Reply is an answer or a comment that somebody writes.
type Reply struct {
	Body    string // Markdown
	Parent  db.ID  // of a comment: the post under which it stands; zero makes it an answer
	Version int64  // of the question as the writer read it; 0 does not ask
	Honey   string
}

// repeat is how long the same text of the same person counts as the repeat of a form, which makes nothing new.
const repeat = 10 * time.Minute

// Answer adds an answer to a question. It is published at once or waits for approval, as its State says. Faults: Unauthenticated, NotFound,
// Conflict for a locked or merged question, Invalid (body), and those of trust.Judge.
func (s *Store) Answer(ctx context.Context, a actor.Actor, id db.ID, in Reply) (Post, error) {
	if err := signedIn(a); err != nil {
		return Post{}, err
	}
	in.Parent = db.ID{}
	var p Post
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		q, err := QuestionFor(tx, a, id)
		if err != nil {
			return err
		}
		p, err = s.Write(tx, a, q, in)
		return err
	})
	return p, err
}

// Comment adds a comment under an answer, or under the question itself when in.Parent is its own post. Faults: as Answer.
func (s *Store) Comment(ctx context.Context, a actor.Actor, in Reply) (Post, error) {
	var p Post
	err := s.onPost(ctx, a, in.Parent, func(tx *db.Tx, q Question, _ Post) error {
		var err error
		p, err = s.Write(tx, a, q, in)
		return err
	})
	return p, err
}

// Write adds an answer or a comment inside a transaction in which QuestionFor gave q, settles the question and tells who follows. The desk of support
// writes by it too. Faults: Conflict for a locked question and for a version that is not the question's any more, NotFound for a parent
// that is not there, Invalid (body), and those of trust.Judge.
func (s *Store) Write(tx *db.Tx, a actor.Actor, q Question, in Reply) (Post, error) {
	if err := mayWrite(a, q); err != nil {
		return Post{}, err
	}
	if in.Version != 0 && in.Version != q.Version {
		return Post{}, fault.New(fault.Conflict, "Somebody wrote here since you opened this page. Read it, and send yours again if it still helps.")
	}
	p, err := newPost(tx, a, q, in)
	if err != nil {
		return Post{}, err
	}
	if same, found, err := written(tx, p); err != nil || found {
		return same, err
	}
	verdict, err := trust.Judge(tx, a, trust.Post{Body: p.Body, Honey: in.Honey, Host: s.link("")})
	if err != nil {
		return Post{}, err
	}
	if verdict.Pending {
		p.State = Pending
	}
	if err := insertPost(tx, p); err != nil {
		return Post{}, err
	}
	reason := follow.Answered
	if p.Kind == PostComment {
		reason = follow.Commented
	}
	if err := follow.Start(tx, a.UserID, follow.Question, q.ID, reason); err != nil {
		return Post{}, err
	}
	audit.Record(tx, a, audit.Event{Act: audit.PostWritten, TargetKind: "post", TargetID: p.ID, OrganizationID: db.Deref(q.OrganizationID), Details: judged(map[string]string{"kind": p.Kind, "state": p.State, "question": q.ID.Show(Prefix)}, verdict)})
	if err := reopen(tx, a, q, p); err != nil {
		return Post{}, err
	}
	return p, s.publish(tx, p)
}

// mayWrite refuses to write under a locked question, but for staff.
func mayWrite(a actor.Actor, q Question) error {
	if q.LockedAt != nil && !answersFor(a) && !moderates(a) {
		return fault.New(fault.Conflict, "This question is locked. Nothing can be added to it.")
	}
	return nil
}

func newPost(tx *db.Tx, a actor.Actor, q Question, in Reply) (Post, error) {
	var problems fault.Problems
	p := Post{ID: db.NewID(), QuestionID: q.ID, Kind: PostAnswer, AuthorID: a.UserID, ByStaff: answersFor(a), State: Published, CreatedAt: tx.Now, UpdatedAt: tx.Now}
	if p.Body, p.HTML = checkBody(&problems, in.Body); len(problems) > 0 {
		return p, problems.Err()
	}
	if in.Parent.IsZero() {
		return p, nil
	}
	p.Kind = PostComment
	parent, err := one[Post](tx.DB, "SELECT p.* FROM posts p WHERE p.id = ? AND p.question_id = ? AND p.kind <> 'comment' AND "+shownPost, append([]any{in.Parent, q.ID}, shownArgs(a)...)...)
	if err == nil && parent.Kind == PostAnswer {
		p.ParentID = parent.ID.Ref()
	}
	return p, err
}

// written finds the post that the same form made already.
func written(tx *db.Tx, p Post) (Post, bool, error) {
	var rows []Post
	err := tx.Raw(`SELECT * FROM posts WHERE author_id = ? AND created_at > ? AND question_id = ? AND kind = ? AND body = ? AND COALESCE(parent_id, ?) = ? AND deleted_at IS NULL LIMIT 1`,
		p.AuthorID, tx.Now.Add(-repeat), p.QuestionID, p.Kind, p.Body, db.ID{}, db.Deref(p.ParentID)).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return Post{}, false, err
	}
	return rows[0], true, nil
}

// reopen ends what the asker's next word ends: waiting for it, its warning, and that the question was closed.
func reopen(tx *db.Tx, a actor.Actor, q Question, p Post) error {
	if p.AuthorID != q.AskerID || p.State != Published {
		return nil
	}
	if q.ClosedAt != nil {
		audit.Record(tx, a, audit.Event{Act: audit.QuestionReopened, TargetKind: "question", TargetID: q.ID, OrganizationID: db.Deref(q.OrganizationID)})
	}
	_, err := tx.Run("UPDATE questions SET closed_at = NULL, closed_reason = '', asked_back_at = NULL, warned_at = NULL WHERE id = ?", q.ID)
	return err
}
