package ratelimit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// trip is one call on its way to Redis and back.
type trip struct {
	now   int64
	cost  int
	asks  [2]Ask
	owed  [2]int // charges without Redis that it tells of
	probe bool   // it tries a Redis that failed
	done  chan struct{}
	err   error
	ahead [2]int64 // microseconds
	pass  [2]bool
	// server is what Redis's clock said.
	server int64
}

var tripPool = sync.Pool{New: func() any { return &trip{done: make(chan struct{}, 1)} }}

func (t *trip) free() {
	*t = trip{done: t.done}
	tripPool.Put(t)
}

var errPaused = errors.New("ratelimit: Redis failed a moment ago")

// errShape is a reply that the script does not give.
var errShape = errors.New("ratelimit: a reply of another shape")

// send returns when t has its answer or its error. Whoever finds a free round trip takes all that wait along; who doesn't is taken along by the next.
func (r *Redis) send(ctx context.Context, t *trip) {
	r.mu.Lock()
	r.queue = append(r.queue, t)
	if r.trips == mostTrips {
		r.mu.Unlock()
		<-t.done
		return
	}
	r.trips++
	batch := r.queue
	r.queue = nil
	r.mu.Unlock()
	r.travel(ctx, batch)
	<-t.done
	r.next(ctx)
}

// next gives up the round trip, or lets those that came meanwhile go in one that waits for none of this process's callers.
func (r *Redis) next(ctx context.Context) {
	r.mu.Lock()
	if len(r.queue) == 0 {
		r.trips--
		r.mu.Unlock()
		return
	}
	r.mu.Unlock()
	go r.rounds(context.WithoutCancel(ctx))
}

// rounds makes round trips until nobody waits.
func (r *Redis) rounds(ctx context.Context) {
	for {
		r.mu.Lock()
		batch := r.queue
		r.queue = nil
		if len(batch) == 0 {
			r.trips--
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		r.travel(ctx, batch)
	}
}

// travel makes one round trip for a batch. It is not the caller's alone, so it does not end with the caller's context, but by itself.
func (r *Redis) travel(ctx context.Context, batch []*trip) {
	if r.Down() && !slices.ContainsFunc(batch, func(t *trip) bool { return t.probe }) { // the round trip for which these waited has failed
		finish(batch, errPaused)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), redisTimeout)
	defer cancel()
	err := r.ask(ctx, batch)
	r.settle(batch[len(batch)-1].now, err)
	finish(batch, err)
}

func finish(batch []*trip, err error) {
	for _, t := range batch {
		t.err = err
		t.done <- struct{}{}
	}
}

// ask runs the script for all calls of the batch.
func (r *Redis) ask(ctx context.Context, batch []*trip) error {
	keys := make([]string, 0, 2*len(batch))
	args := make([]any, 1, 1+10*len(batch))
	args[0] = int64(0)
	if r.callers {
		args[0] = micros(batch[0].now)
	}
	n := r.peers.Peers()
	for _, t := range batch {
		at := len(args)
		args = append(args, t.cost, 0)
		buckets := 0
		for i, ask := range t.asks {
			if !ask.Limit.None() {
				buckets++
				keys = append(keys, redisKey(ask.Key))
				seen, ahead, owed := r.fallback.carry(t.now, ask, n)
				t.owed[i] = owed
				args = append(args, micros(ask.Limit.interval()), micros(ask.Limit.tolerance()), seen, ahead)
			}
		}
		args[at+1] = buckets
	}
	reply, err := takeScript.Run(ctx, r.client, keys, args...).Int64Slice()
	if err != nil {
		return err
	}
	if len(reply) != 1+2*len(keys) {
		return errShape
	}
	server, reply := reply[0], reply[1:]
	for _, t := range batch {
		t.server = server
		for i, ask := range t.asks {
			if !ask.Limit.None() {
				t.pass[i], t.ahead[i] = reply[0] == 1, min(reply[1], micros(ask.Limit.tolerance()))
				reply = reply[2:]
			}
		}
	}
	return nil
}

// result reads the answer about one of the buckets.
func (t *trip) result(i int) Result {
	limit := t.asks[i].Limit
	if limit.None() {
		return Result{Allowed: true}
	}
	ahead := min(t.ahead[i]*1000, limit.tolerance())
	if t.pass[i] {
		return result(limit.Capacity(), limit.interval(), limit.tolerance(), ahead, 0)
	}
	refused, _ := Decide(0, ahead, limit, t.cost)
	wait := max(int64(refused.RetryAfter), int64(time.Microsecond))
	out := result(limit.Capacity(), limit.interval(), limit.tolerance(), ahead, wait)
	out.Never = refused.Never
	return out
}

// charged is how far ahead a bucket is now: what a call would have put it to says nothing when the other bucket refused.
func (t *trip) charged(i int) int64 {
	other := 1 - i
	if t.pass[i] && !t.asks[other].Limit.None() && !t.pass[other] {
		return max(0, t.ahead[i]-int64(t.cost)*micros(t.asks[i].Limit.interval()))
	}
	return t.ahead[i]
}
