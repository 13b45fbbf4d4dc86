package edge_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/edge"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// reporting puts the API orders into report-only mode for an hour, in both environments.
func (w *world) reporting() { w.reportingIn(keyring.Live, keyring.Test) }

func (w *world) reportingIn(environments ...keyring.Environment) {
	before := w.apis
	w.commit(func() {
		w.apis = func() []*keyring.API {
			all := before()
			for _, api := range all {
				if api.ID == w.orders {
					for _, in := range environments {
						until := &api.ReportOnlyLiveUntil
						if in == keyring.Test {
							until = &api.ReportOnlyTestUntil
						}
						*until = start.Add(time.Hour).UnixNano()
					}
				}
			}
			return all
		}
	}, keyring.Change{Kind: keyring.KindAPI, ID: w.orders})
}

// D8: who would be refused goes on as nobody, marked; who would not, as ever.
func TestInReportOnlyModeRefusalsPassMarkedAndNameNobody(t *testing.T) {
	w := newWorld(t)
	w.reporting()
	limited := w.add(w.client(func(f *keyring.Facts) {
		f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 1, Period: time.Minute}
	}))
	w.ask(limited)
	for code, r := range map[string]*http.Request{
		"MISSING_KEY":        w.asking(""),
		"NOT_FOUND":          w.asking("somebody's own token"),
		"EXPIRED":            w.asking(w.add(w.client(func(f *keyring.Facts) { f.ExpiresAt = 1 }))),
		"INSUFFICIENT_SCOPE": w.asking(w.add(w.client()), func(r *http.Request) { r.Header.Set("X-Forwarded-Method", "POST") }),
		"RATE_LIMITED":       w.asking(limited),
		"BAD_REQUEST":        w.asking(w.add(w.client()), func(r *http.Request) { r.Header.Set("X-Forwarded-Uri", "/v2/orders/..%2f..%2fadmin") }),
	} {
		a := w.do(r)

		if a.Status != 200 || a.Header.Get("X-Gatehouse-Would-Refuse") != code || a.Header.Get("X-Gatehouse-Code") != "" {
			t.Errorf("%s: %d %v", code, a.Status, a.Header)
		}
		for _, name := range []string{"Key-Id", "App-Id", "Organization-Id", "Scopes", "Environment"} {
			if values := a.Header.Values("X-Gatehouse-" + name); len(values) != 1 || values[0] != "" {
				t.Errorf("%s: %s is %q", code, name, values)
			}
		}
	}
	if a := w.ask(w.add(w.client())); a.Status != 200 || a.Header.Get("X-Gatehouse-Key-Id") == "" || a.Header.Values("X-Gatehouse-Would-Refuse") != nil {
		t.Error("a good key:", a.Status, a.Header)
	}
}

// K6, K9: a key that is stopped while the mode is on stops at once.
func TestInReportOnlyModeStoppedKeysStayStopped(t *testing.T) {
	w := newWorld(t)
	w.reporting()
	for code, stop := range map[string]func(f *keyring.Facts){
		"REVOKED":   func(f *keyring.Facts) { f.RevokedAt = 1 },
		"PAUSED":    func(f *keyring.Facts) { f.Paused = true }, // as a key that leaked is
		"SUSPENDED": func(f *keyring.Facts) { f.Extra.SuspendedUntil = keyring.Forever },
	} {
		a := w.ask(w.add(w.client(stop)))

		if a.Status/100 != 4 || a.code() != code || a.Header.Values("X-Gatehouse-Would-Refuse") != nil {
			t.Errorf("%s: %d %v", code, a.Status, a.Header)
		}
	}
}

// B1-16: calls that would have been refused are counted as such, apart from refusals.
func TestInReportOnlyModeEachAnswerIsCountedApart(t *testing.T) {
	w := newWorld(t)
	w.reporting()
	expired := w.client(func(f *keyring.Facts) { f.ExpiresAt = 1 })
	w.ask("")
	w.ask("unknown")
	w.ask(w.add(expired))
	w.ask(w.add(w.client()))
	w.ask(w.add(w.client()), func(r *http.Request) { r.Header.Set("X-Forwarded-Uri", "//") })

	got := map[string]int64{}
	for row, n := range w.usage.Drain().Counts {
		got[row.Code.String()] += n
		if row.Code == keyring.Expired.PassedOver() != (row.Key == expired.ID) {
			t.Errorf("%s is counted for %x", row.Code, row.Key)
		}
	}

	for _, code := range []string{"PASSED_MISSING_KEY", "PASSED_NOT_FOUND", "PASSED_EXPIRED", "VALID", "PASSED_BAD_REQUEST"} {
		if got[code] != 1 {
			t.Errorf("%s: %d of %v", code, got[code], got)
		}
		if known, ok := keyring.ParseCode(code); !ok || known.String() != code {
			t.Errorf("%s is read as %s", code, known)
		}
	}
}

// A call that is not judged is counted at its API and route all the same, whether it was let through or refused: a publisher who leaves report-only mode
// sees the calls without a key go on.
func TestCallsWithoutAKeyAreCountedAtTheirAPIAndRoute(t *testing.T) {
	for name, reporting := range map[string]bool{"": false, keyring.PassedPrefix: true} {
		w := newWorld(t)
		if reporting {
			w.reporting()
		}
		w.ask("")
		w.ask("", func(r *http.Request) { r.Header.Set("X-Forwarded-Uri", "//") })
		w.ask("", func(r *http.Request) { r.URL.RawQuery = "api=nothing" })

		got := map[string]keyring.Series{}
		for row := range w.usage.Drain().Counts {
			got[row.Code.String()] = row
		}

		missing, bad := got[name+"MISSING_KEY"], got[name+"BAD_REQUEST"]
		if len(got) != 2 || missing.Template != "/v2/orders" || missing.API == (keyring.ID{}) || missing.Key != (keyring.ID{}) || bad.Template != "" || bad.API != missing.API {
			t.Errorf("%q: %+v", name, got)
		}
		for code := range got {
			if known, ok := keyring.ParseCode(code); !ok || known.String() != code {
				t.Errorf("%s is read as %s", code, known)
			}
		}
	}
}

// D9: who poses as one that Gatehouse named is refused in report-only mode, too: the service behind would believe it.
func TestReportOnlyModeLetsNoPosedIdentityThrough(t *testing.T) {
	w := newWorld(t)
	w.reporting()
	good := w.add(w.client())
	for _, key := range []string{"", "unknown", good} {
		r := w.asking(key)
		r.Header["X_Gatehouse_Organization_Id"] = []string{"org_victim"}
		if a := w.do(r); a.Status != 403 || a.Header.Values("X-Gatehouse-Would-Refuse") != nil {
			t.Errorf("with the key %.8q: %d", key, a.Status)
		}
	}
}

// C13: a gateway that tells no route, perhaps since it lost its headers, opens no route that has a rule.
func TestGatewayThatTellsNoRouteOpensNone(t *testing.T) {
	for name, c := range map[string]struct {
		rules  bool
		query  string
		status int
	}{"rules": {true, "api=orders", 403}, "rules, and a scope that it asks for": {true, "api=orders&scope=orders:read", 200}, "no rules": {false, "api=orders", 200}} {
		w := newWorld(t)
		all := w.catalogue
		w.apis = func() []*keyring.API {
			apis := all()
			apis[1].RefuseUndeclared = false
			if !c.rules {
				apis[1].Rules = nil
			}
			return apis
		}
		w.ring.Apply(keyring.Change{Kind: keyring.KindAll})
		r := w.asking(w.add(w.client()))
		r.Header.Del("X-Forwarded-Method")
		r.Header.Del("X-Forwarded-Uri")
		r.URL.RawQuery = c.query

		if a := w.do(r); a.Status != c.status {
			t.Errorf("%s: %d %s", name, a.Status, a.code())
		}
	}
}

// C13: an API that is open in live is closed in test, by the environment that the gateway asks for.
func TestReportOnlyModeHoldsForItsEnvironmentAlone(t *testing.T) {
	w := newWorld(t)
	w.reportingIn(keyring.Live)
	for name, in := range map[string]*http.Request{"no key": w.asking(""), "an unknown one": w.asking("somebody's own token"), "a key in the address": w.asking("", func(r *http.Request) { r.Header.Set("X-Forwarded-Uri", "/v2/orders?api_key=x") })} {
		in.URL.RawQuery = "api=orders&env=test"
		if a := w.do(in); a.Status == 200 || a.Header.Values("X-Gatehouse-Would-Refuse") != nil {
			t.Errorf("%s passes in test: %d %v", name, a.Status, a.Header)
		}
	}
	if a := w.do(w.asking("")); a.Status == 200 {
		t.Error("a gateway that names no environment passes over what is closed in one")
	}
	live := w.asking("")
	live.URL.RawQuery = "api=orders&env=live"
	if a := w.do(live); a.Status != 200 {
		t.Error("control:", a.Status)
	}
}

// C13, D7: what nobody can tell is not passed over, nor who is no gateway, nor another API; and it ends by itself.
func TestReportOnlyModeOpensNothingElse(t *testing.T) {
	w := newWorld(t)
	w.reporting()
	foreign := w.asking("unknown")
	foreign.Header.Set("X-Gatehouse-Token", w.gatewayOf(w.stranger))
	foreign.URL.RawQuery = "api=foreign"
	misspelt := w.asking("unknown")
	misspelt.URL.RawQuery = "api=orders&scop=x"
	noGateway := w.asking("unknown")
	noGateway.Header.Set("X-Gatehouse-Token", "gk_live_x")
	for name, c := range map[string]struct {
		r      *http.Request
		status int
	}{"another API": {foreign, 401}, "a misspelt question": {misspelt, 403}, "no gateway": {noGateway, 503}} {
		if a := w.do(c.r); a.Status != c.status || a.Header.Values("X-Gatehouse-Would-Refuse") != nil {
			t.Errorf("%s: %d %v", name, a.Status, a.Header)
		}
	}
	if a := w.verify(`{"api":"orders","key":"unknown"}`); a.JSON["valid"] != false || a.JSON["code"] != "NOT_FOUND" {
		t.Error("verify says what is:", a.Body)
	}
	whoami := httptest.NewRequest(http.MethodGet, edge.WhoamiPath, nil)
	whoami.Header.Set("Authorization", "Bearer unknown")
	if a := w.do(whoami); a.Status != 401 {
		t.Error("the portal's own API:", a.Status)
	}

	w.advance(8 * time.Second)
	w.fail = errors.New("the database is gone")
	if a := w.ask(w.add(w.client())); a.Status != 503 || a.Header.Values("X-Gatehouse-Would-Refuse") != nil {
		t.Error("facts that are not at hand:", a.Status, a.Header)
	}
	w.fail = nil
	w.advance(time.Hour)
	w.poll()
	if a := w.ask("unknown"); a.Status != 401 || a.code() != "NOT_FOUND" {
		t.Error("its hour is over:", a.Status, a.Header)
	}
}

// D8, D9: through each real gateway a marked call reaches the service as nobody's, with the credentials that are for the service.
func TestBehindEachGatewayReportOnlyModePassesMarkedCallsOn(t *testing.T) {
	eachGateway(t, func(t *testing.T, w *world, s *site) {
		w.reporting()
		spoofed := http.Header{"X-Gatehouse-Key-Id": {"key_admin"}, "X-Gatehouse-Scopes": {"admin"}, "X-Gatehouse-Would-Refuse": {"admin"}}
		key := w.add(w.client())

		status, _, seen := visit(t, "GET", s.url+"/v2/orders", "its own token", spoofed)
		good, _, known := visit(t, "GET", s.url+"/v2/orders", key, spoofed)

		if status != 200 || strings.Join(seen["X-Gatehouse-Would-Refuse"], " ") != "NOT_FOUND" || strings.Join(seen["Authorization"], " ") != "Bearer its own token" {
			t.Error(status, seen)
		}
		for name, values := range seen {
			if strings.Contains(strings.Join(values, " "), "admin") {
				t.Errorf("%s: %q", name, values)
			}
		}
		if good != 200 || known["Authorization"] != nil || len(strings.Join(known["X-Gatehouse-Would-Refuse"], "")) > 0 || strings.Join(known["X-Gatehouse-Scopes"], " ") != "orders:read" {
			t.Error(good, known)
		}
		if missing, _, seen := visit(t, "GET", s.url+"/v2/orders", "", nil); missing != 200 || strings.Join(seen["X-Gatehouse-Would-Refuse"], " ") != "MISSING_KEY" {
			t.Error(missing, seen)
		}
	})
}
