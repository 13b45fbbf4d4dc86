package refusal_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	handler "github.com/gatehouse-dev/gatehouse/handlers/usage/refusal"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

type site struct {
	*webtest.Site
	w     *usagetest.World
	clock *dbtest.Clock
	key   db.ID
	text  string
	gate  actor.Actor // a member of the publisher
	t     *testing.T
}

func newSite(t *testing.T, d *db.DB, clock *dbtest.Clock) *site {
	t.Helper()
	s := &site{w: usagetest.New(t, d), clock: clock, t: t}
	s.Site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		keys := key.NewStore(key.Options{DB: d, Root: s.w.Root, Brand: "gk", Link: func(p string) string { return p }})
		k.Keys = keys
		(&handler.Handler{Kit: k, Refusals: refusal.NewStore(d, keys), Usage: usage.NewStore(d), Keys: keys, Catalog: catalog.NewStore(catalog.Options{DB: d})}).Routes(r)
	})
	s.key, s.text = s.w.AddKey(s.w.App, "@worker", s.w.Orders, s.w.OrdersRead)
	s.gate = s.w.AddPerson("gatekeeper", "")
	s.w.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'viewer', ?)", s.w.Publisher, s.gate.UserID, clock.Now())
	return s
}

func (s *site) as(who actor.Actor) *webtest.Client {
	s.t.Helper()
	u, err := account.NewStore(account.Options{DB: s.DB}).ByID(s.t.Context(), who.UserID)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.As(u)
}

// refuse keeps a refusal of the key as the edge does; it returns the request id.
func (s *site) refuse(n int, code keyring.Code, cause keyring.Cause, seen keyring.Seen) string {
	s.t.Helper()
	recorder := refusal.NewRecorder(s.DB, nil)
	request := fmt.Sprintf("req_%016d", n)
	recorder.Put(refusal.Record{
		RequestID: request, At: s.clock.Now(), Key: keyring.ID(s.key), App: keyring.ID(s.w.App), Org: keyring.ID(s.w.Org), API: keyring.ID(s.w.Orders), Publisher: keyring.ID(s.w.Publisher),
		Environment: keyring.Live, Door: refusal.Authz, Code: code.String(), Cause: cause, Status: 403, Method: "POST", Path: "/v2/orders", Address: "203.0.113.0/24", Seen: seen,
	})
	if err := recorder.Flush(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return request
}

func (s *site) has(name string, p webtest.Page, status int, words ...string) {
	s.t.Helper()
	if p.Status != status {
		s.t.Errorf("%s: %d, want %d", name, p.Status, status)
	}
	for _, w := range words {
		if !strings.Contains(p.Body, w) {
			s.t.Errorf("%s lacks %q", name, w)
		}
	}
}

func each(t *testing.T, body func(t *testing.T, s *site)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { body(t, newSite(t, d, clock)) })
}

func TestRefusalTellsWhyAndWhatWouldMakeItPass(t *testing.T) { // issue 5, Explain
	each(t, func(t *testing.T, s *site) {
		scope := s.refuse(1, keyring.InsufficientScope, keyring.RouteScopeMissing, keyring.Seen{Route: "POST /v2/orders", Missing: "orders:write", Needed: []string{"orders:write"}, Granted: []string{"orders:read"}})
		bound := s.refuse(2, keyring.ForbiddenIP, keyring.AddressElsewhere, keyring.Seen{Networks: []string{"10.0.0.0/8"}})

		list := s.as(s.w.Person).Get("/console/refusals")
		one, two := s.as(s.w.Person).Get("/console/refusals/"+scope), s.as(s.w.Person).Get("/console/refusals/"+bound)
		publisher, staff := s.as(s.gate).Get("/console/refusals/"+bound), s.as(s.w.Staff).Get("/admin/refusals/"+scope)

		s.has("the list", list, 200, scope, bound, "Scope missing", "Network not allowed", "POST /v2/orders", "@worker", "Northwind shop")
		s.has("a scope", one, 200, "The route POST /v2/orders needs the scope orders:write, which the key does not have.", "/apis/orders", "<summary>2 checks not reached</summary>", "orders:read", "/console/refusals/ask?",
			"The API’s rule for the route POST /v2/orders.")
		s.has("a network", two, 200, "10.0.0.0/8", "/console/keys/"+s.key.Show("key")+"/limits", "Change its networks")
		s.has("staff", staff, 200, "orders:write", "/admin/apps/"+s.w.App.Show("app"))
		s.has("the publisher", publisher, 200, "@worker", "Whoever holds the key can see the reason in the portal")
		if strings.Contains(publisher.Body, "10.0.0.0/8") || strings.Contains(publisher.Body, "/console/keys/") || strings.Contains(publisher.Body, "any network") {
			t.Error("the publisher sees more of the key than it may (D3)")
		}
	})
}

func TestEveryCauseHasWordsAndAWayOut(t *testing.T) {
	clock := dbtest.NewClock()
	s := newSite(t, dbtest.SQLite(t, clock), clock)
	holder, gate, staff := s.as(s.w.Person), s.as(s.gate), s.as(s.w.Staff)
	codes := map[keyring.Cause]keyring.Code{}
	code := keyring.NotFound
	firsts := map[keyring.Cause]bool{
		keyring.KeyRevoked: true, keyring.KeyExpired: true, keyring.KeyPaused: true, keyring.KeySuspended: true, keyring.AddressUntold: true, keyring.OriginUntold: true,
		keyring.EnvironmentOther: true, keyring.NoAccess: true, keyring.NothingGranted: true, keyring.MonthUsedUp: true, keyring.PlanRate: true,
	}
	for _, cause := range keyring.Causes() {
		if firsts[cause] {
			code++
		}
		codes[cause] = code
	}
	for n, cause := range keyring.Causes() {
		request := s.refuse(n+1, codes[cause], cause, keyring.Seen{
			RevokedAt: clock.Now().UnixNano(), EndsAt: clock.Now().UnixNano(), SuspendedUntil: keyring.Forever, Environment: "live", Missing: "orders:write", Route: "POST /v2/orders", Cost: 7, RetryAfter: int64(time.Minute),
		})
		for name, page := range map[string]webtest.Page{
			"holder": holder.Get("/console/refusals/" + request), "publisher": gate.Get("/console/refusals/" + request), "staff": staff.Get("/admin/refusals/" + request),
		} {
			_, after, found := strings.Cut(page.Body, "What would make it pass")
			if page.Status != 200 || !found || !strings.Contains(after, "<li>") || strings.Contains(page.Body, "%!") {
				t.Errorf("%v, %s: %d", cause, name, page.Status)
			}
			why, _, _ := strings.Cut(page.Body, "What would make it pass")
			if behind := strings.Contains(why, "The rule behind it"); name == "holder" && behind == (cause == keyring.UnknownKey) {
				t.Errorf("%v, %s: the rule behind it is told: %v", cause, name, behind)
			}
			if name != "publisher" && !strings.Contains(why, "</strong> <p>") && !strings.Contains(why, "</strong><p>") {
				t.Errorf("%v, %s: no sentence says why", cause, name)
			}
		}
	}
}

func TestRefusalNamesThePlanOrPolicyBehindIt(t *testing.T) { // issue 5, Explain
	each(t, func(t *testing.T, s *site) {
		limited := s.refuse(1, keyring.RateLimited, keyring.PlanRate, keyring.Seen{RetryAfter: int64(time.Minute)})
		paused := s.refuse(2, keyring.Paused, keyring.KeyPaused, keyring.Seen{})
		ended := s.refuse(3, keyring.Expired, keyring.KeyExpired, keyring.Seen{EndsAt: s.clock.Now().UnixNano()})
		var plan string
		err := s.DB.Read(t.Context()).Raw("SELECT n.name FROM plans n JOIN access x ON x.plan_id = n.id WHERE x.app_id = ? AND x.api_id = ?", s.w.App, s.w.Orders).Row().Scan(&plan)
		if err != nil {
			t.Fatal(err)
		}
		mira, staff, gate := s.as(s.w.Person), s.as(s.w.Staff), s.as(s.gate)

		own := mira.Get("/console/refusals/" + paused)
		s.w.Run("UPDATE keys SET paused_at = ?, paused_cause = 'idle' WHERE id = ?", s.clock.Now(), s.key)
		s.w.Run("INSERT INTO key_policies (subject_kind, subject_id, idle_days, max_days, updated_at) VALUES ('installation', ?, 30, 90, ?)", db.ID{}, s.clock.Now())

		s.has("a plan", mira.Get("/console/refusals/"+limited), 200, "The plan of the app’s access to the API: "+plan+".", "/console/apps/"+s.w.App.Show("app"))
		s.has("a person", own, 200, "The key’s own setting: its page says by whom it was paused.")
		s.has("a policy", mira.Get("/console/refusals/"+paused), 200, "This portal’s policy: a key is paused when it is not used for 30 days.", "/console/policies")
		s.has("an end", mira.Get("/console/refusals/"+ended), 200, "This portal’s policy allows 90 days at most.")
		s.has("staff", staff.Get("/admin/refusals/"+paused), 200, "not used for 30 days", `href="/admin/policy"`)
		if p := gate.Get("/console/refusals/" + paused); p.Status != 200 || strings.Contains(p.Body, "The rule behind it") {
			t.Error("the publisher is told of the key’s own affairs (D3):", p.Status)
		}
	})
}

func TestRefusalOfOthersIsAsAbsentAsNone(t *testing.T) { // Z1, Z2
	clock := dbtest.NewClock()
	s := newSite(t, dbtest.SQLite(t, clock), clock)
	request := s.refuse(1, keyring.Paused, keyring.KeyPaused, keyring.Seen{})
	stranger := s.as(s.w.Stranger)
	plain := func(p webtest.Page, id string) string { return strings.ReplaceAll(p.Body, id, "") }

	foreign, absent := stranger.Get("/console/refusals/"+request), stranger.Get("/console/refusals/req_0000000000000000")
	asked := stranger.Get("/console/refusals/ask?key=" + s.key.Show("key") + "&api=" + s.w.Orders.Show("api"))

	if foreign.Status != 404 || absent.Status != 404 || asked.Status != 404 || len(plain(foreign, request)) != len(plain(absent, "req_0000000000000000")) {
		t.Error(foreign.Status, absent.Status, asked.Status)
	}
	for _, path := range []string{"/console/refusals", "/console/refusals/" + request, "/console/refusals/ask", "/admin/refusals", "/admin/refusals/" + request, "/admin/refusals/ask"} {
		if p := s.Visitor().Get(path); p.Status != http.StatusUnauthorized {
			t.Errorf("%s, signed out: %d", path, p.Status)
		}
		if p := s.as(s.w.Person).Get(path); strings.HasPrefix(path, "/admin") && p.Status != http.StatusForbidden {
			t.Errorf("%s without the permission: %d", path, p.Status)
		}
	}
	if p := stranger.Get("/console/refusals?key=" + s.key.Show("key")); p.Status != 200 || strings.Contains(p.Body, request) {
		t.Error("a stranger's list:", p.Status)
	}
}

func TestRefusalSaysWhatWasAskedForHowLongToWaitAndThatItWasLetThrough(t *testing.T) {
	clock := dbtest.NewClock()
	s := newSite(t, dbtest.SQLite(t, clock), clock)
	other := s.refuse(1, keyring.WrongEnvironment, keyring.EnvironmentOther, keyring.Seen{Environment: "test"})
	limited := s.refuse(2, keyring.RateLimited, keyring.PlanRate, keyring.Seen{RetryAfter: int64(5500 * time.Millisecond)})
	passed := s.refuse(3, keyring.Revoked, keyring.KeyRevoked, keyring.Seen{RevokedAt: clock.Now().UnixNano()})
	s.w.Run("UPDATE refusals SET status = 200 WHERE request_id = ?", passed)
	keyless := s.refuse(4, keyring.MissingKey, 0, keyring.Seen{})
	mira := s.as(s.w.Person)

	s.has("environment", mira.Get("/console/refusals/"+other), 200, "The key is for the environment Test, and Live was asked for.", "/console/keys/new?app="+s.w.App.Show("app"), "environment=live")
	s.has("rate", mira.Get("/console/refusals/"+limited), 200, "Wait 6 seconds.")
	s.has("let through", mira.Get("/console/refusals/"+passed), 200, "Would have been refused: Revoked")
	s.has("no key", s.as(s.w.Staff).Get("/admin/refusals/"+keyless), 200, "Send a key, as Authorization: Bearer")
	if p := mira.Get("/console/refusals/" + passed); strings.Contains(p.Body, ">Refused: ") {
		t.Error("what was let through is called refused")
	}
}

func TestRefusalNamesTheAddressThatTheKeyIsGoodForAndTheLimitItself(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		other := s.refuse(1, keyring.WrongEnvironment, keyring.EnvironmentOther, keyring.Seen{Environment: "live"})
		limited := s.refuse(2, keyring.RateLimited, keyring.PlanRate, keyring.Seen{RetryAfter: int64(time.Second)})
		own := s.refuse(3, keyring.RateLimited, keyring.KeyRate, keyring.Seen{RetryAfter: int64(time.Second)})
		monthly := s.refuse(4, keyring.QuotaExceeded, keyring.MonthUsedUp, keyring.Seen{Month: &keyring.Left{Limit: 5000}})
		s.w.Run("DELETE FROM api_environments WHERE api_id = ?", s.w.Orders)
		s.w.Run("INSERT INTO api_environments (api_id, environment, base_url) VALUES (?, 'live', 'https://api.northwind.example')", s.w.Orders)
		s.w.Run("UPDATE plans SET rate_requests = 10, rate_period_seconds = 60, burst = 3")
		s.w.Run("UPDATE keys SET rate_requests = 2, rate_period_seconds = 1 WHERE id = ?", s.key)
		mira := s.as(s.w.Person)

		s.has("the address", mira.Get("/console/refusals/"+other), 200, "With this key, call https://api.northwind.example: there the API is in the environment Live.", "environment=test")
		s.has("the plan's rate", mira.Get("/console/refusals/"+limited), 200, "It allows 10 calls a minute, and 3 at once.", "Wait 1 second.")
		s.has("the key's", mira.Get("/console/refusals/"+own), 200, "It allows 2 calls a second.")
		s.has("the quota", mira.Get("/console/refusals/"+monthly), 200, "It allows 5,000 calls a month.")
		if p := s.as(s.gate).Get("/console/refusals/" + own); strings.Contains(p.Body, "It allows") {
			t.Error("the publisher is told of the key’s own limit (D3)")
		}
	})
}

func TestCreateKeyOfARefusalCarriesTheAppAndTheScopes(t *testing.T) {
	clock := dbtest.NewClock()
	s := newSite(t, dbtest.SQLite(t, clock), clock)
	lacking := s.refuse(1, keyring.InsufficientScope, keyring.RouteScopeMissing, keyring.Seen{Environment: "live", Route: "POST /v2/orders", Missing: "orders:write", Needed: []string{"orders:write"}})
	gone := s.refuse(2, keyring.Revoked, keyring.KeyRevoked, keyring.Seen{Environment: "live", RevokedAt: clock.Now().UnixNano()})
	wanted := s.refuse(3, keyring.InsufficientScope, keyring.ScopeMissing, keyring.Seen{Environment: "live", Missing: "orders:write", Needed: []string{"orders:write"}})
	mira, app := s.as(s.w.Person), "app="+s.w.App.Show("app")
	s.has("what was asked for, asked again", mira.Get("/console/refusals/"+wanted), 200, "scopes=orders%3Awrite")

	s.has("a scope", mira.Get("/console/refusals/"+lacking), 200, "/console/keys/new?"+app+"&amp;environment=live&amp;grants=orders%2Forders%3Aread&amp;grants=orders%2Forders%3Awrite", "/apis/orders/request?"+app)
	s.has("one in its place", mira.Get("/console/refusals/"+gone), 200, "/console/keys/new?"+app+"&amp;environment=live&amp;grants=orders%2Forders%3Aread\"")
}

// D3, L1: members hear which of them revoked a key and why; of staff, that it was staff. Staff hear the name.
func TestRefusalOfARevokedKeySaysByWhomAndWhy(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		request := s.refuse(1, keyring.Revoked, keyring.KeyRevoked, keyring.Seen{RevokedAt: s.clock.Now().UnixNano()})
		mira, staff, gate := s.as(s.w.Person), s.as(s.w.Staff), s.as(s.gate)
		revoked := func(by actor.Actor) {
			s.w.Run("UPDATE users SET name = 'Robin <R>' WHERE id = ?", by.UserID)
			s.w.Run("UPDATE keys SET revoked_at = ?, revoked_by = ?, revoked_reason = 'It was in a <log>' WHERE id = ?", s.clock.Now(), by.UserID, s.key)
		}

		revoked(s.w.Person)
		s.has("a member", mira.Get("/console/refusals/"+request), 200, "by Robin &lt;R&gt;.", "It was in a &lt;log&gt;")
		revoked(s.w.Staff)
		s.has("staff, to a member", mira.Get("/console/refusals/"+request), 200, "by the portal’s staff.", "It was in a &lt;log&gt;")
		s.has("staff, to staff", staff.Get("/admin/refusals/"+request), 200, "by Robin &lt;R&gt;.")
		s.w.Run("UPDATE users SET name = 'Somebody' WHERE id = ?", s.w.Person.UserID)
		if p := mira.Get("/console/refusals/" + request); strings.Contains(p.Body, "Robin") {
			t.Error("a name of staff is told to others")
		}
		revoked(s.w.Stranger)
		if p := mira.Get("/console/refusals/" + request); strings.Contains(p.Body, "Robin") || strings.Contains(p.Body, "staff.") {
			t.Error("who is neither member nor staff is told of")
		}
		if p := gate.Get("/console/refusals/" + request); p.Status != 200 || strings.Contains(p.Body, "Robin") || strings.Contains(p.Body, "log") && strings.Contains(p.Body, "It was in a") {
			t.Error("the publisher is told of the key’s own affairs:", p.Status)
		}
	})
}

// Who looks for a request that they can't see is told by the list itself why that may be, in the same words whether there is one or not (Z2).
func TestARequestThatCannotBeShownLeavesTheBoxFilled(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		const absent = "req_zzzzzzzzzzzzzzzz"
		own := s.refuse(1, keyring.Paused, keyring.KeyPaused, keyring.Seen{})
		mira, staff := s.as(s.w.Person), s.as(s.w.Staff)

		asked, box, everybody := mira.Get("/console/refusals/"+absent), mira.Get("/console/refusals?request="+absent), staff.Get("/admin/refusals/"+absent)

		s.has("the page", asked, 404, `value="`+absent+`"`, "There is nothing with this ID that you can see.", "kept for 7 days", "takes a second", "belongs to nobody", own)
		s.has("of staff", everybody, 404, `value="`+absent+`"`, "There is nothing with this ID", own)
		if box.Location != "/console/refusals/"+absent || strings.Contains(strings.ReplaceAll(asked.Body, own, ""), "Request id req_") {
			t.Error("another request is named:", box.Location)
		}
		s.has("no id at all", mira.Get("/console/refusals/junk"), 404)
	})
}

func TestReasonsToFilterByAreThoseThatTheReaderCanHave(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.refuse(1, keyring.Paused, keyring.KeyPaused, keyring.Seen{})
		s.w.Run("INSERT INTO refusals SELECT ?, 'req_0000000000000009', at, ?, ?, ?, api_id, publisher_id, environment, door, 'BAD_REQUEST', '', detail, 403, method, path, address, origin, seen FROM refusals", db.NewID(), db.ID{}, db.ID{}, db.ID{})
		option := func(code string) string { return `value="` + code + `"` }

		holder, publisher, staff := s.as(s.w.Person).Get("/console/refusals"), s.as(s.gate).Get("/console/refusals"), s.as(s.w.Staff).Get("/admin/refusals")

		s.has("the holder", holder, 200, option("REVOKED"), option("NOT_FOUND"))
		s.has("the publisher", publisher, 200, option("REVOKED"), option("BAD_REQUEST"))
		s.has("staff", staff, 200, option("BAD_REQUEST"), option("MISSING_KEY"))
		if strings.Contains(holder.Body, option("BAD_REQUEST")) || strings.Contains(publisher.Body, option("MISSING_KEY")) {
			t.Error("a reason is offered that can’t be theirs")
		}
	})
}

func TestBoxOpensARequestByItsID(t *testing.T) {
	clock := dbtest.NewClock()
	s := newSite(t, dbtest.SQLite(t, clock), clock)
	request := s.refuse(1, keyring.Paused, keyring.KeyPaused, keyring.Seen{})
	mira := s.as(s.w.Person)

	found, wrong, pasted := mira.Get("/console/refusals?request=+"+request+"+"), mira.Get("/console/refusals?request=junk"), mira.Get("/console/refusals?request="+s.text)

	if found.Status != 303 || found.Location != "/console/refusals/"+request {
		t.Error(found.Status, found.Location)
	}
	s.has("no request id", wrong, 422, "A request ID begins with req_", `value="junk"`)
	if pasted.Status != 422 || strings.Contains(pasted.Body, s.text) {
		t.Error("a key is shown again:", pasted.Status)
	}
}

func TestFormAnswersWhetherACallWouldBeAllowed(t *testing.T) { // issue 5, Explain; K1
	each(t, func(t *testing.T, s *site) {
		mira := s.as(s.w.Person)
		ask := func(query string) webtest.Page {
			return mira.Get("/console/refusals/ask?key=" + s.key.Show("key") + "&api=" + s.w.Orders.Show("api") + "&" + query)
		}

		s.has("empty", mira.Get("/console/refusals/ask"), 200, "@worker", "/v2/orders")
		s.has("allowed", ask("method=GET&path=/v2/orders/7"), 200, "It would be allowed", "GET /v2/orders/{id}")
		s.has("a scope", ask("method=POST&path=/v2/orders"), 200, "It would be refused: Scope missing", "orders:write")
		s.has("environment", ask("method=GET&path=/v2/orders&environment=test"), 200, "Wrong environment")
		s.has("half a route", ask("method=GET"), 422, "Method and path go together")
		s.has("a doubtful path", ask("method=GET&path=/v2//orders"), 200, "It would be refused: Not to be judged", "403 BAD_REQUEST", "doubled slashes", `value="/v2//orders"`)
		s.has("no path", ask("method=GET&path=http://x.example/v2/orders"), 422, "A path begins with a slash.")
		s.has("a path with a query", ask("method=GET&path=/v2/orders?a=1"), 422, "A path begins with a slash.")
		s.has("no route", ask(""), 200, "It depends on the route", "refused with 403 BAD_REQUEST")
		s.has("a scope that is held", ask("scopes=orders:read"), 200, "It would be allowed", "not that any call passes")
		s.has("one that is not", ask("method=GET&path=/v2/orders&scopes=+orders:read++orders:write"), 200, "It would be refused: Scope missing", "Whoever asked wants the scope orders:write", `value="orders:read  orders:write"`)
		s.has("too many", ask("scopes="+strings.Repeat("x+", 65)), 422, "These are too many scopes")
		s.w.Run("DELETE FROM route_rules WHERE api_id = ?", s.w.Orders)
		s.w.Run("UPDATE apis SET refuses_undeclared = FALSE WHERE id = ?", s.w.Orders)
		s.has("no route, at an API without rules", ask(""), 200, "It would be allowed", "not that any call passes")
		s.has("no address", ask("address=elsewhere"), 422, "This is no IP address.")
		s.has("no time", ask("at=soon"), 422, "This is no time.")
		s.has("staff", s.as(s.w.Staff).Get("/admin/refusals/ask?key="+s.key.Show("key")+"&api="+s.w.Orders.Show("api")), 200, "@worker")
		s.w.Run("UPDATE keys SET expires_at = ? WHERE id = ?", s.clock.Now().Add(24*time.Hour), s.key)
		s.has("later", ask("method=GET&path=/v2/orders&at=2030-01-01T12:00"), 200, "It would be refused: Expired")
		if p := ask("method=GET&path=/v2/" + s.text); p.Status != 422 || strings.Contains(p.Body, s.text) {
			t.Error("a key in the form is shown again:", p.Status)
		}
		at := "/console/refusals/ask?key=" + s.key.Show("key") + "&api=" + s.w.People.Show("api")
		shown := mira.Get(at)
		s.w.Run("UPDATE apis SET visibility = 'invited' WHERE id = ?", s.w.People)
		if hidden := mira.Get(at); hidden.Status != 404 || shown.Status != 200 {
			t.Error("an API that the reader may not see:", hidden.Status, shown.Status)
		}
	})
}
