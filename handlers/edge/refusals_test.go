package edge_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/edge"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// remembering is the edge over h that keeps refusals.
func (h *house) remembering() (*edge.Edge, *refusal.Recorder) {
	recorder := refusal.NewRecorder(h.DB, nil)
	return edge.New(edge.Options{
		Ring: h.ring, Limiter: ratelimit.NewLocal(1000), Counters: h.usage, Quotas: keyring.NewMonthlyQuotas(), Clock: h.DB.Clock, Brand: "gk", Refusals: recorder,
		Digesters: []*apikey.Digester{h.Digester}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}), recorder
}

// Issue 5, Explain: each refusal is found by the request id that its answer tells, at every door and in every carrier.
func TestRefusalIsFoundByTheRequestIDOfItsAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		h := newHouse(t, d)
		handler, recorder := h.remembering()
		store := refusal.NewStore(d, h.keys)
		gate := h.AddPerson("gatekeeper", "")
		h.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'viewer', ?)", h.Publisher, gate.UserID, d.Now())
		_, unknown := h.AddKey(h.App, "Other", h.Orders, h.OrdersRead)
		h.Run("UPDATE keys SET networks = '10.0.0.0/8' WHERE name = 'Other'")
		authz := func(key, method, target string) *http.Request {
			r := httptest.NewRequest(http.MethodGet, edge.AuthzPath+"?api=orders", nil)
			r.Header.Set("X-Gatehouse-Token", h.Gateway)
			r.Header.Set("X-Forwarded-Method", method)
			r.Header.Set("X-Forwarded-Uri", target)
			r.Header.Set("X-Forwarded-For", "203.0.113.7")
			if key != "" {
				r.Header.Set("X-API-Key", key)
			}
			return r
		}
		verify := httptest.NewRequest(http.MethodPost, edge.VerifyPath, strings.NewReader(`{"key": "`+h.key+`", "api": "orders", "method": "DELETE", "path": "/v2/orders/7"}`))
		verify.Header.Set("Authorization", "Bearer "+h.Gateway)
		whoami := httptest.NewRequest(http.MethodGet, edge.WhoamiPath, nil)
		whoami.RemoteAddr = "203.0.113.7:4711"
		whoami.Header.Set("X-API-Key", unknown)
		ungated := authz(h.key, "GET", "/v2/orders")
		ungated.Header.Set("X-Gatehouse-Token", h.key) // a key, and none of a gateway
		stranger := authz(h.key, "GET", "/v2/orders")
		stranger.Header.Set("X-Gatehouse-Token", "nobody")

		for name, c := range map[string]struct {
			ask       *http.Request
			reader    actor.Actor
			code      string
			cause     keyring.Cause
			path, net string
		}{
			"a scope":             {authz(h.key, "POST", "/v2/orders?secret=1"), h.Person, "INSUFFICIENT_SCOPE", keyring.RouteScopeMissing, "/v2/orders", "203.0.113.0/24"},
			"a scope, publisher":  {authz(h.key, "POST", "/v2/orders"), gate, "INSUFFICIENT_SCOPE", keyring.RouteScopeMissing, "/v2/orders", "203.0.113.0/24"},
			"a network":           {authz(unknown, "GET", "/v2/orders"), h.Person, "FORBIDDEN_IP", keyring.AddressElsewhere, "/v2/orders", "203.0.113.7"},
			"an unknown key":      {authz("gk_live_nothing", "GET", "/v2/orders"), gate, "NOT_FOUND", keyring.UnknownKey, "/v2/orders", "203.0.113.0/24"},
			"no key":              {authz("", "GET", "/v2/orders"), gate, "MISSING_KEY", 0, "/v2/orders", "203.0.113.0/24"},
			"a doubtful path":     {authz(h.key, "GET", "/v2//orders"), gate, "BAD_REQUEST", 0, "", ""},
			"verify":              {verify, h.Person, "INSUFFICIENT_SCOPE", keyring.RouteUndeclared, "/v2/orders/7", ""},
			"whoami":              {whoami, h.Person, "FORBIDDEN_IP", keyring.AddressElsewhere, "", "203.0.113.7"},
			"not a gateway":       {ungated, h.Person, "GATEWAY_UNAUTHENTICATED", 0, "", ""},
			"nobody's gateway":    {stranger, h.Staff, "GATEWAY_UNAUTHENTICATED", 0, "", ""},
			"nothing but a query": {httptest.NewRequest(http.MethodGet, edge.WhoamiPath+"?key="+h.key, nil), h.Staff, "KEY_IN_URL", 0, "", ""},
		} {
			alternate()
			w := carry(t, handler, c.ask)
			if err := recorder.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			request := w.Header().Get("X-Request-Id")

			got, err := store.Open(t.Context(), refusal.View{Actor: c.reader, Everything: c.reader.StaffRole != ""}, request)

			if err != nil || got.Code != c.code || got.Why() != c.cause || got.Path != c.path {
				t.Errorf("%s: %v: %s because of %v at %q, answered %d", name, err, got.Code, got.Why(), got.Path, w.Code)
			}
			if named := c.code == "MISSING_KEY" || name == "a doubtful path"; named && got.APIID != h.Orders {
				t.Errorf("%s: nobody knows at which API", name)
			}
			if said := c.code == "MISSING_KEY" || c.code == "BAD_REQUEST"; said && got.Detail == "" {
				t.Errorf("%s: it is not kept what the answer said", name)
			}
			if c.net != "" && got.Address != c.net || got.Status != w.Code {
				t.Errorf("%s: from %q, answered %d and kept %d", name, got.Address, w.Code, got.Status)
			}
		}
		if rows := fmt.Sprint(h.dump("refusals")); strings.Contains(rows, h.key[8:40]) || strings.Contains(rows, "secret=1") {
			t.Error("a secret is kept")
		}
	})
}

// What was let through unjudged is kept with what the answer would have said, so that its page can say it.
func TestALetThroughCallWithoutAKeyIsKeptWithItsReason(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t, dbtest.NewClock()))
	h.Run("UPDATE apis SET report_only_until = ?", h.DB.Now().Add(24*time.Hour))
	handler, recorder := h.remembering()
	store := refusal.NewStore(h.DB, h.keys)
	for code, target := range map[string]string{"MISSING_KEY": "/v2/orders", "BAD_REQUEST": "/v2//orders"} {
		r := httptest.NewRequest(http.MethodGet, edge.AuthzPath+"?api=orders", nil)
		r.Header.Set("X-Gatehouse-Token", h.Gateway)
		r.Header.Set("X-Forwarded-Method", "GET")
		r.Header.Set("X-Forwarded-Uri", target)

		w := carry(t, handler, r)

		if err := recorder.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := store.Open(t.Context(), refusal.View{Actor: h.Staff, Everything: true}, w.Header().Get("X-Request-Id"))
		if err != nil || w.Code != 200 || got.Code != code || got.Status != 200 || got.Detail == "" {
			t.Errorf("%s: answered %d, kept %+v, %v", code, w.Code, got, err)
		}
	}
}

// D3: what is kept for a publisher of a key that is unknown there tells an existing key from none by nothing, not by its environment either.
func TestPublisherIsNotToldTheEnvironmentOfAKeyThatIsUnknownThere(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t, dbtest.NewClock()))
	handler, recorder := h.remembering()
	_, elsewhere := h.AddKey(h.App, "Elsewhere", h.Portal, h.KeysVerify)
	for _, key := range []string{elsewhere, "gk_live_nothing"} {
		r := httptest.NewRequest(http.MethodGet, edge.AuthzPath+"?api=orders&env=test&scope=orders:read", nil)
		r.Header.Set("X-Gatehouse-Token", h.Gateway)
		r.Header.Set("X-API-Key", key)
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	if err := recorder.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := h.dump("refusals")
	if len(rows) != 2 || rows[0]["code"] != "NOT_FOUND" || rows[0]["environment"] != "test" || rows[1]["environment"] != "test" || rows[0]["code"] != rows[1]["code"] {
		t.Error(rows)
	}
	for _, column := range []string{"app_id", "organization_id"} { // by which storms are counted, and rows go
		if fmt.Sprint(rows[0][column]) != fmt.Sprint(rows[1][column]) {
			t.Error(column, "tells them apart:", rows)
		}
	}
}

func (h *house) dump(table string) (rows []map[string]any) {
	h.t.Helper()
	if err := h.DB.Read(h.t.Context()).Raw("SELECT * FROM " + table).Scan(&rows).Error; err != nil || len(rows) == 0 {
		h.t.Fatal(err, len(rows))
	}
	return rows
}

// The other side: what is let through leaves nothing, and costs no memory.
func TestAllowedCallLeavesNothingToExplain(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t, dbtest.NewClock()))
	handler, recorder := h.remembering()
	for range 10 {
		if a := h.ask(handler); a != yes {
			t.Fatal(a)
		}
	}
	if err := recorder.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := refusal.NewStore(h.DB, h.keys).List(t.Context(), refusal.View{Actor: h.Staff, Everything: true}, db.PageRequest{})
	if err != nil || len(rows.Rows) != 0 {
		t.Error(err, rows.Rows)
	}
}

// L1: a storm costs the callers nothing but its answers.
func TestStormOfUnknownKeysIsAnsweredAndSampled(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t, dbtest.NewClock()))
	handler, recorder := h.remembering()
	const storm = 3000
	for range storm {
		r := httptest.NewRequest(http.MethodGet, edge.AuthzPath+"?api=orders", nil)
		r.Header.Set("X-Gatehouse-Token", h.Gateway)
		r.Header.Set("X-Forwarded-Method", "GET")
		r.Header.Set("X-Forwarded-Uri", "/v2/orders")
		r.Header.Set("X-API-Key", "gk_live_nothing")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Fatal(w.Code)
		}
	}
	if err := recorder.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	store, all := refusal.NewStore(h.DB, h.keys), refusal.View{Actor: h.Staff, Everything: true}
	rows, err := store.List(t.Context(), all, db.PageRequest{Size: 100})
	left, err2 := store.LeftOut(t.Context(), all)
	if err != nil || err2 != nil || len(rows.Rows) != refusal.MostOfOne || left != storm-refusal.MostOfOne {
		t.Error(err, err2, len(rows.Rows), left)
	}
}
