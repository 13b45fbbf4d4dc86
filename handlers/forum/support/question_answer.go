package support

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
)

// answerForm is the form of the public answer.
type answerForm struct {
	Version string `form:"version"`
	Canned  string `form:"canned"`
	Body    string `form:"body"`
	Do      string `form:"do"`    // insert, preview, answer, wait, close
	GoOn    string `form:"go_on"` // then the next question
}

// Answer inserts a canned reply, previews or posts an answer, as the button says.
func (h *Handler) Answer(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.Prefix)
	if err != nil {
		return err
	}
	var form answerForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	switch form.Do {
	case "insert":
		return h.insert(c, id, form)
	case "preview":
		return h.preview(c, id, form)
	}
	version, err := strconv.ParseInt(form.Version, 10, 64)
	if err != nil || version < 1 {
		return fault.New(fault.Invalid, "Go back and change what you entered.")
	}
	in := support.Answer{Body: form.Body, Version: version, Then: support.ThenNothing}
	words := text.N("Your answer is posted.")
	switch form.Do {
	case "wait":
		in.Then, words = support.ThenWait, text.N("Your answer is posted, and the question waits for its asker.")
	case "close":
		in.Then, words = support.ThenClose, text.N("Your answer is posted, and the question is closed.")
	}
	if _, err := h.Desk.Answer(web.Ctx(c), web.Actor(c), id, in); err != nil {
		return h.answerProblems(c, err, form, version)
	}
	return h.answered(c, id, form.GoOn != "", words)
}

// answerProblems shows the page again with the answer kept: for what is wrong with it, and for what was written meanwhile.
func (h *Handler) answerProblems(c echo.Context, err error, form answerForm, version int64) error {
	if list, wrong, ok := web.Problems(c, err); ok {
		return h.question(c, state{status: http.StatusUnprocessableEntity, form: "answer", problems: list, wrong: wrong, answer: form})
	}
	id, _ := web.PathID(c, "id", forum.Prefix)
	if fault.Is(err, fault.Conflict) {
		if d, readErr := h.Desk.Question(web.Ctx(c), web.Actor(c), id); readErr == nil && d.Version != version && d.MergedInto == nil {
			return h.question(c, state{status: http.StatusConflict, answer: form, stale: version})
		}
	}
	return err
}

// answered leads to the next question that waits, or back to this one.
func (h *Handler) answered(c echo.Context, id db.ID, goOn bool, words string) error {
	if !goOn {
		return h.Done(c, support.Path(id), words)
	}
	next, err := h.Desk.Next(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	if next.IsZero() {
		return h.Done(c, "/support", words)
	}
	return h.Done(c, support.Path(next)+"?go_on=1", words)
}

// insert puts a canned reply, its variables filled in, under what was written already.
func (h *Handler) insert(c echo.Context, id db.ID, form answerForm) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	if err := h.Desk.Answering(ctx, who, id); err != nil {
		return err
	}
	s := state{status: http.StatusOK, answer: form}
	canned, err := db.ParseID(support.ReplyID, form.Canned)
	if err != nil {
		s.notice = web.T(c, "Choose a canned reply first.")
		return h.question(c, s)
	}
	reply, err := h.Desk.Reply(ctx, who, canned)
	if err != nil {
		return err
	}
	d, err := h.Desk.Question(ctx, who, id)
	if err != nil {
		return err
	}
	filled, unknown := support.Fill(reply.Body, h.values(c, d))
	s.answer.Canned = ""
	s.answer.Body = strings.TrimLeft(strings.TrimRight(form.Body, "\n\r ")+"\n\n"+filled, "\n")
	if len(unknown) > 0 {
		s.notice = notFilled(c, unknown)
	}
	return h.question(c, s)
}

func notFilled(c echo.Context, left []string) string {
	return web.T(c, "Not filled in, since nothing is known for it here: %s. Change it before you post.", strings.Join(left, ", "))
}

// values are what the variables of a canned reply stand for under a question.
func (h *Handler) values(c echo.Context, d support.Detail) support.Values {
	v := support.Values{Name: d.Asker.Public, API: d.APIName}
	if d.App != nil {
		v.App = d.App.Name
	}
	if h.Guides != nil {
		v.Guide = func(slug string) (string, string, bool) {
			page := h.Guides.Find(content.Guide, slug, text.English) // the forum is read by everybody
			if page == nil {
				return "", "", false
			}
			return page.Title, h.Link(page.Path()), true
		}
	}
	return v
}

// preview shows how an answer will look, and keeps nothing of it.
func (h *Handler) preview(c echo.Context, id db.ID, form answerForm) error {
	if err := h.Desk.Answering(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	html, err := support.Preview(form.Body)
	if err != nil {
		return h.answerProblems(c, err, form, 0)
	}
	return h.question(c, state{status: http.StatusOK, answer: form, preview: html})
}

// Answering notes that the reader has the form open, for the script that says so while one writes.
func (h *Handler) Answering(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.Prefix)
	if err != nil {
		return err
	}
	if err := h.Desk.Answering(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
