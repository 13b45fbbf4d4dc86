package catalog

import (
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/views/components"
	desk "github.com/gatehouse-dev/gatehouse/views/org"
)

type planForm struct {
	Plan     string `form:"plan"`
	Summary  string `form:"summary"`
	Requests string `form:"rate_requests"`
	Period   string `form:"rate_period"`
	Burst    string `form:"burst"`
	Quota    string `form:"quota_month"`
	QuotaDay string `form:"quota_day"`
	Approval string `form:"needs_approval"`
}

// input reads the numbers; one that is none becomes -1, which the store refuses beside its field.
func (f planForm) input() catalog.PlanInput {
	whole := func(s string) int64 {
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	in := catalog.PlanInput{Name: f.Plan, Summary: f.Summary, RateRequests: whole(f.Requests), RatePeriodSeconds: whole(f.Period), Burst: whole(f.Burst), NeedsApproval: f.Approval != ""}
	quota := func(s string) int64 {
		if strings.TrimSpace(s) == "" {
			return 0
		}
		if n := whole(s); n != 0 {
			return n
		}
		return -1
	}
	in.QuotaMonth, in.QuotaDay = quota(f.Quota), quota(f.QuotaDay)
	return in
}

// Plans shows the plans of an API.
func (h *Handler) Plans(c echo.Context) error {
	d, err := h.plansDesk(c, planForm{Requests: "60", Period: "60", Burst: "20"}, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) plansDesk(c echo.Context, f planForm, fields map[string]string) (desk.Desk, error) {
	api, err := h.detail(c)
	if err != nil {
		return desk.Desk{}, err
	}
	d := h.tabDesk(c, api.API, "/plans")
	may := editable(c, api.API)
	t := desk.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Plans"), Columns: []components.Column{{Label: web.T(c, "Plan")}, {Label: web.T(c, "Limits")}, {Label: web.T(c, "Approval")}, {Label: web.T(c, "State")}}}, Empty: web.T(c, "No plan yet. Access is requested on a plan.")}
	if may {
		t.Spec.Columns = append(t.Spec.Columns, components.Column{Label: web.T(c, "Actions"), Hidden: true})
	}
	for _, p := range api.Plans {
		status := &desk.Status{Tone: components.OK, Words: web.T(c, "Offered")}
		if p.RetiredAt != nil {
			status = &desk.Status{Tone: components.Off, Words: web.T(c, "Retired")}
		}
		row := []desk.Cell{{Text: p.Name, Data: true, Hint: p.Summary, HData: true, Wrap: true}, {Text: limits(c, p), Wrap: true}, {Text: approval(c, p)}, {Status: status}}
		if may && p.RetiredAt == nil {
			path := apiPath(api.ID) + "/plans/" + p.ID.Show(catalog.PlanPrefix)
			row = append(row, desk.Cell{Labels: []string{web.T(c, "Change plan %s", p.Name), web.T(c, "Retire plan %s", p.Name)}, Acts: []components.Act{{Label: web.T(c, "Change plan"), Href: path}, {Label: web.T(c, "Retire plan"), Href: path + "/retire", Kind: components.Danger}}})
		} else if may {
			row = append(row, desk.Cell{})
		}
		t.Rows = append(t.Rows, row)
	}
	d.Parts = []desk.Part{{Table: &t}}
	if may {
		d.Parts = append(d.Parts, desk.Part{Title: web.T(c, "Add plan"), ID: "add", Form: &desk.Form{Spec: components.FormSpec{Action: apiPath(api.ID) + "/plans"}, Inputs: planInputs(c, f, fields), Submit: web.T(c, "Add plan"), Kind: components.Primary}})
	}
	return d, nil
}

func planInputs(c echo.Context, f planForm, fields map[string]string) []desk.Input {
	period := components.Field{Name: "rate_period", Label: web.T(c, "Period"), Value: f.Period, Error: fields["rate_period"], Options: []components.Option{
		{Value: "1", Label: web.T(c, "a second")}, {Value: "60", Label: web.T(c, "a minute")}, {Value: "3600", Label: web.T(c, "an hour")}, {Value: "86400", Label: web.T(c, "a day")},
	}}
	return []desk.Input{
		desk.Line(components.Field{Name: "plan", Label: web.T(c, "Name"), Value: f.Plan, Error: fields["plan"], MaxLength: 80, Required: true}),
		desk.Line(components.Field{Name: "summary", Label: web.T(c, "Summary"), Value: f.Summary, Error: fields["summary"], MaxLength: 200, Optional: true}),
		desk.Line(components.Field{Name: "rate_requests", Type: "number", Min: "1", Label: web.T(c, "Calls"), Value: f.Requests, Error: fields["rate_requests"], Required: true}),
		desk.Select(period),
		desk.Line(components.Field{Name: "burst", Type: "number", Min: "1", Label: web.T(c, "Burst"), Value: f.Burst, Error: fields["burst"], Required: true, Hint: web.T(c, "How many calls may come at once.")}),
		desk.Line(components.Field{Name: "quota_month", Type: "number", Min: "1", Label: web.T(c, "Monthly quota"), Value: f.Quota, Error: fields["quota_month"], Optional: true, Hint: web.T(c, "Calls in a month of UTC. Empty: no quota.")}),
		desk.Line(components.Field{Name: "quota_day", Type: "number", Min: "1", Label: web.T(c, "Daily quota"), Value: f.QuotaDay, Error: fields["quota_day"], Optional: true, Hint: web.T(c, "Calls in a day of UTC. Empty: no quota.")}),
		desk.Check(components.Field{Name: "needs_approval", Label: web.T(c, "Access on this plan needs approval"), Checked: f.Approval != ""}),
	}
}

// AddPlan adds one.
func (h *Handler) AddPlan(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.Prefix)
	if err != nil {
		return err
	}
	var f planForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.AddPlan(web.Ctx(c), web.Actor(c), id, f.input()); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.plansDesk(c, f, fields) })
	}
	return h.Done(c, apiPath(id)+"/plans", "The plan %s is there.", f.Plan)
}

// plan finds the plan of the path in its API.
func (h *Handler) plan(c echo.Context) (catalog.Detail, catalog.Plan, error) {
	api, err := h.detail(c)
	if err != nil {
		return api, catalog.Plan{}, err
	}
	for _, p := range api.Plans {
		if p.ID.Show(catalog.PlanPrefix) == c.Param("part") && p.RetiredAt == nil {
			return api, p, nil
		}
	}
	return api, catalog.Plan{}, fault.Missing()
}

// EditPlan shows the form.
func (h *Handler) EditPlan(c echo.Context) error {
	d, err := h.planDesk(c, nil, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) planDesk(c echo.Context, f *planForm, fields map[string]string) (desk.Desk, error) {
	api, p, err := h.plan(c)
	if err != nil {
		return desk.Desk{}, err
	}
	if f == nil {
		f = &planForm{Plan: p.Name, Summary: p.Summary, Requests: strconv.FormatInt(p.RateRequests, 10), Period: strconv.FormatInt(p.RatePeriodSeconds, 10), Burst: strconv.FormatInt(p.Burst, 10)}
		if p.QuotaMonth != nil {
			f.Quota = strconv.FormatInt(*p.QuotaMonth, 10)
		}
		if p.QuotaDay != nil {
			f.QuotaDay = strconv.FormatInt(*p.QuotaDay, 10)
		}
		if p.NeedsApproval {
			f.Approval = "1"
		}
	}
	d := h.editDesk(c, api.API, web.T(c, "Change plan %s", p.Name), "/plans")
	d.Parts = []desk.Part{{Form: &desk.Form{
		Text: web.T(c, "The new limits hold at once for every app on this plan."), Spec: components.FormSpec{Action: apiPath(api.ID) + "/plans/" + c.Param("part")}, Inputs: planInputs(c, *f, fields),
		Submit: web.T(c, "Save plan"), Kind: components.Primary, Cancel: apiPath(api.ID) + "/plans",
	}}}
	return d, nil
}

// ChangePlan saves it.
func (h *Handler) ChangePlan(c echo.Context) error {
	id, part, err := parts(c, catalog.PlanPrefix)
	if err != nil {
		return err
	}
	var f planForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.ChangePlan(web.Ctx(c), web.Actor(c), id, part, f.input()); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.planDesk(c, &f, fields) })
	}
	return h.Done(c, apiPath(id)+"/plans", "The plan is saved.")
}

type retirePlanForm struct {
	MoveTo string `form:"move_to"`
}

// ConfirmRetirePlan shows which keys it hits.
func (h *Handler) ConfirmRetirePlan(c echo.Context) error {
	d, err := h.retirePlanDesk(c, retirePlanForm{}, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) retirePlanDesk(c echo.Context, f retirePlanForm, fields map[string]string) (desk.Desk, error) {
	api, p, err := h.plan(c)
	if err != nil {
		return desk.Desk{}, err
	}
	hits, err := h.Store.PlanHits(web.Ctx(c), web.Actor(c), api.ID, p.ID)
	if err != nil {
		return desk.Desk{}, err
	}
	options := append([]components.Option{{Label: web.T(c, "Leave them their limits")}}, planOptions(c, api.Plans, func(o catalog.Plan) bool { return o.ID != p.ID })...)
	d := h.editDesk(c, api.API, web.T(c, "Retire plan %s", p.Name), "/plans")
	d.Parts = []desk.Part{{Danger: true, Title: web.T(c, "This can’t be undone"), Note: hitsNote(c, hits), Table: hitsTable(c, hits), Form: &desk.Form{
		Text:   web.T(c, "Nobody can choose this plan any more. Its apps keep their limits, or move to another plan."),
		Spec:   components.FormSpec{Action: apiPath(api.ID) + "/plans/" + c.Param("part") + "/retire"},
		Inputs: []desk.Input{desk.Select(components.Field{Name: "move_to", Label: web.T(c, "Move its apps to"), Value: f.MoveTo, Error: fields["move_to"], Options: options, Attrs: noTranslate})},
		Submit: web.T(c, "Retire plan"), Kind: components.Danger, Cancel: apiPath(api.ID) + "/plans",
	}}}
	return d, nil
}

// RetirePlan takes it out of the choice.
func (h *Handler) RetirePlan(c echo.Context) error {
	id, part, err := parts(c, catalog.PlanPrefix)
	if err != nil {
		return err
	}
	var f retirePlanForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	var to db.ID
	if f.MoveTo != "" {
		if to, err = db.ParseID(catalog.PlanPrefix, f.MoveTo); err != nil {
			to = db.NewID() // none has it, and the store says so
		}
	}
	if err := h.Store.RetirePlan(web.Ctx(c), web.Actor(c), id, part, to); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.retirePlanDesk(c, f, fields) })
	}
	return h.Done(c, apiPath(id)+"/plans", "The plan is retired.")
}
