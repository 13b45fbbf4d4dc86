package edge_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/edge"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// house is the edge over a real database, with the real stores beside it.
type house struct {
	*usagetest.World
	t       testing.TB
	ring    *keyring.Ring
	handler http.Handler
	usage   *keyring.Usage
	flusher *usage.Flusher

	accounts *account.Store
	orgs     *org.Store
	catalog  *catalog.Store
	keys     *key.Store
	handover *handover.Store

	keyID db.ID
	key   string
}

func newHouse(t *testing.T, d *db.DB) *house {
	t.Helper()
	h := &house{World: usagetest.New(t, d), t: t}
	h.keyID, h.key = h.AddKey(h.App, "Checkout worker", h.Orders, h.OrdersRead)
	h.ring = h.OwnRing()
	h.handler, h.usage, h.flusher = h.edgeOver(h.ring, "one")
	box := outbox.New(h.Root.Sealer(secret.LabelMail))
	link := func(p string) string { return "https://portal.example" + p }
	h.accounts = account.NewStore(account.Options{DB: d, Outbox: box, Link: link, PortalName: func(context.Context) string { return "Portal" }})
	h.orgs, h.catalog = org.NewStore(org.Options{DB: d, Outbox: box, Link: link}), catalog.NewStore(catalog.Options{DB: d, Outbox: box, Link: link})
	h.keys = key.NewStore(key.Options{DB: d, Outbox: box, Root: h.Root, Brand: "gk", Link: link})
	h.handover = handover.NewStore(handover.Options{DB: d, Outbox: box, Keys: h.keys, Link: link})
	return h
}

func (h *house) edgeOver(ring *keyring.Ring, replica string) (http.Handler, *keyring.Usage, *usage.Flusher) {
	counters, quotas, quiet := keyring.NewUsage(0), keyring.NewMonthlyQuotas(), slog.New(slog.NewTextHandler(io.Discard, nil))
	handler := edge.New(edge.Options{
		Ring: ring, Limiter: ratelimit.NewLocal(1000), Counters: counters, Quotas: quotas, Clock: h.DB.Clock, Brand: "gk",
		Digesters: []*apikey.Digester{h.Digester}, Log: quiet,
	})
	return handler, counters, usage.NewFlusher(usage.FlusherOptions{DB: h.DB, Counters: counters, Quotas: quotas, Replica: replica, Log: quiet})
}

// ask asks about GET /v2/orders with the customer's key, and returns status and code.
func (h *house) ask(handler http.Handler) string {
	r := httptest.NewRequest(http.MethodGet, edge.AuthzPath+"?api=orders", nil)
	r.Header.Set("X-Gatehouse-Token", h.Gateway)
	r.Header.Set("X-Forwarded-Method", "GET")
	r.Header.Set("X-Forwarded-Uri", "/v2/orders")
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	r.Header.Set("X-API-Key", h.key)
	alternate()
	w := carry(h.t, handler, r)
	return http.StatusText(w.Code) + " " + w.Header().Get("X-Gatehouse-Code")
}

const yes = "OK "

// D5, and the bound of GATEHOUSE_STALE_MAX: a warm check touches no database.
func TestWarmChecksTouchNoDatabase(t *testing.T) {
	clock := dbtest.NewClock()
	h := newHouse(t, dbtest.Open(t, "sqlite:"+filepath.Join(t.TempDir(), "gatehouse.db"), clock))
	if a := h.ask(h.handler); a != yes {
		t.Fatal(a)
	}
	if err := h.DB.Close(); err != nil {
		t.Fatal(err)
	}

	for range 100 {
		if a := h.ask(h.handler); a != yes {
			t.Fatal("warm:", a)
		}
	}
	clock.Advance(7 * time.Second) // facts are believed for 8 to 10 s
	within := h.ask(h.handler)
	clock.Advance(4 * time.Second)
	beyond := h.ask(h.handler)

	if within != yes || beyond != "Service Unavailable UNAVAILABLE" {
		t.Fatal(within, beyond)
	}
}

// B1-16: a call is on the pages after one flush, which comes each second.
func TestCallsOfTheEdgeAreCountedExactly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		h := newHouse(t, d)
		for range 25 {
			h.ask(h.handler)
		}

		err := h.flusher.Flush(t.Context())

		_, sum, err2 := usage.NewStore(d).Series(t.Context(), usage.View{Actor: h.Person, Span: usage.Hour})
		routes, err3 := usage.NewStore(d).ByRoute(t.Context(), usage.View{Actor: h.Person, Span: usage.Hour}, 10)
		if err := errors.Join(err, err2, err3); err != nil || sum != (usage.Count{Good: 25}) || len(routes) != 1 || routes[0].Name != "/v2/orders" || routes[0].Good != 25 {
			t.Fatal(sum, routes, err)
		}
	})
}

// K1: whatever happens, no key is in a log, nor in the database.
func TestNoKeyIsKeptAnywhere(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t, dbtest.NewClock()))
	h.ask(h.handler)
	if err := h.flusher.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}

	found := grepFile(t, h.DB.Path, h.key[8:40]) + grepFile(t, h.DB.Path+"-wal", h.key[8:40])

	if found != 0 {
		t.Fatal("the body of the key is in the database", found)
	}
}

func grepFile(t *testing.T, path, text string) int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(b), text)
}
