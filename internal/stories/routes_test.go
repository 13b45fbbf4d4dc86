package stories_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// build assembles the house in this process, over a database: for its route table, and for what only a test may turn on.
func build(t testing.TB, d *db.DB, addr string) *handlers.House {
	t.Helper()
	root, err := secret.Open(filepath.Join(t.TempDir(), "secret"), "")
	if err != nil {
		t.Fatal(err)
	}
	return buildWith(t, d, root, addr)
}

func buildWith(t testing.TB, d *db.DB, root *secret.Root, addr string) *handlers.House {
	t.Helper()
	data := t.TempDir() // counts of one portal are not for the next
	settings, err := config.Load(func(name string) (string, bool) {
		if name == "GATEHOUSE_DATA_DIR" {
			return data, true
		}
		value, ok := map[string]string{"GATEHOUSE_ADDR": addr, "GATEHOUSE_STAFF_FACTOR": "optional"}[name]
		return value, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	d.SetCursorKey(root.Key(secret.LabelCursor))
	h, err := handlers.Build(t.Context(), handlers.Options{DB: d, Root: root, Settings: settings, Replica: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// pageRoutes are the routes of all pages: those that answer GET with something to look at.
func pageRoutes(t testing.TB) []web.Route {
	t.Helper()
	var pages []web.Route
	for _, r := range build(t, dbtest.SQLite(t, dbtest.NewClock()), "127.0.0.1:8080").Table {
		if r.Method == http.MethodGet && !strings.HasPrefix(r.Path, "/v1/") && !strings.HasPrefix(r.Path, "/scim/") && !slices.ContainsFunc(noPages, func(n string) bool { return strings.HasSuffix(r.Path, n) }) {
			pages = append(pages, r)
		}
	}
	if len(pages) < 30 {
		t.Fatalf("the route table has only %d pages", len(pages))
	}
	return pages
}

// noPages are what programs read.
var noPages = []string{".csv", "/csv", ".jsonl", ".toml", ".yaml", ".txt", ".xml", ".ico", ".atom", ":calendar", "*"}

func templates(routes []web.Route) []string {
	var all []string
	for _, r := range routes {
		all = append(all, r.Path)
	}
	return all
}

// A role is a kind of visitor: how they sign in, and how many examples of a route they look at.
type role struct {
	name            string
	email, password string // empty for who is not signed in
	most            int
}

// survey follows links from every page without a parameter, and from others, as each role, and returns the pages of each. Beside
// them it returns the session of each role, by cookie.
func survey(t testing.TB, site string, roles []role, routes []web.Route, others ...string) (pages map[string][]rig.Page, cookies map[string]map[string]string) {
	t.Helper()
	pages, cookies = map[string][]rig.Page{}, map[string]map[string]string{}
	all := templates(routes)
	for _, r := range roles {
		v, err := rig.NewVisitor(site)
		if err != nil {
			t.Fatal(err)
		}
		if r.email != "" {
			if err := v.SignIn(r.email, r.password); err != nil {
				t.Fatal(err)
			}
		}
		found, err := v.Crawl(append(starts(routes), others...), r.most, func(path string) string { return rig.Match(all, path) })
		if err != nil {
			t.Fatal(err)
		}
		pages[r.name], cookies[r.name] = found, v.Cookies()
	}
	return pages, cookies
}

// starts are the pages without a parameter, in the order of the table.
func starts(routes []web.Route) []string {
	var all []string
	for _, r := range routes {
		if !strings.Contains(r.Path, ":") {
			all = append(all, r.Path)
		}
	}
	return all
}

// shown are the pages that came, not those that led elsewhere.
func shown(pages []rig.Page) []rig.Page {
	return slices.DeleteFunc(slices.Clone(pages), func(p rig.Page) bool { return p.Status != http.StatusOK || p.Node == nil })
}
