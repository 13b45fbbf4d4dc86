package edge_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// behindNginx serves the edge and a service that tells which headers reached it, with a real nginx in front that runs our own file.
func behindNginx(t *testing.T, w *world) (url string) {
	t.Helper()
	gatehouse := listening(t, w.handler)
	service := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		seen := map[string][]string{"uri": {r.RequestURI}}
		for name, values := range r.Header {
			seen[name] = values
		}
		_ = json.NewEncoder(rw).Encode(seen)
	}))
	t.Cleanup(service.Close)
	url, _ = testenv.Nginx(t, gatewayfile.Nginx(gatewayfile.Options{
		GatehouseURL: "http://" + gatehouse, APISlug: "orders", Environment: "live", Token: w.gateway, Upstream: service.URL, Listen: "127.0.0.1:@PORT@",
	}))
	return url
}

func visit(t *testing.T, method, url, key string, header http.Header) (int, http.Header, map[string][]string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var seen map[string][]string
	if answer.StatusCode == 200 && json.Unmarshal(body, &seen) != nil {
		t.Fatalf("%s", body)
	}
	return answer.StatusCode, answer.Header, seen
}

// D8, D7, K5
func TestBehindNginxOnlyTheKeysOwnIdentityReachesTheService(t *testing.T) {
	w := newWorld(t)
	f := w.client()
	key := w.add(f)
	url := behindNginx(t, w)
	spoofed := http.Header{
		"X-Gatehouse-Key-Id": {"key_admin"}, "x-gatehouse-scopes": {"everything"}, "X_Gatehouse_App_Id": {"app_admin"}, "X-Gatehouse-Organization-Id": {"org_admin"},
		"X-Gatehouse-Environment": {"test"}, "X-Gatehouse-Code": {"VALID"}, "X-Gatehouse-Token": {w.gatewayOf(w.stranger)}, "X-Original-Uri": {"/v2/health"}, "X-Original-Method": {"GET"},
		"X-Forwarded-Uri": {"/v2/orders"}, "X-Forwarded-Method": {"GET"}, "X-Forwarded-For": {"198.51.100.1"},
		"X-Original-Url": {"/v1/admin"}, "X-Forwarded-Prefix": {"/admin"}, "X-Real-Ip": {"198.51.100.1"}, "Forwarded": {"for=admin"},
	}

	status, _, seen := visit(t, "GET", url+"/v2/orders?page=2", key, spoofed)

	if status != 200 || seen["uri"][0] != "/v2/orders?page=2" {
		t.Fatal(status, seen)
	}
	for name, want := range map[string]string{
		"X-Gatehouse-Key-Id": shown(f.ID, "key"), "X-Gatehouse-App-Id": shown(f.App.ID, "app"), "X-Gatehouse-Organization-Id": shown(f.App.Org.ID, "org"),
		"X-Gatehouse-Scopes": "orders:read", "X-Gatehouse-Environment": "live", "X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1",
	} {
		if got := seen[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s reached the service as %q, want %q", name, got, want)
		}
	}
	for name, values := range seen {
		joined := strings.Join(values, " ")
		if strings.Contains(joined, key) || strings.Contains(joined, "admin") || name == "Authorization" || name == "X-Gatehouse-Token" || name == "X_gatehouse_app_id" {
			t.Errorf("%s: %q reached the service", name, values)
		}
	}
	for name, c := range map[string]struct {
		method, target, key string
		status              int
		code                string
	}{
		"no key":              {"GET", "/v2/orders", "", 401, "MISSING_KEY"},
		"unknown key":         {"GET", "/v2/orders", "gk_live_x", 401, "NOT_FOUND"},
		"scope missing":       {"POST", "/v2/orders", key, 403, "INSUFFICIENT_SCOPE"},
		"undeclared":          {"GET", "/v2/nothing", key, 403, "INSUFFICIENT_SCOPE"},
		"retired version":     {"GET", "/v1/orders", key, 403, "WRONG_API"},
		"ambiguous":           {"GET", "/v2/orders/..%2f..%2fadmin", key, 403, "BAD_REQUEST"},
		"spoofed is not read": {"DELETE", "/v2/orders", key, 403, "INSUFFICIENT_SCOPE"},
	} {
		status, header, _ := visit(t, c.method, url+c.target, c.key, spoofed)
		if status != c.status || header.Get("X-Gatehouse-Code") != c.code {
			t.Errorf("%s: %d %q", name, status, header.Get("X-Gatehouse-Code"))
		}
	}
}

// D2, K5: what the client adds to a request that would pass is not judged, and must not pass.
func TestBehindNginxKeyInACookieOrAnotherRouteInAHeaderIsRefused(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client())
	url := behindNginx(t, w)
	for name, header := range map[string]http.Header{"cookie": {"Cookie": {"k=" + key}}, "rewrite": {"X-Rewrite-Url": {"/v1/admin"}}} {
		status, answer, _ := visit(t, "GET", url+"/v2/orders", key, header)
		if status != 403 || answer.Get("X-Gatehouse-Code") != "BAD_REQUEST" {
			t.Errorf("%s: %d %s", name, status, answer.Get("X-Gatehouse-Code"))
		}
	}
	if status, _, _ := visit(t, "GET", url+"/v2/orders", key, http.Header{"Cookie": {"theme=dark"}}); status != 200 {
		t.Error("control", status)
	}
}

func TestBehindNginxLimitsAndOutagesKeepTheirStatus(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client(func(f *keyring.Facts) {
		f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 1, Period: time.Minute}
	}))
	free := w.add(w.client())
	url := behindNginx(t, w)
	first, _, _ := visit(t, "GET", url+"/v2/orders", key, nil)

	limited, header, _ := visit(t, "GET", url+"/v2/orders", key, nil)
	w.advance(time.Hour)
	away, gone, _ := visit(t, "GET", url+"/v2/orders", free, nil)

	if first != 200 || limited != 429 || header.Get("X-Gatehouse-Code") != "RATE_LIMITED" || header.Get("Retry-After") != "60" || header.Get("RateLimit") != `"default";r=0;t=60` {
		t.Error(first, limited, header)
	}
	if away != 503 || gone.Get("X-Gatehouse-Code") != "UNAVAILABLE" {
		t.Error(away, gone)
	}
}
