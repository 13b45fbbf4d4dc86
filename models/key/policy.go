package key

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// policyName is the setting that holds a Policy.
const policyName = "key_policy"

// Bounds of a Policy.
const (
	MaxPolicyDays = 3650
	MaxKeysPerApp = 10_000
)

// Policy is the installation's rule for the life of keys. Keys with keys:verify may always be without end: a gateway that forgets to
// rotate would take everything down.
type Policy struct {
	DefaultDays  int  `json:"default_days"`
	MaxDays      int  `json:"max_days"`
	NeverAllowed bool `json:"never_allowed"`
	KeysPerApp   int  `json:"keys_per_app"` // working ones, in their overlap too; see Rotate
}

// DefaultPolicy holds until an admin sets another (K4).
var DefaultPolicy = Policy{DefaultDays: 90, MaxDays: 365, KeysPerApp: 20}

// Policy reads the policy in force.
func (s *Store) Policy(ctx context.Context) (Policy, error) {
	p := DefaultPolicy
	_, err := setting.Get(ctx, s.db, policyName, &p)
	return p, err
}

func policyTx(tx *db.Tx) (Policy, error) {
	p := DefaultPolicy
	_, err := setting.GetTx(tx, policyName, &p)
	return p, err
}

func (p Policy) check() error {
	var bad fault.Problems
	bad.Check(p.MaxDays >= 1 && p.MaxDays <= MaxPolicyDays, "max_days", "A lifetime is 1 to %d days.", MaxPolicyDays)
	bad.Check(p.DefaultDays >= 1 && p.DefaultDays <= MaxPolicyDays, "default_days", "A lifetime is 1 to %d days.", MaxPolicyDays)
	if len(bad) == 0 {
		bad.Check(p.DefaultDays <= p.MaxDays, "default_days", "The default can’t be longer than the longest lifetime, %d days.", p.MaxDays)
	}
	bad.Check(p.KeysPerApp >= 1 && p.KeysPerApp <= MaxKeysPerApp, "keys_per_app", "An app can hold 1 to %d keys.", MaxKeysPerApp)
	return bad.Err()
}

// SetPolicy changes the policy for keys made from now on; keys that exist keep their expiry. Faults: Forbidden, Invalid (max_days,
// default_days, keys_per_app).
func (s *Store) SetPolicy(ctx context.Context, a actor.Actor, p Policy) error {
	if !a.Trusted() && !permission.Staff(a.StaffRole, permission.StaffPolicyManage) {
		return fault.Denied()
	}
	if err := p.check(); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		before, err := policyTx(tx)
		if err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.PolicyChanged, TargetKind: "setting", Details: map[string]string{
			"setting": policyName, "before": before.facts(), "after": p.facts(),
		}})
		return setting.Put(tx, policyName, p)
	})
}

func (p Policy) facts() string {
	return fmt.Sprintf("default %d days, at most %d days, never %t, %d keys an app", p.DefaultDays, p.MaxDays, p.NeverAllowed, p.KeysPerApp)
}

// Expiry is what a developer chose: a number of days, a day, or no end. The zero Expiry is the policy's default.
type Expiry struct {
	Days  int
	Date  string // YYYY-MM-DD: the end of that day in Zone
	Never bool
	Zone  *time.Location // nil: UTC
}

// DateLayout is how a day is written in forms.
const DateLayout = "2006-01-02"

// resolve gives the moment of expiry (nil: without end), or the problems of field "expires" or "expires_on". verifier lifts the
// policy's bounds.
func (p Policy) resolve(e Expiry, now time.Time, verifier bool, bad *fault.Problems) *time.Time {
	if e.Zone == nil {
		e.Zone = time.UTC
	}
	switch {
	case e.Never:
		bad.Check(p.NeverAllowed || verifier, "expires", "This portal’s policy allows no key without end. The longest lifetime is %d days.", p.MaxDays)
		return nil
	case e.Date != "":
		return p.resolveDate(e, now, verifier, bad)
	case e.Days == 0:
		e.Days = p.DefaultDays
	}
	if e.Days < 1 || e.Days > p.MaxDays && !verifier || e.Days > MaxPolicyDays {
		bad.Add("expires", "This portal’s policy lets a key live at most %d days.", p.MaxDays)
		return nil
	}
	end := now.AddDate(0, 0, e.Days)
	return &end
}

func (p Policy) resolveDate(e Expiry, now time.Time, verifier bool, bad *fault.Problems) *time.Time {
	day, err := time.ParseInLocation(DateLayout, e.Date, e.Zone)
	if err != nil {
		bad.Add("expires_on", "A day is written like %s.", now.In(e.Zone).AddDate(0, 0, p.DefaultDays).Format(DateLayout))
		return nil
	}
	end := time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, e.Zone).UTC()
	y, m, d := now.In(e.Zone).Date()
	last := time.Date(y, m, d+p.MaxDays, 0, 0, 0, 0, e.Zone)
	switch {
	case !end.After(now):
		bad.Add("expires_on", "That day is over. Choose today or a later day.")
	case day.After(last) && !verifier, day.Year() > now.Year()+100:
		bad.Add("expires_on", "This portal’s policy lets a key live at most %s days: until %s.", strconv.Itoa(p.MaxDays), last.Format(DateLayout))
	}
	return &end
}
