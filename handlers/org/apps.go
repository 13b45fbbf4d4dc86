package org

import (
	"slices"

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

const appsPath = "/console/apps"

func appPath(id db.ID) string { return appsPath + "/" + id.Show(org.AppPrefix) }

// Apps lists the apps of the reader's organizations; org narrows to one.
func (h *Handler) Apps(c echo.Context) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	mine, err := h.Store.Mine(ctx, who)
	if err != nil {
		return err
	}
	f := org.AppFilter{OrganizationID: web.QueryID(c, "org", org.Prefix), Search: c.QueryParam("q")}
	page, err := h.Store.Apps(ctx, who, f, web.PageOf(c))
	if err != nil {
		return err
	}
	d := views.Desk{Frame: h.Frame(c, web.T(c, "Apps")), Title: web.T(c, "Apps"), Lead: web.T(c, "An app is a program that calls APIs. It has access to APIs, and keys.")}
	create := components.Act{Label: web.T(c, "Create app"), Href: appsPath + "/new", Kind: components.Primary}
	if !f.OrganizationID.IsZero() {
		create.Href += "?org=" + f.OrganizationID.Show(org.Prefix)
	}
	mayCreate := slices.ContainsFunc(mine, func(o org.Mine) bool { return permission.Org(o.Role, permission.AppsManage) })
	filtered := f != org.AppFilter{}
	if len(page.Rows) == 0 && !filtered {
		empty := components.EmptyState{Title: web.T(c, "No apps yet"), Text: web.T(c, "Make an app for each program that calls an API: then you can stop one without stopping the others.")}
		if mayCreate {
			empty.Action = &create
		}
		d.Parts = []views.Part{{Empty: &empty}}
		return h.withReceived(c, d)
	}
	if mayCreate {
		d.Actions = []components.Act{create}
	}
	d.Parts = []views.Part{{Filter: appFilter(c, f, mine, filtered), Table: h.appsTable(c, page), Pager: web.Pager(c, page.Previous, page.Next)}}
	if filtered {
		return h.Render(c, views.Page(d))
	}
	return h.withReceived(c, d)
}

// withReceived adds what others share with the reader.
func (h *Handler) withReceived(c echo.Context, d views.Desk) error {
	if h.Shares == nil {
		return h.Render(c, views.Page(d))
	}
	p, err := h.Shares.Received(c)
	if err != nil {
		return err
	}
	if p != nil {
		d.Parts = append(d.Parts, *p)
	}
	return h.Render(c, views.Page(d))
}

func appFilter(c echo.Context, f org.AppFilter, mine []org.Mine, filtered bool) *components.Filter {
	out := components.Filter{Action: appsPath, Search: &components.Field{Name: "q", Label: web.T(c, "Search"), Value: f.Search}}
	if len(mine) > 1 {
		field := components.Field{Name: "org", Label: web.T(c, "Organization"), Options: []components.Option{{Label: web.T(c, "All")}}}
		for _, o := range mine {
			field.Options = append(field.Options, components.Option{Value: o.ID.Show(org.Prefix), Label: o.Name, Selected: o.ID == f.OrganizationID})
		}
		field.Attrs = map[string]any{"translate": "no"}
		out.Fields = append(out.Fields, field)
	}
	if filtered {
		out.ClearHref = appsPath
	}
	return &out
}

func sortable(c echo.Context, label, name, sort string) components.Column {
	href, sorted := web.SortHref(c, name, sort)
	return components.Column{Label: label, SortHref: href, Sorted: sorted}
}

func (h *Handler) appsTable(c echo.Context, page db.Page[org.AppRow]) *views.Table {
	ctx := web.Ctx(c)
	t := views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Apps"), Columns: []components.Column{
		sortable(c, web.T(c, "App"), "name", page.Sort),
		{Label: web.T(c, "Organization")},
		{Label: web.T(c, "Active keys"), Num: true},
		{Label: web.T(c, "APIs"), Num: true},
		{Label: web.T(c, "State")},
		sortable(c, web.T(c, "Created"), "created", page.Sort),
	}}, Empty: web.T(c, "No app matches.")}
	for _, a := range page.Rows {
		t.Rows = append(t.Rows, []views.Cell{
			{Text: a.Name, Data: true, Href: appPath(a.ID), Badge: limitedBadge(c, a)},
			{Text: a.OrganizationName, Data: true},
			{Text: text.Number(ctx, a.ActiveKeys), Num: true},
			{Text: text.Number(ctx, a.APIs), Num: true},
			{Status: standing(c, h.Now(), a.SuspendedAt, a.SuspendedUntil)},
			{Moment: h.Moment(c, a.CreatedAt)},
		})
	}
	return &t
}

// App shows one app: its facts, its keys, and its access.
func (h *Handler) App(c echo.Context) error {
	app, err := h.app(c)
	if err != nil {
		return err
	}
	access, err := h.Catalog.Access(web.Ctx(c), web.Actor(c), catalog.AccessFilter{AppID: app.ID}, db.PageRequest{Size: db.MaxPage})
	if err != nil {
		return err
	}
	d := views.Desk{
		Frame: h.Frame(c, app.Name), Title: app.Name, DataTitle: true, Meta: app.ID.Show(org.AppPrefix), Status: standing(c, h.Now(), app.SuspendedAt, app.SuspendedUntil),
		Crumbs: []components.Crumb{{Label: web.T(c, "Apps"), Href: appsPath}},
	}
	if permission.Org(app.Role, permission.AppsManage) {
		d.Actions = []components.Act{{Label: web.T(c, "Edit app"), Href: appPath(app.ID) + "/edit"}}
		if permission.Org(app.Role, permission.AppsMove) {
			d.Actions = append(d.Actions, components.Act{Label: web.T(c, "Move app"), Href: appPath(app.ID) + "/move"})
		}
		d.Actions = append(d.Actions, components.Act{Label: web.T(c, "Delete app"), Href: appPath(app.ID) + "/delete", Kind: components.Danger})
	}
	if n := suspensionNote(c, app.Suspended(h.Now()), app.SuspendedReason); n != nil {
		d.Parts = append(d.Parts, views.Part{Note: n})
	}
	quotas, err := h.Quotas.OfApp(web.Ctx(c), web.Actor(c), app.ID)
	if err != nil {
		return err
	}
	d.Parts = append(d.Parts, quotaNotes(c, quotas)...)
	d.Parts = append(d.Parts, views.Part{Facts: append(h.appFacts(c, app, organizationPath(app.OrganizationID)), refusalsFact(c, "/console", app.ID))}, h.accessPart(c, app, access.Rows), keysPart(c, app, len(access.Rows) > 0))
	if len(quotas) > 0 {
		d.Parts = append(d.Parts, h.quotaPart(c, quotas))
	}
	if p := appMembersPart(c, app); p != nil {
		d.Parts = append(d.Parts, *p)
	}
	if h.Shares != nil {
		p, err := h.Shares.OfApp(c, app)
		if err != nil {
			return err
		}
		if p != nil {
			d.Parts = append(d.Parts, *p)
		}
	}
	return h.Render(c, views.Page(d))
}

func (h *Handler) app(c echo.Context) (org.AppRow, error) {
	id, err := web.PathID(c, "id", org.AppPrefix)
	if err != nil {
		return org.AppRow{}, err
	}
	return h.Store.App(web.Ctx(c), web.Actor(c), id)
}

func (h *Handler) appFacts(c echo.Context, app org.AppRow, organization string) []views.Fact {
	return []views.Fact{
		{Term: web.T(c, "Organization"), Value: app.OrganizationName, Data: true, Href: organization},
		{Term: web.T(c, "Description"), Value: app.Description, Data: true},
		{Term: web.T(c, "Homepage"), Value: app.HomepageURL, Data: true, Href: app.HomepageURL},
		{Term: web.T(c, "Created"), Moment: h.Moment(c, app.CreatedAt)},
	}
}

// keysPart leads to the keys of an app; making one is the next step once there is access.
func keysPart(c echo.Context, app org.AppRow, next bool) views.Part {
	p := views.Part{
		Title: web.T(c, "Keys"), ID: "keys", Text: web.T(c, "%d active keys", int(app.ActiveKeys)),
		Actions: []components.Act{{Label: web.T(c, "Show keys"), Href: "/console/keys?app=" + app.ID.Show(org.AppPrefix)}},
	}
	if permission.Org(app.Role, permission.KeysMake) {
		create := components.Act{Label: web.T(c, "Create key"), Href: "/console/keys/new?app=" + app.ID.Show(org.AppPrefix)}
		if next {
			create.Kind = components.Primary
		}
		p.Actions = append(p.Actions, create)
	}
	return p
}

// refusalsFact leads to the app's refused calls.
func refusalsFact(c echo.Context, root string, app db.ID) views.Fact {
	return views.Fact{Term: web.T(c, "Refusals"), Value: web.T(c, "See its refused calls"), Href: root + "/refusals?app=" + app.Show(org.AppPrefix)}
}
