package edge_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/edge"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// world is what a database would hold, in memory; the real one comes in the tests of package usage.
type world struct {
	mu    sync.Mutex
	now   time.Time
	keys  map[keyring.Digest]*keyring.Facts
	apis  func() []*keyring.API
	feed  []keyring.Change
	fail  error
	loads int
	panic bool

	digester *apikey.Digester
	ring     *keyring.Ring
	usage    *keyring.Usage
	quotas   *keyring.MonthlyQuotas
	handler  http.Handler
	log      strings.Builder

	company, publisher, stranger, customer *keyring.Org
	portal, orders, staff, foreign         keyring.ID
	gateway                                string // text of a key with keys:verify of the publisher
	t                                      testing.TB
}

func newID() keyring.ID { return keyring.ID(db.NewID()) }

func newWorld(t testing.TB) *world {
	w := &world{
		now: start, keys: map[keyring.Digest]*keyring.Facts{}, t: t,
		digester: apikey.NewDigester(apikey.Pepper{Version: "1", Key: []byte("pepper of tests")}),
		company:  &keyring.Org{ID: newID(), Name: "Company"}, publisher: &keyring.Org{ID: newID(), Name: "Publisher"},
		stranger: &keyring.Org{ID: newID(), Name: "Stranger"}, customer: &keyring.Org{ID: newID(), Name: "Northwind", User: newID()},
		portal: newID(), orders: newID(), staff: newID(), foreign: newID(), usage: keyring.NewUsage(0), quotas: keyring.NewMonthlyQuotas(),
	}
	w.apis = w.catalogue
	w.gateway = w.gatewayOf(w.publisher)
	w.ring = keyring.NewRing(w, keyring.Options{TTL: keyring.DefaultTTL, Now: w.clock})
	w.poll()
	w.serve(edge.Options{})
	return w
}

// serve makes the handler anew with what o says of proxies.
func (w *world) serve(o edge.Options) {
	o.Ring, o.Limiter, o.Counters, o.Quotas, o.Clock = w.ring, ratelimit.NewLocal(10_000), w.usage, w.quotas, w.clock
	o.Brand, o.Digesters = "gk", []*apikey.Digester{w.digester}
	o.Log = slog.New(slog.NewTextHandler(&w.log, nil))
	w.handler = edge.New(o)
}

func (w *world) catalogue() []*keyring.API {
	return []*keyring.API{
		{ID: w.portal, Slug: "portal", Publisher: w.company.ID, Live: true},
		{
			ID: w.orders, Slug: "orders", Publisher: w.publisher.ID, Domain: "customer", Live: true, Test: true, RefuseUndeclared: true,
			Rules: []keyring.Rule{
				{Method: "GET", Template: "/v2/orders", Scope: "orders:read"},
				{Method: "GET", Template: "/v2/orders/{id}", Scope: "orders:read"},
				{Method: "POST", Template: "/v2/orders", Scope: "orders:write"},
				{Method: "GET", Template: "/v1/orders", Scope: "orders:read", Retired: true},
			},
		},
		{ID: w.staff, Slug: "staff", Publisher: w.publisher.ID, Domain: "employee", Live: true},
		{ID: w.foreign, Slug: "foreign", Publisher: w.stranger.ID, Live: true},
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	w.now = w.now.Add(d)
	w.mu.Unlock()
}

func (w *world) poll() {
	w.t.Helper()
	if err := w.ring.Poll(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) LoadKey(_ context.Context, d keyring.Digest) (*keyring.Facts, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loads++
	if w.panic {
		panic("the loader broke")
	}
	f := w.keys[d]
	if f == nil || w.fail != nil {
		return nil, w.fail
	}
	facts := *f
	return &facts, nil
}

func (w *world) LoadAPIs(context.Context) ([]*keyring.API, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.apis(), w.fail
}

func (w *world) Changes(_ context.Context, seq int64) ([]keyring.Change, int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	end := int64(len(w.feed))
	if seq < 0 {
		return nil, end, w.fail
	}
	return w.feed[seq:], end, w.fail
}

// add mints a key for facts and returns its text.
func (w *world) add(f *keyring.Facts) string {
	w.t.Helper()
	env := apikey.Live
	if f.Environment == keyring.Test {
		env = apikey.Test
	}
	secret, err := apikey.Mint("gk", env, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.keys[keyring.Digest(w.digester.Sum(secret.Reveal()))] = f
	w.mu.Unlock()
	return secret.Reveal()
}

func (w *world) gatewayOf(org *keyring.Org) string {
	return w.add(&keyring.Facts{
		ID: newID(), Name: "Gateway", Environment: keyring.Live, App: &keyring.App{ID: newID(), Name: "Gateway", Org: org},
		Reach: &keyring.Reach{Grants: []keyring.Grant{{
			Access: &keyring.Access{ID: newID(), API: w.portal, Publisher: w.company.ID, State: keyring.AccessActive}, Scopes: []string{"keys:verify"},
		}}},
	})
}

// client returns the facts of a key of the customer that may read orders, changed by alter.
func (w *world) client(alter ...func(f *keyring.Facts)) *keyring.Facts {
	org, extra := *w.customer, keyring.Extra{}
	f := &keyring.Facts{
		ID: newID(), Name: "Checkout worker", Environment: keyring.Live, App: &keyring.App{ID: newID(), Name: "Northwind shop", Org: &org}, Extra: &extra,
		Reach: &keyring.Reach{Domain: "customer", Grants: []keyring.Grant{{
			Access: &keyring.Access{ID: newID(), API: w.orders, Publisher: w.publisher.ID, State: keyring.AccessActive},
			Scopes: []string{"orders:read"},
		}}},
	}
	for _, fn := range alter {
		fn(f)
	}
	return f
}

// commit changes the world and tells the ring of this process, as a store does.
func (w *world) commit(change func(), what ...keyring.Change) {
	w.mu.Lock()
	change()
	w.feed = append(w.feed, what...)
	w.mu.Unlock()
	w.ring.Apply(what...)
}

// answer is what came back; JSON holds its body.
type answer struct {
	Status int
	Header http.Header
	Body   string
	JSON   map[string]any
}

func (a answer) code() string {
	if c := a.Header.Get("X-Gatehouse-Code"); c != "" {
		return c
	}
	code, _ := a.JSON["code"].(string)
	return code
}

func (w *world) do(r *http.Request) answer {
	w.t.Helper()
	recorder := carry(w.t, w.handler, r)
	body, err := io.ReadAll(recorder.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{Status: recorder.Code, Header: recorder.Header(), Body: string(body)}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &a.JSON); err != nil {
			w.t.Fatalf("%v: %s", err, body)
		}
	}
	return a
}

// verify asks as the publisher's gateway.
func (w *world) verify(body string) answer {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, edge.VerifyPath, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+w.gateway)
	r.Header.Set("Content-Type", "application/json")
	return w.do(r)
}

// ask makes a request of the gateway about GET /v2/orders with key; alter changes it.
func (w *world) ask(key string, alter ...func(r *http.Request)) answer {
	w.t.Helper()
	return w.do(w.asking(key, alter...))
}

func (w *world) asking(key string, alter ...func(r *http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodGet, edge.AuthzPath+"?api=orders", nil)
	r.Header.Set("X-Gatehouse-Token", w.gateway)
	r.Header.Set("X-Forwarded-Method", "GET")
	r.Header.Set("X-Forwarded-Uri", "/v2/orders")
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for _, fn := range alter {
		fn(r)
	}
	return r
}

func shown(id keyring.ID, prefix string) string { return db.ID(id).Show(prefix) }

func digesters(w *world) []*apikey.Digester { return []*apikey.Digester{w.digester} }
