package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// line is one series of usage with what was counted, by the beginning of the hour; minutes hold the last two days once more.
type line struct {
	key              *made // nil for keys that nobody knows
	api              *shelved
	route, code      string
	scope, method    string // what the route needs, and its method where that is told
	hours, minutes   []count
	weight           float64 // its share of the key's calls
	validInThisMonth int64
	validToday       int64 // by UTC
}

type count struct {
	at    time.Time
	calls int64
}

// minuteDays is for how long usage is known by the minute.
const minuteDays = 2

// add counts calls in the hour from at on; the last of them is before the filling.
func (f *filler) add(l *line, d *dice, at time.Time, calls int64) {
	if calls <= 0 {
		return
	}
	l.hours = append(l.hours, count{at, calls})
	if l.code == "VALID" && at.Year() == f.now.Year() && at.Month() == f.now.Month() {
		l.validInThisMonth += calls
		if at.Day() == f.now.Day() {
			l.validToday += calls
		}
	}
	if at.Before(f.now.Add(-minuteDays * 24 * time.Hour).Add(time.Hour)) {
		return
	}
	room := 60
	if f.now.Sub(at) < time.Hour {
		room = max(1, int(f.now.Sub(at)/time.Minute))
	}
	var per [60]int64
	for range calls {
		per[d.throw()%uint64(room)]++
	}
	for minute, n := range per {
		if n > 0 {
			l.minutes = append(l.minutes, count{at.Add(time.Duration(minute) * time.Minute), n})
		}
	}
}

// hoursBack are the beginnings of the hours of the story, oldest first; the last one is still running.
func (f *filler) hoursBack() []time.Time {
	var out []time.Time
	for at := f.now.Truncate(time.Hour).AddDate(0, 0, -Days).Add(time.Hour); !at.After(f.now); at = at.Add(time.Hour) {
		out = append(out, at)
	}
	return out
}

// linesOf are the series of a key: let through by route, and the refusals of ordinary days.
func (f *filler) linesOf(m *made) (valid, limited, missing []*line) {
	for _, s := range f.shelves() {
		if !f.reaches(m, s.Slug) {
			continue
		}
		held := strings.Fields(m.scopes)
		first := true
		for _, r := range s.routes() {
			weight := map[string]float64{"GET": 1, "POST": .3, "PATCH": .15, "PUT": .1}[r.method]
			switch {
			case r.old && hashOf(m.name)%4 != 0: // few programs are left at the deprecated version
			case slices.Contains(held, r.scope):
				valid = append(valid, &line{key: m, api: s, route: r.template, code: "VALID", scope: r.scope, weight: weight})
				if first {
					limited = append(limited, &line{key: m, api: s, route: r.template, code: "RATE_LIMITED"})
				}
				first = false
			case len(missing) == 0 && r.method != "GET":
				missing = append(missing, &line{key: m, api: s, route: r.template, code: "INSUFFICIENT_SCOPE", scope: r.scope, method: r.method})
			}
		}
	}
	return merged(valid), limited, missing
}

// merged puts lines of one route together: two methods of a template are one series.
func merged(lines []*line) []*line {
	var out []*line
	for _, l := range lines {
		i := slices.IndexFunc(out, func(o *line) bool { return o.api == l.api && o.route == l.route })
		if i < 0 {
			out = append(out, l)
			continue
		}
		out[i].weight += l.weight
	}
	sum := 0.0
	for _, l := range out {
		sum += l.weight
	}
	for _, l := range out {
		l.weight /= sum
	}
	return out
}

type route struct {
	method, template, scope string
	old                     bool
}

func (s *shelved) routes() []route {
	var out []route
	for _, r := range s.rules {
		for text := range strings.SplitSeq(r.lines, "\n") {
			words := strings.Fields(text)
			out = append(out, route{words[0], words[1], words[2], r.version == "v1" && s.Slug == "orders"})
		}
	}
	return out
}

// shelves are the APIs in a fixed order.
func (f *filler) shelves() []*shelved {
	var out []*shelved
	for _, p := range products {
		out = append(out, f.products[p.Slug])
	}
	return out
}

func (f *filler) reaches(m *made, slug string) bool {
	for _, scope := range strings.Fields(m.scopes) {
		if _, ok := f.products[slug].scopes[scope]; ok {
			return true
		}
	}
	return false
}

// callsOf counts what a key was used for.
func (f *filler) callsOf(m *made) []*line {
	if m.calls == 0 || m.scopes == "" {
		return nil
	}
	valid, limited, missing := f.linesOf(m)
	since, code := f.stopped(m)
	var refused []*line
	if code != "" {
		refused = append(refused, &line{key: m, api: f.apiOf(strings.Fields(m.scopes)[0]), code: code})
	}
	d := &dice{hashOf(fmt.Sprint(m.app, m.name, m.env, m.takesOver != nil))}
	growth := d.part()*.5 - .1
	for i, at := range f.hoursBack() {
		calls := m.shape.expected(float64(m.calls), at) * (1 + growth*float64(i)/(24*Days)) * (.75 + .5*d.part()) * f.share(m, at)
		calls *= min(1, f.now.Sub(at).Hours())
		switch {
		case at.Before(m.at) || m.fate.what == "silent" && at.After(f.now.Add(-time.Duration(m.fate.ago)*time.Hour)):
		case code != "" && !at.Before(since.Truncate(time.Hour)):
			f.add(refused[0], d, at, d.round(calls*f.persists(since, at)))
		default:
			f.ordinary(valid, limited, missing, d, at, calls)
		}
	}
	all := slices.Concat(valid, limited, missing, refused)
	f.awake(m, all, d)
	return all
}

// share is the part of a key's calls that is its own: while a key is being rotated, its program moves over to the new one.
func (f *filler) share(m *made, at time.Time) float64 {
	if m.takesOver != nil && at.Before(*m.takesOver.ends) {
		return .7
	}
	if m.fate.what == "rotated" && at.After(f.at(m.fate.ago, 16)) {
		return .3
	}
	return 1
}

// ordinary spreads the calls of an hour over the routes, with some refused, and most where the incident was.
func (f *filler) ordinary(valid, limited, missing []*line, d *dice, at time.Time, calls float64) {
	for _, l := range valid {
		n := calls * l.weight
		if f.inIncident(l.api.Slug, at) {
			n *= incidentFactor
			for _, r := range limited {
				if r.api == l.api {
					f.add2(r, d, at, d.round(n*incidentRefused))
				}
			}
			n *= 1 - incidentRefused
		}
		f.add(l, d, at, d.round(n))
	}
	for _, l := range limited {
		if hashOf(l.key.name)%3 == 0 && !f.inIncident(l.api.Slug, at) {
			f.add(l, d, at, d.round(calls*shareLimited))
		}
	}
	for _, l := range missing {
		f.add(l, d, at, d.round(calls*shareScope))
	}
}

// add2 adds to an hour that may have been counted already.
func (f *filler) add2(l *line, d *dice, at time.Time, calls int64) {
	if n := len(l.hours); n > 0 && l.hours[n-1].at.Equal(at) {
		l.hours[n-1].calls += calls
		return
	}
	f.add(l, d, at, calls)
}

// awake sees to it that a key which is in use was used in the last hours, however little: only three fell silent.
func (f *filler) awake(m *made, lines []*line, d *dice) {
	for _, l := range lines {
		if n := len(l.hours); n > 0 && l.hours[n-1].at.After(f.now.Add(-23*time.Hour)) {
			return
		}
	}
	since, code := f.stopped(m)
	at := f.now.Truncate(time.Hour).Add(-3 * time.Hour)
	switch {
	case m.fate.what == "silent" || m.calls < 10 || at.Before(m.at):
	case code == "":
		f.add(lines[0], d, at, 1)
	case f.persists(since, f.now) > 0:
		f.add(lines[len(lines)-1], d, at, 1)
	}
}

// unknown counts the keys that nobody knows, at one API.
func (f *filler) unknown(s *shelved, perDay float64) *line {
	l := &line{api: s, code: "NOT_FOUND"}
	d := &dice{hashOf("unknown " + s.Slug)}
	for _, at := range f.hoursBack() {
		calls := shopping.expected(perDay*shareUnknown, at)
		if f.inIncident(s.Slug, at) {
			calls *= 40
		}
		f.add(l, d, at, d.round(calls))
	}
	return l
}

// byDay sums the hours of a line up by days of UTC.
func (l *line) byDay() []count {
	var out []count
	for _, h := range l.hours {
		day := h.at.Truncate(24 * time.Hour)
		if n := len(out); n > 0 && out[n-1].at.Equal(day) {
			out[n-1].calls += h.calls
			continue
		}
		out = append(out, count{day, h.calls})
	}
	return out
}

// ids of what a line is counted under; none for keys that nobody knows.
func (l *line) ids(f *filler) (keyID, appID, orgID db.ID, environment string) {
	if l.key == nil {
		return db.ID{}, db.ID{}, db.ID{}, ""
	}
	return l.key.id, f.apps[l.key.app], f.companies[orgOf(l.key.app)], l.key.env
}

func orgOf(app string) string {
	for _, p := range programs {
		if p.handle == app {
			return p.org
		}
	}
	return ""
}
