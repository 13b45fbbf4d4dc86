package usage_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	fleet "github.com/gatehouse-dev/gatehouse/models/replica"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// L4: one process alone spends a whole quota within the second in which nothing is stored, and another joins. When it may serve it knows that nothing is left.
func TestNewcomerSpendsNothingThatWasSpentBeforeItWasHeard(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		const quota = 300
		w := usagetest.New(t, d)
		w.Run("UPDATE plans SET quota_month = ?", quota)
		_, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
		var old, late *replica
		heart := func(name string, of **replica) *fleet.Heart {
			return fleet.NewHeart(fleet.HeartOptions{
				DB: d, Name: name, Report: func(context.Context) fleet.Report { return fleet.Report{} },
				DatabaseClock: func(context.Context) (time.Time, error) { return clock.Now(), nil },
				Grown: func(context.Context) {
					if *of != nil {
						(*of).flush()
					}
				},
			})
		}
		beat := func(h *fleet.Heart) {
			t.Helper()
			clock.Advance(time.Millisecond)
			if err := h.Beat(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		oldHeart, lateHeart := heart("old", &old), heart("late", &late)
		old = sharing(t, w, "old", oldHeart)
		beat(oldHeart)
		old.poll()
		spend := func(r *replica) (n int) {
			for r.verify(text, target("GET", "/v2/orders")) == keyring.Valid {
				n++
			}
			return n
		}
		late = sharing(t, w, "late", lateHeart) // it reads that nothing was spent
		late.poll()
		alone := spend(old)
		beat(lateHeart)
		before, err := lateHeart.Heard(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		beat(oldHeart)
		heard, err := lateHeart.Heard(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := late.flusher.Seed(t.Context()); err != nil {
			t.Fatal(err)
		}

		together := alone + spend(late) + spend(old)

		if alone != quota || before || !heard || together != quota {
			t.Errorf("%d passed at one, heard %v and then %v, %d passed together of a quota of %d", alone, before, heard, together, quota)
		}
	})
}
