package org

import (
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

const userPrefix = "user"

var roleHints = map[string]string{
	permission.Viewer: text.N("Sees apps, keys, access and usage."), permission.Developer: text.N("Also makes keys, and manages those that they made."),
	permission.Admin: text.N("Also manages all keys, apps, access and members."), permission.Owner: text.N("Also makes owners, and transfers or deletes the organization."),
}

// roleField asks for one of the roles.
func roleField(c echo.Context, roles []string, chosen string, fields map[string]string) views.Input {
	f := components.Field{Name: "role", Label: web.T(c, "Role"), Error: fields["role"], Required: true}
	for _, r := range roles {
		f.Options = append(f.Options, components.Option{Value: r, Label: web.T(c, roleWords[r]), Hint: web.T(c, roleHints[r]), Selected: r == chosen})
	}
	return views.Radios(f)
}

func memberPath(organization, user db.ID) string {
	return organizationPath(organization) + "/members/" + user.Show(userPrefix)
}

// memberActs are what the reader may do to a member, with what screen readers call each.
func memberActs(c echo.Context, o org.Mine, m org.Member) views.Cell {
	var cell views.Cell
	self := m.UserID == web.Actor(c).UserID
	if roles := org.MayGive(o.Role, m, self); o.Kind != org.Personal && len(roles) > 1 {
		cell.Acts = append(cell.Acts, components.Act{Label: web.T(c, "Change role"), Href: memberPath(o.ID, m.UserID) + "/role"})
		cell.Labels = append(cell.Labels, web.T(c, "Change role of %s", m.Name))
	}
	if mayRemove(c, o, m) {
		cell.Acts = append(cell.Acts, components.Act{Label: web.T(c, "Remove"), Href: memberPath(o.ID, m.UserID) + "/remove"})
		cell.Labels = append(cell.Labels, web.T(c, "Remove %s from organization", m.Name))
	}
	return cell
}

type roleForm struct {
	Role string `form:"role"`
}

// inOrganization are the crumbs of pages of one organization.
func inOrganization(c echo.Context, o org.Mine) []components.Crumb {
	return []components.Crumb{{Label: web.T(c, "Organizations"), Href: organizationsPath}, {Label: o.Name, Href: organizationPath(o.ID), Own: true}}
}

// RoleForm asks which role a member shall have; the query chooses one.
func (h *Handler) RoleForm(c echo.Context) error {
	d, err := h.roleDesk(c, c.QueryParam("role"), nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) roleDesk(c echo.Context, chosen string, fields map[string]string) (views.Desk, error) {
	o, user, err := h.organizationAndUser(c)
	if err != nil {
		return views.Desk{}, err
	}
	m, err := h.Store.Member(web.Ctx(c), web.Actor(c), o.ID, user)
	if err != nil {
		return views.Desk{}, err
	}
	if chosen == "" {
		chosen = m.Role
	}
	roles := org.MayGive(o.Role, m, user == web.Actor(c).UserID)
	if len(roles) < 2 || o.Kind == org.Personal {
		return views.Desk{}, fault.Lacking(string(permission.MembersManage), o.ID.Show(org.Prefix))
	}
	title, lead := web.T(c, "Change role"), h.Mailed(c, "It holds from their next request on. They are told by mail.")
	if user == web.Actor(c).UserID {
		lead = web.T(c, "This is your own role. It holds from your next request on.")
	}
	return views.Desk{
		Frame: h.Frame(c, title), Title: title, Lead: lead, Crumbs: inOrganization(c, o),
		Parts: []views.Part{
			{Facts: []views.Fact{{Term: web.T(c, "Member"), Value: m.Name, Data: true}, {Term: web.T(c, "Email"), Value: m.Email, Data: true}, {Term: web.T(c, "Role"), Value: web.T(c, roleWords[m.Role])}}},
			{Form: &views.Form{
				Spec: components.FormSpec{Action: memberPath(o.ID, user) + "/role"}, Inputs: []views.Input{roleField(c, roles, chosen, fields)},
				Submit: web.T(c, "Save role"), Kind: components.Primary, Cancel: organizationPath(o.ID),
			}},
		},
	}, nil
}

// organizationAndUser are of the path; the organization is one of the reader's.
func (h *Handler) organizationAndUser(c echo.Context) (org.Mine, db.ID, error) {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return org.Mine{}, db.ID{}, err
	}
	user, err := web.PathID(c, "user", userPrefix)
	if err != nil {
		return org.Mine{}, db.ID{}, err
	}
	o, err := h.Store.Get(web.Ctx(c), web.Actor(c), id)
	return o, user, err
}

// SetRole gives a member another role. Who makes an owner shows first that it is them (A14): owners can all that asks for it.
func (h *Handler) SetRole(c echo.Context) error {
	o, user, err := h.organizationAndUser(c)
	if err != nil {
		return err
	}
	var f roleForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if f.Role == permission.Owner {
		if asked, err := h.AskFirst(c, memberPath(o.ID, user)+"/role", url.Values{"role": {f.Role}}); err != nil || asked {
			return err
		}
	}
	if err := h.Store.SetRole(web.Ctx(c), web.Actor(c), o.ID, user, f.Role); err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.roleDesk(c, f.Role, fields) })
	}
	return h.Done(c, organizationPath(o.ID), "The role is saved.")
}

type transferForm struct {
	Member string `form:"member"`
}

// TransferForm asks who shall be the owner; the query chooses somebody.
func (h *Handler) TransferForm(c echo.Context) error {
	d, err := h.transferDesk(c, c.QueryParam("member"), nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) transferDesk(c echo.Context, chosen string, fields map[string]string) (views.Desk, error) {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return views.Desk{}, err
	}
	o, err := h.Store.Get(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return views.Desk{}, err
	}
	if !permission.Org(o.Role, permission.OwnersManage) || o.Kind == org.Personal {
		return views.Desk{}, fault.Lacking(string(permission.OwnersManage), o.ID.Show(org.Prefix))
	}
	members, err := h.Store.Members(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return views.Desk{}, err
	}
	members = slices.DeleteFunc(members, func(m org.Member) bool { return m.UserID == web.Actor(c).UserID })
	title := web.T(c, "Transfer ownership")
	d := views.Desk{Frame: h.Frame(c, title), Title: title, Lead: web.T(c, "Another member becomes an owner, and you become an admin."), Crumbs: inOrganization(c, o)}
	if len(members) == 0 {
		d.Parts = []views.Part{{Empty: &components.EmptyState{
			Title: web.T(c, "There is nobody else"), Text: web.T(c, "Invite somebody first, and transfer the organization once they are a member."),
			Action: &components.Act{Label: web.T(c, "Invite member"), Href: organizationPath(id) + "/invite", Kind: components.Primary},
		}}}
		return d, nil
	}
	f := components.Field{Name: "member", Label: web.T(c, "New owner"), Error: fields["member"], Required: true, Options: []components.Option{{Label: web.T(c, "Choose a member")}}}
	for _, m := range members {
		shown := m.UserID.Show(userPrefix)
		f.Options = append(f.Options, components.Option{Value: shown, Label: m.Name + " · " + m.Email, Data: true, Selected: shown == chosen})
	}
	d.Parts = []views.Part{{Form: &views.Form{
		Spec: components.FormSpec{Action: organizationPath(id) + "/transfer"}, Inputs: []views.Input{views.Select(f)},
		Submit: web.T(c, "Transfer ownership"), Kind: components.Danger, Cancel: organizationPath(id),
	}}}
	return d, nil
}

// Transfer makes another member an owner and the reader an admin, who shows first that it is them (A14).
func (h *Handler) Transfer(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	var f transferForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if asked, err := h.AskFirst(c, organizationPath(id)+"/transfer", url.Values{"member": {f.Member}}); err != nil || asked {
		return err
	}
	user, _ := db.ParseID(userPrefix, f.Member) // the zero ID is no member's
	if err := h.Store.Transfer(web.Ctx(c), web.Actor(c), id, user); err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.transferDesk(c, f.Member, fields) })
	}
	return h.Done(c, organizationPath(id), "The organization has another owner. You are an admin of it.")
}
