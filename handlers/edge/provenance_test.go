package edge_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/edge"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// from is where a call comes from, as both ways of asking are told; "-" is told nothing.
var from = []struct{ ip, origin, code string }{
	{"203.0.113.7", "https://a.shop.example", "VALID"},
	{"::ffff:203.0.113.7", "https://a.shop.example", "VALID"},
	{"2001:db8:0:1::7", "https://kiosk.example:8443", "VALID"},
	{"203.0.114.7", "https://a.shop.example", "FORBIDDEN_IP"},
	{"2001:db9::1", "https://a.shop.example", "FORBIDDEN_IP"},
	{"-", "https://a.shop.example", "FORBIDDEN_IP"},
	{"203.0.114.7", "https://evil.example", "FORBIDDEN_IP"},
	{"203.0.113.7", "https://shop.example", "FORBIDDEN_ORIGIN"},
	{"203.0.113.7", "https://a.b.shop.example", "FORBIDDEN_ORIGIN"},
	{"203.0.113.7", "http://a.shop.example", "FORBIDDEN_ORIGIN"},
	{"203.0.113.7", "https://a.shop.example.evil.example", "FORBIDDEN_ORIGIN"},
	{"203.0.113.7", "https://kiosk.example", "FORBIDDEN_ORIGIN"},
	{"203.0.113.7", "null", "FORBIDDEN_ORIGIN"},
	{"203.0.113.7", "-", "FORBIDDEN_ORIGIN"},
}

func (w *world) boundKey() string {
	return w.add(w.client(func(f *keyring.Facts) {
		f.Extra.Networks = keyring.NewNetworks([]netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")})
		f.Extra.Origins = keyring.NewOrigins([]string{"https://*.shop.example", "https://kiosk.example:8443"})
	}))
}

// K5
func TestVerifyAndForwardAuthHoldAKeyToItsNetworksAndOrigins(t *testing.T) {
	w := newWorld(t)
	key := w.boundKey()
	for _, c := range from {
		question := map[string]any{"key": key, "api": "orders", "scopes": []string{"orders:read"}}
		if c.ip != "-" {
			question["ip"] = c.ip
		}
		if c.origin != "-" {
			question["origin"] = c.origin
		}
		body, err := json.Marshal(question)
		if err != nil {
			t.Fatal(err)
		}

		verified := w.verify(string(body)).code()
		asked := w.ask(key, func(r *http.Request) {
			r.Header.Del("X-Forwarded-For")
			if c.ip != "-" {
				r.Header.Set("X-Forwarded-For", "203.0.113.99, "+c.ip) // what the client wrote itself stands on the left
			}
			if c.origin != "-" {
				r.Header.Set("Origin", c.origin)
			}
		})

		if verified != c.code || asked.Status == 200 && c.code != "VALID" || asked.Status != 200 && asked.code() != c.code {
			t.Errorf("%v: verify %s, authz %d %s", c, verified, asked.Status, asked.code())
		}
	}
}

// D7: of an origin that is there twice none is believed.
func TestTwoOriginsAreNone(t *testing.T) {
	w := newWorld(t)
	key := w.boundKey()
	whoami := func(ip string, origins ...string) answer {
		r := httptest.NewRequest(http.MethodGet, edge.WhoamiPath, nil)
		r.RemoteAddr = ip + ":1234"
		r.Header.Set("Authorization", "Bearer "+key)
		r.Header["Origin"] = origins
		return w.do(r)
	}

	good, absent, twice := whoami("203.0.113.7", "https://a.shop.example"), whoami("203.0.113.7"), whoami("203.0.113.7", "https://a.shop.example", "https://evil.example")
	elsewhere := whoami("198.51.100.7", "https://a.shop.example")
	both := w.ask(key, func(r *http.Request) { r.Header["Origin"] = []string{"https://a.shop.example", "https://evil.example"} })

	if good.Status != 200 || absent.code() != "FORBIDDEN_ORIGIN" || twice.code() != "FORBIDDEN_ORIGIN" || elsewhere.code() != "FORBIDDEN_IP" || both.Status != 403 || both.code() != "BAD_REQUEST" {
		t.Fatal(good.Status, absent.code(), twice.code(), elsewhere.code(), both.Status, both.code())
	}
}
