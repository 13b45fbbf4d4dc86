package web

import (
	"compress/gzip"
	"crypto/rand"
	"encoding/base32"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

// NewEcho makes the router with everything around a handler: request id, recovery, log, client address. It has no routes yet.
func (k *Kit) NewEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = k.answerError
	e.IPExtractor = ipExtractor(k.Proxies)
	// Pages are made anew for each reader: the quickest level costs a third of the usual one, for a tenth more bytes.
	// Where there is nothing, too, the page knows who reads it.
	e.RouteNotFound("/*", k.withState(func(echo.Context) error { return fault.Missing() }))
	e.Use(requestID, k.recovered, requestLog, middleware.GzipWithConfig(middleware.GzipConfig{Skipper: skipGzip, MinLength: 1024, Level: gzip.BestSpeed}))
	return e
}

// Handler is what the listener serves for pages: the host check, then same-origin in net/http's own words, then the router (W1, W6).
func (k *Kit) Handler(e *echo.Echo) http.Handler {
	outer := http.NewCrossOriginProtection()
	if err := outer.AddTrustedOrigin(k.BaseURL.String()); err != nil {
		slog.Error("base URL is no origin", "error", err) // config has checked it
	}
	return hostGuard(k.BaseURL, outer.Handler(e))
}

// skipGzip leaves alone what holds a fresh secret, so that its length can't be probed, and what is compressed already.
func skipGzip(c echo.Context) bool {
	p := c.Request().URL.Path
	if keptPage(p) && !strings.Contains(c.Request().Header.Get("Cookie"), sessionCookie+"=") {
		c.Set(packsKey, true)
		return true
	}
	return strings.HasPrefix(p, "/static/") || strings.HasPrefix(p, "/console/account/security/totp/") || c.Request().Method != http.MethodGet || c.Response().Header().Get("Content-Encoding") != ""
}

const packsKey = "gatehouse.packs_itself"

// keptPage reports whether a path is of the kind that is kept compressed for people who are not signed in.
func keptPage(path string) bool {
	return (strings.HasPrefix(path, "/guides/") || strings.HasPrefix(path, "/tutorials/")) && !strings.HasSuffix(path, ".md")
}

// PacksItself reports whether nobody else compresses this answer.
func PacksItself(c echo.Context) bool { packs, _ := c.Get(packsKey).(bool); return packs }

// ipExtractor believes X-Forwarded-For only from the named proxies, and takes its rightmost entry that is none of them (C4).
func ipExtractor(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	opts := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		_, network, err := net.ParseCIDR(p.Masked().String())
		if err == nil {
			opts = append(opts, echo.TrustIPRange(network))
		}
	}
	return echo.ExtractIPFromXFFHeader(opts...)
}

const requestIDKey = "gatehouse.request_id"

// RequestID names the request in logs, in the audit log and on error pages. It is always ours: what a client sends is not believed.
func RequestID(c echo.Context) string {
	id, _ := c.Get(requestIDKey).(string)
	return id
}

var base32Lower = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewRequestID makes a request id of 80 random bits.
func NewRequestID() string {
	b := make([]byte, 10)
	_, _ = rand.Read(b) // never fails, says crypto/rand
	return "req_" + base32Lower.EncodeToString(b)
}

func requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := NewRequestID()
		c.Set(requestIDKey, id)
		c.Response().Header().Set("X-Request-Id", id)
		return next(c)
	}
}

// recovered turns a panic into an internal error: the process lives, the answer is no (C13, REL-14).
func (k *Kit) recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
					panic(p) //nolint:forbidigo // net/http's own way to abort
				}
				slog.Error("panic", "request_id", RequestID(c), "route", c.Path(), "panic", p, "stack", string(debug.Stack()))
				err = fault.New(fault.Internal, "")
			}
		}()
		return next(c)
	}
}

// KnownMethod is a method as it may stand in logs and traces. What is none that is registered is somebody's text, thousands of letters long if they like, and
// stands there as OpenTelemetry writes it: "_OTHER".
func KnownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "_OTHER"
}

// requestLog writes one line a request: the route's template, never the path or query, which may hold what somebody pasted (K1).
func requestLog(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		begin := time.Now() //nolint:forbidigo // a duration, not a point in time
		err := next(c)
		if err != nil {
			c.Error(err)
		}
		if strings.HasPrefix(c.Path(), "/static/") || c.Path() == "/healthz" || c.Path() == "/readyz" {
			return nil
		}
		slog.Info("request", "request_id", RequestID(c), "method", KnownMethod(c.Request().Method), "route", c.Path(), "status", c.Response().Status,
			"ms", float64(time.Since(begin).Microseconds())/1000)
		return nil
	}
}
