package keyring_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// passed is a call that was let through, as the slow model remembers it.
type passed struct {
	at            time.Time
	app, api, key keyring.ID
	env           keyring.Environment
	cost          int
}

// slowly is the slow, obvious model of many calls after one another: all that passed, gone through anew for each question.
type slowly struct {
	calls []passed
	rules map[keyring.ID]map[string]keyring.Rule // by "METHOD path"
}

// spent adds up what counts.
func (m *slowly) spent(counts func(passed) bool) (sum int64) {
	for _, c := range m.calls {
		if counts(c) {
			sum += int64(c.cost)
		}
	}
	return sum
}

// verdict is what the contract makes of a call, and what it costs.
type verdict struct {
	code       keyring.Code
	cost       int
	month, day int64 // of the call's app and API, before it
}

func (m *slowly) judge(now time.Time, f *keyring.Facts, api *keyring.API, req *keyring.Request) (v verdict) {
	v = verdict{code: keyring.Valid, cost: req.Cost}
	refuse := func(bad bool, code keyring.Code) {
		if bad && code < v.code {
			v.code = code
		}
	}
	var here *keyring.Grant
	known := false
	for i := range f.Reach.Grants {
		known = known || f.Reach.Grants[i].Access.Publisher == api.Publisher
		if f.Reach.Grants[i].Access.API == api.ID {
			here = &f.Reach.Grants[i]
		}
	}
	asked := req.Environment
	if asked == 0 {
		asked = keyring.Live
	}
	refuse(!known, keyring.NotFound)
	refuse(asked != keyring.Any && asked != f.Environment, keyring.WrongEnvironment)
	refuse(f.Environment == keyring.Test && !api.Test || f.Environment == keyring.Live && !api.Live, keyring.WrongEnvironment)
	refuse(here == nil, keyring.WrongAPI)
	rule, declared := m.rules[api.ID][req.Method+" "+req.Path.String()]
	if req.CostByRoute && declared {
		v.cost = max(1, rule.Cost)
	}
	refuse(req.Method != "" && !declared && api.RefuseUndeclared, keyring.InsufficientScope)
	if here == nil {
		return v
	}
	refuse(len(here.Scopes) == 0, keyring.InsufficientScope)
	refuse(declared && !slices.Contains(here.Scopes, rule.Scope), keyring.InsufficientScope)
	for _, scope := range req.Scopes {
		refuse(!slices.Contains(here.Scopes, scope), keyring.InsufficientScope)
	}
	mine := func(c passed) bool { return c.app == f.App.ID && c.api == api.ID && c.env == f.Environment }
	v.month = m.spent(func(c passed) bool {
		return mine(c) && c.at.Year() == now.Year() && c.at.Month() == now.Month()
	})
	v.day = m.spent(func(c passed) bool { return mine(c) && c.at.Format(time.DateOnly) == now.Format(time.DateOnly) })
	full := func(used, limit int64) bool { return limit > 0 && used+int64(v.cost) > limit }
	refuse(full(v.month, here.Access.Quota) || full(v.day, here.Access.QuotaDay), keyring.QuotaExceeded)
	refuse(full(m.spent(mine), int64(here.Access.Limit.Requests)), keyring.RateLimited)
	refuse(full(m.spent(func(c passed) bool { return c.key == f.ID }), int64(f.Extra.Limit.Requests)), keyring.RateLimited)
	return v
}

// slow refills so slowly that nothing comes back within a test.
func slow(rt *rapid.T, name string) ratelimit.Limit {
	n := rapid.SampledFrom([]int{0, 0, 5, 12}).Draw(rt, name)
	if n == 0 {
		return ratelimit.Limit{}
	}
	return ratelimit.Limit{Requests: n, Period: 60 * 365 * 24 * time.Hour}
}

// company is three keys of two apps, with grants on some of three APIs of two publishers.
func company(t testing.TB, rt *rapid.T) (keys []*keyring.Facts, apis []*keyring.API, m *slowly) {
	m = &slowly{rules: map[keyring.ID]map[string]keyring.Rule{}}
	for i := range 3 {
		a := &keyring.API{ID: id(100 + i), Slug: string(rune('a' + i)), Publisher: id(200 + i/2), Live: true, Test: rapid.Bool().Draw(rt, "test"), RefuseUndeclared: rapid.Bool().Draw(rt, "refuse")}
		m.rules[a.ID] = map[string]keyring.Rule{}
		for _, r := range []keyring.Rule{{Method: "GET", Template: "/items", Scope: "items:read"}, {Method: "POST", Template: "/items", Scope: "items:write"}} {
			r.Cost = rapid.IntRange(0, 4).Draw(rt, "route's cost")
			a.Rules, m.rules[a.ID][r.Method+" "+r.Template] = append(a.Rules, r), r
		}
		compiled(t, a)
		apis = append(apis, a)
	}
	for app := range 2 {
		of := &keyring.App{ID: id(300 + app), Org: &keyring.Org{ID: id(400)}}
		var accesses []*keyring.Access
		for i, a := range apis {
			accesses = append(accesses, &keyring.Access{
				ID: id(500 + 10*app + i), API: a.ID, Publisher: a.Publisher, State: keyring.AccessActive, Limit: slow(rt, "plan's rate"),
				Quota: int64(rapid.SampledFrom([]int{0, 6, 9}).Draw(rt, "month")), QuotaDay: int64(rapid.SampledFrom([]int{0, 3, 5}).Draw(rt, "day")),
			})
		}
		for n := range 2 - app {
			f := &keyring.Facts{ID: id(600 + 10*app + n), App: of, Reach: &keyring.Reach{}, Extra: &keyring.Extra{Limit: slow(rt, "key's own rate")}}
			f.Environment = rapid.SampledFrom([]keyring.Environment{keyring.Live, keyring.Live, keyring.Test}).Draw(rt, "environment")
			for _, access := range accesses {
				if scopes := rapid.SampledFrom([][]string{{"items:read", "items:write"}, {"items:read"}, {}, nil}).Draw(rt, "granted"); scopes != nil {
					f.Reach.Grants = append(f.Reach.Grants, keyring.Grant{Access: access, Scopes: scopes})
				}
			}
			keys = append(keys, f)
		}
	}
	return keys, apis, m
}

// R5, L5, K5: many calls after one another, over days and months, of keys that share what their app has at each API: quotas by month and day, the plan's rate, the key's
// own, what routes cost. Each is judged as the contract says, and what is refused is charged to nothing.
func TestManyCallsAreJudgedAsTheContractWrittenSlowly(t *testing.T) {
	limitedBy := map[keyring.Code]int{}
	rapid.Check(t, func(rt *rapid.T) {
		keys, apis, m := company(t, rt)
		limits := keyring.Limits{Rates: ratelimit.NewLocal(1 << 10), Quotas: keyring.NewMonthlyQuotas()}
		now := start
		for range rapid.IntRange(1, 40).Draw(rt, "calls") {
			now = now.Add(rapid.SampledFrom([]time.Duration{0, 0, time.Second, 7 * time.Hour, 24 * time.Hour, 11 * 24 * time.Hour}).Draw(rt, "later"))
			f, a := rapid.SampledFrom(keys).Draw(rt, "key"), rapid.SampledFrom(apis).Draw(rt, "API")
			req := keyring.Request{
				Environment: rapid.SampledFrom([]keyring.Environment{0, keyring.Test, keyring.Any, keyring.Any, keyring.Any}).Draw(rt, "asked"),
				Cost:        rapid.IntRange(1, 3).Draw(rt, "cost"), CostByRoute: rapid.Bool().Draw(rt, "by route"),
			}
			if req.Method = rapid.SampledFrom([]string{"", "GET", "GET", "POST", "PUT"}).Draw(rt, "method"); req.Method != "" {
				req.Path = path(t, "/items")
			} else {
				req.Scopes = rapid.SampledFrom([][]string{nil, {"items:read"}, {"items:write"}}).Draw(rt, "scopes")
			}
			want := m.judge(now, f, a, &req)

			d := keyring.Decide(t.Context(), now, f, a, &req, limits)

			if d.Code != want.code {
				rt.Fatalf("%s: %v, want %v (cost %d, month %d, day %d)", now, d.Code, want.code, want.cost, want.month, want.day)
			}
			limitedBy[d.Code]++
			if d.Code < keyring.QuotaExceeded {
				continue
			}
			if d.Cost != want.cost {
				rt.Fatalf("charged as %d, want %d", d.Cost, want.cost)
			}
			if d.Allowed() {
				m.calls = append(m.calls, passed{now, f.App.ID, a.ID, f.ID, f.Environment, want.cost})
				want.month, want.day = want.month+int64(want.cost), want.day+int64(want.cost)
			}
			access := d.Grant.Access
			if left := access.Quota - want.month; access.Quota > 0 && d.Quotas.Month.Remaining != left {
				rt.Fatalf("%v: %d of the month are left, want %d", d.Code, d.Quotas.Month.Remaining, left)
			}
			if left := access.QuotaDay - want.day; access.QuotaDay > 0 && d.Quotas.Day.Remaining != left {
				rt.Fatalf("%v: %d of the day are left, want %d", d.Code, d.Quotas.Day.Remaining, left)
			}
		}
	})

	for _, code := range []keyring.Code{keyring.NotFound, keyring.WrongEnvironment, keyring.WrongAPI, keyring.InsufficientScope, keyring.QuotaExceeded, keyring.RateLimited, keyring.Valid} {
		if limitedBy[code] == 0 {
			t.Errorf("no call was %v: nothing was tried", code)
		}
	}
}
