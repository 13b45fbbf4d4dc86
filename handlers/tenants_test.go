package handlers_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// fields are names under which forms of this house take ids, and under which others' forms take what must not be taken.
func hostile(t tenant) url.Values {
	v := url.Values{
		"name": {"Taken"}, "confirm": {t.app.Name}, "typed": {t.app.Name}, "typed_name": {t.app.Name}, "reason": {"because"}, "overlap": {"0"}, "purpose": {"to take"},
		"organization": {t.org.Show("org")}, "org": {t.org.Show("org")}, "organization_id": {t.org.Show("org")}, "app": {t.app.ID.Show("app")}, "app_id": {t.app.ID.Show("app")},
		"key": {t.key.ID.Show("key")}, "key_id": {t.key.ID.Show("key")}, "access": {t.access.Show("acc")}, "session": {t.session.Show("session")}, "user": {t.user.ID.Show("user")}, "user_id": {t.user.ID.Show("user")},
		"role": {"owner"}, "staff_role": {"admin"}, "environment": {"live"}, "status": {"active"}, "state": {"approved"}, "email_verified": {"true"}, "created_at": {"2020-01-01"}, "agrees": {"1"}, "terms": {"1"},
	}
	return v
}

// Z2: for every route that takes an id of a tenant's, in the path, somebody else's id is answered exactly as an id of nothing, and
// whatever ids a form carries, nothing of the other tenant changes.
func TestForeignIDsAreAsAbsentOnes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := serve(t, d, clock)
		w.inhabit()
		dev := w.site.As(w.mine.user)
		before := w.rowsOf(w.them.ids)
		checked := 0

		for _, r := range w.house.Table {
			if !r.Access.NeedsUser() && !strings.HasPrefix(r.Path, "/forum/") || r.Access.Permission() != "" {
				continue
			}
			visit := func(path string) string {
				dev.Get("/console") // takes away the sentence that the last act left
				if r.Mutates() {
					return normal(dev.Post(path, hostile(w.them)))
				}
				return normal(dev.Get(path))
			}
			param, id := w.them.idFor(r.Path)
			if param == "" {
				if r.Mutates() && !strings.Contains(r.Path, "/account/") { // the id comes in the body
					visit(fill(r.Path))
				}
				continue
			}
			checked++
			foreign, absent := visit(strings.Replace(r.Path, param, id, 1)), visit(strings.Replace(r.Path, param, absentID(id), 1))
			if foreign != absent || !strings.HasPrefix(foreign, "404") {
				t.Errorf("%s %s tells somebody else’s from nothing:\n%.300s\n%.300s", r.Method, r.Path, foreign, absent)
			}
		}

		if after := w.rowsOf(w.them.ids); after != before {
			t.Errorf("something of the other tenant changed:\nbefore:\n%s\nafter:\n%s", before, after)
		}
		if checked < 30 {
			t.Errorf("only %d routes take an id", checked)
		}
	})
}

// absentID is an id of nothing of the same form.
func absentID(id string) string {
	prefix, body, _ := strings.Cut(id, "_")
	if len(body) == 16 { // of a request
		return prefix + "_0000000000000000"
	}
	return db.NewID().Show(prefix)
}

// Z2: lists and downloads narrowed to somebody else's show nothing of theirs.
func TestFiltersByForeignIDsShowNothing(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	dev := w.site.As(w.mine.user)

	for _, r := range w.house.Table {
		if r.Mutates() || strings.Contains(r.Path, ":") || !strings.HasPrefix(r.Path, "/console") {
			continue
		}
		for name, values := range hostile(w.them) {
			page := dev.Get(r.Path + "?" + url.Values{name: values}.Encode())
			if page.Status >= 500 || strings.Contains(page.Body, w.them.app.Name) && name != "confirm" && name != "typed" && name != "typed_name" || strings.Contains(page.Body, w.them.key.LastFour+"<") || strings.Contains(page.Body, w.them.user.Email) && name != "email" {
				t.Errorf("GET %s?%s answered %d with something of the other tenant", r.Path, name, page.Status)
			}
		}
	}
}

// Z3: fields that a form does not have change nothing, whoever sends them.
func TestExtraFieldsChangeNothing(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	dev := w.site.As(w.mine.user)
	extra := hostile(w.them)
	extra.Set("name", "Renamed")
	extra.Set("display_name", "Renamed")
	extra.Set("language", "de")
	extra.Set("time_zone", "Europe/Berlin")

	page := dev.Post("/console/account/profile", extra)
	renamed := dev.Post("/console/apps/"+w.mine.app.ID.Show("app")+"/edit", extra)

	u, err := w.house.Stores.Account.ByID(t.Context(), w.mine.user.ID)
	w.ok(err)
	if page.Status != 303 || renamed.Status != 303 || u.Name != "Renamed" || u.StaffRole != "" || u.Email != w.mine.user.Email || !u.CreatedAt.Equal(w.mine.user.CreatedAt) {
		t.Errorf("%d %d %+v", page.Status, renamed.Status, u)
	}
	var app struct{ OrganizationID db.ID }
	w.ok(w.db.Read(t.Context()).Raw("SELECT organization_id FROM apps WHERE id = ?", w.mine.app.ID).Scan(&app).Error)
	if app.OrganizationID != w.mine.org {
		t.Error("an app moved to another organization by a form field")
	}
}
