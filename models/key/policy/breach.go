package policy

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

const day = 24 * time.Hour

// Leads: how long ahead a key's people are told. A rule that names few days is told of at half of them.
const (
	idleLead = 7 * day
	ageLead  = 14 * day
	// NetworksLead is the notice for a key that comes under a rule about networks by itself, such as with another plan.
	NetworksLead = 14 * day
	// LifeLead is the notice for a key that comes under a shorter lifetime by itself, before its end is brought forward.
	LifeLead = 14 * day
	// LifeGrace is how long a key lives at least once its end was brought forward, so that the notices of expiry go out.
	LifeGrace = 7 * day
	// lifeSlack is how far the end of a day may lie beyond a number of days, whatever the zone.
	lifeSlack = 26 * time.Hour
)

// Lead is how long ahead of a pause for idle days or age people are told.
func Lead(rule string, days int) time.Duration {
	most := idleLead
	if rule == Age {
		most = ageLead
	}
	return min(most, time.Duration(days)*day/2)
}

// LatestEnd is when a key that lives too long ends once the rule holds for it, at the moment at: by its making, but not before a grace is over, and at the end of a
// day in UTC. maxDays is zero when the rule is only that keys end.
func LatestEnd(createdAt time.Time, maxDays int, at time.Time) time.Time {
	end := at.Add(LifeGrace)
	if latest := createdAt.AddDate(0, 0, maxDays); maxDays > 0 && latest.After(end) {
		end = latest
	}
	if d := end.UTC().Truncate(day); !d.Equal(end) {
		return d.Add(day)
	}
	return end.UTC()
}

// Facts are what rules ask of a key that there is.
type Facts struct {
	CreatedAt                        time.Time
	ExpiresAt, LastUsedAt, ResumedAt *time.Time
	HasNetworks, Verifier            bool
}

// IdleSince is from when on the key was not used: its last use, its making or its last resumption.
func (f Facts) IdleSince() time.Time {
	since := f.CreatedAt
	for _, t := range []*time.Time{f.LastUsedAt, f.ResumedAt} {
		if t != nil && t.After(since) {
			since = *t
		}
	}
	return since
}

// Breach tells from when on a key breaks a rule, and whose rule it is; ok is false when it does not and will not by the passing of time. A key with
// keys:verify keeps its freedom from ends and pauses.
func (e Effective) Breach(rule string, f Facts) (from time.Time, n Number, ok bool) {
	if f.Verifier {
		return time.Time{}, Number{}, false
	}
	switch rule {
	case Idle:
		return f.IdleSince().Add(time.Duration(e.Idle.Value) * day), e.Idle, e.Idle.Value > 0
	case Age:
		return f.CreatedAt.Add(time.Duration(e.Rotate.Value) * day), e.Rotate, e.Rotate.Value > 0
	case Networks:
		return f.CreatedAt, Number{Source: e.Networks.Source}, e.Networks.On && !f.HasNetworks
	case Life:
		if f.ExpiresAt == nil {
			return f.CreatedAt, Number{e.Max.Value, e.Never.Source}, !e.Never.On
		}
		return f.CreatedAt, e.Max, e.Max.Value > 0 && f.ExpiresAt.After(f.CreatedAt.Add(time.Duration(e.Max.Value)*day+lifeSlack))
	}
	return time.Time{}, Number{}, false
}

// Due is what a key's people were told: not before At is it paused, or given an end.
type Due struct {
	KeyID  db.ID
	Rule   string
	Source Source
	Days   int
	At     time.Time
	ToldAt time.Time // first
	Told   int
}

// DueRests is what Told is when the day came while the rule did not reach the key, whose app, plan or scope was another: once the rule reaches it again it is
// held to it at once, so that going and coming wins no time. DueRemembered is for how long.
const (
	DueRests      = 3
	DueRemembered = 90 * day
)

// Rests reports whether nothing is due while things are as they are.
func (d Due) Rests() bool { return d.Told == DueRests }

// Countdown is what becomes of a key, when, and by whose rule.
type Countdown struct {
	Rule   string
	At     time.Time
	Number // the rule; Value 0 for Networks
}

// Countdowns lists what becomes of a living key that is not paused and not rotated. held holds for it now; coming will, once all notices are over;
// from tells when the notice of a source is, zero for one without.
func Countdowns(f Facts, held, coming Effective, from func(Source) time.Time, dues []Due, now time.Time) []Countdown {
	told := map[string]Due{}
	for _, d := range dues {
		if !d.Rests() {
			told[d.Rule] = d
		}
	}
	var out []Countdown
	for _, rule := range []string{Idle, Age, Networks, Life} {
		if d, ok := told[rule]; ok {
			if at, n, ok := coming.Breach(rule, f); ok {
				out = append(out, Countdown{rule, later(at, d.At), n})
			}
			continue
		}
		if rule == Networks || rule == Life {
			continue
		}
		if c, ok := untold(f, rule, held, coming, from, now); ok {
			out = append(out, c)
		}
	}
	return out
}

// untold is when a key that is not used, or not rotated, is paused, if nobody was told yet: by what holds, or by what will hold if that is sooner.
func untold(f Facts, rule string, held, coming Effective, from func(Source) time.Time, now time.Time) (c Countdown, found bool) {
	if at, n, ok := held.Breach(rule, f); ok {
		c, found = Countdown{rule, later(at, now.Add(Lead(rule, n.Value))), n}, true
	}
	if at, n, ok := coming.Breach(rule, f); ok {
		at = later(at, later(now, from(n.Source)).Add(Lead(rule, n.Value)))
		if !found || at.Before(c.At) {
			c, found = Countdown{rule, at, n}, true
		}
	}
	return c, found
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
