package gatewayfile_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
)

func TestAGatewayThatWouldCallItselfIsKnown(t *testing.T) {
	for _, c := range []struct {
		upstream, listen, name string
		loops                  bool
	}{
		{"http://127.0.0.1:9311", "127.0.0.1:9311", "", true},
		{"http://127.0.0.1:9311", "9311", "", true},
		{"http://localhost:9311", "127.0.0.1:9311", "", true},
		{"http://[::1]:9311", "[::]:9311", "", true},
		{"http://127.0.0.1", "", "", true},
		{"http://API.example:8081", "8081", "api.example", true},
		{"http://10.0.0.5:80", "10.0.0.5:80", "", true},
		{"https://api.example", "80", "api.example", true},
		{"https://api.example", "443", "api.example", true},
		{"http://127.0.0.1:9000", "127.0.0.1:9311", "127.0.0.1", false},
		{"http://127.0.0.1:9000", "80", "api.example", false},
		{"http://10.0.0.7:80", "10.0.0.5:80", "api.example", false},
		{"http://orders.internal", "80", "api.example", false},
		{"http://api.example:9000", "8081", "api.example", false},
		{"https://orders.internal", "80", "", false},
	} {
		o := gatewayfile.Options{Upstream: c.upstream, Listen: c.listen, ServerName: c.name}
		if o.Loops() != c.loops {
			t.Errorf("service %s, listening on %q as %q: loops is %v", c.upstream, c.listen, c.name, !c.loops)
		}
	}
}
