package main

import (
	"crypto/sha256"
	"fmt"
	"log"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/valyala/fasthttp"
)

// The floors: echo and fasthttp with a fixed answer, which is what each alone costs, and echo with the smallest honest check of a key,
// which is what one writes first: JSON in and out, SHA-256, a map of 100,000 keys, scope, expiry, a limit, a count. Nothing is kept.

const fixedAnswer = `{"valid":true,"code":"VALID","request_id":"req_0000000000000000","key":{"id":"key_00000000000000000000000000","name":"Worker","environment":"live","scopes":["orders:read"],"expires_at":null,"metadata":{}},"app":{"id":"app_00000000000000000000000000","name":"App"},"organization":{"id":"org_00000000000000000000000000","name":"Org"},"ratelimit":{"limit":100,"remaining":99,"reset_ms":600}}`

func serveFloor(kind, address string) {
	if kind == "fasthttp" {
		log.Fatal(fasthttp.ListenAndServe(address, fastYes))
	}
	if kind == "yes" {
		log.Fatal(http.ListenAndServe(address, http.HandlerFunc(alwaysYes))) //nolint:gosec // it lives for a minute
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	body := []byte(fixedAnswer)
	e.POST("/v1/keys/verify", func(c echo.Context) error { return c.JSONBlob(http.StatusOK, body) })
	e.GET("/v1/authz", func(c echo.Context) error {
		c.Response().Header().Set("X-Gatehouse-Key-Id", "key_00000000000000000000000000")
		return c.NoContent(http.StatusOK)
	})
	if kind == "echo-verify" {
		e = echo.New()
		e.HideBanner, e.HidePort = true, true
		e.POST("/v1/keys/verify", newNaive(100_000).verify)
	}
	log.Fatal(e.Start(address))
}

// identity is what a yes says.
var identity = [][2]string{
	{"X-Gatehouse-Key-Id", "key_00000000000000000000000000"},
	{"X-Gatehouse-App-Id", "app_00000000000000000000000000"},
	{"X-Gatehouse-Organization-Id", "org_00000000000000000000000000"},
	{"X-Gatehouse-Scopes", "orders:read"},
	{"X-Gatehouse-Environment", "live"},
}

// alwaysYes is the least that nginx can ask: a yes with the five identity headers.
func alwaysYes(w http.ResponseWriter, _ *http.Request) {
	for _, h := range identity {
		w.Header().Set(h[0], h[1])
	}
}

// fastYes is the same by the server library that carries the edge: what is left of a check when nothing is checked.
func fastYes(c *fasthttp.RequestCtx) {
	for _, h := range identity {
		c.Response.Header.Set(h[0], h[1])
	}
}

type naiveKey struct {
	mu      sync.Mutex
	id      int
	scopes  map[string]bool
	expires time.Time
	full    time.Time // when the bucket is full again
	used    int
}

type naive struct {
	mu   sync.RWMutex
	keys map[[32]byte]*naiveKey
}

func naiveText(i int) string { return fmt.Sprintf("nk_live_%038d", i) }

func newNaive(n int) *naive {
	s := &naive{keys: make(map[[32]byte]*naiveKey, n)}
	for i := range n {
		s.keys[sha256.Sum256([]byte(naiveText(i)))] = &naiveKey{id: i, scopes: map[string]bool{"orders:read": true}, expires: time.Now().AddDate(0, 3, 0)}
	}
	return s
}

type naiveQuestion struct {
	Key    string   `json:"key"`
	Scopes []string `json:"scopes"`
}

type naiveAnswer struct {
	Valid     bool     `json:"valid"`
	Code      string   `json:"code"`
	KeyID     string   `json:"key_id"`
	Scopes    []string `json:"scopes"`
	Remaining int      `json:"remaining"`
}

const naiveStep, naiveBurst = time.Microsecond, time.Hour

func (s *naive) verify(c echo.Context) error {
	var q naiveQuestion
	if err := c.Bind(&q); err != nil {
		return err
	}
	s.mu.RLock()
	k := s.keys[sha256.Sum256([]byte(q.Key))]
	s.mu.RUnlock()
	if k == nil {
		return c.JSON(http.StatusOK, naiveAnswer{Code: "NOT_FOUND"})
	}
	now := time.Now()
	a := naiveAnswer{Code: "VALID", KeyID: fmt.Sprintf("key_%012d", k.id), Scopes: q.Scopes}
	for _, scope := range q.Scopes {
		if !k.scopes[scope] {
			a.Code = "INSUFFICIENT_SCOPE"
		}
	}
	k.mu.Lock()
	if k.full.Before(now) {
		k.full = now
	}
	if next := k.full.Add(naiveStep); next.Sub(now) > naiveBurst {
		a.Code = "RATE_LIMITED"
	} else {
		k.full = next
	}
	a.Remaining = int((naiveBurst - k.full.Sub(now)) / naiveStep)
	k.used++
	k.mu.Unlock()
	if now.After(k.expires) {
		a.Code = "EXPIRED"
	}
	a.Valid = a.Code == "VALID"
	return c.JSON(http.StatusOK, a)
}

func naiveVerifications() [][]byte {
	all := make([][]byte, 0, inUse)
	for i := range inUse {
		all = append(all, post("", `{"key":"`+naiveText(i)+`","scopes":["orders:read"]}`))
	}
	return all
}
