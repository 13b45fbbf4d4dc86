package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

// ErrReadOnly is the cause of the fault with which a SQLite database refuses a transaction because it is being moved elsewhere, or was.
var ErrReadOnly = errors.New("db: the database is read only, because it is moved")

// ErrHeld says that another move is under way.
var ErrHeld = errors.New("db: this database is being moved already")

// ErrLeft says that the database was moved elsewhere, and that the grace its servers were given has passed.
var ErrLeft = errors.New("db: this database was moved elsewhere: what it says of keys is out of date")

// retryMoving is what Retry-After tells while a database is moved.
const retryMoving = 30 * time.Second

// movedAtOnce marks a database that was moved and whose servers were given no grace.
const movedAtOnce = -1

// movingLock is the file beside the database whose lock says that a move is under way. The lock goes with the process that holds it,
// however it ends, so nothing stays behind that would keep the database from being written.
func (d *DB) movingLock() string { return d.Path + ".moving" }

// Moving reports whether another process, or this one, holds the database while it copies it elsewhere.
func (d *DB) Moving() bool {
	if d.Dialect != SQLite {
		return false
	}
	f, err := os.OpenFile(d.movingLock(), os.O_RDONLY, 0)
	if err != nil {
		return false // there is no such file: nobody moves it
	}
	defer func() { _ = f.Close() }()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK) //nolint:gosec // a descriptor fits an int
}

// Moved reports whether the database was moved elsewhere, and until when, to the minute, what it says of keys counts; the zero time: no longer. The mark is the
// file's user_version: minutes since 1970, or movedAtOnce.
func (d *DB) Moved(ctx context.Context) (until time.Time, moved bool, err error) {
	if d.Dialect != SQLite {
		return time.Time{}, false, nil
	}
	return movedOf(d.readerPool.QueryRowContext(ctx, "PRAGMA user_version"))
}

func movedOf(row *sql.Row) (until time.Time, moved bool, err error) {
	var minutes int64
	if err = row.Scan(&minutes); err != nil || minutes <= 0 {
		return time.Time{}, err == nil && minutes != 0, err
	}
	return time.Unix(minutes*60, 0).UTC(), true, nil
}

// Left fails with ErrLeft when the database was moved and the grace of that move has passed.
func (d *DB) Left(ctx context.Context) error {
	until, moved, err := d.Moved(ctx)
	if err == nil && moved && !d.Now().Before(until) {
		return ErrLeft
	}
	return err
}

func refuseMoved() error {
	return &fault.Error{Kind: fault.Unavailable, Key: "This portal was moved to another database. In the old one nothing can be changed.", RetryAfter: retryMoving, Cause: ErrReadOnly}
}

func refuseWrite() error {
	return &fault.Error{Kind: fault.Unavailable, Key: "This portal is being moved to another database. Until that is done nothing can be changed.", RetryAfter: retryMoving, Cause: ErrReadOnly}
}

// notBegun is why a transaction could not begin.
func (d *DB) notBegun(err error) error {
	if isBusy(err) && d.Moving() { // it was taken while this waited
		return refuseWrite()
	}
	return err
}

// begun refuses a transaction of a database that was moved. Of one that is not, no move begins before the transaction ends.
func (d *DB) begun(ctx context.Context, t *gorm.DB) error {
	if d.Dialect != SQLite {
		return nil
	}
	_, moved, err := movedOf(t.Statement.ConnPool.QueryRowContext(ctx, "PRAGMA user_version"))
	if err == nil && moved {
		return refuseMoved()
	}
	return err
}

func isBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// Hold is one transaction of a SQLite database that keeps everybody else from writing, while all may read. What it reads stays as it is
// until Finish or Release. When the process dies, in whatever way, the database is as before and can be written.
type Hold struct {
	lock *os.File
	pool *sql.DB
	conn *sql.Conn
}

// Hold waits, up to 30 s each, for moves that end and for transactions that are open, and then holds the database. Processes that serve it
// refuse to write at once, instead of waiting. ErrHeld: somebody else holds it.
func (d *DB) Hold(ctx context.Context) (*Hold, error) {
	if d.Dialect != SQLite {
		return nil, errors.New("db: only a SQLite database is held")
	}
	lock, err := os.OpenFile(d.movingLock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("db: hold: %w", err)
	}
	h := &Hold{lock: lock}
	if err := h.take(ctx, d.Path); err != nil {
		return nil, errors.Join(err, h.Release())
	}
	return h, nil
}

const (
	lockTries = 100 // a process that asks whether a move is under way holds the lock for some microseconds
	lockPause = 10 * time.Millisecond
)

func (h *Hold) take(ctx context.Context, path string) error {
	tick := time.NewTicker(lockPause)
	defer tick.Stop()
	for tries := 0; ; tries++ {
		err := syscall.Flock(int(h.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) //nolint:gosec // a descriptor fits an int
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("db: hold: %w", err)
		}
		if tries == lockTries {
			return ErrHeld
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var err error
	if h.pool, err = sql.Open("sqlite", sqliteDSN(path, false)); err != nil {
		return err
	}
	if h.conn, err = h.pool.Conn(ctx); err != nil {
		return err
	}
	for _, statement := range []string{"PRAGMA busy_timeout = 30000", "BEGIN IMMEDIATE"} {
		if _, err = h.conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("db: hold: %w", err)
		}
	}
	return nil
}

// Query reads in the transaction. One result at a time is open.
func (h *Hold) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return h.conn.QueryContext(ctx, query, args...)
}

// Exec writes in the transaction. Nobody sees it before Finish.
func (h *Hold) Exec(ctx context.Context, statement string, args ...any) error {
	_, err := h.conn.ExecContext(ctx, statement, args...)
	return err
}

// Finish marks the database as moved and commits, in one step, and releases it: from then on no transaction begins in it. Processes that still serve it answer
// for keys until that minute; the zero time: until they miss the change feed for too long, as when the database is away.
func (h *Hold) Finish(ctx context.Context, until time.Time) error {
	mark := int64(movedAtOnce)
	if !until.IsZero() {
		mark = until.Unix() / 60
	}
	if err := h.Exec(ctx, fmt.Sprintf("PRAGMA user_version = %d", mark)); err != nil {
		return errors.Join(err, h.Release())
	}
	return errors.Join(h.Exec(ctx, "COMMIT"), h.Release())
}

// Unmove takes the mark back with which Finish ended: the database can be written again. It must be held.
func (h *Hold) Unmove(ctx context.Context) error {
	if err := h.Exec(ctx, "PRAGMA user_version = 0"); err != nil {
		return errors.Join(err, h.Release())
	}
	return errors.Join(h.Exec(ctx, "COMMIT"), h.Release())
}

// Release gives the database back; what was not finished is undone. It may be called again.
func (h *Hold) Release() error {
	var err error
	if h.conn != nil {
		err = h.conn.Close()
		h.conn = nil
	}
	if h.pool != nil {
		err = errors.Join(err, h.pool.Close()) // ends the connection, and with it the transaction
		h.pool = nil
	}
	if h.lock != nil {
		err = errors.Join(err, h.lock.Close())
		h.lock = nil
	}
	return err
}
