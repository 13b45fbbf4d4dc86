package edge_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/client/guard"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// guarded is a service that guards itself with the middleware, in front of the real edge.
type guarded struct {
	url           string
	asked, served atomic.Int64
	edge          *httptest.Server
}

func newGuarded(t *testing.T, w *world, keep time.Duration, most int) *guarded {
	t.Helper()
	s := &guarded{}
	s.edge = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		w.handler.ServeHTTP(rw, r)
	}))
	t.Cleanup(s.edge.Close)
	g, err := guard.New(guard.Options{Gatehouse: s.edge.URL, Key: w.gateway, API: "orders", Keep: keep, Most: most, Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	service := httptest.NewServer(g.Protect(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.served.Add(1)
		caller, known := guard.From(r.Context())
		for name, values := range r.Header {
			if strings.Contains(strings.ToLower(name), "gatehouse") || name == "Authorization" || name == "X-Api-Key" {
				t.Errorf("%s: %q reached the service", name, values)
			}
		}
		if !known {
			t.Error("the service is not told who calls")
		}
		_, _ = io.WriteString(rw, `{"app":["`+caller.AppID+`"],"scopes":["`+strings.Join(caller.Scopes, " ")+`"]}`)
	})))
	t.Cleanup(service.Close)
	s.url = service.URL
	return s
}

// call is the status and the code by which GET target with key is answered.
func (s *guarded) call(t *testing.T, method, target, key string, header http.Header) (int, string) {
	t.Helper()
	status, answer, _ := visit(t, method, s.url+target, key, header)
	return status, answer.Get("X-Gatehouse-Code")
}

// D1, D4, D8
func TestMiddlewareLetsThroughWhatTheEdgeDoesAndNothingElse(t *testing.T) {
	w := newWorld(t)
	s := newGuarded(t, w, 5*time.Second, 0)
	f := w.client()
	key := w.add(f)
	status, _, seen := visit(t, "GET", s.url+"/v2/orders", key, http.Header{"X_Gatehouse_App_Id": {"admin"}, "X-Gatehouse-App-Id": {"admin"}})
	if status != 200 || seen["app"][0] != shown(f.App.ID, "app") || seen["scopes"][0] != "orders:read" {
		t.Fatal(status, seen)
	}
	limited := w.add(w.client(func(f *keyring.Facts) {
		f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 1, Period: time.Minute}
	}))
	if status, _ := s.call(t, "GET", "/v2/orders/1", limited, nil); status != 200 {
		t.Fatal("control of the limit", status)
	}
	for name, c := range map[string]struct {
		method, target, key string
		header              http.Header
		status              int
		code                string
	}{
		"no key":            {"GET", "/v2/orders", "", nil, 401, "MISSING_KEY"},
		"unknown":           {"GET", "/v2/orders", "gk_live_x", nil, 401, "NOT_FOUND"},
		"revoked":           {"GET", "/v2/orders", w.add(w.client(func(f *keyring.Facts) { f.RevokedAt = start.UnixNano() })), nil, 401, "REVOKED"},
		"another method":    {"POST", "/v2/orders", key, nil, 403, "INSUFFICIENT_SCOPE"},
		"another route":     {"GET", "/v2/nothing", key, nil, 403, "INSUFFICIENT_SCOPE"},
		"ambiguous":         {"GET", "/v2/orders/..%2f..%2fadmin", key, nil, 400, "BAD_REQUEST"},
		"two keys":          {"GET", "/v2/orders", key, http.Header{"X-Api-Key": {limited}}, 400, "BAD_REQUEST"},
		"override by query": {"GET", "/v2/orders?a=1&_method=DELETE", key, nil, 400, "BAD_REQUEST"},
		"rewritten":         {"GET", "/v2/orders", key, http.Header{"X-Rewrite-Url": {"/v2/admin"}}, 400, "BAD_REQUEST"},
		"override":          {"GET", "/v2/orders", key, http.Header{"X-Http-Method-Override": {"DELETE"}}, 400, "BAD_REQUEST"},
		"limited":           {"GET", "/v2/orders", limited, nil, 429, "RATE_LIMITED"},
		"same key, again":   {"GET", "/v2/orders", key, nil, 200, ""},
	} {
		status, answer, _ := visit(t, c.method, s.url+c.target, c.key, c.header)
		if refused, id := status != 200, answer.Get("X-Request-Id"); refused && name != "no key" && c.code != "BAD_REQUEST" && !refusal.IsRequestID(id) || !refused && id != "" {
			t.Errorf("%s: the request is named %q", name, id)
		}
		if status != c.status || answer.Get("X-Gatehouse-Code") != c.code || status == 429 && answer.Get("Retry-After") != "60" {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
}

func TestMiddlewareSaysWhyAndNamesTheRequestAsThePortalDoes(t *testing.T) {
	w := newWorld(t)
	s := newGuarded(t, w, 0, 0)
	key := w.add(w.client())
	for name, c := range map[string]struct {
		method, target, key, code string
		asked                     bool
	}{
		"no key":        {"GET", "/v2/orders", "", "MISSING_KEY", false},
		"scope missing": {"POST", "/v2/orders", key, "INSUFFICIENT_SCOPE", true},
		"ambiguous":     {"GET", "/v2/orders/..%2f..%2fadmin", key, "BAD_REQUEST", true},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, s.url+c.target, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.key != "" {
			r.Header.Set("Authorization", "Bearer "+c.key)
		}

		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		var problem struct {
			Code, Detail string
			RequestID    string `json:"request_id"`
		}
		err = json.NewDecoder(answer.Body).Decode(&problem)
		_ = answer.Body.Close()

		id := answer.Header.Get("X-Request-Id")
		if err != nil || problem.Code != c.code || problem.Detail == "" || problem.RequestID != id || refusal.IsRequestID(id) != c.asked {
			t.Errorf("%s: %v %+v %v", name, err, problem, answer.Header)
		}
	}
	w.advance(time.Hour)
	if status, answer, _ := visit(t, "GET", s.url+"/v2/orders", w.add(w.client()), nil); status != 503 || !refusal.IsRequestID(answer.Get("X-Request-Id")) {
		t.Error("stale facts:", status, answer)
	}
}

// D5, 4.5
func TestMiddlewareKeepsAYesForNoLongerThanItSaysAndNeverARefusal(t *testing.T) {
	w := newWorld(t)
	s := newGuarded(t, w, 5*time.Second, 2)
	f := w.client()
	key := w.add(f)
	for range 3 {
		if status, code := s.call(t, "GET", "/v2/orders", key, nil); status != 200 {
			t.Fatal(status, code)
		}
	}
	if n := s.asked.Load(); n != 1 {
		t.Error("three calls within the time asked", n)
	}
	revoked := *f
	revoked.RevokedAt = start.UnixNano()
	w.commit(func() {
		for d, facts := range w.keys {
			if facts == f {
				w.keys[d] = &revoked
			}
		}
	}, keyring.Change{Kind: keyring.KindKey, ID: f.ID})

	w.advance(5 * time.Second)
	for range 2 {
		if status, code := s.call(t, "GET", "/v2/orders", key, nil); status != 401 || code != "REVOKED" {
			t.Error("after its time:", status, code)
		}
	}
	if n := s.asked.Load(); n != 3 {
		t.Error("a refusal was kept: asked", n)
	}

	soon := w.add(w.client(func(f *keyring.Facts) { f.ExpiresAt = start.Add(6 * time.Second).UnixNano() }))
	if status, code := s.call(t, "GET", "/v2/orders", soon, nil); status != 200 {
		t.Fatal(status, code)
	}
	w.advance(time.Second)
	if status, code := s.call(t, "GET", "/v2/orders", soon, nil); status != 401 || code != "EXPIRED" {
		t.Error("a key ends while its yes is kept:", status, code)
	}
}

func TestMiddlewareKeepsNoMoreThanItSays(t *testing.T) {
	w := newWorld(t)
	s := newGuarded(t, w, 5*time.Second, 2)
	key := w.add(w.client())
	for _, target := range []string{"/v2/orders/1", "/v2/orders/2", "/v2/orders/3", "/v2/orders/1", "/v2/orders/2", "/v2/orders/3"} {
		if status, code := s.call(t, "GET", target, key, nil); status != 200 {
			t.Fatal(status, code)
		}
	}
	if n := s.asked.Load(); n < 4 {
		t.Error("three yeses were kept where there is room for two: asked", n)
	}
}

// 4.5, C13
func TestMiddlewareFailsClosedWhenNobodyKnows(t *testing.T) {
	w := newWorld(t)
	s := newGuarded(t, w, 5*time.Second, 0)
	key := w.add(w.client())
	if status, _ := s.call(t, "GET", "/v2/orders", key, nil); status != 200 {
		t.Fatal("control", status)
	}
	w.advance(5 * time.Second)
	real := w.handler
	for name, body := range map[string]string{
		"empty": "", "no JSON": "yes", "another form": `{"valid":"true"}`, "valid alone": `{"valid":true}`, "in two ways": `{"valid":true,"code":"REVOKED","key":{"id":"key_1"}}`, "nobody": `{"valid":true,"code":"VALID"}`,
	} {
		w.handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, body) })
		if status, code := s.call(t, "GET", "/v2/orders", key, nil); status != 503 || code != "UNAVAILABLE" {
			t.Error(name, status, code)
		}
	}
	for upstream, want := range map[int]string{302: "UNAVAILABLE", 500: "UNAVAILABLE", 503: "UNAVAILABLE", 401: "GATEWAY_UNAUTHENTICATED", 403: "GATEWAY_UNAUTHENTICATED"} {
		w.handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Location", "/elsewhere")
			rw.WriteHeader(upstream)
		})
		if status, code := s.call(t, "GET", "/v2/orders", key, nil); status != 503 || code != want {
			t.Error(upstream, status, code)
		}
	}
	w.handler = real
	w.advance(time.Hour)
	if status, code := s.call(t, "GET", "/v2/orders", w.add(w.client()), nil); status != 503 || code != "UNAVAILABLE" {
		t.Error("stale facts", status, code)
	}
	s.edge.Close()
	if status, code := s.call(t, "GET", "/v2/orders", key, nil); status != 503 || code != "UNAVAILABLE" {
		t.Error("the portal is gone", status, code)
	}
	if n := s.served.Load(); n != 1 {
		t.Error("the service was reached by others than the control:", n)
	}
}

func TestMiddlewareIsNotMadeFromOptionsThatCannotBe(t *testing.T) {
	good := guard.Options{Gatehouse: "https://portal.example", Key: "k", API: "orders", Keep: guard.LongestKeep}
	for name, alter := range map[string]func(*guard.Options){
		"no address": func(o *guard.Options) { o.Gatehouse = "portal.example" }, "another scheme": func(o *guard.Options) { o.Gatehouse = "ftp://portal.example" },
		"no key": func(o *guard.Options) { o.Key = "" }, "no API": func(o *guard.Options) { o.API = "" },
		"kept too long": func(o *guard.Options) { o.Keep++ }, "kept for less than nothing": func(o *guard.Options) { o.Keep = -1 },
	} {
		o := good
		alter(&o)
		if _, err := guard.New(o); err == nil {
			t.Error(name)
		}
	}
	if _, err := guard.New(good); err != nil {
		t.Error("control", err)
	}
}
