package demo

import (
	"time"
)

// shape is how the calls of a key fall over day and week.
type shape int

const (
	steady   shape = iota
	shopping       // all day, most in the evening and on Saturdays
	office         // working hours, next to nothing at weekends
	morning        // before the shops open
	nightly        // a run each night, and little else
)

// weights are the share of each hour of UTC in a day, times 24, and of each weekday from Sunday on.
var weights = map[shape]struct {
	hours [24]float64
	days  [7]float64
}{
	steady:   {hoursOf(1, 0, 0, 0), [7]float64{1, 1, 1, 1, 1, 1, 1}},
	shopping: {[24]float64{.3, .2, .1, .1, .1, .2, .5, .8, 1.1, 1.2, 1.3, 1.4, 1.5, 1.3, 1.2, 1.2, 1.4, 1.7, 2.0, 2.2, 1.9, 1.3, .9, .5}, [7]float64{1.1, .8, .85, .9, .95, 1.15, 1.35}},
	office:   {hoursOf(.05, 7, 17, 2.3), [7]float64{.15, 1.2, 1.25, 1.25, 1.2, 1, .15}},
	morning:  {hoursOf(.2, 2, 7, 4), [7]float64{.6, 1.1, 1, 1, 1.1, 1.2, 1}},
	nightly:  {hoursOf(.3, 1, 4, 5.9), [7]float64{1, 1, 1, 1, 1, 1, 1}},
}

// hoursOf is one weight for the hours from begin on and before end, and another for the rest.
func hoursOf(rest float64, begin, end int, busy float64) [24]float64 {
	var out [24]float64
	for h := range out {
		out[h] = rest
		if h >= begin && h < end {
			out[h] = busy
		}
	}
	return out
}

// expected is how many calls of a key with perDay calls a day fall into the hour from at on.
func (s shape) expected(perDay float64, at time.Time) float64 {
	w := weights[s]
	return perDay / 24 * w.hours[at.Hour()] * w.days[at.Weekday()]
}

// The incident: nine days ago, for two hours, the Orders API answered slowly and everybody's programs tried again and again.
const (
	incidentDaysAgo = 9
	incidentHour    = 14
	incidentHours   = 2
	incidentFactor  = 16   // times the usual calls
	incidentRefused = 0.75 // of these
)

func (f *filler) inIncident(api string, at time.Time) bool {
	begin := f.at(incidentDaysAgo, incidentHour)
	return api == "orders" && !at.Before(begin) && at.Before(begin.Add(incidentHours*time.Hour))
}

// Shares of refusals on an ordinary day, of a key's calls.
const (
	shareLimited = 0.004
	shareScope   = 0.003
	shareUnknown = 0.006 // of all calls at an API: keys that nobody knows
)

// stopped is why and since when a key's calls are refused; the zero time for never.
func (f *filler) stopped(m *made) (since time.Time, code string) {
	consider := func(at time.Time, why string) {
		if !at.IsZero() && !at.After(f.now) && (since.IsZero() || at.Before(since)) {
			since, code = at, why
		}
	}
	if m.ends != nil {
		consider(*m.ends, "EXPIRED")
	}
	codes := map[string]string{"paused": "PAUSED", "leaked": "PAUSED", "suspended": "SUSPENDED", "revoked": "REVOKED"}
	if why := codes[m.fate.what]; why != "" {
		consider(f.at(m.fate.ago, 16), why)
	}
	switch m.app {
	case "labels":
		consider(f.at(11, 13), "SUSPENDED")
	case "freight":
		consider(f.at(14, 13), "SUSPENDED")
	case "stamps":
		consider(f.at(10, 13), "SUSPENDED")
	}
	for _, r := range requests {
		if r.app != m.app || r.later.what == "" || !f.reaches(m, r.api) {
			continue
		}
		consider(f.at(r.later.ago, 15), map[string]string{"suspended": "SUSPENDED", "ended": "WRONG_API"}[r.later.what])
	}
	if m.scopes == "reviews:read" {
		consider(f.at(25, 11), "INSUFFICIENT_SCOPE")
	}
	return since, code
}

// persists says how much a stopped program still calls at that time: the recent ones have not given up, the others did within two days.
func (f *filler) persists(since, at time.Time) float64 {
	switch {
	case since.After(f.now.Add(-9 * 24 * time.Hour)):
		return 0.35
	case at.Sub(since) < 48*time.Hour:
		return 0.2
	}
	return 0
}
