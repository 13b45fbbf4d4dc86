package org

import (
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
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

type appForm struct {
	Organization string `form:"organization"`
	Name         string `form:"name"`
	Description  string `form:"description"`
	HomepageURL  string `form:"homepage_url"`
}

func (f appForm) input() org.AppInput {
	return org.AppInput{Name: f.Name, Description: f.Description, HomepageURL: f.HomepageURL}
}

func appInputs(c echo.Context, f appForm, fields map[string]string) []views.Input {
	return []views.Input{
		views.Line(components.Field{Name: "name", Label: web.T(c, "Name"), Value: f.Name, Error: fields["name"], MaxLength: org.MaxName, Required: true}),
		views.Area(components.Field{Name: "description", Label: web.T(c, "Description"), Value: f.Description, Error: fields["description"], Optional: true, Rows: 3, MaxLength: 1000, Hint: web.T(c, "What it does. Staff read it when you ask for access.")}),
		views.Line(components.Field{Name: "homepage_url", Type: "url", Label: web.T(c, "Homepage"), Value: f.HomepageURL, Error: fields["homepage_url"], Optional: true, Placeholder: "https://"}),
	}
}

// NewApp shows the form.
func (h *Handler) NewApp(c echo.Context) error {
	d, err := h.newAppDesk(c, appForm{Organization: c.QueryParam("org")}, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) newAppDesk(c echo.Context, f appForm, fields map[string]string) (views.Desk, error) {
	mine, err := h.Store.Mine(web.Ctx(c), web.Actor(c))
	if err != nil {
		return views.Desk{}, err
	}
	owner := components.Field{Name: "organization", Label: web.T(c, "Organization"), Error: fields["organization"], Attrs: map[string]any{"translate": "no"}}
	for _, o := range mine {
		if permission.Org(o.Role, permission.AppsManage) {
			owner.Options = append(owner.Options, components.Option{Value: o.ID.Show(org.Prefix), Label: o.Name, Selected: o.ID.Show(org.Prefix) == f.Organization})
		}
	}
	d := views.Desk{
		Frame: h.Frame(c, web.T(c, "Create app")), Title: web.T(c, "Create app"), Lead: web.T(c, "An app belongs to an organization. Its keys work until the app is deleted, whoever made them."),
		Crumbs: []components.Crumb{{Label: web.T(c, "Apps"), Href: appsPath}},
	}
	if len(owner.Options) == 0 {
		d.Parts = []views.Part{{Empty: &components.EmptyState{
			Title: web.T(c, "You can’t create apps here"), Text: web.T(c, "It takes the role admin in an organization. Make an organization of your own, or ask an owner of yours."),
			Action: &components.Act{Label: web.T(c, "Create organization"), Href: organizationsPath + "/new", Kind: components.Primary},
		}}}
		return d, nil
	}
	inputs := append([]views.Input{views.Select(owner)}, appInputs(c, f, fields)...)
	if len(owner.Options) > 1 {
		inputs[0], inputs[1] = inputs[1], inputs[0]
	} else {
		inputs = inputs[1:]
	}
	d.Parts = []views.Part{{Form: &views.Form{Spec: components.FormSpec{Action: appsPath + "/new", Hidden: onlyOwner(owner)}, Inputs: inputs, Submit: web.T(c, "Create app"), Kind: components.Primary, Cancel: appsPath}}}
	return d, nil
}

// onlyOwner sends along the one organization that there is to choose.
func onlyOwner(f components.Field) []components.Hidden {
	if len(f.Options) == 1 {
		return []components.Hidden{{Name: f.Name, Value: f.Options[0].Value}}
	}
	return nil
}

// CreateApp makes one.
func (h *Handler) CreateApp(c echo.Context) error {
	var f appForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	id, err := db.ParseID(org.Prefix, f.Organization)
	if err != nil {
		err = fault.BadField("organization", "Choose an organization.")
	} else {
		var app org.App
		if app, err = h.Store.CreateApp(web.Ctx(c), web.Actor(c), id, f.input()); err == nil {
			return h.Done(c, appPath(app.ID), "The app %s is there. Next, request access to an API.", app.Name)
		}
	}
	return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.newAppDesk(c, f, fields) })
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

// EditApp shows the form.
func (h *Handler) EditApp(c echo.Context) error {
	d, err := h.editAppDesk(c, nil, nil)
	return h.RenderDesk(c, d, err)
}

// managedApp is the app of the path for who may change it. Faults: NotFound, Forbidden.
func (h *Handler) managedApp(c echo.Context) (org.AppRow, error) {
	app, err := h.app(c)
	if err == nil && !permission.Org(app.Role, permission.AppsManage) {
		return org.AppRow{}, fault.Lacking(string(permission.AppsManage), app.OrganizationID.Show(org.Prefix))
	}
	return app, err
}

func (h *Handler) editAppDesk(c echo.Context, f *appForm, fields map[string]string) (views.Desk, error) {
	app, err := h.managedApp(c)
	if err != nil {
		return views.Desk{}, err
	}
	if f == nil {
		f = &appForm{Name: app.Name, Description: app.Description, HomepageURL: app.HomepageURL}
	}
	return views.Desk{
		Frame: h.Frame(c, web.T(c, "Edit app")), Title: web.T(c, "Edit app"), Crumbs: h.appCrumbs(c, app),
		Parts: []views.Part{{Form: &views.Form{Spec: components.FormSpec{Action: appPath(app.ID) + "/edit"}, Inputs: appInputs(c, *f, fields), Submit: web.T(c, "Save app"), Kind: components.Primary, Cancel: appPath(app.ID)}}},
	}, nil
}

func (h *Handler) appCrumbs(c echo.Context, app org.AppRow) []components.Crumb {
	return []components.Crumb{{Label: web.T(c, "Apps"), Href: appsPath}, {Label: app.Name, Href: appPath(app.ID), Own: true}}
}

// ChangeApp saves it.
func (h *Handler) ChangeApp(c echo.Context) error {
	id, err := web.PathID(c, "id", org.AppPrefix)
	if err != nil {
		return err
	}
	var f appForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.ChangeApp(web.Ctx(c), web.Actor(c), id, f.input()); err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.editAppDesk(c, &f, fields) })
	}
	return h.Done(c, appPath(id), "The app is saved.")
}

// ConfirmDeleteApp says what stops, and asks for the name.
func (h *Handler) ConfirmDeleteApp(c echo.Context) error {
	d, err := h.deleteAppDesk(c, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) deleteAppDesk(c echo.Context, fields map[string]string) (views.Desk, error) {
	app, err := h.managedApp(c)
	if err != nil {
		return views.Desk{}, err
	}
	stops, err := h.Store.AppStops(web.Ctx(c), app.ID)
	if err != nil {
		return views.Desk{}, err
	}
	return views.Desk{
		Frame: h.Frame(c, web.T(c, "Delete app")), Title: web.T(c, "Delete app"), Crumbs: h.appCrumbs(c, app),
		Parts: []views.Part{{Danger: true, Title: web.T(c, "This can’t be undone"), Note: stopsNote(c, stops), Form: &views.Form{
			Spec:   components.FormSpec{Action: appPath(app.ID) + "/delete"},
			Inputs: []views.Input{confirmName(c, app.Name, fields)}, Submit: web.T(c, "Delete app"), Kind: components.Danger, Cancel: appPath(app.ID),
		}}},
	}, nil
}

// DeleteApp ends it.
func (h *Handler) DeleteApp(c echo.Context) error {
	id, err := web.PathID(c, "id", org.AppPrefix)
	if err != nil {
		return err
	}
	var f confirmForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.DeleteApp(web.Ctx(c), web.Actor(c), id, f.Confirm); err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.deleteAppDesk(c, fields) })
	}
	return h.Done(c, appsPath, "The app %s is deleted.", f.Confirm)
}

// refusalsFact leads to the app's refused calls.
func refusalsFact(c echo.Context, root string, app db.ID) views.Fact {
	return views.Fact{Term: web.T(c, "Refusals"), Value: web.T(c, "See its refused calls"), Href: root + "/refusals?app=" + app.Show(org.AppPrefix)}
}
