package ratelimit

import (
	"context"
	_ "embed"
	"encoding/base64"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisTimeout is how long a decision waits for Redis before it falls back.
const redisTimeout = 50 * time.Millisecond

// redisPause is how long a Redis that failed is left alone, so that an outage
// costs one slow call now and then and not every call 50 ms.
const redisPause = time.Second

//go:embed take.lua
var takeLua string

var takeScript = redis.NewScript(takeLua)

// Redis keeps buckets in a Redis that several replicas share: one script, one
// round trip for both buckets. The time is Redis's own, not the caller's: clocks
// of replicas differ. When Redis does not answer within 50 ms, decisions are
// made in this process with the limit divided by the number of replicas: neither
// open nor closed.
type Redis struct {
	client   redis.Scripter
	fallback *Local
	replicas int
	pauseEnd atomic.Int64
	clock    bool
}

// NewRedis returns a limiter on client. Replicas is how many processes share
// the limits (at least 1). Fallback decides while Redis doesn't answer.
func NewRedis(client redis.Scripter, fallback *Local, replicas int) *Redis {
	return &Redis{client: client, fallback: fallback, replicas: max(1, replicas)}
}

// WithCallersClock makes buckets run by the time that Take is given instead of
// Redis's own. It is for tests, and for a set-up with one replica.
func (r *Redis) WithCallersClock() *Redis {
	r.clock = true
	return r
}

// Take implements Limiter.
func (r *Redis) Take(ctx context.Context, now time.Time, cost int, first, second Ask) Result {
	if first.Limit.None() && second.Limit.None() {
		return Result{Allowed: true}
	}
	n := now.UnixNano()
	if n < r.pauseEnd.Load() {
		return r.local(ctx, now, cost, first, second)
	}
	result, err := r.take(ctx, n, cost, first, second)
	if err != nil {
		// A caller that went away says nothing about Redis.
		if ctx.Err() == nil {
			r.pauseEnd.Store(n + int64(redisPause))
		}
		return r.local(ctx, now, cost, first, second)
	}
	return result
}

func (r *Redis) take(ctx context.Context, now int64, cost int, first, second Ask) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	if !r.clock {
		now = 0
	}
	asks := [2]Ask{first, second}
	keys := make([]string, 0, 2)
	args := []any{micros(now), max(cost, 0)}
	for _, ask := range asks {
		if !ask.Limit.None() {
			keys = append(keys, redisKey(ask.Key))
			args = append(args, micros(ask.Limit.interval()), micros(ask.Limit.tolerance()))
		}
	}
	reply, err := takeScript.Run(ctx, r.client, keys, args...).Int64Slice()
	if err != nil {
		return Result{}, err
	}
	return read(reply, cost, first, second), nil
}

// read turns the reply (per bucket: allowed, microseconds ahead) into results.
func read(reply []int64, cost int, first, second Ask) Result {
	var results [2]Result
	for i, ask := range [2]Ask{first, second} {
		if ask.Limit.None() {
			results[i] = Result{Allowed: true}
			continue
		}
		if len(reply) < 2 {
			return Result{} // refused: a reply of another shape is no leave
		}
		allowed, ahead := reply[0] == 1, reply[1]*1000
		reply = reply[2:]
		ahead = min(ahead, ask.Limit.tolerance())
		var wait int64
		if !allowed {
			refused, _ := Decide(0, ahead, ask.Limit, cost)
			wait = max(int64(refused.RetryAfter), int64(time.Microsecond))
		}
		results[i] = result(ask.Limit.Capacity(), ask.Limit.interval(), ask.Limit.tolerance(), ahead, wait)
	}
	return tighter(results[0], results[1])
}

// micros rounds up: Lua numbers are doubles, and nanoseconds since 1970 do not
// fit their 53 bits.
func micros(ns int64) int64 { return (ns + 999) / 1000 }

func redisKey(k Key) string {
	b := make([]byte, 0, 33)
	b = append(append(b, k.A[:]...), k.B[:]...)
	return "gatehouse:rl:" + strconv.Itoa(int(k.Kind)) + ":" + base64.RawURLEncoding.EncodeToString(b)
}

func (r *Redis) local(ctx context.Context, now time.Time, cost int, first, second Ask) Result {
	return r.fallback.Take(ctx, now, cost, first.share(r.replicas), second.share(r.replicas))
}

// share is what one of n replicas may pass alone, rounded up.
func (a Ask) share(n int) Ask {
	if n > 1 && !a.Limit.None() {
		capacity := a.Limit.Capacity()
		a.Limit.Requests = (a.Limit.Requests + n - 1) / n
		a.Limit.Burst = (capacity + n - 1) / n
	}
	return a
}
