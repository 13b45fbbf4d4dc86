// Package support is the desk at which the company's people answer: the queue of questions that wait, who takes which, notes among staff, canned
// replies, teams, reply times and reports. What a question is and who may read it is forum's.
package support

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Prefixes of the ids that people see.
const (
	NotePrefix = "note"
	TeamPrefix = "team"
	ReplyID    = "can"
)

// Options of a Store. All are required.
type Options struct {
	DB     *db.DB
	Forum  *forum.Store
	Outbox *outbox.Outbox
	Link   func(path string) string // absolute address under the base URL
}

// Store is the desk. Safe for concurrent use.
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

// Path is the address of a question at the desk.
func Path(id db.ID) string { return "/support/questions/" + id.Show(forum.Prefix) }

func reads(a actor.Actor) error   { return org.RequireStaff(a, permission.StaffQuestionsRead) }
func answers(a actor.Actor) error { return org.RequireStaff(a, permission.StaffQuestionsAnswer) }
func manages(a actor.Actor) error { return org.RequireStaff(a, permission.StaffSupportManage) }

// act runs fn on a question for staff who answer, one at a time for each question. Faults: Forbidden, NotFound for one that is deleted, Conflict
// for one that was merged into another.
func (s *Store) act(ctx context.Context, a actor.Actor, id db.ID, fn func(tx *db.Tx, q forum.Question) error) error {
	if err := answers(a); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		q, err := lock(tx, id)
		if err != nil {
			return err
		}
		if q.MergedInto != nil {
			return fault.New(fault.Conflict, "This question was merged into another one. Go on there.")
		}
		return fn(tx, q)
	})
}

// lock reads a question and keeps others from changing it until the transaction ends.
func lock(tx *db.Tx, id db.ID) (forum.Question, error) {
	query := "SELECT * FROM questions WHERE id = ? AND deleted_at IS NULL"
	if tx.Home.Dialect == db.Postgres {
		query += " FOR UPDATE"
	}
	return one[forum.Question](tx.DB, query, id)
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

func number(q *gorm.DB, query string, args ...any) (int64, error) {
	var n int64
	err := q.Raw(query, args...).Scan(&n).Error
	return n, err
}

func micros(t time.Time) time.Time { return t.Truncate(time.Microsecond) }
