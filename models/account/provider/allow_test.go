package provider_test

import (
	"net/netip"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account/provider"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A7: a neighbour in the same /24 or /48 uses up nobody's trips, and who sets out too often keeps nobody from coming back.
func TestNeighboursUseUpNobodysTrips(t *testing.T) {
	each(t, func(w *world) {
		from := func(address string) actor.Actor {
			a := visitor()
			a.Address = netip.MustParseAddr(address)
			return a
		}
		for _, pair := range [][3]string{{"203.0.113.7", "203.0.113.8", "203.0.113.7"}, {"2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:1:1::9"}} {
			w.must(w.store.Allow(t.Context(), from(pair[0]), provider.Going))
			w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Run("UPDATE throttles SET taken = 1000000")
				return err
			}))

			w.is(w.store.Allow(t.Context(), from(pair[0]), provider.Going), fault.RateLimited)
			w.is(w.store.Allow(t.Context(), from(pair[2]), provider.Going), fault.RateLimited)
			w.must(w.store.Allow(t.Context(), from(pair[0]), provider.Coming))
			w.must(w.store.Allow(t.Context(), from(pair[1]), provider.Going))
		}
	})
}
