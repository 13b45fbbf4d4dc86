package refusal

import (
	"context"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/usage"
)

// checks fills the checks in: those that were reached with what they saw, the others by their names.
func (s *situation) checks(ctx context.Context, steps []keyring.Step, v *views.Verdict) {
	for _, step := range steps {
		if step.Outcome == keyring.NotReached {
			v.Unreached = append(v.Unreached, text.T(ctx, checkNames[step.Check]))
			continue
		}
		row := views.CheckRow{Name: text.T(ctx, checkNames[step.Check]), Tone: components.OK, Outcome: text.T(ctx, "passed")}
		row.Seen = s.saw(ctx, step.Check)
		if step.Outcome == keyring.Refused {
			row.Tone, row.Outcome = components.Bad, text.T(ctx, "refused")
			v.Checks = append(v.Checks, row)
			continue
		}
		v.Passed = append(v.Passed, row)
	}
}

// saw is what a check saw. A publisher is shown nothing of the key's own bounds (D3).
func (s *situation) saw(ctx context.Context, check keyring.Code) (all []views.SeenValue) {
	n := &s.seen
	add := func(label, value string) { all = append(all, views.SeenValue{Label: label, Value: value}) }
	list := func(label string, values []string) {
		if len(values) > 0 {
			add(label, strings.Join(values, " "))
		}
	}
	switch check {
	case keyring.Revoked:
		if n.RevokedAt != 0 {
			add(text.T(ctx, "Revoked on"), moment(ctx, n.RevokedAt))
		}
		list(text.T(ctx, "Reason"), nonEmpty(s.behind.RevokedReason))
	case keyring.Expired:
		s.sawEnd(ctx, add)
	case keyring.Suspended:
		switch n.SuspendedUntil {
		case 0:
		case keyring.Forever:
			add(text.T(ctx, "until the company lifts it"), "")
		default:
			add(text.T(ctx, "until"), moment(ctx, n.SuspendedUntil))
		}
	case keyring.ForbiddenIP:
		list(text.T(ctx, "Address"), nonEmpty(s.address))
		list(text.T(ctx, "Bound to"), n.Networks)
		if s.own && len(n.Networks) == 0 {
			add(text.T(ctx, "any network"), "")
		}
	case keyring.ForbiddenOrigin:
		list(text.T(ctx, "Origin"), nonEmpty(s.origin))
		list(text.T(ctx, "Bound to"), n.Origins)
		if s.own && len(n.Origins) == 0 {
			add(text.T(ctx, "any origin"), "")
		}
	case keyring.WrongEnvironment:
		if n.Environment != "" {
			add(text.T(ctx, "The key is for %s", environment(ctx, n.Environment)), "")
		}
	case keyring.WrongAPI:
		list(text.T(ctx, "Data domain of the key"), nonEmpty(n.Domain))
		list(text.T(ctx, "Data domain of the API"), nonEmpty(n.APIDomain))
	case keyring.InsufficientScope:
		list(text.T(ctx, "Route"), nonEmpty(n.Route))
		list(text.T(ctx, "Needed"), n.Needed)
		list(text.T(ctx, "Granted"), n.Granted)
	case keyring.QuotaExceeded, keyring.RateLimited:
		s.sawLimits(ctx, check, add)
	}
	return all
}

func (s *situation) sawEnd(ctx context.Context, add func(label, value string)) {
	if s.seen.EndsAt == 0 {
		add(text.T(ctx, "It has no end"), "")
		return
	}
	add(text.T(ctx, "Ends on"), moment(ctx, s.seen.EndsAt))
}

func (s *situation) sawLimits(ctx context.Context, check keyring.Code, add func(label, value string)) {
	left := func(label string, l *keyring.Left) {
		if l != nil {
			add(label, text.Number(ctx, l.Remaining)+" / "+text.Number(ctx, l.Limit))
		}
	}
	if check == keyring.RateLimited {
		left(text.T(ctx, "Left at once"), s.seen.Rate)
		return
	}
	left(text.T(ctx, "Left this month"), s.seen.Month)
	left(text.T(ctx, "Left today"), s.seen.Day)
}

func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}
