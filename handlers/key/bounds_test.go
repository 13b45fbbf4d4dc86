package key_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
)

// bounds are what the key is bound to, as it would be typed.
func (w *world) bounds(id db.ID) keys.BoundsForm {
	w.t.Helper()
	d, err := w.keys.GetAny(bg, webtest.ActorOf(w.admin), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return d.Bounds.Form()
}

// Works; 422; signed out; somebody else; another site: Z1, Z2, W1
func TestBindingAKeyAnswersTheRightPersonOnly(t *testing.T) {
	w := newWorld(t)
	id := w.keyWith("Worker", "orders:read", "orders:write").Key.ID
	path := "/console/keys/" + id.Show(keys.IDPrefix) + "/limits"
	form := url.Values{"networks": {"203.0.113.0/24\r\n2001:db8::/32"}, "origins": {"https://*.shop.example"}, "rate_requests": {"50"}, "rate_period": {"60"}, "metadata": {"team=checkout"}}

	got := map[string]int{
		"signed out": w.Visitor().Post(path, form).Status, "stranger": w.strangers.Post(path, form).Status, "viewer": w.viewers.Post(path, form).Status,
		"another site": w.devs.CrossSite(path, form).Status, "stranger reads": w.strangers.Get(path).Status, "viewer reads": w.viewers.Get(path).Status,
		"absent": w.devs.Post("/console/keys/"+db.NewID().Show(keys.IDPrefix)+"/limits", form).Status,
	}
	untouched := w.bounds(id)
	wrong := w.devs.Post(path, url.Values{"networks": {"203.0.113.0/33"}, "origins": {"null"}, "rate_requests": {"101"}, "rate_period": {"60"}, "metadata": {"x"}})
	works := w.devs.Post(path, form)

	for name, status := range map[string]int{"signed out": 401, "stranger": 404, "viewer": 403, "another site": 403, "stranger reads": 404, "viewer reads": 403, "absent": 404} {
		if got[name] != status {
			t.Errorf("%s: %d, want %d", name, got[name], status)
		}
	}
	has(t, wrong, 422, "203.0.113.0/33 is not a network: an IPv4 prefix is at most /32.", "“null” is what pages without an address send", "The plan of Orders lets through 100 calls a minute.", "Line 1 is not name=value.", "203.0.113.0/33</textarea>")
	if works.Status != http.StatusSeeOther || untouched != (keys.BoundsForm{}) || w.bounds(id) != (keys.BoundsForm{Networks: "203.0.113.0/24\n2001:db8::/32", Origins: "https://*.shop.example", RateRequests: "50", RatePeriod: "60", Metadata: "team=checkout"}) {
		t.Error(works.Status, untouched, w.bounds(id))
	}
	for _, p := range []webtest.Page{w.devs.Get("/console/keys/" + id.Show(keys.IDPrefix)), w.admins.Get("/admin/keys/" + id.Show(keys.IDPrefix))} {
		has(t, p, 200, "203.0.113.0/24, 2001:db8::/32", "https://*.shop.example", "At most 50 calls a minute", "team=checkout")
	}
	has(t, w.devs.Get(path), 200, "203.0.113.0/24\n2001:db8::/32</textarea>", `value="50"`)
}

// A14: narrowing is free, widening asks for the password, and the form comes back filled in
func TestWideningAKeyAsksForThePasswordAgain(t *testing.T) {
	w := newWorld(t)
	id := w.key("Worker").Key.ID
	path := "/console/keys/" + id.Show(keys.IDPrefix) + "/limits"
	w.Clock.Advance(11 * time.Minute)
	narrow := w.devs.Post(path, url.Values{"networks": {"203.0.113.0/24\r\n198.51.100.0/24"}, "rate_period": {"60"}})
	bound := w.bounds(id)

	wider := w.devs.Post(path, url.Values{"networks": {"203.0.113.0/24\r\n192.0.2.0/24"}, "rate_period": {"60"}, "metadata": {"a=1\r\nb=2"}})
	next, err := url.Parse(wider.Location)
	if err != nil {
		t.Fatal(err)
	}
	var many []string
	for i := range 50 {
		many = append(many, fmt.Sprintf("2001:db8:%x::/48", i+0x1000))
	}
	long := w.devs.Post(path, url.Values{"networks": {strings.Join(many, "\n")}, "origins": {strings.Repeat("https://averylongname.shop.example\n", 49)}, "rate_period": {"60"}, "metadata": {"note=" + strings.Repeat("x", 1000)}})

	if narrow.Status != 303 || bound.Networks != "198.51.100.0/24\n203.0.113.0/24" || wider.Status != 303 || !strings.HasPrefix(wider.Location, "/console/account/confirm?next=") || w.bounds(id) != bound {
		t.Fatal(narrow.Status, wider.Status, wider.Location, w.bounds(id))
	}
	has(t, w.devs.Get(next.Query().Get("next")), 200, "What you entered stands here again.", "203.0.113.0/24 192.0.2.0/24</textarea>", `{&#34;a&#34;:&#34;1&#34;,&#34;b&#34;:&#34;2&#34;}</textarea>`)
	has(t, long, 422, "Your password is needed again.", "2001:db8:1000::/48")
}

// Works; 422; signed out; somebody else; another site: Z1, Z2, W1
func TestTakingAScopeAwayAnswersTheRightPersonOnly(t *testing.T) {
	for _, act := range []string{"take", "give"} {
		t.Run(act, func(t *testing.T) {
			w := newWorld(t)
			id := w.keyWith("Worker", "orders:read", "orders:write").Key.ID
			w.Clock.Advance(31 * 24 * time.Hour)
			w.devs, w.viewers, w.strangers = w.As(w.dev), w.As(w.viewer), w.As(w.stranger)
			page := "/console/keys/" + id.Show(keys.IDPrefix)
			path, form := page+"/scopes/"+act, url.Values{"grant": {"orders/orders:write"}}
			if act == "give" {
				if got := w.devs.Post(page+"/scopes/take", form).Status; got != 303 {
					t.Fatal(got)
				}
			}
			held := func() bool {
				var n int
				if err := w.DB.Read(bg).Raw("SELECT COUNT(*) FROM key_grants WHERE key_id = ?", id).Scan(&n).Error; err != nil {
					t.Fatal(err)
				}
				return n == 2
			}
			before := held()

			got := []int{w.Visitor().Post(path, form).Status, w.strangers.Post(path, form).Status, w.viewers.Post(path, form).Status, w.devs.CrossSite(path, form).Status, w.devs.Post(path, url.Values{"grant": {"orders"}}).Status}
			after := held()
			works := w.devs.Post(path, form)

			if fmt.Sprint(got) != "[401 404 403 403 422]" || after != before || works.Status != 303 || held() == before {
				t.Error(got, before, after, works.Status, held())
			}
		})
	}
}

func TestAnUnusedScopeIsOfferedToBeTakenAwayAndBack(t *testing.T) {
	w := newWorld(t)
	id := w.keyWith("Worker", "orders:read", "orders:write").Key.ID
	path, form := "/console/keys/"+id.Show(keys.IDPrefix), url.Values{"grant": {"orders/orders:write"}}
	const button = "Not used for 30 days: take it away"
	early := w.devs.Get(path)
	w.Clock.Advance(31 * 24 * time.Hour)
	w.devs, w.viewers = w.As(w.dev), w.As(w.viewer)
	err := w.DB.Tx(bg, func(tx *db.Tx) error {
		return keys.RecordUse(tx, []keys.Use{{KeyID: id, At: w.Clock.Now(), Scopes: []keys.ScopeUse{{APIID: w.orders, Scope: "orders:read", At: w.Clock.Now()}}}})
	})
	if err != nil {
		t.Fatal(err)
	}
	late, viewers := w.devs.Get(path), w.viewers.Get(path)

	taken := w.devs.Post(path+"/scopes/take", form)
	after := w.devs.Get(path)
	w.Clock.Advance(11 * time.Minute)
	stale := w.devs.Post(path+"/scopes/give", form)
	w.devs = w.As(w.dev)
	back := w.devs.Post(path+"/scopes/give", form)
	has(t, w.devs.Get(path), 200, "The key holds orders:write again.")
	used := w.devs.Post(path+"/scopes/take", url.Values{"grant": {"orders/orders:read"}})

	has(t, late, 200, "Refused, for example:", "any call at Portal, of which it holds no scope.", "WRONG_API")
	if strings.Contains(early.Body, button) || strings.Count(late.Body, ">"+button+"<") != 1 || strings.Contains(viewers.Body, button) || taken.Status != 303 || strings.Contains(after.Body, button) {
		t.Error("offered at the wrong time", taken.Status, strings.Count(late.Body, button))
	}
	has(t, after, 200, "The key does not hold orders:write any more", "Scopes that were taken away", "Give back")
	if stale.Status != 303 || !strings.HasPrefix(stale.Location, "/console/account/confirm") || back.Status != 303 || used.Status != http.StatusConflict {
		t.Error(stale.Status, stale.Location, back.Status, used.Status)
	}
}

// The form tells what the key will be able to do, without a script and with; none of it makes a key.
func TestTheFormShowsWhatTheKeyWillBeAbleToDo(t *testing.T) {
	w := newWorld(t)
	w.run("INSERT INTO route_rules (id, api_id, method, path_template, scope_id, created_at) SELECT ?, api_id, 'POST', '/v2/orders', id, ? FROM scopes WHERE name = 'orders:write'", db.NewID(), w.Clock.Now())
	with := func(pairs ...string) url.Values {
		f := w.newKeyForm("Worker")
		f.Set("networks", "203.0.113.0/24")
		f.Set("origins", "https://shop.example")
		f.Set("rate_requests", "50")
		f.Set("rate_period", "60")
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
		return f
	}
	sentences := []string{
		"At Orders it may:", "See orders and their lines", "It works in the live environment only, until 19 Feb 2027", "It works from these networks only: 203.0.113.0/24.", "It works for pages of these origins only: https://shop.example.",
		"All keys of the app together, at Orders: 100 calls a minute", "This key alone: at most 50 calls a minute.", "Refused, for example:", "POST /v2/orders", "at Orders, because it needs orders:write.", "INSUFFICIENT_SCOPE",
	}

	first, page, part := w.devs.Get("/console/keys/new?app="+w.app.Show("app")), w.devs.Post("/console/keys/new", with("show", "page")), w.devs.Post("/console/keys/new", with("show", "part"))
	wrong := w.devs.Post("/console/keys/new", with("show", "part", "networks", "203.0.113.0/33", "name", ""))
	preset := w.devs.Post("/console/keys/new", with("preset", "all:orders"))
	none := w.devs.Post("/console/keys/new", with("preset", "none:orders"))
	found := w.devs.Post("/console/keys/new", with("scope_q", "cancel"))
	others := []int{w.strangers.Post("/console/keys/new", with("show", "part")).Status, w.viewers.Post("/console/keys/new", with("show", "part")).Status, w.Visitor().Post("/console/keys/new", with("show", "part")).Status, w.devs.CrossSite("/console/keys/new", with("show", "part")).Status, w.strangers.Post("/console/keys/new", with("preset", "last")).Status}

	has(t, first, 200, "no scope is ticked", "POST /v2/orders", "of which it holds no scope", "NOT_FOUND")
	has(t, page, 200, append(sentences, "Create key", "203.0.113.0/24</textarea>", `value="orders/orders:read" checked`)...)
	has(t, part, 200, sentences...)
	if strings.Contains(part.Body, "<html") || strings.Contains(page.Body, "Not yet:") {
		t.Error("the part is a page, or the page has problems")
	}
	has(t, wrong, 200, "Not yet:", "an IPv4 prefix is at most /32.")
	if strings.Contains(wrong.Body, "Give the key a name") {
		t.Error("the name does not matter for what it can do")
	}
	has(t, preset, 200, `value="orders/orders:read" checked`, `value="orders/orders:write" checked`)
	if strings.Contains(none.Body, `value="orders/orders:read" checked`) {
		t.Error("the preset none leaves a tick")
	}
	has(t, found, 200, "Create key")
	if fmt.Sprint(others) != "[404 403 401 403 404]" {
		t.Error(others)
	}
	if list, err := w.keys.List(bg, webtest.ActorOf(w.dev), keys.Filter{}, db.PageRequest{}); err != nil || len(list.Rows) != 0 {
		t.Fatal(len(list.Rows), err)
	}
}

func TestScopesStandInATableByResourceWithASearchAndTheLastChoice(t *testing.T) {
	w := newWorld(t)
	var more []db.ID
	for _, s := range []string{"carts:read", "carts:write", "refunds:write", "refunds:approve", "stock:read", "stock:count", "labels:print"} {
		more = append(more, w.scope(w.orders, s, "May "+s))
	}
	w.run("UPDATE scopes SET sensitive = TRUE WHERE name LIKE 'refunds:%'")
	for _, s := range more {
		w.run("INSERT INTO access_scopes (access_id, scope_id) SELECT id, ? FROM access WHERE api_id = ?", s, w.orders)
	}
	w.keyWith("Earlier", "carts:read", "labels:print")
	form := w.newKeyForm("Worker")

	page := w.devs.Get("/console/keys/new?app=" + w.app.Show("app"))
	form.Set("scope_q", "cart")
	form.Set("show", "find")
	found := w.devs.Post("/console/keys/new", form)
	form.Set("scope_found", "cart")
	form.Set("preset", "last")
	last := w.devs.Post("/console/keys/new", form)
	form.Set("preset", "plain:orders")
	plain := w.devs.Post("/console/keys/new", form)
	form.Del("preset")
	form.Del("show")
	form.Set("scope_q", "stock")
	enter := w.devs.Post("/console/keys/new", form)
	form.Set("make", "1")
	made := w.devs.Post("/console/keys/new", form)

	has(t, page, 200, "Resource", "Read everything", "Everything but sensitive", "Everything", "As for “Earlier”", "Find scopes", `data-words="carts carts:read`, `data-words="labels:print`)
	rows := func(p webtest.Page) (out []string) {
		for _, line := range strings.Split(p.Body, "data-words=")[1:] {
			if tag, _, _ := strings.Cut(line, ">"); !strings.Contains(tag, " hidden") {
				name, _, _ := strings.Cut(strings.TrimPrefix(line, `"`), " ")
				out = append(out, name)
			}
		}
		return out
	}
	if got := fmt.Sprint(rows(page)); got != "[carts orders refunds stock labels:print refunds:approve stock:count keys:verify]" {
		t.Error(got)
	}
	if got := fmt.Sprint(rows(found)); got != "[carts orders]" { // orders:read is ticked
		t.Error(got)
	}
	has(t, last, 200, `value="orders/carts:read" checked`, `value="orders/labels:print" checked`)
	if strings.Contains(last.Body, `value="orders/orders:read" checked`) || strings.Contains(plain.Body, `value="orders/refunds:approve" checked`) || !strings.Contains(plain.Body, `value="orders/stock:count" checked`) {
		t.Error("a preset ticks the wrong boxes")
	}
	has(t, enter, 200, "Find scopes") // Enter in the search finds, and the button makes
	has(t, made, 200, "Copy your key now")
}

// K1: a key does not stand in the address of the page that asks for the password
func TestAPastedKeyIsNotLedAroundInAnAddress(t *testing.T) {
	w := newWorld(t)
	made := w.key("Worker")
	form := w.newKeyForm("Gateway")
	form["grants"] = []string{"portal/keys:verify"}
	form.Set("metadata", "key="+made.Secret.Reveal())
	w.Clock.Advance(11 * time.Minute)

	got := w.devs.Post("/console/keys/new", form)

	if got.Status != 422 || strings.Contains(got.Location, made.Secret.Reveal()) {
		t.Fatal(got.Status, got.Location)
	}
}
