package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Clock tells the time. Everything that asks for it takes a Clock, so that tests turn it by hand.
type Clock func() time.Time

// SystemClock is UTC, cut to microseconds: what both databases keep.
func SystemClock() time.Time { return time.Now().Add(wrongBy()).UTC().Truncate(time.Microsecond) }

// follower tells the time of a database: what it said when it was last asked, and what has passed since by a clock that nobody sets. So a machine whose
// clock is wrong, or is set while the program runs, holds nothing for over that is not, and nothing for good that is over (REL-12).
type follower struct{ last atomic.Pointer[reading] }

type reading struct {
	said time.Time
	at   time.Time // with the reading of the monotonic clock
}

// now is the system's time until the database has been asked.
func (f *follower) now() time.Time {
	r := f.last.Load()
	if r == nil {
		return SystemClock()
	}
	return r.said.Add(time.Since(r.at)).Truncate(time.Microsecond)
}

// ask asks the database; what it says is taken for the time in the middle of asking.
func (f *follower) ask(ctx context.Context, pool *sql.DB) error {
	before := time.Now()
	var said time.Time
	if err := pool.QueryRowContext(ctx, "SELECT clock_timestamp()").Scan(&said); err != nil {
		return err
	}
	after := time.Now()
	f.last.Store(&reading{said.UTC(), before.Add(after.Sub(before) / 2)})
	return nil
}

// follow has Clock go by PostgreSQL's.
func (d *DB) follow(ctx context.Context) error {
	d.follows = &follower{}
	d.Clock = d.follows.now
	if err := d.FollowClock(ctx); err != nil {
		return errors.Join(fmt.Errorf("db: PostgreSQL does not tell the time: %w", err), d.writerPool.Close())
	}
	return nil
}

// FollowClock asks PostgreSQL for the time, by which Clock goes from then on. It does nothing with SQLite, which has no clock of its own, nor where a
// clock was given to Open.
func (d *DB) FollowClock(ctx context.Context) error {
	if d.follows == nil {
		return nil
	}
	return d.follows.ask(ctx, d.writerPool)
}

// MachineNow is the time by the clock of this machine, or the one that was given to Open.
func (d *DB) MachineNow() time.Time { return d.machine() }
