package scim

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/scim"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

type tokenForm struct {
	Name string `form:"name"`
	Days int    `form:"days"`
}

// NewToken asks for the name and the life of a token.
func (h *Handler) NewToken(c echo.Context) error {
	d, err := h.newDesk(c, tokenForm{Days: scim.Lives[len(scim.Lives)-1]}, nil)
	if err != nil {
		return err
	}
	return h.Render(c, views.Page(d))
}

func (h *Handler) newDesk(c echo.Context, typed tokenForm, fields map[string]string) (views.Desk, error) {
	o, err := h.organization(c)
	if err != nil {
		return views.Desk{}, err
	}
	d, err := h.Store.Directory(web.Ctx(c), web.Actor(c), o.ID)
	if err != nil { // who may not have one, is not asked
		return views.Desk{}, err
	}
	title := web.T(c, "Create token")
	if !d.Proven {
		return views.Desk{Frame: h.Frame(c, title), Title: title, Crumbs: crumbs(c, o, true), Parts: []views.Part{unproven(c, o)}}, nil
	}
	life := components.Field{Name: "days", Label: web.T(c, "Works for"), Error: fields["days"], Required: true}
	for _, days := range scim.Lives {
		life.Options = append(life.Options, components.Option{Value: strconv.Itoa(days), Label: web.T(c, "%d days", days), Selected: days == typed.Days})
	}
	return views.Desk{
		Frame: h.Frame(c, title), Title: title, Crumbs: crumbs(c, o, true),
		Lead: web.T(c, "Whoever holds the token adds and removes members of this organization. It is shown once, and the owners and admins are told."),
		Parts: []views.Part{{Form: &views.Form{
			Spec: components.FormSpec{Action: scim.Page(o.ID) + "/tokens/new"},
			Inputs: []views.Input{
				views.Line(components.Field{Name: "name", Label: web.T(c, "Name"), Hint: web.T(c, "Such as the name of the directory."), Value: typed.Name, Error: fields["name"], Required: true, Autocomplete: "off", MaxLength: org.MaxName}),
				views.Select(life),
			},
			Submit: title, Kind: components.Primary, Cancel: scim.Page(o.ID),
		}}},
	}, nil
}

// MakeToken makes a token, and shows it, once.
func (h *Handler) MakeToken(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	var f tokenForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	t, secret, err := h.Store.MakeToken(web.Ctx(c), web.Actor(c), id, scim.NewToken{Name: f.Name, Days: f.Days})
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.newDesk(c, f, fields) })
	}
	o, err := h.organization(c)
	if err != nil {
		return err
	}
	title := web.T(c, "The token is made")
	return h.Render(c, views.Page(views.Desk{
		Frame: h.Frame(c, title), Title: title, Crumbs: crumbs(c, o, true),
		Parts: []views.Part{{
			Note:    &views.Note{Tone: components.Warn, Title: web.T(c, "Copy it now"), Text: web.T(c, "It is shown this once. Enter it in your directory, and keep it nowhere else.")},
			Facts:   []views.Fact{{Term: web.T(c, "Name"), Value: t.Name, Data: true}, {Term: web.T(c, "Ends"), Moment: h.Moment(c, t.ExpiresAt)}, {Term: web.T(c, "Address"), Value: h.Link("/scim/v2"), Code: true}},
			Secret:  &views.Secret{Label: web.T(c, "Token"), Value: secret.Reveal()},
			Actions: []components.Act{{Label: web.T(c, "Go to the directory"), Href: scim.Page(o.ID)}},
		}},
	}))
}

// token is the one of the path, of the reader's.
func (h *Handler) token(c echo.Context) (o org.Mine, t scim.Token, err error) {
	if o, err = h.organization(c); err != nil {
		return o, t, err
	}
	id, err := web.PathID(c, "token", scim.TokenPrefix)
	if err != nil {
		return o, t, err
	}
	t, err = h.Store.Token(web.Ctx(c), web.Actor(c), o.ID, id)
	return o, t, err
}

// ConfirmRevoke says what stops.
func (h *Handler) ConfirmRevoke(c echo.Context) error {
	o, t, err := h.token(c)
	if err != nil {
		return err
	}
	title := web.T(c, "Revoke token")
	return h.Render(c, views.Page(views.Desk{
		Frame: h.Frame(c, title), Title: title, Crumbs: crumbs(c, o, true),
		Parts: []views.Part{{
			Danger: true, Title: web.T(c, "What stops"), Text: web.T(c, "A directory that uses this token changes nothing any more. Members stay members."),
			Facts: []views.Fact{{Term: web.T(c, "Name"), Value: t.Name, Data: true}, {Term: web.T(c, "Token"), Value: t.Hint, Code: true}},
			Form:  &views.Form{Spec: components.FormSpec{Action: h.tokenPath(o.ID, t.ID) + "/revoke"}, Submit: title, Kind: components.Danger, Cancel: scim.Page(o.ID)},
		}},
	}))
}

// Revoke ends a token.
func (h *Handler) Revoke(c echo.Context) error {
	organization, id, err := ids(c, "token", scim.TokenPrefix)
	if err != nil {
		return err
	}
	if _, err := h.Store.RevokeToken(web.Ctx(c), web.Actor(c), organization, id); err != nil {
		return err
	}
	return h.Done(c, scim.Page(organization), text.N("The token is revoked."))
}

func ids(c echo.Context, name, prefix string) (organization, id db.ID, err error) {
	if organization, err = web.PathID(c, "id", org.Prefix); err == nil {
		id, err = web.PathID(c, name, prefix)
	}
	return organization, id, err
}

type roleForm struct {
	Role string `form:"role"`
}

// SetDefaultRole says as what people come.
func (h *Handler) SetDefaultRole(c echo.Context) error {
	organization, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	var f roleForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.SetDefaultRole(web.Ctx(c), web.Actor(c), organization, f.Role); err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.desk(c, fields) })
	}
	return h.Done(c, scim.Page(organization), text.N("The role of new people is saved."))
}

// GroupForm asks which role a group gives.
func (h *Handler) GroupForm(c echo.Context) error {
	d, err := h.groupDesk(c, nil)
	if err != nil {
		return err
	}
	return h.Render(c, views.Page(d))
}

// shownMembers is how many of a group's members its page names.
const shownMembers = 100

func (h *Handler) groupDesk(c echo.Context, fields map[string]string) (views.Desk, error) {
	o, err := h.organization(c)
	if err != nil {
		return views.Desk{}, err
	}
	id, err := web.PathID(c, "group", scim.GroupPrefix)
	if err != nil {
		return views.Desk{}, err
	}
	g, err := h.Store.OwnGroup(web.Ctx(c), web.Actor(c), o.ID, id)
	if err != nil {
		return views.Desk{}, err
	}
	f := components.Field{Name: "role", Label: web.T(c, "Role of this group"), Error: fields["role"]}
	for _, role := range append([]string{""}, scim.GroupRoles...) {
		f.Options = append(f.Options, components.Option{Value: role, Label: web.T(c, roleWords[role]), Hint: web.T(c, roleHints[role]), Selected: role == g.Role})
	}
	page := views.Desk{
		Frame: h.Frame(c, g.DisplayName), Title: g.DisplayName, DataTitle: true, Crumbs: crumbs(c, o, true),
		Lead: web.T(c, "Whoever manages this group in your directory says who gets its role here. It holds at once, for everybody who is in it now and later."),
		Parts: []views.Part{{Form: &views.Form{
			Spec: components.FormSpec{Action: scim.Page(o.ID) + "/groups/" + g.ID.Show(scim.GroupPrefix)}, Inputs: []views.Input{views.Radios(f)},
			Submit: web.T(c, "Save role"), Kind: components.Primary, Cancel: scim.Page(o.ID),
		}}},
	}
	t := views.Table{Spec: components.TableSpec{Caption: web.T(c, "People in this group"), Columns: []components.Column{{Label: web.T(c, "Address")}}}, Empty: web.T(c, "Nobody is in it.")}
	for _, m := range g.Members[:min(len(g.Members), shownMembers)] {
		t.Rows = append(t.Rows, []views.Cell{{Text: m.Name, Data: true}})
	}
	part := views.Part{Title: web.T(c, "Members"), ID: "members", Table: &t}
	if len(g.Members) > shownMembers {
		part.Text = web.T(c, "The first %[1]d of %[2]d are shown.", shownMembers, len(g.Members))
	}
	page.Parts = append(page.Parts, part)
	return page, nil
}

// SetGroupRole says which role a group gives.
func (h *Handler) SetGroupRole(c echo.Context) error {
	organization, id, err := ids(c, "group", scim.GroupPrefix)
	if err != nil {
		return err
	}
	var f roleForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	g, err := h.Store.SetGroupRole(web.Ctx(c), web.Actor(c), organization, id, f.Role)
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.groupDesk(c, fields) })
	}
	return h.Done(c, scim.Page(organization), "The role of the group %s is saved.", g.DisplayName)
}
