package catalog

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	desk "github.com/gatehouse-dev/gatehouse/views/org"
)

const requestsPath = "/admin/requests"

func requestPath(id db.ID) string { return requestsPath + "/" + id.Show(catalog.AccessPrefix) }

func mayDecide(c echo.Context) bool {
	return permission.Staff(web.Actor(c).StaffRole, permission.StaffRequestsDecide)
}

// Requests lists what waits, oldest first, or with a filter any access.
func (h *Handler) Requests(c echo.Context) error {
	ctx := web.Ctx(c)
	f := catalog.AccessFilter{State: c.QueryParam("state"), Search: c.QueryParam("q")}
	page := web.PageOf(c)
	if _, given := c.QueryParams()["state"]; !given {
		f.State, page.Sort = catalog.Requested, "created"
	}
	rows, err := h.Store.Requests(ctx, web.Actor(c), f, page)
	if err != nil {
		return err
	}
	filter := components.Filter{Action: requestsPath, Search: &components.Field{Name: "q", Label: web.T(c, "Search"), Value: f.Search}, Fields: []components.Field{stateFilter(c, f.State)}}
	if f.State != catalog.Requested || f.Search != "" {
		filter.ClearHref = requestsPath
	}
	t := desk.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Requests"), Columns: []components.Column{
		{Label: web.T(c, "App")}, {Label: web.T(c, "API")}, {Label: web.T(c, "Scopes")}, {Label: web.T(c, "Plan")}, {Label: web.T(c, "State")}, {Label: web.T(c, "Requested")},
	}}, Empty: web.T(c, "No request waits.")}
	if filter.ClearHref != "" {
		t.Empty = web.T(c, "Nothing matches.")
	}
	for _, x := range rows.Rows {
		t.Rows = append(t.Rows, []desk.Cell{
			{Text: x.AppName, Data: true, Href: requestPath(x.ID), Hint: x.OrganizationName, HData: true},
			{Text: x.APIName, Data: true},
			{Tags: catalog.ScopeNames(x.Scopes), Wrap: true},
			{Text: x.PlanName, Data: true},
			{Status: accessStatus(c, x.StateAt(h.Now()))},
			{Moment: h.Moment(c, x.CreatedAt)},
		})
	}
	return h.Render(c, desk.Page(desk.Desk{
		Frame: h.Frame(c, web.T(c, "Requests")), Title: web.T(c, "Requests"), Lead: web.T(c, "Who asks for access to which API, the longest waiting first."),
		Parts: []desk.Part{{Filter: &filter, Table: &t, Pager: web.Pager(c, rows.Previous, rows.Next)}},
	}))
}

// decisionForm is what one of the page's forms sent; act says which, and the others then stand at their defaults.
type decisionForm struct {
	act    string
	Plan   string   `form:"plan"`
	Scopes []string `form:"scopes"`
	Reason string   `form:"reason"`
	Asks   string   `form:"organization"` // whose request the page showed
}

// OneRequest shows a request with what can be decided about it.
func (h *Handler) OneRequest(c echo.Context) error {
	d, err := h.decisionDesk(c, nil, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) decisionDesk(c echo.Context, f *decisionForm, fields map[string]string) (desk.Desk, error) {
	ctx := web.Ctx(c)
	id, err := web.PathID(c, "id", catalog.AccessPrefix)
	if err != nil {
		return desk.Desk{}, err
	}
	x, err := h.Store.RequestByID(ctx, web.Actor(c), id)
	if err != nil {
		return desk.Desk{}, err
	}
	state := x.StateAt(h.Now())
	d := desk.Desk{
		Frame: h.Frame(c, web.T(c, "Request for access")), Title: web.T(c, "%[1]s asks for %[2]s", x.AppName, x.APIName), DataTitle: true, Meta: id.Show(catalog.AccessPrefix), Status: accessStatus(c, state),
		Crumbs: []components.Crumb{{Label: web.T(c, "Requests"), Href: requestsPath}},
	}
	if x.Reason != "" {
		d.Parts = append(d.Parts, desk.Part{Note: &desk.Note{Tone: components.Warn, Title: web.T(c, "Reason"), Text: x.Reason, Data: true}})
	}
	facts := append(h.accessFacts(c, x, "/admin/apps/"+x.AppID.Show(org.AppPrefix), apiPath(x.APIID)),
		desk.Fact{Term: web.T(c, "Organization"), Value: x.OrganizationName, Data: true, Href: "/admin/organizations/" + x.OrganizationID.Show(org.Prefix)},
		desk.Fact{Term: web.T(c, "Requested by"), Value: person(x.RequesterName, x.RequesterEmail), Data: true})
	if x.DeciderName != "" {
		facts = append(facts, desk.Fact{Term: web.T(c, "Decided by"), Value: x.DeciderName, Data: true})
	}
	d.Parts = append(d.Parts, desk.Part{Facts: facts})
	if !mayDecide(c) {
		return d, nil
	}
	api, err := h.Store.ByID(ctx, web.Actor(c), x.APIID)
	if err != nil {
		return d, err
	}
	switch state {
	case catalog.Requested:
		d.Parts = append(d.Parts, h.approvePart(c, x, api, f, fields), refusePart(c, x, f, fields))
	case catalog.Approved, catalog.Suspended:
		d.Parts = append(d.Parts, inForceParts(c, x, api, state, fields)...)
	}
	return d, nil
}

func person(name, email string) string {
	if email == "" {
		return name
	}
	return name + " · " + email
}

func (h *Handler) approvePart(c echo.Context, x catalog.AccessRow, api catalog.Detail, f *decisionForm, fields map[string]string) desk.Part {
	if f != nil && f.act != "approve" {
		f, fields = nil, nil
	}
	plan, scopes := x.PlanID.Show(catalog.PlanPrefix), components.Scopes{Legend: web.T(c, "Scopes"), Name: "scopes", Error: fields["scopes"], Hint: web.T(c, "Untick what the app does not need.")}
	ticked := map[string]bool{}
	if f != nil {
		plan = f.Plan
		for _, s := range f.Scopes {
			ticked[s] = true
		}
	}
	for _, s := range x.Scopes {
		value := s.ID.Show(catalog.ScopePrefix)
		scopes.Items = append(scopes.Items, components.ScopeChoice{Value: value, Scope: s.Name, Sentence: s.Sentence, Sensitive: s.Sensitive, Checked: f == nil || ticked[value]})
	}
	inputs := []desk.Input{desk.Select(components.Field{Name: "plan", Label: web.T(c, "Plan"), Value: plan, Error: fields["plan"], Options: planOptions(c, api.Plans, nil), Attrs: noTranslate})}
	if len(scopes.Items) > 0 {
		inputs = append([]desk.Input{desk.ScopeInput(scopes)}, inputs...)
	}
	return desk.Part{Title: web.T(c, "Approve"), ID: "approve", Form: &desk.Form{Spec: components.FormSpec{Action: requestPath(x.ID) + "/approve", Hidden: []components.Hidden{{Name: "organization", Value: x.OrganizationID.Show(org.Prefix)}}}, Inputs: inputs, Submit: web.T(c, "Approve"), Kind: components.Primary}}
}

func refusePart(c echo.Context, x catalog.AccessRow, f *decisionForm, fields map[string]string) desk.Part {
	reason := ""
	if f != nil {
		reason = f.Reason
	}
	return desk.Part{Title: web.T(c, "Refuse"), ID: "refuse", Form: &desk.Form{Spec: components.FormSpec{Action: requestPath(x.ID) + "/refuse"}, Inputs: []desk.Input{reasonInput(c, reason, fields)}, Submit: web.T(c, "Refuse request")}}
}

func reasonInput(c echo.Context, reason string, fields map[string]string) desk.Input {
	return desk.Area(components.Field{Name: "reason", Label: web.T(c, "Reason"), Value: reason, Error: fields["reason"], Rows: 3, MaxLength: 500, Required: true, Hint: web.T(c, "The organization reads it, on its page and by mail.")})
}

func inForceParts(c echo.Context, x catalog.AccessRow, api catalog.Detail, state string, fields map[string]string) []desk.Part {
	change := desk.Part{Title: web.T(c, "Change plan"), ID: "plan", Form: &desk.Form{
		Text: web.T(c, "Keys stay as they are; the new limits hold at once."), Spec: components.FormSpec{Action: requestPath(x.ID) + "/plan"},
		Inputs: []desk.Input{desk.Select(components.Field{Name: "plan", Label: web.T(c, "Plan"), Value: x.PlanID.Show(catalog.PlanPrefix), Error: fields["plan"], Options: planOptions(c, api.Plans, nil), Attrs: noTranslate})}, Submit: web.T(c, "Change plan"),
	}}
	stop := desk.Part{Title: web.T(c, "Stop access"), ID: "stop", Text: web.T(c, "The keys of this app are refused at this API, and work elsewhere.")}
	if state == catalog.Suspended {
		stop.Form = &desk.Form{Spec: components.FormSpec{Action: requestPath(x.ID) + "/unsuspend"}, Submit: web.T(c, "Unsuspend access")}
	} else {
		stop.Actions = append(stop.Actions, components.Act{Label: web.T(c, "Suspend access"), Href: requestPath(x.ID) + "/suspend", Kind: components.Danger})
	}
	stop.Actions = append(stop.Actions, components.Act{Label: web.T(c, "End access"), Href: requestPath(x.ID) + "/end", Kind: components.Danger})
	return []desk.Part{change, stop}
}

// decide binds the form of a decision and runs it.
func (h *Handler) decide(c echo.Context, act, said string, do func(ctx context.Context, id db.ID, f decisionForm) error) error {
	id, err := web.PathID(c, "id", catalog.AccessPrefix)
	if err != nil {
		return err
	}
	f := decisionForm{act: act}
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := do(web.Ctx(c), id, f); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.decisionDesk(c, &f, fields) })
	}
	return h.Done(c, requestPath(id), said)
}

// Approve grants a request.
func (h *Handler) Approve(c echo.Context) error {
	return h.decide(c, "approve", text.N("The request is approved. The requester gets a mail."), func(ctx context.Context, id db.ID, f decisionForm) error {
		return h.Store.Approve(ctx, web.Actor(c), id, catalog.Approval{ScopeIDs: ids(catalog.ScopePrefix, f.Scopes), PlanID: oneID(catalog.PlanPrefix, f.Plan), OrganizationID: oneID(org.Prefix, f.Asks)})
	})
}

// Refuse answers a request with no.
func (h *Handler) Refuse(c echo.Context) error {
	return h.decide(c, "refuse", text.N("The request is refused. The requester gets a mail with the reason."), func(ctx context.Context, id db.ID, f decisionForm) error {
		return h.Store.Refuse(ctx, web.Actor(c), id, f.Reason)
	})
}

// ChoosePlan puts access on another plan.
func (h *Handler) ChoosePlan(c echo.Context) error {
	return h.decide(c, "plan", text.N("The plan is changed. Keys stay as they are."), func(ctx context.Context, id db.ID, f decisionForm) error {
		return h.Store.ChoosePlan(ctx, web.Actor(c), id, oneID(catalog.PlanPrefix, f.Plan))
	})
}

// Unsuspend ends a suspension of access.
func (h *Handler) Unsuspend(c echo.Context) error {
	return h.act(c, func(ctx context.Context, id db.ID) error { return h.Store.Unsuspend(ctx, web.Actor(c), id) }, requestPath, text.N("The access is not suspended any more."))
}

// stopDesk asks for what a suspension or end of access needs.
func (h *Handler) stopDesk(c echo.Context, title, verb string, inputs []desk.Input) (desk.Desk, error) {
	ctx := web.Ctx(c)
	id, err := web.PathID(c, "id", catalog.AccessPrefix)
	if err != nil {
		return desk.Desk{}, err
	}
	x, err := h.Store.RequestByID(ctx, web.Actor(c), id)
	if err != nil {
		return desk.Desk{}, err
	}
	return desk.Desk{
		Frame: h.Frame(c, title), Title: title, Crumbs: []components.Crumb{{Label: web.T(c, "Requests"), Href: requestsPath}, {Label: x.AppName + " · " + x.APIName, Href: requestPath(id), Own: true}},
		Parts: []desk.Part{{
			Danger: true, Title: web.T(c, "What stops"), Note: &desk.Note{Tone: components.Warn, Title: web.T(c, "The keys of this app are refused at this API, and work elsewhere."), Text: x.AppName + " · " + x.APIName, Data: true},
			Form: &desk.Form{Spec: components.FormSpec{Action: requestPath(id) + "/" + verb}, Inputs: inputs, Submit: title, Kind: components.Danger, Cancel: requestPath(id)},
		}},
	}, nil
}

// ConfirmSuspend asks for the reason.
func (h *Handler) ConfirmSuspend(c echo.Context) error {
	d, err := h.stopDesk(c, web.T(c, "Suspend access"), "suspend", suspendInputs(c, web.SuspendForm{}, nil))
	return h.RenderDesk(c, d, err)
}

// Suspend stops an app's keys at one API.
func (h *Handler) Suspend(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.AccessPrefix)
	if err != nil {
		return err
	}
	var f web.SuspendForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	in, err := f.Suspension()
	if err == nil {
		err = h.Store.Suspend(web.Ctx(c), web.Actor(c), id, in)
	}
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) {
			return h.stopDesk(c, web.T(c, "Suspend access"), "suspend", suspendInputs(c, f, fields))
		})
	}
	return h.Done(c, requestPath(id), "The access is suspended.")
}

// ConfirmEnd asks for the reason.
func (h *Handler) ConfirmEnd(c echo.Context) error {
	d, err := h.stopDesk(c, web.T(c, "End access"), "end", []desk.Input{reasonInput(c, "", nil)})
	return h.RenderDesk(c, d, err)
}

// End takes access away.
func (h *Handler) End(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.AccessPrefix)
	if err != nil {
		return err
	}
	var f decisionForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.End(web.Ctx(c), web.Actor(c), id, f.Reason); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) {
			return h.stopDesk(c, web.T(c, "End access"), "end", []desk.Input{reasonInput(c, f.Reason, fields)})
		})
	}
	return h.Done(c, requestPath(id), "The access has ended.")
}
