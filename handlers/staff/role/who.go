package role

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staff"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

const whoPath = "/admin/who"

// objectPages are where staff look at an object, and the prefix of its id.
var objectPages = map[string]struct{ path, prefix, words string }{
	"organization": {"/admin/organizations/", org.Prefix, text.N("Organization")}, "app": {"/admin/apps/", org.AppPrefix, text.N("App")},
	"key": {"/admin/keys/", key.IDPrefix, text.N("Key")}, "api": {"/admin/apis/", catalog.Prefix, text.N("API")},
}

// Who answers who may do something, and why: for any permission, and any organization, app, key or API.
func (h *Handler) Who(c echo.Context) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	asked, object := permission.Name(c.QueryParam("permission")), strings.TrimSpace(c.QueryParam("object"))
	title := web.T(c, "Who can do this?")
	d := views.Desk{
		Frame: h.Frame(c, title), Title: title, Lead: web.T(c, "Everybody who may do something, and why, as their next request would be answered."),
	}
	var o staff.Object
	var found []staff.Can
	err := h.Unkeyed(c, nil, &object)
	if err == nil && object != "" {
		o, err = h.Staff.Object(ctx, who, object)
	}
	if err == nil && asked != "" {
		found, err = h.Staff.Who(ctx, who, asked, o)
	}
	problems, wrong, invalid := web.Problems(c, err)
	if err != nil && !invalid {
		return err
	}
	d.Problems = problems
	d.Parts = []views.Part{{Form: &views.Form{
		Spec: components.FormSpec{Action: whoPath, Method: "get", Label: title}, Submit: web.T(c, "Show who can"), Kind: components.Primary,
		Inputs: []views.Input{
			views.Select(components.Field{Name: "permission", Label: web.T(c, "Permission"), Error: wrong["permission"], Options: permissionOptions(c, asked)}),
			views.Line(components.Field{Name: "object", Label: web.T(c, "On what"), Value: object, Error: wrong["object"], Hint: web.T(c, "The id of an organization, an app, a key or an API"), Autocomplete: "off", Optional: true, Code: true}),
		},
	}}}
	status := http.StatusOK
	switch {
	case invalid:
		status = http.StatusUnprocessableEntity
	case asked != "":
		part, err := h.answer(c, asked, o, found)
		if err != nil {
			return err
		}
		d.Parts = append(d.Parts, part)
	}
	return h.RenderStatus(c, status, views.Page(d))
}

func permissionOptions(c echo.Context, asked permission.Name) []components.Option {
	out := []components.Option{{Value: "", Label: web.T(c, "Choose a permission")}}
	for _, row := range permission.Table {
		group := web.T(c, "In an organization")
		if len(row.Staff) > 0 {
			group = web.T(c, "Staff")
		}
		out = append(out, components.Option{Value: string(row.Name), Label: web.T(c, row.Sentence), Group: group, Selected: row.Name == asked})
	}
	return out
}

// answer lists those who may.
func (h *Handler) answer(c echo.Context, p permission.Name, o staff.Object, found []staff.Can) (views.Part, error) {
	row, _ := permission.Known(p)
	composed, err := staffrole.All(h.DB.Read(web.Ctx(c)))
	if err != nil {
		return views.Part{}, err
	}
	part := views.Part{Title: web.T(c, "Who can"), ID: "who", Facts: []views.Fact{{Term: web.T(c, "Permission"), Value: web.T(c, row.Sentence)}, {Term: web.T(c, "Name"), Value: string(p), Code: true}}}
	if at, ok := objectPages[o.Kind]; ok {
		part.Facts = append(part.Facts, views.Fact{Term: web.T(c, at.words), Value: o.Name, Data: true, Href: at.path + o.ID.Show(at.prefix)})
	}
	t := views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "People"), Columns: []components.Column{{Label: web.T(c, "Name")}, {Label: web.T(c, "Role")}, {Label: web.T(c, "Why")}}}, Empty: web.T(c, "Nobody can.")}
	for _, can := range found {
		role := views.Cell{Text: web.RoleName(c, can.Role)}
		for _, r := range composed {
			if can.By == staff.ByStaffRole && r.ID.String() == can.Role {
				role = views.Cell{Text: r.Name, Data: true, Href: path(r.ID)}
			}
		}
		name := views.Cell{Text: can.Name, Data: true, Href: "/admin/users/" + can.ID.Show("user")}
		if can.NeedsFactor {
			name.Badge = web.T(c, "Needs a second factor first")
		}
		t.Rows = append(t.Rows, []views.Cell{name, role, {Text: why(c, can, o), Wrap: true}})
	}
	if len(found) >= staff.MostWho {
		part.Text = web.T(c, "The first %d are shown.", staff.MostWho)
	}
	part.Table = &t
	return part, nil
}

func why(c echo.Context, can staff.Can, o staff.Object) string {
	switch can.By {
	case staff.ByStaffRole:
		return web.T(c, "By the role among staff")
	case staff.ByMaking:
		return web.T(c, "Made the key, or answers for it")
	case staff.ByShare:
		return web.T(c, "By a share with %[1]s until %[2]s: %[3]s", can.Receiver, text.DateTime(web.Ctx(c), can.EndsAt), web.RightName(c, can.Right))
	case staff.ByMakingAll:
		return web.T(c, "By the role in %s, which manages all keys there", o.Organization)
	}
	return web.T(c, "By the role in %s", o.Organization)
}
