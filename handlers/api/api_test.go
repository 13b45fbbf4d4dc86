package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// The life of things by the API, every answer held against the document, and every operation alive (C8).
func TestEveryOperationIsAlive(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		me := w.mine.text
		app := w.mine.app.ID.Show("app")

		w.want(200, "GET", "/v1/whoami", me, "")
		w.want(200, "GET", "/v1/apps?limit=1&sort=name&q=shop", me, "")
		made := w.want(201, "POST", "/v1/apps", me, `{"name":"Second","description":"Two"}`)
		second := made.text("id")
		clock.Advance(1e9)
		w.want(200, "PATCH", "/v1/apps/"+second, me, `{"name":"Second app"}`)
		if got := w.want(200, "GET", "/v1/apps/"+second, me, ""); got.text("name") != "Second app" || got.text("description") != "Two" {
			t.Errorf("an app was changed to %s", got.body)
		}
		w.want(204, "DELETE", "/v1/apps/"+second, me, "")
		w.want(404, "GET", "/v1/apps/"+second, me, "")

		k := w.want(201, "POST", "/v1/keys", me, `{"app_id":"`+app+`","name":"Worker","grants":[{"api":"orders","scope":"orders:read"}],"expires_in_days":30,
			"networks":["203.0.113.0/24"],"rate":{"requests":5,"period_seconds":60},"metadata":{"team":"checkout"}}`)
		id := k.text("key.id")
		if !strings.HasPrefix(k.text("secret"), "gk_live_") || k.at("key.rate.requests") != 5.0 || k.text("key.metadata.team") != "checkout" || k.at("key.networks.0") != "203.0.113.0/24" {
			t.Errorf("made: %s", k.body)
		}
		clock.Advance(1e9)
		changed := w.want(200, "PATCH", "/v1/keys/"+id, me, `{"name":"Worker 2","rate":null,"networks":[]}`)
		if changed.text("name") != "Worker 2" || changed.at("rate") != nil || len(changed.at("networks").([]any)) != 0 || changed.text("metadata.team") != "checkout" {
			t.Errorf("changed: %s", changed.body)
		}
		w.want(200, "GET", "/v1/keys?state=active&app="+app+"&api=orders&scope=orders:read&q=worker", me, "")
		if got := w.want(200, "POST", "/v1/keys/"+id+"/pause", me, ""); got.text("state") != "paused" {
			t.Errorf("paused: %s", got.body)
		}
		w.want(200, "POST", "/v1/keys/"+id+"/resume", me, "")
		rotated := w.want(201, "POST", "/v1/keys/"+id+"/rotate", me, `{"overlap_days":7}`)
		if old := w.want(200, "GET", "/v1/keys/"+id, me, ""); old.text("successor") != rotated.text("key.id") || old.text("state") != "rotated" {
			t.Errorf("rotated: %s", old.body)
		}
		w.want(200, "POST", "/v1/keys/"+id+"/rotation/extend", me, `{"days":3}`)
		w.want(200, "POST", "/v1/keys/"+id+"/rotation/undo", me, `{}`)
		clock.Advance(1e9)
		again := w.want(201, "POST", "/v1/keys/"+id+"/rotate", me, `{"overlap_days":7}`)
		w.want(200, "POST", "/v1/keys/"+id+"/rotation/retire", me, "")
		if got := w.want(200, "POST", "/v1/keys/"+again.text("key.id")+"/revoke", me, `{"reason":"Test is over"}`); got.text("state") != "revoked" || got.text("revoked_reason") != "Test is over" {
			t.Errorf("revoked: %s", got.body)
		}
		w.scopes(me, clock)
		w.accesses(me, app)
		w.reports(me)
		w.served()

		for _, o := range w.doc.Operations {
			if !w.seen[o.ID] && o.ID != "reportLeakFromGitHub" { // that one takes GitHub's signature alone
				t.Errorf("%s was never answered with success", o.ID)
			}
		}
	})
}

func (w *world) scopes(me string, clock *dbtest.Clock) {
	w.Helper()
	made := w.make(w.mine, "live", key.Pair{API: "orders", Scope: "orders:read"}, key.Pair{API: "portal", Scope: "apps:read"})
	path := "/v1/keys/" + made.Key.ID.Show("key") + "/scopes/"
	w.want(409, "POST", path+"take", me, `{"api":"orders","scope":"orders:read"}`)
	w.run("UPDATE keys SET created_at = ?, expires_at = ? WHERE id = ?", clock.Now().AddDate(0, 0, -31), clock.Now().AddDate(0, 0, 30), made.Key.ID)
	taken := w.want(200, "POST", path+"take", me, `{"api":"orders","scope":"orders:read"}`)
	given := w.want(200, "POST", path+"give", me, `{"api":"orders","scope":"orders:read"}`)
	if len(taken.at("grants").([]any)) != 1 || len(given.at("grants").([]any)) != 2 {
		w.Errorf("taken: %s\ngiven: %s", taken.body, given.body)
	}
}

func (w *world) accesses(me, app string) {
	w.Helper()
	w.want(200, "GET", "/v1/access?state=approved&app="+app, me, "")
	w.want(200, "GET", "/v1/access/"+w.mine.access.Show("acc"), me, "")
	other := w.want(201, "POST", "/v1/apps", me, `{"name":"Third"}`).text("id")
	x := w.want(201, "POST", "/v1/access", me, `{"app_id":"`+other+`","api":"orders","plan":"Free","scopes":["orders:read"],"purpose":"To test"}`)
	if x.text("state") != "approved" {
		w.Errorf("access: %s", x.body)
	}
	w.want(422, "POST", "/v1/access", me, `{"app_id":"`+other+`","api":"orders","plan":"Gold","scopes":["orders:fly"]}`)
	w.run("UPDATE plans SET needs_approval = TRUE WHERE name = 'Free'")
	fourth := w.want(201, "POST", "/v1/apps", me, `{"name":"Fourth"}`).text("id")
	waits := w.want(201, "POST", "/v1/access", me, `{"app_id":"`+fourth+`","api":"orders","plan":"Free","scopes":["orders:read"],"purpose":"To test"}`)
	if got := w.want(200, "POST", "/v1/access/"+waits.text("id")+"/withdraw", me, ""); waits.text("state") != "requested" || got.text("state") != "withdrawn" {
		w.Errorf("waits: %s\nwithdrawn: %s", waits.body, got.body)
	}
}

func (w *world) reports(me string) {
	w.Helper()
	w.want(200, "GET", "/v1/events?about=key&limit=5", me, "")
	w.want(200, "GET", "/v1/usage?span=24h&code=refused", me, "")
	for _, by := range []string{"app", "key", "api", "route", "code"} {
		w.want(200, "GET", "/v1/usage/by/"+by+"?span=7d", me, "")
	}
	lacking := w.make(w.mine, "live", portalPairs("apps:read")...).Secret.Reveal()
	request := w.want(403, "GET", "/v1/usage?span=24h", lacking, "").header.Get("X-Request-Id")
	w.ok(w.house.Flush(w.Context()))
	told := w.want(200, "GET", "/v1/refusals/"+request, me, "")
	if told.text("code") != "INSUFFICIENT_SCOPE" || told.text("missing_scope") != "usage:read" || told.text("door") != "api" || told.at("checks.0.outcome") != "passed" {
		w.Errorf("why a call was refused: %s", told.body)
	}
	if why, way := told.text("why"), fmt.Sprint(told.at("remedies.0.text")); !strings.Contains(why, "needs the scope usage:read, which the key does not have.") && !strings.Contains(why, "wants the scope usage:read") || !strings.Contains(way, "access hold the scope") {
		w.Errorf("what would make it pass: %q, %q: %s", why, way, told.body)
	}
	if url := fmt.Sprint(told.at("remedies.0.url")); !strings.HasPrefix(url, "http") {
		w.Errorf("a remedy leads to no whole address: %q", url)
	}
	foreign, absent := w.want(404, "GET", "/v1/refusals/"+request, w.them.text, ""), w.want(404, "GET", "/v1/refusals/req_0000000000000000", w.them.text, "")
	if foreign.text("detail") != absent.text("detail") || foreign.text("code") != absent.text("code") { // Z2
		w.Errorf("somebody else’s refusal is told from none: %s %s", foreign.body, absent.body)
	}
	w.want(200, "GET", "/v1/policies", me, "")
	w.want(202, "POST", "/v1/leaks", "", `{"keys":["`+w.make(w.mine, "live", key.Pair{API: "orders", Scope: "orders:read"}).Secret.Reveal()+`"],"place":"A public repository"}`)
	w.want(200, "GET", "/v1/leaks?state=open", me, "")
}

// served calls what others serve.
func (w *world) served() {
	w.Helper()
	publisher := w.house.Stores.Key
	detail, err := w.house.Stores.Catalog.BySlug(w.Context(), w.mine.owner, "orders")
	w.ok(err)
	admin := w.staff()
	made, err := publisher.CreateGatewayKey(w.Context(), admin, detail.ID, publisher.NewFormToken(admin, key.GatewayPurpose(detail.ID)))
	w.ok(err)
	w.want(200, "POST", "/v1/keys/verify", made.Secret.Reveal(), `{"key":"`+w.mine.text+`","api":"orders"}`)
	let := w.want(200, "GET", "/v1/authz?api=orders&env=any&scope=orders:read&nginx=0", w.mine.text, "", "X-Gatehouse-Token", made.Secret.Reveal(), "X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/v1/orders?page=2", "X-Forwarded-For", "203.0.113.7")
	for _, name := range []string{"Key-Id", "App-Id", "Organization-Id", "Scopes", "Environment"} {
		if let.header.Get("X-Gatehouse-"+name) == "" {
			w.Errorf("the document promises X-Gatehouse-%s, and it is not there: %v", name, let.header)
		}
	}
	w.want(401, "GET", "/v1/authz?api=orders&scope=orders:read", "gk_live_nonsense", "", "X-Gatehouse-Token", made.Secret.Reveal())
}

// Each operation takes a key with its scope, and with no other (D4, B1-7), by no other method, and never by a cookie.
func TestOperationNeedsItsScope(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	holders := map[string]string{}
	for _, scope := range managing {
		holders[scope] = w.make(w.mine, "live", portalPairs(scope)...).Secret.Reveal()
	}
	test := w.make(w.mine, "test", portalPairs(managing...)...).Secret.Reveal()
	fill := strings.NewReplacer("{app}", w.mine.app.ID.Show("app"), "{key}", w.mine.key.ID.Show("key"), "{access}", w.mine.access.Show("acc"), "{dimension}", "key")

	for _, o := range w.doc.Operations {
		if o.ServedBy != "" {
			continue
		}
		path := fill.Replace(o.Path)
		for scope, text := range holders {
			r := w.send(o.Method, path, text, "x")
			if refused := r.text("code") == "INSUFFICIENT_SCOPE" && r.status == 403; refused == (scope == o.Scope) {
				t.Errorf("%s with %s answered %d: %s", o.ID, scope, r.status, r.body)
			}
		}
		for name, r := range map[string]reply{
			"nobody": w.send(o.Method, path, "", ""), "a key that is none": w.send(o.Method, path, "gk_live_nonsense", ""),
			"a cookie": w.send(o.Method, path, "", "", "Cookie", "gatehouse-session="+w.mine.owner.UserID.String()),
		} {
			if r.status != 401 || r.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s by %s answered %d", o.ID, name, r.status)
			}
		}
		if r := w.send(o.Method, path, test, ""); o.LiveOnly && r.status != 403 {
			t.Errorf("%s by a test key answered %d: %s", o.ID, r.status, r.body)
		}
		for _, method := range []string{"HEAD", "OPTIONS", "PUT", "TRACE", "get"} {
			if r := w.send(method, path, w.mine.text, ""); r.status < 400 {
				t.Errorf("%s %s answered %d", method, path, r.status)
			}
		}
	}
	before := w.want(200, "GET", "/v1/keys/"+w.mine.key.ID.Show("key"), w.mine.text, "")
	for _, header := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"} {
		w.want(200, "GET", "/v1/apps/"+w.mine.app.ID.Show("app"), w.mine.text, "", header, "DELETE")
	}
	after := w.want(200, "GET", "/v1/keys/"+w.mine.key.ID.Show("key"), w.mine.text, "")
	if before.text("updated_at") != after.text("updated_at") {
		t.Error("something changed by a method in a header")
	}
}

// A key sees and manages keys of its own environment alone.
func TestTestKeyManagesTestKeys(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	test := w.make(w.mine, "test", portalPairs(managing...)...)
	text, live := test.Secret.Reveal(), w.mine.key.ID.Show("key")

	listed := w.want(200, "GET", "/v1/keys", text, "")
	made := w.want(201, "POST", "/v1/keys", text, `{"app_id":"`+w.mine.app.ID.Show("app")+`","name":"x","grants":[{"api":"portal","scope":"keys:read"}]}`)

	if strings.Contains(string(listed.body), live) || made.text("key.environment") != "test" {
		t.Errorf("a test key saw or made a live one: %s %s", listed.body, made.body)
	}
	w.want(404, "GET", "/v1/keys/"+live, text, "")
	w.want(404, "POST", "/v1/keys/"+live+"/revoke", text, "")
	w.want(403, "POST", "/v1/keys", text, `{"app_id":"`+w.mine.app.ID.Show("app")+`","name":"x","environment":"live","grants":[{"api":"portal","scope":"keys:read"}]}`)
}

// Z2: what is another organization's is as absent.
func TestForeignIDsAreAsAbsentOnes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		foreign := strings.NewReplacer("{app}", w.them.app.ID.Show("app"), "{key}", w.them.key.ID.Show("key"), "{access}", w.them.access.Show("acc"))
		absent := strings.NewReplacer("{app}", db.NewID().Show("app"), "{key}", db.NewID().Show("key"), "{access}", db.NewID().Show("acc"))
		bodies := map[string]string{
			"changeApp": `{"name":"x"}`, "changeKey": `{"name":"x"}`, "rotateKey": `{"overlap_days":0}`, "takeScope": `{"api":"orders","scope":"orders:read"}`,
			"giveScope": `{"api":"orders","scope":"orders:read"}`, "extendOverlap": `{"days":1}`,
		}
		checked := 0

		for _, o := range w.doc.Operations {
			if foreign.Replace(o.Path) == o.Path {
				continue
			}
			checked++
			a, b := w.send(o.Method, foreign.Replace(o.Path), w.mine.text, bodies[o.ID]), w.send(o.Method, absent.Replace(o.Path), w.mine.text, bodies[o.ID])
			if a.status != 404 || b.status != 404 || a.text("detail") != b.text("detail") {
				t.Errorf("%s tells somebody else’s from nothing: %s %s", o.ID, a.body, b.body)
			}
		}
		w.want(404, "POST", "/v1/keys", w.mine.text, `{"app_id":"`+w.them.app.ID.Show("app")+`","name":"x","grants":[{"api":"orders","scope":"orders:read"}]}`)
		w.want(404, "POST", "/v1/access", w.mine.text, `{"app_id":"`+w.them.app.ID.Show("app")+`","api":"orders","plan":"Free","scopes":["orders:read"],"purpose":"x"}`)
		for _, path := range []string{"/v1/keys?app=", "/v1/access?app=", "/v1/usage/by/key?app="} {
			if r := w.want(200, "GET", path+w.them.app.ID.Show("app"), w.mine.text, ""); len(r.at("data").([]any)) != 0 {
				t.Errorf("%s showed %s", path, r.body)
			}
		}
		if checked < 14 {
			t.Errorf("only %d operations take an id", checked)
		}
	})
}

// A list is read page by page; a cursor that is forged, or of another list, is refused (Z9, L4).
func TestListsArePaged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		for range 5 {
			clock.Advance(1e9)
			w.make(w.mine, "live", portalPairs("keys:read")...)
		}
		var seen []string
		path := "/v1/keys?limit=2&sort=created"
		first := ""
		for path != "" {
			r := w.want(200, "GET", path, w.mine.text, "")
			for _, one := range r.at("data").([]any) {
				seen = append(seen, one.(map[string]any)["id"].(string))
			}
			path = ""
			if next := r.text("next"); next != "" {
				if first == "" {
					first = next
				}
				link := r.header.Get("Link")
				path = strings.TrimPrefix(link[1:strings.Index(link, ">")], w.url)
			}
		}

		if len(seen) != 6 || len(slices.Compact(slices.Sorted(slices.Values(seen)))) != 6 {
			t.Errorf("%d keys were listed: %v", len(seen), seen)
		}
		for _, query := range []string{"keys?limit=2&sort=name&after=" + first, "apps?after=" + first, "keys?after=AAAA", "keys?sort=created&after=" + first[:len(first)-2] + "AA"} {
			if r := w.want(400, "GET", "/v1/"+query, w.mine.text, ""); r.text("errors.0.pointer") != "after" {
				t.Errorf("%s: %s", query, r.body)
			}
		}
		for _, query := range []string{"limit=0", "limit=101", "limit=1e3", "limit=1000000000", "limit=1&limit=2", "nothing=1", "sort=created_at;drop", "app=" + w.mine.key.ID.Show("key"), "q=%00", "q=%ff", "state=soon"} {
			w.want(400, "GET", "/v1/keys?"+query, w.mine.text, "")
		}
	})
}

// Limits are told on every answer, and hold (L5).
func TestLimitsAreToldAndHold(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	text := w.want(201, "POST", "/v1/keys", w.mine.text, `{"app_id":"`+w.mine.app.ID.Show("app")+`","name":"Slow","grants":[{"api":"portal","scope":"apps:read"}],"rate":{"requests":3,"period_seconds":60}}`).text("secret")

	var statuses []int
	var last reply
	for range 4 {
		last = w.send("GET", "/v1/apps", text, "")
		statuses = append(statuses, last.status)
		if last.header.Get("RateLimit") == "" || last.header.Get("RateLimit-Policy") == "" {
			t.Errorf("%d without limits: %v", last.status, last.header)
		}
	}

	if !slices.Equal(statuses, []int{200, 200, 200, 429}) || last.header.Get("Retry-After") == "" || last.text("code") != "RATE_LIMITED" {
		t.Errorf("answered %v, last %v %s", statuses, last.header, last.body)
	}
}

func TestDocumentIsServed(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)

	r := w.send(http.MethodGet, "/v1/openapi.json", "", "")
	again := w.send(http.MethodGet, "/v1/openapi.json", "", "", "If-None-Match", r.header.Get("ETag"))

	if r.status != 200 || string(r.body) != string(w.doc.JSON) || again.status != 304 || r.header.Get("Set-Cookie") != "" || r.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d, %d, %v", r.status, again.status, r.header)
	}
	if err := w.contract.Validate(t.Context()); err != nil {
		t.Errorf("the document is no OpenAPI: %v", err)
	}
	for _, route := range w.house.Table {
		if strings.HasPrefix(route.Path, "/v1/") && route.Path != "/v1/openapi.json" && w.operation(route.Method, route.Path) == nil {
			t.Errorf("%s %s is not in the document", route.Method, route.Path)
		}
	}
}
