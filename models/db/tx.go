package db

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// Tx is one transaction. Now is one instant for all of it. It is used by one goroutine.
type Tx struct {
	*gorm.DB
	Home *DB
	Now  time.Time
	ctx  context.Context

	before  []stage
	changes []Change
}

// Stages of BeforeCommit, in the order in which they run: locks are always taken in this order, so that writers can't deadlock.
const (
	StageAudit  = 1 // under the lock of the audit head row
	StageChange = 2 // last of all, under the lock that makes sequence numbers appear in commit order
)

type stage struct {
	n  int
	fn func() error
}

// Context is the context of the transaction.
func (tx *Tx) Context() context.Context { return tx.ctx }

// BeforeCommit runs fn after the body of the transaction and before its commit; an error rolls all back.
func (tx *Tx) BeforeCommit(n int, fn func() error) { tx.before = append(tx.before, stage{n, fn}) }

// Run executes one statement and tells how many rows it touched.
func (tx *Tx) Run(query string, args ...any) (int64, error) {
	r := tx.Exec(query, args...)
	return r.RowsAffected, r.Error
}

// Rows are the placeholders of so many rows of so many values, behind VALUES.
func Rows(values, rows int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", values), ", ") + ")"
	return strings.TrimSuffix(strings.Repeat(row+", ", rows), ", ")
}

// maxTries bounds how often a transaction is repeated when PostgreSQL gave it up for another's sake.
const maxTries = 4

// Tx runs body in a transaction and commits it. Any error of body rolls back and is returned as it is. body may run more than
// once (PostgreSQL deadlocks, locks not had in time and serialization failures), so it must change nothing outside the transaction.
// A panic rolls back and goes on. Fault: Unavailable with ErrReadOnly of a SQLite database that is being moved, or was, and with ErrFull after its disk was full.
func (d *DB) Tx(ctx context.Context, body func(tx *Tx) error) error {
	err := d.leaveRoom(ctx)
	if err != nil {
		return err
	}
	for range maxTries {
		var changes []Change
		if changes, err = d.try(ctx, body); err == nil {
			d.notify(changes)
			return nil
		}
		if full(err) && urgent(ctx) && d.giveBallast() {
			continue
		}
		if !retriable(err) {
			return err
		}
	}
	return err
}

// View runs body in a transaction that is always undone: to look ahead with the checks of a change. SQLite lets it only read, also while the database
// is moved.
func (d *DB) View(ctx context.Context, body func(tx *Tx) error) error {
	g := d.reader.WithContext(ctx).Begin(&sql.TxOptions{})
	if g.Error != nil {
		return g.Error
	}
	defer func() { logRollback(ctx, g.Rollback().Error) }()
	return body(&Tx{DB: g, Home: d, Now: d.Clock(), ctx: ctx})
}

func (d *DB) try(ctx context.Context, body func(tx *Tx) error) ([]Change, error) {
	if d.Moving() {
		return nil, refuseWrite()
	}
	g := d.writer.WithContext(ctx).Begin(&sql.TxOptions{})
	if g.Error != nil {
		return nil, d.notBegun(g.Error)
	}
	done := false
	defer func() {
		if !done {
			logRollback(ctx, g.Rollback().Error)
		}
	}()
	if err := d.begun(ctx, g); err != nil {
		return nil, err
	}
	tx := &Tx{DB: g, Home: d, Now: d.Clock(), ctx: ctx}
	if err := body(tx); err != nil {
		return nil, err
	}
	slices.SortStableFunc(tx.before, func(a, b stage) int { return a.n - b.n })
	for _, s := range tx.before {
		if err := s.fn(); err != nil {
			return nil, err
		}
	}
	if err := g.Commit().Error; err != nil {
		return nil, err
	}
	done = true
	return tx.changes, nil
}

func retriable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01" || pg.Code == "55P03")
}

// Duplicate reports whether err is a violated unique index.
func Duplicate(err error) bool { return errors.Is(err, gorm.ErrDuplicatedKey) }

// NoRow reports whether err says that there was no such row.
func NoRow(err error) bool {
	return errors.Is(err, gorm.ErrRecordNotFound) || errors.Is(err, sql.ErrNoRows)
}
