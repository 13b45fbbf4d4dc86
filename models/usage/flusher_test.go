package usage_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// replica is what one process has: its picture of keys, its counters, and what flushes them.
type replica struct {
	w        *usagetest.World
	t        *testing.T
	ring     *keyring.Ring
	counters *keyring.Usage
	quotas   *keyring.MonthlyQuotas
	flusher  *usage.Flusher
}

func newReplica(t *testing.T, w *usagetest.World, name string, room int) *replica {
	t.Helper()
	r := &replica{w: w, t: t, ring: w.Ring(), counters: keyring.NewUsage(room), quotas: keyring.NewMonthlyQuotas()}
	r.flusher = usage.NewFlusher(usage.FlusherOptions{
		DB: w.DB, Counters: r.counters, Quotas: r.quotas, Replica: name, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err := r.flusher.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func target(method, path string) keyring.Request {
	p, err := keyring.Canonical(path)
	if err != nil {
		panic(err)
	}
	return keyring.Request{Method: method, Path: p, Cost: 1, IP: netip.MustParseAddr("203.0.113.7")}
}

// verify decides and counts, as the edge does.
func (r *replica) verify(text string, req keyring.Request) keyring.Code {
	r.t.Helper()
	facts, api, now := r.w.Facts(r.ring, text), r.w.API(r.ring, "orders"), r.w.DB.Now()
	d := keyring.Decide(r.t.Context(), now, facts, api, &req, keyring.Limits{Rates: ratelimit.NewLocal(64), Quotas: r.quotas})
	r.counters.Count(now, facts, api, &req, &d)
	return d.Code
}

func (r *replica) poll() {
	r.t.Helper()
	if err := r.ring.Poll(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *replica) flush() {
	r.t.Helper()
	if err := r.flusher.Flush(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func total(t *testing.T, w *usagetest.World, span usage.Span) usage.Count {
	t.Helper()
	_, sum, err := usage.NewStore(w.DB).Series(t.Context(), usage.View{Actor: w.Person, Span: span})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// B1-16: N calls are N on every page.
func TestEachCallIsCountedOnceAtEverySpan(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		id, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		one, two := newReplica(t, w, "one", 0), newReplica(t, w, "two", 0)

		var wg sync.WaitGroup
		for _, r := range []*replica{one, two} {
			wg.Go(func() {
				for i := range 300 {
					r.verify(text, target("GET", "/v2/orders"))
					if i%3 == 0 {
						r.verify(text, target("POST", "/v2/orders"))
					}
					if i%50 == 0 {
						if err := r.flusher.Flush(context.Background()); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Wait()
		clock.Advance(30 * time.Second)
		one.poll()
		one.verify(text, target("GET", "/v2/orders/7"))
		one.verify("gk_live_unknown", target("GET", "/v2/orders"))
		one.flush()
		two.flush()
		one.flush()

		for _, span := range usage.Spans {
			if got := total(t, w, span); got != (usage.Count{Good: 601, Bad: 200}) {
				t.Errorf("%s: %+v", span, got)
			}
		}
		calls, err := usage.NewStore(d).CallsByKey(t.Context(), []db.ID{id}, clock.Now().Add(-30*24*time.Hour))
		if err != nil || calls[id] != 801 {
			t.Error(calls, err)
		}
	})
}

// REL-4: the commit went well but its answer was lost.
func TestBatchSentTwiceCountsOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := usagetest.New(t, d)
		w.Run("UPDATE plans SET quota_month = 100")
		_, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		r := newReplica(t, w, "one", 0)
		lost := &lossy{Context: t.Context()}
		r.verify(text, target("GET", "/v2/orders"))
		r.verify(text, target("GET", "/v2/orders"))

		d.OnCommit(func([]db.Change) {})
		err := r.flusher.FlushLosingTheAnswer(lost)
		r.verify(text, target("GET", "/v2/orders"))
		r.flush()
		r.flush()

		if !errors.Is(err, errLost) {
			t.Fatal(err)
		}
		if got := total(t, w, usage.Day); got.Good != 3 {
			t.Fatalf("%+v", got)
		}
		if used := quotaUsed(t, w); used != 3 {
			t.Fatalf("quota %d", used)
		}
	})
}

type lossy struct{ context.Context }

var errLost = usage.ErrLost

func quotaUsed(t *testing.T, w *usagetest.World) (n int64) {
	t.Helper()
	if err := w.DB.Read(t.Context()).Raw("SELECT COALESCE(SUM(used), 0) FROM quota_counters").Row().Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhileTheDatabaseIsAwayMemoryIsBoundedAndTheCallGoesOn(t *testing.T) {
	clock := dbtest.NewClock()
	w := usagetest.New(t, dbtest.SQLite(t, clock))
	_, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
	r := newReplica(t, w, "one", 32) // room for one minute of one series between two drains
	facts, api := w.Facts(r.ring, text), w.API(r.ring, "orders")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	count := func() {
		req := target("GET", "/v2/orders")
		d := keyring.Decide(t.Context(), w.DB.Now(), facts, api, &req, keyring.Limits{})
		r.counters.Count(w.DB.Now(), facts, api, &req, &d)
		clock.Advance(time.Minute)
	}
	count()

	err := r.flusher.Flush(gone)
	for range 10 {
		count()
	}
	again := r.flusher.Flush(gone)
	r.flush()
	r.flush()

	if err == nil || again == nil {
		t.Fatal("a closed context flushes nothing")
	}
	if got := total(t, w, usage.Hour); got.Good != 2 || r.flusher.Dropped() != 9 {
		t.Fatalf("%+v, dropped %d", got, r.flusher.Dropped())
	}
}

func TestShutdownFlushesWhatWasCounted(t *testing.T) {
	w := usagetest.New(t, dbtest.SQLite(t, dbtest.NewClock()))
	_, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
	r := newReplica(t, w, "one", 0)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	r.verify(text, target("GET", "/v2/orders"))

	go func() { r.flusher.Run(ctx); close(done) }()
	r.verify(text, target("GET", "/v2/orders"))
	cancel()
	<-done

	if got := total(t, w, usage.Hour); got.Good != 2 {
		t.Fatalf("%+v", got)
	}
}

// K12, and the first check that turns Connect green.
func TestUseIsNotedOnKeyGrantNetworkAndAPI(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		id, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		r := newReplica(t, w, "one", 0)
		begin := clock.Now()

		r.verify(text, target("GET", "/v2/orders"))
		r.flush()
		clock.Advance(time.Hour)
		r.poll()
		r.verify(text, target("POST", "/v2/orders"))
		r.flush()

		var rows []struct {
			LastUsedAt                    time.Time
			LastUsedNetwork               string
			GrantUsed                     *time.Time
			FirstCheckedAt, LastCheckedAt time.Time
		}
		err := d.Read(t.Context()).Raw(`SELECT k.last_used_at, k.last_used_network, g.last_used_at AS grant_used, p.first_checked_at, p.last_checked_at FROM keys k
			JOIN key_grant_uses g ON g.key_id = k.id JOIN apis p ON p.id = ? WHERE k.id = ?`, w.Orders, id).Scan(&rows).Error
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		got := rows[0]
		if !got.LastUsedAt.Equal(begin) || got.GrantUsed == nil || !got.GrantUsed.Equal(begin) || got.LastUsedNetwork != "203.0.113.0/24" {
			t.Errorf("a refused call is no use: %+v", got)
		}
		if !got.FirstCheckedAt.Equal(begin) || !got.LastCheckedAt.Equal(clock.Now()) {
			t.Errorf("checks seen: %+v", got)
		}
	})
}

func TestQuotaHoldsAcrossReplicasAndRestarts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		w.Run("UPDATE plans SET quota_month = 10")
		_, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		one, two := newReplica(t, w, "one", 0), newReplica(t, w, "two", 0)
		get := target("GET", "/v2/orders")
		for range 4 {
			one.verify(text, get)
			two.verify(text, get)
		}
		one.flush()
		two.flush() // 8 are stored, and two knows it

		second := two.verify(text, get)
		two.flush()
		clock.Advance(6 * time.Second)
		one.poll()
		one.flush() // it has nothing to say, but it asks
		tenth := one.verify(text, get)
		eleventh := one.verify(text, get)
		one.flush()
		fresh := newReplica(t, w, "three", 0).verify(text, get)
		clock.Set(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
		later := newReplica(t, w, "three", 0).verify(text, get)

		if second != keyring.Valid || tenth != keyring.Valid || eleventh != keyring.QuotaExceeded || fresh != keyring.QuotaExceeded || later != keyring.Valid {
			t.Fatal(second, tenth, eleventh, fresh, later)
		}
	})
}

func TestSweepKeepsWhatPagesNeed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		id, _ := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		now := clock.Now()
		for _, age := range []time.Duration{0, 47 * time.Hour, 50 * time.Hour, 99 * 24 * time.Hour, 102 * 24 * time.Hour, 4 * 366 * 24 * time.Hour} {
			w.Seed(id, w.App, w.Org, w.Orders, "/v2/orders", "VALID", now.Add(-age), 1)
		}

		err := usage.NewStore(d).Sweep(t.Context())

		var minutes, hours, days int
		errs := errors.Join(err, d.Read(t.Context()).Raw("SELECT (SELECT COUNT(*) FROM usage_minutes), (SELECT COUNT(*) FROM usage_hours), (SELECT COUNT(*) FROM usage_days)").Row().Scan(&minutes, &hours, &days))
		if errs != nil || minutes != 2 || hours != 4 || days != 4 {
			t.Fatal(minutes, hours, days, errs)
		}
	})
}
