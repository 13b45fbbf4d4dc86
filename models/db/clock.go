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
	said  time.Time
	at    time.Time // with the reading of the monotonic clock
	took  time.Duration
	quick bool // it took no longer than mostRoundTrip
}

// now is the system's time until the database has been asked.
func (f *follower) now() time.Time {
	r := f.last.Load()
	if r == nil {
		return SystemClock()
	}
	return r.said.Add(time.Since(r.at)).Truncate(time.Microsecond)
}

// mostRoundTrip is how long the database may take to tell the time: the answer is off by half of it at most, and a key expires to the second (K4). A slower one is dropped.
const mostRoundTrip = 250 * time.Millisecond

// firstAsks is how often it is asked at the start for an answer that is quick enough: any tells more of its clock than the machine's own does.
const firstAsks = 3

// ask asks the database. What waits for a connection is not counted.
func (f *follower) ask(ctx context.Context, pool *sql.DB) error {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	before := time.Now()
	var said time.Time
	if err := conn.QueryRowContext(ctx, "SELECT clock_timestamp()").Scan(&said); err != nil {
		return err
	}
	return f.take(said, before, time.Now())
}

// first asks until an answer was quick, and is content with a slow one in the end.
func (f *follower) first(ctx context.Context, pool *sql.DB) (err error) {
	for range firstAsks {
		if err = f.ask(ctx, pool); !errors.Is(err, errSlow) {
			return err
		}
	}
	return nil
}

// errSlow says that an answer came too late to tell the time by it.
var errSlow = errors.New("db: the database took too long to tell the time")

// take takes what was said for the time in the middle of asking. It fails with errSlow and goes on as before when the answer took too long; the first is better than none.
func (f *follower) take(said, before, after time.Time) error {
	took := after.Sub(before)
	slow := took > mostRoundTrip
	if last := f.last.Load(); slow && last != nil && (last.quick || last.took <= took) {
		return errSlow
	}
	f.last.Store(&reading{said.UTC(), before.Add(took / 2), took, !slow})
	if slow {
		return errSlow
	}
	return nil
}

// follow has Clock go by PostgreSQL's.
func (d *DB) follow(ctx context.Context) error {
	d.follows = &follower{}
	d.Clock = d.follows.now
	if err := d.follows.first(ctx, d.writerPool); err != nil {
		return errors.Join(fmt.Errorf("db: PostgreSQL does not tell the time: %w", err), d.writerPool.Close())
	}
	return nil
}

// FollowClock asks PostgreSQL for the time, by which Clock goes from then on. It does nothing with SQLite, which has no clock of its own, nor where a
// clock was given to Open. It fails, and Clock goes on as before, when the answer took so long that it says too little.
func (d *DB) FollowClock(ctx context.Context) error {
	if d.follows == nil {
		return nil
	}
	return d.follows.ask(ctx, d.writerPool)
}

// MachineNow is the time by the clock of this machine, or the one that was given to Open.
func (d *DB) MachineNow() time.Time { return d.machine() }
