package org

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

var accessWords = map[string]string{
	catalog.Requested: text.N("Waits for approval"), catalog.Approved: text.N("Approved"), catalog.Refused: text.N("Refused"),
	catalog.Withdrawn: text.N("Withdrawn"), catalog.Suspended: text.N("Suspended"), catalog.Ended: text.N("Ended"),
}

var accessTones = map[string]components.Tone{
	catalog.Requested: components.Warn, catalog.Approved: components.OK, catalog.Refused: components.Bad, catalog.Suspended: components.Bad, catalog.Withdrawn: components.Off, catalog.Ended: components.Off,
}

// AccessStatus puts the state of access into words.
func AccessStatus(c echo.Context, state string) *views.Status {
	return &views.Status{Tone: accessTones[state], Words: web.T(c, accessWords[state])}
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
	p.Table = &views.Table{Spec: components.TableSpec{Caption: web.T(c, "Access"), Columns: []components.Column{
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
				{Status: AccessStatus(c, state)},
				{Text: x.PlanName, Data: true},
				{Tags: ScopeNames(x.Scopes), Wrap: true},
				{Moment: h.moment(c, x.CreatedAt)},
			})
		}
	}
	if permission.Org(app.Role, permission.AccessRequest) {
		p.Actions = []components.Act{request}
	}
	return p
}

// ScopeNames are the names of scopes.
func ScopeNames(scopes []catalog.Scope) []string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = s.Name
	}
	return names
}
