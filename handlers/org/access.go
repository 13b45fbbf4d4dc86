package org

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// accessStatus puts the state of access into words.
func accessStatus(c echo.Context, state string) *views.Status {
	tone, words := web.AccessWords(c, state)
	return &views.Status{Tone: tone, Words: words}
}

// accessPart lists the access of an app: what is in force or waits, then what was.
func (h *Handler) accessPart(c echo.Context, app org.AppRow, rows []catalog.AccessRow) views.Part {
	p := views.Part{Title: web.T(c, "Access"), ID: "access"}
	request := components.Act{Label: web.T(c, "Request access"), Href: "/apis"}
	if len(rows) == 0 {
		empty := components.EmptyState{Title: web.T(c, "No access yet"), Text: web.T(c, "Choose an API in the catalogue and request access for this app. Then make a key.")}
		if permission.Org(app.Role, permission.AccessRequest) {
			request.Label, request.Kind = web.T(c, "Choose an API"), components.Primary
			empty.Action = &request
		}
		p.Empty = &empty
		return p
	}
	p.Table = &views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Access"), Columns: []components.Column{
		{Label: web.T(c, "API")}, {Label: web.T(c, "State")}, {Label: web.T(c, "Plan")}, {Label: web.T(c, "Scopes")}, {Label: web.T(c, "Requested")},
	}}}
	for _, past := range []bool{false, true} {
		for _, x := range rows {
			state := x.StateAt(h.Now())
			over := state == catalog.Refused || state == catalog.Withdrawn || state == catalog.Ended
			if over != past {
				continue
			}
			p.Table.Rows = append(p.Table.Rows, []views.Cell{
				{Text: x.APIName, Data: true, Href: "/console/access/" + x.ID.Show(catalog.AccessPrefix)},
				{Status: accessStatus(c, state)},
				{Text: x.PlanName, Data: true},
				{Tags: catalog.ScopeNames(x.Scopes), Wrap: true},
				{Moment: h.Moment(c, x.CreatedAt)},
			})
		}
	}
	if permission.Org(app.Role, permission.AccessRequest) {
		p.Actions = []components.Act{request}
	}
	return p
}
