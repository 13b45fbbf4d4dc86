package key_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// ring is a picture of its own over the world's database, as a replica has it.
func (w *world) ring() *keyring.Ring {
	w.t.Helper()
	r := keyring.NewRing(w.keys.Loader(), keyring.Options{TTL: keyring.DefaultTTL, Now: w.clock.Now})
	if err := r.Poll(bg); err != nil {
		w.t.Fatal(err)
	}
	return r
}

// asked is the code of a call at Orders, decided from the ring.
func (w *world) asked(r *keyring.Ring, made key.Made, q keyring.Request) string {
	w.t.Helper()
	facts, err := r.Lookup(bg, w.clock.Now(), w.digest(made))
	if err != nil {
		w.t.Fatal(err)
	}
	catalogue, err := r.Catalogue(bg)
	if err != nil {
		w.t.Fatal(err)
	}
	d := keyring.Decide(bg, w.clock.Now(), facts, catalogue.BySlug("orders"), &q, keyring.Limits{})
	return d.Code.String()
}

func (w *world) used(id db.ID, scopes ...string) {
	w.t.Helper()
	use := key.Use{KeyID: id, At: w.clock.Now()}
	for _, s := range scopes {
		use.Scopes = append(use.Scopes, key.ScopeUse{APIID: w.orders, Scope: s, At: w.clock.Now()})
	}
	if err := w.db.Tx(bg, func(tx *db.Tx) error { return key.RecordUse(tx, []key.Use{use}) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) takable(id db.ID) (out string) {
	w.t.Helper()
	d, err := w.keys.Get(bg, w.developer, id)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, g := range d.Takable(w.clock.Now()) {
		out += g.Scope + " "
	}
	return out
}

// K5, K6
func TestAnUnusedScopeIsTakenAwayAndGivenBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		made := w.make(w.developer, "Worker", readOrders, writeOrders)
		id := made.Key.ID
		here, there := w.ring(), w.ring()
		d.OnCommit(func(rows []db.Change) { here.Apply(key.RingChanges(rows)...) })
		clock.Advance(29 * day)
		w.used(id, "orders:read")
		early, offeredEarly := w.keys.TakeScope(bg, w.developer, id, writeOrders), w.takable(id)
		clock.Advance(2 * day)
		for _, r := range []*keyring.Ring{here, there} {
			if err := r.Poll(bg); err != nil {
				t.Fatal(err)
			}
		}
		before, offered := w.events(), w.takable(id)
		writing := keyring.Request{Scopes: []string{"orders:write"}}
		warm := w.asked(here, made, writing) + w.asked(there, made, writing)

		used, taken, again := w.keys.TakeScope(bg, w.developer, id, readOrders), w.keys.TakeScope(bg, w.developer, id, writeOrders), w.keys.TakeScope(bg, w.developer, id, writeOrders)
		at, last := w.asked(here, made, writing), w.takable(id)
		if err := there.Poll(bg); err != nil {
			t.Fatal(err)
		}
		at += " " + w.asked(there, made, writing) + " " + w.asked(there, made, reading)
		shown, err := w.keys.Get(bg, w.developer, id)
		if err != nil || len(shown.Taken) != 1 || shown.Taken[0].Pair() != writeOrders || !shown.Taken[0].Back {
			t.Fatal(shown.Taken, err)
		}
		back, twice := w.keys.GiveScopeBack(bg, w.developer, id, writeOrders), w.keys.GiveScopeBack(bg, w.developer, id, writeOrders)
		after := w.asked(here, made, writing)

		if !fault.Is(early, fault.Conflict) || !fault.Is(used, fault.Conflict) || taken != nil || again != nil || back != nil || twice != nil {
			t.Error(early, used, taken, again, back, twice)
		}
		if warm != "VALIDVALID" || at != "INSUFFICIENT_SCOPE INSUFFICIENT_SCOPE VALID" || after != "VALID" {
			t.Error(warm, at, after)
		}
		if offeredEarly != "" || offered != "orders:write " || last != "" || w.takable(id) != "" {
			t.Errorf("offered %q, %q, %q, %q", offeredEarly, offered, last, w.takable(id))
		}
		if acts := w.acts(before); !slices.Equal(acts, []string{"key.scope_taken", "key.scope_given_back"}) || !slices.Equal(w.mails(), []string{"dev key_widened", "ops key_widened"}) {
			t.Error(acts, w.mails())
		}
	})
}

func TestTheLastScopeIsNotTakenAway(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		only, two := w.make(w.developer, "One").Key.ID, w.make(w.developer, "Two", readOrders, writeOrders).Key.ID
		w.run("UPDATE scopes SET withdrawn_at = ? WHERE name = 'orders:write'", clock.Now())
		clock.Advance(31 * day)

		a, b := w.keys.TakeScope(bg, w.developer, only, readOrders), w.keys.TakeScope(bg, w.developer, two, readOrders)
		withdrawn := w.keys.TakeScope(bg, w.developer, two, writeOrders)
		back := w.keys.GiveScopeBack(bg, w.developer, two, writeOrders)

		if !fault.Is(a, fault.Conflict) || !fault.Is(b, fault.Conflict) || withdrawn != nil || !fault.Is(back, fault.Conflict) || w.takable(only) != "" {
			t.Fatal(a, b, withdrawn, back)
		}
	})
}

// What the page calls refused is refused by the judge of all calls, for the key that is then made.
func TestThePreviewTellsWhatTheKeyWillDoAndACallThatIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		rule := func(method, path, scope string) {
			w.run("INSERT INTO route_rules (id, api_id, method, path_template, scope_id, created_at) SELECT ?, api_id, ?, ?, id, ? FROM scopes WHERE name = ?", db.NewID(), method, path, clock.Now(), scope)
		}
		for _, c := range []struct {
			name, want string
			before     func()
			request    key.CreateRequest
		}{
			{"a scope", "orders orders:write   INSUFFICIENT_SCOPE", func() {}, key.CreateRequest{Pairs: []key.Pair{readOrders}}},
			{"a route", "orders orders:write POST /v2/orders/{id}  INSUFFICIENT_SCOPE", func() { rule("GET", "/v2/orders", "orders:read"); rule("POST", "/v2/orders/{id}", "orders:write") }, key.CreateRequest{Pairs: []key.Pair{readOrders}}},
			{"the reading route", "orders orders:read GET /v2/orders  INSUFFICIENT_SCOPE", func() {}, key.CreateRequest{Pairs: []key.Pair{writeOrders}}},
			{"bound to networks and origins", "orders orders:write POST /v2/orders/{id}  INSUFFICIENT_SCOPE", func() {}, key.CreateRequest{Pairs: []key.Pair{readOrders}, Bounds: key.BoundsForm{Networks: "10.0.0.0/8", Origins: "https://*.shop.example"}}},
			{"another API", "people people:read   WRONG_API", func() {}, key.CreateRequest{Pairs: []key.Pair{readOrders, writeOrders}}},
			{"nothing chosen", "orders orders:write POST /v2/orders/{id}  NOT_FOUND", func() {}, key.CreateRequest{}},
		} {
			c.before()
			c.request.AppID, c.request.Environment = w.app, "live"
			before := w.events()
			a, err := w.keys.Preview(bg, w.developer, c.request)
			if err != nil && len(c.request.Pairs) > 0 || a.Refused == nil {
				t.Fatal(c.name, a.Refused, err)
			}
			r := *a.Refused
			if got := fmt.Sprintf("%s %s %s %s %s %s", r.API, r.Scope, r.Method, r.Path, r.Address, r.Code); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(c.want), " ") {
				t.Errorf("%s: %s", c.name, got)
			}
			if len(w.acts(before)) != 0 || len(a.Scopes) != len(c.request.Pairs) {
				t.Error(c.name, w.acts(before), a.Scopes)
			}
			if len(c.request.Pairs) == 0 {
				continue
			}
			c.request.Name, c.request.Token = c.name, w.token(w.developer)
			made, err := w.keys.Create(bg, w.developer, c.request)
			if err != nil {
				t.Fatal(err)
			}
			q := keyring.Request{Method: r.Method}
			if r.Method != "" {
				if q.Path, err = keyring.Canonical(r.Path); err != nil {
					t.Fatal(err)
				}
			} else {
				q.Scopes = []string{r.Scope}
			}
			if c.request.Bounds.Networks != "" {
				q.IP, q.Origin = addr("10.0.0.1"), "https://www.shop.example"
			}
			if got := w.decide(made, r.API, q); got != r.Code.String() {
				t.Errorf("%s: the key itself is answered %s", c.name, got)
			}
			detail, err := w.keys.Get(bg, w.developer, made.Key.ID)
			if err != nil {
				t.Fatal(err)
			}
			if now, err := w.keys.Ability(bg, detail); err != nil || now.Refused == nil || *now.Refused != r {
				t.Errorf("%s: its page says %v %v", c.name, now.Refused, err)
			}
		}
	})
}

func TestThePreviewIsForWhoMayMakeTheKey(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	ask := key.CreateRequest{AppID: w.app, Environment: "live", Pairs: []key.Pair{readOrders}, Bounds: key.BoundsForm{Networks: "203.0.113.0/33"}}

	_, stranger := w.keys.Preview(bg, w.stranger, ask)
	_, viewer := w.keys.Preview(bg, w.viewer, ask)
	a, wrong := w.keys.Preview(bg, w.developer, ask)

	if !fault.Is(stranger, fault.NotFound) || !fault.Is(viewer, fault.Forbidden) || len(problems(t, wrong)) != 1 || len(a.Scopes) != 1 {
		t.Fatal(stranger, viewer, wrong, a)
	}
}
