package forum

import (
	"context"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/forum/trust"
)

// Options of a Store. All are required.
type Options struct {
	DB     *db.DB
	Follow *follow.Store            // whom to tell what was published
	Link   func(path string) string // absolute address under the base URL
}

// Store keeps questions and posts. Safe for concurrent use.
type Store struct {
	db     *db.DB
	follow *follow.Store
	link   func(string) string
}

// NewStore makes a store.
func NewStore(o Options) *Store { return &Store{db: o.DB, follow: o.Follow, link: o.Link} }

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

func number(q *gorm.DB, query string, args ...any) (int64, error) {
	var n int64
	err := q.Raw(query, args...).Scan(&n).Error
	return n, err
}

// signedIn refuses everybody but a person.
func signedIn(a actor.Actor) error {
	if !a.SignedIn() {
		return fault.New(fault.Unauthenticated, "Sign in to go on.")
	}
	return nil
}

// onQuestion runs fn on a question that the actor may read and that is not merged, one at a time for each question.
func (s *Store) onQuestion(ctx context.Context, a actor.Actor, id db.ID, fn func(tx *db.Tx, q Question) error) error {
	if err := signedIn(a); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		q, err := QuestionFor(tx, a, id)
		if err != nil {
			return err
		}
		return fn(tx, q)
	})
}

// MayPost tells, for a page with a form, why the actor may not post at all: who is kept from it, or has no verified address. Faults: Forbidden.
func (s *Store) MayPost(ctx context.Context, a actor.Actor) error {
	if !a.SignedIn() {
		return nil
	}
	return trust.MayNow(ctx, s.db, a)
}

// QuestionFor locks a question that the actor may read until the transaction ends. Faults: NotFound, Conflict for a merged one.
func QuestionFor(tx *db.Tx, a actor.Actor, id db.ID) (Question, error) {
	q, err := lockQuestion(tx, id)
	if err != nil {
		return q, err
	}
	may, err := readable(tx, id, a)
	switch {
	case err != nil:
		return q, err
	case !may:
		return q, fault.Missing()
	case q.MergedInto != nil:
		return q, fault.New(fault.Conflict, "This question was merged into another one. Go on there.")
	}
	return q, nil
}

// onPost is onQuestion for a post that the actor may read.
func (s *Store) onPost(ctx context.Context, a actor.Actor, id db.ID, fn func(tx *db.Tx, q Question, p Post) error) error {
	if err := signedIn(a); err != nil {
		return err
	}
	var where []db.ID
	if err := s.db.Read(ctx).Raw("SELECT question_id FROM posts WHERE id = ?", id).Scan(&where).Error; err != nil {
		return err
	}
	if len(where) == 0 {
		return fault.Missing()
	}
	return s.onQuestion(ctx, a, where[0], func(tx *db.Tx, q Question) error {
		p, err := one[Post](tx.DB, "SELECT p.* FROM posts p WHERE p.id = ? AND "+shownPost, append([]any{id}, shownArgs(a)...)...)
		if err != nil {
			return err
		}
		return fn(tx, q, p)
	})
}
