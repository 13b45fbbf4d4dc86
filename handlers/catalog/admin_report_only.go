package catalog

import (
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	desk "github.com/gatehouse-dev/gatehouse/views/org"
)

const reportOnlyTab = "/report-only"

type reportOnlyForm struct {
	Environment string `form:"environment"` // or bothEnvironments
	Days        string `form:"days"`
	Sure        string `form:"sure"`
}

// environments are those that were chosen.
func (f *reportOnlyForm) environments() []string {
	if f.Environment == bothEnvironments {
		return catalog.Environments
	}
	return []string{f.Environment}
}

// bothEnvironments is chosen in place of one.
const bothEnvironments = "both"

// ReportOnly shows whether refusals of an API are passed over, and the form that sets it.
func (h *Handler) ReportOnly(c echo.Context) error {
	f := reportOnlyForm{}
	if confirmed(c) {
		f.Days, f.Environment = c.QueryParam("days"), c.QueryParam("environment") // that everything goes through is ticked by hand
	}
	d, err := h.reportOnlyDesk(c, f, nil)
	if err == nil && confirmed(c) {
		d.Parts = append([]desk.Part{{Note: &desk.Note{Tone: components.Warn, Title: web.T(c, "Nothing was changed yet"), Text: web.T(c, "Your password was asked for first. What you chose is below: tick the box again, and press the button once more.")}}}, d.Parts...)
	}
	return h.RenderDesk(c, d, err)
}

func (h *Handler) reportOnlyDesk(c echo.Context, f reportOnlyForm, fields map[string]string) (desk.Desk, error) {
	api, err := h.connectable(c)
	if err != nil {
		return desk.Desk{}, err
	}
	d := h.tabDesk(c, api.API, "/connect")
	d.Crumbs = append(d.Crumbs, components.Crumb{Label: api.Name, Own: true, Href: apiPath(api.ID)}, components.Crumb{Label: web.T(c, "Connect"), Href: apiPath(api.ID) + "/connect"})
	d.Frame.Title = web.T(c, "Report-only mode of %s", api.Name)
	d.Title, d.DataTitle, d.Lead = web.T(c, "Report-only mode"), false, web.T(c, "For an API that has callers already: see who would be refused before anybody is.")
	what := desk.Part{Title: web.T(c, "What it does"), ID: "what", Text: web.T(c, "The gateway asks about each request, and the answer is counted. A refused request, also one without a key, goes through all the same: with the header X-Gatehouse-Would-Refuse and its code, and with no identity. The usage page counts these apart. A key that was revoked, paused or suspended stays refused. What can’t be answered at all stays 503.")}
	if permission.Staff(web.Actor(c).StaffRole, permission.StaffUsageRead) {
		what.Actions = []components.Act{{Label: web.T(c, "What would have been refused"), Href: "/admin/usage?api=" + api.ID.Show(catalog.Prefix) + "&code=passed"}}
	}
	on := api.ReportsOnly(h.Now())
	if f.Environment == "" {
		f.Environment = defaultEnvironment(api.ReportsIn(h.Now()))
	}
	for _, note := range h.reportOnlyNotes(c, api.API) {
		d.Parts = append(d.Parts, desk.Part{Note: &note})
	}
	d.Parts = append(d.Parts, what)
	if !editable(c, api.API) {
		return d, nil
	}
	if on {
		d.Parts = append(d.Parts, h.reportOnlyEnd(c, api.API))
	}
	d.Parts = append(d.Parts, h.reportOnlyPart(c, api.ID, on, f, fields))
	return d, nil
}

// reportOnlyEnd ends it everywhere, or, where it is on in both environments, in one of them.
func (h *Handler) reportOnlyEnd(c echo.Context, api catalog.API) desk.Part {
	part := desk.Part{Title: web.T(c, "End it now"), ID: "end", Form: &desk.Form{
		Spec: components.FormSpec{Action: apiPath(api.ID) + reportOnlyTab + "/end"}, Text: web.T(c, "From the next request on, what is refused is refused."), Submit: web.T(c, "End report-only mode"), Kind: components.Primary,
	}}
	if len(api.ReportsIn(h.Now())) > 1 {
		part.Form.Inputs = []desk.Input{desk.Select(whichEnvironment(c, components.Field{ID: components.FieldID("end-environment"), Value: bothEnvironments}))}
	}
	return part
}

// defaultEnvironment is where the mode is on, so that who sets another end opens nothing else; live where it is nowhere.
func defaultEnvironment(on []string) string {
	switch len(on) {
	case 0:
		return catalog.EnvLive
	case 1:
		return on[0]
	}
	return bothEnvironments
}

func whichEnvironment(c echo.Context, f components.Field) components.Field {
	f.Name, f.Label = "environment", web.T(c, "Environment")
	for _, e := range catalog.Environments {
		f.Options = append(f.Options, components.Option{Value: e, Label: web.T(c, environmentWords[e]), Selected: e == f.Value})
	}
	f.Options = append(f.Options, components.Option{Value: bothEnvironments, Label: web.T(c, "Live and test"), Selected: f.Value == bothEnvironments})
	return f
}

func (h *Handler) reportOnlyPart(c echo.Context, id db.ID, on bool, f reportOnlyForm, fields map[string]string) desk.Part {
	days := components.Field{Name: "days", Label: web.T(c, "For how long"), Value: f.Days, Error: fields["days"], Hint: web.T(c, "It ends by itself then, and calls are refused again.")}
	for _, n := range catalog.ReportOnlyDays {
		label := web.T(c, "%d days", n)
		if n == 1 {
			label = web.T(c, "1 day")
		}
		days.Options = append(days.Options, components.Option{Value: strconv.Itoa(n), Label: label})
	}
	part := desk.Part{Title: web.T(c, "Begin"), ID: "begin", Form: &desk.Form{
		Spec: components.FormSpec{Action: apiPath(id) + reportOnlyTab},
		Inputs: []desk.Input{
			desk.Select(whichEnvironment(c, components.Field{Value: f.Environment, Error: fields["environment"], Hint: web.T(c, "The one that your gateway asks for: it stands in the gateway’s file. The other keeps what it has.")})),
			desk.Radios(days),
			desk.Check(components.Field{Name: "sure", Label: web.T(c, "Every request to this API goes through meanwhile, also one without a key"), Checked: f.Sure != "", Error: fields["sure"]}),
		},
		Submit: web.T(c, "Begin report-only mode"), Kind: components.Danger,
	}}
	if on {
		part.Title, part.Form.Submit = web.T(c, "Set another end"), web.T(c, "Set the end anew")
	}
	return part
}

// reportOnlyNotes warn that an API is open, where, and until when.
func (h *Handler) reportOnlyNotes(c echo.Context, api catalog.API) (notes []desk.Note) {
	for _, title := range reportOnlyTitles(c, api, h.Now()) {
		notes = append(notes, desk.Note{Tone: components.Warn, Title: title, Text: web.T(c, "Nothing but stopped keys is refused: all other requests reach the service behind the gateway.")})
	}
	return notes
}

func reportOnlyTitles(c echo.Context, api catalog.API, now time.Time) (titles []string) {
	in := api.ReportsIn(now)
	end := func(i int) string { return text.DateTime(web.Ctx(c), *api.ReportsUntil(in[i])) }
	if len(in) == 2 && api.ReportsUntil(in[0]).Equal(*api.ReportsUntil(in[1])) {
		return []string{web.T(c, "Report-only until %s, live and test", end(0))}
	}
	for i, e := range in {
		if e == catalog.EnvTest {
			titles = append(titles, web.T(c, "Report-only until %s, test alone", end(i)))
		} else {
			titles = append(titles, web.T(c, "Report-only until %s, live alone", end(i)))
		}
	}
	return titles
}

// SetReportOnly begins it, or sets its end anew.
func (h *Handler) SetReportOnly(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.Prefix)
	if err != nil {
		return err
	}
	var f reportOnlyForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	days, err := strconv.Atoi(f.Days)
	if err != nil {
		days = 0 // no choice of ours: the store says so
	}
	if to, stale := h.unconfirmed(c, apiPath(id)+reportOnlyTab, url.Values{"days": {f.Days}, "environment": {f.Environment}}); stale {
		return h.See(c, to)
	}
	if f.Environment == "" {
		f.Environment = "none" // is refused, and not taken for what the form proposes
	}
	if err := h.Store.SetReportOnly(web.Ctx(c), web.Actor(c), id, catalog.ReportOnly{Environments: f.environments(), Days: days, Sure: f.Sure != ""}); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.reportOnlyDesk(c, f, fields) })
	}
	return h.Done(c, apiPath(id)+reportOnlyTab, "Report-only mode is on. Nothing but stopped keys is refused until it ends.")
}

// EndReportOnly ends it at once.
func (h *Handler) EndReportOnly(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.Prefix)
	if err != nil {
		return err
	}
	var f reportOnlyForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if f.Environment == bothEnvironments {
		f.Environment = ""
	}
	if err := h.Store.EndReportOnly(web.Ctx(c), web.Actor(c), id, f.Environment); err != nil {
		return err
	}
	return h.Done(c, apiPath(id)+reportOnlyTab, "Report-only mode has ended. Refusals refuse.")
}
