package edge_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// gateways are the programs whose files we offer, each run with the very text that we offer.
var gateways = map[string]func(t *testing.T, o gatewayfile.Options) (url string){
	"nginx": func(t *testing.T, o gatewayfile.Options) string {
		url, _ := testenv.Nginx(t, gatewayfile.Nginx(o))
		return url
	},
	"caddy": func(t *testing.T, o gatewayfile.Options) string {
		url, _ := testenv.Caddy(t, gatewayfile.Caddy(o))
		return url
	},
	"haproxy": func(t *testing.T, o gatewayfile.Options) string {
		url, _ := testenv.HAProxy(t, strings.ReplaceAll(gatewayfile.HAProxy(o), "/etc/haproxy/gatehouse-orders-live.lua", "@LUA@"), gatewayfile.HAProxyLua(o))
		return url
	},
}

// Traefik is built by make gateways alone: no package brings it.
func init() {
	if testenv.TraefikPath() != "" {
		gateways["traefik"] = func(t *testing.T, o gatewayfile.Options) string {
			url, _ := testenv.Traefik(t, gatewayfile.Traefik(o))
			return url
		}
	}
}

// silent reports whether the gateway passes on nothing of what we say with a yes, and of our silence says only that it failed: Traefik.
func silent(t *testing.T) bool { return strings.HasSuffix(t.Name(), "/traefik") }

// site is the edge and a service that tells what reached it, with a real gateway between them.
type site struct {
	url     string
	address string
	edge    *httptest.Server
	service *httptest.Server

	mu     sync.Mutex
	judged []string // targets that the gateway asked about
	served []string // targets that the service got
}

func newSite(t *testing.T, w *world, run func(*testing.T, gatewayfile.Options) string) *site {
	t.Helper()
	s := &site{}
	s.edge = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.judged = append(s.judged, strings.Join(r.Header.Values("X-Forwarded-Uri"), " "))
		s.mu.Unlock()
		w.handler.ServeHTTP(rw, r)
	}))
	t.Cleanup(s.edge.Close)
	s.service = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.served = append(s.served, r.RequestURI)
		s.mu.Unlock()
		seen := map[string][]string{"uri": {r.RequestURI}, "method": {r.Method}}
		for name, values := range r.Header {
			seen[name] = values
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		seen["body"] = []string{string(body)}
		for name, values := range r.Trailer {
			seen["trailer "+name] = values
		}
		_ = json.NewEncoder(rw).Encode(seen)
	}))
	t.Cleanup(s.service.Close)
	s.url = run(t, gatewayfile.Options{
		GatehouseURL: s.edge.URL, APISlug: "orders", Environment: "live", Token: w.gateway, Upstream: s.service.URL, Listen: "127.0.0.1:@PORT@",
	})
	s.address = strings.TrimPrefix(s.url, "http://")
	return s
}

// eachGateway runs act behind each program.
func eachGateway(t *testing.T, act func(t *testing.T, w *world, s *site)) {
	t.Helper()
	for name, run := range gateways {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			act(t, w, newSite(t, w, run))
		})
	}
}

// D7, D8, D9, K5
func TestBehindEachGatewayOnlyTheKeysOwnIdentityReachesTheService(t *testing.T) {
	eachGateway(t, func(t *testing.T, w *world, s *site) {
		f := w.client()
		key := w.add(f)
		spoofed := http.Header{
			"X-Gatehouse-Key-Id": {"key_admin", "key_admin2"}, "x-gatehouse-scopes": {"everything"}, "X_Gatehouse_App_Id": {"app_admin"}, "X.Gatehouse.Scopes": {"admin"},
			"X-Gatehouse_Organization-Id": {"org_admin"}, "X-Gatehouse-Organization-Id": {"org_admin"}, "X-Gatehouse-Environment": {"admin"}, "X-Gatehouse-Code": {"admin"},
			"X-Gatehouse-Role": {"admin"}, "X-Gatehouse-Token": {w.gatewayOf(w.stranger)}, "X-Original-Uri": {"/v2/admin"}, "X-Original-Method": {"GET"},
			"X-Forwarded-Uri": {"/v2/admin"}, "X-Forwarded-Method": {"DELETE"}, "X-Forwarded-For": {"198.51.100.1"}, "X-Original-Url": {"/v1/admin"},
			"X-Rewrite-Url": {"/v1/admin"}, "X-Http-Method-Override": {"DELETE"}, "X-Forwarded-Prefix": {"/admin"}, "X-Real-Ip": {"198.51.100.1"}, "Forwarded": {"for=admin"},
			"Connection": {"X-Gatehouse-Scopes, X-Gatehouse-Key-Id, X-Forwarded-For, X-Gatehouse-Token"}, "X-Mine": {"kept"},
		}
		if strings.HasSuffix(t.Name(), "/nginx") { // takes headers off by name alone: those that nobody is known to read stay, and who asks for another route is refused
			for _, name := range []string{"X-Gatehouse-Role", "X-Original-Url", "X-Rewrite-Url", "X-Http-Method-Override"} {
				delete(spoofed, name)
			}
		}

		status, header, seen := visit(t, "GET", s.url+"/v2/orders?page=2", key, spoofed)

		if status != 200 || seen["uri"][0] != "/v2/orders?page=2" {
			t.Fatal(status, header, seen)
		}
		for name, want := range map[string]string{
			"X-Gatehouse-Key-Id": shown(f.ID, "key"), "X-Gatehouse-App-Id": shown(f.App.ID, "app"), "X-Gatehouse-Organization-Id": shown(f.App.Org.ID, "org"),
			"X-Gatehouse-Scopes": "orders:read", "X-Gatehouse-Environment": "live", "X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "X-Mine": "kept",
		} {
			if got := seen[name]; len(got) != 1 || got[0] != want {
				t.Errorf("%s reached the service as %q, want %q", name, got, want)
			}
		}
		for name, values := range seen {
			joined := strings.Join(values, " ")
			if strings.Contains(joined, key) || strings.Contains(joined, "admin") || strings.Contains(joined, "DELETE") || name == "Authorization" || name == "X-Gatehouse-Token" || name == "X-Gatehouse-Role" {
				t.Errorf("%s: %q reached the service", name, values)
			}
		}
	})
}

// D1, D4
func TestBehindEachGatewayRefusalsKeepTheirStatus(t *testing.T) {
	eachGateway(t, func(t *testing.T, w *world, s *site) {
		key := w.add(w.client())
		limited := w.add(w.client(func(f *keyring.Facts) {
			f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 1, Period: time.Minute}
		}))
		first, header, _ := visit(t, "GET", s.url+"/v2/orders", limited, nil)
		if first != 200 || header.Get("RateLimit") != `"default";r=0;t=60` && !silent(t) {
			t.Error("control", first, header)
		}
		for name, c := range map[string]struct {
			method, target, key string
			status              int
			code                string
		}{
			"good":          {"GET", "/v2/orders", key, 200, ""},
			"no key":        {"GET", "/v2/orders", "", 401, "MISSING_KEY"},
			"unknown key":   {"GET", "/v2/orders", "gk_live_x", 401, "NOT_FOUND"},
			"revoked":       {"GET", "/v2/orders", w.add(w.client(func(f *keyring.Facts) { f.RevokedAt = start.UnixNano() })), 401, "REVOKED"},
			"expired":       {"GET", "/v2/orders", w.add(w.client(func(f *keyring.Facts) { f.ExpiresAt = start.UnixNano() })), 401, "EXPIRED"},
			"scope missing": {"POST", "/v2/orders", key, 403, "INSUFFICIENT_SCOPE"},
			"undeclared":    {"GET", "/v2/nothing", key, 403, "INSUFFICIENT_SCOPE"},
			"ambiguous":     {"GET", "/v2/orders/..%2f..%2fadmin", key, 403, "BAD_REQUEST"},
			"limited":       {"GET", "/v2/orders", limited, 429, "RATE_LIMITED"},
		} {
			status, header, _ := visit(t, c.method, s.url+c.target, c.key, nil)
			if status != c.status || header.Get("X-Gatehouse-Code") != c.code {
				t.Errorf("%s: %d %v", name, status, header)
			}
			if ids := header.Values("X-Request-Id"); status != 200 && (len(ids) != 1 || !refusal.IsRequestID(ids[0])) {
				t.Errorf("%s: the refusal is named %q", name, ids)
			}
			if status == 429 && (header.Get("Retry-After") != "60" || header.Get("RateLimit") != `"default";r=0;t=60` || header.Get("RateLimit-Policy") == "") {
				t.Errorf("%s: %v", name, header)
			}
			if status == 200 && (header.Get("RateLimit") != "" || header.Get("RateLimit-Policy") != "") {
				t.Errorf("%s: %v", name, header)
			}
			if status == 401 && len(header.Values("WWW-Authenticate")) != 1 {
				t.Errorf("%s: %v", name, header)
			}
		}
		if status, header, _ := visit(t, "GET", s.url+"/v2/orders", key, http.Header{"Cookie": {"k=" + key}}); status != 403 || header.Get("X-Gatehouse-Code") != "BAD_REQUEST" {
			t.Error("a key in a cookie", status)
		}
	})
}

// 4.5, D6
func TestBehindEachGatewayNobodyPassesWhenGatehouseCannotTell(t *testing.T) {
	eachGateway(t, func(t *testing.T, w *world, s *site) {
		key, other := w.add(w.client()), w.add(w.client())
		if status, _, _ := visit(t, "GET", s.url+"/v2/orders", key, nil); status != 200 {
			t.Fatal("control", status)
		}
		unavailable := func(what string, key string) {
			t.Helper()
			status, header, _ := visit(t, "GET", s.url+"/v2/orders", key, nil)
			if silent(t) && status >= 300 && status != 401 && status != 403 {
				return
			}
			if status != 503 || header.Get("X-Gatehouse-Code") != "UNAVAILABLE" || header.Get("Retry-After") == "" {
				t.Error(what, status, header)
			}
		}

		w.advance(time.Hour)
		unavailable("the facts are stale", other)
		handler := w.handler
		for what, status := range map[string]int{"a page that is no answer": 200, "redirects": 302, "an error": 500, "something else": 404} {
			w.handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Location", s.service.URL)
				rw.WriteHeader(status)
			})
			if strings.HasSuffix(t.Name(), "/nginx") && status == 200 { // which can't tell it from the service's own failure
				if got, _, _ := visit(t, "GET", s.url+"/v2/orders", key, nil); got != 502 {
					t.Error(what, got)
				}
				continue
			}
			unavailable(what, key)
		}
		w.handler = handler
		s.edge.Close()
		unavailable("it is gone", key)
		unavailable("it is gone, and there is no key", "")
		if n := len(s.served); n != 1 {
			t.Error("the service was reached by others than the control:", n)
		}
	})
}

// D6, D10: what the service gets is what was judged.
func TestBehindEachGatewayTheServiceGetsTheAddressThatWasJudged(t *testing.T) {
	eachGateway(t, func(t *testing.T, w *world, s *site) {
		key := w.add(w.client())
		send := func(target, key string) string {
			return say(t, s.address, "GET "+target+" HTTP/1.1\r\nHost: orders.example\r\nAuthorization: Bearer "+key+"\r\nConnection: close\r\n\r\n")
		}
		for _, target := range []string{
			"/v2/orders", "/v2/orders?x=1", "/v2/orders/a%2Db", "http://orders.example/v2/orders", "http://admin.example/v2/orders?x=1",
			"/v2/orders/../../admin", "/v2/orders/..%2f..%2fadmin", "/v2/orders/%2e%2e/admin", "/v2//orders", "//v2/orders", "///admin", "/v2/orders;a=b", "/v2/orders/;/../admin",
			"/v2/orders#/../admin", "/v2/orders%23x", "/v2/orders%00", "/v2/orders\x00", "/v2/orders%", "/v2/orders%zz", "/v2/orders\\..\\admin", "/v2/orders%5c..", "/v2/orders/.", "/v2/./orders",
			"*", "/", "?", "/v2/orders??", "/v2/orders?a=/../admin#x", "http://orders.example", "/V2/ORDERS", "/v2/orders/%c0%af", "/v2/orders/é", "orders.example:80", "/v2/admin/../orders",
			"/v2/orders%20", "/v2/%20orders", "/v2/orders/a%3Ab%40c", "/V2/orders/a", "/v2/orders/%41", "/v2/orders?_method=DELETE",
		} {
			s.judged, s.served = nil, nil

			said := send(target, key)

			s.mu.Lock()
			for i, uri := range s.served {
				path, err := keyring.Canonical(uri)
				if i >= len(s.judged) || uri != s.judged[i] || err != nil || !strings.HasPrefix(said, "HTTP/1.1 200") {
					t.Errorf("%q: judged %q, served %q (%v, %v): %.40q", target, s.judged, s.served, path, err, said)
				}
			}
			passes := strings.Contains(said[:min(len(said), 15)], " 200")
			s.mu.Unlock()
			if passes != (len(s.served) == 1) {
				t.Errorf("%q: %.60q, served %q", target, said, s.served)
			}
			if without := send(target, ""); strings.HasPrefix(without, "HTTP/1.1 2") || strings.HasPrefix(without, "HTTP/1.0 2") {
				t.Errorf("%q without a key: %.60q", target, without)
			}
		}
		for _, good := range []string{"/v2/orders", "http://orders.example/v2/orders", "/v2/orders/a%2Db", "/v2/orders/a%3Ab%40C"} {
			if said := send(good, key); !strings.HasPrefix(said, "HTTP/1.1 200") {
				t.Errorf("control %s: %.60q", good, said)
			}
		}
	})
}
