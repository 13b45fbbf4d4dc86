// Package policy is the rules for the life of keys: of the installation, and stricter ones of an organization, an API, a plan or a scope. Of all
// that apply to a key the strictest wins, and each rule in force says whose it is (K4). It judges wishes, and keeps the rules with what is
// planned to change; what becomes of keys that break a rule is done above, by package enforcement.
package policy

import (
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

// Bounds of the rules.
const (
	MaxDays       = 3650
	MaxKeysPerApp = 10_000
)

// Rules are what one subject says; nil says nothing.
type Rules struct {
	DefaultDays  *int  `json:"default_days,omitempty"`  // what forms propose
	MaxDays      *int  `json:"max_days,omitempty"`      // the longest lifetime
	NeverAllowed *bool `json:"never_allowed,omitempty"` // whether a key may be without end; nil beside MaxDays: no
	IdleDays     *int  `json:"idle_days,omitempty"`     // unused for so long, a key is paused
	RotateDays   *int  `json:"rotate_days,omitempty"`   // as old as that, a key must have been rotated
	KeysPerApp   *int  `json:"keys_per_app,omitempty"`  // working ones that the rule applies to
	Networks     *bool `json:"networks,omitempty"`      // whether a key must name the networks that it is used from
}

// Default is the installation's rule until an admin sets another (K4).
func Default() Rules {
	return Rules{DefaultDays: new(90), MaxDays: new(365), NeverAllowed: new(false), KeysPerApp: new(20)}
}

// Empty reports whether nothing is said.
func (r Rules) Empty() bool { return r == Rules{} }

// Equal compares what is said.
func (r Rules) Equal(o Rules) bool { return r.Facts() == o.Facts() }

// named are the numbers of rules with their field and the least and most they can be.
func (r *Rules) named() []struct {
	Name string
	At   **int
	Most int
} {
	return []struct {
		Name string
		At   **int
		Most int
	}{
		{"default_days", &r.DefaultDays, MaxDays},
		{"max_days", &r.MaxDays, MaxDays},
		{"idle_days", &r.IdleDays, MaxDays},
		{"rotate_days", &r.RotateDays, MaxDays},
		{"keys_per_app", &r.KeysPerApp, MaxKeysPerApp},
	}
}

// check refuses what is out of range. The installation says the four things that every key needs. Faults: Invalid.
func (r Rules) check(kind Kind) error {
	var bad fault.Problems
	for _, n := range r.named() {
		v := *n.At
		switch {
		case v == nil && kind == Installation && (n.Name == "default_days" || n.Name == "max_days" || n.Name == "keys_per_app"):
			bad.Add(n.Name, "The installation needs a number here.")
		case v == nil || *v >= 1 && *v <= n.Most:
		case n.Name == "keys_per_app":
			bad.Add(n.Name, "An app can hold 1 to %d keys.", MaxKeysPerApp)
		case n.Name == "default_days" || n.Name == "max_days":
			bad.Add(n.Name, "A lifetime is 1 to %d days.", MaxDays)
		default:
			bad.Add(n.Name, "A number of days is 1 to %d.", MaxDays)
		}
	}
	if r.DefaultDays != nil && r.MaxDays != nil && *r.MaxDays >= 1 && *r.MaxDays <= MaxDays && *r.DefaultDays <= MaxDays && *r.DefaultDays > *r.MaxDays {
		bad.Add("default_days", "The default can’t be longer than the longest lifetime, %d days.", *r.MaxDays)
	}
	return bad.Err()
}

// Facts are the rules in one line, for the audit log.
func (r Rules) Facts() string {
	var out []string
	for _, n := range r.named() {
		if *n.At != nil {
			out = append(out, n.Name+" "+strconv.Itoa(**n.At))
		}
	}
	if r.NeverAllowed != nil {
		out = append(out, "never_allowed "+strconv.FormatBool(*r.NeverAllowed))
	}
	if r.Networks != nil {
		out = append(out, "networks "+strconv.FormatBool(*r.Networks))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// forbidsNever reports whether a subject with these rules lets no key be without end: it says so, or it names a longest lifetime and does not say that
// keys without end are meant to be free of it.
func (r Rules) forbidsNever() bool {
	if r.NeverAllowed != nil {
		return !*r.NeverAllowed
	}
	return r.MaxDays != nil
}

// needsNetworks reports whether the rules ask for networks.
func (r Rules) needsNetworks() bool { return r.Networks != nil && *r.Networks }

// loosest is what holds while any of two versions of the same subject's rules may be gone by.
func loosest(a, b Rules) Rules {
	more := func(x, y *int) *int {
		switch {
		case x == nil || y == nil:
			return nil
		case *x > *y:
			return x
		}
		return y
	}
	out := Rules{
		DefaultDays: more(a.DefaultDays, b.DefaultDays), MaxDays: more(a.MaxDays, b.MaxDays), IdleDays: more(a.IdleDays, b.IdleDays),
		RotateDays: more(a.RotateDays, b.RotateDays), KeysPerApp: more(a.KeysPerApp, b.KeysPerApp),
	}
	if never := !a.forbidsNever() || !b.forbidsNever(); never || out.MaxDays == nil {
		out.NeverAllowed = &never
	}
	if a.needsNetworks() && b.needsNetworks() {
		out.Networks = new(true)
	}
	return out
}

// Tightens names the rules by which after asks more than before of keys that exist: "life", "idle", "age", "networks".
func Tightens(before, after Rules) []string {
	less := func(was, is *int) bool { return is != nil && (was == nil || *is < *was) }
	var out []string
	if less(before.MaxDays, after.MaxDays) || !before.forbidsNever() && after.forbidsNever() {
		out = append(out, Life)
	}
	if less(before.IdleDays, after.IdleDays) {
		out = append(out, Idle)
	}
	if less(before.RotateDays, after.RotateDays) {
		out = append(out, Age)
	}
	if !before.needsNetworks() && after.needsNetworks() {
		out = append(out, Networks)
	}
	return out
}

// Names of what a rule asks of a key that exists; the last three are causes of a pause too.
const (
	Life     = "life"     // an end within the longest lifetime
	Idle     = "idle"     // to be used
	Age      = "age"      // to be rotated
	Networks = "networks" // to name its networks
)
