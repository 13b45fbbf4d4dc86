// Package role has the pages on which admins compose staff roles out of the table of permissions.
package role

import (
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staff"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// Handler answers the area's routes.
type Handler struct {
	*web.Kit
	Roles *staffrole.Store
	Staff *staff.Store
}

// Routes are the area's routes.
func (h *Handler) Routes(r *web.Registrar) {
	read, manage := web.Staff(permission.StaffUsersRead), web.Staff(permission.StaffRolesManage).Fresh()
	r.Get(root, read, h.List)
	r.Get(root+"/new", manage, h.New)
	r.Post(root+"/new", manage, h.Create)
	r.Get(root+"/:role", read, h.Show)
	r.Get(root+"/:role/edit", manage, h.Edit)
	r.Post(root+"/:role/edit", manage, h.Change)
	r.Post(root+"/:role/delete", manage, h.Delete)
	r.Get(whoPath, read, h.Who)
}

const root = "/admin/roles"

func path(id db.ID) string { return root + "/" + id.Show(staffrole.Prefix) }

// builtIn says what the roles are that every portal has.
var builtIn = map[string]struct{ name, lead string }{
	permission.Auditor:    {text.N("Auditor"), text.N("Reads all that matters, also the audit log and the policy, and changes nothing.")},
	permission.Support:    {text.N("Support"), text.N("Reads users, organizations, keys and usage, and answers questions.")},
	permission.StaffAdmin: {text.N("Admin"), text.N("Does everything. A portal always has one.")},
}

// shown is a role as these pages tell of it.
type shown struct {
	ref        string // in paths
	name, lead string
	own        bool // the words are somebody's
	holders    string
	has        []permission.Name
	composed   staffrole.Role
	people     []staffrole.Holder
}

// read finds the role that a reference names.
func (h *Handler) read(c echo.Context, ref string) (shown, error) {
	ctx, who := web.Ctx(c), web.Actor(c)
	s := shown{ref: ref}
	if b, ok := builtIn[ref]; ok {
		s.name, s.lead, s.holders, s.has = web.T(c, b.name), web.T(c, b.lead), ref, permission.Of(ref)
	} else {
		id, err := db.ParseID(staffrole.Prefix, ref)
		if err != nil {
			return shown{}, fault.Missing()
		}
		r, err := h.Roles.Get(ctx, who, id)
		if err != nil {
			return shown{}, err
		}
		s.name, s.lead, s.own, s.holders, s.has, s.composed = r.Name, r.Description, true, r.ID.String(), r.Has(), r
	}
	var err error
	s.people, err = h.Roles.Holders(ctx, who, s.holders)
	return s, err
}

// List shows the built-in roles and those that admins composed.
func (h *Handler) List(c echo.Context) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	composed, err := h.Roles.List(ctx, who)
	if err != nil {
		return err
	}
	d := views.Desk{Frame: h.Frame(c, web.T(c, "Roles")), Title: web.T(c, "Roles"), Lead: web.T(c, "What staff may do. Start from a built-in role, or compose one that has just what somebody needs.")}
	if permission.Staff(who.StaffRole, permission.StaffRolesManage) {
		d.Actions = []components.Act{{Label: web.T(c, "Compose role"), Href: root + "/new", Kind: components.Primary}}
	}
	t := views.Table{Spec: components.TableSpec{Caption: web.T(c, "Staff roles"), Stacks: true, Columns: []components.Column{
		{Label: web.T(c, "Role")}, {Label: web.T(c, "Kind")}, {Label: web.T(c, "Permissions"), Num: true}, {Label: web.T(c, "People"), Num: true},
	}}}
	for _, name := range permission.BuiltIn {
		s, err := h.read(c, name)
		if err != nil {
			return err
		}
		t.Rows = append(t.Rows, []views.Cell{
			{Text: s.name, Href: root + "/" + name, Hint: s.lead, Wrap: true}, {Text: web.T(c, "Built in")}, {Text: text.Number(ctx, len(s.has)), Num: true}, {Text: text.Number(ctx, len(s.people)), Num: true},
		})
	}
	for _, r := range composed {
		t.Rows = append(t.Rows, []views.Cell{
			{Text: r.Name, Data: true, Href: path(r.ID), Hint: r.Description, HData: true, Wrap: true}, {Text: web.T(c, "Composed")}, {Text: text.Number(ctx, len(r.Has())), Num: true}, {Text: text.Number(ctx, r.People), Num: true},
		})
	}
	d.Parts = []views.Part{{Table: &t}}
	return h.Render(c, views.Page(d))
}

// Show tells what one role allows, and who has it.
func (h *Handler) Show(c echo.Context) error {
	s, err := h.read(c, c.Param("role"))
	if err != nil {
		return err
	}
	d := views.Desk{
		Frame: h.Frame(c, s.name), Title: s.name, DataTitle: s.own,
		Crumbs: []components.Crumb{{Label: web.T(c, "Roles"), Href: root}, {Label: s.name, Own: s.own}},
	}
	d.Parts = append(d.Parts, views.Part{Facts: []views.Fact{
		{Term: web.T(c, "Description"), Value: s.lead, Data: s.own}, {Term: web.T(c, "Kind"), Value: web.T(c, map[bool]string{true: text.N("Composed"), false: text.N("Built in")}[s.own])},
	}})
	own := web.Actor(c).StaffRole
	if permission.Staff(own, permission.StaffRolesManage) {
		d.Actions = append(d.Actions, components.Act{Label: web.T(c, "Copy role"), Href: root + "/new?from=" + s.ref})
		switch beyond := len(permission.Beyond(own, s.has)) > 0; {
		case beyond:
			d.Parts = append(d.Parts, views.Part{Note: &views.Note{Tone: components.Info, Title: web.T(c, "This goes beyond your own role, and nobody gives, changes or takes what they lack.")}})
		case s.own:
			d.Actions = append(d.Actions, components.Act{Label: web.T(c, "Edit role"), Href: path(s.composed.ID) + "/edit"})
		}
	}
	d.Parts = append(d.Parts, permissionsPart(c, s.has), peoplePart(c, s))
	if p := deletePart(c, s); p != nil {
		d.Parts = append(d.Parts, *p)
	}
	return h.Render(c, views.Page(d))
}

func permissionsPart(c echo.Context, has []permission.Name) views.Part {
	t := views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Permissions"), Columns: []components.Column{{Label: web.T(c, "What it allows")}, {Label: web.T(c, "Permission")}}}, Empty: web.T(c, "It allows nothing.")}
	for _, n := range has {
		row, _ := permission.Known(n)
		t.Rows = append(t.Rows, []views.Cell{{Text: web.T(c, row.Sentence), Wrap: true}, {Text: string(n), Code: true, Data: true}})
	}
	return views.Part{Title: web.T(c, "Permissions"), ID: "permissions", Table: &t}
}

func peoplePart(c echo.Context, s shown) views.Part {
	title := web.T(c, "People")
	t := views.Table{Spec: components.TableSpec{Caption: title, Columns: []components.Column{{Label: web.T(c, "Name")}}}, Empty: web.T(c, "Nobody has this role.")}
	for _, p := range s.people {
		t.Rows = append(t.Rows, []views.Cell{{Text: p.Name, Data: true, Href: "/admin/users/" + p.ID.Show("user")}})
	}
	return views.Part{Title: title, ID: "people", Text: web.T(c, "You give a role on the page of the user."), Table: &t}
}

// deletePart is how the role goes; nil for one that the reader can't delete.
func deletePart(c echo.Context, s shown) *views.Part {
	own := web.Actor(c).StaffRole
	if !s.own || !permission.Staff(own, permission.StaffRolesManage) || len(permission.Beyond(own, s.has)) > 0 {
		return nil
	}
	p := views.Part{Title: web.T(c, "Delete role"), ID: "delete", Danger: true}
	if len(s.people) > 0 {
		p.Text = web.T(c, "People have this role. Give them another one first.")
		return &p
	}
	p.Form = &views.Form{Spec: components.FormSpec{Action: path(s.composed.ID) + "/delete"}, Submit: web.T(c, "Delete role"), Kind: components.Danger}
	return &p
}

// Delete removes a role that nobody has.
func (h *Handler) Delete(c echo.Context) error {
	id, err := web.PathID(c, "role", staffrole.Prefix)
	if err != nil {
		return err
	}
	if err := h.Roles.Delete(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, root, text.N("The role is deleted."))
}

// groups are what permissions belong to, by the second word of their names.
var groups = []struct {
	title string
	words string
}{
	{text.N("People"), "users organizations roles"},
	{text.N("Access"), "keys apis requests leaks"},
	{text.N("Watch"), "usage audit replicas"},
	{text.N("Support"), "questions support"},
	{text.N("Settings"), ""}, // all others
}

func groupOf(n permission.Name) int {
	noun := strings.Split(string(n), ":")[1]
	for i, g := range groups {
		for w := range strings.FieldsSeq(g.words) {
			if w == noun {
				return i
			}
		}
	}
	return len(groups) - 1
}
