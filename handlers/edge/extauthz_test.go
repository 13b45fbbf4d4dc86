package edge_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/gatehouse-dev/gatehouse/handlers/edge"
	"github.com/gatehouse-dev/gatehouse/handlers/edge/extauthz"
	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// envoy asks the edge over real gRPC, as Envoy does.
type envoy struct {
	w      *world
	dialed *grpc.ClientConn
	server *extauthz.Server
	meta   []string // of each call, as a gateway's file has it
	routes map[string]string
}

func newEnvoy(t *testing.T, w *world) *envoy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := extauthz.NewServer(extauthz.Options{
		Edge:      http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.handler.ServeHTTP(rw, r) }),
		Plausible: w.handler.(*edge.Edge).Plausible, Now: time.Now,
	})
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	dialed, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = dialed.Close()
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != http.ErrServerClosed { //nolint:errorlint // as servers return it
			t.Error(err)
		}
	})
	return &envoy{w: w, dialed: dialed, server: server, meta: []string{"x-gatehouse-token", w.gateway, "x-gatehouse-api", "orders"}}
}

// ask asks about method and target with those headers of the client's.
func (e *envoy) ask(method, target string, headers map[string]string) (*auth.CheckResponse, error) {
	in := &auth.CheckRequest{Attributes: &auth.AttributeContext{
		ContextExtensions: e.routes,
		Source:            &auth.AttributeContext_Peer{Address: &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{Address: "203.0.113.7"}}}},
		Request:           &auth.AttributeContext_Request{Http: &auth.AttributeContext_HttpRequest{Method: method, Path: target, Headers: headers}},
	}}
	ctx := metadata.AppendToOutgoingContext(e.w.t.Context(), e.meta...)
	return auth.NewAuthorizationClient(e.dialed).Check(ctx, in)
}

// said is the status and the code that the client gets; 200 for a yes.
func (e *envoy) said(method, target string, headers map[string]string) (int, string) {
	e.w.t.Helper()
	out, err := e.ask(method, target, headers)
	if err != nil {
		e.w.t.Fatal(err)
	}
	if codes.Code(out.GetStatus().GetCode()) == codes.OK { //nolint:gosec // small
		return 200, ""
	}
	no := out.GetDeniedResponse()
	return int(no.GetStatus().GetCode()), header(no.GetHeaders(), "x-gatehouse-code")
}

func header(all []*core.HeaderValueOption, name string) string {
	for _, h := range all {
		if h.GetHeader().GetKey() == name && h.GetAppendAction() == core.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD {
			return h.GetHeader().GetValue()
		}
	}
	return ""
}

func bearing(key string) map[string]string {
	return map[string]string{"authorization": "Bearer " + key}
}

// D1, D7: Envoy over gRPC gets the decisions that every other gateway gets.
func TestEnvoyOverGRPCGetsTheSameDecisions(t *testing.T) {
	w := newWorld(t)
	e := newEnvoy(t, w)
	key := w.add(w.client())
	limited := w.add(w.client(func(f *keyring.Facts) {
		f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 1, Period: time.Minute}
	}))
	e.said("GET", "/v2/orders", bearing(limited))
	near := w.add(w.client(func(f *keyring.Facts) { f.Extra.Networks = networks("203.0.113.0/24") }))
	far := w.add(w.client(func(f *keyring.Facts) { f.Extra.Networks = networks("198.51.100.0/24") }))
	for name, c := range map[string]struct {
		method, target string
		headers        map[string]string
		status         int
		code           string
	}{
		"good":           {"GET", "/v2/orders?page=2", bearing(key), 200, ""},
		"by X-API-Key":   {"GET", "/v2/orders", map[string]string{"x-api-key": key}, 200, ""},
		"its network":    {"GET", "/v2/orders", bearing(near), 200, ""},
		"another one":    {"GET", "/v2/orders", bearing(far), 403, "FORBIDDEN_IP"},
		"no key":         {"GET", "/v2/orders", nil, 401, "MISSING_KEY"},
		"unknown":        {"GET", "/v2/orders", bearing("gk_live_x"), 401, "NOT_FOUND"},
		"two keys":       {"GET", "/v2/orders", map[string]string{"authorization": "Bearer " + key, "x-api-key": near}, 403, "BAD_REQUEST"},
		"joined keys":    {"GET", "/v2/orders", bearing(key + ",Bearer " + key), 401, "NOT_FOUND"},
		"revoked":        {"GET", "/v2/orders", bearing(w.add(w.client(func(f *keyring.Facts) { f.RevokedAt = 1 }))), 401, "REVOKED"},
		"scope missing":  {"POST", "/v2/orders", bearing(key), 403, "INSUFFICIENT_SCOPE"},
		"undeclared":     {"GET", "/v2/nothing", bearing(key), 403, "INSUFFICIENT_SCOPE"},
		"limited":        {"GET", "/v2/orders", bearing(limited), 429, "RATE_LIMITED"},
		"odd path":       {"GET", "/v2/orders/..%2f..%2fadmin", bearing(key), 403, "BAD_REQUEST"},
		"trailing space": {"GET", "/v2/orders%20", bearing(key), 403, "BAD_REQUEST"},
		"other letters":  {"GET", "/V2/Orders", bearing(key), 403, "INSUFFICIENT_SCOPE"},
		"_method":        {"GET", "/v2/orders?_method=POST", bearing(key), 403, "BAD_REQUEST"},
		"no path":        {"GET", "", bearing(key), 403, "BAD_REQUEST"},
		"key in address": {"GET", "/v2/orders?k=" + key, bearing(key), 403, "BAD_REQUEST"},
		"key in cookie":  {"GET", "/v2/orders", map[string]string{"authorization": "Bearer " + key, "cookie": "k=" + key}, 403, "BAD_REQUEST"},
		"another route":  {"GET", "/v2/orders", map[string]string{"authorization": "Bearer " + key, "x-forwarded-uri": "/v2/health"}, 403, "BAD_REQUEST"},
		"another method": {"GET", "/v2/orders", map[string]string{"authorization": "Bearer " + key, "x-http-method-override": "DELETE"}, 403, "BAD_REQUEST"},
		"its own word":   {"GET", "/v2/orders", map[string]string{"authorization": "Bearer " + far, "x-forwarded-for": "198.51.100.7"}, 403, "FORBIDDEN_IP"},
	} {
		status, code := e.said(c.method, c.target, c.headers)
		if status != c.status || code != c.code {
			t.Errorf("%s: %d %s, want %d %s", name, status, code, c.status, c.code)
		}
	}
	out, err := e.ask("GET", "/v2/orders", bearing(limited))
	if err != nil || header(out.GetDeniedResponse().GetHeaders(), "retry-after") != "60" || header(out.GetDeniedResponse().GetHeaders(), "ratelimit") == "" {
		t.Error("429:", out, err)
	}
}

// D8, D9: what reaches the service is the key's own identity and nothing that a client invented, however it is spelt.
func TestEnvoyOverGRPCIsToldToOverwriteOrTakeOffEveryHeaderOfIdentity(t *testing.T) {
	w := newWorld(t)
	e := newEnvoy(t, w)
	f := w.client(func(f *keyring.Facts) {
		f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 9, Period: time.Minute}
	})
	spoofed := bearing(w.add(f))
	for _, name := range []string{"x-gatehouse-key-id", "x-gatehouse-scopes", "x_gatehouse_app_id", "x.gatehouse-scopes", "x-gatehouse-role", "x-gatehouse-token", "x-gatehouse-would-refuse", "X-Gatehouse_Environment"} {
		spoofed[name] = "admin"
	}
	service := func(out *auth.CheckResponse) map[string]string {
		left := map[string]string{}
		for name, value := range spoofed {
			left[strings.ToLower(name)] = value
		}
		for _, h := range out.GetOkResponse().GetHeaders() {
			left[h.GetHeader().GetKey()] = h.GetHeader().GetValue()
		}
		for _, name := range out.GetOkResponse().GetHeadersToRemove() {
			delete(left, name)
		}
		return left
	}

	out, err := e.ask("GET", "/v2/orders", spoofed)
	w.reporting()
	spoofed["authorization"] = "Bearer its own token"
	marked, err2 := e.ask("GET", "/v2/orders", spoofed)

	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	want := map[string]string{
		"x-gatehouse-key-id": shown(f.ID, "key"), "x-gatehouse-app-id": shown(f.App.ID, "app"), "x-gatehouse-organization-id": shown(f.App.Org.ID, "org"),
		"x-gatehouse-scopes": "orders:read", "x-gatehouse-environment": "live",
	}
	if got := service(out); !equal(got, want) {
		t.Errorf("the service gets %v", got)
	}
	if header(out.GetOkResponse().GetResponseHeadersToAdd(), "ratelimit") == "" {
		t.Error("the client learns no limit")
	}
	if got := service(marked); !equal(got, map[string]string{"x-gatehouse-would-refuse": "NOT_FOUND", "authorization": "Bearer its own token"}) {
		t.Errorf("in report-only mode, the service gets %v", got)
	}
}

func equal(a, b map[string]string) bool {
	for name, value := range a {
		if b[name] != value {
			return false
		}
	}
	return len(a) == len(b)
}

// D6, 4.5: no question that is not sound, and none that can't be answered, ends in a yes; each is told apart from a bad key.
func TestEnvoyOverGRPCFailsClosed(t *testing.T) {
	w := newWorld(t)
	e := newEnvoy(t, w)
	key := w.add(w.client())
	gateway := e.meta
	for name, c := range map[string]struct {
		meta   []string
		routes map[string]string
		status int
	}{
		"control":          {gateway, nil, 200},
		"by the route":     {gateway[:2], map[string]string{"api": "orders", "env": "live", "scope": "orders:read"}, 200},
		"the route is it":  {gateway, map[string]string{"scope": "orders:write"}, 403},
		"a customer's key": {[]string{"x-gatehouse-token", key, "x-gatehouse-api", "orders"}, nil, 503},
		"foreign gateway":  {[]string{"x-gatehouse-token", w.gatewayOf(w.stranger), "x-gatehouse-api", "orders"}, nil, 403},
		"no API":           {gateway[:2], nil, 403},
		"misspelt scope":   {gateway, map[string]string{"scop": "orders:write"}, 403},
		"two APIs":         {append([]string{"x-gatehouse-api", "staff"}, gateway...), nil, 403},
		"other place":      {gateway, map[string]string{"env": "test"}, 403},
	} {
		e.meta, e.routes = c.meta, c.routes
		headers := bearing(key)
		headers["x-gatehouse-token"] = w.gateway // a client's own
		if status, code := e.said("GET", "/v2/orders", headers); status != c.status || status == 503 && code != "GATEWAY_UNAUTHENTICATED" {
			t.Errorf("%s: %d %s, want %d", name, status, code, c.status)
		}
	}
	for name, meta := range map[string][]string{
		"no token": gateway[2:], "two tokens": append([]string{"x-gatehouse-token", w.gateway}, gateway...), "a token that is none": {"x-gatehouse-token", w.gateway + "x"}, "noise": {"x-gatehouse-token", "secret"},
	} {
		e.meta, e.routes = meta, nil
		if out, err := e.ask("GET", "/v2/orders", bearing(key)); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s: %v %v", name, out, err)
		}
	}
	e.meta, e.routes = gateway, nil
	ctx := metadata.AppendToOutgoingContext(t.Context(), e.meta...)
	for name, in := range map[string]*auth.CheckRequest{"nothing": {}, "a connection": {Attributes: &auth.AttributeContext{Source: &auth.AttributeContext_Peer{}}}} {
		if out, err := auth.NewAuthorizationClient(e.dialed).Check(ctx, in); err != nil || out.GetStatus().GetCode() == 0 || out.GetDeniedResponse() == nil {
			t.Error(name, out, err)
		}
	}
	if _, err := e.ask("GET", "/v2/orders", map[string]string{"x": strings.Repeat("x", 200<<10)}); status.Code(err) != codes.ResourceExhausted {
		t.Error("a message that is too large:", err)
	}
	other := w.add(w.client())
	w.advance(time.Hour)
	if status, code := e.said("GET", "/v2/orders", bearing(other)); status != 503 || code != "UNAVAILABLE" {
		t.Error("stale:", status, code)
	}
	w.handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(200) })
	if status, _ := e.said("GET", "/v2/orders", bearing(key)); status != 503 {
		t.Error("a 200 that names nobody:", status)
	}
	w.handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("it broke") })
	if _, err := e.ask("GET", "/v2/orders", bearing(key)); status.Code(err) != codes.Unavailable {
		t.Error("a panic:", err)
	}
}

// REL-5: health is red before the server leaves, and questions are still answered then.
func TestEnvoyOverGRPCLearnsThatAServerLeaves(t *testing.T) {
	w := newWorld(t)
	e := newEnvoy(t, w)
	check := func() grpc_health_v1.HealthCheckResponse_ServingStatus {
		out, err := grpc_health_v1.NewHealthClient(e.dialed).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return out.GetStatus()
	}
	before := check()

	e.server.Drain()

	if after := check(); before != grpc_health_v1.HealthCheckResponse_SERVING || after != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
		t.Error(before, after)
	}
	if status, _ := e.said("GET", "/v2/orders", bearing(w.add(w.client()))); status != 200 {
		t.Error("not answered while it drains:", status)
	}
}

func networks(one string) keyring.Networks {
	return keyring.NewNetworks([]netip.Prefix{netip.MustParsePrefix(one)})
}

// D7, D8: what the file of Connect has Envoy say to us is what we understand, and what it lets through afterwards is our yes.
func TestEnvoyFileAsksAsTheListenerUnderstands(t *testing.T) {
	w := newWorld(t)
	e := newEnvoy(t, w)
	f := w.client()
	file := gatewayfile.Envoy(gatewayfile.Options{GatehouseURL: "http://127.0.0.1:8081", APISlug: "orders", Environment: "live", Token: w.gateway, Upstream: "http://127.0.0.1:9000"})
	said := regexp.MustCompile(`\{key: (x-gatehouse-[a-z]+), value: "([^"]+)"\}`).FindAllStringSubmatch(file, -1)
	e.meta, e.routes = nil, nil
	for _, pair := range said {
		e.meta = append(e.meta, pair[1], pair[2])
	}

	out, err := e.ask("GET", "/v2/orders", bearing(w.add(f)))

	passes := regexp.MustCompile(`name: x-gatehouse-key-id, string_match: \{prefix: (\w+)\}`).FindStringSubmatch(file)
	if err != nil || len(said) != 3 || passes == nil || !strings.HasPrefix(header(out.GetOkResponse().GetHeaders(), "x-gatehouse-key-id"), passes[1]) {
		t.Error(said, passes, out, err)
	}
}
