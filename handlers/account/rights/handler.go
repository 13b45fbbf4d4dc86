// Package rights has the page that tells people what they may do, and why.
package rights

import (
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// Handler answers the area's routes.
type Handler struct {
	*web.Kit
	Orgs   *org.Store
	Shared func(echo.Context) (*views.Part, error) // what shares of other organizations let the reader do; a nil part when there are none
	Shut   func(echo.Context) (*views.Part, error) // the reader's organizations of which they reach nothing without a second factor; a nil part when there are none
}

// Routes are the area's routes.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get(path, web.SignedIn(), h.Permissions)
}

const (
	path  = "/me/permissions"
	staff = "staff" // names the place of staff in the query
)

// place is where somebody has a role: an organization, or the portal's staff.
type place struct {
	ref, name, href string
	own             bool // the name is somebody's
	role            string
	roleOwn         bool
	organization    db.ID // zero: staff
	has             func(permission.Name) bool
	all             []permission.Name
}

// Permissions tells where the reader has a role, and for one of these places what it allows and who can give what it lacks.
func (h *Handler) Permissions(c echo.Context) error {
	places, err := h.places(c)
	if err != nil {
		return err
	}
	title := web.T(c, "What you may do")
	d := views.Desk{
		Frame: h.Frame(c, title), Title: title, Lead: web.T(c, "What you may do follows from your role in each place. It is read anew for every request."),
	}
	shut, err := h.Shut(c)
	if err != nil {
		return err
	}
	if shut != nil {
		d.Parts = []views.Part{*shut}
	}
	switch {
	case len(places) > 0:
		err = h.open(c, &d, places)
	case shut == nil:
		d.Parts = []views.Part{{Empty: &components.EmptyState{
			Title: web.T(c, "You belong to no organization"), Text: web.T(c, "Make one, or have somebody invite you into theirs."),
			Action: &components.Act{Label: web.T(c, "Create organization"), Href: "/console/organizations/new", Kind: components.Primary},
		}}}
	}
	if err != nil {
		return err
	}
	return h.Render(c, views.Page(d))
}

// open tells of the places that are open to the reader, and of one of them all that they may do there.
func (h *Handler) open(c echo.Context, d *views.Desk, places []place) error {
	shown := places[0]
	for _, p := range places {
		if p.ref == c.QueryParam("in") {
			shown = p
		}
	}
	d.Parts = append(d.Parts, views.Part{Title: web.T(c, "Where you have a role"), ID: "places", Table: placesTable(c, places, shown)})
	d.Parts = append(d.Parts, h.allowed(c, shown)...)
	shared, err := h.Shared(c)
	if shared != nil {
		d.Parts = append(d.Parts, *shared)
	}
	return err
}

func (h *Handler) places(c echo.Context) ([]place, error) {
	ctx, who := web.Ctx(c), web.Actor(c)
	var out []place
	if who.StaffRole != "" {
		p := place{ref: staff, name: web.T(c, "Staff of this portal"), has: func(n permission.Name) bool { return permission.Staff(who.StaffRole, n) }, all: permission.OfStaff()}
		base := permission.Base(who.StaffRole)
		p.role = web.RoleName(c, base)
		if !permission.IsBuiltIn(base) {
			name, err := staffrole.Name(h.DB.Read(ctx), base)
			if err != nil {
				return nil, err
			}
			p.role, p.roleOwn = name, true
		}
		if permission.Staff(who.StaffRole, permission.StaffUsersRead) {
			p.href = "/admin/roles/" + base
			if p.roleOwn {
				p.href = "/admin/roles"
			}
		}
		out = append(out, p)
	}
	mine, err := h.Orgs.Mine(ctx, who)
	if err != nil {
		return nil, err
	}
	for _, o := range mine {
		role := o.Role
		out = append(out, place{
			ref: o.ID.Show(org.Prefix), name: o.Name, own: true, href: "/console/organizations/" + o.ID.Show(org.Prefix), role: web.RoleName(c, role), organization: o.ID,
			has: func(n permission.Name) bool { return permission.Org(role, n) }, all: permission.OfOrganizations(),
		})
	}
	return out, nil
}

func placesTable(c echo.Context, places []place, shown place) *views.Table {
	t := views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Where you have a role"), Columns: []components.Column{
		{Label: web.T(c, "Where")}, {Label: web.T(c, "Your role")}, {Label: web.T(c, "Permissions"), Num: true},
	}}}
	for _, p := range places {
		n := 0
		for _, name := range p.all {
			if p.has(name) {
				n++
			}
		}
		first := views.Cell{Text: p.name, Data: p.own, Href: path + "?in=" + p.ref}
		if p.ref == shown.ref {
			first.Badge = web.T(c, "Shown below")
		}
		t.Rows = append(t.Rows, []views.Cell{first, {Text: p.role, Data: p.roleOwn}, {Text: web.T(c, "%[1]s of %[2]s", text.Number(web.Ctx(c), n), text.Number(web.Ctx(c), len(p.all))), Num: true}})
	}
	return &t
}

// allowed is what the reader may do in one place, and what not.
func (h *Handler) allowed(c echo.Context, p place) []views.Part {
	columns := []components.Column{{Label: web.T(c, "What")}, {Label: web.T(c, "Permission")}, {Label: web.T(c, "Why")}}
	may := views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "You may"), Columns: columns}, Empty: web.T(c, "Nothing.")}
	not := views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "You may not"), Columns: []components.Column{{Label: web.T(c, "What")}, {Label: web.T(c, "Permission")}, {Label: web.T(c, "Roles that have it")}, {Label: web.T(c, "Who can give it")}}}}
	why := web.T(c, "Your role: %s", p.role)
	for _, n := range p.all {
		row, _ := permission.Known(n)
		what, code := views.Cell{Text: web.T(c, row.Sentence), Wrap: true}, views.Cell{Text: string(n), Code: true, Data: true}
		if p.has(n) {
			may.Rows = append(may.Rows, []views.Cell{what, code, {Text: why, Data: p.roleOwn, Href: p.href}})
			continue
		}
		g := h.GiversOf(c, n, p.organization)
		by := views.Cell{Text: strings.Join(g.By, ", "), Wrap: true, HData: true}
		var names []string
		for _, giver := range g.People {
			names = append(names, giver.Name)
		}
		by.Hint = strings.Join(names, ", ")
		not.Rows = append(not.Rows, []views.Cell{what, code, {Text: strings.Join(g.Roles, ", "), Wrap: true}, by})
	}
	parts := []views.Part{{Title: may.Spec.Caption, ID: "may", Table: &may}}
	if len(not.Rows) > 0 {
		parts = append(parts, views.Part{Title: not.Spec.Caption, ID: "may-not", Table: &not})
	}
	return parts
}
