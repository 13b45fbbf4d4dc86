package ratelimit

import (
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisTimeout bounds one round trip. A call that comes while another is under way waits for that and then for its own: 50 ms together.
var redisTimeout = 25 * time.Millisecond // a variable for the tests, whose machine may be busy

// redisPause is how long a Redis that failed is left alone. Then one call tries it again; all others go on without it until that one succeeds. So an
// outage costs one slow call a second, however many there are.
const redisPause = time.Second

// mostTrips is how many round trips are under way at once. Calls that come meanwhile go together in the next one.
const mostTrips = 2

//go:embed take.lua
var takeLua string

var takeScript = redis.NewScript(takeLua)

// Redis keeps buckets in a Redis that several replicas share: one script, one
// round trip for all buckets of a call, and of all calls that wait at that moment. The time is Redis's own, not the caller's: clocks
// of replicas differ.
//
// When Redis does not answer in time, fails or refuses to write, decisions are made in this process with its share of each limit: neither open nor
// closed. What each side has charged is carried over to the other as this process knows it, so that neither an outage nor a Redis that was emptied
// gives a bucket anew.
type Redis struct {
	client   redis.Scripter
	fallback *Local
	peers    Peers
	pauseEnd atomic.Int64 // until then Redis is left alone; 0 while it answers
	callers  bool         // buckets run by the callers' time

	mu    sync.Mutex
	queue []*trip
	trips int
}

// NewRedisClient is a client for NewRedis: it gives up in time and repeats nothing.
func NewRedisClient(url string) (*redis.Client, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("not an address of Redis") // its own error would show the password
	}
	silence.Do(func() { redis.SetLogger(quiet{}) })
	options.ContextTimeoutEnabled = true
	options.MaxRetries, options.DialerRetries = -1, 1
	options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = redisTimeout, redisTimeout, redisTimeout
	options.DialTimeout, options.MinIdleConns = time.Second, mostTrips // connections are made ahead, so that no call waits for one
	return redis.NewClient(options), nil
}

// silence keeps the driver from a log of its own: what it complains of, who asks is told, and says once.
var silence sync.Once

type quiet struct{}

// Printf implements the driver's logger.
func (quiet) Printf(context.Context, string, ...any) {}

// NewRedis returns a limiter on client, shared with peers. Fallback decides while Redis doesn't answer; use it for nothing else.
func NewRedis(client redis.Scripter, fallback *Local, peers Peers) *Redis {
	return &Redis{client: client, fallback: fallback, peers: peers}
}

// WithCallersClock makes buckets run by the time that Take is given instead of
// Redis's own. It is for tests, and for a set-up with one replica.
func (r *Redis) WithCallersClock() *Redis {
	r.callers = true
	return r
}

// Take implements Limiter.
func (r *Redis) Take(ctx context.Context, now time.Time, cost int, first, second Ask) Result {
	if first.Limit.None() && second.Limit.None() {
		return Result{Allowed: true}
	}
	n := now.UnixNano()
	open, probe := r.open(n)
	if !open {
		return r.local(ctx, n, cost, first, second)
	}
	t := tripPool.Get().(*trip) //nolint:forcetypeassert // it holds nothing else
	defer t.free()
	t.now, t.cost, t.asks, t.probe = n, max(cost, 0), [2]Ask{first, second}, probe
	r.send(ctx, t)
	if t.err != nil {
		return r.local(ctx, n, cost, first, second)
	}
	var results [2]Result
	for i, ask := range t.asks {
		if results[i] = t.result(i); !ask.Limit.None() {
			ahead := t.charged(i)
			r.fallback.note(n, ask, r.peers.Peers(), ahead*1000, t.server+ahead, t.owed[i])
		}
	}
	return tighter(results[0], results[1])
}

// open reports whether Redis is to be asked: while it answers, or by the one call, the probe, that tries it again after a pause.
func (r *Redis) open(now int64) (open, probe bool) {
	end := r.pauseEnd.Load()
	if end == 0 {
		return true, false
	}
	probe = now >= end && r.pauseEnd.CompareAndSwap(end, now+int64(redisPause))
	return probe, probe
}

// Down reports whether Redis failed when it was last asked.
func (r *Redis) Down() bool { return r.pauseEnd.Load() != 0 }

// local decides by this process's share, and remembers what Redis ought to know of it.
func (r *Redis) local(ctx context.Context, now int64, cost int, first, second Ask) Result {
	n := r.peers.Peers()
	result := r.fallback.Take(ctx, time.Unix(0, now), cost, first.Share(n), second.Share(n))
	result.Never = result.Never && first.Limit.never(cost, second.Limit)
	if result.Allowed {
		r.fallback.owe(first)
		r.fallback.owe(second)
	}
	return result
}

// settle notes how a round trip went, and says so when that is news.
func (r *Redis) settle(now int64, err error) {
	if err != nil {
		if r.pauseEnd.Swap(now+int64(redisPause)) == 0 {
			slog.Warn("Redis does not answer as it should; limits hold by this process's share of them", "error", err)
		}
		return
	}
	if r.pauseEnd.Load() != 0 && r.pauseEnd.Swap(0) != 0 {
		slog.Info("Redis answers again; limits are counted there")
	}
}

// micros rounds up: Lua numbers are doubles, and nanoseconds since 1970 do not
// fit their 53 bits.
func micros(ns int64) int64 { return (ns + 999) / 1000 }

func redisKey(k Key) string {
	b := make([]byte, 0, 96)
	b = append(b, "gatehouse:rl:"...)
	b = strconv.AppendUint(b, uint64(k.Kind), 10)
	b = append(b, ':')
	var id [32]byte
	copy(id[:16], k.A[:])
	copy(id[16:], k.B[:])
	return string(base64.RawURLEncoding.AppendEncode(b, id[:]))
}
