package gatewayfile_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

const token = "gk_live_0123456789abcdefghijABCDEFGHIJ01234567"

// requestID is that of every answer of the stage's Gatehouse.
const requestID = "req_0123456789abcdef"

// stage is a Gatehouse that answers as told by the key, a service that tells what it got, and a real nginx between them.
type stage struct {
	url           string
	mu            sync.Mutex
	asked, served []*http.Request
	gatehouse     *httptest.Server
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{}
	note := func(list *[]*http.Request, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		*list = append(*list, r)
	}
	s.gatehouse = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note(&s.asked, r)
		answer(w, r.Header.Get("Authorization"))
	}))
	t.Cleanup(s.gatehouse.Close)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note(&s.served, r)
		if r.URL.Path == "/forbids" {
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = io.WriteString(w, "served")
	}))
	t.Cleanup(service.Close)
	s.url, _ = testenv.Nginx(t, gatewayfile.Nginx(gatewayfile.Options{
		GatehouseURL: s.gatehouse.URL, APISlug: "orders", Environment: "live",
		Token: token, Upstream: service.URL + "/ignored", Listen: "127.0.0.1:@PORT@",
	}))
	return s
}

func answer(w http.ResponseWriter, key string) {
	h := w.Header()
	h.Set("X-Gatehouse-Code", "VALID")
	for _, name := range []string{"Key-Id", "App-Id", "Organization-Id", "Scopes"} {
		h.Set("X-Gatehouse-"+name, strings.ToLower(name))
	}
	h.Set("X-Gatehouse-Environment", "")
	h.Set("X-Request-Id", requestID)
	h.Set("RateLimit", `"default";r=99;t=1`)
	switch code := strings.TrimPrefix(key, "Bearer "); code {
	case "good":
	case "NOT_FOUND":
		h.Set("X-Gatehouse-Code", code)
		h.Set("WWW-Authenticate", `Bearer realm="orders"`)
		w.WriteHeader(http.StatusUnauthorized)
	default:
		h.Set("X-Gatehouse-Code", code)
		h.Set("Retry-After", "7")
		w.WriteHeader(http.StatusForbidden)
	}
}

func (s *stage) call(t *testing.T, method, path, key string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(b)
}

func TestNginxAsksGatehouseWithWhatItSawItself(t *testing.T) {
	s := newStage(t)

	response, body := s.call(t, http.MethodPost, "/v2/orders/a%2Db?x=1", "good", http.Header{
		"X-Forwarded-Method": {"GET"}, "X-Original-Uri": {"/free"}, "X-Forwarded-For": {"9.9.9.9"}, "X-Gatehouse-Token": {"mine"}, "Cookie": {"a=b"},
	})

	if response.StatusCode != 200 || body != "served" || response.Header.Get("RateLimit") == "" {
		t.Fatal(response.StatusCode, body, response.Header)
	}
	ask := s.asked[0]
	got := map[string]string{"query": ask.URL.RawQuery, "path": ask.URL.Path}
	for _, name := range []string{"X-Gatehouse-Token", "X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-For", "X-Original-Uri", "Cookie", "Authorization", "Content-Length"} {
		got[name] = strings.Join(ask.Header.Values(name), "|")
	}
	want := map[string]string{
		"query": "api=orders&env=live&nginx=1", "path": "/v1/authz", "X-Gatehouse-Token": token, "X-Forwarded-Method": "POST",
		"X-Forwarded-Uri": "/v2/orders/a%2Db?x=1", "X-Forwarded-For": "127.0.0.1", "X-Original-Uri": "", "Cookie": "a=b", "Authorization": "Bearer good", "Content-Length": "",
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %q, want %q", name, got[name], want[name])
		}
	}
}

// D8, D9, D10
func TestNginxPassesOnNoIdentityButGatehouses(t *testing.T) {
	s := newStage(t)

	s.call(t, http.MethodGet, "/v2//orders/%2e?x=1", "good", http.Header{
		"X-Gatehouse-Key-Id": {"forged"}, "X_Gatehouse_App_Id": {"forged"}, "X.Gatehouse.Scopes": {"forged"},
		"X-Gatehouse-Environment": {"forged"}, "X-Gatehouse-Token": {"forged"}, "X-Api-Key": {"secret"}, "Connection": {"X-Gatehouse-Scopes"},
	})

	got := s.served[0]
	for name, values := range got.Header {
		for _, v := range values {
			if v == "forged" || v == "secret" || strings.Contains(v, "good") || v == token {
				t.Errorf("%s: %s got through", name, v)
			}
		}
	}
	if got.Header.Get("X-Gatehouse-Key-Id") != "key-id" || got.Header.Get("X-Gatehouse-Scopes") != "scopes" || got.RequestURI != "/v2//orders/%2e?x=1" {
		t.Error(got.RequestURI, got.Header)
	}
}

func TestNginxRestoresTheStatusOfARefusal(t *testing.T) {
	s := newStage(t)
	want := map[string]int{"NOT_FOUND": 401, "SUSPENDED": 403, "BAD_REQUEST": 403, "RATE_LIMITED": 429, "QUOTA_EXCEEDED": 429, "UNAVAILABLE": 503, "GATEWAY_UNAUTHENTICATED": 503}

	for code, status := range want {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			response, body := s.call(t, method, "/v2/orders", code, nil)
			if response.StatusCode != status || response.Header.Get("X-Gatehouse-Code") != code || !strings.Contains(body, `"code":"`+code+`"`) ||
				response.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s: %d %v %s", method, code, response.StatusCode, response.Header, body)
			}
			if ids := response.Header.Values("X-Request-Id"); len(ids) != 1 || ids[0] != requestID || !strings.Contains(body, `,"request_id":"`+requestID+`"}`) {
				t.Errorf("%s names its request as %q, %s", code, ids, body)
			}
			if status == 429 && response.Header.Get("Retry-After") != "7" {
				t.Errorf("%s: no Retry-After", code)
			}
			if status == 401 && len(response.Header.Values("WWW-Authenticate")) != 1 {
				t.Errorf("%s: %v", code, response.Header)
			}
		}
	}
	if len(s.served) != 0 {
		t.Error("a refused request reached the service")
	}
}

func TestNginxLeavesTheServicesOwnAnswersAlone(t *testing.T) {
	s := newStage(t)

	response, body := s.call(t, http.MethodGet, "/forbids", "good", nil)

	if response.StatusCode != 403 || body != "served" || response.Header.Get("X-Gatehouse-Code") != "" {
		t.Error(response.StatusCode, body)
	}
}

// D6
func TestNginxRefusesWhenGatehouseIsGone(t *testing.T) {
	s := newStage(t)
	s.gatehouse.Close()

	response, body := s.call(t, http.MethodGet, "/v2/orders", "good", nil)

	if response.StatusCode != 503 || response.Header.Get("X-Gatehouse-Code") != "UNAVAILABLE" || len(s.served) != 0 {
		t.Error(response.StatusCode, body)
	}
	if len(response.Header.Values("X-Request-Id")) != 0 || strings.Contains(body, "request_id") {
		t.Error("a request is named that Gatehouse never saw:", response.Header, body)
	}
}

func TestNginxsLogNamesTheRequestAsThePortalDoes(t *testing.T) {
	s := &stage{}
	s.gatehouse = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r.Header.Get("Authorization")) }))
	t.Cleanup(s.gatehouse.Close)
	log := filepath.Join(t.TempDir(), "access.log")
	file := gatewayfile.Nginx(gatewayfile.Options{GatehouseURL: s.gatehouse.URL, APISlug: "orders", Environment: "live", Token: token, Upstream: s.gatehouse.URL, Listen: "127.0.0.1:@PORT@"})
	s.url, _ = testenv.Nginx(t, strings.Replace(file, "# access_log /var/log/nginx/access.log", "access_log "+log, 1))

	s.call(t, http.MethodGet, "/v2/orders", "WRONG_ENVIRONMENT", nil)

	// nginx logs a request when it lets go of it, which may be after the answer has arrived.
	var lines []byte
	written := func() bool {
		lines, _ = os.ReadFile(log)
		return bytes.HasSuffix(lines, []byte("\n"))
	}
	if !testenv.Await(t.Context(), 20*time.Second, written) || !strings.Contains(string(lines), " 403 ") || !strings.Contains(string(lines), "code=WRONG_ENVIRONMENT request_id="+requestID+"\n") {
		t.Errorf("%s", lines)
	}
}

func TestNothingInTheOptionsEndsADirective(t *testing.T) {
	o := gatewayfile.Options{
		GatehouseURL: "https://gate.example", APISlug: "a;b", Environment: "x", Token: "t\";return 200;\n",
		Upstream: "http://h;return", ServerName: "n;{}", Listen: "80;#",
	}
	for name, text := range map[string]string{"nginx": gatewayfile.Nginx(o), "caddy": gatewayfile.Caddy(o), "haproxy": gatewayfile.HAProxy(o), "lua": gatewayfile.HAProxyLua(o), "traefik": gatewayfile.Traefik(o), "envoy": gatewayfile.Envoy(o)} {
		for _, bad := range []string{"return 200", "h;return", "n;{", "80;#", "a;b", "«"} {
			if strings.Contains(text, bad) {
				t.Errorf("%q got into the file of %s", bad, name)
			}
		}
		if !strings.Contains(text, "gate.example") && name != "haproxy" {
			t.Errorf("%s: %s", name, text)
		}
	}
	if text := gatewayfile.Nginx(o); !strings.Contains(text, "proxy_ssl_verify on;") || !strings.Contains(text, "server gate.example:443;") {
		t.Error(text)
	}
}
