package gatewayfile_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// The programs take the files also with what the tests at the edge leave out: a name, and TLS to both sides.
func TestFilesWithANameAndTLSAreTakenAndServeThatNameAlone(t *testing.T) {
	o := gatewayfile.Options{
		GatehouseURL: "https://127.0.0.1:1", APISlug: "orders", Environment: "test", Token: token, Upstream: "https://127.0.0.1:1",
		ServerName: "api.example", Listen: "127.0.0.1:@PORT@",
	}
	caddy, _ := testenv.Caddy(t, gatewayfile.Caddy(o))
	haproxy, _ := testenv.HAProxy(t, strings.Replace(gatewayfile.HAProxy(o), "/etc/haproxy/gatehouse-orders-test.lua", "@LUA@", 1), gatewayfile.HAProxyLua(o))
	urls := map[string]string{"caddy": caddy, "haproxy": haproxy}
	if testenv.TraefikPath() != "" {
		urls["traefik"], _ = testenv.Traefik(t, gatewayfile.Traefik(o))
	}
	for name, url := range urls {
		for host, known := range map[string]bool{"api.example": true, "other.example": false} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v2/orders", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = host

			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()

			asks := answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("X-Gatehouse-Code") == "UNAVAILABLE"
			if name == "traefik" {
				asks = answer.StatusCode == http.StatusInternalServerError
			}
			if asks != known {
				t.Errorf("%s, %s: %d %v", name, host, answer.StatusCode, answer.Header)
			}
		}
	}
}
