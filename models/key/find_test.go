package key_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// several makes seven keys with ends, uses and names that sort differently.
func (w *world) several() []db.ID {
	w.t.Helper()
	var ids []db.ID
	for i, name := range []string{"delta", "Alpha", "écho", "bravo", "Zulu", "charlie", "alpha"} {
		id := w.make(w.developer, name).Key.ID
		ids = append(ids, id)
		w.clock.Advance(time.Minute)
		if i%3 == 0 {
			w.run("UPDATE keys SET expires_at = NULL WHERE id = ?", id)
		}
		if i%2 == 0 {
			w.run("UPDATE keys SET last_used_at = ? WHERE id = ?", w.clock.Now().Add(-time.Duration(i)*time.Hour), id)
		}
	}
	return ids
}

// Z9, and every order by pages in both directions
func TestPagesCoverEveryKeyOnceInEveryOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		all := w.several()

		for _, sort := range []string{"created", "-created", "name", "-name", "expires", "-expires", "used", "-used"} {
			var forth, back []db.ID
			request := db.PageRequest{Sort: sort, Size: 3}
			var last db.Page[key.Row]
			for {
				page, err := w.keys.List(bg, w.developer, key.Filter{}, request)
				if err != nil {
					t.Fatal(sort, err)
				}
				for _, r := range page.Rows {
					forth = append(forth, r.ID)
				}
				if last = page; page.Next == "" {
					break
				}
				request.After = page.Next
			}
			for page := last; ; {
				for _, r := range slices.Backward(page.Rows) {
					back = append(back, r.ID)
				}
				if page.Previous == "" {
					break
				}
				var err error
				if page, err = w.keys.List(bg, w.developer, key.Filter{}, db.PageRequest{Sort: sort, Size: 3, Before: page.Previous}); err != nil {
					t.Fatal(sort, err)
				}
			}
			slices.Reverse(back)
			if diff := cmp.Diff(forth, back); diff != "" || len(forth) != len(all) {
				t.Errorf("%s: %d keys forth, %s", sort, len(forth), diff)
			}
		}
		first, err := w.keys.List(bg, w.developer, key.Filter{}, db.PageRequest{Size: 3})
		if err != nil {
			t.Fatal(err)
		}
		for what, f := range map[string]key.Filter{"another filter": {Environment: "live"}} {
			_, err := w.keys.List(bg, w.developer, f, db.PageRequest{Size: 3, After: first.Next})
			expect(t, "a cursor of "+what, err, fault.Invalid)
		}
	})
}

func TestFiltersNarrowAndCallsAreCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		used, idle, revoked, verifier := w.make(w.developer, "Used 100%"), w.make(w.developer, "Idle"), w.make(w.developer, "Gone"), w.make(w.admin, "Gateway", verifyKeys)
		if err := w.keys.Revoke(bg, w.developer, revoked.Key.ID, ""); err != nil {
			t.Fatal(err)
		}
		w.run("UPDATE keys SET last_used_at = ? WHERE id = ?", clock.Now(), used.Key.ID)
		var series int64
		err := d.Tx(bg, func(tx *db.Tx) error {
			return tx.Raw("INSERT INTO usage_series (key_id, app_id, organization_id, api_id, environment, route_template, code) VALUES (?, ?, ?, ?, 'live', '', 'VALID') RETURNING id", used.Key.ID, w.app, w.org, w.orders).Scan(&series).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		w.run("INSERT INTO usage_days (series_id, at, calls) VALUES (?, ?, 40), (?, ?, 2), (?, ?, 1000)", series, clock.Now().Truncate(day), series, clock.Now().Truncate(day).Add(-day), series, clock.Now().Add(-40*day))
		w.run("INSERT INTO usage_minutes (series_id, at, calls) VALUES (?, ?, 7)", series, clock.Now())
		w.run("INSERT INTO usage_hours (series_id, at, calls) VALUES (?, ?, 9)", series, clock.Now())

		for _, c := range []struct {
			filter key.Filter
			want   int
		}{
			{key.Filter{}, 4},
			{key.Filter{Query: "100%"}, 1},
			{key.Filter{Query: "%"}, 1},
			{key.Filter{Query: "_"}, 0},
			{key.Filter{Query: idle.Key.Hint()}, 1},
			{key.Filter{Query: idle.Key.Prefix + "..." + idle.Key.LastFour}, 1},
			{key.Filter{State: "active"}, 3},
			{key.Filter{State: "revoked"}, 1},
			{key.Filter{State: "no such"}, 4},
			{key.Filter{UsedLastHour: true}, 1},
			{key.Filter{Scope: "keys:verify"}, 1},
			{key.Filter{API: "orders"}, 3},
			{key.Filter{AppID: w.app}, 4},
			{key.Filter{AppID: w.bare}, 0},
			{key.Filter{OrganizationID: w.org}, 4},
			{key.Filter{Owner: "NORTH"}, 4},
			{key.Filter{App: "shop"}, 4},
			{key.Filter{Environment: "test"}, 0},
			{key.Filter{CreatedFrom: clock.Now().Add(time.Second)}, 0},
			{key.Filter{CreatedTo: clock.Now().Add(time.Second)}, 4},
		} {
			page, err := w.keys.ListAll(bg, w.support, c.filter, db.PageRequest{})
			if err != nil || len(page.Rows) != c.want {
				t.Errorf("%+v: %d, %v, want %d", c.filter, len(page.Rows), err, c.want)
			}
		}
		calls, err := w.keys.Calls(bg, []db.ID{used.Key.ID, idle.Key.ID})
		if err != nil || fmt.Sprint(calls[used.Key.ID], calls[idle.Key.ID]) != "42 0" {
			t.Error(calls, err)
		}
		seen, err := w.keys.Get(bg, w.viewer, used.Key.ID)
		if err != nil || seen.CallsLastMonth != 42 || seen.CallsToday != 9 || len(seen.CodesLately) != 1 {
			t.Errorf("%d %d %v", seen.CallsLastMonth, seen.CallsToday, err)
		}
		if verifier.Key.ID.IsZero() {
			t.Error("no verifier")
		}
	})
}

func TestPlacesChoicesAndExample(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.run("INSERT INTO api_environments (api_id, environment, base_url, example_method, example_path) VALUES (?, 'live', 'https://api.example', 'GET', '/v2/orders')", w.orders)
		made := w.make(w.developer, "Worker")

		places, err := w.keys.Places(bg, w.viewer)
		example, ok, errExample := w.keys.ExampleFor(bg, made.Key.ID)
		apis, errAPIs := w.keys.UsedAPIs(bg, w.viewer)
		_, inTest := w.keys.Create(bg, w.developer, key.CreateRequest{Token: w.token(w.developer), AppID: w.app, Environment: "test", Name: "x", Pairs: []key.Pair{readOrders}})

		if err != nil || len(places) != 2 || places[0].AppName != "Bare" || places[1].AppName != "Shop" || places[0].MayMake() {
			t.Errorf("%+v %v", places, err)
		}
		if errExample != nil || !ok || example.BaseURL != "https://api.example" || example.Path != "/v2/orders" {
			t.Errorf("%+v %v %v", example, ok, errExample)
		}
		if errAPIs != nil || len(apis) != 1 || apis[0].Slug != "orders" {
			t.Errorf("%+v %v", apis, errAPIs)
		}
		expect(t, "an environment that the API does not have", inTest, fault.Invalid)
	})
}
