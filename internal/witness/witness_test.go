package witness_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/witness"
)

func TestLinesAreAppendedAndATornOneStaysApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoints")
	write := witness.To(path)
	first := write(t.Context(), []byte(`{"a":1}`))
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString(`{"to`)
	_ = f.Close()

	second := write(t.Context(), []byte(`{"b":2}`))

	got, _ := os.ReadFile(path)
	info, err := os.Stat(path)
	if first != nil || second != nil || err != nil || string(got) != "{\"a\":1}\n{\"to\n{\"b\":2}\n" || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v %v %q %v", first, second, err, got, info.Mode())
	}
	if err := witness.To(filepath.Join(t.TempDir(), "none", "x"))(t.Context(), []byte("x")); err == nil {
		t.Error("a folder that is not there")
	}
}

// N2: only an answer of 2xx from the address itself counts.
func TestOnlyTheAddressItselfTakesALine(t *testing.T) {
	var got []string
	status := http.StatusNoContent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+string(body))
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer server.Close()
	write := witness.To(server.URL + "/checkpoints")

	taken := write(t.Context(), []byte(`{"a":1}`))
	status = http.StatusTemporaryRedirect
	moved := write(t.Context(), []byte(`{"a":1}`))
	status = http.StatusServiceUnavailable
	away := write(t.Context(), []byte(`{"a":1}`))

	if taken != nil || moved == nil || away == nil || len(got) != 3 || got[0] != `POST /checkpoints application/json {"a":1}` {
		t.Error(taken, moved, away, got)
	}
}
