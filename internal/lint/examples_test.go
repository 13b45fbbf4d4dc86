package lint

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

var update = flag.Bool("update", false, "write the example files anew")

func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "examples", "nginx", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// C9: the gateway of compose.yaml is the file that Connect shows, with the key left to the environment.
func TestExampleGatewayIsTheFileThatConnectShows(t *testing.T) {
	want := strings.ReplaceAll(gatewayfile.Nginx(gatewayfile.Options{
		GatehouseURL: "http://gatehouse:8081", APISlug: "orders", Environment: "live", Token: "GATEWAY_KEY", Upstream: "http://sample-api:8080",
	}), "GATEWAY_KEY", "${GATEWAY_KEY}")
	if *update {
		path := filepath.Join(root(t), "docs", "examples", "nginx", "gateway.conf.template")
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	if got := example(t, "gateway.conf.template"); got != want {
		t.Error("docs/examples/nginx/gateway.conf.template is another: run go test ./internal/lint -run Example -update")
	}
}

// C9
func TestExampleSampleAPIAnswersJSON(t *testing.T) {
	base, _ := testenv.Nginx(t, strings.Replace(example(t, "sample-api.conf"), "listen 8080;", "listen 127.0.0.1:@PORT@;", 1))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/v2/orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Gatehouse-App-Id", "app_1")

	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body struct {
		Orders  []any             `json:"orders"`
		AskedBy map[string]string `json:"asked_by"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}

	if len(body.Orders) != 2 || body.AskedBy["app"] != "app_1" {
		t.Errorf("got %+v", body)
	}
}
