package web_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// A reader who closes the page is no failure of the portal; a store that gives up while the reader waits is one.
func TestAReaderWhoLeavesIsNoError(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	clock := dbtest.NewClock()
	s := webtest.New(t, dbtest.SQLite(t, clock), clock, func(_ *web.Kit, r *web.Registrar) {
		r.Get("/left", web.Public(), func(c echo.Context) error { leave(); return c.Request().Context().Err() })
		r.Get("/given-up", web.Public(), func(echo.Context) error { return context.Canceled })
	})
	var log bytes.Buffer
	loud := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(loud)

	for path, asker := range map[string]context.Context{"/left": ctx, "/given-up": t.Context()} {
		s.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(asker, http.MethodGet, s.URL+path, http.NoBody))
	}

	var failed []string
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "level=ERROR") {
			failed = append(failed, line)
		}
	}
	if len(failed) != 1 || !strings.Contains(failed[0], "route=/given-up") || !strings.Contains(log.String(), "route=/left") {
		t.Errorf("failed: %q of\n%s", failed, log.String())
	}
}
