package org

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

type organizationForm struct {
	Name           string `form:"name"`
	TechnicalEmail string `form:"technical_email"`
}

func organizationInputs(c echo.Context, f organizationForm, fields map[string]string) []views.Input {
	return []views.Input{
		views.Line(components.Field{Name: "name", Label: web.T(c, "Name"), Value: f.Name, Error: fields["name"], MaxLength: org.MaxName, Required: true, Autocomplete: "organization"}),
		views.Line(components.Field{
			Name: "technical_email", Type: "email", Label: web.T(c, "Technical address"), Value: f.TechnicalEmail, Error: fields["technical_email"], Optional: true,
			Hint: web.T(c, "The address of a member who is told about suspensions and keys too, such as a shared mailbox with an account."),
		}),
	}
}

// NewOrganization shows the form.
func (h *Handler) NewOrganization(c echo.Context) error {
	return h.Render(c, views.Page(h.organizationForm(c, organizationForm{}, nil)))
}

func (h *Handler) organizationForm(c echo.Context, f organizationForm, fields map[string]string) views.Desk {
	return views.Desk{
		Frame: h.Frame(c, web.T(c, "Create organization")), Title: web.T(c, "Create organization"), Lead: web.T(c, "You become its owner."),
		Crumbs: []components.Crumb{{Label: web.T(c, "Organizations"), Href: organizationsPath}},
		Parts: []views.Part{{Form: &views.Form{
			Spec: components.FormSpec{Action: organizationsPath + "/new"}, Inputs: organizationInputs(c, f, fields),
			Submit: web.T(c, "Create organization"), Kind: components.Primary, Cancel: organizationsPath,
		}}},
	}
}

// CreateOrganization makes one.
func (h *Handler) CreateOrganization(c echo.Context) error {
	var f organizationForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	o, err := h.Store.Create(web.Ctx(c), web.Actor(c), org.Input{Name: f.Name, TechnicalEmail: f.TechnicalEmail})
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.organizationForm(c, f, fields), nil })
	}
	return h.Done(c, organizationPath(o.ID), "The organization %s is there.", o.Name)
}

// ChangeOrganization saves the settings.
func (h *Handler) ChangeOrganization(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	var f organizationForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	err = h.Store.Change(web.Ctx(c), web.Actor(c), id, org.Input{Name: f.Name, TechnicalEmail: f.TechnicalEmail})
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.organizationDesk(c, &f, fields) })
	}
	return h.Done(c, organizationPath(id), "The settings are saved.")
}
