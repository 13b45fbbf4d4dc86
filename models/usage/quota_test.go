package usage_test

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// sharing is one of several replicas that share quotas; it doesn't lead.
func sharing(t *testing.T, w *usagetest.World, name string, peers ratelimit.Peers) *replica {
	t.Helper()
	return leading(t, w, name, peers, nil)
}

// leading is one of several replicas that share quotas, which leads when leads says so.
func leading(t *testing.T, w *usagetest.World, name string, peers ratelimit.Peers, leads func(time.Time) bool) *replica {
	t.Helper()
	r := &replica{w: w, t: t, ring: w.Ring(), counters: keyring.NewUsage(0), quotas: keyring.NewSharedQuotas(peers, leads)}
	r.flusher = usage.NewFlusher(usage.FlusherOptions{
		DB: w.DB, Counters: r.counters, Quotas: r.quotas, Replica: name, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err := r.flusher.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// tilt verifies until it is refused, and then stores what was counted.
func tilt(r *replica, text string, cost int) (passed int) {
	r.poll()
	req := target("GET", "/v2/orders")
	req.Cost = cost
	for r.verify(text, req) == keyring.Valid {
		passed += cost
	}
	r.flush()
	return passed
}

func TestQuotasOfDayAndMonthHoldOverThreeReplicasAndRestarts(t *testing.T) { // L6: at most one in a hundred over, or a call each
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		w.Run("UPDATE plans SET quota_month = 300, quota_day = 120")
		_, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		sum := 0
		for day := range 4 {
			want := min(120, max(0, 300-sum))
			// Each day with processes that know nothing but what is stored.
			replicas := []*replica{sharing(t, w, "one", ratelimit.Fixed(3)), sharing(t, w, "two", ratelimit.Fixed(3)), sharing(t, w, "three", ratelimit.Fixed(3))}
			passed := 0
			for range 12 {
				for _, r := range replicas {
					passed += tilt(r, text, 1)
				}
			}
			if passed < want || passed > want+want/100+3 {
				t.Errorf("day %d: %d passed, want %d", day, passed, want)
			}
			sum += passed
			clock.Advance(24 * time.Hour)
		}
		if sum > 300+3+3 {
			t.Errorf("%d passed in a month of 300", sum)
		}
	})
}

func TestACostlyCallIsChargedWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := usagetest.New(t, d)
		w.Run("UPDATE plans SET quota_day = 100")
		w.Run("UPDATE route_rules SET cost = 30 WHERE path_template = '/v2/orders' AND method = 'GET'")
		_, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		r := sharing(t, w, "one", ratelimit.Fixed(1))
		byRoute := target("GET", "/v2/orders")
		byRoute.CostByRoute = true
		passed := 0
		for range 5 {
			if r.verify(text, byRoute) == keyring.Valid {
				passed++
			}
		}
		refused := r.verify(text, target("POST", "/v2/orders"))
		r.flush()

		var day, month int
		err := d.Read(t.Context()).Raw("SELECT (SELECT used FROM quota_days), (SELECT used FROM quota_counters)").Row().Scan(&day, &month)
		if err != nil || passed != 3 || refused != keyring.InsufficientScope || day != 90 || month != 90 {
			t.Error(passed, refused, day, month, err)
		}
	})
}

// REL-12: while the clock of the machine was ahead, calls were counted for a month that has not come. Once it is set right they count for the one in which they
// were made, whether they were stored meanwhile or not.
func TestWhatWasChargedWhileTheClockWasAheadCountsForTheDayItWasMade(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := usagetest.New(t, d)
		w.Run("UPDATE plans SET quota_month = 1000")
		_, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		r := sharing(t, w, "one", ratelimit.Alone)
		calls := func(n int) {
			r.poll()
			for range n {
				r.verify(text, target("GET", "/v2/orders"))
			}
		}
		right := clock.Now()
		calls(3)
		r.flush()
		clock.Set(right.AddDate(0, 1, 0))
		calls(4)
		r.flush() // stored under next month
		calls(5)  // waits
		clock.Set(right.Add(time.Minute))
		calls(1)
		r.flush()
		calls(1)
		r.flush() // nothing is moved twice

		var rows []struct {
			PeriodStart time.Time
			Used        int
		}
		err := d.Read(t.Context()).Raw("SELECT period_start, used FROM quota_counters WHERE used <> 0 UNION ALL SELECT day, used FROM quota_days WHERE used <> 0 ORDER BY 1").Scan(&rows).Error
		if err != nil || len(rows) != 2 || rows[0].Used != 14 || rows[1].Used != 14 || rows[1].PeriodStart.After(right) {
			t.Errorf("%+v %v", rows, err)
		}
	})
}
