package key_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
)

// act is one mutating route with what a person sends.
type act struct {
	name    string
	path    string
	form    func(w *world, id db.ID) url.Values // works
	wrong   url.Values                          // is refused with 422; nil: nothing can be wrong
	want    keys.StateName                      // of the key afterwards
	prepare func(w *world, id db.ID)
	staff   bool
	shows   bool // answers 200 with a new key
}

func fixed(v url.Values) func(*world, db.ID) url.Values {
	return func(*world, db.ID) url.Values { return v }
}

var acts = []act{
	{name: "rename", path: "/console/keys/%s/rename", form: fixed(url.Values{"name": {"Other"}}), wrong: url.Values{"name": {""}}, want: keys.Active},
	{
		name: "rotate", path: "/console/keys/%s/rotate", want: keys.Rotated, shows: true, wrong: url.Values{"overlap_days": {"31"}},
		form: func(w *world, id db.ID) url.Values {
			return url.Values{"form_token": {w.tokenOf(w.devs.Get("/console/keys/" + id.Show(keys.IDPrefix) + "/rotate"))}, "overlap_days": {"3"}, "expires": {"30"}}
		},
	},
	{name: "pause", path: "/console/keys/%s/pause", form: fixed(url.Values{}), want: keys.Paused},
	{
		name: "resume", path: "/console/keys/%s/resume", form: fixed(url.Values{}), want: keys.Active,
		prepare: func(w *world, id db.ID) { w.run("UPDATE keys SET paused_at = ? WHERE id = ?", w.Clock.Now(), id) },
	},
	{name: "revoke", path: "/console/keys/%s/revoke", form: fixed(url.Values{"confirm": {"Worker"}, "reason": {"old"}}), wrong: url.Values{"confirm": {"worker"}}, want: keys.Revoked},
	{name: "staff suspend", path: "/admin/keys/%s/suspend", form: fixed(url.Values{"reason": {"odd"}, "for": {"24"}}), wrong: url.Values{"for": {"24"}}, want: keys.Suspended, staff: true},
	{
		name: "staff lift", path: "/admin/keys/%s/unsuspend", form: fixed(url.Values{}), want: keys.Active, staff: true,
		prepare: func(w *world, id db.ID) { w.run("UPDATE keys SET suspended_at = ? WHERE id = ?", w.Clock.Now(), id) },
	},
	{name: "staff revoke", path: "/admin/keys/%s/revoke", form: fixed(url.Values{"confirm": {"Worker"}, "reason": {"leaked"}}), wrong: url.Values{"confirm": {"Worker"}}, want: keys.Revoked, staff: true},
}

// Works; 422; signed out; somebody else; another site: Z1, Z2, W1
func TestEachActOnAKeyAnswersTheRightPersonOnly(t *testing.T) {
	for _, a := range acts {
		t.Run(a.name, func(t *testing.T) {
			w := newWorld(t)
			id := w.key("Worker").Key.ID
			if a.prepare != nil {
				a.prepare(w, id)
			}
			path, before := fmt.Sprintf(a.path, id.Show(keys.IDPrefix)), w.state(id)
			who, others := w.devs, w.strangers
			if a.staff {
				who, others = w.admins, w.support
			}
			form := a.form(w, id)

			out, other, cross := w.Visitor().Post(path, form), others.Post(path, form), who.CrossSite(path, form)
			absent := others.Post(fmt.Sprintf(a.path, db.NewID().Show(keys.IDPrefix)), form)
			if out.Status != http.StatusUnauthorized || cross.Status != http.StatusForbidden || w.state(id) != before {
				t.Errorf("signed out %d, another site %d, state %s", out.Status, cross.Status, w.state(id))
			}
			if want := map[bool]int{false: http.StatusNotFound, true: http.StatusForbidden}[a.staff]; other.Status != want || absent.Status != want {
				t.Errorf("somebody else %d, of nothing %d, want %d", other.Status, absent.Status, want)
			}
			if !a.staff && w.viewers.Post(path, form).Status != http.StatusForbidden {
				t.Error("a viewer may")
			}
			if a.wrong != nil {
				if a.shows {
					a.wrong["form_token"] = form["form_token"]
				}
				if got := who.Post(path, a.wrong); got.Status != http.StatusUnprocessableEntity || w.state(id) != before {
					t.Errorf("wrong input: %d, state %s", got.Status, w.state(id))
				}
			}
			got, want := who.Post(path, form), http.StatusSeeOther
			if a.shows {
				want = http.StatusOK
			}
			if got.Status != want || w.state(id) != a.want {
				t.Errorf("%d, state %s, want %d, %s: %s", got.Status, w.state(id), want, a.want, got.Body)
			}
		})
	}
}

func TestMakingAKeyAnswersTheRightPersonOnly(t *testing.T) {
	w := newWorld(t)
	form := w.newKeyForm("Worker")
	wrong := w.newKeyForm("")

	got := map[string]int{
		"signed out": w.Visitor().Post("/console/keys/new", form).Status, "stranger": w.strangers.Post("/console/keys/new", form).Status, "viewer": w.viewers.Post("/console/keys/new", form).Status,
		"another site": w.devs.CrossSite("/console/keys/new", form).Status, "wrong": w.devs.Post("/console/keys/new", wrong).Status, "works": w.devs.Post("/console/keys/new", form).Status,
	}

	want := map[string]int{"signed out": 401, "stranger": 404, "viewer": 403, "another site": 403, "wrong": 422, "works": 200}
	for name, status := range want {
		if name == "stranger" || name == "viewer" { // the token is not theirs: the form is refused before anybody looks at the app
			if got[name] != 422 && got[name] != status {
				t.Errorf("%s: %d", name, got[name])
			}
			continue
		}
		if got[name] != status {
			t.Errorf("%s: %d, want %d", name, got[name], status)
		}
	}
	if page, err := w.keys.List(bg, webtest.ActorOf(w.dev), keys.Filter{}, db.PageRequest{}); err != nil || len(page.Rows) != 1 {
		t.Fatal(len(page.Rows), err)
	}
}

func TestMassRevocationAnswersTheRightPersonOnly(t *testing.T) {
	w := newWorld(t)
	id := w.key("Worker").Key.ID
	preview := w.admins.Post("/admin/keys/bulk", url.Values{"q": {"worker"}, "verb": {"revoke"}}).Location
	for path, form := range map[string]url.Values{
		"/admin/keys/imports": {"label": {"x"}}, "/admin/keys/bulk": {"q": {"worker"}, "verb": {"revoke"}}, preview + "/stop": {}, preview + "/resume": {}, "/admin/keys/" + id.Show("key") + "/resume": {}, preview: {"reason": {"x"}, "confirm": {"1"}},
	} {
		got := []int{w.Visitor().Post(path, form).Status, w.support.Post(path, form).Status, w.devs.Post(path, form).Status, w.admins.CrossSite(path, form).Status}
		if fmt.Sprint(got) != "[401 403 403 403]" {
			t.Errorf("%s: %v", path, got)
		}
	}
	has(t, w.admins.Post("/admin/keys/imports", url.Values{"label": {"Old gateway"}, "algorithm": {"sha256"}, "alphabet": {"base62"}, "length": {"21"}}), 422, "fewer than 128 random bits", `value="Old gateway"`)
	has(t, w.admins.Post("/admin/keys/imports", url.Values{"label": {"Old gateway"}, "algorithm": {"sha256"}, "alphabet": {"base62"}, "length": {"32"}}), 422, "can’t be read")
	has(t, w.admins.Get("/admin/keys/imports/new"), 200, "Check file", "multipart/form-data")
	has(t, w.support.Get("/admin/keys/imports"), 200, "No key was imported")
	if got := w.admins.Post(preview, url.Values{"confirm": {"1"}}).Status; got != 422 {
		t.Error("no reason:", got)
	}
	if w.state(id) != keys.Active {
		t.Fatal(w.state(id))
	}
	has(t, w.support.Get(preview), 200, "Whom it hits")
}

// A rotation is shown once too, and a reload leads to the new key
func TestARotatedKeyIsShownOnce(t *testing.T) {
	w := newWorld(t)
	path := "/console/keys/" + show(w.key("Worker").Key) + "/rotate"
	form := url.Values{"form_token": {w.tokenOf(w.devs.Get(path))}, "overlap_days": {"7"}, "expires": {"90"}}

	made, again := w.devs.Post(path, form), w.devs.Post(path, form)

	has(t, made, 200, "The old key works until 28 Nov 2026", "Copy")
	if fullKey.FindString(made.Body) == "" || again.Status != 303 || fullKey.MatchString(again.Body) {
		t.Fatal(again.Status)
	}
	has(t, w.devs.Get(again.Location), 200, "Old and new key side by side", "Rotated, works until 28 Nov")
}

// W5: what people type is text
func TestNamesAreEscaped(t *testing.T) {
	w := newWorld(t)
	made := w.key(`<script>alert(1)</script>"'`)

	for _, p := range []webtest.Page{w.devs.Get("/console/keys"), w.devs.Get("/console/keys/" + show(made.Key)), w.admins.Get("/admin/keys"), w.devs.Get("/console/keys/" + show(made.Key) + "/revoke")} {
		if strings.Contains(p.Body, "<script>alert") || p.Status != 200 {
			t.Error(p.Status, "a name became a script")
		}
	}
}

func TestPagesSpeakGermanToo(t *testing.T) {
	w := newWorld(t)
	w.run("UPDATE users SET language = 'de', time_zone = 'Europe/Berlin' WHERE id = ?", w.dev.ID)
	made := w.key("Worker")

	has(t, w.devs.Get("/console/keys"), 200, "Schlüssel anlegen", "Aktiv", "In 90 Tagen")
	has(t, w.devs.Get("/console/keys/new"), 200, "Läuft ab", "Europe/Berlin")
	has(t, w.devs.Get("/console/keys/"+show(made.Key)+"/revoke"), 200, "Was dann nicht mehr geht")
}

var spaces = regexp.MustCompile(`>\s\s+<|>\n`)

// R9: a hundred rows in at most 8 queries and 50 kB
func TestTheListOfAHundredKeysIsCheap(t *testing.T) {
	w := newWorld(t)
	if err := w.policy(90, 365, 200); err != nil {
		t.Fatal(err)
	}
	names := []string{"Checkout worker", "Nightly export", "Partner sandbox", "Warehouse sync", "Reporting"}
	for i := range 100 {
		pairs := []string{"orders:read", "orders:write"}[:1+i%2]
		made := w.keyWith(fmt.Sprintf("%s %d", names[i%len(names)], i), pairs...)
		at := w.Clock.Now().Add(-time.Duration(i*i) * time.Minute)
		w.run("UPDATE keys SET last_used_at = ?, last_used_network = '203.0.113.0/24' WHERE id = ?", at, made.Key.ID)
		w.run("INSERT INTO usage_series (id, key_id, app_id, organization_id, api_id, environment, route_template, code) VALUES (?, ?, ?, ?, ?, 'live', '', 'VALID')", i+1, made.Key.ID, w.app, w.org, w.orders)
		w.run("INSERT INTO usage_days (series_id, at, calls) VALUES (?, ?, ?)", i+1, w.Clock.Now().Truncate(24*time.Hour), 1204331-i)
	}
	w.devs.Get("/console/keys?size=100") // the session is touched once a minute
	queries := dbtest.CountQueries(t, w.DB)

	page := w.devs.Get("/console/keys?size=100")

	rows := strings.Count(page.Body, `<tr><th translate`)
	if n := queries.Load(); rows != 100 || n == 0 || n > 8 || len(page.Body) > 50_000 {
		t.Errorf("%d rows, %d queries, %d bytes", rows, n, len(page.Body))
	}
	if !strings.Contains(page.Body, `--c2:"Scopes: ";--c3:"Status: ";--c4:"Expires: ";--c5:"Last used: ";--c6:"Calls, 30 days: ";}`) || !strings.Contains(page.Body, `class="tablewrap stacks terse"`) {
		t.Error("on a phone the cells do not say what they are")
	}
	if spaces.MatchString(page.Body[strings.Index(page.Body, "<tbody>"):strings.Index(page.Body, "</tbody>")]) {
		t.Errorf("white space between tags costs bytes: %q", spaces.FindString(page.Body[strings.Index(page.Body, "<tbody>"):]))
	}
}

// K9: what no choice of the filter offers narrows nothing; a mass revocation refuses it, and no list hands it on to one.
func TestAMassRevocationRefusesAFilterThatItCannotRead(t *testing.T) {
	for name, value := range map[string]string{"state": "bogus", "environment": "prod", "from": "yesterday", "to": "2026-02-31", "used": "ever"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.key("Worker")

			refused := w.admins.Post("/admin/keys/bulk", url.Values{"q": {"worker"}, "verb": {"revoke"}, name: {value}})
			list := w.admins.Get("/admin/keys?q=worker&" + name + "=" + value)
			alone := w.admins.Get("/admin/keys?" + name + "=" + value)

			has(t, refused, 422, "could not be read")
			has(t, list, 200, "Worker", "/admin/keys/bulk/new")
			has(t, alone, 200, "Worker")
			if field := `value="` + value; strings.Contains(list.Body, field) || strings.Contains(alone.Body, field) || strings.Contains(alone.Body, "/admin/keys/bulk/new") {
				t.Error("a list carries the value on, or offers to revoke all keys")
			}
		})
	}
}

// A14
func TestAMassRevocationAsksForThePasswordAgain(t *testing.T) {
	w := newWorld(t)
	id := w.key("Worker").Key.ID
	preview := w.admins.Post("/admin/keys/bulk", url.Values{"q": {"worker"}, "verb": {"revoke"}}).Location
	w.Clock.Advance(11 * time.Minute)

	stale := w.admins.Post(preview, url.Values{"reason": {"leaked"}, "confirm": {"1"}})

	if stale.Status != 303 || !strings.HasPrefix(stale.Location, "/console/account/confirm") || w.state(id) != keys.Active {
		t.Fatal(stale.Status, stale.Location, w.state(id))
	}
	again := w.As(w.admin)
	if done := again.Post(preview, url.Values{"reason": {"leaked"}, "confirm": {"1"}}); done.Status != 303 || w.work() || w.state(id) != keys.Revoked {
		t.Fatal(done.Status, w.state(id))
	}
}
