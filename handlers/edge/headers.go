package edge

import (
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// identityHeaders sets all five on every 200, also those without a value: a proxy that copies them then overwrites what a client
// invented (D8).
func (x *exchange) identityHeaders(f *keyring.Facts, grant *keyring.Grant) {
	b := x.buffer[:0]
	b = db.ID(f.ID).AppendShow(b, "key")
	key := len(b)
	b = db.ID(f.App.ID).AppendShow(b, "app")
	app := len(b)
	b = db.ID(f.App.Org.ID).AppendShow(b, "org")
	org := len(b)
	for i, scope := range grant.Scopes {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, scope...)
	}
	all := string(b) // one allocation for the four
	values := [5]string{all[:key], all[key:app], all[app:org], all[org:], f.Environment.String()}
	x.header["X-Gatehouse-Key-Id"] = values[0:1:1]
	x.header["X-Gatehouse-App-Id"] = values[1:2:2]
	x.header["X-Gatehouse-Organization-Id"] = values[2:3:3]
	x.header["X-Gatehouse-Scopes"] = values[3:4:4]
	x.header["X-Gatehouse-Environment"] = values[4:5:5]
	x.buffer = b
}

// limitHeaders tells what limits apply and what is left of them, as draft-ietf-httpapi-ratelimit-headers-10 has it: the policy "default"
// is the rate (of plan or key, the tighter one), whose window is the time in which an empty bucket fills; "month" is the quota.
func (x *exchange) limitHeaders(f *keyring.Facts, d *keyring.Decision) {
	if d.Rate.Limit == 0 && d.Quota.Limit == 0 {
		return
	}
	var state, policy [160]byte
	r, p := state[:0], policy[:0]
	if d.Rate.Limit > 0 {
		r = item(r, "default", 'r', int64(max(d.Rate.Remaining, 0)), 't', seconds(d.Rate.ResetAfter))
		p = item(p, "default", 'q', int64(d.Rate.Limit), 'w', seconds(windowOf(f, d)))
	}
	if d.Quota.Limit > 0 {
		if len(r) > 0 {
			r, p = append(r, ", "...), append(p, ", "...)
		}
		resets := time.Unix(0, d.Quota.ResetsAt).UTC()
		r = item(r, "month", 'r', max(d.Quota.Remaining, 0), 't', seconds(resets.Sub(x.now)))
		p = item(p, "month", 'q', d.Quota.Limit, 'w', seconds(resets.Sub(resets.AddDate(0, -1, 0))))
	}
	x.header["Ratelimit"] = []string{string(r)}
	x.header["Ratelimit-Policy"] = []string{string(p)}
}

func item(b []byte, name string, n1 byte, v1 int64, n2 byte, v2 int64) []byte {
	b = append(b, '"')
	b = append(b, name...)
	b = append(b, '"', ';', n1, '=')
	b = strconv.AppendInt(b, v1, 10)
	b = append(b, ';', n2, '=')
	return strconv.AppendInt(b, v2, 10)
}

// windowOf is the time in which the reported bucket fills from empty. Which of the two it was shows in its capacity.
func windowOf(f *keyring.Facts, d *keyring.Decision) time.Duration {
	limit := d.Grant.Access.Limit
	if f.Extra != nil && (limit.None() || f.Extra.Limit.Capacity() == d.Rate.Limit && limit.Capacity() != d.Rate.Limit) {
		limit = f.Extra.Limit
	}
	return fillTime(limit)
}

func fillTime(l ratelimit.Limit) time.Duration {
	if l.None() {
		return 0
	}
	return time.Duration(float64(l.Period) / float64(l.Requests) * float64(l.Capacity()))
}
