package org

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

const organizationsPath = "/console/organizations"

func organizationPath(id db.ID) string { return organizationsPath + "/" + id.Show(org.Prefix) }

// Organizations lists the reader's organizations.
func (h *Handler) Organizations(c echo.Context) error {
	all, err := h.Store.Mine(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	t := views.Table{
		Named: true,
		Spec: components.TableSpec{Caption: web.T(c, "Organizations"), Stacks: true, Columns: []components.Column{
			{Label: web.T(c, "Organization")}, {Label: web.T(c, "Your role")}, {Label: web.T(c, "Members"), Num: true}, {Label: web.T(c, "Apps"), Num: true}, {Label: web.T(c, "State")},
		}},
		Empty: web.T(c, "You belong to no organization."),
	}
	for _, o := range all {
		t.Rows = append(t.Rows, []views.Cell{
			{Text: o.Name, Data: true, Href: organizationPath(o.ID), Hint: kindHint(c, o.Kind)},
			{Text: web.T(c, roleWords[o.Role])},
			{Text: text.Number(web.Ctx(c), o.Members), Num: true},
			{Text: text.Number(web.Ctx(c), o.Apps), Num: true},
			{Status: standing(c, h.Now(), o.SuspendedAt, o.SuspendedUntil)},
		})
	}
	parts, err := h.aboveMine(c)
	if err != nil {
		return err
	}
	create, mine := components.Act{Label: web.T(c, "Create organization"), Href: organizationsPath + "/new", Kind: components.Primary}, views.Part{Table: &t}
	if n := len(parts); n > 0 { // below another list, this one needs a name
		mine.Title, mine.ID = web.T(c, "Your organizations"), "yours"
		if parts[n-1].ID == shutPart {
			create.Kind = components.Plain // to add a second factor is the next step
		}
	}
	parts = append(parts, mine)
	deleted, err := h.deletedOrganizations(c)
	if err != nil {
		return err
	}
	if deleted != nil {
		parts = append(parts, *deleted)
	}
	return h.Render(c, views.Page(views.Desk{
		Frame: h.Frame(c, web.T(c, "Organizations")), Title: web.T(c, "Organizations"), Lead: web.T(c, "An organization owns apps, their keys and their access to APIs."),
		Actions: []components.Act{create},
		Parts:   parts,
	}))
}

// aboveMine are the lists above one's own organizations: those that one can join, those that invite, and those that are shut.
func (h *Handler) aboveMine(c echo.Context) ([]views.Part, error) {
	var parts []views.Part
	for _, list := range []func(echo.Context) (*views.Part, error){h.joinable, h.myInvitations, h.ShutOrganizations} {
		p, err := list(c)
		if err != nil {
			return nil, err
		}
		if p != nil {
			parts = append(parts, *p)
		}
	}
	return parts, nil
}

func kindHint(c echo.Context, kind string) string {
	if kind == org.Ordinary {
		return ""
	}
	return web.T(c, kindWords[kind])
}

// Organization shows one organization: its members, and its settings for those who may change them.
func (h *Handler) Organization(c echo.Context) error {
	d, err := h.organizationDesk(c, nil, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) organizationDesk(c echo.Context, f *organizationForm, fields map[string]string) (views.Desk, error) {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return views.Desk{}, err
	}
	o, err := h.Store.Get(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return views.Desk{}, err
	}
	members, err := h.Store.Members(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return views.Desk{}, err
	}
	d := views.Desk{
		Frame: h.Frame(c, o.Name), Title: o.Name, DataTitle: true, Meta: id.Show(org.Prefix), Status: standing(c, h.Now(), o.SuspendedAt, o.SuspendedUntil),
		Crumbs:  []components.Crumb{{Label: web.T(c, "Organizations"), Href: organizationsPath}},
		Actions: []components.Act{{Label: web.T(c, "Show apps"), Href: "/console/apps?org=" + id.Show(org.Prefix)}},
	}
	if permission.Org(o.Role, permission.ActivityRead) {
		d.Actions = append(d.Actions, components.Act{Label: web.T(c, "Show activity"), Href: organizationPath(id) + "/activity"})
	}
	if n := suspensionNote(c, o.Suspended(h.Now()), o.SuspendedReason); n != nil {
		d.Parts = append(d.Parts, views.Part{Note: n})
	}
	d.Parts = append(d.Parts, h.membersPart(c, o, members))
	invited, err := h.openInvitations(c, o)
	if err != nil {
		return views.Desk{}, err
	}
	if invited != nil {
		d.Parts = append(d.Parts, *invited)
	}
	d.Parts = append(d.Parts, views.Part{
		Title: web.T(c, "Expiry calendar"), ID: "calendar", Text: web.T(c, "Have the ends of this organization’s keys in your own calendar."),
		Actions: []components.Act{{Label: web.T(c, "Expiry calendar"), Href: organizationPath(id) + "/calendar"}},
	})
	if permission.Org(o.Role, permission.OrgChange) {
		if f == nil {
			f = &organizationForm{o.Name, o.TechnicalEmail}
		}
		d.Parts = append(d.Parts, views.Part{Title: web.T(c, "Settings"), ID: "settings", Form: &views.Form{
			Spec:   components.FormSpec{Action: organizationPath(id)},
			Inputs: organizationInputs(c, *f, fields), Submit: web.T(c, "Save settings"), Kind: components.Primary,
		}})
	}
	rules, err := h.ruleParts(c, o)
	if err != nil {
		return views.Desk{}, err
	}
	d.Parts = append(append(d.Parts, rules...), endings(c, o, members)...)
	return d, nil
}

// ruleParts say who gets in, and how: the second factor, the domains and the directory.
func (h *Handler) ruleParts(c echo.Context, o org.Mine) (parts []views.Part, err error) {
	factor, err := h.factorPart(c, o)
	if err != nil {
		return nil, err
	}
	var directory *views.Part
	if h.Directory != nil {
		if directory, err = h.Directory(c, o); err != nil {
			return nil, err
		}
	}
	for _, p := range []*views.Part{factor, domainsPart(c, o), directory} {
		if p != nil {
			parts = append(parts, *p)
		}
	}
	return parts, nil
}

// membersPart lists the members, with the way to more.
func (h *Handler) membersPart(c echo.Context, o org.Mine, members []org.Member) views.Part {
	p := views.Part{Title: web.T(c, "Members"), ID: "members", Table: h.membersTable(c, o, members)}
	if permission.Org(o.Role, permission.MembersManage) && o.Kind != org.Personal {
		p.Actions = []components.Act{{Label: web.T(c, "Invite member"), Href: organizationPath(o.ID) + "/invite"}}
	}
	if permission.Org(o.Role, permission.OwnersManage) && o.Kind != org.Personal {
		p.Actions = append(p.Actions, components.Act{Label: web.T(c, "Review roles"), Href: organizationPath(o.ID) + "/review"})
	}
	return p
}

// endings are the ways out of an organization: to transfer, leave and delete it.
func endings(c echo.Context, o org.Mine, members []org.Member) (parts []views.Part) {
	if permission.Org(o.Role, permission.OwnersManage) && o.Kind != org.Personal {
		parts = append(parts, views.Part{
			Title: web.T(c, "Transfer ownership"), ID: "transfer", Text: web.T(c, "Another member becomes an owner, and you become an admin."),
			Actions: []components.Act{{Label: web.T(c, "Transfer ownership"), Href: organizationPath(o.ID) + "/transfer"}},
		})
	}
	switch {
	case o.Kind == org.Personal:
	case soleOwner(o, members):
		parts = append(parts, views.Part{Title: web.T(c, "Leave organization"), ID: "leave", Text: web.T(c, "You are its only owner, and an organization always keeps one: you can’t leave it.")})
	default:
		parts = append(parts, views.Part{
			Title: web.T(c, "Leave organization"), ID: "leave", Text: web.T(c, "You lose all of it at once. The keys that you made go on; its admins say who is responsible for them."),
			Actions: []components.Act{{Label: web.T(c, "Leave organization"), Href: organizationPath(o.ID) + "/leave"}},
		})
	}
	if permission.Org(o.Role, permission.OrgDelete) && o.Kind == org.Ordinary {
		parts = append(parts, views.Part{
			Title: web.T(c, "Delete organization"), ID: "delete", Text: web.T(c, "Its apps and keys stop working at once. For 30 days an owner can bring it back."),
			Actions: []components.Act{{Label: web.T(c, "Delete organization"), Href: organizationPath(o.ID) + "/delete", Kind: components.Danger}},
		})
	}
	return parts
}

// soleOwner reports whether the reader is the one owner that there is.
func soleOwner(o org.Mine, members []org.Member) bool {
	owners := 0
	for _, m := range members {
		if m.Role == permission.Owner {
			owners++
		}
	}
	return o.Role == permission.Owner && owners == 1
}

func (h *Handler) membersTable(c echo.Context, o org.Mine, members []org.Member) *views.Table {
	t := views.Table{Named: true, Spec: components.TableSpec{Caption: web.T(c, "Members"), Stacks: true, Columns: []components.Column{
		{Label: web.T(c, "Name")}, {Label: web.T(c, "Email")}, {Label: web.T(c, "Role")}, {Label: web.T(c, "Joined")},
	}}, Empty: web.T(c, "This organization has no members.")}
	factors := permission.Org(o.Role, permission.MembersManage)
	if factors {
		t.Spec.Columns = append(t.Spec.Columns, components.Column{Label: web.T(c, "Second factor")})
	}
	t.Spec.Columns = append(t.Spec.Columns, components.Column{Label: web.T(c, "Change"), Hidden: true})
	for _, m := range members {
		row := []views.Cell{{Text: m.Name, Data: true}, {Text: m.Email, Data: true}, {Text: web.T(c, roleWords[m.Role])}, {Moment: h.Moment(c, m.CreatedAt)}}
		if factors {
			row = append(row, factorCell(c, m))
		}
		t.Rows = append(t.Rows, append(row, memberActs(c, o, m)))
	}
	return &t
}

// factorCell says whether a member has a second factor, not which.
func factorCell(c echo.Context, m org.Member) views.Cell {
	if m.HasFactor {
		return views.Cell{Text: web.T(c, "Yes")}
	}
	return views.Cell{Text: web.T(c, "No")}
}

// mayRemove reports whether the reader may remove the member; oneself leaves.
func mayRemove(c echo.Context, o org.Mine, m org.Member) bool {
	needs := permission.MembersManage
	if m.Role == permission.Owner {
		needs = permission.OwnersManage
	}
	return m.UserID != web.Actor(c).UserID && permission.Org(o.Role, needs)
}
