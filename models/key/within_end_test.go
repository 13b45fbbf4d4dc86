package key_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// A key that ends soon opens up none that ends later: what it opened would be open after it (K4). What only takes away it may do.
func TestProgramOpensNoKeyThatOutlivesIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w, ctx := newWorld(t, d, clock), t.Context()
		made := func(days int, b key.BoundsForm) key.Made {
			m, err := w.keys.Create(ctx, w.admin, key.CreateRequest{Token: w.token(w.admin), AppID: w.app, Environment: "live", Name: "Key", Pairs: []key.Pair{readOrders}, Expiry: key.Expiry{Days: days}, Bounds: b})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		short, peer := program(made(2, key.BoundsForm{})), program(made(80, key.BoundsForm{}))
		long := made(80, key.BoundsForm{Networks: "203.0.113.0/24"}).Key.ID

		for name, act := range map[string]func(actor.Actor) error{
			"widen":  func(a actor.Actor) error { return w.keys.SetBounds(ctx, a, long, key.BoundsForm{}, true) },
			"resume": func(a actor.Actor) error { return w.keys.Resume(ctx, a, long) },
		} {
			if err := w.keys.Pause(ctx, short, long); err != nil {
				t.Fatalf("pausing: %v", err)
			}
			if err := act(short); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s by a key that ends before: %v, want forbidden", name, err)
			}
			if err := act(peer); err != nil {
				t.Errorf("%s by a key that ends with it: %v", name, err)
			}
		}
		if err := w.keys.SetBounds(ctx, short, long, key.BoundsForm{Networks: "203.0.113.9"}, true); err != nil {
			t.Errorf("narrowing: %v", err)
		}
	})
}

// The successor of a key that rotates itself lives as long as that would have, not as long as their overlap.
func TestProgramThatRotatesItselfHasAKeyThatWorks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		for _, overlap := range []int{0, 3} {
			old := w.make(w.admin, "Bot", readOrders)

			made, err := w.keys.Rotate(t.Context(), program(old), old.Key.ID, key.RotateRequest{OverlapDays: overlap})

			if err != nil || made.Key.ExpiresAt == nil || made.Key.ExpiresAt.Before(clock.Now().Add(24*time.Hour*4)) {
				t.Errorf("overlap of %d days: %v, ends %v", overlap, err, made.Key.ExpiresAt)
			}
		}
	})
}
