package edge_test

import (
	"encoding/json"
	"fmt"
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

// faults are the reasons to refuse, in the order of the contract, with the status of forward-auth. Each is laid on top of all those
// after it, so that the order shows.
var faults = []struct {
	code   string
	status int
	lay    func(w *world, f *keyring.Facts)
}{
	{"NOT_FOUND", 401, func(w *world, f *keyring.Facts) { f.Reach.Grants[0].Access.Publisher = w.stranger.ID }},
	{"REVOKED", 401, func(_ *world, f *keyring.Facts) { f.RevokedAt = start.UnixNano() }},
	{"EXPIRED", 401, func(_ *world, f *keyring.Facts) { f.ExpiresAt = start.UnixNano() }},
	{"PAUSED", 401, func(_ *world, f *keyring.Facts) { f.Paused = true }},
	{"SUSPENDED", 403, func(_ *world, f *keyring.Facts) { f.App.SuspendedUntil = start.Add(90 * time.Second).UnixNano() }},
	{"FORBIDDEN_IP", 403, func(_ *world, f *keyring.Facts) {
		f.Extra.Networks = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	}},
	{"FORBIDDEN_ORIGIN", 403, func(_ *world, f *keyring.Facts) { f.Extra.Origins = []string{"https://shop.example"} }},
	{"WRONG_ENVIRONMENT", 403, func(_ *world, f *keyring.Facts) { f.Environment = keyring.Test }},
	{"WRONG_API", 403, func(_ *world, f *keyring.Facts) { f.Reach.Grants[0].Access.State = keyring.AccessEnded }},
	{"INSUFFICIENT_SCOPE", 403, func(_ *world, f *keyring.Facts) { f.Reach.Grants[0].Scopes = []string{"orders:write"} }},
	{"QUOTA_EXCEEDED", 429, func(_ *world, f *keyring.Facts) { f.Reach.Grants[0].Access.Quota = 1 }},
	{"RATE_LIMITED", 429, func(_ *world, f *keyring.Facts) {
		f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 1, Period: time.Minute}
	}},
}

const question = `{"key":"KEY","api":"orders","method":"GET","path":"/v2/orders","scopes":["orders:read"],"ip":"203.0.113.7","origin":"https://other.example"}`

func TestCodesRefuseInTheOrderOfTheContract(t *testing.T) {
	for i, fault := range faults {
		t.Run(fault.code, func(t *testing.T) {
			w := newWorld(t)
			f := w.client()
			for _, below := range faults[i:] {
				below.lay(w, f)
			}
			key := w.add(f)
			spent := w.add(w.client(func(c *keyring.Facts) { c.App, c.Reach.Grants[0].Access = f.App, clean(f.Reach.Grants[0].Access, w) }))
			w.verify(`{"key":"` + spent + `","api":"orders"}`) // uses up quota and rate, which the app's keys share

			verified := w.verify(strings.Replace(question, "KEY", key, 1))
			asked := w.ask(key)

			if verified.Status != 200 || verified.JSON["valid"] != false || verified.code() != fault.code {
				t.Errorf("verify: %d %s", verified.Status, verified.Body)
			}
			if asked.Status != fault.status || asked.Header.Get("X-Gatehouse-Code") != fault.code || asked.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("authz: %d %v %s", asked.Status, asked.Header, asked.Body)
			}
			if (asked.Status == 401) != (asked.Header.Get("WWW-Authenticate") != "") {
				t.Errorf("WWW-Authenticate %q at %d", asked.Header.Get("WWW-Authenticate"), asked.Status)
			}
			if asked.Status == 429 && (asked.Header.Get("Retry-After") == "" || asked.Header.Get("RateLimit") == "" || asked.Header.Get("RateLimit-Policy") == "") {
				t.Errorf("headers of 429: %v", asked.Header)
			}
		})
	}
}

// clean is an access in force with the same limits.
func clean(a *keyring.Access, w *world) *keyring.Access {
	c := *a
	c.State, c.Publisher = keyring.AccessActive, w.publisher.ID
	return &c
}

func TestValidAnswerIsThatOfTheContract(t *testing.T) {
	w := newWorld(t)
	f := w.client(func(f *keyring.Facts) {
		f.ExpiresAt = time.Date(2027, 2, 19, 0, 0, 0, 0, time.UTC).UnixNano()
		f.Extra.Metadata = json.RawMessage(`{"team":"checkout"}`)
		f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 100, Period: time.Minute}
		f.Reach.Grants[0].Access.Quota = 1_000_000
	})
	key := w.add(f)

	a := w.verify(`{"key":"` + key + `","api":"orders","environment":"live","scopes":["orders:read"],"ip":"203.0.113.7","origin":"https://shop.example","method":"GET","path":"/v2/orders","user_agent":"curl \u00e9\"","cost":1}`)

	id, _ := a.JSON["request_id"].(string)
	var want map[string]any
	_ = json.Unmarshal([]byte(`{"valid":true,"code":"VALID","request_id":"`+id+`","key":{"id":"`+shown(f.ID, "key")+`","name":"Checkout worker","environment":"live",
		"scopes":["orders:read"],"expires_at":"2027-02-19T00:00:00Z","metadata":{"team":"checkout"}},"app":{"id":"`+shown(f.App.ID, "app")+`","name":"Northwind shop"},
		"organization":{"id":"`+shown(f.App.Org.ID, "org")+`","name":"Northwind"},"ratelimit":{"limit":100,"remaining":99,"reset_ms":600},
		"quota":{"limit":1000000,"remaining":999999,"resets_at":"2026-12-01T00:00:00Z"}}`), &want)
	if a.Status != 200 || !strings.HasPrefix(id, "req_") || a.Header.Get("X-Request-Id") != id || !same(a.JSON, want) {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
}

// D8, L5
func TestForwardAuthYesCarriesAllIdentityHeaders(t *testing.T) {
	w := newWorld(t)
	f := w.client(func(f *keyring.Facts) {
		f.Reach.Grants[0].Scopes = nil
		f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 100, Period: time.Minute, Burst: 20}
	})
	key := w.add(f)

	a := w.ask(key, func(r *http.Request) {
		r.URL.RawQuery = "api=staff"
		r.Header.Set("X-Gatehouse-Scopes", "everything")
	})
	b := w.ask(w.add(w.client()))

	if a.Status != 403 || a.code() != "WRONG_API" {
		t.Fatal(a)
	}
	if b.Status != 200 || b.Body != "" {
		t.Fatal(b)
	}
	for name, prefix := range map[string]string{"X-Gatehouse-Key-Id": "key_", "X-Gatehouse-App-Id": "app_", "X-Gatehouse-Organization-Id": "org_", "X-Gatehouse-Scopes": "orders:read", "X-Gatehouse-Environment": "live"} {
		if v := b.Header.Values(name); len(v) != 1 || !strings.HasPrefix(v[0], prefix) {
			t.Errorf("%s: %q", name, v)
		}
	}
	w.mu.Lock()
	w.apis = func() []*keyring.API {
		all := w.catalogue()
		all[1].Rules, all[1].RefuseUndeclared = nil, false
		return all
	}
	w.mu.Unlock()
	w.commit(func() {}, keyring.Change{Kind: keyring.KindAPI, ID: w.orders})

	c := w.ask(key)

	if c.Status != 403 || c.code() != "INSUFFICIENT_SCOPE" || c.Header.Get("X-Gatehouse-Key-Id") != "" {
		t.Fatalf("a key without any scope left passed: %v", c.Header)
	}
}

func TestTighterOfTwoLimitsIsReported(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client(func(f *keyring.Facts) {
		f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 100, Period: time.Minute}
		f.Extra.Limit = ratelimit.Limit{Requests: 2, Period: time.Second}
	}))

	first, second, third := w.ask(key), w.ask(key), w.ask(key)

	if first.Header.Get("RateLimit-Policy") != `"default";q=2;w=1` || second.Header.Get("RateLimit") != `"default";r=0;t=1` {
		t.Fatal(first.Header, second.Header)
	}
	if third.Status != 429 || third.Header.Get("Retry-After") != "1" {
		t.Fatal(third.Status, third.Header)
	}
	w.advance(500 * time.Millisecond)
	if again := w.ask(key); again.Status != 200 {
		t.Fatal("Retry-After is the truth, rounded up", again)
	}
}

func TestRotatingDoesNotDoubleTheLimit(t *testing.T) {
	w := newWorld(t)
	f := w.client(func(f *keyring.Facts) {
		f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 3, Period: time.Minute}
	})
	twin := *f
	twin.ID = newID()
	one, two := w.add(f), w.add(&twin)

	codes := ""
	for _, key := range []string{one, two, one, two} {
		codes += w.ask(key).code() + " "
	}

	if codes != "   RATE_LIMITED " {
		t.Fatalf("%q", codes)
	}
}

func TestMonthlyQuotaEndsAndBeginsAnew(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client(func(f *keyring.Facts) { f.Reach.Grants[0].Access.Quota = 2 }))

	a, b, c := w.ask(key), w.ask(key), w.ask(key)

	if a.Status != 200 || b.Header.Get("RateLimit") != `"month";r=0;t=820800` || b.Header.Get("RateLimit-Policy") != `"month";q=2;w=2592000` {
		t.Fatal(b.Header)
	}
	if c.code() != "QUOTA_EXCEEDED" || c.Header.Get("Retry-After") != "820800" {
		t.Fatal(c.Status, c.Header)
	}
	w.advance(820800 * time.Second)
	w.poll()
	if d := w.ask(key); d.Status != 200 {
		t.Fatal(d)
	}
}

// L5: what the headers say is what happens, call by call.
func TestLimitHeadersTellTheTruth(t *testing.T) {
	for _, limit := range []ratelimit.Limit{{Requests: 5, Period: time.Second}, {Requests: 7, Period: 10 * time.Second, Burst: 3}, {Requests: 1, Period: time.Minute, Burst: 4}, {Requests: 1000, Period: time.Hour, Burst: 2}} {
		w := newWorld(t)
		key := w.add(w.client(func(f *keyring.Facts) { f.Reach.Grants[0].Access.Limit = limit }))
		for left := limit.Capacity() - 1; left >= -1; left-- {
			a := w.ask(key)

			var remaining, reset, retry int
			if _, err := fmt.Sscanf(a.Header.Get("RateLimit"), `"default";r=%d;t=%d`, &remaining, &reset); err != nil {
				t.Fatal(err, a.Header)
			}
			if (a.Status == 200) != (left >= 0) || remaining != max(left, 0) || reset < 1 {
				t.Fatalf("%+v: %d left, but %d %v", limit, left, a.Status, a.Header)
			}
			if a.Status == 200 {
				continue
			}
			if _, err := fmt.Sscan(a.Header.Get("Retry-After"), &retry); err != nil || retry < 1 || retry > reset {
				t.Fatal(err, a.Header)
			}
			w.advance(time.Duration(retry) * time.Second)
			w.poll()
			if again := w.ask(key); again.Status != 200 {
				t.Fatalf("%+v: who waits as told is refused: %v", limit, again.Header)
			}
		}
	}
}

// D4
func TestEachRequestIsJudgedByItself(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client())
	write := func(r *http.Request) { r.Header.Set("X-Forwarded-Method", "POST") }

	for range 3 {
		if a := w.ask(key); a.Status != 200 {
			t.Fatal(a)
		}
		if a := w.ask(key, write); a.code() != "INSUFFICIENT_SCOPE" {
			t.Fatal(a)
		}
	}
	other := w.add(w.client())
	for range 3 {
		if a := w.ask(other, write); a.code() != "INSUFFICIENT_SCOPE" {
			t.Fatal(a)
		}
		if a := w.ask(other); a.Status != 200 {
			t.Fatal(a)
		}
	}
}

// D3
func TestForeignKeyIsUnknownByteForByte(t *testing.T) {
	w := newWorld(t)
	strangers := w.gatewayOf(w.stranger)
	foreign, unknown := w.add(w.client()), "gk_live_00000000000000000000000000000000"+"000000"
	ask := func(key string) answer {
		r := httptest.NewRequest(http.MethodPost, edge.VerifyPath, strings.NewReader(`{"key":"`+key+`"}`))
		r.Header.Set("X-Api-Key", strangers)
		return w.do(r)
	}

	a, b := ask(foreign), ask(unknown)

	cut := func(a answer) string {
		id, _ := a.JSON["request_id"].(string)
		return strings.Replace(a.Body, id, "", 1)
	}
	a.Header.Del("X-Request-Id")
	b.Header.Del("X-Request-Id")
	if a.Status != 200 || cut(a) != cut(b) || !same(a.Header, b.Header) || a.code() != "NOT_FOUND" {
		t.Fatal(a, b)
	}
}

func same(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}
