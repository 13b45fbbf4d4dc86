package handlers_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// K1: an address, a query, a header and a body hold secrets, and none of it is in a trace; route, status and request id are.
func TestTracesHoldNoSecrets(t *testing.T) {
	collected := make(chan string, 100)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		collected <- string(body)
	}))
	defer collector.Close()
	clock := dbtest.NewClock()
	w := serveWith(t, dbtest.SQLite(t, clock), clock, map[string]string{"GATEHOUSE_TRACES_URL": collector.URL, "GATEHOUSE_TRACES_SHARE": "1"})
	w.inhabit()
	const secret = "Sup3rSecretThing"
	ask := func(method, path, body string) {
		r := httptest.NewRequestWithContext(t.Context(), method, w.site.URL+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer gk_live_"+secret)
		r.Header.Set("X-Api-Key", secret)
		r.Header.Set("Cookie", "gatehouse-session="+secret)
		r.Header.Set("User-Agent", secret)
		r.Header.Set("Referer", "http://x/"+secret)
		r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		r.Header.Set("Tracestate", "x="+secret)
		r.Header.Set("Content-Type", "application/json")
		w.house.Portal.ServeHTTP(httptest.NewRecorder(), r)
	}

	for _, path := range []string{"/handover/" + secret, "/password/reset?token=" + secret, "/console/keys/" + secret, "/" + secret, "/static/" + secret, "/v1/keys/" + secret, "/v1/whoami?key=" + secret, "/v1/authz/envoy/orders/live/" + secret} {
		ask(http.MethodGet, path, "")
		ask(http.MethodPost, path, secret)
		ask(strings.ToUpper(secret), path, "")
	}
	ask(http.MethodPost, "/v1/keys/verify", `{"key":"`+secret+`"}`)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, loop := range w.house.Loops() {
		loop(ctx) // each comes to its end at once, that of traces after it has sent what waits
	}
	var text strings.Builder
	for len(collected) > 0 {
		text.WriteString(<-collected)
	}

	said := text.String()
	if strings.Contains(strings.ToLower(said), strings.ToLower(secret)) || strings.Contains(said, "gk_live") {
		t.Error("a secret is in a trace", said)
	}
	for _, want := range []string{`"GET /handover/:code"`, `"edge whoami"`, `"edge verify"`, `"_OTHER /*"`, `"traceId":"0af7651916cd43dd8448eb211c80319c"`, `"gatehouse.request_id"`, `"intValue":"404"`, `"SELECT sessions"`, `"db.collection.name"`, `"kind":3`} {
		if !strings.Contains(said, want) {
			t.Errorf("no trace says %s: %s", want, said)
		}
	}
}
