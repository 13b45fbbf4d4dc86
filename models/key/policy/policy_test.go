package policy_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func drawRules(t *rapid.T) policy.Rules {
	number := func(name string) *int { return rapid.Ptr(rapid.IntRange(1, 40), true).Draw(t, name) }
	yes := func(name string) *bool { return rapid.Ptr(rapid.Bool(), true).Draw(t, name) }
	return policy.Rules{
		DefaultDays: number("default"), MaxDays: number("max"), NeverAllowed: yes("never"), IdleDays: number("idle"), RotateDays: number("rotate"),
		KeysPerApp: number("keys"), Networks: yes("networks"),
	}
}

func drawRule(t *rapid.T) policy.Rule {
	kind := rapid.SampledFrom(policy.Kinds).Draw(t, "kind")
	s := policy.Source{Kind: kind}
	if kind != policy.Installation {
		s.ID = db.ID{15: byte(rapid.IntRange(1, 250).Draw(t, "id"))}
	}
	return policy.Rule{Source: s, Rules: drawRules(t)}
}

func drawAll(t *rapid.T) []policy.Rule {
	return rapid.SliceOfNDistinct(rapid.Custom(drawRule), 0, 6, func(r policy.Rule) policy.Source { return r.Source }).Draw(t, "rules")
}

// looser reports in what b allows more than a.
func looser(a, b policy.Effective) string {
	less := func(is, was policy.Number) bool { return was.Value > 0 && (is.Value == 0 || is.Value > was.Value) }
	few := func(e policy.Effective) policy.Number {
		if len(e.PerApp) == 0 {
			return policy.Number{}
		}
		return e.PerApp[0]
	}
	for what, pair := range map[string][2]policy.Number{
		"default": {b.Default, a.Default}, "max": {b.Max, a.Max}, "idle": {b.Idle, a.Idle}, "rotate": {b.Rotate, a.Rotate}, "keys": {few(b), few(a)},
	} {
		if less(pair[0], pair[1]) {
			return what
		}
	}
	if b.Never.On && !a.Never.On {
		return "never"
	}
	if a.Networks.On && !b.Networks.On {
		return "networks"
	}
	if len(b.PerApp) < len(a.PerApp) {
		return "number of keys"
	}
	return ""
}

// K4
func TestOneMoreRuleNeverLoosens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, more := drawAll(t), drawRule(t)
		if what := looser(policy.Merge(rules...), policy.Merge(append(slices.Clone(rules), more)...)); what != "" {
			t.Fatalf("%s is looser with %+v", what, more)
		}
	})
}

func TestOrderOfRulesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawAll(t)
		other := slices.Clone(rules)
		seed := rapid.Uint64().Draw(t, "seed")
		rand.New(rand.NewPCG(seed, seed)).Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
		if diff := cmp.Diff(policy.Merge(rules...), policy.Merge(other...)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// What is refused under some rules is refused under more of them, and whatever is let through ends in time.
func TestWhatIsRefusedStaysRefusedUnderMoreRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := policy.Rule{Source: policy.Source{Kind: policy.Installation}, Rules: policy.Default()}
		rules := append([]policy.Rule{whole}, slices.DeleteFunc(drawAll(t), func(r policy.Rule) bool { return r.Source.Kind == policy.Installation })...)
		more := append(slices.Clone(rules), drawRule(t))
		x := policy.Expiry{Days: rapid.IntRange(0, 400).Draw(t, "days"), Never: rapid.Bool().Draw(t, "never")}
		var few, many fault.Problems
		policy.Merge(rules...).Resolve(x, now, false, &few)
		e := policy.Merge(more...)
		end := e.Resolve(x, now, false, &many)
		if x != (policy.Expiry{}) && len(few) > 0 && len(many) == 0 {
			t.Fatal("one more rule lets it through")
		}
		if len(many) == 0 && end != nil && end.Sub(now) > time.Duration(e.Max.Value)*24*time.Hour {
			t.Fatal("too long", end)
		}
	})
}

func TestStrictestWinsAndIsNamed(t *testing.T) {
	orders := policy.Source{Kind: policy.API, ID: db.ID{1}, Name: "Orders"}
	gold := policy.Source{Kind: policy.Plan, ID: db.ID{2}, Name: "Gold", API: "Orders"}
	north := policy.Source{Kind: policy.Organization, ID: db.ID{3}, Name: "Northwind"}
	whole := policy.Source{Kind: policy.Installation}
	all := policy.NewBook([]policy.Rule{
		{whole, policy.Rules{DefaultDays: new(90), MaxDays: new(365), NeverAllowed: new(true), KeysPerApp: new(20)}},
		{orders, policy.Rules{MaxDays: new(30), Networks: new(true)}},
		{gold, policy.Rules{MaxDays: new(60), IdleDays: new(10)}},
		{north, policy.Rules{KeysPerApp: new(5), IdleDays: new(10), RotateDays: new(20)}},
	}, nil)
	for _, c := range []struct {
		what    string
		subject policy.Subject
		want    policy.Effective
	}{
		{"nothing narrower", policy.Subject{}, policy.Effective{
			Default: policy.Number{90, whole}, Max: policy.Number{365, whole}, Never: policy.Switch{On: true}, PerApp: []policy.Number{{20, whole}},
		}},
		{"the API", policy.Subject{APIs: []db.ID{{1}}}, policy.Effective{
			Default: policy.Number{30, orders}, Max: policy.Number{30, orders}, Never: policy.Switch{Source: orders}, PerApp: []policy.Number{{20, whole}}, Networks: policy.Switch{true, orders},
		}},
		{"all: of two as strict the wider", policy.Subject{OrganizationID: db.ID{3}, APIs: []db.ID{{1}}, PlanIDs: []db.ID{{2}}}, policy.Effective{
			Default: policy.Number{30, orders}, Max: policy.Number{30, orders}, Never: policy.Switch{Source: orders}, Idle: policy.Number{10, north}, Rotate: policy.Number{20, north},
			PerApp: []policy.Number{{5, north}, {20, whole}}, Networks: policy.Switch{true, orders},
		}},
	} {
		if diff := cmp.Diff(c.want, all.For(c.subject)); diff != "" {
			t.Errorf("%s: %s", c.what, diff)
		}
	}
	if orders.Label() != "Orders" || gold.Label() != "Orders · Gold" || whole.Label() != "" {
		t.Error(orders.Label(), gold.Label(), whole.Label())
	}
}

// While the notice of a tightening runs, keys made before it go by the old rule, keys made since by the new one; and stages say the same.
func TestTighteningHoldsForOldKeysOnlyAfterItsNotice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := policy.Source{Kind: policy.Installation}
		current := drawRules(t)
		var planned []policy.Planned
		for i := range rapid.IntRange(0, 3).Draw(t, "planned") {
			planned = append(planned, policy.Planned{ID: db.ID{byte(i)}, Source: s, Before: drawRules(t), MadeAt: now.Add(time.Duration(rapid.IntRange(-9, 0).Draw(t, "made")) * time.Hour)})
		}
		b := policy.NewBook([]policy.Rule{{s, current}}, planned)
		created := now.Add(time.Duration(rapid.IntRange(-10, 0).Draw(t, "created")) * time.Hour)

		held := b.Held(policy.Subject{}, created)

		if what := looser(held, b.For(policy.Subject{})); what != "" {
			t.Fatal("an old key is held harder than a new one:", what)
		}
		var same policy.Effective
		for _, stage := range b.Stages() {
			if created.After(stage.From) && (stage.To.IsZero() || !created.After(stage.To)) {
				same = policy.Merge(policy.Rule{Source: stage.Source, Rules: stage.Rules})
			}
		}
		if diff := cmp.Diff(held, same); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestRefsAreReadAsWritten(t *testing.T) {
	for _, s := range []policy.Source{{Kind: policy.Installation}, {Kind: policy.API, ID: db.NewID()}, {Kind: policy.Scope, ID: db.NewID()}, {Kind: policy.Organization, ID: db.NewID()}, {Kind: policy.Plan, ID: db.NewID()}} {
		if got, ok := policy.ParseRef(s.Ref()); !ok || got != s {
			t.Error(s, got, ok)
		}
	}
	for _, wrong := range []string{"", "key_01", "api_", "installation2"} {
		if _, ok := policy.ParseRef(wrong); ok {
			t.Error(wrong)
		}
	}
}
