package handlers_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// publicPages is every page that answers 200 to somebody who is not signed in. A new one is added here on purpose or not at all.
var publicPages = []string{
	"/", "/apis", "/apis/:slug", "/signup", "/login", "/verify", "/password/forgot", "/email/undone", "/robots.txt", "/sitemap.xml",
	"/guides", "/guides/:slug", "/tutorials", "/tutorials/:slug", "/llms.txt", "/search", "/forum", "/forum/tags", "/forum/feed.atom", "/v1/openapi.json", "/privacy/records", "/found-a-key", "/found-a-key/gitleaks.toml", "/found-a-key/pre-commit.yaml",
}

// fill puts ids of nothing into a path.
func fill(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, ":") {
			parts[i] = db.NewID().Show(strings.TrimPrefix(p, ":"))
		}
		if p == ":slug" {
			parts[i] = "nothing"
		}
	}
	return strings.Join(parts, "/")
}

// Z1, D1: each route asks for what it declares, and only the listed ones answer a visitor.
func TestEveryRouteKeepsItsDeclaredAccess(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	dev := w.site.As(w.mine.user)
	roles := map[string]*struct{ get func(string) int }{}
	for _, role := range []string{permission.Support, permission.Auditor, permission.StaffAdmin} {
		c := w.site.As(w.site.Person(role+"@company.example", role))
		roles[role] = &struct{ get func(string) int }{func(p string) int { return c.Get(p).Status }}
	}

	for _, r := range w.house.Table {
		path := fill(r.Path)
		visitor := w.site.Visitor()
		if r.Mutates() {
			if got := dev.CrossSite(path, url.Values{"name": {"x"}}).Status; got != http.StatusForbidden {
				t.Errorf("W1: %s %s answered %d to another site", r.Method, r.Path, got)
			}
			if r.Access.NeedsUser() {
				if got := visitor.Post(path, url.Values{}).Status; got != http.StatusUnauthorized {
					t.Errorf("%s %s answered %d to a visitor", r.Method, r.Path, got)
				}
			}
			if r.Access.Permission() != "" {
				if got := dev.Post(path, url.Values{}).Status; got != http.StatusForbidden {
					t.Errorf("%s %s answered %d to a developer", r.Method, r.Path, got)
				}
			}
			continue
		}
		checkReading(t, r, path, visitor.Get(path).Status, dev.Get(path).Status)
		for role, c := range roles {
			if p := r.Access.Permission(); p != "" && (c.get(path) != http.StatusForbidden) != permission.Staff(role, p) {
				t.Errorf("Z6: GET %s answers %s with %d", r.Path, role, c.get(path))
			}
		}
	}
}

// A12: whoever has given the password and not the second factor, or not the code by mail, is nobody to every route but those that ask for it, and changes nothing.
func TestASessionThatWaitsReachesNothingElse(t *testing.T) {
	for home, as := range map[string]func(w *world) (*webtest.Client, account.User){
		"/login/factor": func(w *world) (*webtest.Client, account.User) { return w.site.AsPending(w.mine.user), w.mine.user },
		"/login/code": func(w *world) (*webtest.Client, account.User) {
			w.run("DELETE FROM factors WHERE user_id = ?", w.mine.user.ID)
			return w.site.AsCoding(w.mine.user), w.mine.user
		},
	} {
		t.Run(home, func(t *testing.T) {
			clock := dbtest.NewClock()
			w := serve(t, dbtest.SQLite(t, clock), clock)
			w.inhabit()
			waiting, who := as(w)
			visitor, before, open := w.site.Visitor(), w.rowsOf([]string{w.mine.app.ID.String(), w.mine.key.ID.String(), w.mine.factor.String(), w.mine.org.String()}), 0

			for _, r := range w.house.Table {
				if strings.HasPrefix(r.Path, home) {
					open++
				}
				w.waits(t, r, home, who.Email, waiting, visitor)
			}

			if after := w.rowsOf([]string{w.mine.app.ID.String(), w.mine.key.ID.String(), w.mine.factor.String(), w.mine.org.String()}); after != before || open < 2 {
				t.Errorf("%d routes are open; something changed:\n%s\n%s", open, before, after)
			}
		})
	}
}

// waits fails when a session that is finished at home gets from a route what a visitor doesn't.
func (w *world) waits(t *testing.T, r web.Route, home, email string, waiting, visitor *webtest.Client) {
	t.Helper()
	path := fill(r.Path)
	switch {
	case r.Path == "/logout": // ends it
	case r.Path == "/login/code/resend" && home == "/login/code": // mails a code
	case strings.HasPrefix(r.Path, home):
		if !r.Mutates() && (waiting.Get(path).Status != http.StatusOK || visitor.Get(path).Location != "/login") {
			t.Errorf("%s %s: %d", r.Method, r.Path, waiting.Get(path).Status)
		}
	case strings.HasPrefix(r.Path, "/login/factor"), strings.HasPrefix(r.Path, "/login/code"): // what the other kind of waiting session may
		mine := waiting.Get(path)
		if r.Mutates() {
			mine = waiting.Post(path, url.Values{})
		}
		if mine.Status != http.StatusSeeOther || mine.Location != home {
			t.Errorf("%s %s answers %d %s", r.Method, r.Path, mine.Status, mine.Location)
		}
	case r.Mutates():
		if mine, theirs := waiting.Post(path, url.Values{}), visitor.Post(path, url.Values{}); mine.Status != theirs.Status || r.Access.NeedsUser() && mine.Status != http.StatusUnauthorized {
			t.Errorf("%s %s answers %d, a visitor %d", r.Method, r.Path, mine.Status, theirs.Status)
		}
	case r.Access.NeedsUser():
		if mine := waiting.Get(path); mine.Status != http.StatusSeeOther || !strings.HasPrefix(mine.Location, home) {
			t.Errorf("GET %s answers %d %s", r.Path, mine.Status, mine.Location)
		}
	default:
		mine, theirs := waiting.Get(path), visitor.Get(path)
		led := mine.Status == http.StatusSeeOther && strings.HasPrefix(mine.Location, home)
		if mine.Status != theirs.Status && !led || strings.Contains(mine.Body, email) {
			t.Errorf("GET %s answers %d, a visitor %d", r.Path, mine.Status, theirs.Status)
		}
	}
}

func checkReading(t *testing.T, r web.Route, path string, visitor, dev int) {
	t.Helper()
	if r.Access.NeedsUser() && visitor != http.StatusUnauthorized {
		t.Errorf("GET %s answered %d to a visitor", path, visitor)
	}
	if !r.Access.NeedsUser() && visitor == http.StatusOK && !slices.Contains(publicPages, r.Path) {
		t.Errorf("GET %s answers everybody and is not listed as public", r.Path)
	}
	if r.Access.Permission() != "" && dev != http.StatusForbidden {
		t.Errorf("GET %s answered %d to a developer", path, dev)
	}
	if visitor >= 500 || dev >= 500 {
		t.Errorf("GET %s answered %d and %d", path, visitor, dev)
	}
}

// D1, W1: no method but those of the table works anywhere, nor does one smuggled into a header or a field.
func TestNoMethodIsHidden(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	dev := w.site.As(w.mine.user)
	app := "/console/apps/" + w.mine.app.ID.Show("app")
	before := w.rowsOf([]string{w.mine.app.ID.String()})

	for _, header := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"} {
		dev.Header.Set(header, "DELETE")
		dev.Post(app, url.Values{"_method": {"DELETE"}})
		dev.Get(app + "?_method=DELETE")
		dev.Header.Del(header)
	}

	if after := w.rowsOf([]string{w.mine.app.ID.String()}); after != before {
		t.Errorf("a hidden method changed something:\n%s\n%s", before, after)
	}
}
