package catalog_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// act is one mutating route with what works and what does not. foreign is the answer to somebody whose it is not, or whose role lacks the right.
type act struct {
	name    string
	who     func(w *world) *webtest.Client
	path    string
	good    url.Values
	bad     url.Values // nil: nothing can be wrong with the form
	foreign int
	want    int // of the good one; 0: 303
}

func staff(w *world) *webtest.Client { return w.staff }
func owner(w *world) *webtest.Client { return w.owner }

func form(pairs ...string) url.Values {
	f := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		f.Add(pairs[i], pairs[i+1])
	}
	return f
}

// acts are all mutating routes of the area, in a world of which each gets its own. orders is requested by Shop on the plan Trusted.
func acts(t *testing.T, w *world) []act {
	t.Helper()
	d := w.detail(t)
	show := func(prefix string, id db.ID) string { return id.Show(prefix) }
	waiting := w.Request(w.Trusted, w.Read).ID.Show(catalog.AccessPrefix)
	inForce := w.AddAPI("stock", catalog.Input{Name: "Stock", DataDomain: "customer", Visibility: catalog.Public})
	stock, err := w.Catalog.ByID(t.Context(), w.Staff, inForce)
	if err != nil {
		t.Fatal(err)
	}
	x, err := w.Catalog.Request(t.Context(), w.Owner, "stock", catalog.RequestInput{AppID: w.Shop, PlanID: stock.Plans[0].ID, ScopeIDs: []db.ID{stock.Scopes[0].ID}, Purpose: "Show stock."})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Catalog.AddPlan(t.Context(), w.Staff, inForce, catalog.PlanInput{Name: "Wide", RateRequests: 5, RatePeriodSeconds: 1, Burst: 5}); err != nil {
		t.Fatal(err)
	}
	stock, err = w.Catalog.ByID(t.Context(), w.Staff, inForce)
	if err != nil {
		t.Fatal(err)
	}
	granted, wide := show(catalog.AccessPrefix, x.ID), show(catalog.PlanPrefix, stock.Plans[2].ID)
	scope, plan, version := show(catalog.ScopePrefix, w.Read), show(catalog.PlanPrefix, w.Trusted), show(catalog.VersionPrefix, d.Versions[0].ID)
	facts := form("slug", "orders", "name", "Orders", "publisher", show(org.Prefix, w.Company), "data_domain", "customer", "visibility", "public")
	fresh := form("slug", "mail", "name", "Mail", "publisher", show(org.Prefix, w.Company), "data_domain", "customer", "visibility", "public", "version", "v1", "state", "live")
	presets := w.presets(t)
	preset, seen := show(catalog.PresetPrefix, presets[1].ID), strconv.FormatInt(presets[1].UpdatedAt.UnixMicro(), 10)
	presetForm := form("preset", "Shop floor", "purpose", "Sells.", "scopes", scope, "seen", seen)
	request := w.requestForm(stock.Plans[0].ID, stock.Scopes[1].ID)
	planForm := form("plan", "Small", "rate_requests", "10", "rate_period", "60", "burst", "5")
	return []act{
		{"request", owner, "/apis/stock/request", request, form("app", w.Shop.Show(org.AppPrefix)), 404, 0},
		{"withdraw request", owner, "/console/access/" + waiting + "/withdraw", form(), nil, 404, 0},
		{"own plan", owner, "/console/access/" + granted + "/plan", form("plan", wide), form("plan", show(catalog.PlanPrefix, stock.Plans[1].ID)), 404, 0},
		{"approve", staff, "/admin/requests/" + waiting + "/approve", form("scopes", scope, "plan", plan), form("plan", plan), 403, 0},
		{"refuse", staff, "/admin/requests/" + waiting + "/refuse", form("reason", "No."), form("reason", " "), 403, 0},
		{"plan of access", staff, "/admin/requests/" + granted + "/plan", form("plan", wide), form("plan", plan), 403, 0},
		{"suspend access", staff, "/admin/requests/" + granted + "/suspend", form("reason", "Errors.", "until", "2026-12-01"), form("reason", "Errors.", "until", "2026-11-01"), 403, 0},
		{"end access", staff, "/admin/requests/" + granted + "/end", form("reason", "Over."), form(), 403, 0},
		{"add API", staff, "/admin/apis/new", fresh, form("slug", "No Slug"), 403, 0},
		{"change API", staff, w.api(""), facts, form("slug", "x y"), 403, 0},
		{"add version", staff, w.api("/versions"), form("version", "v3", "state", "draft"), form("version", "v 3", "state", "draft"), 403, 0},
		{"change version", staff, w.api("/versions/" + version), form("state", "deprecated", "sunset", "2027-01-31"), form("state", "draft"), 403, 0},
		{"environment", staff, w.api("/environments"), form("environment", "live", "base_url", "https://x.example/", "example_method", "GET"), form("environment", "live", "base_url", "ftp://x", "example_method", "GET"), 403, 0},
		{"add scope", staff, w.api("/scopes"), form("scope", "orders:cancel", "sentence", "Cancel orders"), form("scope", "Orders", "sentence", "x"), 403, 0},
		{"change scope", staff, w.api("/scopes/" + scope), form("sentence", "Read them"), form("sentence", ""), 403, 0},
		{"withdraw scope", staff, w.api("/scopes/" + scope + "/withdraw"), form(), nil, 403, 0},
		{"add preset", staff, w.api("/presets"), presetForm, form("preset", "Shop floor", "purpose", "Sells."), 403, 0},
		{"change preset", staff, w.api("/presets/" + preset), presetForm, form("preset", "", "purpose", "Sells.", "scopes", scope, "seen", seen), 403, 0},
		{"move preset", staff, w.api("/presets/" + preset + "/up"), form("above", show(catalog.PresetPrefix, presets[0].ID)), nil, 403, 0},
		{"delete preset", staff, w.api("/presets/" + preset + "/delete"), form("seen", seen), nil, 403, 0},
		{"add rules", staff, w.api("/routes"), form("rules", "PUT /v2/orders/{id} orders:write", "version_id", version), form("rules", "PUT it"), 403, 0},
		{"remove rule", staff, w.api("/routes/" + show(catalog.RulePrefix, d.Rules[0].ID) + "/remove"), form(), nil, 403, 0},
		{"add plan", staff, w.api("/plans"), planForm, form("plan", "Small", "rate_requests", "ten"), 403, 0},
		{"change plan", staff, w.api("/plans/" + plan), planForm, form("plan", ""), 403, 0},
		{"retire plan", staff, w.api("/plans/" + plan + "/retire"), form("move_to", show(catalog.PlanPrefix, w.Open)), form("move_to", wide), 403, 0},
		{"terms", staff, w.api("/terms"), form("terms", "Be kind."), form("terms", strings.Repeat("x", 20001)), 403, 0},
		{"retire API", staff, w.api("/retire"), form("confirm", "Orders"), form("confirm", "orders"), 403, 0},
		{"report only", staff, w.api("/report-only"), form("environment", "live", "days", "7", "sure", "1"), form("days", "7"), 403, 0},
		{"end report only", staff, w.api("/report-only/end"), form(), nil, 403, 0},
		{"connect", staff, w.api("/connect"), form("form_token", w.token(t), "environment", "live", "upstream", "http://127.0.0.1:9000", "gatehouse", w.URL), form("environment", "live", "upstream", "nowhere"), 403, 200},
	}
}

// token is that of the form that makes a gateway key.
func (w *world) token(t *testing.T) string {
	t.Helper()
	_, rest, _ := strings.Cut(w.staff.Get(w.api("/connect")).Body, `name="form_token" value="`)
	token, _, _ := strings.Cut(rest, `"`)
	return token
}

func (w *world) changes() int64 {
	_, seq := w.Changes(0)
	return seq
}

func TestEachActWorksForWhoMayAndForNobodyElse(t *testing.T) {
	for i, a := range acts(t, newWorld(t)) {
		t.Run(a.name, func(t *testing.T) {
			w := newWorld(t)
			a := acts(t, w)[i]
			before := w.changes()
			stranger := w.other
			if a.foreign == http.StatusForbidden {
				stranger = w.support
			}

			wantStatus(t, "signed out", w.Visitor().Post(a.path, a.good).Status, 401)
			wantStatus(t, "another site", a.who(w).CrossSite(a.path, a.good).Status, 403)
			wantStatus(t, "somebody else", stranger.Post(a.path, a.good).Status, a.foreign)
			if a.bad != nil {
				wantStatus(t, "wrong input", a.who(w).Post(a.path, a.bad).Status, 422)
			}
			if now := w.changes(); now != before {
				t.Error("something changed")
			}
			extra := url.Values{"state": {"approved"}, "organization_id": {w.Contoso.Show(org.Prefix)}, "created_at": {"2001-01-01"}, "is_portal": {"true"}, "decided_by": {"x"}}
			for name, values := range a.good {
				extra[name] = values
			}
			if a.want == 0 {
				a.want = http.StatusSeeOther
			}
			if got := a.who(w).Post(a.path, extra); got.Status != a.want {
				t.Errorf("works: %d %s", got.Status, got.Body)
			}
		})
	}
}

// Z2
func TestForeignAccessIsLikeNone(t *testing.T) {
	w := newWorld(t)
	x := w.Request(w.Trusted, w.Read)
	paths := func(id db.ID) []string {
		p := "/console/access/" + id.Show(catalog.AccessPrefix)
		return []string{p, p + "/withdraw", p + "/plan"}
	}

	for i, path := range paths(x.ID) {
		none := paths(db.NewID())[i]
		foreign, missing := w.other.Get(path), w.other.Get(none)
		if i > 0 {
			foreign, missing = w.other.Post(path, form("plan", "x")), w.other.Post(none, form("plan", "x"))
		}
		if foreign.Status != 404 || missing.Status != 404 || words(foreign) != words(missing) {
			t.Errorf("%s: %d %d", path, foreign.Status, missing.Status)
		}
	}
	garbage := w.other.Get("/console/access/acc_nonsense")
	wantStatus(t, "no id", garbage.Status, 404)
}

// words is the page without what differs by request.
func words(p webtest.Page) string {
	_, body, _ := strings.Cut(p.Body, "<main")
	body, _, _ = strings.Cut(body, "<code>")
	return body
}

func TestPagesOfTheCatalogueShowWhatTheyPromise(t *testing.T) {
	w := newWorld(t)
	api := w.Visitor().Get("/apis/orders")

	has(t, w.Visitor().Get("/apis"), "Orders", "Place and follow orders.", `rel="canonical"`)
	has(t, api, "Request access", "orders:read", "Sensitive", "60 calls a minute", "Needs approval", "curl &#39;https://live.api.example/v2/orders?limit=10&#39;", "YOUR_KEY", `name="description"`)
	wantStatus(t, "no such API", w.Visitor().Get("/apis/none").Status, 404)
	has(t, w.Visitor().Get("/apis?q=zebra"), "No API matches")
	has(t, w.owner.Get("/apis/orders/request"), "Purpose", "Shop · Northwind", "Create and change orders")
	wantStatus(t, "request, signed out", w.Visitor().Get("/apis/orders/request").Status, 401)
	nobody := w.World.Person("New Comer", "")
	has(t, w.as(nobody).Get("/apis/orders/request"), "Make an app first", "Create app")
}

func TestTextOfPeopleIsNoMarkup(t *testing.T) {
	w := newWorld(t)
	evil := `<script>alert(1)</script>`
	in := catalog.Input{Slug: "orders", Name: "A " + evil, Summary: evil, Description: evil + "\n\n[x](javascript:alert(1))", PublisherID: w.Company, DataDomain: "customer", Visibility: catalog.Public}
	if err := w.Catalog.Change(t.Context(), w.Staff, w.API, in); err != nil {
		t.Fatal(err)
	}
	if err := w.Catalog.SetTerms(t.Context(), w.Staff, w.API, evil); err != nil {
		t.Fatal(err)
	}

	for _, p := range []webtest.Page{w.Visitor().Get("/apis"), w.Visitor().Get("/apis/orders"), w.owner.Get("/apis/orders/request"), w.staff.Get("/admin/apis"), w.staff.Get(w.api("")), w.staff.Get(w.api("/terms"))} {
		if strings.Contains(p.Body, evil) || strings.Contains(p.Body, `href="javascript:`) {
			t.Error("markup got through")
		}
	}
}

func TestWholeJourneyFromRequestToAccess(t *testing.T) {
	w := newWorld(t)

	asked := w.owner.Post("/apis/orders/request", w.requestForm(w.Trusted, w.Read, w.Write))
	has(t, w.owner.Get(asked.Location), "Waits for approval", "Withdraw request")
	path := strings.Replace(asked.Location, "/console/access/", "/admin/requests/", 1)
	has(t, w.staff.Get("/admin/requests"), "Shop", "Northwind", "orders:write")
	has(t, w.staff.Get(path), "Approve", "Refuse request", "Show a customer their orders.")
	if strings.Contains(w.support.Get(path).Body, "Refuse request") {
		t.Error("support sees what it may not do")
	}
	w.staff.Post(path+"/approve", form("scopes", w.Read.Show(catalog.ScopePrefix), "plan", w.Open.Show(catalog.PlanPrefix)))

	has(t, w.owner.Get(asked.Location), "Approved", "Create key", "Open", `/console/keys/new?app=`+w.Shop.Show(org.AppPrefix)+`&amp;grants=orders%2Forders%3Aread"`)
	has(t, w.owner.Get("/console/apps/"+w.Shop.Show(org.AppPrefix)), "orders:read", "Approved")
	if strings.Contains(w.owner.Get(asked.Location).Body, "orders:write") {
		t.Error("the reduced scope is still there")
	}
	w.staff.Post(path+"/suspend", form("reason", "Too many errors."))
	has(t, w.owner.Get(asked.Location), "Suspended", "Too many errors.")
	has(t, w.staff.Get(path), "Unsuspend access")
	w.staff.Post(path+"/unsuspend", form())
	has(t, w.owner.Get(asked.Location), "Approved")
	twice := w.staff.Post(path+"/approve", form("scopes", w.Read.Show(catalog.ScopePrefix), "plan", w.Open.Show(catalog.PlanPrefix)))
	wantStatus(t, "approving twice", twice.Status, 409)
	has(t, twice, "somebody decided or withdrew it meanwhile", "Suspend access") // on the page, as it is now
}

func TestWhatStandsInTheWayIsToldBesideWhatWasTyped(t *testing.T) {
	w := newWorld(t)
	if err := w.Org.SuspendApp(t.Context(), w.Staff, w.Shop, org.Suspension{Reason: "x"}); err != nil {
		t.Fatal(err)
	}

	asked := w.owner.Post("/apis/orders/request", w.requestForm(w.Trusted, w.Read))

	wantStatus(t, "asking for a suspended app", asked.Status, 409)
	has(t, asked, "This app is suspended.", "Show a customer their orders.</textarea>")
}

// K1, K2
func TestGatewayKeyIsShownOnce(t *testing.T) {
	w := newWorld(t)
	good := form("form_token", w.token(t), "environment", "live", "upstream", "http://127.0.0.1:9000", "gatehouse", w.URL, "server_name", "api.example", "listen", "8081")

	made := w.staff.Post(w.api("/connect"), good)
	again := w.staff.Post(w.api("/connect"), good)

	_, rest, _ := strings.Cut(made.Body, "X-Gatehouse-Token &#34;gk_live_")
	secret, _, _ := strings.Cut(rest, "&#34;")
	if len(secret) != 38 || made.Header.Get("Cache-Control") != "no-store" {
		t.Fatal("no key in the file", secret, made.Header)
	}
	has(t, made, "listen 8081;", "api=orders&amp;env=live&amp;nginx=1", "server 127.0.0.1:9000;", "Copy both now",
		"http://api.example:8081 {", "reverse_proxy http://127.0.0.1:9000", "bind :8081", "core.register_action(&#34;gatehouse_orders_live&#34;", "/etc/haproxy/gatehouse-orders-live.lua", "/guides/caddy",
		"/etc/traefik/dynamic/gatehouse-orders-live.yaml", "authResponseHeadersRegex", "not at every change", "/guides/traefik", "envoy.filters.http.ext_authz", "we have never run it", "/guides/envoy")
	if again.Status != http.StatusSeeOther || strings.Contains(w.staff.Get(w.api("/connect")).Body, secret) {
		t.Error("the secret is shown again")
	}
	has(t, w.staff.Get(w.api("/connect")), "No check seen yet")
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE apis SET first_checked_at = ?, last_checked_at = ? WHERE id = ?", tx.Now, tx.Now, w.API)
		return err
	})
	has(t, w.staff.Get(w.api("/connect")), "Connected", "First check seen:")
	wantStatus(t, "hostile listen", w.staff.Post(w.api("/connect"), form("form_token", w.token(t), "environment", "live", "upstream", "http://127.0.0.1:9000", "gatehouse", w.URL, "listen", "80; return 200")).Status, 422)
}

// C13: who looks at an API sees that it is open, until when, and what to do.
func TestPagesWarnWhileAnAPIIsInReportOnlyMode(t *testing.T) {
	w := newWorld(t)
	if has(t, w.staff.Get(w.api("/connect")), "Set report-only mode"); strings.Contains(w.staff.Get(apisPage).Body, "Report-only") {
		t.Error("by default")
	}
	has(t, w.staff.Get(w.api("/report-only")), "Begin report-only mode", "X-Gatehouse-Would-Refuse")

	set := w.staff.Post(w.api("/report-only"), form("environment", "both", "days", "7", "sure", "1"))

	wantStatus(t, "set", set.Status, http.StatusSeeOther)
	has(t, w.staff.Get(apisPage), "Report-only", "Not connected")
	has(t, w.staff.Get(w.api("/connect")), "Report-only until", "Nothing but stopped keys is refused")
	has(t, w.staff.Get(w.api("/routes")), "Report-only")
	has(t, w.staff.Get(w.api("/report-only")), "Report-only until", "End report-only mode", "Set the end anew")
	if page := w.support.Get(w.api("/report-only")); strings.Contains(page.Body, "End report-only mode") || !strings.Contains(page.Body, "Report-only until") {
		t.Error("support sees what it may not do, or not what is")
	}
	w.staff.Post(w.api("/report-only/end"), form())
	has(t, w.staff.Get(apisPage), "Report-only mode has ended.")
	if strings.Contains(w.staff.Get(apisPage).Body, "Report-only") {
		t.Error("it goes on")
	}
}

const apisPage = "/admin/apis"

// A14: what gives a secret away or can't be undone asks for the password again
func TestRetiringAnAPIAndItsGatewayKeyAskForThePassword(t *testing.T) {
	w := newWorld(t)
	connect := form("form_token", w.token(t), "environment", "live", "upstream", "http://127.0.0.1:9000", "gatehouse", w.URL)
	w.Clock.Advance(11 * time.Minute)

	for path, in := range map[string]url.Values{"/retire": form("confirm", "Orders"), "/connect": connect, "/report-only": form("environment", "both", "days", "7", "sure", "1")} {
		if page := w.staff.Post(w.api(path), in); page.Status != http.StatusSeeOther || !strings.HasPrefix(page.Location, "/console/account/confirm") {
			t.Errorf("%s: %d %s", path, page.Status, page.Location)
		}
	}
	if d := w.detail(t); d.RetiredAt != nil {
		t.Error("retired")
	}
}

// A14: who is asked for the password finds the form as it was typed, is told that nothing was done, and does it by one more press.
func TestFormsComeBackFilledInAfterThePasswordWasAskedFor(t *testing.T) {
	w := newWorld(t)
	w.Clock.Advance(11 * time.Minute)
	for path, c := range map[string]struct {
		in             url.Values
		kept           []string
		again, notDone string
	}{
		"/connect":     {form("environment", "test", "upstream", "http://127.0.0.1:9000", "gatehouse", "http://gate.example", "server_name", "api.example", "listen", "127.0.0.1:9311"), []string{`value="127.0.0.1:9311"`, `value="http://127.0.0.1:9000"`, `value="http://gate.example"`, `value="test" selected`}, "Copy both now", "No key was made yet"},
		"/report-only": {form("environment", "both", "days", "7", "sure", "1"), []string{`value="7" checked`, `value="both" selected`}, "", "Nothing was changed yet"},
	} {
		asked := w.staff.Post(w.api(path), c.in)
		confirm, err := url.Parse(asked.Location)
		if err != nil || confirm.Path != "/console/account/confirm" {
			t.Fatal(path, asked.Status, asked.Location)
		}
		w.staff = w.as(w.Staff) // the password entered just now
		page := w.staff.Get(confirm.Query().Get("next"))
		has(t, page, append(c.kept, c.notDone)...)
		if strings.Contains(page.Body, `name="sure" value="1" checked`) {
			t.Error("that everything goes through is ticked by a link")
		}

		c.in.Set("form_token", w.token(t))
		done := w.staff.Post(w.api(path), c.in)

		if c.again != "" {
			has(t, done, c.again)
		} else {
			wantStatus(t, path, done.Status, http.StatusSeeOther)
		}
		w.Clock.Advance(11 * time.Minute)
	}
	if d := w.detail(t); !d.ReportsOnly(w.Clock.Now()) {
		t.Error("report-only mode was not begun")
	}
	bad := w.staff.Post(w.api("/connect"), form("form_token", w.token(t), "environment", "live", "upstream", "http://u:secret@127.0.0.1", "gatehouse", w.URL))
	wantStatus(t, "a wrong form is told before the password is asked for", bad.Status, http.StatusUnprocessableEntity)
}

// K5: what is sensitive is ticked by hand.
func TestLinkToTheKeyBringsWhatTheAccessCarriesButNothingSensitive(t *testing.T) {
	w := newWorld(t)
	asked := w.owner.Post("/apis/orders/request", w.requestForm(w.Trusted, w.Read, w.Write))
	w.staff.Post(strings.Replace(asked.Location, "/console/access/", "/admin/requests/", 1)+"/approve",
		form("scopes", w.Read.Show(catalog.ScopePrefix), "scopes", w.Write.Show(catalog.ScopePrefix), "plan", w.Open.Show(catalog.PlanPrefix)))

	page := w.owner.Get(asked.Location).Body

	if !strings.Contains(page, `&amp;grants=orders%2Forders%3Aread"`) || strings.Contains(page, "orders%3Awrite") {
		t.Error("the link brings something else")
	}
}

func TestPurposeIsAskedWhereSomebodyDecides(t *testing.T) {
	w := newWorld(t)
	quick, slow := w.requestForm(w.Open, w.Read), w.requestForm(w.Open, w.Write) // the latter is sensitive
	quick.Del("purpose")
	slow.Del("purpose")
	if page := w.owner.Get("/apis/orders/request").Body; !strings.Contains(page, "Needed where the request waits for approval.") {
		t.Error("the form does not say so")
	}

	refused := w.owner.Post("/apis/orders/request", slow)
	has(t, refused, "Say what the app does with it.")
	wantStatus(t, "sensitive, without a purpose", refused.Status, 422)
	granted := w.owner.Post("/apis/orders/request", quick)

	wantStatus(t, "granted at once, without a purpose", granted.Status, 303)
	if page := w.owner.Get(granted.Location); strings.Contains(page.Body, "Purpose") {
		t.Error("the access shows a purpose that nobody told")
	}
}
