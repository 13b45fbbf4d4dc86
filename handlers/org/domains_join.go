package org

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

var joinWords = map[string]string{
	"": text.N("Only who is invited"), permission.Viewer: text.N("Who has an address there, as viewer"), permission.Developer: text.N("Who has an address there, as developer"),
}

type joinForm struct {
	JoinRole string `form:"join_role"`
}

// SetDomainJoin says who may join.
func (h *Handler) SetDomainJoin(c echo.Context) error {
	organization, id, err := domainIDs(c)
	if err != nil {
		return err
	}
	var f joinForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.DomainStore.SetJoinRole(web.Ctx(c), web.Actor(c), organization, id, f.JoinRole); err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.domainDesk(c, fields) })
	}
	return h.Done(c, domainsPath(organization)+"/"+id.Show(domain.Prefix), "It is saved who may join.")
}

// joinable offers the reader the organization that their address opens; nil when there is none.
func (h *Handler) joinable(c echo.Context) (*views.Part, error) {
	if h.DomainStore == nil {
		return nil, nil
	}
	o, ok, err := h.DomainStore.Joinable(web.Ctx(c), web.Actor(c))
	if err != nil || !ok {
		return nil, err
	}
	title := web.T(c, "You can join")
	return &views.Part{
		Title: title, ID: "join", Text: web.T(c, "Your address is of a domain of this organization. Its members see your name and your address."),
		Table: &views.Table{
			Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Organizations that you can join"), Columns: []components.Column{{Label: web.T(c, "Organization")}, {Label: web.T(c, "Role")}, {Label: web.T(c, "Join"), Hidden: true}}},
			Rows: [][]views.Cell{{
				{Text: o.Name, Data: true},
				{Text: web.T(c, roleWords[o.Role])},
				{Post: &views.Post{Action: organizationPath(o.ID) + "/join", Label: web.T(c, "Join %s", o.Name), Button: web.T(c, "Join organization")}},
			}},
		},
	}, nil
}

// JoinOrganization makes the reader a member by their address.
func (h *Handler) JoinOrganization(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	o, err := h.DomainStore.Join(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	return h.Done(c, organizationPath(o.ID), "You are a member of %s now.", o.Name)
}
