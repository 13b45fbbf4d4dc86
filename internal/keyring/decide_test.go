package keyring_test

import (
	"context"
	"math"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// refusals are, in the order of the contract, ways to earn each code that leave
// all others alone.
var refusals = []struct {
	code  keyring.Code
	spoil func(*situation)
}{
	{keyring.NotFound, func(s *situation) { s.facts.Reach.Grants[0].Access.Publisher = id(stranger) }},
	{keyring.Revoked, func(s *situation) { s.facts.RevokedAt = 1 }},
	{keyring.Expired, func(s *situation) { s.facts.ExpiresAt = start.UnixNano() }},
	{keyring.Paused, func(s *situation) { s.facts.Paused = true }},
	{keyring.Suspended, func(s *situation) { s.facts.App.SuspendedUntil = start.UnixNano() + 5 }},
	{keyring.ForbiddenIP, func(s *situation) {
		s.facts.Extra.Networks = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	}},
	{keyring.ForbiddenOrigin, func(s *situation) { s.facts.Extra.Origins = []string{"https://shop.example"} }},
	{keyring.WrongEnvironment, func(s *situation) { s.req.Environment = keyring.Test }},
	{keyring.WrongAPI, func(s *situation) { s.facts.Reach.Domain = "employee" }},
	{keyring.InsufficientScope, func(s *situation) { s.req.Scopes = []string{"orders:delete"} }},
	{keyring.QuotaExceeded, func(s *situation) { s.facts.Reach.Grants[0].Access.Quota = 1; s.spent = 1 }},
	{keyring.RateLimited, func(s *situation) { s.facts.Extra.Limit = ratelimit.Limit{Requests: 1, Period: time.Hour}; s.asked = 1 }},
}

// situation is all that a decision depends on.
type situation struct {
	facts *keyring.Facts
	api   *keyring.API
	req   keyring.Request
	spent int // calls already counted against the quota
	asked int // calls already counted against the key's own limit
}

func fine() *situation {
	return &situation{facts: key(), api: api(), req: keyring.Request{Scopes: []string{"orders:read"}, Cost: 1}}
}

func (s *situation) decide(t testing.TB) keyring.Decision {
	t.Helper()
	compiled(t, s.api)
	limits := keyring.Limits{Rates: ratelimit.NewLocal(64), Quotas: keyring.NewMonthlyQuotas()}
	appKey := keyring.LimitKey(id(appID), id(orderAPI), s.facts.Environment)
	limits.Quotas.Take(start, appKey, keyring.QuotaLimits{Month: math.MaxInt64}, s.spent)
	own := ratelimit.Ask{Key: ratelimit.Key{A: id(keyID), Kind: 0x10}, Limit: s.facts.Extra.Limit}
	if s.asked > 0 {
		limits.Rates.Take(t.Context(), start, s.asked, own, ratelimit.Ask{})
	}
	return keyring.Decide(t.Context(), start, s.facts, s.api, &s.req, limits)
}

func TestChecksRefuseInTheOrderOfTheContract(t *testing.T) { // product.md, Verification
	if d := fine().decide(t); d.Code != keyring.Valid || !d.Allowed() {
		t.Fatalf("unspoilt: %v", d.Code)
	}
	for i, first := range refusals {
		s := fine()
		first.spoil(s)
		if got := s.decide(t).Code; got != first.code {
			t.Errorf("%v alone gives %v", first.code, got)
		}
		for _, second := range refusals[i+1:] {
			s := fine()
			second.spoil(s)
			first.spoil(s)
			if got := s.decide(t).Code; got != first.code {
				t.Errorf("%v with %v gives %v", first.code, second.code, got)
			}
		}
	}
	if s := fine(); keyring.Decide(t.Context(), start, nil, s.api, &s.req, keyring.Limits{}).Code != keyring.NotFound {
		t.Error("unknown key")
	}
}

func TestCodesGoOverTheWireByName(t *testing.T) {
	names := strings.Fields(`NOT_FOUND REVOKED EXPIRED PAUSED SUSPENDED FORBIDDEN_IP FORBIDDEN_ORIGIN WRONG_ENVIRONMENT
		WRONG_API INSUFFICIENT_SCOPE QUOTA_EXCEEDED RATE_LIMITED VALID`)
	for i, name := range names {
		c, ok := keyring.ParseCode(name)
		if !ok || c != keyring.Code(i+1) || c.String() != name {
			t.Errorf("%s: %v %v", name, c, ok)
		}
	}
	if _, ok := keyring.ParseCode(""); ok || keyring.Code(0).String() != "" || keyring.Code(99).String() != "" {
		t.Error("a code without a name")
	}
	for _, e := range []keyring.Environment{keyring.Live, keyring.Test, keyring.Any} {
		if got, ok := keyring.ParseEnvironment(e.String()); !ok || got != e {
			t.Errorf("environment %v", e)
		}
	}
}

// model is the contract written down slowly: every refusal that applies, and the
// least of them wins. It shares no code with Decide.
func model(s *situation) keyring.Code {
	f, now := s.facts, start.UnixNano()
	var here *keyring.Grant
	known := false
	for i, g := range f.Reach.Grants {
		if g.Access.Publisher == s.api.Publisher {
			known = true
		}
		if g.Access.API == s.api.ID {
			here = &f.Reach.Grants[i]
		}
	}
	codes := []keyring.Code{keyring.Valid}
	when := func(bad bool, c keyring.Code) {
		if bad {
			codes = append(codes, c)
		}
	}
	when(!known, keyring.NotFound)
	when(f.RevokedAt > 0 || f.App.Deleted || f.App.Org.Deleted || f.App.Org.UserDeleted, keyring.Revoked)
	when(f.ExpiresAt > 0 && f.ExpiresAt <= now || f.Extra.OverlapEnd > 0 && f.Extra.OverlapEnd <= now, keyring.Expired)
	when(f.Paused, keyring.Paused)
	for _, until := range []int64{f.Extra.SuspendedUntil, f.App.SuspendedUntil, f.App.Org.SuspendedUntil, f.App.Org.UserSuspendedUntil} {
		when(until > now, keyring.Suspended)
	}
	if here != nil && here.Access.State == keyring.AccessSuspended {
		when(here.Access.SuspendedUntil == 0 || here.Access.SuspendedUntil > now, keyring.Suspended)
	}
	when(len(f.Extra.Networks) > 0 && !slices.ContainsFunc(f.Extra.Networks, func(p netip.Prefix) bool { return s.req.IP.IsValid() && p.Contains(s.req.IP) }), keyring.ForbiddenIP)
	when(len(f.Extra.Origins) > 0 && !slices.Contains(f.Extra.Origins, s.req.Origin), keyring.ForbiddenOrigin)
	when(s.req.Environment == keyring.Test && f.Environment == keyring.Live, keyring.WrongEnvironment)
	when(s.req.Environment <= keyring.Live && f.Environment == keyring.Test, keyring.WrongEnvironment)
	when(f.Environment == keyring.Live && !s.api.Live || f.Environment == keyring.Test && !s.api.Test, keyring.WrongEnvironment)
	when(here == nil || here.Access.State == keyring.AccessEnded || s.api.Domain != "" && s.api.Domain != f.Reach.Domain, keyring.WrongAPI)
	needs := slices.Clone(s.req.Scopes)
	if s.req.Method != "" {
		switch target := s.req.Method + " " + s.req.Path.String(); target {
		case "GET /v1/orders", "HEAD /v1/orders":
			when(true, keyring.WrongAPI)
		case "GET /v2/orders", "HEAD /v2/orders":
			needs = append(needs, "orders:read")
		case "POST /v2/orders":
			needs = append(needs, "orders:write")
		default:
			when(s.api.RefuseUndeclared || s.req.Method == "get", keyring.InsufficientScope)
		}
	}
	when(here != nil && len(here.Scopes) == 0 && !s.req.Bare, keyring.InsufficientScope)
	for _, scope := range needs {
		when(here != nil && !slices.Contains(here.Scopes, scope), keyring.InsufficientScope)
	}
	if here != nil {
		when(here.Access.Quota > 0 && int64(s.spent+s.req.Cost) > here.Access.Quota, keyring.QuotaExceeded)
	}
	when(f.Extra.Limit.Requests > 0 && s.asked+s.req.Cost > f.Extra.Limit.Requests, keyring.RateLimited)
	return slices.Min(codes)
}

// drawn is a situation in which anything may be amiss.
func drawn(t testing.TB, rt *rapid.T) *situation {
	paths := []keyring.Path{path(t, "/v2/orders"), path(t, "/v1/orders"), path(t, "/v2/nowhere")}
	seldom := func(name string) bool { return rapid.IntRange(0, 11).Draw(rt, name) == 0 }
	moment := func(name string) int64 {
		if !seldom(name) {
			return 0
		}
		return rapid.SampledFrom([]int64{start.UnixNano() - 1, start.UnixNano(), start.UnixNano() + 1, keyring.Forever}).Draw(rt, name)
	}
	s := fine()
	f, access := s.facts, s.facts.Reach.Grants[0].Access
	f.RevokedAt, f.ExpiresAt, f.Paused, f.Extra.SuspendedUntil = moment("revoked"), moment("expires"), seldom("paused"), moment("key until")
	f.Extra.OverlapEnd = moment("overlap")
	f.App.SuspendedUntil, f.App.Deleted = moment("app until"), seldom("app deleted")
	org := f.App.Org
	org.SuspendedUntil, org.Deleted, org.UserSuspendedUntil, org.UserDeleted = moment("org until"), seldom("org deleted"), moment("user until"), seldom("user deleted")
	f.Environment = rapid.SampledFrom([]keyring.Environment{keyring.Live, keyring.Live, keyring.Test}).Draw(rt, "environment")
	access.State = rapid.SampledFrom([]keyring.AccessState{1, 1, 1, 2, 3}).Draw(rt, "access")
	access.SuspendedUntil = moment("access until")
	access.API = rapid.SampledFrom([]keyring.ID{id(orderAPI), id(orderAPI), id(orderAPI), id(staffAPI)}).Draw(rt, "granted")
	access.Publisher = rapid.SampledFrom([]keyring.ID{id(publisher), id(publisher), id(publisher), id(stranger)}).Draw(rt, "publisher")
	access.Quota = int64(rapid.IntRange(0, 3).Draw(rt, "quota"))
	f.Reach.Grants[0].Scopes = rapid.SampledFrom([][]string{{"orders:read", "orders:write"}, {"orders:read"}, nil}).Draw(rt, "scopes")
	f.Reach.Domain = rapid.SampledFrom([]string{"customer", "customer", "employee"}).Draw(rt, "domain")
	s.api.Domain = rapid.SampledFrom([]string{"customer", "customer", ""}).Draw(rt, "API domain")
	s.api.Live, s.api.Test, s.api.RefuseUndeclared = !seldom("no live"), !seldom("no test"), rapid.Bool().Draw(rt, "refuse")
	if seldom("networks") {
		f.Extra.Networks = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")}
		s.req.IP = rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db9::1")}).Draw(rt, "ip")
	}
	if seldom("origins") {
		f.Extra.Origins = []string{"https://a.example", "https://b.example"}
		s.req.Origin = rapid.SampledFrom([]string{"", "https://b.example", "https://b.example.evil"}).Draw(rt, "origin")
	}
	if rapid.Bool().Draw(rt, "limited") {
		f.Extra.Limit = ratelimit.Limit{Requests: 3, Period: time.Hour}
	}
	s.req.Environment = rapid.SampledFrom([]keyring.Environment{0, keyring.Live, keyring.Test, keyring.Any}).Draw(rt, "asked environment")
	s.req.Scopes = rapid.SampledFrom([][]string{nil, {"orders:read"}, {"orders:write", "orders:read"}, {"orders:"}}).Draw(rt, "asked scopes")
	if s.req.Method = rapid.SampledFrom([]string{"", "GET", "HEAD", "POST", "DELETE", "get"}).Draw(rt, "method"); s.req.Method != "" {
		s.req.Path = rapid.SampledFrom(paths).Draw(rt, "path")
	}
	s.req.Cost, s.spent, s.asked = rapid.IntRange(1, 2).Draw(rt, "cost"), rapid.IntRange(0, 3).Draw(rt, "spent"), rapid.IntRange(0, 3).Draw(rt, "asked")
	return s
}

func TestDecideAgreesWithTheContractWrittenSlowly(t *testing.T) { // R5's rules, K5, K6, D4
	rapid.Check(t, func(rt *rapid.T) {
		s := drawn(t, rt)

		got, want := s.decide(t).Code, model(s)

		if got != want {
			rt.Fatalf("%v, want %v", got, want)
		}
	})
}

func TestSameKeyIsJudgedForEachRequestByItself(t *testing.T) { // D4, in both orders, warm
	for _, order := range [][2]string{{"orders:read", "orders:delete"}, {"orders:delete", "orders:read"}} {
		w := newWorld()
		w.keys[digest(1)] = key()
		r := ring(t, w, keyring.Options{})
		for range 3 {
			for _, scope := range order {
				want := keyring.Valid
				if scope == "orders:delete" {
					want = keyring.InsufficientScope
				}
				if got := code(t, r, w, digest(1), scope); got != want {
					t.Errorf("%v: %s gives %v", order, scope, got)
				}
			}
		}
	}
}

func TestForeignKeysLookUnknown(t *testing.T) { // D3
	s := fine()
	s.facts.Reach.Grants[0].Access.Publisher = id(stranger)
	s.facts.RevokedAt = 1
	foreign := s.decide(t)
	s.facts = nil
	unknown := keyring.Decide(t.Context(), start, nil, s.api, &s.req, keyring.Limits{})

	if foreign != unknown || foreign.Code != keyring.NotFound {
		t.Errorf("foreign %+v, unknown %+v", foreign, unknown)
	}
	s = fine()
	s.facts.Reach = nil
	if got := s.decide(t).Code; got != keyring.NotFound {
		t.Errorf("a key without grants: %v", got)
	}
}

// K6, K7: a grant of which nothing is left allows nothing, whether a scope is named, a route, or neither; it still says who asks (whoami).
func TestKeyWithoutAnyScopeLeftIsRefusedWhateverIsAsked(t *testing.T) {
	for name, ask := range map[string]keyring.Request{"nothing": {}, "undeclared route": {Method: "DELETE", Path: path(t, "/v2/elsewhere")}, "declared route": {Method: "GET", Path: path(t, "/v2/orders")}} {
		s := fine()
		s.api.RefuseUndeclared, s.req, s.facts.Reach.Grants[0].Scopes = false, ask, nil

		refused := s.decide(t).Code
		s.req = keyring.Request{Bare: true}
		bare := s.decide(t).Code

		if refused != keyring.InsufficientScope || bare != keyring.Valid {
			t.Errorf("%s: %v, bare %v", name, refused, bare)
		}
	}
}

func TestRouteRulesAddTheScopeThatTheyNeed(t *testing.T) { // K5, B1-7
	for target, want := range map[string]string{
		"GET /v2/orders":              "VALID /v2/orders",
		"GET /v2/orders/":             "VALID /v2/orders",
		"GET /v2/orders?x=/v2/health": "VALID /v2/orders",
		"HEAD /v2/orders":             "VALID /v2/orders",
		"GET /v2/orders/42":           "VALID /v2/orders/{id}",
		"GET /v2/orders/%34%32":       "VALID /v2/orders/{id}",
		"POST /v2/orders":             "VALID /v2/orders",
		"GET /v2/health":              "VALID /v2/health",
		"DELETE /v2/orders/42":        "INSUFFICIENT_SCOPE /v2/orders/{id}",
		"GET /v2/orders/export":       "INSUFFICIENT_SCOPE /v2/orders/export",
		"HEAD /v2/orders/export":      "INSUFFICIENT_SCOPE /v2/orders/export",
		"GET /v2/%6frders/ex%70ort":   "INSUFFICIENT_SCOPE /v2/orders/export",
		"DELETE /v2/orders/export":    "INSUFFICIENT_SCOPE /v2/orders/{id}",
		"get /v2/orders":              "INSUFFICIENT_SCOPE ",
		"Post /v2/orders":             "INSUFFICIENT_SCOPE ",
		"PATCH /v2/orders":            "INSUFFICIENT_SCOPE ",
		"HEAD /v2/orders/42/items":    "INSUFFICIENT_SCOPE ",
		"OPTIONS /v2/orders":          "INSUFFICIENT_SCOPE ",
		"GET /V2/orders":              "INSUFFICIENT_SCOPE ",
		"GET /":                       "INSUFFICIENT_SCOPE ",
		"GET /v1/orders":              "WRONG_API /v1/orders",
		"X-HTTP-METHOD /v2/orders":    "INSUFFICIENT_SCOPE ",
	} {
		method, where, _ := strings.Cut(target, " ")
		s := fine()
		s.req.Method, s.req.Path = method, path(t, where)
		d := s.decide(t)
		if got := d.Code.String() + " " + d.Template(); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	s := fine()
	s.api.RefuseUndeclared = false
	for method, want := range map[string]keyring.Code{"PATCH": keyring.Valid, "patch": keyring.InsufficientScope, "DELETE": keyring.Valid} {
		s.req.Method, s.req.Path = method, path(t, "/v2/elsewhere")
		if got := s.decide(t).Code; got != want {
			t.Errorf("undeclared %s, allowed: %v", method, got)
		}
	}
	s.req.Method = ""
	if got := s.decide(t).Code; got != keyring.InsufficientScope {
		t.Errorf("a path without a method: %v", got)
	}
}

func TestRefusalsTellWhenToComeBack(t *testing.T) { // L5, L8
	s := fine()
	s.facts.Extra.SuspendedUntil = start.Add(time.Minute).UnixNano()
	limited := s.decide(t)
	s.facts.App.SuspendedUntil = keyring.Forever
	open := s.decide(t)
	s = fine()
	s.facts.Reach.Grants[0].Access.Quota, s.spent = 5, 5
	quota := s.decide(t)
	s = fine()
	s.facts.Extra.Limit, s.asked = ratelimit.Limit{Requests: 1, Period: time.Minute}, 1
	rate := s.decide(t)

	december := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	if limited.RetryAfter != time.Minute || open.RetryAfter != 0 || rate.RetryAfter != time.Minute {
		t.Errorf("suspended %v, open-ended %v, limited %v", limited.RetryAfter, open.RetryAfter, rate.RetryAfter)
	}
	if quota.RetryAfter != december.Sub(start) || quota.Quota != (keyring.Quota{Limit: 5, ResetsAt: december.UnixNano()}) {
		t.Errorf("quota: %v, %+v", quota.RetryAfter, quota.Quota)
	}
}

func TestRefusedCallsChargeNothing(t *testing.T) {
	limits := keyring.Limits{Rates: ratelimit.NewLocal(64), Quotas: keyring.NewMonthlyQuotas()}
	a, f := compiled(t, api()), key()
	f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 3, Period: time.Hour}
	f.Reach.Grants[0].Access.Quota = 10
	decide := func(scope string) keyring.Decision {
		return keyring.Decide(t.Context(), start, f, a, &keyring.Request{Scopes: []string{scope}, Cost: 1}, limits)
	}
	for range 5 {
		decide("orders:delete")
	}
	first := decide("orders:read")
	decide("orders:read")
	third := decide("orders:read")
	for range 5 {
		if got := decide("orders:read").Code; got != keyring.RateLimited {
			t.Fatalf("beyond the limit: %v", got)
		}
	}

	if first.Code != keyring.Valid || first.Rate.Remaining != 2 || first.Quota.Remaining != 9 {
		t.Errorf("first %+v", first)
	}
	limited := decide("orders:read")
	if third.Quota.Remaining != 7 || limited.Quota.Remaining != 7 {
		t.Errorf("limited calls used up quota: %+v, %+v", third.Quota, limited.Quota)
	}
}

func TestRotatingCannotDoubleALimit(t *testing.T) { // product.md: app × API × environment
	limits := keyring.Limits{Rates: ratelimit.NewLocal(64)}
	a, old, fresh, test := compiled(t, api()), key(), key(), key()
	a.Test = true
	fresh.ID, test.ID, test.Environment = id(90), id(91), keyring.Test
	passed := map[keyring.ID]int{}
	for range 10 {
		for _, f := range []*keyring.Facts{old, fresh, test} {
			f.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 4, Period: time.Hour}
			if d := keyring.Decide(t.Context(), start, f, a, &keyring.Request{Environment: keyring.Any, Cost: 1}, limits); d.Allowed() {
				passed[f.ID]++
			}
		}
	}

	if passed[old.ID]+passed[fresh.ID] != 4 || passed[test.ID] != 4 {
		t.Errorf("passed: %v", passed)
	}
}

func TestAddressesAreComparedWithoutTheirClothes(t *testing.T) {
	s := fine()
	s.facts.Extra.Networks = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/48")}
	for text, want := range map[string]keyring.Code{
		"203.0.113.7": keyring.Valid, "::ffff:203.0.113.7": keyring.Valid, "203.0.114.7": keyring.ForbiddenIP,
		"2001:db8::1": keyring.Valid, "2001:db8::1%eth0": keyring.Valid, "2001:db8:1::1": keyring.ForbiddenIP,
	} {
		s.req.IP = netip.MustParseAddr(text)
		if got := s.decide(t).Code; got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestDecisionAllocatesNothing(t *testing.T) { // R5
	s := fine()
	s.facts.Reach.Grants[0].Access.Limit = ratelimit.Limit{Requests: 1 << 30, Period: time.Second}
	s.facts.Reach.Grants[0].Access.Quota = 1 << 40
	s.req = keyring.Request{Scopes: []string{"orders:read"}, Method: "GET", Path: path(t, "/v2/orders/42"), Cost: 1}
	a := compiled(t, s.api)
	limits := keyring.Limits{Rates: ratelimit.NewLocal(64), Quotas: keyring.NewMonthlyQuotas()}
	ctx := context.Background()

	if n := testing.AllocsPerRun(200, func() { keyring.Decide(ctx, start, s.facts, a, &s.req, limits) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The order of the checks is told in one place to people and in one to programmers; both are the code's.
func TestGuideTellsTheChecksInTheirOrder(t *testing.T) {
	for _, guide := range []string{"errors.md", "errors.de.md"} {
		text, err := os.ReadFile("../../docs/guides/" + guide)
		if err != nil {
			t.Fatal(err)
		}
		var told []keyring.Code
		for line := range strings.Lines(string(text)) {
			name, isRow := strings.CutPrefix(line, "| `")
			name, _, _ = strings.Cut(name, "`")
			if c, known := keyring.ParseCode(name); isRow && known && c <= keyring.Valid && !slices.Contains(told, c) {
				told = append(told, c)
			}
		}
		if len(told) != int(keyring.Valid) || !slices.IsSorted(told) {
			t.Errorf("%s tells %v", guide, told)
		}
	}
}
