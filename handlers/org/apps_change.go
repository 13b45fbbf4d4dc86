package org

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

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
