// Package catalog is the APIs: what they are called, who publishes them, their versions, scopes, route rules and plans, and which app has
// access to which. Verification reads what it keeps; every change of those facts is told to the change feed.
package catalog

import (
	"context"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Options of a Store.
type Options struct {
	DB     *db.DB
	Outbox *outbox.Outbox
	Link   func(path string) string // absolute address under the base URL
}

// Store keeps the catalogue and access. Safe for concurrent use.
type Store struct {
	db     *db.DB
	outbox *outbox.Outbox
	link   func(string) string
}

// NewStore makes a store.
func NewStore(o Options) *Store { return &Store{db: o.DB, outbox: o.Outbox, link: o.Link} }

// manage runs fn on an API that is not retired, for staff who may publish, one at a time for each API; verification and the search index are told.
func (s *Store) manage(ctx context.Context, a actor.Actor, id db.ID, fn func(tx *db.Tx, api API) error) error {
	if err := org.RequireStaff(a, permission.StaffAPIsManage); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		api, err := lockAPI(tx, id)
		if err != nil {
			return err
		}
		if api.RetiredAt != nil {
			return fault.New(fault.Conflict, "This API is retired. It can’t be changed any more.")
		}
		change.Record(tx, change.API, id)
		if err := fn(tx, api); err != nil {
			return err
		}
		return indexAPI(tx, id)
	})
}

// lockAPI reads an API and keeps others from changing it until the transaction ends.
func lockAPI(tx *db.Tx, id db.ID) (API, error) {
	query := "SELECT * FROM apis WHERE id = ?"
	if tx.Home.Dialect == db.Postgres {
		query += " FOR UPDATE"
	}
	return one[API](tx.DB, query, id)
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
