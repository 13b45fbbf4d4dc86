package web_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
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

// A page of a database that is moved, or was, answers 503 as planned: that is no failure either.
func TestWhatAMoveLeavesUnansweredIsNoError(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	s := webtest.New(t, d, clock, func(_ *web.Kit, r *web.Registrar) {
		r.Get("/page", web.Public(), func(c echo.Context) error { return d.Tx(web.Ctx(c), func(*db.Tx) error { return nil }) })
	})
	var log bytes.Buffer
	loud := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(loud)
	ask := func() int {
		answer := httptest.NewRecorder()
		s.Handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/page", http.NoBody))
		return answer.Code
	}
	hold, err := d.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	held := ask()
	if err := hold.Finish(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	left := ask()

	if held != http.StatusServiceUnavailable || left != http.StatusServiceUnavailable || strings.Contains(log.String(), "level=ERROR") || strings.Count(log.String(), "request_id=") < 2 {
		t.Error(held, left, log.String())
	}
}
