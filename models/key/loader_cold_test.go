package key_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// D3: time does not tell whether a text is somebody's key: as much is asked of the database for one that is unknown.
func TestUnknownKeyCostsAsManyQueriesAsOneThatIsSomebodys(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		made := w.make(w.owner, "Nightly", readOrders)
		reads := dbtest.Reads(t, d)
		cost := func(digest keyring.Digest) (bool, int) {
			facts, err := w.keys.Loader().LoadKey(bg, digest)
			if err != nil {
				t.Fatal(err)
			}
			return facts != nil, len(reads())
		}

		known, queries := cost(w.digest(made))
		unknown, others := cost(keyring.Digest{1, 2, 3})

		if !known || unknown || queries != others || queries == 0 {
			t.Errorf("known %v by %d queries, unknown %v by %d", known, queries, unknown, others)
		}
	})
}
