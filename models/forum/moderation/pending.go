package moderation

import (
	"context"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Waiting is a post that waits for approval.
type Waiting struct {
	ID         db.ID
	QuestionID db.ID
	Kind       string
	Body       string
	HTML       string `gorm:"column:html"`
	AuthorID   db.ID
	AuthorName string
	Title      string
	Slug       string
	Edited     bool   // what stood before is shown until this is approved
	Was        string // of an edit of a question: its title until now
	Revisions  int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
	JoinedAt   time.Time // when the author's account was made
}

// waits is the condition under which something of post p waits for approval: all of it, or an edit. It stands word for word in the index of such posts.
const waits = "(p.state = 'pending' OR p.pending_revision IS NOT NULL)"

// Pending lists the posts that wait for approval, the oldest first, and edits that do, by their post. Faults: Forbidden.
func (s *Store) Pending(ctx context.Context, a actor.Actor, page db.PageRequest) (db.Page[Waiting], error) {
	if err := reads(a); err != nil {
		return db.Page[Waiting]{}, err
	}
	page.Sort = ""
	return db.List(ctx, s.db, db.Listing[Waiting]{
		Name: "pending posts", IDExpr: "p.id", ID: func(w Waiting) db.ID { return w.ID }, Default: "created",
		Select: `SELECT p.id, p.question_id, p.kind, COALESCE(r.body, p.body) AS body, COALESCE(r.html, p.html) AS html, p.author_id, u.display_name AS author_name,
			CASE WHEN r.title <> '' THEN r.title ELSE q.title END AS title, CASE WHEN r.title <> q.title AND r.title <> '' THEN q.title ELSE '' END AS was, q.slug,
			p.pending_revision IS NOT NULL AS edited, p.revisions, p.created_at, p.updated_at, u.created_at AS joined_at
			FROM posts p JOIN questions q ON q.id = p.question_id JOIN users u ON u.id = p.author_id LEFT JOIN post_revisions r ON r.post_id = p.id AND r.number = p.pending_revision
			WHERE ` + waits + ` AND p.deleted_at IS NULL AND q.deleted_at IS NULL`,
		Sorts: map[string]db.Sort[Waiting]{"created": {Expr: "p.created_at", Value: func(w Waiting) any { return w.CreatedAt }}},
	}, page)
}

// Approve shows a post or an edit that waited, tells who follows of a post that is new, and its author. revisions is of the text that the actor read: what was changed since is not approved
// unread. Faults: Forbidden, NotFound, Conflict when somebody decided or changed it meanwhile.
func (s *Store) Approve(ctx context.Context, a actor.Actor, postID db.ID, revisions int64) error {
	return s.decide(ctx, a, postID, revisions, func(tx *db.Tx, q forum.Question, p forum.Post) error {
		act := postEvent(audit.PostApproved, q, p, nil)
		if p.Kind == forum.PostQuestion {
			act = questionEvent(audit.QuestionApproved, q, nil)
		}
		audit.Record(tx, a, act)
		if err := s.forum.Publish(tx, a, p.ID); err != nil {
			return err
		}
		return s.tellAuthor(tx, q, p, "post_approved", approvedSubject, approvedLine, "")
	})
}

// Reject keeps a post from being shown, for a reason that its author reads by mail and beside the post. Of an edit, what stood before stands on. revisions as for Approve. Faults: Forbidden, NotFound, Conflict, Invalid (reason).
func (s *Store) Reject(ctx context.Context, a actor.Actor, postID db.ID, revisions int64, reason string) error {
	reason = strings.TrimSpace(reason)
	if err := checkReason(reason, true); err != nil {
		return err
	}
	return s.decide(ctx, a, postID, revisions, func(tx *db.Tx, q forum.Question, p forum.Post) error {
		back, err := forum.Reject(tx, a, p.ID, reason)
		if err != nil {
			return err
		}
		details := map[string]string{"reason": reason}
		if back {
			details["restored"] = "yes"
		}
		act := postEvent(audit.PostRejected, q, p, details)
		if p.Kind == forum.PostQuestion {
			act = questionEvent(audit.QuestionRejected, q, details)
		}
		audit.Record(tx, a, act)
		if back {
			return s.tellAuthor(tx, q, p, "post_rejected", restoredSubject, restoredLine, reason)
		}
		return s.tellAuthor(tx, q, p, "post_rejected", rejectedSubject, rejectedLine, reason)
	})
}

func (s *Store) decide(ctx context.Context, a actor.Actor, postID db.ID, revisions int64, fn func(tx *db.Tx, q forum.Question, p forum.Post) error) error {
	return s.onPost(ctx, a, postID, func(tx *db.Tx, q forum.Question, p forum.Post) error {
		if p.State != forum.Pending && p.PendingRevision == nil {
			return fault.New(fault.Conflict, "Somebody decided this meanwhile.")
		}
		if p.Revisions != revisions {
			return fault.New(fault.Conflict, "Its author changed this since you read it. Read it again, then decide.")
		}
		return fn(tx, q, p)
	})
}

// What authors are told. Each line takes the title of the question.
var (
	approvedSubject  = text.N("What you wrote is shown now")
	approvedLine     = text.N("Support approved what you wrote for “%s”.")
	rejectedSubject  = text.N("What you wrote is not shown")
	rejectedLine     = text.N("Support decided not to show what you wrote for “%s”.")
	restoredSubject  = text.N("What you changed is not shown")
	restoredLine     = text.N("Support decided not to show what you changed for “%s”. It reads as it did before.")
	blockedSubject   = text.N("You can’t post in the forum for now")
	blockedLine      = text.N("Support keeps you from posting until %s. The rest of your account works as before.")
	blockedForGood   = text.N("Support keeps you from posting until they lift it. The rest of your account works as before.")
	unblockedSubject = text.N("You can post in the forum again")
	unblockedLine    = text.N("Support lets you post in the forum again.")
)

func (s *Store) tellAuthor(tx *db.Tx, q forum.Question, p forum.Post, kind, subject, line, reason string) error {
	button := outbox.L("Open the question")
	l := outbox.Letter{Kind: kind, Subject: outbox.L(subject), Lines: []outbox.Line{outbox.L(line, q.Title)}, Button: &button, URL: s.link(q.Path())}
	if reason != "" {
		l.Lines = append(l.Lines, outbox.L("Reason: %s", reason))
	}
	return s.write(tx, p.AuthorID, func(org.Recipient) outbox.Letter { return l })
}

// write queues a letter to somebody who can be written to.
func (s *Store) write(tx *db.Tx, to db.ID, letter func(org.Recipient) outbox.Letter) error {
	var rows []org.Recipient
	err := tx.Raw("SELECT id, email, language, time_zone FROM users WHERE id = ? AND deleted_at IS NULL AND email_verified_at IS NOT NULL", to).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	l := letter(rows[0])
	l.To, l.UserID, l.Language, l.TimeZone = rows[0].Email, rows[0].ID, rows[0].Language, rows[0].TimeZone
	return s.outbox.Queue(tx, l)
}
