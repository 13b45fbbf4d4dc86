package org

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

const (
	adminOrgs = "/admin/organizations"
	adminApps = "/admin/apps"
)

func adminOrg(id db.ID) string { return adminOrgs + "/" + id.Show(org.Prefix) }
func adminApp(id db.ID) string { return adminApps + "/" + id.Show(org.AppPrefix) }

func mayManage(c echo.Context) bool {
	return permission.Staff(web.Actor(c).StaffRole, permission.StaffOrgsManage)
}

func stateField(c echo.Context, state string, words ...[2]string) components.Field {
	f := components.Field{Name: "state", Label: web.T(c, "State"), Options: []components.Option{{Label: web.T(c, "All")}}}
	for _, w := range words {
		f.Options = append(f.Options, components.Option{Value: w[0], Label: w[1], Selected: w[0] == state})
	}
	return f
}

// AdminOrganizations lists all organizations.
func (h *Handler) AdminOrganizations(c echo.Context) error {
	ctx := web.Ctx(c)
	f := org.StaffFilter{Search: c.QueryParam("q"), State: c.QueryParam("state")}
	page, err := h.Store.All(ctx, web.Actor(c), f, web.PageOf(c))
	if err != nil {
		return err
	}
	t := views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Organizations"), Columns: []components.Column{
		sortable(c, web.T(c, "Organization"), "name", page.Sort),
		{Label: web.T(c, "Kind")},
		{Label: web.T(c, "Members"), Num: true},
		{Label: web.T(c, "Apps"), Num: true},
		{Label: web.T(c, "Active keys"), Num: true},
		{Label: web.T(c, "State")},
		sortable(c, web.T(c, "Created"), "created", page.Sort),
	}}, Empty: web.T(c, "No organization matches.")}
	for _, o := range page.Rows {
		t.Rows = append(t.Rows, []views.Cell{
			{Text: o.Name, Data: true, Href: adminOrg(o.ID)},
			{Text: web.T(c, kindWords[o.Kind])},
			{Text: text.Number(ctx, o.Members), Num: true},
			{Text: text.Number(ctx, o.Apps), Num: true},
			{Text: text.Number(ctx, o.ActiveKeys), Num: true},
			{Status: h.standingOf(c, o)},
			{Moment: h.Moment(c, o.CreatedAt)},
		})
	}
	filter := components.Filter{Action: adminOrgs, Search: &components.Field{Name: "q", Label: web.T(c, "Search"), Value: f.Search}, Fields: []components.Field{stateField(c, f.State,
		[2]string{"suspended", web.T(c, "Suspended")}, [2]string{org.Unreachable, web.T(c, "Unreachable")}, [2]string{org.Ordinary, web.T(c, "Organization")}, [2]string{org.Personal, web.T(c, "Personal")})}}
	if f != (org.StaffFilter{}) {
		filter.ClearHref = adminOrgs
	}
	return h.Render(c, views.Page(views.Desk{
		Frame: h.Frame(c, web.T(c, "Organizations")), Title: web.T(c, "Organizations"), Lead: web.T(c, "Who owns apps and keys here. Suspending one stops all of its keys at once."),
		Parts: []views.Part{{Filter: &filter, Table: &t, Pager: web.Pager(c, page.Previous, page.Next)}},
	}))
}

// standingOf is standing of an organization, for staff: that nobody can be reached is worth a look.
func (h *Handler) standingOf(c echo.Context, o org.StaffRow) *views.Status {
	if o.Unreached {
		return &views.Status{Tone: components.Warn, Words: web.T(c, "Unreachable")}
	}
	return standing(c, h.Now(), o.SuspendedAt, o.SuspendedUntil)
}

// AdminOrganization shows one organization to staff.
func (h *Handler) AdminOrganization(c echo.Context) error {
	ctx := web.Ctx(c)
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	o, members, err := h.Store.Any(ctx, web.Actor(c), id)
	if err != nil {
		return err
	}
	apps, err := h.Store.AllApps(ctx, web.Actor(c), id, org.StaffFilter{}, web.PageOf(c))
	if err != nil {
		return err
	}
	d := views.Desk{
		Frame: h.Frame(c, o.Name), Title: o.Name, DataTitle: true, Meta: id.Show(org.Prefix), Status: h.standingOf(c, o),
		Crumbs: []components.Crumb{{Label: web.T(c, "Organizations"), Href: adminOrgs}},
	}
	suspended := o.Suspended(h.Now())
	if mayManage(c) && o.Kind != org.Company && !suspended {
		d.Actions = []components.Act{{Label: web.T(c, "Suspend organization"), Href: adminOrg(id) + "/suspend", Kind: components.Danger}}
	}
	if permission.Staff(web.Actor(c).StaffRole, permission.StaffPolicyRead) {
		d.Actions = append([]components.Act{{Label: web.T(c, "Policy for its keys"), Href: "/admin/policy/" + id.Show(org.Prefix)}}, d.Actions...)
	}
	if suspended {
		d.Parts = append(d.Parts, h.suspendedPart(c, adminOrg(id)+"/unsuspend", web.T(c, "Unsuspend organization"), o.SuspendedReason))
	}
	if o.Unreached {
		d.Parts = append(d.Parts, views.Part{Note: &views.Note{Tone: components.Warn, Title: web.T(c, "Nobody can be reached"), Text: web.T(c, "Its owners and admins are suspended, or lack the second factor that it requires, and no other member has its technical address. Mail about its apps and keys reaches nobody until one of them can sign in again.")}})
	}
	d.Parts = append(d.Parts,
		views.Part{Facts: []views.Fact{
			{Term: web.T(c, "Kind"), Value: web.T(c, kindWords[o.Kind])},
			{Term: web.T(c, "Technical address"), Value: o.TechnicalEmail, Data: true},
			{Term: web.T(c, "Active keys"), Value: text.Number(ctx, o.ActiveKeys)},
			{Term: web.T(c, "Created"), Moment: h.Moment(c, o.CreatedAt)},
		}},
		views.Part{Title: web.T(c, "Apps"), ID: "apps", Table: h.adminAppsTable(c, apps), Pager: web.Pager(c, apps.Previous, apps.Next)},
		views.Part{Title: web.T(c, "Members"), ID: "members", Table: h.membersTable(c, org.Mine{}, members)})
	return h.Render(c, views.Page(d))
}

// suspendedPart tells staff why something is suspended, with the button that ends it.
func (h *Handler) suspendedPart(c echo.Context, action, button, reason string) views.Part {
	p := views.Part{Note: suspensionNote(c, true, reason)}
	if mayManage(c) {
		p.Form = &views.Form{Spec: components.FormSpec{Action: action}, Submit: button}
	}
	return p
}

func (h *Handler) adminAppsTable(c echo.Context, page db.Page[org.AppRow]) *views.Table {
	t := h.appsTable(c, page)
	for i, a := range page.Rows {
		t.Rows[i][0].Href = adminApp(a.ID)
		t.Rows[i][1].Href = adminOrg(a.OrganizationID)
	}
	return t
}

// AdminApps lists all apps.
func (h *Handler) AdminApps(c echo.Context) error {
	ctx := web.Ctx(c)
	f := org.StaffFilter{Search: c.QueryParam("q"), State: c.QueryParam("state")}
	page, err := h.Store.AllApps(ctx, web.Actor(c), db.ID{}, f, web.PageOf(c))
	if err != nil {
		return err
	}
	filter := components.Filter{Action: adminApps, Search: &components.Field{Name: "q", Label: web.T(c, "Search"), Value: f.Search}, Fields: []components.Field{stateField(c, f.State, [2]string{"suspended", web.T(c, "Suspended")})}}
	if f != (org.StaffFilter{}) {
		filter.ClearHref = adminApps
	}
	return h.Render(c, views.Page(views.Desk{
		Frame: h.Frame(c, web.T(c, "Apps")), Title: web.T(c, "Apps"), Lead: web.T(c, "Every program that may call an API. Suspending one stops its keys at once."),
		Parts: []views.Part{{Filter: &filter, Table: h.adminAppsTable(c, page), Pager: web.Pager(c, page.Previous, page.Next)}},
	}))
}

// AdminApp shows one app to staff.
func (h *Handler) AdminApp(c echo.Context) error {
	ctx := web.Ctx(c)
	id, err := web.PathID(c, "id", org.AppPrefix)
	if err != nil {
		return err
	}
	app, err := h.Store.AnyApp(ctx, web.Actor(c), id)
	if err != nil {
		return err
	}
	d := views.Desk{
		Frame: h.Frame(c, app.Name), Title: app.Name, DataTitle: true, Meta: id.Show(org.AppPrefix), Status: standing(c, h.Now(), app.SuspendedAt, app.SuspendedUntil),
		Crumbs: []components.Crumb{{Label: web.T(c, "Apps"), Href: adminApps}},
	}
	suspended := app.Suspended(h.Now())
	if mayManage(c) && !suspended {
		d.Actions = []components.Act{{Label: web.T(c, "Suspend app"), Href: adminApp(id) + "/suspend", Kind: components.Danger}}
	}
	if suspended {
		d.Parts = append(d.Parts, h.suspendedPart(c, adminApp(id)+"/unsuspend", web.T(c, "Unsuspend app"), app.SuspendedReason))
	}
	facts := append(h.appFacts(c, app, adminOrg(app.OrganizationID)), views.Fact{Term: web.T(c, "Active keys"), Value: text.Number(ctx, app.ActiveKeys)}, refusalsFact(c, "/admin", app.ID))
	d.Parts = append(d.Parts, views.Part{Facts: facts})
	if permission.Staff(web.Actor(c).StaffRole, permission.StaffRequestsRead) {
		part, err := h.adminAccessPart(c, id)
		if err != nil {
			return err
		}
		d.Parts = append(d.Parts, part)
	}
	return h.Render(c, views.Page(d))
}

func (h *Handler) adminAccessPart(c echo.Context, id db.ID) (views.Part, error) {
	page, err := h.Catalog.Requests(web.Ctx(c), web.Actor(c), catalog.AccessFilter{AppID: id}, db.PageRequest{Size: db.MaxPage})
	if err != nil {
		return views.Part{}, err
	}
	t := views.Table{
		Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Access"), Columns: []components.Column{{Label: web.T(c, "API")}, {Label: web.T(c, "State")}, {Label: web.T(c, "Plan")}, {Label: web.T(c, "Scopes")}, {Label: web.T(c, "Requested")}}},
		Empty: web.T(c, "This app has asked for nothing yet."),
	}
	for _, x := range page.Rows {
		t.Rows = append(t.Rows, []views.Cell{
			{Text: x.APIName, Data: true, Href: "/admin/requests/" + x.ID.Show(catalog.AccessPrefix)},
			{Status: accessStatus(c, x.StateAt(h.Now()))},
			{Text: x.PlanName, Data: true},
			{Tags: catalog.ScopeNames(x.Scopes), Wrap: true},
			{Moment: h.Moment(c, x.CreatedAt)},
		})
	}
	return views.Part{Title: web.T(c, "Access"), ID: "access", Table: &t}, nil
}
