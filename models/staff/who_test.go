package staff_test

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
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

// can are those who may do to an object what p allows, by name, and whether they need a second factor first.
func can(t *testing.T, w *catalogtest.World, store *staff.Store, p permission.Name, object string) map[string]staff.Can {
	t.Helper()
	o := staff.Object{}
	var err error
	if object != "" {
		if o, err = store.Object(t.Context(), w.Staff, object); err != nil {
			t.Fatal(err)
		}
	}
	found, err := store.Who(t.Context(), w.Staff, p, o)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]staff.Can{}
	for _, c := range found {
		out[c.Name] = c
	}
	return out
}

// Z6, A12: who reaches nothing of an organization, or of the portal as staff, until they have a second factor is named with that, and no longer once they have one, or
// showed one at their provider, when they last came by it or in a session that lasts.
func TestWhoNeedsAFactorFirstIsNamedWithThat(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w, store := catalogtest.New(t, d), staff.NewStore(d, nil, nil)
		none, has, showed, vouched := w.Person("Has None", "support"), w.Person("Has One", "support"), w.Person("Showed One", "support"), w.Person("Vouched For", "support")
		for _, a := range []actor.Actor{none, has, showed, vouched} {
			w.Join(w.North, a, "developer")
		}
		w.Tx(func(tx *db.Tx) error {
			if _, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'App', ?, ?)", db.NewID(), has.UserID, tx.Now, tx.Now); err != nil {
				return err
			}
			if _, err := tx.Run("INSERT INTO identities (id, user_id, issuer, subject, factor_at, created_at) VALUES (?, ?, 'https://login.example', 'vouched', ?, ?)", db.NewID(), vouched.UserID, tx.Now, tx.Now); err != nil {
				return err
			}
			_, err := tx.Run("UPDATE organizations SET factor_from = ? WHERE id = ?", tx.Now.Add(time.Hour), w.North)
			return err
		})
		app := w.Shop.Show(org.AppPrefix)
		need := func(when string, p permission.Name, object string, want ...string) {
			t.Helper()
			all := can(t, w, store, p, object)
			for _, a := range []actor.Actor{none, has, showed, vouched} {
				if c, found := all[a.Name]; !found || c.NeedsFactor != slices.Contains(want, a.Name) {
					t.Errorf("%s, %s: %s needs a factor first: %v, named %v", when, p, a.Name, c.NeedsFactor, found)
				}
			}
		}
		need("before the policy begins", permission.AppsRead, app)

		clock.Advance(time.Hour)
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO sessions (id, digest, user_id, reauthenticated_at, factor_at, last_seen_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
				db.NewID(), []byte("digest"), showed.UserID, tx.Now, tx.Now, tx.Now, tx.Now.Add(24*time.Hour), tx.Now)
			return err
		})

		need("since it began", permission.AppsRead, app, none.Name)
		need("staff who need none", permission.StaffUsersRead, "")
		store.RequireFactor(true)
		need("staff", permission.StaffUsersRead, "", none.Name)
		clock.Advance(61 * time.Minute) // the session is over
		need("later", permission.StaffUsersRead, "", none.Name, showed.Name)
		need("later", permission.AppsRead, app, none.Name, showed.Name)
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE organizations SET factor_from = NULL")
			return err
		})
		need("staff in an organization that requires none", permission.AppsRead, app, none.Name, showed.Name)
	})
}

// Z6, Z7: who may do something to an app or a key of another organization by a share is named with the share, until when, and with which right; no share opens what only
// the lender's people do.
func TestWhoCanByAShareIsNamedWithIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w, store := catalogtest.New(t, d), staff.NewStore(d, nil, nil)
		viewer := w.Person("Vera Viewer", "")
		w.Join(w.Contoso, viewer, "viewer")
		w.Request(w.Open, w.Read)
		live, paused, portal := w.Key(w.Shop, "Live", w.API, w.Read), w.Key(w.Shop, "Paused", w.API, w.Read), w.Key(w.Shop, "Portal", w.API, w.Read)
		w.Tx(func(tx *db.Tx) error {
			if _, err := tx.Run("UPDATE keys SET paused_at = ?, paused_cause = 'person' WHERE id = ?", tx.Now, paused); err != nil {
				return err
			}
			if _, err := tx.Run("INSERT INTO key_grants (key_id, api_id, scope_id) SELECT ?, a.id, s.id FROM apis a JOIN scopes s ON s.api_id = a.id WHERE a.slug = 'portal' AND s.name = 'keys:read'", portal); err != nil {
				return err
			}
			_, err := tx.Run(`INSERT INTO app_shares (id, app_id, lender_id, receiver_id, usage_read, keys_read, rotate_test, rotate_all, reason, ends_at, accepted_at, created_at)
				VALUES (?, ?, ?, ?, TRUE, TRUE, TRUE, TRUE, 'To test', ?, ?, ?)`, db.NewID(), w.Shop, w.North, w.Contoso, tx.Now.Add(48*time.Hour), tx.Now, tx.Now)
			return err
		})
		ends := clock.Now().Add(48 * time.Hour)
		app, house := w.Shop.Show(org.AppPrefix), w.North.Show(org.Prefix)
		for _, c := range []struct {
			p      permission.Name
			object string
			right  actor.Right // "" for none
			viewer bool
		}{
			{permission.UsageRead, app, actor.ReadUsage, true},
			{permission.KeysRead, app, actor.ReadKeys, false},
			{permission.KeysMake, app, actor.RotateTest, false},
			{permission.KeysManageAll, app, actor.RotateAll, false},
			{permission.KeysRead, live.Show(key.IDPrefix), actor.ReadKeys, false},
			{permission.KeysMake, live.Show(key.IDPrefix), actor.RotateAll, false},
			{permission.KeysRead, paused.Show(key.IDPrefix), actor.ReadKeys, false},
			{permission.KeysMake, paused.Show(key.IDPrefix), "", false},
			{permission.KeysMake, portal.Show(key.IDPrefix), "", false},
			{permission.AppsRead, app, "", false},
			{permission.AccessRead, app, "", false},
			{permission.UsageRead, live.Show(key.IDPrefix), "", false},
			{permission.UsageRead, house, "", false},
			{permission.KeysRead, house, "", false},
		} {
			all := can(t, w, store, c.p, c.object)
			carl, vera := all[w.Other.Name], all[viewer.Name]
			if carl.Right != c.right || (carl.By == staff.ByShare) != (c.right != "") || c.right != "" && (!carl.EndsAt.Equal(ends) || carl.Receiver != "Contoso" || carl.Role != "owner") {
				t.Errorf("%s on %.4s: %+v", c.p, c.object, carl)
			}
			if (vera.By == staff.ByShare) != c.viewer {
				t.Errorf("%s on %.4s: a viewer %+v", c.p, c.object, vera)
			}
			if all[w.Owner.Name].By == "" {
				t.Errorf("%s on %.4s: not its own owner", c.p, c.object)
			}
		}

		clock.Advance(48 * time.Hour)

		if c, found := can(t, w, store, permission.UsageRead, app)[w.Other.Name]; found {
			t.Errorf("after its end: %+v", c)
		}
	})
}
