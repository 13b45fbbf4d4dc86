package review

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/staff/review"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

type decideForm struct {
	People []string `form:"person"` // the id, a colon, and the role that whoever decides saw
	Act    string   `form:"act"`
	Note   string   `form:"note"`
}

func (f decideForm) input() review.Input {
	in := review.Input{Act: f.Act, Note: f.Note}
	if to, ok := strings.CutPrefix(f.Act, demoteTo); ok {
		in.Act, in.To = review.Demote, to
	}
	for _, person := range f.People {
		shown, role, _ := strings.Cut(person, ":")
		id, _ := db.ParseID(userPrefix, shown) // the zero ID is nobody's
		in.People = append(in.People, review.Chosen{UserID: id, Role: role})
	}
	return in
}

// Ask shows once more about whom is decided, and asks why. What is chosen stands in the address, so that a fresh proof of who decides can be asked for in between.
func (h *Handler) Ask(c echo.Context) error {
	p, err := h.place(c)
	if err != nil {
		return err
	}
	lines, err := h.Reviews.Waiting(web.Ctx(c), web.Actor(c), p.scope)
	if err != nil {
		return err
	}
	f, wanted := decideForm{Act: c.QueryParam("act")}, c.QueryParams()["person"]
	for _, l := range lines {
		if slices.Contains(wanted, l.UserID.Show(userPrefix)) {
			f.People = append(f.People, l.UserID.Show(userPrefix)+":"+l.Role)
		}
	}
	if !slices.ContainsFunc(p.choices(c), func(o choice) bool { return o.value == f.Act }) {
		return h.again(c, p, lines, f, components.Problem{Field: "act", Message: web.T(c, "Choose what happens.")})
	}
	if len(f.People) == 0 {
		return h.again(c, p, lines, f, components.Problem{Field: "person", Message: web.T(c, "Choose somebody.")})
	}
	if in := f.input(); in.Act == review.Demote {
		chosen := slices.DeleteFunc(slices.Clone(lines), func(l review.Line) bool { return !slices.Contains(f.People, l.UserID.Show(userPrefix)+":"+l.Role) })
		if lower, err := h.Reviews.Lowers(web.Ctx(c), p.scope, chosen, in.To); err != nil {
			return err
		} else if !lower {
			return h.again(c, p, lines, f, components.Problem{Field: "act", Message: web.T(c, "This role is not below the one that somebody of them has.")})
		}
	}
	d := h.askDesk(c, p, lines, f, nil)
	return h.Render(c, views.Page(d))
}

func (h *Handler) askDesk(c echo.Context, p place, lines []review.Line, f decideForm, fields map[string]string) views.Desk {
	title := web.T(c, "Decide about %d people", len(f.People))
	d := views.Desk{Frame: h.Frame(c, title), Title: title, Crumbs: p.within(c)}
	t := views.Table{Spec: components.TableSpec{Caption: web.T(c, "People"), Stacks: true, Columns: []components.Column{{Label: web.T(c, "Person")}, {Label: web.T(c, "Role")}, {Label: web.T(c, "Why")}}}}
	form := views.Form{Spec: components.FormSpec{Action: p.list() + "/decide", Hidden: []components.Hidden{{Name: "act", Value: f.Act}}}, Cancel: p.list(), Submit: web.T(c, "Save decision"), Kind: components.Primary}
	for _, person := range f.People {
		form.Spec.Hidden = append(form.Spec.Hidden, components.Hidden{Name: "person", Value: person})
	}
	for _, l := range lines {
		if slices.Contains(f.People, l.UserID.Show(userPrefix)+":"+l.Role) {
			role, own := p.roleName(c, l.Role)
			t.Rows = append(t.Rows, []views.Cell{{Text: l.Name, Data: true, Hint: l.Email, HData: true}, {Text: role, Data: own}, {Text: why(c, l.Unused, l.Factorless), Wrap: true}})
		}
	}
	for _, o := range p.choices(c) {
		if o.value == f.Act {
			d.Lead = strings.TrimSpace(o.label + ". " + o.hint)
		}
	}
	note := components.Field{Name: "note", Label: web.T(c, "Reason"), Value: f.Note, Error: fields["note"], MaxLength: review.MaxNote, Autocomplete: "off", Hint: web.T(c, "It stays in the record of the review, for whoever may look through roles here.")}
	note.Optional, note.Required = f.Act != review.Keep, f.Act == review.Keep
	if f.Act == review.Remove {
		form.Kind = components.Danger
	}
	form.Inputs = []views.Input{views.Line(note)}
	d.Parts = []views.Part{{Table: &t}, {Form: &form}}
	return d
}

// Decide saves what is decided about several people, all or none.
func (h *Handler) Decide(c echo.Context) error {
	p, err := h.place(c)
	if err != nil {
		return err
	}
	var f decideForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	failed := h.Reviews.Decide(web.Ctx(c), web.Actor(c), p.scope, f.input())
	switch kind := fault.KindOf(failed); {
	case failed == nil:
		return h.Done(c, p.list(), text.N("The decision is saved."))
	case kind != fault.Invalid && kind != fault.Conflict:
		return failed
	}
	lines, err := h.Reviews.Waiting(web.Ctx(c), web.Actor(c), p.scope)
	if err != nil {
		return err
	}
	problems, fields, invalid := web.Problems(c, failed)
	if !invalid {
		said := fault.As(failed)
		problems = []components.Problem{{Message: web.T(c, said.Key, said.Args...)}}
	}
	for i := range problems {
		if problems[i].Field != "note" { // the others have no field on this page
			problems[i].Field = ""
		}
	}
	d := h.askDesk(c, p, lines, f, fields)
	d.Problems = problems
	return h.RenderStatus(c, web.Status(failed), views.Page(d))
}

// Finish ends the review.
func (h *Handler) Finish(c echo.Context) error {
	p, err := h.place(c)
	if err != nil {
		return err
	}
	id, err := h.Reviews.Finish(web.Ctx(c), web.Actor(c), p.scope)
	if err != nil {
		return err
	}
	return h.Done(c, p.recordPath(review.Review{ID: id}), text.N("The review is finished. This is its record."))
}
