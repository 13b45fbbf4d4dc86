package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// C10: metrics are on a handler of their own, and no path or id of a request is in them.
func TestMetricsNameRoutesNotPaths(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	dev := w.site.As(w.mine.user)
	dev.Get("/console/keys/" + w.mine.key.ID.Show("key"))

	onPortal := dev.Get("/metrics").Status
	answer := httptest.NewRecorder()
	w.house.Metrics.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))

	body := answer.Body.String()
	if onPortal != http.StatusNotFound || answer.Code != http.StatusOK || strings.Contains(body, w.mine.key.ID.Show("key")) ||
		!strings.Contains(body, `gatehouse_requests_total{route="/console/keys/:key",status="200"} 1`) || !strings.Contains(body, "gatehouse_keyring_age_seconds") {
		t.Fatal(onPortal, answer.Code, body)
	}
}
