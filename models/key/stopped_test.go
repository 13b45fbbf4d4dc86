package key_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

func TestAStoppedKeyIsNotListedOrCountedAsActive(t *testing.T) {
	stops := map[string]func(w *world){
		"app": func(w *world) { w.run("UPDATE apps SET suspended_at = ? WHERE id = ?", w.clock.Now(), w.app) },
		"organization": func(w *world) {
			w.run("UPDATE organizations SET suspended_at = ?, suspended_until = ? WHERE id = ?", w.clock.Now(), w.clock.Now().Add(time.Hour), w.org)
		},
		"owner": func(w *world) {
			w.run("UPDATE organizations SET personal_user_id = ? WHERE id = ?", w.admin.UserID, w.org)
			w.run("UPDATE users SET suspended_at = ? WHERE id = ?", w.clock.Now(), w.admin.UserID)
		},
		"access": func(w *world) { w.run("UPDATE access SET state = 'suspended' WHERE id = ?", w.ordersAccess) },
		"ended":  func(w *world) { w.run("UPDATE access SET state = 'ended' WHERE id = ?", w.ordersAccess) },
		"scope":  func(w *world) { w.run("UPDATE scopes SET withdrawn_at = ? WHERE id = ?", w.clock.Now(), w.ordersRead) },
		"API":    func(w *world) { w.run("UPDATE apis SET retired_at = ? WHERE id = ?", w.clock.Now(), w.orders) },
	}
	for name, stop := range stops {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w := newWorld(t, d, clock)
				id := w.make(w.developer, "Worker").Key.ID
				if a, s, n := w.standing(); a != 1 || s != 0 || n != 1 {
					t.Fatalf("before: %d active, %d stopped, %d counted", a, s, n)
				}

				stop(w)

				if a, s, n := w.standing(); a != 0 || s != 1 || n != 0 || w.state(id) != key.Stopped {
					t.Errorf("%d active, %d stopped, %d counted, %s", a, s, n, w.state(id))
				}
			})
		})
	}
}

// standing is how many keys the developer's lists show as active and as stopped, and how many the first page counts.
func (w *world) standing() (active, stopped int, counted int64) {
	w.t.Helper()
	found := func(state key.StateName) int {
		page, err := w.keys.List(bg, w.developer, key.Filter{State: string(state)}, db.PageRequest{})
		if err != nil {
			w.t.Fatal(err)
		}
		return len(page.Rows)
	}
	desks, err := w.keys.Desks(bg, w.developer)
	if err != nil {
		w.t.Fatal(err)
	}
	return found(key.Active), found(key.Stopped), desks[w.org].Keys
}

func TestAHintIsFoundWhateverItsCaseWhenNothingElseIs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		upper, lower := w.make(w.developer, "One").Key.ID, w.make(w.developer, "Two").Key.ID
		w.run("UPDATE keys SET last_four = 'AB9c' WHERE id = ?", upper)
		find := func(q string) []key.Row {
			page, err := w.keys.List(bg, w.developer, key.Filter{Query: q}, db.PageRequest{})
			if err != nil {
				t.Fatal(err)
			}
			return page.Rows
		}

		alone := find("gk_live_…" + strings.ToLower("AB9c"))
		w.run("UPDATE keys SET last_four = 'ab9c' WHERE id = ?", lower)
		exact := find("ab9c")

		if len(alone) != 1 || alone[0].ID != upper || len(exact) != 1 || exact[0].ID != lower {
			t.Error(len(alone), len(exact))
		}
	})
}
