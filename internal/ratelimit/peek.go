package ratelimit

import (
	"context"
	"time"
)

// Peek tells what l would answer at a time to a call of that cost, as far as it knows at present, and charges nothing. A time before the present is
// answered as the present is. With Redis away, and of Redis with several replicas, it is as good as the share that this process counts.
func Peek(ctx context.Context, l Limiter, present, at time.Time, cost int, first, second Ask) Result {
	divided, never := false, first.Limit.never(cost, second.Limit)
	if d, ok := l.(*Divided); ok {
		n := d.peers.Peers()
		l, first, second, divided = d.local, first.Share(n), second.Share(n), true
	}
	if at.Before(present) {
		at = present
	}
	r := tighter(peekOne(ctx, l, present, at, cost, first), peekOne(ctx, l, present, at, cost, second))
	if divided {
		r.Never = r.Never && never
	}
	return r
}

// peekOne puts the state of a bucket together from what it says when nothing is charged.
func peekOne(ctx context.Context, l Limiter, present, at time.Time, cost int, ask Ask) Result {
	if ask.Limit.None() {
		return Result{Allowed: true}
	}
	held := l.Take(ctx, present, 0, ask, Ask{})
	r, _ := Decide(at.UnixNano(), present.UnixNano()+int64(held.ResetAfter), ask.Limit, cost)
	return r
}
