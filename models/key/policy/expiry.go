package policy

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

// Expiry is what a developer chose: a number of days, a day, or no end. The zero Expiry is the policy's default.
type Expiry struct {
	Days  int
	Date  string // YYYY-MM-DD: the end of that day in Zone
	Never bool
	Zone  *time.Location // nil: UTC
}

// DateLayout is how a day is written in forms.
const DateLayout = "2006-01-02"

// Resolve gives the moment of expiry (nil: without end), or the problems of field "expires" or "expires_on". verifier, a key with keys:verify,
// lifts the bounds: a gateway that forgets to rotate would take everything down.
func (e Effective) Resolve(x Expiry, now time.Time, verifier bool, bad *fault.Problems) *time.Time {
	if x.Zone == nil {
		x.Zone = time.UTC
	}
	switch {
	case x.Never:
		if !e.Never.On && !verifier {
			e.refuseNever(bad)
		}
		return nil
	case x.Date != "":
		return e.resolveDate(x, now, verifier, bad)
	case x.Days == 0:
		x.Days = e.Default.Value
	}
	if x.Days < 1 || x.Days > e.longest() && !verifier || x.Days > MaxDays {
		e.refuseLong(bad, "expires")
		return nil
	}
	end := now.AddDate(0, 0, x.Days)
	return &end
}

// longest is Max, or MaxDays when nobody says one.
func (e Effective) longest() int {
	if e.Max.Value > 0 {
		return e.Max.Value
	}
	return MaxDays
}

func (e Effective) refuseNever(bad *fault.Problems) {
	if e.Never.Source.Kind == Installation {
		bad.Add("expires", "This portal’s policy allows no key without end. The longest lifetime is %d days.", e.longest())
		return
	}
	bad.Add("expires", "The policy of %[1]s allows no key without end. The longest lifetime is %[2]d days.", e.Never.Source.Label(), e.longest())
}

func (e Effective) refuseLong(bad *fault.Problems, field string) {
	if e.Max.Source.Kind == Installation || e.Max.Value == 0 {
		bad.Add(field, "This portal’s policy lets a key live at most %d days.", e.longest())
		return
	}
	bad.Add(field, "%[1]s allows %[2]d days at most.", e.Max.Source.Label(), e.Max.Value)
}

func (e Effective) resolveDate(x Expiry, now time.Time, verifier bool, bad *fault.Problems) *time.Time {
	day, err := time.ParseInLocation(DateLayout, x.Date, x.Zone)
	if err != nil {
		bad.Add("expires_on", "A day is written like %s.", now.In(x.Zone).AddDate(0, 0, e.Default.Value).Format(DateLayout))
		return nil
	}
	end := time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, x.Zone).UTC()
	y, m, d := now.In(x.Zone).Date()
	last := time.Date(y, m, d+e.longest(), 0, 0, 0, 0, x.Zone)
	switch {
	case !end.After(now):
		bad.Add("expires_on", "That day is over. Choose today or a later day.")
	case (!day.After(last) || verifier) && day.Year() <= now.Year()+100:
	case e.Max.Source.Kind == Installation || e.Max.Value == 0:
		bad.Add("expires_on", "This portal’s policy lets a key live at most %d days: until %s.", e.longest(), last.Format(DateLayout))
	default:
		bad.Add("expires_on", "%[1]s allows %[2]d days at most: until %[3]s.", e.Max.Source.Label(), e.Max.Value, last.Format(DateLayout))
	}
	return &end
}

// CheckNetworks refuses bounds without networks where the policy asks for them: the problem of field "networks".
func (e Effective) CheckNetworks(named int, bad *fault.Problems) {
	switch {
	case !e.Networks.On || named > 0:
	case e.Networks.Source.Kind == Installation:
		bad.Add("networks", "This portal’s policy asks each key to name the networks that it is used from.")
	default:
		bad.Add("networks", "The policy of %s asks each key to name the networks that it is used from.", e.Networks.Source.Label())
	}
}

// TooMany is the refusal of one more key where n.Value of them is what the policy allows.
func (n Number) TooMany() error {
	if n.Source.Kind == Installation {
		return fault.New(fault.Conflict, "This portal’s policy allows %d keys an app, and this app has that many. Revoke one that nothing uses, or ask an admin of the portal.", n.Value)
	}
	return fault.New(fault.Conflict, "The policy of %[1]s allows %[2]d keys an app, and this app has that many. Revoke one that nothing uses, or ask an admin of the portal.", n.Source.Label(), n.Value)
}
