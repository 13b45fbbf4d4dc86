package catalog

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/views/components"
	desk "github.com/gatehouse-dev/gatehouse/views/org"
)

var stateWords = map[string]string{catalog.Draft: text.N("Draft"), catalog.Live: text.N("Live"), catalog.Deprecated: text.N("Deprecated"), catalog.Retired: text.N("Retired")}

var stateTones = map[string]components.Tone{catalog.Draft: components.Off, catalog.Live: components.OK, catalog.Deprecated: components.Warn, catalog.Retired: components.Bad}

var visibilityWords = map[string]string{catalog.Public: text.N("Everybody"), catalog.SignedIn: text.N("Signed-in users"), catalog.Invited: text.N("Invited organizations")}

var environmentWords = map[string]string{catalog.EnvLive: text.N("Live"), catalog.EnvTest: text.N("Test")}

func versionStatus(c echo.Context, state string) *desk.Status {
	return &desk.Status{Tone: stateTones[state], Words: web.T(c, stateWords[state])}
}

// limits puts a plan's limits into words.
func limits(c echo.Context, p catalog.Plan) string {
	return web.Limits(c, p.RateRequests, p.RatePeriodSeconds, p.Burst, p.QuotaMonth, p.QuotaDay)
}

func approval(c echo.Context, p catalog.Plan) string {
	if p.NeedsApproval {
		return web.T(c, "Needs approval")
	}
	return web.T(c, "Granted at once")
}

// dataRadios are radios whose options somebody named.
func dataRadios(f components.Field) desk.Input {
	in := desk.Radios(f)
	in.Data = true
	return in
}

// planOptions are plans to choose from, with their limits.
func planOptions(c echo.Context, plans []catalog.Plan, keep func(catalog.Plan) bool) []components.Option {
	var out []components.Option
	for _, p := range plans {
		if p.RetiredAt == nil && (keep == nil || keep(p)) {
			out = append(out, components.Option{Value: p.ID.Show(catalog.PlanPrefix), Label: p.Name, Data: true, Hint: limits(c, p) + " " + approval(c, p) + "."})
		}
	}
	return out
}

// accessStatus puts the state of access into words.
func accessStatus(c echo.Context, state string) *desk.Status {
	tone, words := web.AccessWords(c, state)
	return &desk.Status{Tone: tone, Words: words}
}

// suspendInputs are the inputs of a suspension.
func suspendInputs(c echo.Context, f web.SuspendForm, fields map[string]string) []desk.Input {
	reason, until := f.Fields(c, fields)
	return []desk.Input{desk.Area(reason), desk.Line(until)}
}
