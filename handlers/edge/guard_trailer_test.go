package edge_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/client/guard"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// D9: what a client sends after the body is a header to some services.
func TestMiddlewareKeepsTrailersThatSayWhoCallsFromTheService(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client(func(f *keyring.Facts) { f.Reach.Grants[0].Scopes = []string{"orders:write"} }))
	edge := httptest.NewServer(w.handler)
	t.Cleanup(edge.Close)
	g, err := guard.New(guard.Options{Gatehouse: edge.URL, Key: w.gateway, API: "orders"})
	if err != nil {
		t.Fatal(err)
	}
	service := httptest.NewServer(g.Protect(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		announced := len(r.Trailer)
		_, err := io.Copy(io.Discard, r.Body)
		_ = json.NewEncoder(rw).Encode(map[string]any{"announced": announced, "trailer": r.Trailer, "error": err})
	})))
	t.Cleanup(service.Close)
	head := "POST /v2/orders HTTP/1.1\r\nHost: orders.example\r\nAuthorization: Bearer " + key + "\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
	body := "\r\n4\r\nbody\r\n0\r\nX-Gatehouse-Organization-Id: admin\r\nX_Gatehouse_App_Id: admin\r\nX-Api-Key: admin\r\nX-Sum: 12\r\n\r\n"
	for what, c := range map[string]struct{ announced, want string }{
		"announced":     {"Trailer: X-Gatehouse-Organization-Id, X_Gatehouse_App_Id, X-Sum, X-Api-Key\r\n", `{"announced":1,"error":null,"trailer":{"X-Sum":["12"]}}`},
		"not announced": {"", `{"announced":0,"error":null,"trailer":{"X-Sum":["12"]}}`},
	} {
		said := say(t, strings.TrimPrefix(service.URL, "http://"), head+c.announced+body)

		if !strings.HasPrefix(said, "HTTP/1.1 200") || !strings.Contains(said, c.want) {
			t.Errorf("%s: %q", what, said)
		}
	}
	if said := say(t, strings.TrimPrefix(service.URL, "http://"), strings.Replace(head, "Transfer-Encoding: chunked", "Content-Length: 4", 1)+"\r\nbody"); !strings.Contains(said, `{"announced":0,"error":null,"trailer":null}`) {
		t.Errorf("without chunks: %q", said)
	}
}
