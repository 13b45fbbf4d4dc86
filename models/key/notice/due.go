package notice

import "time"

// kind is what is told of a key.
type kind string

const expired kind = "expired"

// windows are the notices ahead, the most urgent first.
var windows = []struct {
	kind kind
	days int
}{{"1d", 1}, {"7d", 7}, {"14d", 14}, {"30d", 30}}

// Bounds of what is looked at: who expires within ahead of the next digest, and who expired at most late ago, as after a long stop of the portal.
const (
	ahead = 30 * day
	late  = 7 * day
)

// mornings are the digest that was due last at now, and the one after it.
func mornings(now time.Time, zone *time.Location) (last, next time.Time) {
	y, m, d := now.In(zone).Date()
	last = time.Date(y, m, d, Hour, 0, 0, 0, zone)
	if last.After(now) {
		d--
		last = time.Date(y, m, d, Hour, 0, 0, 0, zone)
	}
	return last, time.Date(y, m, d+1, Hour, 0, 0, 0, zone)
}

// due is what a digest made at now tells of a key, when the next one comes at next: the most urgent notice that could not wait, or that it expired; ""
// when there is nothing to tell.
func due(ends, made, now, next time.Time) kind {
	if !ends.After(now) {
		if now.Sub(ends) >= late {
			return ""
		}
		return expired
	}
	for _, w := range windows {
		span := time.Duration(w.days) * day
		if !ends.Add(-span).Before(next) {
			continue
		}
		if ends.Sub(made) <= span { // made inside this window
			return ""
		}
		return w.kind
	}
	return ""
}
