package edge_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/edge"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// envoyAsks makes the request that Envoy makes of a check about method and target.
func (w *world) envoyAsks(method, target, key string, alter ...func(r *http.Request)) answer {
	w.t.Helper()
	r := httptest.NewRequest(method, edge.EnvoyPath+"orders/live"+target, nil)
	r.Header.Set("X-Gatehouse-Token", w.gateway)
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for _, fn := range alter {
		fn(r)
	}
	return w.do(r)
}

// D1, D6, D8
func TestEnvoyIsAnsweredByTheMethodAndTargetThatItAppends(t *testing.T) {
	w := newWorld(t)
	f := w.client()
	key := w.add(f)
	limited := w.add(w.client(func(f *keyring.Facts) {
		f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 1, Period: time.Minute}
	}))
	yes := w.envoyAsks("GET", "/v2/orders?page=2", key)
	if yes.Status != 200 || yes.Header.Get("X-Gatehouse-App-Id") != shown(f.App.ID, "app") || yes.Header.Get("X-Gatehouse-Scopes") != "orders:read" || len(yes.Header.Values("X-Gatehouse-Environment")) != 1 {
		t.Fatal(yes.Status, yes.Header, yes.Body)
	}
	if first := w.envoyAsks("GET", "/v2/orders", limited); first.Status != 200 {
		t.Fatal("control of the limit", first.Status)
	}
	for name, c := range map[string]struct {
		method, target, key string
		status              int
		code                string
	}{
		"no key":         {"GET", "/v2/orders", "", 401, "MISSING_KEY"},
		"unknown key":    {"GET", "/v2/orders", "gk_live_x", 401, "NOT_FOUND"},
		"scope missing":  {"POST", "/v2/orders", key, 403, "INSUFFICIENT_SCOPE"},
		"undeclared":     {"GET", "/v2/nothing", key, 403, "INSUFFICIENT_SCOPE"},
		"limited":        {"GET", "/v2/orders", limited, 429, "RATE_LIMITED"},
		"ambiguous":      {"GET", "/v2/orders/..%2f..%2fadmin", key, 403, "BAD_REQUEST"},
		"dots":           {"GET", "/v2/orders/../../admin", key, 403, "BAD_REQUEST"},
		"dots outwards":  {"GET", "/../../../verify", key, 403, "BAD_REQUEST"},
		"doubled":        {"GET", "//v2/orders", key, 403, "BAD_REQUEST"},
		"a number sign":  {"GET", "/v2/orders/%23x", key, 403, "BAD_REQUEST"},
		"a key in it":    {"GET", "/v2/orders?key=" + key, key, 403, "BAD_REQUEST"},
		"asks for env":   {"GET", "/v2/orders?env=any&api=staff", key, 200, ""},
		"no target":      {"GET", "", key, 403, "BAD_REQUEST"},
		"the root alone": {"GET", "/", key, 403, "INSUFFICIENT_SCOPE"},
	} {
		got := w.envoyAsks(c.method, c.target, c.key)
		if code := got.Header.Get("X-Gatehouse-Code"); got.Status != c.status || c.code != "" && code != c.code {
			t.Errorf("%s: %d %s", name, got.Status, code)
		}
	}
}

// D7: what a client writes itself is never what it is judged by, and without the token nothing is.
func TestEnvoyIsNotBelievedWithoutItsTokenNorClientsBesideIt(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client())
	for name, c := range map[string]struct {
		alter  func(r *http.Request)
		status int
	}{
		"control":             {func(*http.Request) {}, 200},
		"no token":            {func(r *http.Request) { r.Header.Del("X-Gatehouse-Token") }, 503},
		"two tokens":          {func(r *http.Request) { r.Header.Add("X-Gatehouse-Token", w.gateway) }, 503},
		"a stranger's":        {func(r *http.Request) { r.Header.Set("X-Gatehouse-Token", w.gatewayOf(w.stranger)) }, 403},
		"a client's key":      {func(r *http.Request) { r.Header.Set("X-Gatehouse-Token", key) }, 503},
		"another target":      {func(r *http.Request) { r.Header.Set("X-Forwarded-Uri", "/v2/orders") }, 403},
		"another method":      {func(r *http.Request) { r.Header.Set("X-Forwarded-Method", "GET") }, 403},
		"an original target":  {func(r *http.Request) { r.Header.Set("X-Original-Uri", "/v2/admin") }, 403},
		"an override":         {func(r *http.Request) { r.Header.Set("X-Http-Method-Override", "DELETE") }, 403},
		"Envoy's own rewrite": {func(r *http.Request) { r.Header.Set("X-Envoy-Original-Path", "/v2/admin") }, 200},
	} {
		if got := w.envoyAsks("GET", "/v2/orders", key, c.alter); got.Status != c.status || got.Status != 200 && got.Header.Get("X-Gatehouse-Key-Id") != "" {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
	for _, path := range []string{"", "orders", "orders/", "orders/live", "orders/prod/v2/orders", "/live/v2/orders", "orders%26env=any/live/v2/orders", "orders&scope=x/live/v2/orders", "orders&nginx=0/live/v2/orders", "staff/live/v2/orders", "ORDERS/live/v2/orders"} {
		r := w.asking(key)
		asked := httptest.NewRequest(http.MethodGet, edge.EnvoyPath+path, nil)
		asked.Header = r.Header
		asked.Header.Del("X-Forwarded-Uri")
		asked.Header.Del("X-Forwarded-Method")
		if got := w.do(asked); got.Status < 400 {
			t.Errorf("%s: %d", path, got.Status)
		}
	}
	w.advance(time.Hour)
	if got := w.envoyAsks("GET", "/v2/orders", w.add(w.client())); got.Status != 503 || got.code() != "UNAVAILABLE" {
		t.Error("stale facts", got.Status, got.code())
	}
	if !edge.Serves(edge.EnvoyPath+"orders/live/v2/orders") || edge.Serves(strings.TrimSuffix(edge.EnvoyPath, "/")) {
		t.Error("the portal gets what the edge should, or the other way round")
	}
}
