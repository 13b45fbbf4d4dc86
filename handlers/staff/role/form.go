package role

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/staff"
)

type roleForm struct {
	Name        string   `form:"name"`
	Description string   `form:"description"`
	Permissions []string `form:"permission"`
}

func (f roleForm) input() staffrole.Input {
	in := staffrole.Input{Name: f.Name, Description: f.Description}
	for _, p := range f.Permissions {
		if n := permission.Name(p); !slices.Contains(in.Permissions, n) {
			in.Permissions = append(in.Permissions, n)
		}
	}
	return in
}

func of(has []permission.Name) []string {
	out := make([]string, len(has))
	for i, n := range has {
		out[i] = string(n)
	}
	return out
}

// New is the form for a role; ?from= fills it with the permissions of another one.
func (h *Handler) New(c echo.Context) error {
	f := roleForm{}
	if from := c.QueryParam("from"); from != "" {
		s, err := h.read(c, from)
		if err != nil {
			return err
		}
		f.Permissions = of(s.has)
	}
	return h.form(c, nil, f, nil)
}

// Create makes a role.
func (h *Handler) Create(c echo.Context) error {
	var f roleForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	r, err := h.Roles.Create(web.Ctx(c), web.Actor(c), f.input())
	if _, _, ok := web.Problems(c, err); ok {
		return h.form(c, nil, f, err)
	}
	if err != nil {
		return err
	}
	if along := broughtAlong(c, f.input().Permissions); along != "" {
		return h.Done(c, path(r.ID), text.N("The role is there. Give it on the page of a user. It has more than you ticked, since the pages of one permission need others: %s."), along)
	}
	return h.Done(c, path(r.ID), text.N("The role is there. Give it on the page of a user."))
}

// Edit is the form of a role that is there.
func (h *Handler) Edit(c echo.Context) error {
	r, err := h.role(c)
	if err != nil {
		return err
	}
	return h.form(c, &r, roleForm{r.Name, r.Description, of(r.Has())}, nil)
}

// Change saves it, for all who have it.
func (h *Handler) Change(c echo.Context) error {
	r, err := h.role(c)
	if err != nil {
		return err
	}
	var f roleForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	err = h.Roles.Change(web.Ctx(c), web.Actor(c), r.ID, f.input())
	if _, _, ok := web.Problems(c, err); ok {
		return h.form(c, &r, f, err)
	}
	if err != nil {
		return err
	}
	if along := broughtAlong(c, f.input().Permissions); along != "" {
		return h.Done(c, path(r.ID), text.N("The role is saved. It holds from the next request on, for all who have it. It has more than you ticked, since the pages of one permission need others: %s."), along)
	}
	return h.Done(c, path(r.ID), text.N("The role is saved. It holds from the next request on, for all who have it."))
}

func (h *Handler) role(c echo.Context) (staffrole.Role, error) {
	id, err := web.PathID(c, "role", staffrole.Prefix)
	if err != nil {
		return staffrole.Role{}, err
	}
	return h.Roles.Get(web.Ctx(c), web.Actor(c), id)
}

func (h *Handler) form(c echo.Context, r *staffrole.Role, f roleForm, failed error) error {
	p := views.RoleForm{
		Title: web.T(c, "Compose role"), Action: root + "/new", Cancel: root, Submit: web.T(c, "Create role"),
		Lead:   web.T(c, "You can give only what your own role has.") + " " + web.T(c, alongWords),
		Crumbs: []components.Crumb{{Label: web.T(c, "Roles"), Href: root}},
	}
	if r != nil {
		p.Title, p.Action, p.Cancel, p.Submit = web.T(c, "Edit role"), path(r.ID)+"/edit", path(r.ID), web.T(c, "Save role")
		p.Lead = web.T(c, "What you save holds from the next request on, for all who have the role.") + " " + web.T(c, alongWords)
		p.Crumbs = append(p.Crumbs, components.Crumb{Label: r.Name, Href: path(r.ID), Own: true})
	}
	p.Frame, p.Crumbs = h.Frame(c, p.Title), append(p.Crumbs, components.Crumb{Label: p.Title})
	problems, wrong, failedHere := web.Problems(c, failed)
	p.Problems, p.Error = problems, wrong["permissions"]
	p.Name = components.Field{Name: "name", Label: web.T(c, "Name"), Value: f.Name, Error: wrong["name"], Required: true, MaxLength: staffrole.MaxName, Autocomplete: "off"}
	p.Description = components.Field{Name: "description", Label: web.T(c, "Description"), Value: f.Description, Error: wrong["description"], Optional: true, MaxLength: staffrole.MaxDescription, Autocomplete: "off"}
	p.Groups = choices(c, f)
	status := http.StatusOK
	if failedHere {
		status = http.StatusUnprocessableEntity
	}
	return h.RenderStatus(c, status, views.RolePage(p))
}

// choices are the permissions by what they are about; those that the reader lacks can't be chosen.
func choices(c echo.Context, f roleForm) []views.RoleGroup {
	own := web.Actor(c).StaffRole
	out := make([]views.RoleGroup, len(groups))
	for i, g := range groups {
		out[i].Field = components.Field{Name: "permission", ID: "f-permissions-" + strconv.Itoa(i), Label: web.T(c, g.title)}
	}
	for _, n := range permission.OfStaff() {
		row, _ := permission.Known(n)
		o := components.Option{Value: string(n), Label: web.T(c, row.Sentence), Hint: string(n), HintData: true, Disabled: !permission.Staff(own, n)}
		if needs := without(permission.Whole([]permission.Name{n}), []permission.Name{n}); len(needs) > 0 {
			o.Note = web.T(c, "Brings along: %s", quoted(c, needs))
		}
		o.Selected = slices.Contains(f.Permissions, string(n)) && !o.Disabled
		field := &out[groupOf(n)].Field
		field.Options = append(field.Options, o)
	}
	return out
}

var alongWords = text.N("A permission brings along those that its pages need, ticked or not.")

// broughtAlong names what a role has beyond what was ticked, and for the sake of what; "" for nothing.
func broughtAlong(c echo.Context, ticked []permission.Name) string {
	var all []string
	for _, n := range without(permission.Whole(ticked), ticked) {
		for _, by := range ticked {
			if slices.Contains(permission.Whole([]permission.Name{by}), n) {
				all = append(all, web.T(c, "%s comes with %s", quoted(c, []permission.Name{n}), quoted(c, []permission.Name{by})))
				break
			}
		}
	}
	return strings.Join(all, ", ")
}

// quoted are the sentences of permissions, in the order of the table.
func quoted(c echo.Context, names []permission.Name) string {
	all := make([]string, len(names))
	for i, n := range names {
		row, _ := permission.Known(n)
		all[i] = web.T(c, "“%s”", web.T(c, row.Sentence))
	}
	return strings.Join(all, ", ")
}

func without(all, some []permission.Name) (left []permission.Name) {
	for _, n := range all {
		if !slices.Contains(some, n) {
			left = append(left, n)
		}
	}
	return left
}
