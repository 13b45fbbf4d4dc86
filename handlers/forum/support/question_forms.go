package support

import (
	"context"
	"io"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/support"
)

// safeHTML is Markdown that the store rendered, and sanitized, when it was saved.
func safeHTML(html string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, html)
		return err
	})
}

// foldedForms are the forms beside a question that are needed now and then.
func (h *Handler) foldedForms(c echo.Context, d support.Detail, s state, page *views.QuestionPage) error {
	path := support.Path(d.ID)
	to, err := h.handOptions(c, d)
	if err != nil {
		return err
	}
	apis, err := h.apiOptions(c, web.T(c, "No API"))
	if err != nil {
		return err
	}
	add := func(is bool, name, title, button, hint string, fields ...components.Field) {
		if !is {
			return
		}
		for i := range fields {
			f := &fields[i]
			f.ID, f.Error = "f-"+name+"-"+f.Name, s.of(name, f.Name)
			if s.form == name {
				f.Value = s.entered[f.Name]
			}
		}
		page.Forms = append(page.Forms, views.FoldedForm{Title: title, Action: path + "/" + name, Button: button, Hint: hint, Open: s.form == name, Fields: fields})
	}
	add(true, "hand", web.T(c, "Hand over"), web.T(c, "Hand over question"), "",
		components.Field{Name: "to", Label: web.T(c, "To"), Options: to},
		components.Field{Name: "body", Label: web.T(c, "Note for them"), Rows: 3, Optional: true, Hint: web.T(c, "Kept as a note among staff."), MaxLength: support.MaxNote})
	add(d.ClosedAt == nil, "close", web.T(c, "Close"), web.T(c, "Close question"), web.T(c, "It opens again when its asker replies."),
		components.Field{Name: "reason", Label: web.T(c, "Reason"), Options: reasonOptions(c), Value: support.Answered})
	add(d.EscalatedAt == nil && d.ClosedAt == nil, "escalate", web.T(c, "Escalate"), web.T(c, "Escalate question"), "",
		components.Field{Name: "body", Label: web.T(c, "Why"), Rows: 3, Hint: web.T(c, "Kept as a note among staff."), MaxLength: support.MaxNote})
	add(len(forum.Statuses(d.Kind)) > 0, "status", web.T(c, "Public status"), web.T(c, "Set status"), "",
		components.Field{Name: "status", Label: web.T(c, "Status"), Options: statusOptions(c, d.Kind), Value: d.PublicStatus})
	add(true, "move", web.T(c, "Move to another API"), web.T(c, "Move question"), web.T(c, "From then on those read it who may see that API."),
		components.Field{Name: "api", Label: web.T(c, "API"), Options: apis, Value: d.APISlug})
	alike, err := h.alike(c, d)
	if err != nil {
		return err
	}
	add(true, "merge", web.T(c, "Merge into another question"), web.T(c, "Compare questions"), web.T(c, "You are asked once more before it happens."),
		append(alike, components.Field{Name: "into", Label: web.T(c, "Address or id of the other question"), Autocomplete: "off", Optional: len(alike) > 0})...)
	return nil
}

// alike offers the questions that this one may repeat; none when there are none.
func (h *Handler) alike(c echo.Context, d support.Detail) ([]components.Field, error) {
	rows, err := h.Desk.Alike(web.Ctx(c), web.Actor(c), d.Question)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	f := components.Field{Name: "alike", Label: web.T(c, "A question like it"), Options: []components.Option{{Value: "", Label: web.T(c, "None of these")}}}
	for _, r := range rows {
		f.Options = append(f.Options, components.Option{Value: r.ID.Show(forum.Prefix), Label: r.Title, Data: true})
	}
	return []components.Field{f}, nil
}

func (h *Handler) handOptions(c echo.Context, _ support.Detail) ([]components.Option, error) {
	people, err := h.Desk.People(web.Ctx(c), web.Actor(c))
	if err != nil {
		return nil, err
	}
	teams, err := h.Desk.Teams(web.Ctx(c), web.Actor(c))
	out := []components.Option{{Value: "", Label: web.T(c, "Choose who takes it")}, {Value: nobody, Label: web.T(c, "Nobody")}}
	for _, t := range teams {
		out = append(out, components.Option{Value: t.ID.Show(support.TeamPrefix), Label: t.Name, Group: web.T(c, "Teams"), Data: true})
	}
	for _, p := range people {
		out = append(out, components.Option{Value: p.ID.Show("user"), Label: p.Name, Group: web.T(c, "People"), Data: true})
	}
	return out, err
}

// nobody is the choice that takes a question from whoever has it.
const nobody = "nobody"

func reasonOptions(c echo.Context) []components.Option {
	var out []components.Option
	for _, r := range support.Reasons {
		out = append(out, components.Option{Value: r, Label: web.T(c, reasonWords[r])})
	}
	return out
}

func statusOptions(c echo.Context, kind string) []components.Option {
	var out []components.Option
	for _, s := range forum.Statuses(kind) {
		out = append(out, components.Option{Value: s.Name, Label: web.T(c, s.Words)})
	}
	return out
}
