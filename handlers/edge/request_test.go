package edge_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/edge"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// L1
func TestQuestionIsReadStrictly(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client())
	base := `"key":"` + key + `","api":"orders"`
	for name, c := range map[string]struct {
		body, pointer string
		status        int
	}{
		"unknown field":          {`{` + base + `,"scope":"orders:write"}`, "/scope", 422},
		"unknown, to be escaped": {`{` + base + `,"a/b~c":1}`, "/a~1b~0c", 422},
		"name in another case":   {`{` + base + `,"Scopes":[]}`, "/Scopes", 422},
		"field twice":            {`{` + base + `,"key":"x"}`, "/key", 400},
		"no key":                 {`{"api":"orders"}`, "/key", 422},
		"no string":              {`{"key":7}`, "/key", 422},
		"null":                   {`{` + base + `,"ip":null}`, "/ip", 422},
		"nested":                 {`{` + base + `,"scopes":[["orders:read"]]}`, "/scopes/0", 422},
		"deeply nested":          {`{` + base + `,"scopes":` + strings.Repeat("[", 20_000) + `}`, "/scopes/0", 422},
		"number in a list":       {`{` + base + `,"scopes":["a:b",1]}`, "/scopes/1", 422},
		"empty scope":            {`{` + base + `,"scopes":[""]}`, "/scopes", 422},
		"too many scopes":        {`{` + base + `,"scopes":["a"` + strings.Repeat(`,"a"`, 64) + `]}`, "/scopes", 422},
		"over-long":              {`{` + base + `,"origin":"` + strings.Repeat("a", 2049) + `"}`, "/origin", 422},
		"environment":            {`{` + base + `,"environment":"prod"}`, "/environment", 422},
		"address":                {`{` + base + `,"ip":"203.0.113.0/24"}`, "/ip", 422},
		"method alone":           {`{` + base + `,"method":"GET"}`, "/path", 422},
		"ambiguous path":         {`{` + base + `,"method":"GET","path":"/v2/..%2forders"}`, "/path", 400},
		"negative cost":          {`{` + base + `,"cost":-1}`, "/cost", 422},
		"broken cost":            {`{` + base + `,"cost":1.5}`, "/cost", 422},
		"huge cost":              {`{` + base + `,"cost":1e9}`, "/cost", 422},
		"foreign API":            {`{"key":"` + key + `","api":"foreign"}`, "/api", 422},
		"no API named":           {`{"key":"` + key + `"}`, "/api", 422},
		"list":                   {`[` + `]`, "", 400},
		"empty":                  {``, "", 400},
		"cut":                    {`{` + base, "", 400},
		"comma at the end":       {`{` + base + `,}`, "", 400},
		"no comma":               {`{"key":"a" "api":"b"}`, "", 400},
		"two objects":            {`{` + base + `}{}`, "", 400},
		"control in a string":    {"{\"key\":\"a\nb\"}", "", 400},
		"broken escape":          {`{"key":"\x"}`, "", 400},
		"not UTF-8":              {"{\"key\":\"\xff\"}", "", 400},
		"too large":              {`{` + base + `,"origin":"` + strings.Repeat("a", 70_000) + `"}`, "", 413},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.verify(c.body)

			pointer := ""
			if list, ok := a.JSON["errors"].([]any); ok {
				pointer, _ = list[0].(map[string]any)["pointer"].(string)
			}
			if a.Status != c.status || pointer != c.pointer || a.Header.Get("Content-Type") != "application/problem+json" || strings.Contains(a.Body, key) {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
	if a := w.verify(" {\t" + base + `, "scopes" : [ "orders:read" ] , "cost":0, "path":"\/v2\/orders" ,"method":"GET"}` + "\n"); a.code() != "VALID" {
		t.Fatal("control:", a)
	}
}

// D2
func TestKeyInTheWrongPlaceIsRefused(t *testing.T) {
	w := newWorld(t)
	key, other := w.add(w.client()), w.add(w.client())
	whoami := func(alter func(r *http.Request)) answer {
		r := httptest.NewRequest(http.MethodGet, edge.WhoamiPath, nil)
		alter(r)
		return w.do(r)
	}
	escaped := strings.Replace(key, "_", "%5f", 1)

	for name, alter := range map[string]func(r *http.Request){
		"query":          func(r *http.Request) { r.URL.RawQuery += "&key=" + key },
		"escaped query":  func(r *http.Request) { r.URL.RawQuery += "&key=" + escaped },
		"cookie":         func(r *http.Request) { r.Header.Set("Cookie", "key="+key) },
		"two keys":       func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+key); r.Header.Set("X-API-Key", other) },
		"two bearers":    func(r *http.Request) { r.Header["Authorization"] = []string{"Bearer " + key, "Bearer " + other} },
		"two X-API-Keys": func(r *http.Request) { r.Header["X-Api-Key"] = []string{key, other} },
	} {
		if a := whoami(alter); a.Status != 400 || strings.Contains(a.Body, key) {
			t.Errorf("whoami, %s: %d %s", name, a.Status, a.Body)
		}
		if a := w.ask(key, alter); a.Status != 403 || a.code() != "BAD_REQUEST" || strings.Contains(a.Body, key) {
			t.Errorf("authz, %s: %d %s", name, a.Status, a.Body)
		}
	}
	if a := w.ask(key, func(r *http.Request) { r.Header.Set("X-Forwarded-Uri", "/v2/orders?api_key="+key) }); a.code() != "BAD_REQUEST" {
		t.Error("in the address of the original request", a)
	}
	form := httptest.NewRequest(http.MethodPost, edge.VerifyPath, strings.NewReader("key="+key))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form.Header.Set("Authorization", "Bearer "+w.gateway)
	if a := w.do(form); a.Status != 415 {
		t.Error("in a form", a)
	}
	same := func(r *http.Request) { r.Header.Set("Authorization", "bearer  "+key); r.Header.Set("X-API-Key", key) }
	if a, b := whoami(same), w.ask(key, same); a.Status != 200 || b.Status != 200 {
		t.Error("control: the same key twice", a, b)
	}
	basic := func(r *http.Request) { r.Header.Set("Authorization", "Basic eDp5"); r.Header.Set("X-API-Key", key) }
	if a := w.ask(key, basic); a.Status != 200 {
		t.Error("control: another scheme is the service's own business", a)
	}
	if strings.Contains(w.log.String(), key) {
		t.Error("a key was logged")
	}
}

// D1, D3
func TestOnlyKeysThatMayVerifySeeCodes(t *testing.T) {
	w := newWorld(t)
	plain := w.add(w.client())
	revoked := w.add(w.client(func(f *keyring.Facts) { f.RevokedAt = 1 }))
	for name, c := range map[string]struct {
		header string
		status int
		code   string
	}{
		"nobody":                {"", 401, "UNAUTHENTICATED"},
		"garbage":               {"Bearer x", 401, "UNAUTHENTICATED"},
		"revoked":               {"Bearer " + revoked, 401, "UNAUTHENTICATED"},
		"a key that may not":    {"Bearer " + plain, 403, "FORBIDDEN"},
		"another scheme":        {"Basic eDp5", 401, "UNAUTHENTICATED"},
		"one that may: control": {"Bearer " + w.gateway, 200, "VALID"},
	} {
		r := httptest.NewRequest(http.MethodPost, edge.VerifyPath, strings.NewReader(`{"key":"`+plain+`","api":"orders"}`))
		r.Header.Set("Authorization", c.header)

		a := w.do(r)

		if a.Status != c.status || a.code() != c.code || (a.Status == 401) != (a.Header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
}

// D7
func TestForwardedHeadersAreNothingWithoutAGatewayToken(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client())
	for name, token := range map[string][]string{
		"none": nil, "empty": {""}, "garbage": {"x"}, "two": {w.gateway, w.gateway}, "a client's own key": {key},
	} {
		for _, nginx := range []string{"", "&nginx=1"} {
			a := w.ask(key, func(r *http.Request) {
				r.URL.RawQuery += nginx
				delete(r.Header, "X-Gatehouse-Token")
				if token != nil {
					r.Header["X-Gatehouse-Token"] = token
				}
				r.Header.Set("User-Agent", "kube-probe/1.0")
			})

			want := map[string]int{"": 503, "&nginx=1": 403}[nginx]
			if a.Status != want || a.code() != "GATEWAY_UNAUTHENTICATED" {
				t.Errorf("%s%s: %d %s", name, nginx, a.Status, a.Body)
			}
		}
	}
	if a := w.ask(key, func(r *http.Request) { r.Header.Set("X-Gatehouse-Token", w.gatewayOf(w.stranger)) }); a.code() != "BAD_REQUEST" {
		t.Error("a gateway asks about an API of somebody else", a)
	}
}

func TestNginxIsToldInStatusesThatItKnows(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client(func(f *keyring.Facts) {
		f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 1, Period: time.Minute}
	}))
	nginx := func(r *http.Request) { r.URL.RawQuery += "&nginx=1" }

	yes, limited, nobody := w.ask(key, nginx), w.ask(key, nginx), w.ask("", nginx)

	if yes.Status != 200 || limited.Status != 403 || limited.code() != "RATE_LIMITED" || limited.Header.Get("Retry-After") != "60" {
		t.Fatal(yes, limited)
	}
	if nobody.Status != 401 || nobody.Header.Get("WWW-Authenticate") == "" || nobody.code() != "MISSING_KEY" {
		t.Fatal(nobody)
	}
}

// D7: a gateway sets one pair of names and lets the other through as the client sent it.
func TestClientCannotBringHalfOfWhatItIsJudgedBy(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client())
	for name, alter := range map[string]func(h http.Header){
		"another target":         func(h http.Header) { h.Set("X-Original-URI", "/v2/other") },
		"another method":         func(h http.Header) { h.Set("X-Original-Method", "POST") },
		"method from the client": func(h http.Header) { h.Del("X-Forwarded-Method"); h.Set("X-Original-Method", "GET") },
		"target from the client": func(h http.Header) { h.Del("X-Forwarded-Uri"); h.Set("X-Original-URI", "/v2/orders") },
		"method twice":           func(h http.Header) { h.Add("X-Forwarded-Method", "GET") },
		"no method":              func(h http.Header) { h.Del("X-Forwarded-Method") },
		"no target":              func(h http.Header) { h.Del("X-Forwarded-Uri") },
		"neither":                func(h http.Header) { h.Del("X-Forwarded-Uri"); h.Del("X-Forwarded-Method") },
		"empty target":           func(h http.Header) { h.Set("X-Forwarded-Uri", "") },
		"override":               func(h http.Header) { h.Set("X-HTTP-Method-Override", "DELETE") },
		"another route":          func(h http.Header) { h.Set("X-Original-URL", "/v1/admin") },
		"rewritten route":        func(h http.Header) { h.Set("X-Rewrite-URL", "/v1/admin") },
		"address":                func(h http.Header) { h.Set("X-Forwarded-For", "203.0.113.7, somewhere") },
		"whole target":           func(h http.Header) { h.Set("X-Forwarded-Uri", "http://api.example/v2/orders") },
	} {
		if a := w.ask(key, func(r *http.Request) { alter(r.Header) }); a.Status != 403 || a.code() != "BAD_REQUEST" {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	pair := func(r *http.Request) {
		r.Header.Set("X-Original-Method", "GET")
		r.Header.Set("X-Original-URI", "/v2/orders")
	}
	if a := w.ask(key, pair); a.Status != 200 {
		t.Error("control: both agree", a)
	}
	alone := func(r *http.Request) { pair(r); r.Header.Del("X-Forwarded-Method"); r.Header.Del("X-Forwarded-Uri") }
	if a := w.ask(key, alone); a.Status != 200 {
		t.Error("control: the other pair", a)
	}
	for _, query := range []string{"api=orders&scopes=orders:write", "api=orders&api=orders", "api=orders&env=", "api=orders&scope=", "api=orders&scope=%2c", "api=orders&scope=+,", "api=", "api=orders&nginx=yes", "api=%zz"} {
		if a := w.ask(key, func(r *http.Request) { r.URL.RawQuery = query }); a.code() != "BAD_REQUEST" {
			t.Errorf("?%s: %d %s", query, a.Status, a.Body)
		}
	}
	if a := w.ask(key, func(r *http.Request) { r.URL.RawQuery = "api=orders&scope=orders%3Aread+orders:write&env=any" }); a.code() != "INSUFFICIENT_SCOPE" {
		t.Error("scopes of the query are asked too", a)
	}
}

// C4, L9
func TestAddressIsTheRightmostUntrustedOne(t *testing.T) {
	w := newWorld(t)
	w.serve(edge.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	key := w.add(w.client(func(f *keyring.Facts) { f.Extra.Networks = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")} }))
	for list, status := range map[string]int{
		"203.0.113.7": 200, "198.51.100.1, 203.0.113.7": 200, "junk, 203.0.113.7, 10.1.2.3": 200, "203.0.113.7, 198.51.100.1": 403, "203.0.113.7:5123": 200,
		"203.0.113.7, 198.51.100.1, 10.0.0.1": 403, "": 403, "::ffff:203.0.113.7": 200, "10.0.0.1": 403,
	} {
		a := w.ask(key, func(r *http.Request) {
			r.Header.Set("X-Forwarded-For", list)
			if list == "" {
				r.Header.Del("X-Forwarded-For")
			}
		})
		if a.Status != status {
			t.Errorf("%q: %d %s", list, a.Status, a.Body)
		}
	}
	for peer, status := range map[string]int{"198.51.100.1:1": 403, "10.0.0.1:1": 200, "203.0.113.9:1": 200} {
		r := httptest.NewRequest(http.MethodGet, edge.WhoamiPath, nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-For", "203.0.113.7")
		r.Header.Set("Authorization", "Bearer "+key)
		if a := w.do(r); a.Status != status {
			t.Errorf("whoami from %s: %d %s", peer, a.Status, a.Body)
		}
	}
}

func TestWhoamiAnswersAnyValidKey(t *testing.T) {
	w := newWorld(t)
	whoami := func(key string) answer {
		r := httptest.NewRequest(http.MethodGet, edge.WhoamiPath, nil)
		r.Header.Set("X-API-Key", key)
		return w.do(r)
	}
	f := w.client()
	good := whoami(w.add(f))
	test := whoami(w.add(w.client(func(f *keyring.Facts) { f.Environment = keyring.Test })))

	who, _ := good.JSON["key"].(map[string]any)
	if good.Status != 200 || who["id"] != shown(f.ID, "key") || !same(who["scopes"], []string{"orders:read"}) || who["environment"] != "live" {
		t.Fatal(good.Status, good.Body)
	}
	if !strings.Contains(good.Body, `"grants":[{"api":"orders","scopes":["orders:read"]}]`) || test.Status != 200 {
		t.Fatal(good.Body, test)
	}
	for code, c := range map[string]struct {
		status int
		alter  func(f *keyring.Facts)
	}{
		"REVOKED": {401, func(f *keyring.Facts) { f.RevokedAt = 1 }}, "EXPIRED": {401, func(f *keyring.Facts) { f.ExpiresAt = 1 }},
		"PAUSED": {401, func(f *keyring.Facts) { f.Paused = true }}, "SUSPENDED": {403, func(f *keyring.Facts) { f.Extra.SuspendedUntil = keyring.Forever }},
	} {
		if a := whoami(w.add(w.client(c.alter))); a.Status != c.status || a.code() != code {
			t.Errorf("%s: %d %s", code, a.Status, a.Body)
		}
	}
	batch := w.usage.Drain()
	var counted int64
	for series, n := range batch.Counts {
		if series.API != w.portal || series.Template != "/v1/whoami" {
			t.Errorf("%+v", series)
		}
		counted += n
	}
	if counted != 6 {
		t.Error(counted)
	}
}

// The caller's own calls are not limited and not counted; each verification is counted once, whatever its code.
func TestVerificationsAreCountedAndCallersAreNot(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client())
	w.usage.Drain()

	w.ask(key)
	w.ask(key, func(r *http.Request) { r.Header.Set("X-Forwarded-Method", "POST") })
	w.verify(`{"key":"` + key + `","api":"orders","method":"GET","path":"/v2/orders/7"}`)
	w.verify(`{"key":"gk_live_x","api":"orders"}`)
	w.ask("")
	w.verify(`{}`)

	got := map[string]int64{}
	for s, n := range w.usage.Drain().Counts {
		got[s.Template+" "+s.Code.String()] += n
	}
	if !same(got, map[string]int64{"/v2/orders VALID": 1, "/v2/orders INSUFFICIENT_SCOPE": 1, "/v2/orders/{id} VALID": 1, " NOT_FOUND": 1, "/v2/orders MISSING_KEY": 1}) {
		t.Fatal(got)
	}
}

// C13
func TestWhatCannotBeAnsweredIsNeverYesAndNever401(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client())
	if a := w.ask(key); a.Status != 200 {
		t.Fatal(a)
	}
	w.mu.Lock()
	w.fail = errors.New("the database is away")
	w.mu.Unlock()

	if a := w.ask(key); a.Status != 200 {
		t.Fatal("warm, it needs no database", a)
	}
	cold := w.add(w.client())
	w.mu.Lock()
	w.now = w.now.Add(time.Second)
	w.mu.Unlock()
	if a := w.ask(cold); a.Status != 503 || a.code() != "UNAVAILABLE" || a.Header.Get("Retry-After") != "1" {
		t.Fatal(a)
	}
	if a := w.verify(`{"key":"` + cold + `","api":"orders"}`); a.Status != 503 || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatal(a)
	}
	w.advance(10 * time.Second)
	if a := w.ask(key); a.Status != 503 {
		t.Fatal("after the bound it stops saying yes", a)
	}
	if a := w.ask(key, func(r *http.Request) { r.URL.RawQuery += "&nginx=1" }); a.Status != 403 || a.code() != "UNAVAILABLE" {
		t.Fatal(a)
	}
}

type brokenLimiter struct{ ratelimit.Limiter }

func TestPanicIsARefusal(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client(func(f *keyring.Facts) {
		f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 1, Period: time.Second}
	}))
	w.handler = edge.New(edge.Options{Ring: w.ring, Limiter: brokenLimiter{}, Counters: w.usage, Clock: w.clock, Brand: "gk", Digesters: digesters(w)})

	a, b := w.ask(key), w.verify(`{"key":"`+key+`","api":"orders"}`)

	if a.Status != 503 || b.Status != 500 || strings.Contains(a.Body+b.Body, "nil pointer") {
		t.Fatal(a, b)
	}
}

func TestOtherPathsAndMethodsAreNotServed(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 404},
		{"GET", "/v1/keys", 404},
		{"GET", "/v1/authz/", 404},
		{"GET", "/v1/keys/verify", 405},
		{"POST", "/v1/whoami", 405},
		{"HEAD", "/v1/whoami", 401},
		{"PROPFIND", "/v1/authz", 503},
		{"POST", "/v1//keys/verify", 404},
	} {
		a := w.do(httptest.NewRequest(c.method, c.path, nil))
		if a.Status != c.status {
			t.Errorf("%s %s: %d", c.method, c.path, a.Status)
		}
	}
	page := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusTeapot) })
	w.handler = edge.InFront(w.handler, page)
	if a, b := w.do(httptest.NewRequest("GET", "/console", nil)), w.do(httptest.NewRequest("GET", "/v1/whoami", nil)); a.Status != 418 || b.Status != 401 {
		t.Error(a.Status, b.Status)
	}
}
