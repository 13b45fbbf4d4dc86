package staff_test

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staff"
)

// Z6, Z2: who is kept out of a limited app can do nothing with it or its keys, as their next request would be answered.
func TestWhoIsKeptOutOfALimitedAppIsNotAmongWhoCan(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w, store := catalogtest.New(t, d), staff.NewStore(d, nil, nil)
		out, in := w.Person("Kept Out", ""), w.Person("Let In", "")
		w.Join(w.North, out, "developer")
		w.Join(w.North, in, "developer")
		w.Request(w.Open, w.Read)
		made := w.Key(w.Shop, "Deploy", w.API, w.Read)
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE keys SET created_by = ?, responsible_id = ? WHERE id = ?", in.UserID, out.UserID, made)
			return err
		})
		names := func(p permission.Name, object string) (out []string) {
			t.Helper()
			o, err := store.Object(t.Context(), w.Staff, object)
			if err != nil {
				t.Fatal(err)
			}
			can, err := store.Who(t.Context(), w.Staff, p, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range can {
				out = append(out, c.Name)
			}
			return out
		}
		app, key, house := w.Shop.Show(org.AppPrefix), made.Show(key.IDPrefix), w.North.Show(org.Prefix)
		for p, object := range map[permission.Name]string{permission.AppsRead: app, permission.KeysRead: key, permission.KeysMake: key} {
			if got := names(p, object); !slices.Contains(got, out.Name) || !slices.Contains(got, in.Name) {
				t.Errorf("control: %s: %v", p, got)
			}
		}

		if err := w.Org.LimitApp(t.Context(), w.Owner, w.Shop, true, []db.ID{in.UserID}); err != nil {
			t.Fatal(err)
		}

		for p, object := range map[permission.Name]string{permission.AppsRead: app, permission.KeysRead: key, permission.KeysMake: key} {
			if got := names(p, object); slices.Contains(got, out.Name) || !slices.Contains(got, in.Name) {
				t.Errorf("%s: %v", p, got)
			}
		}
		if got := names(permission.AppsRead, house); !slices.Contains(got, out.Name) {
			t.Errorf("the organization's apps: %v", got)
		}
	})
}

// Z6, A12: whom an organization keeps out until they have a second factor can do nothing there, as their next request would be answered.
func TestWhoIsShutOutForWantOfAFactorIsNotAmongWhoCan(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w, store := catalogtest.New(t, d), staff.NewStore(d, nil, nil)
		out, in := w.Person("Has None", ""), w.Person("Has One", "")
		w.Join(w.North, out, "developer")
		w.Join(w.North, in, "developer")
		w.Tx(func(tx *db.Tx) error {
			if _, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'App', ?, ?)", db.NewID(), in.UserID, tx.Now, tx.Now); err != nil {
				return err
			}
			_, err := tx.Run("UPDATE organizations SET factor_from = ? WHERE id = ?", tx.Now.Add(time.Hour), w.North)
			return err
		})
		can := func() (names []string) {
			t.Helper()
			o, err := store.Object(t.Context(), w.Staff, w.Shop.Show(org.AppPrefix))
			if err != nil {
				t.Fatal(err)
			}
			found, err := store.Who(t.Context(), w.Staff, permission.AppsRead, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range found {
				names = append(names, c.Name)
			}
			return names
		}
		before := can()

		clock.Advance(time.Hour)

		if after := can(); !slices.Contains(before, out.Name) || slices.Contains(after, out.Name) || !slices.Contains(after, in.Name) {
			t.Errorf("before %v, after %v", before, after)
		}
	})
}
