package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
)

// stopwatch is a clock on which whatever is timed takes that long.
func stopwatch(each time.Duration) func() time.Time {
	now := time.Unix(1_800_000_000, 0)
	return func() time.Time {
		now = now.Add(each)
		return now
	}
}

// A1, section 4.2: the fastest replica says what a hash costs; the others follow it, also after a restart, and people are moved as they sign in.
func TestReplicasHashAtOneCost(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		fast, slow := w.store, w.open(w.store.SignupPolicy())
		cost, err := fast.CalibrateCost(t.Context(), stopwatch(20*time.Millisecond))
		w.must(err)
		if cost.Time != 6 {
			t.Fatalf("a pass of 20 ms: %d passes, want 6", cost.Time)
		}

		followed, err := slow.CalibrateCost(t.Context(), stopwatch(time.Second))
		w.must(err)
		w.store = w.open(w.store.SignupPolicy()) // starts anew
		w.must(w.store.KnownCost(t.Context()))
		w.in(u, good)

		if followed != cost {
			t.Errorf("the slow one hashes at %+v, the fast one at %+v", followed, cost)
		}
		after, err := w.store.ByID(t.Context(), u.ID)
		w.must(err)
		phc, err := w.root.Sealer(secret.LabelPassword).Open(after.PasswordSealed, u.ID.String())
		w.must(err)
		if !strings.Contains(string(phc), "t=6") {
			t.Error(string(phc))
		}
		w.in(u, good)
	})
}
