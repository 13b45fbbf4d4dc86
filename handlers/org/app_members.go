package org

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// limitedBadge marks an app that not all members reach.
func limitedBadge(c echo.Context, a org.AppRow) string {
	if !a.Limited {
		return ""
	}
	return web.T(c, "Limited")
}

func whoReaches(c echo.Context, limited bool) string {
	if limited {
		return web.T(c, "Owners, admins and chosen members")
	}
	return web.T(c, "All members of the organization")
}

// appMembersPart tells who reaches an app, and leads admins to the choice; nil where there is nothing to tell.
func appMembersPart(c echo.Context, app org.AppRow) *views.Part {
	may := permission.Org(app.Role, permission.AppsManage)
	if !may && !app.Limited {
		return nil
	}
	p := views.Part{Title: web.T(c, "Who reaches this app"), ID: "members", Facts: []views.Fact{{Term: web.T(c, "Members"), Value: whoReaches(c, app.Limited)}}}
	if may {
		p.Actions = []components.Act{{Label: web.T(c, "Choose members"), Href: appPath(app.ID) + "/members"}}
	}
	return &p
}

const (
	reachAll  = "all"
	reachSome = "some"
)

type appMembersForm struct {
	Reach   string   `form:"reach"`
	Members []string `form:"members"`
}

// AppMembers asks who shall reach an app.
func (h *Handler) AppMembers(c echo.Context) error {
	d, err := h.appMembersDesk(c, nil, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) appMembersDesk(c echo.Context, f *appMembersForm, fields map[string]string) (views.Desk, error) {
	app, err := h.app(c)
	if err != nil {
		return views.Desk{}, err
	}
	all, err := h.Store.Insiders(web.Ctx(c), web.Actor(c), app.ID)
	if err != nil {
		return views.Desk{}, err
	}
	limited := app.Limited
	if f != nil {
		limited = f.Reach == reachSome
	}
	reach := components.Field{Name: "reach", Label: web.T(c, "Who reaches this app"), Error: fields["reach"], Required: true, Options: []components.Option{
		{Value: reachAll, Label: whoReaches(c, false), Selected: !limited},
		{Value: reachSome, Label: whoReaches(c, true), Hint: web.T(c, "For everybody else the app is not there, nor are its keys, access, usage and refusals."), Selected: limited},
	}}
	inputs := []views.Input{views.Radios(reach)}
	if len(all) > 0 {
		chosen := components.Field{Name: "members", Label: web.T(c, "Chosen members"), Error: fields["members"], Hint: web.T(c, "Owners and admins always reach every app, so they do not stand here.")}
		for _, i := range all {
			chosen.Options = append(chosen.Options, components.Option{Value: i.UserID.Show(userPrefix), Label: i.Name + " · " + i.Email, Selected: i.Inside, Data: true})
		}
		inputs = append(inputs, views.Many(chosen))
	}
	title := web.T(c, "Choose members")
	return views.Desk{
		Frame: h.Frame(c, title), Title: title, Lead: web.T(c, "It holds from their next request on. Keys work on, whoever made them. Programs reach a limited app with its own keys alone."),
		Crumbs: h.appCrumbs(c, app),
		Parts: []views.Part{{Form: &views.Form{
			Spec: components.FormSpec{Action: appPath(app.ID) + "/members"}, Inputs: inputs, Submit: web.T(c, "Save members"), Kind: components.Primary, Cancel: appPath(app.ID),
		}}},
	}, nil
}

// LimitApp saves who reaches an app.
func (h *Handler) LimitApp(c echo.Context) error {
	id, err := web.PathID(c, "id", org.AppPrefix)
	if err != nil {
		return err
	}
	var f appMembersForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	var inside []db.ID
	for _, m := range f.Members {
		user, _ := db.ParseID(userPrefix, m) // the zero ID is no member's
		inside = append(inside, user)
	}
	switch f.Reach {
	case reachAll, reachSome:
		err = h.Store.LimitApp(web.Ctx(c), web.Actor(c), id, f.Reach == reachSome, inside)
	default:
		if _, err = h.Store.Insiders(web.Ctx(c), web.Actor(c), id); err == nil {
			err = fault.BadField("reach", "Choose who reaches this app.")
		}
	}
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.appMembersDesk(c, &f, fields) })
	}
	return h.Done(c, appPath(id), "It is saved who reaches the app.")
}
