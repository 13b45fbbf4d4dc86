package replica_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/replica"
)

func TestTheOldestLivingReplicaLeadsAndNoOther(t *testing.T) { // L6
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		a, b, c := one(d, clock, "a", &replica.Report{}), one(d, clock, "b", &replica.Report{}), one(d, clock, "c", &replica.Report{})
		leads := func() (s string) {
			for name, h := range map[string]*replica.Heart{"a": a, "b": b, "c": c} {
				if h.Leads(clock.Now()) {
					s += name
				}
			}
			return s
		}
		want := func(when, who string) {
			t.Helper()
			if got := leads(); got != who {
				t.Errorf("%s: %q leads, want %q", when, got, who)
			}
		}
		want("before anyone has beaten", "")
		beat(t, b)
		clock.Advance(time.Second)
		beat(t, a, c, b)
		want("together", "b")
		gone, cancel := context.WithCancel(bg)
		cancel()
		for range 3 { // b can't reach the database, and a and c can
			clock.Advance(4 * time.Second)
			_ = b.Beat(gone)
			beat(t, a, c)
		}
		want("while the others believe in one that is cut off", "")
		clock.Advance(4 * time.Second)
		beat(t, c, a)
		want("once it counts as dead", "a")
		beat(t, b)
		beat(t, a)
		want("once it is back", "b")
		if err := b.Leave(bg); err != nil {
			t.Fatal(err)
		}
		want("as it leaves", "")
		beat(t, c, a)
		want("after it left", "a")
	})
}
