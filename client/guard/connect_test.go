package guard_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/client/guard"
	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
)

// protected lets nobody at service but who may.
func protected(service http.Handler) (http.Handler, error) {
	g, err := guard.New(guard.Options{
		Gatehouse:   "https://portal.example",
		Key:         os.Getenv("GATEWAY_KEY"),
		API:         "orders",
		Environment: "live",
		Keep:        5 * time.Second, // leave it out, and each request asks
	})
	if err != nil {
		return nil, err
	}
	return g.Protect(service), nil // guard.From(r.Context()) says who calls
}

func TestGoOfConnectIsCodeThatCompiles(t *testing.T) {
	t.Setenv("GATEWAY_KEY", "gk_live_x")
	if _, err := protected(http.NotFoundHandler()); err != nil {
		t.Error(err)
	}
	here, err := os.ReadFile("connect_test.go")
	if err != nil {
		t.Fatal(err)
	}
	shown := gatewayfile.Go(gatewayfile.Options{GatehouseURL: "https://portal.example", APISlug: "orders"})
	_, code, _ := strings.Cut(shown, "\n")

	if !strings.Contains(string(here), code) {
		t.Errorf("Connect shows other code:\n%s", code)
	}
}
