package scim

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/scim"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// pages lists the routes for owners.
func (h *Handler) pages(r *web.Registrar) {
	const root = "/console/organizations/:id/directory"
	in := web.SignedIn()
	r.Get(root, in, h.Directory)
	r.Get(root+"/tokens/new", in.Fresh(), h.NewToken)
	r.Post(root+"/tokens/new", in.Fresh(), h.MakeToken)
	r.Get(root+"/tokens/:token/revoke", in, h.ConfirmRevoke)
	r.Post(root+"/tokens/:token/revoke", in, h.Revoke)
	r.Post(root+"/role", in.Fresh(), h.SetDefaultRole)
	r.Get(root+"/groups/:group", in.Fresh(), h.GroupForm)
	r.Post(root+"/groups/:group", in.Fresh(), h.SetGroupRole)
}

var roleWords = map[string]string{
	"": text.N("No role"), permission.Viewer: text.N("Viewer"), permission.Developer: text.N("Developer"), permission.Admin: text.N("Admin"),
}

var roleHints = map[string]string{
	"": text.N("The group is kept, and gives nothing."), permission.Viewer: text.N("Sees apps, keys and usage."), permission.Developer: text.N("Also makes keys, and manages their own."),
	permission.Admin: text.N("Also manages all keys, apps, access and members below owner."),
}

// crumbs lead to the organization, and from below its directory to that.
func crumbs(c echo.Context, o org.Mine, below bool) []components.Crumb {
	out := []components.Crumb{
		{Label: web.T(c, "Organizations"), Href: "/console/organizations"}, {Label: o.Name, Href: "/console/organizations/" + o.ID.Show(org.Prefix), Own: true},
	}
	if below {
		out = append(out, components.Crumb{Label: web.T(c, "Directory"), Href: scim.Page(o.ID)})
	}
	return out
}

// organization is the one of the path, of the reader's.
func (h *Handler) organization(c echo.Context) (org.Mine, error) {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return org.Mine{}, err
	}
	return h.Orgs.Get(web.Ctx(c), web.Actor(c), id)
}

// Directory shows how the directory stands: its address and tokens, the roles that it gives, and its groups.
func (h *Handler) Directory(c echo.Context) error {
	d, err := h.desk(c, nil)
	if err != nil {
		return err
	}
	return h.Render(c, views.Page(d))
}

func (h *Handler) desk(c echo.Context, fields map[string]string) (views.Desk, error) {
	o, err := h.organization(c)
	if err != nil {
		return views.Desk{}, err
	}
	d, err := h.Store.Directory(web.Ctx(c), web.Actor(c), o.ID)
	if err != nil {
		return views.Desk{}, err
	}
	title := web.T(c, "Directory")
	page := views.Desk{
		Frame: h.Frame(c, title), Title: title, Crumbs: crumbs(c, o, false),
		Lead: web.T(c, "Your company’s directory, such as Okta or Entra ID, adds and removes members by SCIM 2.0: people whose address is in a domain that this organization has proven. It never makes an owner."),
	}
	if !d.Proven {
		page.Parts = append(page.Parts, unproven(c, o))
		if len(d.Tokens) == 0 {
			return page, nil
		}
	}
	if n := h.endingNote(c, d.Ending); n != nil {
		p := views.Part{Note: n}
		if create := h.createToken(c, o, d); create != nil {
			p.Actions = []components.Act{*create}
		}
		page.Parts = append(page.Parts, p)
	}
	page.Parts = append(page.Parts, h.connectPart(c, d), h.tokensPart(c, o, d), h.rolePart(c, o, d, fields), h.groupsPart(c, o, d))
	return page, nil
}

// unproven leads to where a domain is proven.
func unproven(c echo.Context, o org.Mine) views.Part {
	return views.Part{Empty: &components.EmptyState{
		Title: web.T(c, "No domain is proven"), Text: web.T(c, "A directory manages people with an address in your domains. Prove one first."),
		Action: &components.Act{Label: web.T(c, "Manage domains"), Href: "/console/organizations/" + o.ID.Show(org.Prefix) + "/domains", Kind: components.Primary},
	}}
}

// connectPart is what the directory is told.
func (h *Handler) connectPart(c echo.Context, d scim.Directory) views.Part {
	ctx := web.Ctx(c)
	return views.Part{
		Title: web.T(c, "Connect"), ID: "connect", Text: web.T(c, "Enter this address and a token in your directory. The userName of each person is their address."),
		Facts: []views.Fact{
			{Term: web.T(c, "Address"), Value: h.Link("/scim/v2"), Code: true},
			{Term: web.T(c, "People"), Value: web.T(c, "%[1]s, of them %[2]s active", text.Number(ctx, int64(d.People)), text.Number(ctx, int64(d.Active)))},
		},
		Actions: []components.Act{{Label: web.T(c, "Read how to connect"), Href: "/guides/directories"}},
	}
}

func (h *Handler) tokensPart(c echo.Context, o org.Mine, d scim.Directory) views.Part {
	p := views.Part{Title: web.T(c, "Tokens"), ID: "tokens", Text: web.T(c, "At most two work at a time, so that the next can take over. A token works as long as who made it is an owner here.")}
	create := h.createToken(c, o, d)
	if len(d.Tokens) == 0 {
		p.Empty = &components.EmptyState{Title: web.T(c, "No token yet"), Text: web.T(c, "Create one, and enter it in your directory."), Action: create}
		return p
	}
	if create != nil && d.Ending == nil {
		p.Actions = []components.Act{*create}
	}
	p.Table = &views.Table{Named: true, Spec: components.TableSpec{Caption: web.T(c, "Tokens of the directory"), Stacks: true, Columns: []components.Column{
		{Label: web.T(c, "Name")}, {Label: web.T(c, "State")}, {Label: web.T(c, "Created")}, {Label: web.T(c, "Last used")}, {Label: web.T(c, "Ends")}, {Label: web.T(c, "Revoke"), Hidden: true},
	}}}
	for _, t := range d.Tokens {
		used := views.Cell{Text: web.T(c, "Never")}
		if t.LastUsedAt != nil {
			used = views.Cell{Moment: h.Moment(c, *t.LastUsedAt)}
		}
		row := []views.Cell{
			{Text: t.Name, Data: true, Hint: t.Hint, HData: true}, {Status: h.state(c, d, t), Hint: web.T(c, "by %s", t.Maker)}, {Moment: h.Moment(c, t.CreatedAt)}, used, {Moment: h.Moment(c, t.ExpiresAt)}, {},
		}
		if t.Living(h.Now()) {
			row[5].Acts = []components.Act{{Label: web.T(c, "Revoke"), Href: h.tokenPath(o.ID, t.ID) + "/revoke"}}
			row[5].Labels = []string{web.T(c, "Revoke %s", t.Name)}
		}
		p.Table.Rows = append(p.Table.Rows, row)
	}
	return p
}

func (h *Handler) tokenPath(organization, token db.ID) string {
	return scim.Page(organization) + "/tokens/" + token.Show(scim.TokenPrefix)
}

// state puts into words whether a token works, and why not.
func (h *Handler) state(c echo.Context, d scim.Directory, t scim.Token) *views.Status {
	switch {
	case t.RevokedAt != nil:
		return &views.Status{Tone: components.Bad, Words: web.T(c, "Revoked")}
	case !t.Living(h.Now()):
		return &views.Status{Tone: components.Bad, Words: web.T(c, "Expired")}
	case !t.Held:
		return &views.Status{Tone: components.Bad, Words: web.T(c, "Stopped: who made it is no owner now")}
	case !d.Proven:
		return &views.Status{Tone: components.Bad, Words: web.T(c, "Stopped: no domain is proven")}
	}
	if t.ExpiresAt.Sub(h.Now()) <= scim.Ahead {
		return h.endsSoon(c, t)
	}
	return &views.Status{Tone: components.OK, Words: web.T(c, "Works")}
}

func (h *Handler) rolePart(c echo.Context, o org.Mine, d scim.Directory, fields map[string]string) views.Part {
	f := components.Field{Name: "role", Label: web.T(c, "Role of new people"), Error: fields["role"], Required: true}
	for _, role := range scim.DefaultRoles {
		f.Options = append(f.Options, components.Option{Value: role, Label: web.T(c, roleWords[role]), Hint: web.T(c, roleHints[role]), Selected: role == d.DefaultRole})
	}
	return views.Part{
		Title: web.T(c, "New people"), ID: "role", Text: web.T(c, "This is what people are who are in no group with a role. Who is a member already keeps their role."),
		Form: &views.Form{Spec: components.FormSpec{Action: scim.Page(o.ID) + "/role"}, Inputs: []views.Input{views.Radios(f)}, Submit: web.T(c, "Save role of new people")},
	}
}

func (h *Handler) groupsPart(c echo.Context, o org.Mine, d scim.Directory) views.Part {
	p := views.Part{Title: web.T(c, "Groups"), ID: "groups", Text: web.T(c, "Who is in several groups gets the highest of their roles. Owners stay owners.")}
	if len(d.Groups) == 0 {
		p.Empty = &components.EmptyState{Title: web.T(c, "No group yet"), Text: web.T(c, "Groups that your directory sends stand here. You choose which role each gives.")}
		return p
	}
	p.Table = &views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Groups of the directory"), Columns: []components.Column{
		{Label: web.T(c, "Group")}, {Label: web.T(c, "Role")}, {Label: web.T(c, "People"), Num: true},
	}}}
	for _, g := range d.Groups {
		p.Table.Rows = append(p.Table.Rows, []views.Cell{
			{Text: g.DisplayName, Data: true, Href: scim.Page(o.ID) + "/groups/" + g.ID.Show(scim.GroupPrefix)}, {Text: web.T(c, roleWords[g.Role])}, {Text: strconv.Itoa(g.Size), Num: true},
		})
	}
	return p
}
