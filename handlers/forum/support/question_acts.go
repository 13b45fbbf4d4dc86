package support

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/support"
)

// press does what a button without fields does, and comes back to the question.
func (h *Handler) press(c echo.Context, words string, act func(ctx context.Context, a actor.Actor, id db.ID) error) error {
	id, err := web.PathID(c, "id", forum.Prefix)
	if err != nil {
		return err
	}
	if err := act(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, support.Path(id), words)
}

// Take assigns the question to the reader.
func (h *Handler) Take(c echo.Context) error {
	return h.press(c, text.N("The question is yours."), h.Desk.Take)
}

// Wait sets the question waiting for its asker.
func (h *Handler) Wait(c echo.Context) error {
	return h.press(c, text.N("The question waits for its asker."), h.Desk.Wait)
}

// Calm ends an escalation.
func (h *Handler) Calm(c echo.Context) error {
	return h.press(c, text.N("The question is not escalated any more."), h.Desk.Calm)
}

// Reopen opens a closed question.
func (h *Handler) Reopen(c echo.Context) error {
	return h.press(c, text.N("The question is open again."), h.Desk.Reopen)
}

// actForm is any of the small forms beside a question.
type actForm struct {
	Body   string `form:"body"`
	To     string `form:"to"`
	Reason string `form:"reason"`
	Status string `form:"status"`
	API    string `form:"api"`
	Into   string `form:"into"`
	Alike  string `form:"alike"` // instead of Into: one that was offered
	Sure   string `form:"sure"`
}

func (f actForm) entered() map[string]string {
	return map[string]string{"body": f.Body, "to": f.To, "reason": f.Reason, "status": f.Status, "api": f.API, "into": f.Into, "alike": f.Alike}
}

// submit does what a form beside the question says; what is wrong with it is shown there, the input kept.
func (h *Handler) submit(c echo.Context, name, words string, act func(ctx context.Context, a actor.Actor, id db.ID, f actForm) error) error {
	id, err := web.PathID(c, "id", forum.Prefix)
	if err != nil {
		return err
	}
	var form actForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	if err := act(web.Ctx(c), web.Actor(c), id, form); err != nil {
		return h.formProblems(c, err, name, form)
	}
	return h.Done(c, support.Path(id), words)
}

func (h *Handler) formProblems(c echo.Context, err error, name string, form actForm) error {
	list, wrong, ok := web.Problems(c, err)
	if !ok {
		return err
	}
	for i := range list {
		if list[i].Field != "" {
			list[i].Field = "#f-" + name + "-" + list[i].Field
		}
	}
	s := state{status: http.StatusUnprocessableEntity, form: name, problems: list, wrong: wrong, entered: form.entered()}
	if name == "note" {
		s.note = form.Body
	}
	return h.question(c, s)
}

// Note keeps a note among staff.
func (h *Handler) Note(c echo.Context) error {
	return h.submit(c, "note", text.N("The note is kept."), func(ctx context.Context, a actor.Actor, id db.ID, f actForm) error {
		return h.Desk.WriteNote(ctx, a, id, f.Body)
	})
}

// HandOver hands the question to a person, a team or nobody.
func (h *Handler) HandOver(c echo.Context) error {
	return h.submit(c, "hand", text.N("The question is handed over."), func(ctx context.Context, a actor.Actor, id db.ID, f actForm) error {
		hand := support.Hand{Note: f.Body}
		person, personErr := db.ParseID("user", f.To)
		team, teamErr := db.ParseID(support.TeamPrefix, f.To)
		switch {
		case personErr == nil:
			hand.Person = person
		case teamErr == nil:
			hand.Team = team
		case f.To != nobody:
			return fault.BadField("to", "Choose somebody from the list.")
		}
		return h.Desk.HandOver(ctx, a, id, hand)
	})
}

// Escalate marks the question for those who decide.
func (h *Handler) Escalate(c echo.Context) error {
	return h.submit(c, "escalate", text.N("The question is escalated."), func(ctx context.Context, a actor.Actor, id db.ID, f actForm) error {
		return h.Desk.Escalate(ctx, a, id, f.Body)
	})
}

// Close closes the question.
func (h *Handler) Close(c echo.Context) error {
	return h.submit(c, "close", text.N("The question is closed."), func(ctx context.Context, a actor.Actor, id db.ID, f actForm) error {
		return h.Desk.Close(ctx, a, id, f.Reason)
	})
}

// Move makes the question be about another API.
func (h *Handler) Move(c echo.Context) error {
	return h.submit(c, "move", text.N("The question is moved."), func(ctx context.Context, a actor.Actor, id db.ID, f actForm) error {
		return h.Desk.Move(ctx, a, id, f.API)
	})
}

// SetStatus sets the public status of an idea or a bug.
func (h *Handler) SetStatus(c echo.Context) error {
	return h.submit(c, "status", text.N("The public status is set."), func(ctx context.Context, a actor.Actor, id db.ID, f actForm) error {
		return h.Desk.SetStatus(ctx, a, id, f.Status)
	})
}

// Merge asks before it merges the question into another, and then does.
func (h *Handler) Merge(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.Prefix)
	if err != nil {
		return err
	}
	var form actForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	ctx, who := web.Ctx(c), web.Actor(c)
	if form.Into == "" {
		form.Into = form.Alike
	}
	into, ok := support.ParseQuestion(form.Into)
	if !ok {
		return h.formProblems(c, fault.BadField("into", "There is no such question. Paste its address or its id."), "merge", form)
	}
	target, err := h.Desk.PreviewMerge(ctx, who, id, into)
	if err == nil && form.Sure != "" {
		err = h.Desk.Merge(ctx, who, id, into)
	}
	if err != nil {
		return h.formProblems(c, err, "merge", form)
	}
	if form.Sure != "" {
		return h.Done(c, support.Path(target.ID), text.N("The question is merged into this one."))
	}
	return h.confirmMerge(c, id, target)
}

func (h *Handler) confirmMerge(c echo.Context, id db.ID, target support.MergeTarget) error {
	d, err := h.Desk.Question(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	frame, _, err := h.frame(c, web.T(c, "Merge this question"))
	if err != nil {
		return err
	}
	path := support.Path(id)
	return h.Render(c, views.Merge(views.MergePage{
		Frame: frame, Title: d.Title, Target: target.Title, TargetHref: support.Path(target.ID), Action: path + "/merge", Into: target.ID.Show(forum.Prefix), Cancel: path,
		Crumbs: []components.Crumb{{Label: web.T(c, "Queue"), Href: "/support"}, {Label: d.Title, Href: path, Own: true}, {Label: web.T(c, "Merge this question")}},
		Stops: []string{
			web.T(c, "Its page leads to the other one from then on."), web.T(c, "%d people who follow it follow the other one.", target.Followers),
			web.T(c, "Its posts stay readable here, and are not copied."), web.T(c, "It is closed, and waits on nobody."),
		},
	}))
}
