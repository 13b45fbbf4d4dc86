package edge

import (
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// identityHeaders sets all five on every 200, also those without a value: a proxy that copies them then overwrites what a client
// invented (D8).
func (x *exchange) identityHeaders(f *keyring.Facts, grant *keyring.Grant) {
	x.setID("X-Gatehouse-Key-Id", "key", f.ID)
	x.setID("X-Gatehouse-App-Id", "app", f.App.ID)
	x.setID("X-Gatehouse-Organization-Id", "org", f.App.Org.ID)
	from := len(x.values)
	for i, scope := range grant.Scopes {
		if i > 0 {
			x.values = append(x.values, ' ')
		}
		x.values = append(x.values, scope...)
	}
	x.setFrom("X-Gatehouse-Scopes", from)
	x.set("X-Gatehouse-Environment", f.Environment.String())
}

func (x *exchange) setID(name, prefix string, id keyring.ID) {
	from := len(x.values)
	x.values = db.ID(id).AppendShow(x.values, prefix)
	x.setFrom(name, from)
}

// limitHeaders tells what limits apply and what is left of them, as draft-ietf-httpapi-ratelimit-headers-10 has it: the policy "default"
// is the rate (of plan or key, the tighter one), whose window is the time in which an empty bucket fills; "month" is the quota.
func (x *exchange) limitHeaders(f *keyring.Facts, d *keyring.Decision) {
	rate, quota := d.Rate.Limit > 0, d.Quota.Limit > 0
	if !rate && !quota {
		return
	}
	resets := time.Unix(0, d.Quota.ResetsAt).UTC()
	from, b := len(x.values), x.values
	if rate {
		b = item(b, "default", 'r', int64(max(d.Rate.Remaining, 0)), 't', seconds(d.Rate.ResetAfter))
	}
	if quota {
		b = item(comma(b, rate), "month", 'r', max(d.Quota.Remaining, 0), 't', seconds(resets.Sub(x.now)))
	}
	x.values = b
	x.setFrom("Ratelimit", from)
	from = len(b)
	if rate {
		b = item(b, "default", 'q', int64(d.Rate.Limit), 'w', seconds(windowOf(f, d)))
	}
	if quota {
		b = item(comma(b, rate), "month", 'q', d.Quota.Limit, 'w', seconds(resets.Sub(resets.AddDate(0, -1, 0))))
	}
	x.values = b
	x.setFrom("Ratelimit-Policy", from)
}

func comma(b []byte, needed bool) []byte {
	if needed {
		b = append(b, ", "...)
	}
	return b
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
