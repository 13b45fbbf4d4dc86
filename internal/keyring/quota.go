package keyring

import (
	"sync"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// MonthlyQuotas counts the calls of each app at each API in the current UTC
// month, in this process, and takes in what other replicas and earlier lives of
// this process have stored. Between two rebases replicas do not see each other's
// calls, so a quota may be passed by what they handle in that time. It is safe
// for concurrent use; a warm Take allocates nothing.
type MonthlyQuotas struct{ shards [quotaShards]quotaShard }

const quotaShards = 64

type quotaShard struct {
	mu    sync.Mutex
	month int64 // start of the month that cells count
	next  int64
	cells map[ratelimit.Key]*quotaCell
	_     [32]byte // a cache line of its own
}

type quotaCell struct {
	used    int64
	pending int64 // part of used that was charged since the last Drain
	rebase  bool  // never told what is stored
}

// NewMonthlyQuotas returns an empty MonthlyQuotas.
func NewMonthlyQuotas() *MonthlyQuotas {
	q := &MonthlyQuotas{}
	for i := range q.shards {
		q.shards[i].cells = map[ratelimit.Key]*quotaCell{}
	}
	return q
}

// shard spreads keys by the random ends of their ids.
func (q *MonthlyQuotas) shard(key ratelimit.Key) *quotaShard {
	return &q.shards[(key.A[15]^key.B[15]^key.Kind)%quotaShards]
}

// Month returns the start of the UTC month of now and of the next one.
func Month(now time.Time) (start, next time.Time) {
	year, month, _ := now.UTC().Date()
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC), time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
}

// turn starts a new month when one has begun; the lock is held.
func (q *quotaShard) turn(now time.Time) {
	if n := now.UnixNano(); n < q.next {
		return
	}
	start, next := Month(now)
	q.month, q.next = start.UnixNano(), next.UnixNano()
	clear(q.cells)
}

func (q *quotaShard) cell(key ratelimit.Key) *quotaCell {
	c := q.cells[key]
	if c == nil {
		c = &quotaCell{rebase: true}
		q.cells[key] = c
	}
	return c
}

// Take implements Quotas.
func (q *MonthlyQuotas) Take(now time.Time, key ratelimit.Key, limit int64, cost int) (Quota, bool) {
	s := q.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	c := s.cell(key)
	left := max(0, limit-c.used)
	ok := int64(cost) <= left && left > 0
	if ok {
		c.used += int64(cost)
		c.pending += int64(cost)
		left -= int64(cost)
	}
	return Quota{Limit: limit, Remaining: left, ResetsAt: s.next}, ok
}

// Return implements Quotas.
func (q *MonthlyQuotas) Return(now time.Time, key ratelimit.Key, cost int) {
	s := q.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	if c := s.cells[key]; c != nil {
		c.used = max(0, c.used-int64(cost))
		c.pending -= int64(cost)
	}
}

// Charge is what one process charged to a quota.
type Charge struct {
	Key   ratelimit.Key
	Month time.Time // start of the month that it belongs to
	Cost  int64     // may be negative, when a charge was given back after a Drain
}

// Drain returns what was charged since the last Drain. It is the caller's to store; until that is settled it must not Rebase. What
// is pending when a month ends is dropped: nothing reads it any more.
func (q *MonthlyQuotas) Drain(now time.Time) []Charge {
	var charges []Charge
	for i := range q.shards {
		s := &q.shards[i]
		s.mu.Lock()
		s.turn(now)
		for key, c := range s.cells {
			if c.pending != 0 {
				charges = append(charges, Charge{key, time.Unix(0, s.month).UTC(), c.pending})
				c.pending = 0
			}
		}
		s.mu.Unlock()
	}
	return charges
}

// Rebase takes in how much is stored for key in the month that starts at month:
// by all replicas, this process's drained charges included. Counts never fall.
func (q *MonthlyQuotas) Rebase(now time.Time, key ratelimit.Key, month time.Time, stored int64) {
	s := q.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	if month.UnixNano() != s.month {
		return
	}
	c := s.cell(key)
	c.used, c.rebase = max(c.used, stored+c.pending), false
}

// Counted returns the keys that are counted this month, for rebasing them; those
// never rebased only, when fresh is true.
func (q *MonthlyQuotas) Counted(now time.Time, fresh bool) []ratelimit.Key {
	var keys []ratelimit.Key
	for i := range q.shards {
		s := &q.shards[i]
		s.mu.Lock()
		s.turn(now)
		for key, c := range s.cells {
			if c.rebase || !fresh {
				keys = append(keys, key)
			}
		}
		s.mu.Unlock()
	}
	return keys
}
