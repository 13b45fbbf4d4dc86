package key

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// Whose names the source of a rule: "policy of Orders".
func Whose(ctx context.Context, s policy.Source) string {
	if s.Kind == policy.Installation {
		return text.T(ctx, "this portal’s policy")
	}
	return text.T(ctx, "policy of %s", s.Label())
}

// RuleSentences say what rules ask, one sentence each; none for rules that say nothing.
func RuleSentences(ctx context.Context, r policy.Rules) []string {
	var out []string
	number := func(n *int, sentence string) {
		if n != nil {
			out = append(out, text.T(ctx, sentence, *n))
		}
	}
	number(r.MaxDays, text.N("A key lives at most %d days."))
	if r.NeverAllowed != nil && *r.NeverAllowed {
		out = append(out, text.T(ctx, "A key may be without end."))
	} else if r.NeverAllowed != nil {
		out = append(out, text.T(ctx, "No key is without end."))
	}
	number(r.DefaultDays, text.N("Forms propose %d days."))
	number(r.IdleDays, text.N("A key that is not used for %d days is paused."))
	number(r.RotateDays, text.N("A key is rotated within %d days, or else paused."))
	number(r.KeysPerApp, text.N("An app holds at most %d keys."))
	if r.Networks != nil && *r.Networks {
		out = append(out, text.T(ctx, "A key names the networks that it is used from."))
	}
	return out
}

// HoldingRows say what holds and whose policy it is, each rule once.
func HoldingRows(ctx context.Context, e policy.Effective) []views.RuleRow {
	var out []views.RuleRow
	add := func(s policy.Source, sentence string) {
		out = append(out, views.RuleRow{Sentence: sentence, Whose: Whose(ctx, s)})
	}
	if e.Max.Value > 0 {
		add(e.Max.Source, text.T(ctx, "A key lives at most %d days.", e.Max.Value))
	}
	if !e.Never.On && e.Never.Source != e.Max.Source {
		add(e.Never.Source, text.T(ctx, "No key is without end."))
	}
	if e.Idle.Value > 0 {
		add(e.Idle.Source, text.T(ctx, "A key that is not used for %d days is paused.", e.Idle.Value))
	}
	if e.Rotate.Value > 0 {
		add(e.Rotate.Source, text.T(ctx, "A key is rotated within %d days, or else paused.", e.Rotate.Value))
	}
	if e.Networks.On {
		add(e.Networks.Source, text.T(ctx, "A key names the networks that it is used from."))
	}
	for _, n := range e.PerApp {
		add(n.Source, text.T(ctx, "An app holds at most %d keys.", n.Value))
	}
	return out
}

// countdownWords say what becomes of a key, when, and by whose policy.
func countdownWords(ctx context.Context, c policy.Countdown) string {
	at, whose := text.Date(ctx, c.At), Whose(ctx, c.Source)
	switch c.Rule {
	case policy.Idle:
		return text.T(ctx, "Pauses on %[1]s unless it is used: %[2]s", at, whose)
	case policy.Age:
		return text.T(ctx, "Pauses on %[1]s unless it is rotated: %[2]s", at, whose)
	case policy.Networks:
		return text.T(ctx, "Pauses on %[1]s unless it names its networks: %[2]s", at, whose)
	}
	return text.T(ctx, "Gets an earlier end on %[1]s: %[2]s", at, whose)
}

// dueSoon is from when on what a policy makes of a key stands out on its page.
const dueSoon = 14 * day

// dueNotes are the countdowns of a key for its page; what is near stands out.
func (h *Handler) dueNotes(c echo.Context, d keys.Detail) ([]views.Note, error) {
	all, err := h.Keys.Countdowns(web.Ctx(c), []keys.Row{d.Row})
	var out []views.Note
	for _, one := range all[d.ID] {
		n := views.Note{Tone: components.Off, Title: countdownWords(web.Ctx(c), one)}
		if one.At.Sub(h.Now()) <= dueSoon {
			n.Tone = components.Warn
		}
		out = append(out, n)
	}
	return out, err
}

// dueWords is what people were told that policies make of keys, for lists: the next of each key.
func (h *Handler) dueWords(c echo.Context, rows []keys.Row) (map[string]string, error) {
	all, err := h.Keys.Told(web.Ctx(c), rows)
	out := map[string]string{}
	for id, list := range all {
		next := list[0]
		for _, one := range list {
			if one.At.Before(next.At) {
				next = one
			}
		}
		out[id.Show(keys.IDPrefix)] = countdownWords(web.Ctx(c), next)
	}
	return out, err
}

// pausedWords say what paused a key, and who ends it.
func pausedWords(c echo.Context, d keys.Detail) string {
	switch d.PausedCause {
	case keys.PausedLeak:
		return web.T(c, "Paused because it was reported as leaked: calls are refused. Rotate it, or let an admin of the organization resume it on the incident’s page.")
	case keys.PausedBulk:
		return web.T(c, "Paused by the portal’s staff, together with others: calls are refused until they resume it.")
	case keys.PausedIdle:
		return web.T(c, "Paused by policy, for it was not used for long. Resume it if it is still needed.")
	case keys.PausedAge:
		return web.T(c, "Paused by policy, for it was not rotated in time. Rotate it: the new key works at once.")
	case keys.PausedNetworks:
		return web.T(c, "Paused by policy, for it names no networks. Name them, then resume it.")
	}
	return web.T(c, "Paused: calls are refused until somebody resumes it.")
}

// rulesPath leads to what an organization is held to; the zero id to the first of the reader's.
func rulesPath(org db.ID) string {
	if org.IsZero() {
		return "/console/policies"
	}
	return "/console/policies?org=" + org.Show("org")
}
