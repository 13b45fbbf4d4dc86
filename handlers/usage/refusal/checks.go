package refusal

import (
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/usage"
)

// checks are the rows of all checks, with what those saw that were reached.
func (s *situation) checks(c echo.Context, steps []keyring.Step) []views.CheckRow {
	rows := make([]views.CheckRow, 0, len(steps))
	for _, step := range steps {
		row := views.CheckRow{Name: web.T(c, checkNames[step.Check]), Tone: components.OK, Outcome: web.T(c, "passed")}
		switch step.Outcome {
		case keyring.Refused:
			row.Tone, row.Outcome = components.Bad, web.T(c, "refused")
		case keyring.NotReached:
			row.Tone, row.Outcome = components.Off, web.T(c, "not reached")
		}
		if step.Outcome != keyring.NotReached {
			row.Seen = s.saw(c, step.Check)
		}
		rows = append(rows, row)
	}
	return rows
}

// saw is what a check saw. A publisher is shown nothing of the key's own bounds (D3).
func (s *situation) saw(c echo.Context, check keyring.Code) (all []views.SeenValue) {
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
			add(web.T(c, "Revoked on"), moment(c, n.RevokedAt))
		}
	case keyring.Expired:
		s.sawEnd(c, add)
	case keyring.Suspended:
		switch n.SuspendedUntil {
		case 0:
		case keyring.Forever:
			add(web.T(c, "until the company lifts it"), "")
		default:
			add(web.T(c, "until"), moment(c, n.SuspendedUntil))
		}
	case keyring.ForbiddenIP:
		list(web.T(c, "Address"), nonEmpty(s.address))
		list(web.T(c, "Bound to"), n.Networks)
		if s.own && len(n.Networks) == 0 {
			add(web.T(c, "any network"), "")
		}
	case keyring.ForbiddenOrigin:
		list(web.T(c, "Origin"), nonEmpty(s.origin))
		list(web.T(c, "Bound to"), n.Origins)
		if s.own && len(n.Origins) == 0 {
			add(web.T(c, "any origin"), "")
		}
	case keyring.WrongEnvironment:
		if n.Environment != "" {
			add(web.T(c, "The key is for %s", environment(c, n.Environment)), "")
		}
	case keyring.WrongAPI:
		list(web.T(c, "Data domain of the key"), nonEmpty(n.Domain))
		list(web.T(c, "Data domain of the API"), nonEmpty(n.APIDomain))
	case keyring.InsufficientScope:
		list(web.T(c, "Route"), nonEmpty(n.Route))
		list(web.T(c, "Needed"), n.Needed)
		list(web.T(c, "Granted"), n.Granted)
	case keyring.QuotaExceeded, keyring.RateLimited:
		s.sawLimits(c, check, add)
	}
	return all
}

func (s *situation) sawEnd(c echo.Context, add func(label, value string)) {
	if s.seen.EndsAt == 0 {
		add(web.T(c, "It has no end"), "")
		return
	}
	add(web.T(c, "Ends on"), moment(c, s.seen.EndsAt))
}

func (s *situation) sawLimits(c echo.Context, check keyring.Code, add func(label, value string)) {
	left := func(label string, l *keyring.Left) {
		if l != nil {
			add(label, text.Number(web.Ctx(c), l.Remaining)+" / "+text.Number(web.Ctx(c), l.Limit))
		}
	}
	if check == keyring.RateLimited {
		left(web.T(c, "Left at once"), s.seen.Rate)
		return
	}
	left(web.T(c, "Left this month"), s.seen.Month)
	left(web.T(c, "Left today"), s.seen.Day)
}

func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}
