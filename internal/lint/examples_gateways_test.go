package lint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
)

// C9: the examples of the other gateways are the files that Connect shows, with GATEWAY_KEY where the key stands.
func TestExampleGatewaysAreTheFilesThatConnectShows(t *testing.T) {
	o := gatewayfile.Options{GatehouseURL: "http://127.0.0.1:8081", APISlug: "orders", Environment: "live", Token: "GATEWAY_KEY", Upstream: "http://127.0.0.1:9000"}
	for name, want := range map[string]string{
		"caddy/Caddyfile": gatewayfile.Caddy(o), "haproxy/gatehouse-orders-live.cfg": gatewayfile.HAProxy(o), "haproxy/gatehouse-orders-live.lua": gatewayfile.HAProxyLua(o),
		"traefik/gatehouse-orders-live.yaml": gatewayfile.Traefik(o), "envoy/envoy.yaml": gatewayfile.Envoy(o),
	} {
		path := filepath.Join(root(t), "docs", "examples", filepath.FromSlash(name))
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		}

		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is another (%v): run go test ./internal/lint -run Example -update", path, err)
		}
	}
	for _, text := range []string{gatewayfile.HAProxy(o), gatewayfile.Caddy(o), gatewayfile.Traefik(o), gatewayfile.Envoy(o)} {
		if strings.Contains(text, "«") {
			t.Errorf("a mark was left:\n%s", text)
		}
	}
}
