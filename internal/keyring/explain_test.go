package keyring_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// limits are those of s, used as far as s says.
func (s *situation) limits(t testing.TB) keyring.Limits {
	t.Helper()
	limits := keyring.Limits{Rates: ratelimit.NewLocal(64), Quotas: keyring.NewMonthlyQuotas()}
	limits.Quotas.Take(start, keyring.LimitKey(id(appID), id(orderAPI), s.facts.Environment), keyring.QuotaLimits{Month: math.MaxInt64}, s.spent)
	if s.asked > 0 {
		own := ratelimit.Ask{Key: ratelimit.Key{A: id(keyID), Kind: 0x10}, Limit: s.facts.Extra.Limit}
		limits.Rates.Take(t.Context(), start, s.asked, own, ratelimit.Ask{})
	}
	return limits
}

func TestExplainAnswersAsDecideDoesAndChargesNothing(t *testing.T) { // issue 5, Explain
	rapid.Check(t, func(rt *rapid.T) {
		s := drawn(t, rt)
		s.facts.Reach.Grants[0].Access.Limit = rapid.SampledFrom([]ratelimit.Limit{{}, {Requests: 2, Period: time.Minute}}).Draw(rt, "plan")
		s.facts.Reach.Grants[0].Access.QuotaDay = int64(rapid.IntRange(0, 3).Draw(rt, "day"))
		compiled(t, s.api)
		limits := s.limits(t)

		for range 3 { // asking charges nothing
			keyring.Explain(t.Context(), start, start, s.facts, s.api, &s.req, limits)
		}
		told := keyring.Explain(t.Context(), start, start, s.facts, s.api, &s.req, limits)
		done := keyring.Decide(t.Context(), start, s.facts, s.api, &s.req, limits)

		if told.Code != done.Code || told.RetryAfter != done.RetryAfter || told.Missing != done.Missing || told.Rule != done.Rule ||
			told.Rate.Remaining != done.Rate.Remaining || told.Quota != done.Quota || told.TooCostly != done.TooCostly {
			rt.Fatalf("told %+v, done %+v", told.Decision, done)
		}
		if told.Allowed() != (told.Cause == 0) {
			rt.Fatalf("%v because of %v", told.Code, told.Cause)
		}
		for i, step := range told.Steps {
			if step.Check != keyring.Code(i+1) || (step.Outcome == keyring.Refused) != (step.Check == told.Code) || (step.Outcome == keyring.Passed) != (step.Check < told.Code) {
				rt.Fatalf("%v: %+v", told.Code, told.Steps)
			}
		}
	})
}

// ways are, for each cause, how a good call is spoilt so that it is the cause.
var ways = map[keyring.Cause]func(*situation){
	keyring.UnknownKey:            func(s *situation) { s.facts = nil },
	keyring.ForeignKey:            func(s *situation) { s.facts.Reach.Grants[0].Access.Publisher = id(stranger) },
	keyring.KeyRevoked:            func(s *situation) { s.facts.RevokedAt = 1 },
	keyring.AppDeleted:            func(s *situation) { s.facts.App.Deleted = true },
	keyring.OrganizationDeleted:   func(s *situation) { s.facts.App.Org.Deleted = true },
	keyring.PersonDeleted:         func(s *situation) { s.facts.App.Org.UserDeleted = true },
	keyring.KeyExpired:            func(s *situation) { s.facts.ExpiresAt = start.UnixNano() },
	keyring.OverlapOver:           func(s *situation) { s.facts.Extra.OverlapEnd = start.UnixNano() },
	keyring.KeyPaused:             func(s *situation) { s.facts.Paused = true },
	keyring.KeySuspended:          func(s *situation) { s.facts.Extra.SuspendedUntil = keyring.Forever },
	keyring.AppSuspended:          func(s *situation) { s.facts.App.SuspendedUntil = start.UnixNano() + 9 },
	keyring.OrganizationSuspended: func(s *situation) { s.facts.App.Org.SuspendedUntil = start.UnixNano() + 9 },
	keyring.PersonSuspended:       func(s *situation) { s.facts.App.Org.UserSuspendedUntil = start.UnixNano() + 9 },
	keyring.GrantSuspended:        func(s *situation) { s.facts.Reach.Grants[0].Access.State = keyring.AccessSuspended },
	keyring.AddressUntold: func(s *situation) {
		s.facts.Extra.Networks = keyring.NewNetworks([]netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")})
	},
	keyring.AddressElsewhere: func(s *situation) {
		s.facts.Extra.Networks = keyring.NewNetworks([]netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")})
		s.req.IP = netip.MustParseAddr("198.51.100.7")
	},
	keyring.OriginUntold: func(s *situation) { s.facts.Extra.Origins = keyring.NewOrigins([]string{"https://a.example"}) },
	keyring.OriginElsewhere: func(s *situation) {
		s.facts.Extra.Origins, s.req.Origin = keyring.NewOrigins([]string{"https://a.example"}), "https://b.example"
	},
	keyring.EnvironmentOther:  func(s *situation) { s.req.Environment = keyring.Test },
	keyring.EnvironmentAbsent: func(s *situation) { s.api.Live = false },
	keyring.NoAccess:          func(s *situation) { s.facts.Reach.Grants[0].Access.API = id(staffAPI) },
	keyring.AccessOver:        func(s *situation) { s.facts.Reach.Grants[0].Access.State = keyring.AccessEnded },
	keyring.DomainOther:       func(s *situation) { s.facts.Reach.Domain = "employee" },
	keyring.VersionRetired:    func(s *situation) { s.call("GET", "/v1/orders") },
	keyring.NothingGranted:    func(s *situation) { s.facts.Reach.Grants[0].Scopes = nil },
	keyring.ScopeMissing:      func(s *situation) { s.req.Scopes = []string{"orders:delete"} },
	keyring.RouteScopeMissing: func(s *situation) { s.call("DELETE", "/v2/orders/7") },
	keyring.MethodMalformed:   func(s *situation) { s.call("get", "/v2/orders") },
	keyring.RouteUndeclared:   func(s *situation) { s.call("GET", "/v2/nowhere") },
	keyring.MonthUsedUp:       func(s *situation) { s.facts.Reach.Grants[0].Access.Quota, s.spent = 5, 5 },
	keyring.DayUsedUp:         func(s *situation) { s.facts.Reach.Grants[0].Access.QuotaDay, s.spent = 5, 5 },
	keyring.QuotaTooSmall:     func(s *situation) { s.facts.Reach.Grants[0].Access.Quota, s.req.Cost = 5, 6 },
	keyring.PlanRate: func(s *situation) {
		s.facts.Reach.Grants[0].Access.Limit, s.req.Cost = ratelimit.Limit{Requests: 3, Period: time.Hour}, 2
	},
	keyring.KeyRate: func(s *situation) { s.facts.Extra.Limit, s.asked = ratelimit.Limit{Requests: 1, Period: time.Hour}, 1 },
	keyring.RateTooSmall: func(s *situation) {
		s.facts.Extra.Limit, s.req.Cost = ratelimit.Limit{Requests: 1, Period: time.Hour}, 2
	},
}

func (s *situation) call(method, target string) {
	s.req.Method = method
	s.req.Path, _ = keyring.Canonical(target)
	s.req.Scopes = nil
}

func TestEachCauseIsNamed(t *testing.T) {
	for _, cause := range keyring.Causes() {
		if got := keyring.ParseCause(cause.String()); got != cause || cause.String() == "" {
			t.Errorf("%d is stored as %q and read as %d", cause, cause, got)
		}
		spoil, ok := ways[cause]
		if cause == keyring.QuotaHeld { // of a moment among several processes; Explain does not tell of it
			continue
		}
		if !ok {
			t.Errorf("no way to %v", cause)
			continue
		}
		s := fine()
		limits := s.limits(t)
		spoil(s)
		compiled(t, s.api)
		if s.facts != nil {
			limits = s.limits(t)
		}
		if cause == keyring.PlanRate { // a call before it
			keyring.Decide(t.Context(), start, s.facts, s.api, &s.req, limits)
		}

		e := keyring.Explain(t.Context(), start, start, s.facts, s.api, &s.req, limits)

		if e.Cause != cause {
			t.Errorf("%v, want %v: %+v", e.Cause, cause, e.Decision)
		}
	}
	if keyring.ParseCause("") != 0 || keyring.Cause(0).String() != "" || keyring.Cause(200).String() != "" {
		t.Error("a cause without a name")
	}
}

func TestExplainAnswersForAnotherTime(t *testing.T) {
	s := fine()
	s.facts.ExpiresAt = start.Add(40 * 24 * time.Hour).UnixNano()
	s.facts.Extra.Limit = ratelimit.Limit{Requests: 1, Period: time.Hour}
	access := s.facts.Reach.Grants[0].Access
	access.Quota, access.QuotaDay = 5, 5
	compiled(t, s.api)
	s.spent, s.asked = 5, 1
	limits := s.limits(t)
	at := func(at time.Time) keyring.Code {
		return keyring.Explain(t.Context(), start, at, s.facts, s.api, &s.req, limits).Code
	}

	for _, want := range []struct {
		after time.Duration
		code  keyring.Code
	}{
		{-48 * time.Hour, keyring.QuotaExceeded}, {0, keyring.QuotaExceeded}, {24 * time.Hour, keyring.QuotaExceeded}, // the month's
		{10 * 24 * time.Hour, keyring.Valid}, {40 * 24 * time.Hour, keyring.Expired}, {0, keyring.QuotaExceeded},
	} {
		if got := at(start.Add(want.after)); got != want.code {
			t.Errorf("%v later: %v, want %v", want.after, got, want.code)
		}
	}
	access.Quota, access.QuotaDay = 0, 0
	if now, later := at(start), at(start.Add(time.Hour)); now != keyring.RateLimited || later != keyring.Valid {
		t.Errorf("now %v, an hour later %v", now, later)
	}
}

func TestWhatIsSeenIsBounded(t *testing.T) { // L1, K1
	s := fine()
	for i := range 500 {
		s.facts.Reach.Grants[0].Scopes = append(s.facts.Reach.Grants[0].Scopes, strings.Repeat("s", 200)+fmt.Sprint(i))
		s.facts.Extra.Networks = append(s.facts.Extra.Networks, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i / 200), byte(i % 200), 0}), 24))
	}
	s.req.IP = netip.MustParseAddr("10.0.0.1")
	s.req.Scopes = slices.Repeat([]string{strings.Repeat("x", 128)}, 64)

	e := keyring.Explain(t.Context(), start, start, s.facts, compiled(t, s.api), &s.req, keyring.Limits{})
	text, err := json.Marshal(e.Seen)

	if err != nil || e.Code != keyring.InsufficientScope || len(text) > 4096 || e.Seen.More != 500+500+2+64-3*8 {
		t.Fatal(err, e.Code, len(text), e.Seen.More)
	}
}
