package rotation_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// A key that leaked and was rotated for that can't take its own end back, nor put it off; no more can one that ends before it (K9, K10).
func TestRotatedKeyOutlivesItsRotationByNoActOfItsOwn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, after := w.pair(3)
		soon := w.Make(w.Developer, "Soon", 1).Key.ID

		for name, caller := range map[string]db.ID{"itself": before, "one that ends before": soon} {
			r, err := w.Keys.Get(bg, w.Developer, caller)
			if err != nil {
				t.Fatal(err)
			}
			a := actor.Actor{Kind: actor.Key, KeyID: caller, OrganizationID: r.OrganizationID, Environment: r.Environment, RequestID: "req_test"}
			if err := w.rotations.Undo(bg, a, before, true); !fault.Is(err, fault.Forbidden) {
				t.Errorf("undone by %s: %v, want forbidden", name, err)
			}
			if err := w.rotations.Extend(bg, a, before, 2); !fault.Is(err, fault.Forbidden) {
				t.Errorf("extended by %s: %v, want forbidden", name, err)
			}
		}
		if w.State(before) != key.Rotated || w.State(after) != key.Active {
			t.Error(w.State(before), w.State(after))
		}
	})
}
