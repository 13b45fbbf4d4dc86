package policy

import "slices"

// Number is a number in force, and whose it is; zero when nobody says one.
type Number struct {
	Value  int
	Source Source
}

// Switch is a yes or no in force, and whose it is.
type Switch struct {
	On     bool
	Source Source
}

// Effective is what holds for a key: of each rule the strictest, with its source.
type Effective struct {
	Default  Number   // never above Max
	Max      Number   // the longest lifetime; Value 0: nobody says
	Never    Switch   // On: a key may be without end; else Source forbids it
	Idle     Number   // days unused until a pause; 0: none
	Rotate   Number   // days until a key must have been rotated; 0: none
	PerApp   []Number // all of them, the strictest first: each counts the keys that it applies to
	Networks Switch   // On: a key must name its networks
}

// Rule is what one source says.
type Rule struct {
	Source Source
	Rules
}

// Merge finds the strictest of all. The order of rules does not matter, and one more never makes anything looser.
func Merge(rules ...Rule) Effective {
	rules = slices.SortedFunc(slices.Values(rules), func(a, b Rule) int { return a.Source.compare(b.Source) })
	e := Effective{Never: Switch{On: true}}
	for _, r := range rules {
		e.Default.lower(r.DefaultDays, r.Source)
		e.Max.lower(r.MaxDays, r.Source)
		e.Idle.lower(r.IdleDays, r.Source)
		e.Rotate.lower(r.RotateDays, r.Source)
		if r.KeysPerApp != nil {
			e.PerApp = append(e.PerApp, Number{*r.KeysPerApp, r.Source})
		}
		if r.needsNetworks() && !e.Networks.On {
			e.Networks = Switch{true, r.Source}
		}
	}
	for _, r := range rules { // the one with the shortest life is the one to name
		if r.forbidsNever() && (e.Never.On || r.Source == e.Max.Source) {
			e.Never = Switch{false, r.Source}
		}
	}
	slices.SortStableFunc(e.PerApp, func(a, b Number) int { return a.Value - b.Value })
	if e.Default.Value == 0 || e.Max.Value > 0 && e.Default.Value > e.Max.Value {
		e.Default = e.Max
	}
	return e
}

func (n *Number) lower(v *int, s Source) {
	if v != nil && (n.Value == 0 || *v < n.Value) {
		*n = Number{*v, s}
	}
}
