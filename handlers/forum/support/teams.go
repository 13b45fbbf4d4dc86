package support

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/support"
)

func teamPath(id db.ID) string { return "/support/teams/" + id.Show(support.TeamPrefix) }

// Teams lists teams.
func (h *Handler) Teams(c echo.Context) error {
	all, err := h.Desk.Teams(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	frame, _, err := h.frame(c, web.T(c, "Teams"))
	if err != nil {
		return err
	}
	page := views.TeamsPage{Frame: frame, CanEdit: may(c, permission.StaffSupportManage)}
	for _, t := range all {
		row := views.TeamRow{Name: t.Name, Open: text.Number(web.Ctx(c), t.Open)}
		var names []string
		for _, m := range t.Members {
			names = append(names, m.Name)
		}
		row.Members = strings.Join(names, ", ")
		if page.CanEdit {
			row.Href = teamPath(t.ID)
		}
		page.Rows = append(page.Rows, row)
	}
	return h.Render(c, views.Teams(page))
}

type teamForm struct {
	Name    string   `form:"name"`
	Members []string `form:"members"`
}

// NewTeam is the form of a new team.
func (h *Handler) NewTeam(c echo.Context) error {
	return h.teamPage(c, http.StatusOK, db.ID{}, teamForm{}, nil, nil)
}

// Team is the form of one that there is.
func (h *Handler) Team(c echo.Context) error {
	id, err := web.PathID(c, "team", support.TeamPrefix)
	if err != nil {
		return err
	}
	all, err := h.Desk.Teams(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(t support.Team) bool { return t.ID == id })
	if at < 0 {
		return fault.Missing()
	}
	form := teamForm{Name: all[at].Name}
	for _, m := range all[at].Members {
		form.Members = append(form.Members, m.ID.Show("user"))
	}
	return h.teamPage(c, http.StatusOK, id, form, nil, nil)
}

func (h *Handler) teamPage(c echo.Context, status int, id db.ID, f teamForm, problems []components.Problem, wrong map[string]string) error {
	people, err := h.Desk.People(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	var options []components.Option
	for _, p := range people {
		value := p.ID.Show("user")
		options = append(options, components.Option{Value: value, Label: p.Name, Data: true, Selected: slices.Contains(f.Members, value)})
	}
	title, action := web.T(c, "Create team"), "/support/teams/new"
	if !id.IsZero() {
		title, action = web.T(c, "Team"), teamPath(id)
	}
	frame, _, err := h.frame(c, title)
	if err != nil {
		return err
	}
	page := views.FormPage{
		Frame: frame, Title: title, Crumbs: []components.Crumb{{Label: web.T(c, "Teams"), Href: "/support/teams"}, {Label: title}},
		Problems: problems, Action: action, Button: web.T(c, "Save team"), Cancel: "/support/teams",
		Inputs: []views.Input{
			{Field: components.Field{Name: "name", Label: web.T(c, "Name"), Value: f.Name, Error: wrong["name"], Required: true, MaxLength: 80}},
			{Field: components.Field{Name: "members", Label: web.T(c, "Members"), Options: options, Error: wrong["members"], Hint: web.T(c, "Staff who may answer questions.")}, Boxes: true, Data: true},
		},
	}
	if !id.IsZero() {
		page.Delete = &views.Act{Label: web.T(c, "Delete team"), Action: teamPath(id) + "/delete"}
		page.DeleteOf, page.Stops = web.T(c, "Delete this team"), web.T(c, "Questions that were handed to it are with nobody again.")
	}
	return h.RenderStatus(c, status, views.Form(page))
}

// CreateTeam makes a team.
func (h *Handler) CreateTeam(c echo.Context) error { return h.saveTeam(c, db.ID{}) }

// ChangeTeam changes one.
func (h *Handler) ChangeTeam(c echo.Context) error {
	id, err := web.PathID(c, "team", support.TeamPrefix)
	if err != nil {
		return err
	}
	return h.saveTeam(c, id)
}

func (h *Handler) saveTeam(c echo.Context, id db.ID) error {
	var form teamForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	var members []db.ID
	for _, m := range form.Members {
		person, err := db.ParseID("user", m)
		if err != nil {
			return fault.New(fault.Invalid, "Go back and change what you entered.")
		}
		members = append(members, person)
	}
	if _, err := h.Desk.SaveTeam(web.Ctx(c), web.Actor(c), id, form.Name, members); err != nil {
		list, wrong, ok := web.Problems(c, h.Unkeyed(c, err, &form.Name))
		if !ok {
			return err
		}
		return h.teamPage(c, http.StatusUnprocessableEntity, id, form, list, wrong)
	}
	return h.Done(c, "/support/teams", text.N("The team is saved."))
}

// DeleteTeam deletes one.
func (h *Handler) DeleteTeam(c echo.Context) error {
	id, err := web.PathID(c, "team", support.TeamPrefix)
	if err != nil {
		return err
	}
	if err := h.Desk.DeleteTeam(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, "/support/teams", text.N("The team is deleted."))
}
