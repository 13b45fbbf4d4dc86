package key_test

import (
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// K10
func TestRotationKeepsBothAliveUntilTheOverlapEnds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		old := w.make(w.developer, "Worker", readOrders, writeOrders)

		fresh, err := w.keys.Rotate(bg, w.admin, old.Key.ID, key.RotateRequest{Token: w.keys.NewFormToken(w.admin, key.RotatePurpose(old.Key.ID)), OverlapDays: 7})
		if err != nil {
			t.Fatal(err)
		}

		if fresh.Secret.Reveal() == "" || fresh.Secret.Reveal() == old.Secret.Reveal() || w.state(old.Key.ID) != key.Rotated || w.state(fresh.Key.ID) != key.Active {
			t.Fatal(w.state(old.Key.ID), w.state(fresh.Key.ID))
		}
		a, _ := w.keys.Get(bg, w.admin, old.Key.ID)
		b, _ := w.keys.Get(bg, w.admin, fresh.Key.ID)
		if a.Successor == nil || a.Successor.ID != b.ID || b.Predecessor == nil || b.Predecessor.ID != a.ID || len(a.Grants) != 2 || len(b.Grants) != 2 || b.Name != "Worker" || b.DataDomain != "customer" {
			t.Fatalf("%+v\n%+v", a, b)
		}
		clock.Advance(7 * day)
		if w.state(old.Key.ID) != key.Expired || w.state(fresh.Key.ID) != key.Active {
			t.Fatal("the old one lives on")
		}
		if _, err := w.keys.Rotate(bg, w.admin, old.Key.ID, key.RotateRequest{Token: w.keys.NewFormToken(w.admin, key.RotatePurpose(old.Key.ID))}); !fault.Is(err, fault.Conflict) {
			t.Fatal("rotated twice", err)
		}
	})
}

func TestParallelRotationsRotateOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		id := w.make(w.developer, "Worker").Key.ID
		errs := make([]error, 12)

		var all sync.WaitGroup
		for i := range errs {
			token := w.keys.NewFormToken(w.developer, key.RotatePurpose(id))
			all.Go(func() {
				_, errs[i] = w.keys.Rotate(bg, w.developer, id, key.RotateRequest{Token: token, OverlapDays: 1})
			})
		}
		all.Wait()

		done := 0
		for _, err := range errs {
			if err == nil {
				done++
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		}
		if done != 1 {
			t.Fatalf("rotated %d times", done)
		}
	})
}

func TestRotationRefusesWhatItCannotDo(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, dbtest.NewClock()), dbtest.NewClock())
	id := w.make(w.developer, "Worker").Key.ID
	rotate := func(r key.RotateRequest) error {
		r.Token = w.keys.NewFormToken(w.developer, key.RotatePurpose(id))
		_, err := w.keys.Rotate(bg, w.developer, id, r)
		return err
	}

	expect(t, "overlap of 31 days", rotate(key.RotateRequest{OverlapDays: 31}), fault.Invalid)
	expect(t, "negative overlap", rotate(key.RotateRequest{OverlapDays: -1}), fault.Invalid)
	expect(t, "never", rotate(key.RotateRequest{Expiry: key.Expiry{Never: true}}), fault.Invalid)
	if err := w.keys.Suspend(bg, w.staff, id, "odd calls", nil); err != nil {
		t.Fatal(err)
	}
	expect(t, "suspended", rotate(key.RotateRequest{}), fault.Conflict)
}
