package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

// ballastSize is the room that is kept aside beside a SQLite file: for its log, which grows to 4 MiB, and as much for the file itself.
const ballastSize = 8 << 20

// ballast is that room, in a file that is given up when the disk is full and something urgent must be written (REL-8). The zero value has none.
type ballast struct {
	spent atomic.Bool
	tried atomic.Int64 // when it was last tried to put room aside anew, nanoseconds since 1970
}

// ErrFull is the cause of the fault with which a transaction is refused because the disk was full a moment ago and what room there is, is for urgent ones.
var ErrFull = errors.New("db: the disk is full")

type urgentKey struct{}

// Urgent has the transactions of ctx written even when the disk is full, into room that is kept aside: for what stops keys, accounts and
// sessions, which must not wait until somebody has made room. What it writes is small, or asked for by who is trusted: strangers could use that room up.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

func urgent(ctx context.Context) bool { return ctx.Value(urgentKey{}) != nil }

func (d *DB) ballastPath() string { return d.Path + ".ballast" }

// KeepBallast puts room aside for urgent transactions, where there is none yet. It does nothing with PostgreSQL, whose disk is not ours. It fails when
// the disk has no room, and then takes none.
func (d *DB) KeepBallast() error {
	if d.Dialect != SQLite {
		return nil
	}
	if info, err := os.Stat(d.ballastPath()); err == nil && info.Size() == ballastSize {
		d.ballast.spent.Store(false)
		return nil
	}
	f, err := os.OpenFile(d.ballastPath(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("db: %w", err)
	}
	_, err = f.Write(make([]byte, ballastSize)) // written, not stretched: a hole would take no room
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("db: no room can be kept aside: %w", errors.Join(err, os.Remove(d.ballastPath())))
	}
	d.ballast.spent.Store(false)
	return nil
}

// giveBallast makes the room free that was kept aside; false when there was none.
func (d *DB) giveBallast() bool {
	info, err := os.Stat(d.ballastPath())
	if err != nil || info.Size() == 0 || os.Remove(d.ballastPath()) != nil {
		return false
	}
	d.ballast.spent.Store(true)
	return true
}

// ballastRest is how long nobody tries to put room aside after it was tried in vain.
const ballastRest = time.Second

// leaveRoom refuses a transaction that is not urgent while the room that was kept aside is given up and can't be had back.
func (d *DB) leaveRoom(ctx context.Context) error {
	if !d.ballast.spent.Load() || urgent(ctx) {
		return nil
	}
	now := d.Clock().UnixNano()
	if last := d.ballast.tried.Load(); now-last < int64(ballastRest) || !d.ballast.tried.CompareAndSwap(last, now) || d.KeepBallast() != nil {
		return &fault.Error{Kind: fault.Unavailable, RetryAfter: 5 * time.Second, Cause: ErrFull}
	}
	return nil
}

// Full reports whether err says that a transaction was refused because the disk is full: then an urgent one may still be written.
func Full(err error) bool { return errors.Is(err, ErrFull) || full(err) }

// full reports whether err says that the disk is.
func full(err error) bool {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return false
	}
	code := lite.Code() & 0xff
	return code == sqlite3.SQLITE_FULL || code == sqlite3.SQLITE_IOERR
}
