package ratelimit

import (
	"context"
	"time"
)

// Peers says how many processes share limits.
type Peers interface {
	// Peers is at least 1, this process among them. It is asked on each call and must cost nothing.
	Peers() int
}

// Fixed is a number of processes that doesn't change.
type Fixed int

// Peers implements Peers.
func (n Fixed) Peers() int { return max(1, int(n)) }

// Alone is a process that shares its limits with no other.
const Alone = Fixed(1)

// Share is what one of n processes that don't hear of each other may pass alone, so that all together pass no more than l in any window of one Period:
// Requests and what passes at once are parted by n, rounded down. Where fewer pass at once than there are processes, each lets one through, and the
// rate is cut by as much; only a limit whose Requests and Burst together are fewer than the processes is passed, by one call of each.
func (l Limit) Share(n int) Limit {
	if n <= 1 || l.None() {
		return l
	}
	burst := max(1, l.Capacity()/n)
	requests := min(l.Requests, max(1, l.Requests+l.Capacity()-n*burst))
	return Limit{Requests: requests, Period: l.period(n), Burst: burst}
}

// period is Period n times over, within what a Duration holds.
func (l Limit) period(n int) time.Duration { return time.Duration(times(int64(l.Period), n)) }

// Share is the share of the Ask's limit.
func (a Ask) Share(n int) Ask {
	a.Limit = a.Limit.Share(n)
	return a
}

// Divided decides in this process by its share of each limit: for several processes that have no store in common. What one of them doesn't use is lost
// to the others.
type Divided struct {
	local *Local
	peers Peers
}

// NewDivided returns a limiter that decides by local.
func NewDivided(local *Local, peers Peers) *Divided { return &Divided{local, peers} }

// Take implements Limiter.
func (d *Divided) Take(ctx context.Context, now time.Time, cost int, first, second Ask) Result {
	n := d.peers.Peers()
	r := d.local.Take(ctx, now, cost, first.Share(n), second.Share(n))
	r.Never = r.Never && first.Limit.never(cost, second.Limit)
	return r
}

// never reports whether a call of that cost is more than one of the two limits holds.
func (l Limit) never(cost int, other Limit) bool {
	return !l.None() && cost > l.Capacity() || !other.None() && cost > other.Capacity()
}
