package stories_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// newService is a small API that knows nothing of keys, and tells who it was told calls.
func newService(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{
			"served": r.Method + " " + r.URL.Path, "app": r.Header.Get("X-Gatehouse-App-Id"),
			"saw_key": r.Header.Get("Authorization") + r.Header.Get("X-Api-Key"),
		})
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// newGateway runs nginx with a file as the page Connect shows it, at a free port, in front of the service.
func newGateway(t testing.TB, file string) string {
	t.Helper()
	const listens = "listen 80;"
	if !strings.Contains(file, listens) {
		t.Fatalf("the file of the gateway has no %q:\n%s", listens, file)
	}
	url, _ := testenv.Nginx(t, strings.Replace(file, listens, "listen 127.0.0.1:@PORT@;", 1))
	return url
}

// answer is what a caller of an API gets.
type answer struct {
	status int
	code   string // of Gatehouse, of a refusal
	body   string
}

func (a answer) String() string { return fmt.Sprintf("%d %s %s", a.status, a.code, a.body) }

// call calls an API with a key, as curl does.
func call(t testing.TB, method, url, key string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header.Get("X-Gatehouse-Code"), string(body)}
}

// verify asks Gatehouse itself about a key, as a service does that guards itself, and returns the code. Without question only the
// key goes along.
func verify(t testing.TB, gatehouse, gatewayKey, key string, question map[string]any) string {
	t.Helper()
	ask := map[string]any{"key": key}
	for name, value := range question {
		ask[name] = value
	}
	body, err := json.Marshal(ask)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, gatehouse+"/v1/keys/verify", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+gatewayKey)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var verdict struct{ Code string }
	if err := json.NewDecoder(response.Body).Decode(&verdict); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Sprintf("%d %s", response.StatusCode, verdict.Code)
	}
	return verdict.Code
}
