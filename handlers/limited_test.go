package handlers_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// ofApps are the parameters that name something of an app.
var ofApps = []string{"/console/apps/", "/console/keys/", "/console/access/", "/console/refusals/"}

// Z2, Z7: for a member whom a limited app does not let in, each route with its id, or that of a key, an access or a refusal of it, answers as for an id of
// nothing, changes nothing, and no list tells of it; let in, they see it on the next request.
func TestALimitedAppIsAsAbsentForWhoIsNotLetIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := serve(t, d, clock)
		w.inhabit()
		w.run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'developer', ?)", w.them.org, w.mine.user.ID, clock.Now())
		app := "/console/apps/" + w.them.app.ID.Show("app")
		dev := w.site.As(w.mine.user)
		if got := dev.Get(app).Status; got != 200 {
			t.Fatalf("a member gets %d", got)
		}
		w.ok(w.house.Stores.Org.LimitApp(t.Context(), webtest.ActorOf(w.them.user), w.them.app.ID, true, nil))
		before, checked := w.rowsOf([]string{w.them.app.ID.String(), w.them.key.ID.String(), w.them.access.String()}), 0

		for _, r := range w.house.Table {
			param, id := w.them.idFor(r.Path)
			if param == "" || r.Access.Permission() != "" || !slices.ContainsFunc(ofApps, func(p string) bool { return strings.HasPrefix(r.Path, p) }) {
				continue
			}
			visit := func(path string) string {
				dev.Get("/console")
				if r.Mutates() {
					return normal(dev.Post(path, hostile(w.them)))
				}
				return normal(dev.Get(path))
			}
			checked++
			hidden, absent := visit(strings.Replace(r.Path, param, id, 1)), visit(strings.Replace(r.Path, param, absentID(id), 1))
			if hidden != absent || !strings.HasPrefix(hidden, "404") {
				t.Errorf("%s %s tells a limited app’s from nothing:\n%.300s\n%.300s", r.Method, r.Path, hidden, absent)
			}
		}
		w.tellsNothing(dev, "")
		w.tellsNothing(dev, "?org="+w.them.org.Show("org"))
		if after := w.rowsOf([]string{w.them.app.ID.String(), w.them.key.ID.String(), w.them.access.String()}); after != before {
			t.Errorf("something changed:\n%s\n%s", before, after)
		}
		if checked < 20 {
			t.Errorf("only %d routes", checked)
		}

		w.ok(w.house.Stores.Org.LimitApp(t.Context(), webtest.ActorOf(w.them.user), w.them.app.ID, true, []db.ID{w.mine.user.ID}))
		if got := dev.Get(app).Status; got != 200 {
			t.Errorf("let in, they get %d", got)
		}
	})
}

// tellsNothing walks all pages of the console without ids.
func (w *world) tellsNothing(c *webtest.Client, query string) {
	w.Helper()
	for _, r := range w.house.Table {
		if r.Mutates() || strings.Contains(r.Path, ":") || !strings.HasPrefix(r.Path, "/console") && !strings.HasPrefix(r.Path, "/tutorials") {
			continue
		}
		page := c.Get(r.Path + query)
		for _, secret := range []string{w.them.app.Name, w.them.key.Name, w.them.key.LastFour + "<", w.them.app.ID.Show("app"), w.them.key.ID.Show("key"), w.them.access.Show("acc"), w.them.refused} {
			if page.Status >= 500 || strings.Contains(page.Body, secret) {
				w.Errorf("GET %s%s answered %d with %s of a limited app", r.Path, query, page.Status, secret)
			}
		}
	}
}

func (w *world) run(query string, args ...any) {
	w.Helper()
	w.ok(w.db.Tx(w.Context(), func(tx *db.Tx) error {
		_, err := tx.Run(query, args...)
		return err
	}))
}
