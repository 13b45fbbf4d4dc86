package sample_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/sample"
)

// A portal is what the sample asks; it decides as the test says, and keeps what it was asked.
type portal struct {
	status int
	scopes string
	asked  http.Header
	query  string
}

func (p *portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked, p.query = r.Header.Clone(), r.URL.RawQuery
	w.Header().Set("Ratelimit", `"default";r=59;t=60`)
	w.Header().Set("X-Gatehouse-Scopes", p.scopes)
	w.Header().Set("X-Gatehouse-Key-Id", "key_1")
	if p.status != http.StatusOK {
		w.Header().Set("X-Gatehouse-Code", "RATE_LIMITED")
		w.Header().Set("Retry-After", "7")
		w.Header().Set("Content-Type", "application/problem+json")
	}
	w.WriteHeader(p.status)
	if p.status != http.StatusOK {
		_, _ = io.WriteString(w, `{"code":"RATE_LIMITED"}`)
	}
}

func newToken(t *testing.T) apikey.Secret {
	t.Helper()
	token, err := apikey.Mint("gk", "live", strings.NewReader(strings.Repeat("seventeen bytes..", 20)))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// call calls a sample that asks the portal, or nobody when that is nil.
func call(t *testing.T, p *portal, token apikey.Secret, method, target string, header http.Header) (*http.Response, string) {
	t.Helper()
	asks := httptest.NewServer(p)
	if p == nil {
		asks.Close()
	} else {
		defer asks.Close()
	}
	server := httptest.NewServer(sample.New(sample.Options{Authz: asks.URL + "/v1/authz", Client: asks.Client(), Token: token, API: "catalogue", Environment: "test"}))
	defer server.Close()
	r, err := http.NewRequestWithContext(context.Background(), method, server.URL+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func TestSampleServesWhatThePortalAllows(t *testing.T) {
	p, token := &portal{status: 200, scopes: "products:read"}, newToken(t)

	answer, body := call(t, p, token, "GET", "/products/NW-1001?a=b", http.Header{"Authorization": {"Bearer gk_test_x"}, "X-Gatehouse-Scopes": {"prices:read"}, "X-Gatehouse-Token": {"forged"}, "X-Forwarded-Uri": {"/prices"}})

	var product map[string]any
	if err := json.Unmarshal([]byte(body), &product); err != nil || answer.StatusCode != 200 || product["name"] != "Harbour lamp" || product["price"] != nil || product["stock"] != nil {
		t.Errorf("%s %s %v", answer.Status, body, err)
	}
	if answer.Header.Get("Ratelimit") == "" || answer.Header.Get("Etag") == "" || answer.Header.Get("X-Gatehouse-Key-Id") != "" {
		t.Errorf("%v", answer.Header)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer gk_test_x", "X-Gatehouse-Token": token.Reveal(), "X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/products/NW-1001?a=b", "X-Forwarded-For": "127.0.0.1",
	} {
		if got := p.asked[name]; len(got) != 1 || got[0] != want {
			t.Errorf("the portal was asked with %s: %q", name, got)
		}
	}
	if p.query != "api=catalogue&env=test" {
		t.Errorf("the portal was asked %s", p.query)
	}
}

// K5: a product shows what the key may see.
func TestSampleShowsPriceAndStockToThoseWhoMayReadThem(t *testing.T) {
	_, body := call(t, &portal{status: 200, scopes: "prices:read products:read stock:read"}, newToken(t), "GET", "/products?limit=1", nil)

	if !strings.Contains(body, `"amount": "49.00"`) || !strings.Contains(body, `"stock": 128`) || strings.Contains(body, "NW-1002") {
		t.Error(body)
	}
}

func TestSamplePassesARefusalOn(t *testing.T) {
	token := newToken(t)
	answer, body := call(t, &portal{status: 429}, token, "GET", "/products", nil)

	if answer.StatusCode != 429 || answer.Header.Get("X-Gatehouse-Code") != "RATE_LIMITED" || answer.Header.Get("Retry-After") != "7" || body != `{"code":"RATE_LIMITED"}` || strings.Contains(body, token.Reveal()) {
		t.Errorf("%s %v %s", answer.Status, answer.Header, body)
	}
}

// REL: who can't ask serves nothing.
func TestSampleServesNothingWithoutThePortal(t *testing.T) {
	answer, body := call(t, nil, newToken(t), "GET", "/products", nil)

	if answer.StatusCode != 503 || strings.Contains(body, "NW-") {
		t.Errorf("%s %s", answer.Status, body)
	}
}

func TestSampleHasNothingElse(t *testing.T) {
	for target, want := range map[string]int{"/products/NW-9": 404, "/": 404, "/products/": 404, "/products?limit=0": 422, "/products?limit=x": 422, "/prices": 200, "/stock/NW-1047": 200} {
		if answer, body := call(t, &portal{status: 200}, newToken(t), "GET", target, nil); answer.StatusCode != want {
			t.Errorf("%s: %s %s", target, answer.Status, body)
		}
	}
	if answer, _ := call(t, &portal{status: 200}, newToken(t), "PUT", "/products/NW-1001/texts", nil); answer.StatusCode != 404 {
		t.Error(answer.Status)
	}
	first, _ := call(t, &portal{status: 200}, newToken(t), "GET", "/prices", nil)
	if again, _ := call(t, &portal{status: 200}, newToken(t), "GET", "/prices", http.Header{"If-None-Match": {first.Header.Get("Etag")}}); again.StatusCode != 304 {
		t.Error(again.Status)
	}
}
