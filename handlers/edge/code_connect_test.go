package edge_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// drivers ask by the code that Connect shows about each key that they are given, twice, and print what it says.
var drivers = map[string]struct {
	file, driver, program, text string
	code                        func(gatewayfile.Options) string
}{
	"Node": {"gatehouse.mjs", "driver.mjs", "node", `import { verify } from "./gatehouse.mjs";
for (const key of process.argv.slice(2)) for (const path of ["/v2/orders", "/v2/orders", "/v2//orders"]) {
  try { const v = await verify(key, "GET", path, "203.0.113.7"); console.log(v.valid, v.code, v.app ? v.app.name : "", /^req_.{16}$/.test(v.request_id) ? "" : "unnamed"); } catch { console.log("nobody knows"); }
}
`, gatewayfile.Node},
	"Python": {"gatehouse.py", "driver.py", "python3", `import re, sys
from gatehouse import verify
for key in sys.argv[1:]:
    for path in ("/v2/orders", "/v2/orders", "/v2//orders"):
        try:
            v = verify(key, "GET", path, "203.0.113.7")
            print(str(v["valid"]).lower(), v["code"], v["app"]["name"] if "app" in v else "", "" if re.fullmatch("req_.{16}", v.get("request_id", "")) else "unnamed")
        except (OSError, ValueError):
            print("nobody knows")
`, gatewayfile.Python},
}

// D1, D5: the code that Connect shows tells what the edge says, keeps a yes alone, and says nothing when nobody knows.
func TestCodeOfConnectAsksTheEdge(t *testing.T) {
	for language := range drivers {
		t.Run(language, func(t *testing.T) {
			w := newWorld(t)
			server := httptest.NewServer(w.handler)
			t.Cleanup(server.Close)
			good, revoked := w.add(w.client()), w.add(w.client(func(f *keyring.Facts) { f.RevokedAt = 1 }))
			o := gatewayfile.Options{GatehouseURL: server.URL, APISlug: "orders", Environment: "live"}
			run := func(gateway string) string { return drive(t, language, o, gateway, good, "gk_live_x", revoked) }

			said := run(w.gateway)

			const bad = "false BAD_REQUEST\n"
			want := strings.Repeat("true VALID Northwind shop\n", 2) + bad + strings.Repeat("false NOT_FOUND\n", 2) + bad + strings.Repeat("false REVOKED Northwind shop\n", 2) + bad
			if said != want {
				t.Errorf("%s\nwant %s", said, want)
			}
			counts := map[keyring.Code]int64{}
			for row, n := range w.usage.Drain().Counts {
				counts[row.Code] += n
			}
			if counts[keyring.Valid] != 1 || counts[keyring.NotFound] != 2 || counts[keyring.Revoked] != 2 {
				t.Error("a yes is kept, a refusal is not:", counts)
			}
			if said := run("gk_live_x"); said != strings.Repeat("nobody knows\n", 9) {
				t.Errorf("no gateway key: %s", said)
			}
		})
	}
}

// D1: code that is led elsewhere neither hands its key over nor takes a stranger's word.
func TestCodeOfConnectGoesNowhereElse(t *testing.T) {
	for language := range drivers {
		t.Run(language, func(t *testing.T) {
			var asked atomic.Int64
			stranger := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				_, _ = rw.Write([]byte(`{"valid":true,"code":"VALID","key":{},"app":{"name":"stranger"}}`))
			}))
			t.Cleanup(stranger.Close)
			leads := httptest.NewServer(http.RedirectHandler(stranger.URL, http.StatusFound))
			t.Cleanup(leads.Close)

			said := drive(t, language, gatewayfile.Options{GatehouseURL: leads.URL, APISlug: "orders", Environment: "live"}, "gk_live_gateway", "gk_live_x")

			if said != strings.Repeat("nobody knows\n", 3) || asked.Load() != 0 {
				t.Errorf("the stranger was asked %d times: %s", asked.Load(), said)
			}
		})
	}
}

// K4: a yes that is kept ends with its key.
func TestCodeOfConnectKeepsNoYesBeyondTheKeysEnd(t *testing.T) {
	for language := range drivers {
		t.Run(language, func(t *testing.T) {
			var asked atomic.Int64
			ends := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				_, _ = rw.Write([]byte(`{"valid":true,"code":"VALID","key":{"expires_at":"2020-01-01T00:00:00Z"},"app":{"name":"shop"}}`))
			}))
			t.Cleanup(ends.Close)

			said := drive(t, language, gatewayfile.Options{GatehouseURL: ends.URL, APISlug: "orders", Environment: "live"}, "gk_live_gateway", "gk_live_x")

			if asked.Load() != 3 {
				t.Errorf("asked %d times, want each time: %s", asked.Load(), said)
			}
		})
	}
}

var trailing = regexp.MustCompile(" +\n")

// drive asks by the code of a language about each key, and returns what it said.
func drive(t *testing.T, language string, o gatewayfile.Options, gateway string, keys ...string) string {
	t.Helper()
	c, dir := drivers[language], t.TempDir()
	for name, text := range map[string]string{c.file: c.code(o), c.driver: c.text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := exec.CommandContext(t.Context(), testenv.Tool(t, c.program), append([]string{c.driver}, keys...)...) //nolint:gosec // ours
	program.Dir, program.Env = dir, append(os.Environ(), "GATEWAY_KEY="+gateway)
	said, err := program.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return trailing.ReplaceAllString(string(said), "\n")
}
