package edge

import (
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// identityNames are the headers of identity, in the order in which identityHeaders sets them.
var identityNames = [...]string{"X-Gatehouse-Key-Id", "X-Gatehouse-App-Id", "X-Gatehouse-Organization-Id", "X-Gatehouse-Scopes", "X-Gatehouse-Environment"}

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
// is the rate (of plan or key, the tighter one), whose window is the time in which an empty bucket fills; "month" and "day" are the quotas.
func (x *exchange) limitHeaders(f *keyring.Facts, d *keyring.Decision) {
	rate, month, day := d.Rate.Limit > 0, d.Quotas.Month.Limit > 0, d.Quotas.Day.Limit > 0
	if !rate && !month && !day {
		return
	}
	from, b := len(x.values), x.values
	if rate {
		b = item(b, "default", 'r', int64(max(d.Rate.Remaining, 0)), 't', seconds(d.Rate.ResetAfter))
	}
	if month {
		b = item(comma(b, rate), "month", 'r', max(d.Quotas.Month.Remaining, 0), 't', x.secondsTo(d.Quotas.Month.ResetsAt))
	}
	if day {
		b = item(comma(b, rate || month), "day", 'r', max(d.Quotas.Day.Remaining, 0), 't', x.secondsTo(d.Quotas.Day.ResetsAt))
	}
	x.values = b
	x.setFrom("Ratelimit", from)
	from = len(b)
	if rate {
		b = item(b, "default", 'q', int64(d.Rate.Limit), 'w', seconds(windowOf(f, d)))
	}
	if month {
		resets := time.Unix(0, d.Quotas.Month.ResetsAt).UTC()
		b = item(comma(b, rate), "month", 'q', d.Quotas.Month.Limit, 'w', seconds(resets.Sub(resets.AddDate(0, -1, 0))))
	}
	if day {
		b = item(comma(b, rate || month), "day", 'q', d.Quotas.Day.Limit, 'w', seconds(24*time.Hour))
	}
	x.values = b
	x.setFrom("Ratelimit-Policy", from)
	x.warnHeader(d)
}

// warnHeader tells which quotas have reached a mark, as month=80, day=100.
func (x *exchange) warnHeader(d *keyring.Decision) {
	month, day := d.Quotas.Month.Mark(), d.Quotas.Day.Mark()
	if month == 0 && day == 0 {
		return
	}
	from, b := len(x.values), x.values
	if month > 0 {
		b = strconv.AppendInt(append(b, "month="...), int64(month), 10)
	}
	if day > 0 {
		b = strconv.AppendInt(append(comma(b, month > 0), "day="...), int64(day), 10)
	}
	x.values = b
	x.setFrom("X-Gatehouse-Quota-Warning", from)
}

func (x *exchange) secondsTo(ns int64) int64 { return seconds(time.Unix(0, ns).Sub(x.now)) }

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
