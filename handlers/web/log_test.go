package web_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// A method is a word of any length that the client makes up: it does not get into the log, nor does a path.
func TestTheLogHoldsNoMethodThatSomebodyMadeUp(t *testing.T) {
	clock := dbtest.NewClock()
	s := webtest.New(t, dbtest.SQLite(t, clock), clock, func(*web.Kit, *web.Registrar) {})
	var log bytes.Buffer
	loud := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(loud)
	made := strings.Repeat("MADEUP", 1365)

	for _, method := range []string{made, http.MethodDelete} {
		s.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), method, s.URL+"/nowhere", http.NoBody))
	}

	said := log.String()
	if strings.Contains(said, "MADEUP") || strings.Contains(said, "nowhere") {
		t.Errorf("%.300s", said)
	}
	if !strings.Contains(said, "method=_OTHER") || !strings.Contains(said, "method=DELETE") {
		t.Errorf("a line is missing: %.600s", said)
	}
}
