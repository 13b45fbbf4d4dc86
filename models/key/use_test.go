package key_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

func (w *world) use(uses ...key.Use) {
	w.t.Helper()
	if err := w.db.Tx(bg, func(tx *db.Tx) error { return key.RecordUse(tx, uses) }); err != nil {
		w.t.Fatal(err)
	}
}

// K12
func TestLastUseGoesForwardOnlyAndRepeatsChangeNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		id, now := w.make(w.developer, "Worker", readOrders, writeOrders).Key.ID, clock.Now()
		use := func(at time.Time, network string) key.Use {
			return key.Use{KeyID: id, At: at, Scopes: []key.ScopeUse{{APIID: w.orders, Scope: "orders:read", At: at}, {APIID: w.orders, Scope: "unknown", At: at}}, Networks: []key.NetworkAt{{Network: network, At: at}}}
		}

		w.use(use(now, "203.0.113.0/24"))
		w.use(use(now, "203.0.113.0/24"))
		w.use(use(now.Add(-time.Hour), "198.51.100.0/24"))

		seen, err := w.keys.Get(bg, w.developer, id)
		if err != nil || !seen.LastUsedAt.Equal(now) || seen.LastUsedNetwork != "203.0.113.0/24" || len(seen.Networks) != 2 || seen.NetworksToday != 2 {
			t.Fatalf("%v %q %+v %v", seen.LastUsedAt, seen.LastUsedNetwork, seen.Networks, err)
		}
		for _, g := range seen.Grants {
			if (g.LastUsedAt != nil) != (g.Scope == "orders:read") || g.LastUsedAt != nil && !g.LastUsedAt.Equal(now) {
				t.Errorf("%s: %v", g.Scope, g.LastUsedAt)
			}
		}
	})
}

// K9: who asks which keys of a scope were used in the last hour, finds each that a batch of calls wrote down, and no other.
func TestKeysOfAScopeUsedInTheLastHourAreFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		old := w.make(w.developer, "Used long ago", writeOrders).Key.ID
		w.use(key.Use{KeyID: old, At: clock.Now()})
		clock.Advance(time.Hour)
		used, reads := w.make(w.developer, "Used", readOrders, writeOrders).Key.ID, w.make(w.developer, "Reads", readOrders).Key.ID
		w.make(w.developer, "Unused", writeOrders)
		w.use(key.Use{KeyID: used, At: clock.Now()}, key.Use{KeyID: reads, At: clock.Now()})
		f := key.Filter{Scope: "orders:write", UsedLastHour: true}

		listed, err := w.keys.ListAll(bg, w.staff, f, db.PageRequest{})
		taken, failed := w.keys.Select(bg, f, key.Pausing, time.Time{}, clock.Now())

		if err != nil || len(listed.Rows) != 1 || listed.Rows[0].ID != used {
			t.Errorf("the list: %d keys, %v", len(listed.Rows), err)
		}
		if failed != nil || len(taken) != 1 || taken[0] != used {
			t.Errorf("an act on many would take %v, %v", taken, failed)
		}
	})
}

func TestManyUsesAndNetworksStayBounded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		if err := w.policy(90, 90, false, 500); err != nil {
			t.Fatal(err)
		}
		var uses []key.Use
		for i := range 150 {
			uses = append(uses, key.Use{KeyID: w.make(w.developer, fmt.Sprint(i)).Key.ID, At: clock.Now()})
		}
		for i := range 200 {
			uses[0].Networks = append(uses[0].Networks, key.NetworkAt{Network: fmt.Sprintf("10.0.%d.0/24", i), At: clock.Now().Add(time.Duration(i) * time.Second)})
		}

		w.use(uses...)

		seen, err := w.keys.Get(bg, w.developer, uses[0].KeyID)
		if err != nil || len(seen.Networks) != key.MaxNetworks || seen.Networks[0].Network != "10.0.199.0/24" || seen.LastUsedNetwork != "10.0.199.0/24" {
			t.Fatal(len(seen.Networks), err)
		}
		for _, u := range uses {
			if seen, err := w.keys.Get(bg, w.developer, u.KeyID); err != nil || seen.LastUsedAt == nil {
				t.Fatal("a use was lost", err)
			}
		}
	})
}
