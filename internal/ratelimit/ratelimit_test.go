package ratelimit_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	ratelimit.Patient()
	os.Exit(m.Run())
}

// stores runs body over each implementation; each call of fresh gives an empty store.
func stores(t *testing.T, body func(t *testing.T, fresh func() ratelimit.Limiter)) {
	t.Run("in process", func(t *testing.T) {
		body(t, func() ratelimit.Limiter { return ratelimit.NewLocal(1000) })
	})
	t.Run("redis", func(t *testing.T) {
		client := startRedis(t).client
		body(t, func() ratelimit.Limiter {
			if err := client.FlushAll(context.Background()).Err(); err != nil {
				t.Fatal(err)
			}
			return ratelimit.NewRedis(client, ratelimit.NewLocal(1000), ratelimit.Alone).WithCallersClock()
		})
	})
}

func ask(id byte, requests int, period time.Duration, burst int) ratelimit.Ask {
	return ratelimit.Ask{Key: ratelimit.Key{A: [16]byte{15: id}}, Limit: ratelimit.Limit{Requests: requests, Period: period, Burst: burst}}
}

func TestBurstPassesThenCallsPassEvenly(t *testing.T) { // L5
	stores(t, func(t *testing.T, fresh func() ratelimit.Limiter) {
		l, a := fresh(), ask(1, 10, time.Second, 3)
		take := func(at time.Duration) ratelimit.Result {
			return l.Take(t.Context(), start.Add(at), 1, a, ratelimit.Ask{})
		}
		for i, want := range []ratelimit.Result{
			{Allowed: true, Limit: 3, Remaining: 2, ResetAfter: 100 * time.Millisecond},
			{Allowed: true, Limit: 3, Remaining: 1, ResetAfter: 200 * time.Millisecond},
			{Allowed: true, Limit: 3, Remaining: 0, ResetAfter: 300 * time.Millisecond},
			{Allowed: false, Limit: 3, Remaining: 0, RetryAfter: 100 * time.Millisecond, ResetAfter: 300 * time.Millisecond},
		} {
			if got := take(0); got != want {
				t.Errorf("call %d: %+v, want %+v", i, got, want)
			}
		}
		if take(99 * time.Millisecond).Allowed {
			t.Error("passed too early")
		}
		if !take(100*time.Millisecond).Allowed || take(100*time.Millisecond).Allowed {
			t.Error("one call must pass after one interval, and only one")
		}
		if got := take(time.Hour); got.Remaining != 2 {
			t.Errorf("after a rest: %+v", got)
		}
	})
}

func TestContractExample(t *testing.T) { // product.md: 100 a minute, the first call
	stores(t, func(t *testing.T, fresh func() ratelimit.Limiter) {
		got := fresh().Take(t.Context(), start, 1, ask(1, 100, time.Minute, 0), ratelimit.Ask{})

		if want := (ratelimit.Result{Allowed: true, Limit: 100, Remaining: 99, ResetAfter: 600 * time.Millisecond}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestBothBucketsAreChargedOrNeither(t *testing.T) {
	stores(t, func(t *testing.T, fresh func() ratelimit.Limiter) {
		l, plan, own := fresh(), ask(1, 10, time.Second, 10), ask(2, 1, time.Second, 1)

		first := l.Take(t.Context(), start, 1, plan, own)
		second := l.Take(t.Context(), start, 1, plan, own)
		alone := l.Take(t.Context(), start, 1, plan, ratelimit.Ask{})
		other := l.Take(t.Context(), start, 1, ratelimit.Ask{}, own)

		if !first.Allowed || first.Limit != 1 || first.Remaining != 0 {
			t.Errorf("the tighter one must be reported: %+v", first)
		}
		if second.Allowed || second.RetryAfter != time.Second {
			t.Errorf("the own limit must refuse: %+v", second)
		}
		if !alone.Allowed || alone.Remaining != 8 {
			t.Errorf("the refused call was charged to the plan: %+v", alone)
		}
		if other.Allowed || !l.Take(t.Context(), start, 1, ratelimit.Ask{}, ratelimit.Ask{}).Allowed {
			t.Error("a missing bucket must pass, a present one hold")
		}
	})
}

func TestCostIsChargedWhole(t *testing.T) {
	stores(t, func(t *testing.T, fresh func() ratelimit.Limiter) {
		l, a := fresh(), ask(1, 10, time.Second, 5)
		take := func(cost int) ratelimit.Result { return l.Take(t.Context(), start, cost, a, ratelimit.Ask{}) }

		if got := take(4); !got.Allowed || got.Remaining != 1 {
			t.Errorf("cost 4: %+v", got)
		}
		if got := take(0); !got.Allowed || got.Remaining != 1 {
			t.Errorf("asking without charge: %+v", got)
		}
		if got := take(2); got.Allowed || got.RetryAfter != 100*time.Millisecond {
			t.Errorf("cost 2 of 1: %+v", got)
		}
		if got := take(6); got.Allowed || got.RetryAfter <= 0 {
			t.Errorf("more than the bucket holds: %+v", got)
		}
	})
}

func TestNoWindowPassesMoreThanRateAndBurst(t *testing.T) { // L5
	rapid.Check(t, func(t *rapid.T) {
		limit := ratelimit.Limit{
			Requests: rapid.IntRange(1, 50).Draw(t, "requests"), Burst: rapid.IntRange(0, 20).Draw(t, "burst"),
			Period: time.Duration(rapid.IntRange(1, 10_000).Draw(t, "period")) * time.Millisecond,
		}
		var now, state int64 = start.UnixNano(), 0
		type passed struct{ at, cost int64 }
		var all []passed
		for range rapid.IntRange(1, 300).Draw(t, "calls") {
			now += rapid.Int64Range(0, int64(limit.Period)/10).Draw(t, "gap")
			cost := rapid.IntRange(0, 3).Draw(t, "cost")
			r, next := ratelimit.Decide(now, state, limit, cost)
			if r.Remaining < 0 || r.Remaining > r.Limit || r.RetryAfter < 0 || r.ResetAfter < 0 || next < state {
				t.Fatalf("untruthful: %+v", r)
			}
			if r.Allowed != (r.RetryAfter == 0) || !r.Allowed && next != state {
				t.Fatalf("refusal and state disagree: %+v", r)
			}
			if !r.Allowed && cost <= r.Limit {
				if again, _ := ratelimit.Decide(now+int64(r.RetryAfter), state, limit, cost); !again.Allowed {
					t.Fatalf("RetryAfter lies: %+v", r)
				}
				if early, _ := ratelimit.Decide(now+int64(r.RetryAfter)-1, state, limit, cost); early.Allowed {
					t.Fatalf("RetryAfter is too long: %+v", r)
				}
			}
			if full, _ := ratelimit.Decide(now+int64(r.ResetAfter), next, limit, 0); full.Remaining != r.Limit {
				t.Fatalf("ResetAfter lies: %+v, then %+v", r, full)
			}
			if r.Allowed {
				all = append(all, passed{now, int64(cost)})
			}
			state = next
		}
		for i, from := range all {
			var sum int64
			for _, p := range all[i:] {
				if p.at < from.at+int64(limit.Period) {
					sum += p.cost
				}
			}
			if sum > int64(limit.Requests+limit.Capacity()) {
				t.Fatalf("%d passed within one period", sum)
			}
		}
	})
}

func TestMoreTimeNeverAllowsLess(t *testing.T) { // monotone in time and in cost
	rapid.Check(t, func(t *rapid.T) {
		limit := ratelimit.Limit{
			Requests: rapid.IntRange(1, 1<<40).Draw(t, "requests"), Burst: rapid.IntRange(0, 1<<40).Draw(t, "burst"),
			Period: time.Duration(rapid.Int64Range(1, 1<<55).Draw(t, "period")),
		}
		now := rapid.Int64Range(0, 1<<61).Draw(t, "now")
		state := rapid.Int64Range(0, 1<<62).Draw(t, "state")
		cost := rapid.IntRange(0, 1<<50).Draw(t, "cost")
		r, _ := ratelimit.Decide(now, state, limit, cost)
		later, _ := ratelimit.Decide(now+rapid.Int64Range(0, 1<<60).Draw(t, "later"), min(state, now+int64(r.ResetAfter)), limit, cost)
		less, _ := ratelimit.Decide(now, state, limit, cost/2)

		if r.Allowed && (!later.Allowed || !less.Allowed) {
			t.Fatalf("%+v, later %+v, cheaper %+v", r, later, less)
		}
	})
}

// book is the model, written slowly: all calls that passed, and a bucket that holds them until they have run out.
type book struct {
	step, tolerance time.Duration
	calls           []entry
}

type entry struct {
	at   time.Time
	cost int
}

// room is what the calls of every tail of the book leave of the bucket at a time: each fills it at its time, and it runs out from then on.
func (b *book) room(at time.Time) time.Duration {
	room, sum := b.tolerance, time.Duration(0)
	for i := len(b.calls) - 1; i >= 0; i-- {
		sum += time.Duration(b.calls[i].cost) * b.step
		room = min(room, b.tolerance-sum+at.Sub(b.calls[i].at))
	}
	return room
}

func (b *book) fits(at time.Time, cost int) bool { return time.Duration(cost)*b.step <= b.room(at) }

func TestLocalRedisAndTheModelAgree(t *testing.T) { // L5
	client := startRedis(t).client
	rapid.Check(t, func(t *rapid.T) {
		if err := client.FlushAll(context.Background()).Err(); err != nil {
			t.Fatal(err)
		}
		here, there := ratelimit.NewLocal(100), ratelimit.NewRedis(client, ratelimit.NewLocal(100), ratelimit.Alone).WithCallersClock()
		two := rapid.Bool().Draw(t, "two buckets")
		books := []*book{{100 * time.Millisecond, 400 * time.Millisecond, nil}, {200 * time.Millisecond, 600 * time.Millisecond, nil}}
		now := start
		for range 20 {
			now = now.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "gap")) * time.Millisecond)
			cost := rapid.IntRange(0, 5).Draw(t, "cost")
			a, b := ask(1, 10, time.Second, 4), ratelimit.Ask{}
			fits, room := books[0].fits(now, cost), int(books[0].room(now)/books[0].step)
			if two {
				b = ask(2, 5, time.Second, 3)
				fits, room = fits && books[1].fits(now, cost), min(room, int(books[1].room(now)/books[1].step))
			}
			got, want := there.Take(context.Background(), now, cost, a, b), here.Take(context.Background(), now, cost, a, b)
			if got != want {
				t.Fatalf("redis %+v, in process %+v", got, want)
			}
			if got.Allowed != fits || got.Allowed && got.Remaining != room-cost {
				t.Fatalf("%+v, the model says %v and %d left", got, fits, room-cost)
			}
			if got.Never != (cost > 4 || two && cost > 3) {
				t.Fatalf("cost %d: %+v", cost, got)
			}
			if fits && cost > 0 {
				for _, book := range books {
					book.calls = append(book.calls, entry{now, cost})
				}
			}
		}
	})
}

func TestSilentRedisFallsBackToTheReplicasShare(t *testing.T) { // section 4.5
	silent, err := net.Listen("unix", filepath.Join(t.TempDir(), "s.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: silent.Addr().String(), MaxRetries: -1, ReadTimeout: time.Minute, ContextTimeoutEnabled: true})
	defer client.Close()
	l := ratelimit.NewRedis(client, ratelimit.NewLocal(100), ratelimit.Fixed(3))
	passed := 0

	for range 20 {
		if l.Take(t.Context(), start, 1, ask(1, 10, time.Minute, 9), ratelimit.Ask{}).Allowed {
			passed++
		}
	}

	if passed != 3 {
		t.Errorf("%d passed, want a third of 9", passed)
	}
}

func TestRedisClockIsTheServers(t *testing.T) {
	client := startRedis(t).client
	l := ratelimit.NewRedis(client, ratelimit.NewLocal(100), ratelimit.Alone)
	a := ask(1, 1, time.Hour, 1)

	first := l.Take(t.Context(), start, 1, a, ratelimit.Ask{})
	second := l.Take(t.Context(), start.Add(100*time.Hour), 1, a, ratelimit.Ask{})

	if !first.Allowed || second.Allowed {
		t.Error("a replica with a fast clock lifts the limit for all")
	}
	keys, err := client.Keys(context.Background(), "*").Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("%v %v", keys, err)
	}
	if ttl := client.PTTL(context.Background(), keys[0]).Val(); ttl <= 0 || ttl > time.Hour+time.Second {
		t.Errorf("the bucket stays for %v", ttl)
	}
}

func TestCallThatWaitedIsChargedWithThoseThatDidNot(t *testing.T) { // L5: with room for a second's calls, one that was two seconds late is not refused
	l := ratelimit.NewLocal(100)
	plan, own := ask(1, 1_000_000, time.Second, 1_000_000), ask(2, 2, time.Second, 2)
	take := func(late time.Duration, first, second ratelimit.Ask) bool {
		return l.Take(t.Context(), start.Add(time.Minute-late), 1, first, second).Allowed
	}
	prompt := take(0, plan, ratelimit.Ask{})
	late, lateOfTwo := take(2*time.Second, plan, ratelimit.Ask{}), take(2*time.Second, plan, own)
	second, third := take(0, own, ratelimit.Ask{}), take(3*time.Second, own, plan)

	if !prompt || !late || !lateOfTwo {
		t.Errorf("of 1,000,000 a second: prompt %v, late %v, late with a limit of its own %v", prompt, late, lateOfTwo)
	}
	if !second || third {
		t.Errorf("of 2 a second, used by a late one: second %v, third and late %v", second, third)
	}
	if l.Take(t.Context(), start.Add(-time.Hour), 1, own, ratelimit.Ask{}); !l.Take(t.Context(), start.Add(time.Second-time.Hour), 1, own, ratelimit.Ask{}).Allowed {
		t.Error("a clock that is set back locks calls out")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	l := ratelimit.NewLocal(640)
	for i := range 20_000 {
		k := ratelimit.KeyOf(1, time.Duration(i).String())
		l.Take(t.Context(), start, 1, ratelimit.Ask{Key: k, Limit: ratelimit.Limit{Requests: 1, Period: time.Hour}}, ratelimit.Ask{})
	}

	if n := l.Len(); n > 640 {
		t.Errorf("%d buckets kept, want at most 640", n)
	}
}

func TestFullBucketsGoFirst(t *testing.T) {
	l := ratelimit.NewLocal(64 * 100)
	victim := ask(200, 1, time.Hour, 1)
	l.Take(t.Context(), start, 1, victim, ratelimit.Ask{})
	for i := range 20_000 {
		k := ratelimit.KeyOf(1, time.Duration(i).String())
		at := start.Add(time.Duration(i) * 10 * time.Millisecond)
		l.Take(t.Context(), at, 1, ratelimit.Ask{Key: k, Limit: ratelimit.Limit{Requests: 1, Period: 10 * time.Millisecond}}, ratelimit.Ask{})
	}

	if l.Take(t.Context(), start.Add(time.Minute), 1, victim, ratelimit.Ask{}).Allowed {
		t.Error("a bucket in use was forgotten while full ones were kept")
	}
}

func TestParallelCallersNeverPassMore(t *testing.T) {
	l := ratelimit.NewLocal(1000)
	a, b := ask(1, 100, time.Hour, 100), ask(2, 1000, time.Hour, 1000)
	passed := make(chan int, 8)
	for i := range 8 {
		go func() {
			n := 0
			for range 100 {
				first, second := a, b
				if i%2 == 1 {
					first, second = b, a // in the other order: no deadlock
				}
				if l.Take(context.Background(), start, 1, first, second).Allowed {
					n++
				}
			}
			passed <- n
		}()
	}
	sum := 0
	for range 8 {
		sum += <-passed
	}
	if sum != 100 {
		t.Errorf("%d passed, want 100", sum)
	}
}

func TestWarmTakeAllocatesNothing(t *testing.T) {
	l := ratelimit.NewLocal(1000)
	a, b := ask(1, 1<<30, time.Second, 0), ask(2, 1<<30, time.Second, 0)

	if n := testing.AllocsPerRun(200, func() { l.Take(context.Background(), start, 1, a, b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTake(b *testing.B) {
	l, a := ratelimit.NewLocal(1000), ask(1, 1<<30, time.Second, 0)
	b.ReportAllocs()
	for b.Loop() {
		l.Take(context.Background(), start, 1, a, ratelimit.Ask{})
	}
}
