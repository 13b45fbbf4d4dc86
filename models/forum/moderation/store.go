// Package moderation keeps the forum fit to be read: readers report posts, staff hide, lock, pin and retag, approve what waits, and keep people from posting.
package moderation

import (
	"context"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// FlagPrefix begins the ids of flags that people see.
const FlagPrefix = "flg"

// MaxReason bounds reasons and words, in characters.
const MaxReason = 500

// Options of a Store. All are required.
type Options struct {
	DB     *db.DB
	Forum  *forum.Store
	Outbox *outbox.Outbox
	Link   func(path string) string // absolute address under the base URL
}

// Store moderates. Safe for concurrent use.
type Store struct {
	db     *db.DB
	forum  *forum.Store
	outbox *outbox.Outbox
	link   func(string) string
}

// NewStore makes a store.
func NewStore(o Options) *Store {
	return &Store{db: o.DB, forum: o.Forum, outbox: o.Outbox, link: o.Link}
}

func reads(a actor.Actor) error { return require(a, permission.StaffQuestionsRead) }

func moderates(a actor.Actor) error { return require(a, permission.StaffQuestionsModerate) }

func require(a actor.Actor, p permission.Name) error {
	if a.Trusted() || a.SignedIn() && permission.Staff(a.StaffRole, p) {
		return nil
	}
	return fault.Lacking(string(p), "")
}

// checkReason notes a reason that is missing, too long, no text or holds a key.
func checkReason(reason string, required bool) error {
	var p fault.Problems
	p.Check(!required || reason != "", "reason", "Enter a reason. The author reads it.")
	org.CheckText(&p, "reason", reason, MaxReason)
	return p.Err()
}

// one reads one row. Faults: NotFound.
func one[T any](q *gorm.DB, query string, args ...any) (T, error) {
	var rows []T
	var none T
	if err := q.Raw(query, args...).Scan(&rows).Error; err != nil {
		return none, err
	}
	if len(rows) == 0 {
		return none, fault.Missing()
	}
	return rows[0], nil
}

// onQuestion runs fn on a question, one at a time for each, for staff who moderate, and settles it. Who moderates reads every
// question; a merged one still holds posts to look after. Faults: Forbidden, NotFound.
func (s *Store) onQuestion(ctx context.Context, a actor.Actor, id db.ID, fn func(tx *db.Tx, q forum.Question) error) error {
	if err := moderates(a); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		query := "SELECT * FROM questions WHERE id = ? AND deleted_at IS NULL"
		if tx.Home.Dialect == db.Postgres {
			query += " FOR UPDATE"
		}
		q, err := one[forum.Question](tx.DB, query, id)
		if err != nil {
			return err
		}
		if err := fn(tx, q); err != nil {
			return err
		}
		return forum.Settle(tx, q.ID)
	})
}

// onPost is onQuestion for a post that is not deleted.
func (s *Store) onPost(ctx context.Context, a actor.Actor, id db.ID, fn func(tx *db.Tx, q forum.Question, p forum.Post) error) error {
	if err := moderates(a); err != nil {
		return err
	}
	p, err := one[forum.Post](s.db.Read(ctx), "SELECT * FROM posts WHERE id = ? AND deleted_at IS NULL", id)
	if err != nil {
		return err
	}
	return s.onQuestion(ctx, a, p.QuestionID, func(tx *db.Tx, q forum.Question) error {
		p, err := one[forum.Post](tx.DB, "SELECT * FROM posts WHERE id = ? AND deleted_at IS NULL", id)
		if err != nil {
			return err
		}
		return fn(tx, q, p)
	})
}

func questionEvent(act audit.Act, q forum.Question, details map[string]string) audit.Event {
	return audit.Event{Act: act, TargetKind: "question", TargetID: q.ID, OrganizationID: db.Deref(q.OrganizationID), Details: details}
}

func postEvent(act audit.Act, q forum.Question, p forum.Post, details map[string]string) audit.Event {
	if details == nil {
		details = map[string]string{}
	}
	details["question"] = q.ID.Show(forum.Prefix)
	return audit.Event{Act: act, TargetKind: "post", TargetID: p.ID, OrganizationID: db.Deref(q.OrganizationID), Details: details}
}
