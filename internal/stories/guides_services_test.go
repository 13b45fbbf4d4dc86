package stories_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// A sample is a service of the guide to verifying keys, and how its file becomes a program.
type sample struct {
	language string
	program  func(t testing.TB, file string) (name string, arguments []string)
}

var samples = map[string]sample{
	"main.go": {"Go", func(t testing.TB, file string) (string, []string) {
		t.Helper()
		program := filepath.Join(filepath.Dir(file), "service")
		if said, err := exec.Command("go", "build", "-o", program, file).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		if said, err := exec.Command("go", "vet", file).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, said)
		}
		return program, nil
	}},
	"service.mjs": {"Node", func(t testing.TB, file string) (string, []string) { return testenv.Tool(t, "node"), []string{file} }},
	"service.py":  {"Python", func(t testing.TB, file string) (string, []string) { return testenv.Tool(t, "python3"), []string{file} }},
}

// Each sample answers as the guide says: for keys of every kind, and when the portal does not answer as it should.
func TestServicesOfTheGuideAnswerAsItSays(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	keys := keysForSamples(d)
	run := 0
	for _, f := range leaves(t, "guides/verifying-keys.md")[0].fences {
		s, ok := samples[f.title()]
		if !ok {
			continue
		}
		run++
		t.Run(s.language, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), f.title())
			if err := os.WriteFile(file, []byte(f.text), 0o600); err != nil {
				t.Fatal(err)
			}
			name, arguments := s.program(t, file)
			serve := func(portal, gatewayKey string) string { return serveSample(t, name, arguments, portal, gatewayKey) }
			judgesKeys(t, serve(d.URL, d.env["GATEWAY_KEY"]), keys)
			failsClosed(t, serve, d)
		})
	}
	if run != len(samples) {
		t.Errorf("%d of %d samples were run", run, len(samples))
	}
}

// keysForSamples makes a key for each answer, by the code of the answer.
func keysForSamples(d *desk) map[string]string {
	d.t.Helper()
	keys := map[string]string{"VALID": d.env["GATEHOUSE_KEY"], "NOT_FOUND": "nonsense", "BAD_REQUEST": strings.Repeat("x", 600)}
	keys["INSUFFICIENT_SCOPE"] = d.makeKey(d.dev, "Order tracker", "Writer", "Live", "orders:write").secret
	keys["WRONG_ENVIRONMENT"] = d.makeKey(d.dev, "Order tracker", "Tester", "Test", "orders:read").secret
	paused := d.makeKey(d.dev, "Order tracker", "Paused one", "Live", "orders:read")
	d.dev.follow("Pause")
	d.dev.press("Pause key")
	keys["PAUSED"] = paused.secret
	revoked := d.makeKey(d.dev, "Order tracker", "Revoked one", "Live", "orders:read")
	d.revoke(d.dev, revoked)
	keys["REVOKED"] = revoked.secret
	return keys
}

// statusOfCode is what the guide's tables promise.
var statusOfCode = map[string]int{
	"VALID": 200, "NOT_FOUND": 401, "REVOKED": 401, "PAUSED": 401, "INSUFFICIENT_SCOPE": 403, "WRONG_ENVIRONMENT": 403, "BAD_REQUEST": 400,
}

func judgesKeys(t *testing.T, service string, keys map[string]string) {
	t.Helper()
	for code, key := range keys {
		got := call(t, "GET", service+"/v2/orders?page=2", key)
		if want := strings.Replace(code, "VALID", "", 1); got.status != statusOfCode[code] || got.code != want {
			t.Errorf("a key that is %s: %s", code, got)
		}
		if code == "VALID" && got.body != "Hello, Order tracker\n" {
			t.Errorf("the service says %q", got.body)
		}
	}
	answer, err := http.Get(service + "/v2/orders")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 401 || answer.Header.Get("X-Gatehouse-Code") != "MISSING_KEY" {
		t.Errorf("without a key: %s", answer.Status)
	}
}

// failsClosed asks while the portal is away, says what nobody expects, or does not know the gateway.
func failsClosed(t *testing.T, serve func(portal, gatewayKey string) string, d *desk) {
	t.Helper()
	key := d.env["GATEHOUSE_KEY"]
	ask := func(what, service string, status int, code string) {
		t.Helper()
		if got := call(t, "GET", service+"/v2/orders", key); got.status != status || got.code != code {
			t.Errorf("%s: %s, want %d %s", what, got, status, code)
		}
	}
	ask("nobody there", serve("http://127.0.0.1:"+strconv.Itoa(testenv.FreePort(t)), "x"), 503, "UNAVAILABLE")
	ask("the gateway's key is wrong", serve(d.URL, key), 503, "UNAVAILABLE")

	saying := func(status int, body string) string {
		portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(portal.Close)
		return serve(portal.URL, "x")
	}
	ask("an error with a yes in it", saying(500, `{"valid": true, "code": "VALID", "app": {"name": "x"}}`), 503, "UNAVAILABLE")
	ask("no JSON", saying(200, `<html>`), 503, "UNAVAILABLE")
	ask("a code of the future", saying(200, `{"valid": false, "code": "FORBIDDEN_WEEKDAY"}`), 403, "FORBIDDEN_WEEKDAY")
	limited := saying(200, `{"valid": false, "code": "RATE_LIMITED", "retry_after_ms": 1200}`)
	ask("too many calls", limited, 429, "RATE_LIMITED")
	if wait := retryAfter(t, limited, key); wait != "2" {
		t.Errorf("Retry-After is %q", wait)
	}
}

func retryAfter(t *testing.T, service, key string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, service+"/v2/orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.Header.Get("Retry-After")
}

// serveSample runs the program until the test ends, and returns its address once it listens.
func serveSample(t testing.TB, name string, arguments []string, portal, gatewayKey string) string {
	t.Helper()
	port := strconv.Itoa(testenv.FreePort(t))
	said := &lockedText{}
	program := exec.Command(name, arguments...)
	program.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PORT=" + port, "GATEHOUSE_URL=" + portal, "GATEWAY_KEY=" + gatewayKey}
	program.Stdout, program.Stderr = said, said
	program.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-program.Process.Pid, syscall.SIGKILL)
		_ = program.Wait() // killed
	})
	url := "http://127.0.0.1:" + port
	listens := await(context.Background(), func() bool {
		answer, err := http.Get(url + "/v2/orders")
		if err == nil {
			_ = answer.Body.Close()
		}
		return err == nil
	})
	if !listens {
		t.Fatalf("%s does not listen: %s", name, said)
	}
	return url
}
