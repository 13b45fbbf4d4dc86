package key_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
)

var fullKey = regexp.MustCompile(`gk_(?:live|test)_[0-9A-Za-z]{38}`)

// K2: the key is in the answer to the form alone; a reload leads to the key's page and makes no second one
func TestANewKeyIsShownOnceAndAReloadMakesNoSecondOne(t *testing.T) {
	w := newWorld(t)
	form := w.newKeyForm("Checkout worker")

	made, again := w.devs.Post("/console/keys/new", form), w.devs.Post("/console/keys/new", form)

	has(t, made, 200, "Copy", "/v1/whoami", "https://api.northwind.example/v2/orders?limit=3", "Checkout worker")
	text := fullKey.FindString(made.Body)
	if text == "" || made.Header.Get("Cache-Control") != "no-store" || made.Header.Get("Content-Encoding") != "" {
		t.Fatal("no key, or it may be stored or compressed", made.Header)
	}
	if again.Status != 303 || !strings.HasPrefix(again.Location, "/console/keys/key_") {
		t.Fatal(again.Status, again.Location)
	}
	page := w.devs.Get(again.Location)
	has(t, page, 200, "Checkout worker", "only once")
	for _, p := range []webtest.Page{again, page, w.devs.Get("/console/keys"), w.admins.Get("/admin/keys"), w.admins.Get(strings.Replace(again.Location, "/console", "/admin", 1))} {
		if fullKey.MatchString(p.Body) || strings.Contains(p.Body, text[9:41]) {
			t.Error("a later page shows the key")
		}
	}
	if list, err := w.keys.List(bg, webtest.ActorOf(w.dev), keys.Filter{}, db.PageRequest{}); err != nil || len(list.Rows) != 1 {
		t.Fatal(len(list.Rows), err)
	}
}

func TestTheFormOffersOnlyWhatTheAccessAllows(t *testing.T) {
	w := newWorld(t)
	w.scope(w.orders, "orders:delete", "Delete orders")

	page := w.devs.Get("/console/keys/new?app=" + w.app.Show("app"))

	has(t, page, 200, "Create key", "Name", "Expires", "orders:read", "See orders and their lines", "In 90 days (19 Feb 2027)", "Never (only with keys:verify)")
	if strings.Contains(page.Body, "orders:delete") {
		t.Error("a scope that the access does not carry is offered")
	}
	has(t, w.devs.Get("/console/keys/new?app="+w.bare.Show("app")), 200, "no access to an API yet", `href="/apis"`)
	has(t, w.viewers.Get("/console/keys/new?org="+w.org.Show("org")), 200, "You are a viewer here")
	has(t, w.viewers.Get("/console/keys"), 200, "you are a viewer")
	has(t, w.strangers.Get("/console/keys/new"), 200, "Make an app first", "/console/apps/new")
}

func TestPickedValuesSurviveARefusal(t *testing.T) {
	w := newWorld(t)
	form := w.newKeyForm("")
	form.Set("expires", "date")
	form.Set("expires_on", "2026-11-01")

	page := w.devs.Post("/console/keys/new", form)

	has(t, page, 422, "Give the key a name", "That day is over", `value="2026-11-01"`, `value="orders/orders:read" checked`)
}

// A14
func TestLiveKeysAndKeysOfThePortalAskForThePasswordAgain(t *testing.T) {
	w := newWorld(t)
	form := w.newKeyForm("Gateway")
	form["grants"] = []string{"portal/keys:verify"}
	form.Set("expires", "never")
	w.Clock.Advance(11 * time.Minute)

	late := w.devs.Post("/console/keys/new", form)
	form2 := url.Values{}
	for k, v := range form {
		form2[k] = v
	}
	form2["grants"] = []string{"orders/orders:read"}
	form2.Set("expires", "90")
	live := w.devs.Post("/console/keys/new", form2)
	form2.Set("environment", "test")
	ordinary := w.devs.Post("/console/keys/new", form2)

	if late.Status != 303 || !strings.HasPrefix(late.Location, "/console/account/confirm?next=") {
		t.Error(late.Status, late.Location)
	}
	next, _ := url.Parse(late.Location)
	has(t, w.devs.Get(next.Query().Get("next")), 200, `value="portal/keys:verify" checked`, `value="Gateway"`)
	if live.Status != 303 || !strings.HasPrefix(live.Location, "/console/account/confirm?next=") {
		t.Error(live.Status, live.Location)
	}
	has(t, ordinary, 200, "Copy your key now")
}

// K2, D2
func TestAPastedKeyDoesNotStayInTheAddress(t *testing.T) {
	w := newWorld(t)
	made := w.key("Worker")

	for _, c := range []struct {
		client *webtest.Client
		path   string
	}{{w.devs, "/console/keys"}, {w.admins, "/admin/keys"}} {
		p := c.client.Get(c.path + "?q=" + made.Secret.Reveal())
		if p.Status != 303 || strings.Contains(p.Location, made.Secret.Reveal()) {
			t.Fatal(p.Status, p.Location)
		}
		has(t, c.client.Get(p.Location), 200, "Worker", made.Key.LastFour)
	}
}

func TestTheListFindsByNameHintStateEnvironmentAppAndAPI(t *testing.T) {
	w := newWorld(t)
	a, b := w.key("Checkout worker"), w.key("Nightly export")
	if err := w.keys.Pause(bg, webtest.ActorOf(w.dev), b.Key.ID); err != nil {
		t.Fatal(err)
	}

	for query, want := range map[string]string{
		"q=checkout": "ab"[:1], "q=" + url.QueryEscape(a.Key.Hint()): "a", "q=" + b.Key.LastFour: "b", "state=paused": "b", "state=active": "a", "state=revoked": "", "environment=test": "",
		"environment=live": "ab", "api=orders": "ab", "api=nothing": "", "app=" + w.app.Show("app"): "ab", "app=" + w.bare.Show("app"): "", "org=" + w.org.Show("org"): "ab", "sort=name": "ab", "sort=-used": "ab", "sort=expires": "ab", "sort=%3Bdrop": "ab",
		"q=100%25": "", "q=_": "",
	} {
		page := w.devs.Get("/console/keys?" + query)
		got := ""
		for id, r := range map[string]keys.Row{"a": a.Key, "b": b.Key} {
			if strings.Contains(page.Body, show(r)) {
				got += id
			}
		}
		if page.Status != 200 || len(got) != len(want) || len(got) == 1 && got != want {
			t.Errorf("%s: %d %q, want %q", query, page.Status, got, want)
		}
	}
	has(t, w.devs.Get("/console/keys?after=forged"), 422)
}

func TestPagesOfKeysFollowOneAnother(t *testing.T) {
	w := newWorld(t)
	for i := range 20 {
		w.key(fmt.Sprintf("Key %02d", i))
	}
	if err := w.policy(90, 365, 100); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		w.key(fmt.Sprintf("More %02d", i))
	}
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`)

	first := w.devs.Get("/console/keys?sort=name")
	m := next.FindStringSubmatch(first.Body)
	if m == nil {
		t.Fatal("no next page")
	}
	second := w.devs.Get(strings.ReplaceAll(m[1], "&amp;", "&"))

	count := func(p webtest.Page) int { return strings.Count(p.Body, "<tr><th translate") }
	if count(first) != 50 || count(second) != 10 || !strings.Contains(second.Body, "More 39") || !strings.Contains(second.Body, `rel="prev"`) {
		t.Fatal(count(first), count(second))
	}
}

func TestAKeysPageSaysWhatItIsAndWasUsedFor(t *testing.T) {
	w := newWorld(t)
	made := w.key("Checkout worker")
	err := w.DB.Tx(bg, func(tx *db.Tx) error {
		return keys.RecordUse(tx, []keys.Use{{KeyID: made.Key.ID, At: w.Clock.Now(), Scopes: []keys.ScopeUse{{APIID: w.orders, Scope: "orders:read", At: w.Clock.Now()}}, Networks: []keys.NetworkAt{{Network: "203.0.113.0/24", At: w.Clock.Now()}}}})
	})
	if err != nil {
		t.Fatal(err)
	}

	page := w.devs.Get("/console/keys/" + show(made.Key))

	has(t, page, 200, "Checkout worker", made.Key.Hint(), "Active", "203.0.113.0/24", "orders:read", "Rotate", "Pause", "Revoke", "Northwind shop")
	viewer := w.viewers.Get("/console/keys/" + show(made.Key))
	has(t, viewer, 200, "Checkout worker")
	if strings.Contains(viewer.Body, "/revoke") || strings.Contains(viewer.Body, "/rotate") {
		t.Error("a viewer is offered what a viewer can’t do")
	}
	has(t, w.devs.Get("/console/keys/"+show(made.Key)+"/revoke"), 200, "from 1 network in the last 24 hours", "for ever")
}

func TestStaffFindSuspendLiftAndRevokeAKey(t *testing.T) {
	w := newWorld(t)
	made := w.key("Checkout worker")
	path := "/admin/keys/" + show(made.Key)

	for _, query := range []string{"q=" + made.Key.LastFour, "q=checkout", "owner=northwind", "scope=orders:read", "app=shop", "api=orders", "environment=live", "from=2026-11-21&to=2026-11-21"} {
		has(t, w.support.Get("/admin/keys?"+query), 200, show(made.Key))
	}
	for _, query := range []string{"q=zzzz", "owner=nobody", "scope=orders:write", "from=2026-11-22", "to=2026-11-20", "used=hour"} {
		if strings.Contains(w.support.Get("/admin/keys?"+query).Body, show(made.Key)) {
			t.Error(query + " finds it")
		}
	}
	suspended := w.admins.Post(path+"/suspend", url.Values{"reason": {"612 unknown order ids"}, "for": {"24"}})
	state := w.state(made.Key.ID)
	has(t, w.devs.Get("/console/keys/"+show(made.Key)), 200, "612 unknown order ids", "Suspended until 22 Nov")
	lifted := w.admins.Post(path+"/unsuspend", url.Values{})
	after := w.state(made.Key.ID)
	revoked := w.admins.Post(path+"/revoke", url.Values{"reason": {"leaked"}, "confirm": {"Checkout worker"}})
	if suspended.Status != 303 || state != keys.Suspended || lifted.Status != 303 || after != keys.Active || revoked.Status != 303 || w.state(made.Key.ID) != keys.Revoked {
		t.Fatal(suspended.Status, state, lifted.Status, after, revoked.Status)
	}
	w.run("UPDATE users SET name = 'Robin Root' WHERE id = ?", w.admin.ID)
	has(t, w.admins.Get(path), 200, "by Robin Root. That is final", "Reason:", "leaked")
	outside := w.devs.Get("/console/keys/" + show(made.Key))
	if has(t, outside, 200, "by the portal’s staff. That is final", "leaked"); strings.Contains(outside.Body, "Robin Root") {
		t.Error("a name of staff is told to others")
	}
	has(t, w.support.Get(path), 200, "leaked", "Revoked")
}

// K9
func TestAMassRevocationTakesExactlyTheKeysOfItsPreview(t *testing.T) {
	w := newWorld(t)
	a, b := w.key("Leaked 1"), w.key("Leaked 2")

	preview := w.admins.Post("/admin/keys/bulk", url.Values{"q": {"leaked"}, "verb": {"revoke"}})
	later := w.key("Leaked 3")
	page := w.admins.Get(preview.Location)
	wrong := w.admins.Post(preview.Location, url.Values{"reason": {"found on a forum"}, "confirm": {"3"}})
	done := w.admins.Post(preview.Location, url.Values{"reason": {"found on a forum"}, "confirm": {"2"}})
	again := w.admins.Post(preview.Location, url.Values{"reason": {"found on a forum"}, "confirm": {"2"}})
	atWork := w.admins.Get(preview.Location)
	w.work()

	has(t, atWork, 200, "0 of 2 keys", "Look again", "/stop")
	if atWork.Header.Get("Refresh") == "" || page.Header.Get("Refresh") != "" {
		t.Error("the page of a job loads anew without a script")
	}
	has(t, page, 200, "Revoke 2 keys", "Northwind shop", "Northwind", "Calls in the last hour")
	if wrong.Status != 422 || done.Status != 303 || again.Status != 303 {
		t.Fatal(wrong.Status, done.Status, again.Status)
	}
	if w.state(a.Key.ID) != keys.Revoked || w.state(b.Key.ID) != keys.Revoked || w.state(later.Key.ID) != keys.Active {
		t.Fatal("the wrong keys were revoked")
	}
	has(t, w.admins.Get(done.Location), 200, "2 keys were revoked", "found on a forum", "Leaked 1")
	has(t, w.admins.Get("/admin/keys/"+show(a.Key)), 200, "Revoked with others, 2 in all", done.Location)
	has(t, w.support.Get("/admin/keys/bulk"), 200, "Revoke 2 keys", "Done")
	has(t, w.admins.Post("/admin/keys/bulk", url.Values{"verb": {"revoke"}}), 422, "never takes all of them")
	has(t, w.admins.Post("/admin/keys/bulk", url.Values{"q": {"nothing like it"}, "verb": {"revoke"}}), 422, "finds no key", `value="nothing like it"`)
}
