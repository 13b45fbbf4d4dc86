package org

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// ConfirmDeleteOrganization says what stops, and asks for the name.
func (h *Handler) ConfirmDeleteOrganization(c echo.Context) error {
	d, err := h.deleteOrganizationDesk(c, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) deleteOrganizationDesk(c echo.Context, fields map[string]string) (views.Desk, error) {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return views.Desk{}, err
	}
	o, err := h.Store.Get(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return views.Desk{}, err
	}
	if !permission.Org(o.Role, permission.OrgDelete) {
		return views.Desk{}, fault.Lacking(string(permission.OrgDelete), id.Show(org.Prefix))
	}
	stops, err := h.Store.Stops(web.Ctx(c), id)
	if err != nil {
		return views.Desk{}, err
	}
	return views.Desk{
		Frame: h.Frame(c, web.T(c, "Delete organization")), Title: web.T(c, "Delete organization"),
		Crumbs: inOrganization(c, o),
		Parts: []views.Part{{Danger: true, Title: web.T(c, "What stops"), Text: web.T(c, "For 30 days an owner can bring it back. Then it is gone for good. Its owners and admins are told by mail."), Note: stopsNote(c, stops), Form: &views.Form{
			Spec:   components.FormSpec{Action: organizationPath(id) + "/delete"},
			Inputs: []views.Input{confirmName(c, o.Name, fields)}, Submit: web.T(c, "Delete organization"), Kind: components.Danger, Cancel: organizationPath(id),
		}}},
	}, nil
}

type confirmForm struct {
	Confirm string `form:"confirm"`
}

// DeleteOrganization ends it.
func (h *Handler) DeleteOrganization(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	var f confirmForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.Delete(web.Ctx(c), web.Actor(c), id, f.Confirm); err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.deleteOrganizationDesk(c, fields) })
	}
	return h.Done(c, organizationsPath, "The organization %s is deleted. You can bring it back below, for 30 days.", f.Confirm)
}

// deletedOrganizations lists what the reader can bring back; nil when there is nothing.
func (h *Handler) deletedOrganizations(c echo.Context) (*views.Part, error) {
	all, err := h.Store.Restorable(web.Ctx(c), web.Actor(c))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	title := web.T(c, "Deleted organizations")
	t := views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: title, Columns: []components.Column{
		{Label: web.T(c, "Organization")}, {Label: web.T(c, "Deleted")}, {Label: web.T(c, "Gone for good")}, {Label: web.T(c, "Restore"), Hidden: true},
	}}}
	for _, o := range all {
		t.Rows = append(t.Rows, []views.Cell{
			{Text: o.Name, Data: true},
			{Moment: h.Moment(c, o.DeletedAt)},
			{Moment: h.Moment(c, o.EndsAt())},
			{Post: &views.Post{Action: organizationPath(o.ID) + "/restore", Label: web.T(c, "Restore %s", o.Name), Button: web.T(c, "Restore")}},
		})
	}
	return &views.Part{Title: title, ID: "deleted", Table: &t}, nil
}

// RestoreOrganization brings a deleted organization back.
func (h *Handler) RestoreOrganization(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	o, err := h.Store.Restore(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	return h.Done(c, organizationPath(id), "The organization %s is back. Its keys work again.", o.Name)
}
