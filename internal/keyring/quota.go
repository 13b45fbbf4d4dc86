package keyring

import (
	"sync"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// QuotaLimits are how many calls a plan lets through; 0 is no quota.
type QuotaLimits struct{ Month, Day int64 }

// Quota tells what is left of an app's calls in a month or a day of UTC.
type Quota struct {
	Limit     int64 // 0 when there is none
	Remaining int64
	ResetsAt  int64
}

// The marks, in percent, from which on a quota warns.
const (
	QuotaNearly = 80
	QuotaUsedUp = 100
)

// Mark is the highest mark that the quota has reached: 0, QuotaNearly or QuotaUsedUp.
func (q Quota) Mark() int { return QuotaMark(q.Limit-q.Remaining, q.Limit) }

// QuotaMark is the highest mark that so many used calls of a limit have reached; 0 also for no limit.
func QuotaMark(used, limit int64) int {
	switch {
	case limit <= 0:
		return 0
	case used >= limit:
		return QuotaUsedUp
	case used >= limit-limit/5: // as 80 %, rounded up, without overflow
		return QuotaNearly
	}
	return 0
}

// QuotaState is what a Take found.
type QuotaState struct {
	Month, Day Quota
	OK         bool // it was charged
	// Elsewhere says that a refusal is not the quota's: this replica used up its share of what is left, and hears within a second what others leave it.
	// A call that costs more than a share waits for the replica that leads, and for a while in which the others pass nothing.
	Elsewhere bool
}

// Tighter returns the quota that a client should be told of, and whether it is the day's: one that refuses before one that doesn't, then the one that
// lasts longer when both refuse, or else that of which less is left. Cost is that of the call.
func (s *QuotaState) Tighter(cost int) (q Quota, day bool) {
	switch {
	case s.Day.Limit == 0:
		return s.Month, false
	case s.Month.Limit == 0:
		return s.Day, true
	case !s.OK && s.Month.refuses(cost):
		return s.Month, false
	case !s.OK && s.Day.refuses(cost) || s.Day.Remaining <= s.Month.Remaining:
		return s.Day, true
	}
	return s.Month, false
}

func (q Quota) refuses(cost int) bool {
	return q.Limit > 0 && (q.Remaining <= 0 || int64(cost) > q.Remaining)
}

// Quotas counts calls by month and day. *MonthlyQuotas is one.
type Quotas interface {
	// Take charges cost to both and reports what is left, or, when that would pass either limit, charges nothing.
	Take(now time.Time, key ratelimit.Key, limits QuotaLimits, cost int) QuotaState
	// Return gives back what was charged to a call that was refused after all.
	Return(now time.Time, key ratelimit.Key, cost int)
}

// MonthlyQuotas counts the calls of each app at each API in the current UTC month and day, in this process, and takes in what other replicas and
// earlier lives of this process have stored. Between two rebases replicas do not see each other's calls. So where there are several, each passes at
// most one part in twice their number of what was left when it last heard, rounded up: three replicas at full tilt that rebase in turn pass no more than
// one per cent over, or one each. One that stops hearing passes no more than that part, however long. A call that costs more than the part passes only at
// the replica that leads, and there once no other has charged the quota for quotaQuiet. It is safe for concurrent use; a warm Take allocates nothing.
type MonthlyQuotas struct {
	shards [quotaShards]quotaShard
	peers  ratelimit.Peers
	leads  func(now time.Time) bool
}

// quotaQuiet is for how long the leading replica must have heard of no charge of others before it passes a call beyond its part: two looks of a replica
// at what is stored. What it heard must be as young.
const quotaQuiet = int64(10 * time.Second)

const quotaShards = 64

type quotaShard struct {
	mu sync.Mutex
	quotaDay
	left quotaDay // the day that was counted before this one, in case the clock was wrong
	late []Charge // what was pending when a day ended
	_    [32]byte // a cache line of its own
}

// quotaDay is what is counted of a day and of its month.
type quotaDay struct {
	day   int64 // its start
	month int64 // start of its month
	next  int64 // the day after
	then  int64 // the month after
	cells map[ratelimit.Key]*quotaCell
}

// slackAtMidnight is for how long calls that began before midnight count for the new day, once it has begun. What is earlier still says that the clock
// was set.
const slackAtMidnight = int64(time.Minute)

// quotaCell counts one app at one API. Arrays hold the month and the day.
type quotaCell struct {
	used    [2]int64
	base    [2]int64 // of used, what was known at the last rebase
	spent   int64    // charged since the last rebase
	pending int64    // charged since the last Drain
	heard   int64    // when it was last told what is stored
	others  int64    // when it last learned that others charged, or began to count
	rebase  bool     // never told what is stored
}

// NewMonthlyQuotas returns an empty MonthlyQuotas of a process that is the only one.
func NewMonthlyQuotas() *MonthlyQuotas { return NewSharedQuotas(ratelimit.Alone, nil) }

// NewSharedQuotas returns an empty MonthlyQuotas of one of several processes. Leads says whether this one leads, which at any time at most one does; it
// is asked under a lock, so it must cost nothing. Nil: it never does.
func NewSharedQuotas(peers ratelimit.Peers, leads func(now time.Time) bool) *MonthlyQuotas {
	if leads == nil {
		leads = func(time.Time) bool { return false }
	}
	q := &MonthlyQuotas{peers: peers, leads: leads}
	for i := range q.shards {
		q.shards[i].cells = map[ratelimit.Key]*quotaCell{}
	}
	return q
}

// Shared reports whether other processes charge the same quotas.
func (q *MonthlyQuotas) Shared() bool { return q.peers.Peers() > 1 }

// shard spreads keys by the random ends of their ids.
func (q *MonthlyQuotas) shard(key ratelimit.Key) *quotaShard {
	return &q.shards[(key.A[15]^key.B[15]^key.Kind)%quotaShards]
}

// Month returns the start of the UTC month of now and of the next one.
func Month(now time.Time) (start, next time.Time) {
	year, month, _ := now.UTC().Date()
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC), time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
}

// Day returns the start of the UTC day of now and of the next one.
func Day(now time.Time) (start, next time.Time) {
	start = now.UTC().Truncate(24 * time.Hour)
	return start, start.Add(24 * time.Hour)
}

// turn begins to count another day, and another month, when now is of one; the lock is held. What is pending waits for the next Drain under the day that
// it belongs to. A clock that was ahead for a while and is set right leads back to the day that was left, with what was counted of it; to another
// earlier day with nothing, until the next Rebase tells (REL-12).
func (s *quotaShard) turn(now time.Time) {
	if n := now.UnixNano(); s.day-slackAtMidnight <= n && n < s.next {
		return
	}
	for key, c := range s.cells {
		if c.pending != 0 {
			s.late = append(s.late, Charge{key, time.Unix(0, s.day).UTC(), c.pending})
			c.pending = 0
		}
	}
	day, next := Day(now)
	month, then := Month(now)
	to := quotaDay{day: day.UnixNano(), next: next.UnixNano(), month: month.UnixNano(), then: then.UnixNano()}
	if s.left.day == to.day {
		to = s.left
	}
	if to.cells == nil {
		to.cells = make(map[ratelimit.Key]*quotaCell, len(s.cells))
	}
	if to.month == s.month {
		to.takeMonth(s.cells)
	}
	s.left, s.quotaDay = s.quotaDay, to
}

// takeMonth takes over what is counted of the month.
func (d *quotaDay) takeMonth(from map[ratelimit.Key]*quotaCell) {
	for key, c := range from {
		cell := d.cells[key]
		if cell == nil {
			cell = &quotaCell{rebase: c.rebase}
			d.cells[key] = cell
		}
		cell.used[0], cell.base[0], cell.spent = max(cell.used[0], c.used[0]), max(cell.base[0], c.base[0]), max(cell.spent, c.spent)
		cell.heard, cell.others = max(cell.heard, c.heard), max(cell.others, c.others)
	}
}

// cell is that of a key. Of one that is new here nobody knows who else charges it: others may, at the first moment of a month.
func (s *quotaShard) cell(now time.Time, key ratelimit.Key) *quotaCell {
	c := s.cells[key]
	if c == nil {
		c = &quotaCell{rebase: true, others: now.UnixNano()}
		s.cells[key] = c
	}
	return c
}

// Take implements Quotas.
func (q *MonthlyQuotas) Take(now time.Time, key ratelimit.Key, limits QuotaLimits, cost int) QuotaState {
	s := q.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	c := s.cell(now, key)
	state := QuotaState{
		Month: Quota{Limit: limits.Month, Remaining: max(0, limits.Month-c.used[0]), ResetsAt: s.then},
		Day:   Quota{Limit: limits.Day, Remaining: max(0, limits.Day-c.used[1]), ResetsAt: s.next},
	}
	if state.Month.refuses(cost) || state.Day.refuses(cost) {
		return state
	}
	n := int64(cost)
	if state.Elsewhere = q.holds(now, c, limits, n); state.Elsewhere {
		return state
	}
	c.used[0], c.used[1], c.spent, c.pending = c.used[0]+n, c.used[1]+n, c.spent+n, c.pending+n
	state.Month.Remaining, state.Day.Remaining, state.OK = max(0, state.Month.Remaining-n), max(0, state.Day.Remaining-n), true
	return state
}

// holds reports whether a call that fits what is left has to wait, since it may be others that pass that. The leading replica passes what costs more than any
// part, since at no replica it would ever pass otherwise; cheaper calls have to fit its part there too, for others pass theirs at the same moment.
func (q *MonthlyQuotas) holds(now time.Time, c *quotaCell, limits QuotaLimits, cost int64) bool {
	replicas := q.peers.Peers()
	if replicas <= 1 || !c.exceeds(limits, c.spent+cost, replicas) {
		return false
	}
	return !c.exceeds(limits, cost, replicas) || !c.quiet(now) || !q.leads(now)
}

// exceeds reports whether so much is more than this replica's share of what was left at the last rebase.
func (c *quotaCell) exceeds(limits QuotaLimits, n int64, replicas int) bool {
	parts := 2 * int64(replicas)
	return limits.Month > 0 && n > (limits.Month-c.base[0]+parts-1)/parts || limits.Day > 0 && n > (limits.Day-c.base[1]+parts-1)/parts
}

// quiet reports whether no other replica has charged the quota for a while, as far as this one has heard; and it has heard lately, or nothing is stored.
func (c *quotaCell) quiet(now time.Time) bool {
	n := now.UnixNano()
	return n-c.others >= quotaQuiet && (c.rebase || n-c.heard < quotaQuiet)
}

// Return implements Quotas. What was taken on a day that has ended since is given back to that day.
func (q *MonthlyQuotas) Return(now time.Time, key ratelimit.Key, cost int) {
	s := q.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	n := int64(cost)
	if now.UnixNano() < s.day {
		day, _ := Day(now)
		s.late = append(s.late, Charge{key, day, -n})
		return
	}
	if c := s.cells[key]; c != nil {
		c.used[0], c.used[1] = max(0, c.used[0]-n), max(0, c.used[1]-n)
		c.spent, c.pending = max(0, c.spent-n), c.pending-n
	}
}

// Charge is what one process charged to the quotas of an app at an API: to those of the day and to those of its month.
type Charge struct {
	Key  ratelimit.Key
	Day  time.Time // start of the UTC day that it belongs to
	Cost int64     // may be negative, when a charge was given back after a Drain
}

// Stored is what all processes together have charged, up to some moment of a day.
type Stored struct {
	Key     ratelimit.Key
	Day     time.Time
	OfMonth int64
	OfDay   int64
}

// Drain returns what was charged since the last Drain. It is the caller's to store; until that is settled it must not Rebase.
func (q *MonthlyQuotas) Drain(now time.Time) []Charge {
	var charges []Charge
	for i := range q.shards {
		s := &q.shards[i]
		s.mu.Lock()
		s.turn(now)
		charges = append(charges, s.late...)
		s.late = nil
		for key, c := range s.cells {
			if c.pending != 0 {
				charges = append(charges, Charge{key, time.Unix(0, s.day).UTC(), c.pending})
				c.pending = 0
			}
		}
		s.mu.Unlock()
	}
	return charges
}

// Rebase takes in how much is stored: by all replicas, this process's drained charges included. Counts never fall. What is stored of another month is
// ignored, of another day its month counts.
func (q *MonthlyQuotas) Rebase(now time.Time, stored Stored) {
	s := q.shard(stored.Key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	if month, _ := Month(stored.Day); month.UnixNano() != s.month {
		return
	}
	c := s.cell(now, stored.Key)
	c.heard = now.UnixNano()
	if stored.OfMonth+c.pending > c.used[0] {
		c.others = c.heard
	}
	c.used[0] = max(c.used[0], stored.OfMonth+c.pending)
	if stored.Day.UnixNano() == s.day {
		c.used[1] = max(c.used[1], stored.OfDay+c.pending)
	}
	c.base = [2]int64{c.used[0] - c.pending, c.used[1] - c.pending}
	c.spent, c.rebase = max(0, c.pending), false
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
