// Package ratelimit decides whether a call may happen now, by the generic cell
// rate algorithm (ITU-T I.371; the virtual-scheduling form).
//
// A bucket is one number: the theoretical arrival time, the moment at which the
// bucket will be full again. A call of cost c pushes it on by c times the
// emission interval, Period/Requests; the call is refused when that would put it
// further into the future than Burst intervals. So a burst of Burst calls passes
// at once, calls then pass evenly at Requests per Period, and in no window of
// one Period do more than Requests+Burst pass. Units are nanoseconds since 1970.
package ratelimit

import (
	"math"
	"math/bits"
	"time"
)

// Limit is a rate. The zero Limit limits nothing.
type Limit struct {
	Requests int           // per Period
	Period   time.Duration // more than zero
	Burst    int           // what passes at once; 0 means Requests
}

// None reports whether l limits nothing.
func (l Limit) None() bool { return l.Requests <= 0 || l.Period <= 0 }

// Capacity is how many calls pass at once when nothing was used.
func (l Limit) Capacity() int {
	if l.Burst > 0 {
		return l.Burst
	}
	return l.Requests
}

// interval is the time between two calls at the steady rate, rounded up so that
// the rate is never exceeded.
func (l Limit) interval() int64 {
	n := int64(l.Requests)
	return max(1, (int64(l.Period)+n-1)/n)
}

// maxAhead bounds how far ahead a bucket may be, so that sums cannot overflow.
const maxAhead = math.MaxInt64 / 4

// times is step·n, at most maxAhead; neither is negative.
func times(step int64, n int) int64 {
	high, low := bits.Mul64(uint64(step), uint64(n))
	if high != 0 || low > maxAhead {
		return maxAhead
	}
	return int64(low)
}

// tolerance is how far ahead a bucket may be.
func (l Limit) tolerance() int64 { return times(l.interval(), l.Capacity()) }

// Result is the state of a bucket after a decision.
type Result struct {
	Allowed    bool
	Limit      int           // the capacity of the bucket that is reported; 0 when nothing limits
	Remaining  int           // calls of cost 1 that would pass right now
	RetryAfter time.Duration // until a call of this cost could pass; 0 when allowed
	ResetAfter time.Duration // until the bucket is full again
	Never      bool          // refused, and always will be: the cost is above the capacity
}

// slack is how much further ahead than any call could have put it a bucket is believed to be: callers' times differ, by their clocks and by how long
// they waited. What is beyond comes from a clock that went back, or from a larger limit, and is cut, so that it locks nobody out for much longer.
const slack = int64(time.Minute)

// Decide is one step: given the bucket's state (0 for one never used), it
// returns the result and the new state, which is the old one when refused. A
// cost of 0 asks without charging; a cost above the capacity never passes, and
// RetryAfter then is the time until the bucket is full. A state that is more than
// a minute further ahead than the limit allows is cut to what it allows. It is pure.
func Decide(now, state int64, limit Limit, cost int) (Result, int64) {
	if limit.None() {
		return Result{Allowed: true}, state
	}
	step, capacity := limit.interval(), limit.Capacity()
	tolerance := times(step, capacity)
	if state > now+tolerance+slack {
		state = now + tolerance
	}
	from := min(max(state, now), now+tolerance)
	need := times(step, max(cost, 0))
	if wait := from + need - (now + tolerance); wait > 0 {
		never := need > tolerance
		if never {
			wait = max(from-now, int64(time.Microsecond))
		}
		r := result(capacity, step, tolerance, from-now, wait)
		r.Never = never
		return r, state
	}
	if need == 0 {
		return result(capacity, step, tolerance, from-now, 0), state
	}
	return result(capacity, step, tolerance, from+need-now, 0), from + need
}

// result describes a bucket that is so far ahead; a call that need not wait is allowed.
func result(capacity int, step, tolerance, ahead, wait int64) Result {
	return Result{
		Allowed: wait == 0, Limit: capacity, Remaining: int((tolerance - ahead) / step),
		RetryAfter: time.Duration(wait), ResetAfter: time.Duration(ahead),
	}
}

// tighter returns the result that a client should be told of two that apply
// together: a refusal before a leave, the longer wait, the fewer remaining.
func tighter(a, b Result) Result {
	switch {
	case a.Limit == 0:
		return b
	case b.Limit == 0:
		return a
	case a.Allowed != b.Allowed:
		if b.Allowed {
			return a
		}
		return b
	case a.Never != b.Never:
		if a.Never {
			return a
		}
		return b
	case a.RetryAfter != b.RetryAfter:
		if a.RetryAfter > b.RetryAfter {
			return a
		}
		return b
	case b.Remaining < a.Remaining:
		return b
	}
	return a
}
