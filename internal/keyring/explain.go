package keyring

import (
	"context"
	"net/netip"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// Outcome is how a check went.
type Outcome uint8

// The outcomes.
const (
	Passed Outcome = iota + 1
	Refused
	NotReached
)

// Step is one check of a decision.
type Step struct {
	Check   Code
	Outcome Outcome
}

// Steps are all checks, in the order in which they refuse, as a decision of that code went through them.
func Steps(code Code) []Step {
	steps := make([]Step, 0, Valid-NotFound)
	for check := NotFound; check < Valid; check++ {
		outcome := Passed
		switch {
		case check == code:
			outcome = Refused
		case check > code:
			outcome = NotReached
		}
		steps = append(steps, Step{check, outcome})
	}
	return steps
}

// Bounds of what Seen holds: lists are cut, and say by how much.
const (
	mostSeen     = 8
	longestValue = 128 // bytes
)

// Seen is what the checks of a decision saw of the key and of the limits, as far as they were reached: small, and without a secret. Times are
// nanoseconds since 1970, Forever where only a person ends it; a zero field is not set. It is stored as JSON.
type Seen struct {
	RevokedAt      int64    `json:"revoked_at,omitempty"`
	EndsAt         int64    `json:"ends_at,omitempty"`
	SuspendedUntil int64    `json:"suspended_until,omitempty"` // while it lasts
	Networks       []string `json:"networks,omitempty"`
	Origins        []string `json:"origins,omitempty"`
	Environment    string   `json:"environment,omitempty"` // of the key
	Domain         string   `json:"domain,omitempty"`      // of the key
	APIDomain      string   `json:"api_domain,omitempty"`
	Route          string   `json:"route,omitempty"`   // method and template of the rule that fitted
	Needed         []string `json:"needed,omitempty"`  // scopes
	Missing        string   `json:"missing,omitempty"` // the first of them that is not granted
	Granted        []string `json:"granted,omitempty"`
	More           int      `json:"more,omitempty"` // entries of all lists that were cut off
	Cost           int      `json:"cost,omitempty"`
	Month          *Left    `json:"month,omitempty"`
	Day            *Left    `json:"day,omitempty"`
	Rate           *Left    `json:"rate,omitempty"`
	RetryAfter     int64    `json:"retry_after,omitempty"` // nanoseconds
}

// Left is what is left of a limit.
type Left struct {
	Limit     int64 `json:"limit"`
	Remaining int64 `json:"remaining"`
	ResetsAt  int64 `json:"resets_at,omitempty"`
}

// SeenBy tells what a decision saw that Decide made at now of the rest. It allocates: it is for refusals that are kept, and for people who ask.
// Whatever it holds is a copy.
func SeenBy(now int64, f *Facts, api *API, req *Request, d *Decision) Seen {
	var s Seen
	if f == nil || d.Code == NotFound {
		return s
	}
	e := f.extra()
	s.RevokedAt, s.EndsAt, s.Environment, s.RetryAfter = f.RevokedAt, f.End(), f.Environment.String(), int64(d.RetryAfter)
	if d.Code >= Suspended {
		s.SuspendedUntil = f.suspendedUntil(now, grantAt(f.Reach, api.ID))
	}
	if d.Code >= ForbiddenIP {
		s.Networks = cut(&s, e.Networks, netip.Prefix.String)
	}
	if d.Code >= ForbiddenOrigin {
		s.Origins = cut(&s, e.Origins, itself)
	}
	if d.Code >= WrongAPI {
		s.Domain, s.APIDomain = clip(f.Reach.Domain), clip(api.Domain)
	}
	if d.Rule != nil {
		s.Route = clip(d.Rule.Method + " " + d.Rule.Template)
	}
	if d.Code >= InsufficientScope && d.Grant != nil {
		s.scopes(req, d)
	}
	if d.Code >= QuotaExceeded {
		s.limits(now, d)
	}
	return s
}

func (s *Seen) scopes(req *Request, d *Decision) {
	needed := append([]string(nil), req.Scopes...)
	if d.Rule != nil && d.Rule.Scope != "" {
		needed = append(needed, d.Rule.Scope)
	}
	s.Needed, s.Granted, s.Missing = cut(s, needed, itself), cut(s, d.Grant.Scopes, itself), clip(d.Missing)
}

func (s *Seen) limits(now int64, d *Decision) {
	s.Cost = d.Cost
	for _, q := range []struct {
		of Quota
		to **Left
	}{{d.Quotas.Month, &s.Month}, {d.Quotas.Day, &s.Day}} {
		if q.of.Limit > 0 {
			*q.to = &Left{q.of.Limit, q.of.Remaining, q.of.ResetsAt}
		}
	}
	if d.Rate.Limit > 0 {
		s.Rate = &Left{int64(d.Rate.Limit), int64(max(0, d.Rate.Remaining)), now + int64(d.Rate.ResetAfter)}
	}
}

func itself(text string) string { return text }

// cut copies a list as far as it may be kept.
func cut[T any](s *Seen, from []T, text func(T) string) []string {
	var out []string
	for _, v := range from[:min(len(from), mostSeen)] {
		out = append(out, clip(text(v)))
	}
	s.More += max(0, len(from)-mostSeen)
	return out
}

// clip copies a text, since a request's may lie in memory that is used again.
func clip(text string) string {
	return string(append([]byte(nil), text[:min(len(text), longestValue)]...))
}

// suspendedUntil is when the last suspension ends that stands at now; 0 for none.
func (f *Facts) suspendedUntil(now int64, grant *Grant) int64 {
	org := f.App.Org
	until := max(f.extra().SuspendedUntil, f.App.SuspendedUntil, org.SuspendedUntil, org.UserSuspendedUntil)
	if grant != nil && grant.Access.State == AccessSuspended {
		until = max(until, grant.Access.until())
	}
	if until <= now {
		return 0
	}
	return until
}

// Explanation is a decision with how it came about.
type Explanation struct {
	Decision
	Cause Cause // none when it is allowed
	Seen  Seen
	Steps []Step
}

// Explain answers what Decide would answer at a time, of the facts as they are at present, and says why. It decides by Decide itself; only its limits
// are asked instead of charged: nothing is counted, and what they would hold at that time follows from what they hold at present. A time
// in the past is judged by the limits of the present.
func Explain(ctx context.Context, present, at time.Time, f *Facts, api *API, req *Request, limits Limits) Explanation {
	if limits.Rates != nil {
		limits.Rates = askedRates{limits.Rates, present}
	}
	if limits.Quotas != nil {
		limits.Quotas = askedQuotas{limits.Quotas, present}
	}
	e := Explanation{Decision: Decide(ctx, at, f, api, req, limits)}
	n := at.UnixNano()
	if !e.Allowed() {
		e.Cause = CauseOf(n, f, api, req, &e.Decision)
	}
	e.Seen, e.Steps = SeenBy(n, f, api, req, &e.Decision), Steps(e.Code)
	return e
}

// askedRates is a limiter that is asked and never charged.
type askedRates struct {
	ratelimit.Limiter
	present time.Time
}

// Take implements ratelimit.Limiter.
func (a askedRates) Take(ctx context.Context, at time.Time, cost int, first, second ratelimit.Ask) ratelimit.Result {
	return ratelimit.Peek(ctx, a.Limiter, a.present, at, cost, first, second)
}

// askedQuotas are quotas that are asked and never charged.
type askedQuotas struct {
	Quotas
	present time.Time
}

// Take implements Quotas.
func (a askedQuotas) Take(at time.Time, key ratelimit.Key, limits QuotaLimits, cost int) QuotaState {
	state := a.Quotas.Take(a.present, key, limits, 0)
	state.Month.turned(at, Month)
	state.Day.turned(at, Day)
	state.Elsewhere = false // a matter of moments
	if state.OK = !state.Month.refuses(cost) && !state.Day.refuses(cost); state.OK {
		n := int64(cost)
		state.Month.Remaining, state.Day.Remaining = max(0, state.Month.Remaining-n), max(0, state.Day.Remaining-n)
	}
	return state
}

// turned makes q that of the period of at, when that begins later.
func (q *Quota) turned(at time.Time, period func(time.Time) (start, next time.Time)) {
	if start, next := period(at); start.UnixNano() >= q.ResetsAt {
		q.Remaining, q.ResetsAt = q.Limit, next.UnixNano()
	}
}

// Return implements Quotas: nothing was taken.
func (askedQuotas) Return(time.Time, ratelimit.Key, int) {}
