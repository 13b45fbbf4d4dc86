package catalog

import (
	"context"
	"net/url"

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

func accessPath(id db.ID) string { return "/console/access/" + id.Show(catalog.AccessPrefix) }

// Access lists requests and access of the reader's organizations.
func (h *Handler) Access(c echo.Context) error {
	f := catalog.AccessFilter{OrganizationID: web.QueryID(c, "org", org.Prefix), State: c.QueryParam("state")}
	page, err := h.Store.Access(web.Ctx(c), web.Actor(c), f, web.PageOf(c))
	if err != nil {
		return err
	}
	d := desk.Desk{Frame: h.Frame(c, web.T(c, "Access")), Title: web.T(c, "Access"), Lead: web.T(c, "Which of your apps may use which API, and what waits for approval.")}
	browse := components.Act{Label: web.T(c, "Choose an API"), Href: "/apis", Kind: components.Primary}
	if len(page.Rows) == 0 && f == (catalog.AccessFilter{}) {
		d.Parts = []desk.Part{{Empty: &components.EmptyState{Title: web.T(c, "No access yet"), Text: web.T(c, "Choose an API in the catalogue and request access for one of your apps."), Action: &browse}}}
		return h.Render(c, desk.Page(d))
	}
	d.Actions = []components.Act{browse}
	filter := components.Filter{Action: "/console/access", Fields: []components.Field{stateFilter(c, f.State)}}
	if !f.OrganizationID.IsZero() {
		filter.Hidden = []components.Hidden{{Name: "org", Value: f.OrganizationID.Show(org.Prefix)}}
	}
	if f != (catalog.AccessFilter{}) {
		filter.ClearHref = "/console/access"
	}
	t := desk.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Access"), Columns: []components.Column{
		{Label: web.T(c, "API")}, {Label: web.T(c, "App")}, {Label: web.T(c, "State")}, {Label: web.T(c, "Plan")}, {Label: web.T(c, "Scopes")}, {Label: web.T(c, "Requested")},
	}}, Empty: web.T(c, "Nothing matches.")}
	for _, x := range page.Rows {
		t.Rows = append(t.Rows, []desk.Cell{
			{Text: x.APIName, Data: true, Href: accessPath(x.ID)},
			{Text: x.AppName, Data: true, Href: "/console/apps/" + x.AppID.Show(org.AppPrefix), Hint: x.OrganizationName, HData: true},
			{Status: accessStatus(c, x.StateAt(h.Now()))},
			{Text: x.PlanName, Data: true},
			{Tags: catalog.ScopeNames(x.Scopes), Wrap: true},
			{Moment: h.Moment(c, x.CreatedAt)},
		})
	}
	d.Parts = []desk.Part{{Filter: &filter, Table: &t, Pager: web.Pager(c, page.Previous, page.Next)}}
	return h.Render(c, desk.Page(d))
}

func stateFilter(c echo.Context, state string) components.Field {
	f := components.Field{Name: "state", Label: web.T(c, "State"), Options: []components.Option{{Label: web.T(c, "All")}}}
	for _, s := range []string{catalog.Requested, catalog.Approved, catalog.Suspended, catalog.Refused, catalog.Withdrawn, catalog.Ended} {
		f.Options = append(f.Options, components.Option{Value: s, Label: accessStatus(c, s).Words, Selected: s == state})
	}
	return f
}

// OneAccess shows one request or access to its organization.
func (h *Handler) OneAccess(c echo.Context) error {
	d, err := h.accessDesk(c, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) accessDesk(c echo.Context, fields map[string]string) (desk.Desk, error) {
	id, err := web.PathID(c, "id", catalog.AccessPrefix)
	if err != nil {
		return desk.Desk{}, err
	}
	x, err := h.Store.OneAccess(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return desk.Desk{}, err
	}
	state := x.StateAt(h.Now())
	d := desk.Desk{
		Frame: h.Frame(c, x.APIName), Title: x.APIName, DataTitle: true, Meta: id.Show(catalog.AccessPrefix), Status: accessStatus(c, state),
		Crumbs: []components.Crumb{{Label: web.T(c, "Access"), Href: "/console/access"}},
	}
	if x.Reason != "" && (state == catalog.Refused || state == catalog.Suspended || state == catalog.Ended) {
		d.Parts = append(d.Parts, desk.Part{Note: &desk.Note{Tone: components.Warn, Title: web.T(c, "Reason"), Text: x.Reason, Data: true}})
	}
	d.Parts = append(d.Parts, desk.Part{Facts: h.accessFacts(c, x, "/console/apps/"+x.AppID.Show(org.AppPrefix), "/apis/"+x.APISlug)})
	if !permission.Org(x.Role, permission.AccessRequest) {
		return d, nil
	}
	switch state {
	case catalog.Requested:
		d.Parts = append(d.Parts, desk.Part{Title: web.T(c, "Withdraw request"), ID: "withdraw", Form: &desk.Form{
			Text: web.T(c, "It waits for staff to decide. Take it back to ask for something else."),
			Spec: components.FormSpec{Action: accessPath(id) + "/withdraw"}, Submit: web.T(c, "Withdraw request"),
		}})
	case catalog.Approved:
		d.Actions = []components.Act{{Label: web.T(c, "Create key"), Href: newKeyPath(x), Kind: components.Primary}, {Label: web.T(c, "Ask for more"), Href: "/apis/" + x.APISlug + "/request?app=" + x.AppID.Show(org.AppPrefix)}}
		part, err := h.ownPlanPart(c, x, fields)
		if err != nil {
			return d, err
		}
		d.Parts = append(d.Parts, part...)
	}
	return d, nil
}

// newKeyPath leads to the form of a key with what the access carries ticked; sensitive scopes are left for the reader to tick.
func newKeyPath(x catalog.AccessRow) string {
	q := url.Values{"app": {x.AppID.Show(org.AppPrefix)}}
	for _, s := range x.Scopes {
		if !s.Sensitive && s.WithdrawnAt == nil {
			q.Add("grants", x.APISlug+"/"+s.Name)
		}
	}
	return "/console/keys/new?" + q.Encode()
}

func (h *Handler) accessFacts(c echo.Context, x catalog.AccessRow, app, api string) []desk.Fact {
	facts := []desk.Fact{
		{Term: web.T(c, "App"), Value: x.AppName, Data: true, Href: app},
		{Term: web.T(c, "API"), Value: x.APIName, Data: true, Href: api},
		{Term: web.T(c, "Plan"), Value: x.PlanName, Data: true},
		{Term: web.T(c, "Scopes"), Tags: catalog.ScopeNames(x.Scopes)},
	}
	if x.Purpose != "" {
		facts = append(facts, desk.Fact{Term: web.T(c, "Purpose"), Value: x.Purpose, Data: true})
	}
	facts = append(facts, desk.Fact{Term: web.T(c, "Requested"), Moment: h.Moment(c, x.CreatedAt)})
	if x.TermsAgreedAt != nil {
		facts = append(facts, desk.Fact{Term: web.T(c, "Terms agreed to"), Moment: h.Moment(c, *x.TermsAgreedAt)})
	}
	if x.DecidedAt != nil {
		facts = append(facts, desk.Fact{Term: web.T(c, "Decided"), Moment: h.Moment(c, *x.DecidedAt)})
	}
	if x.State == catalog.Suspended && x.SuspendedUntil != nil {
		facts = append(facts, desk.Fact{Term: web.T(c, "Suspended until"), Value: text.DateTime(web.Ctx(c), *x.SuspendedUntil)})
	}
	return facts
}

// ownPlanPart offers the other plans that need no approval.
func (h *Handler) ownPlanPart(c echo.Context, x catalog.AccessRow, fields map[string]string) ([]desk.Part, error) {
	api, err := h.Store.BySlug(web.Ctx(c), web.Actor(c), x.APISlug)
	if err != nil { // an API that the reader can't see any more offers no plan
		return nil, nil //nolint:nilerr // said above
	}
	options := planOptions(c, api.Plans, func(p catalog.Plan) bool { return !p.NeedsApproval && p.ID != x.PlanID })
	if len(options) == 0 {
		return nil, nil
	}
	return []desk.Part{{Title: web.T(c, "Change plan"), ID: "plan", Form: &desk.Form{
		Text: web.T(c, "Keys stay as they are; the new limits hold at once."), Spec: components.FormSpec{Action: accessPath(x.ID) + "/plan"},
		Inputs: []desk.Input{dataRadios(components.Field{Name: "plan", Label: web.T(c, "Plan"), Error: fields["plan"], Options: options, Required: true})}, Submit: web.T(c, "Change plan"),
	}}}, nil
}

// Withdraw takes a waiting request back.
func (h *Handler) Withdraw(c echo.Context) error {
	return h.act(c, func(ctx context.Context, id db.ID) error { return h.Store.Withdraw(ctx, web.Actor(c), id) }, accessPath, text.N("The request is withdrawn."))
}

type planChoiceForm struct {
	Plan string `form:"plan"`
}

// ChooseOwnPlan changes the plan to one that needs no approval.
func (h *Handler) ChooseOwnPlan(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.AccessPrefix)
	if err != nil {
		return err
	}
	var f planChoiceForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.ChooseOwnPlan(web.Ctx(c), web.Actor(c), id, oneID(catalog.PlanPrefix, f.Plan)); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.accessDesk(c, fields) })
	}
	return h.Done(c, accessPath(id), "The plan is changed. Keys stay as they are.")
}
