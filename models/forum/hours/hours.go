// Package hours counts business time: the minutes in which somebody of the company is at work. Opening hours are wall-clock times
// of a time zone, so an instant is open when the clock on the wall there shows an open minute of an open day, also across the
// hours that summer time skips and repeats. Pure: it asks neither the database nor the time, but for Policy's reading.
package hours

import (
	"errors"
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // the same zones on every machine
)

// Clock counts open time. Make it with NewClock; the zero Clock never opens. Safe for concurrent use.
type Clock struct {
	zone     *time.Location
	days     [7]bool
	from, to time.Duration // of the wall clock, since midnight
	closed   map[string]bool
}

// Longest is how far ahead Due looks. A due time beyond it is given as that limit.
const Longest = 10 * 366 // days

const day = 24 * time.Hour

// NewClock opens on the given week days from one wall-clock time until before another ("09:00", "17:30", at most "24:00"), in an
// IANA time zone, but not on the holidays ("2026-12-25"). It fails with a word on what can't be read, on no week day, and when to
// is not after from.
func NewClock(days []time.Weekday, from, to, zone string, holidays []string) (Clock, error) {
	c := Clock{closed: map[string]bool{}}
	var err error
	if c.zone, err = time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		return Clock{}, fmt.Errorf("hours: no time zone %q", zone)
	}
	if c.from, err = parseWall(from); err != nil {
		return Clock{}, err
	}
	if c.to, err = parseWall(to); err != nil {
		return Clock{}, err
	}
	if c.to <= c.from || len(days) == 0 {
		return Clock{}, errors.New("hours: never open")
	}
	for _, d := range days {
		if d < time.Sunday || d > time.Saturday {
			return Clock{}, fmt.Errorf("hours: no week day %d", d)
		}
		c.days[d] = true
	}
	for _, h := range holidays {
		if _, err := time.Parse(time.DateOnly, h); err != nil {
			return Clock{}, fmt.Errorf("hours: no date %q", h)
		}
		c.closed[h] = true
	}
	return c, nil
}

// parseWall reads "HH:MM" as the time since midnight; "24:00" is the end of the day.
func parseWall(s string) (time.Duration, error) {
	if s == "24:00" {
		return day, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, fmt.Errorf("hours: no time of day %q", s)
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

type span struct{ start, end time.Time }

// open lists the open spans of a local date, in order. date is midnight of that date as if it were UTC. Between two changes of the
// zone's offset the wall clock runs evenly: each such stretch is looked at by itself.
func (c Clock) open(date time.Time) []span {
	if !c.days[date.Weekday()] || c.closed[date.Format(time.DateOnly)] {
		return nil
	}
	var spans []span
	end := date.Add(2 * day)
	for at := date.Add(-day).In(c.zone); at.Before(end); {
		_, offset := at.Zone()
		first, last := at.ZoneBounds()
		o := time.Duration(offset) * time.Second
		s := span{date.Add(c.from - o), date.Add(c.to - o)}
		if !first.IsZero() && s.start.Before(first) {
			s.start = first
		}
		if !last.IsZero() && s.end.After(last) {
			s.end = last
		}
		if s.start.Before(s.end) {
			spans = append(spans, s)
		}
		if last.IsZero() {
			break
		}
		at = last
	}
	return spans
}

// dateOf is the local date of t, as midnight UTC of the same date.
func (c Clock) dateOf(t time.Time) time.Time {
	y, m, d := t.In(c.zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Due is the instant, in UTC, at which minutes of open time have passed since from; from itself for none.
func (c Clock) Due(from time.Time, minutes int) time.Time {
	left := time.Duration(minutes) * time.Minute
	if left <= 0 || c.zone == nil {
		return from.UTC()
	}
	date := c.dateOf(from)
	for i := range Longest {
		for _, s := range c.open(date.AddDate(0, 0, i)) {
			if !s.end.After(from) {
				continue
			}
			if s.start.Before(from) {
				s.start = from
			}
			if length := s.end.Sub(s.start); length < left {
				left -= length
				continue
			}
			return s.start.Add(left).UTC()
		}
	}
	return date.AddDate(0, 0, Longest)
}

// Elapsed is the open time between two instants; 0 when to is not after from. It looks at each day between them.
func (c Clock) Elapsed(from, to time.Time) time.Duration {
	if c.zone == nil || !to.After(from) {
		return 0
	}
	var sum time.Duration
	last := c.dateOf(to).AddDate(0, 0, 1)
	for date := c.dateOf(from).AddDate(0, 0, -1); !date.After(last); date = date.AddDate(0, 0, 1) {
		for _, s := range c.open(date) {
			start, end := later(s.start, from), earlier(s.end, to)
			if start.Before(end) {
				sum += end.Sub(start)
			}
		}
	}
	return sum
}

// Open reports whether t is inside the opening hours.
func (c Clock) Open(t time.Time) bool {
	return c.zone != nil && slices.ContainsFunc(c.open(c.dateOf(t)), func(s span) bool { return !t.Before(s.start) && t.Before(s.end) })
}

// Opens is when it is open next: t itself inside the opening hours.
func (c Clock) Opens(t time.Time) time.Time {
	if c.Open(t) {
		return t
	}
	return c.Due(t, 1).Add(-time.Minute)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
