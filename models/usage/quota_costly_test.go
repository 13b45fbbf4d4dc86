package usage_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// quiet lets time go by in which replicas store and hear, and no call comes.
func quiet(clock *dbtest.Clock, replicas []*replica, seconds int) {
	for range seconds {
		clock.Advance(time.Second)
		for _, r := range replicas {
			r.flush()
		}
	}
}

func TestCostlyAndCheapCallsOfSeveralReplicasKeepToAQuotaOverRestarts(t *testing.T) { // L6
	for _, n := range []int{2, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w := usagetest.New(t, d)
				w.Run("UPDATE plans SET quota_month = 1000, quota_day = 1000")
				_, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
				start := func(life string) (all []*replica) {
					for i := range n {
						r := leading(t, w, fmt.Sprint(life, i), ratelimit.Fixed(n), func(time.Time) bool { return i == 0 })
						r.poll()
						all = append(all, r)
					}
					return all
				}
				passed := 0
				call := func(r *replica, cost int) bool {
					r.poll()
					req := target("GET", "/v2/orders")
					req.Cost = cost
					ok := r.verify(text, req) == keyring.Valid
					if ok {
						passed += cost
					}
					return ok
				}
				replicas := start("first")
				cheap := call(replicas[1], 1)
				quiet(clock, replicas, 2)
				busy := call(replicas[0], 600)
				quiet(clock, replicas, 15)
				elsewhere := call(replicas[n-1], 600)
				costly := call(replicas[0], 600)
				quiet(clock, replicas, 1)
				replicas = start("second") // they know nothing but what is stored
				afresh := call(replicas[0], 399)
				quiet(clock, replicas, 15)
				tooMuch := call(replicas[0], 400)
				other, rest := call(replicas[1], 399), call(replicas[0], 399)
				quiet(clock, replicas, 15)
				for _, r := range append(replicas, start("third")...) {
					call(r, 1)
				}

				if !cheap || busy || elsewhere || !costly || afresh || tooMuch || other || !rest || passed != 1000 {
					t.Error(cheap, busy, elsewhere, costly, afresh, tooMuch, other, rest, passed)
				}
				var stored int
				if err := d.Read(t.Context()).Raw("SELECT used FROM quota_counters").Row().Scan(&stored); err != nil || stored != 1000 {
					t.Error(stored, err)
				}
			})
		})
	}
}
