package forum

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum"
	desk "github.com/gatehouse-dev/gatehouse/views/org"
)

type replyForm struct {
	Body    string `form:"body"`
	Website string `form:"website"`
	Act     string `form:"act"`
}

type switchForm struct {
	On string `form:"on"`
}

// Answer posts an answer, or shows its preview.
func (h *Handler) Answer(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.Prefix)
	if err != nil {
		return err
	}
	var f replyForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	q, err := h.Store.Get(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	under, err := h.Store.Bodies(web.Ctx(c), []db.ID{id})
	if err != nil {
		return err
	}
	page := views.Compose{Under: views.Body(under[id]), Title: web.T(c, "Your answer"), Action: c.Request().URL.Path, Submit: web.T(c, "Post answer"), About: views.Link{Label: q.Title, Href: q.Path()}}
	if f.Act == "preview" {
		return h.composed(c, page, f)
	}
	p, err := h.Store.Answer(web.Ctx(c), web.Actor(c), id, forum.Reply{Body: f.Body, Honey: f.Website})
	return h.posted(c, q.Question, p, err, page, f)
}

// Comment posts a comment under a post, or shows its preview.
func (h *Handler) Comment(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.PostPrefix)
	if err != nil {
		return err
	}
	var f replyForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	q, parent, err := h.Store.PostFor(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	page := views.Compose{Under: stored(parent.Post), Title: web.T(c, "Your comment"), Action: c.Request().URL.Path, Submit: web.T(c, "Post comment"), About: views.Link{Label: q.Title, Href: anchored(q.Question, parent.Post)}}
	if f.Act == "preview" {
		return h.composed(c, page, f)
	}
	p, err := h.Store.Comment(web.Ctx(c), web.Actor(c), forum.Reply{Body: f.Body, Parent: id, Honey: f.Website})
	return h.posted(c, q.Question, p, err, page, f)
}

// posted leads to what was written, or shows the form again with what was wrong.
func (h *Handler) posted(c echo.Context, q forum.Question, p forum.Post, err error, page views.Compose, f replyForm) error {
	if err != nil {
		return h.composeAgain(c, page, f, err)
	}
	if p.State == forum.Pending {
		return h.Warn(c, anchored(q, p), "This waits for approval. Until then only you and staff see it.")
	}
	if p.Kind == forum.PostComment {
		return h.Done(c, anchored(q, p), "Your comment is posted.")
	}
	return h.Done(c, anchored(q, p), "Your answer is posted.")
}

// composed shows a text with its preview.
func (h *Handler) composed(c echo.Context, page views.Compose, f replyForm) error {
	if err := h.Paced(c); err != nil {
		return err
	}
	html, err := forum.Render("body", f.Body)
	if err != nil {
		return h.composeAgain(c, page, f, err)
	}
	if len(apikey.Find(f.Body)) > 0 { // not even a preview shows a key
		found, err := h.keyFound(c, f.Body)
		if err != nil {
			return err
		}
		page.Key, html, f.Body = found, "", apikey.Mask(f.Body)
	}
	page.Preview = views.Body(html)
	h.fillCompose(c, &page, f, nil)
	return h.Render(c, views.ComposePage(page))
}

func (h *Handler) fillCompose(c echo.Context, page *views.Compose, f replyForm, errs map[string]string) {
	page.Frame = h.Frame(c, page.Title)
	page.Frame.NoIndex = true
	page.Body = bodyField(c, page.Title, apikey.Mask(f.Body), errs["body"])
	page.Cancel = page.About.Href
}

// composeAgain shows the form with what was wrong, the input kept.
func (h *Handler) composeAgain(c echo.Context, page views.Compose, f replyForm, err error) error {
	problems, fields, status, ok := keep(c, err)
	if !ok {
		return err
	}
	found, keyErr := h.keyFound(c, f.Body)
	if keyErr != nil {
		return keyErr
	}
	page.Problems, page.Key = onlyOnce(c, found, problems, fields), found
	h.fillCompose(c, &page, f, fields)
	return h.RenderStatus(c, status, views.ComposePage(page))
}

// Vote gives a vote, or takes it back.
func (h *Handler) Vote(c echo.Context) error {
	var f switchForm
	if err := h.Paced(c); err != nil {
		return err
	}
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	return h.onPost(c, func(id db.ID) (forum.Post, error) { return h.Store.Vote(web.Ctx(c), web.Actor(c), id, f.On == "1") }, "")
}

// Accept marks the answer that solved the question.
func (h *Handler) Accept(c echo.Context) error {
	return h.onPost(c, func(id db.ID) (forum.Post, error) { return h.Store.Accept(web.Ctx(c), web.Actor(c), id) }, "The answer is accepted: the question is solved.")
}

// Unaccept takes that back.
func (h *Handler) Unaccept(c echo.Context) error {
	return h.onPost(c, func(id db.ID) (forum.Post, error) { return h.Store.Unaccept(web.Ctx(c), web.Actor(c), id) }, "The acceptance is taken back: the question is open again.")
}

// onPost does something to the post of the path and leads back to it.
func (h *Handler) onPost(c echo.Context, do func(db.ID) (forum.Post, error), words string) error {
	id, err := web.PathID(c, "id", forum.PostPrefix)
	if err != nil {
		return err
	}
	p, err := do(id)
	if err != nil {
		return err
	}
	q, err := h.Store.Get(web.Ctx(c), web.Actor(c), p.QuestionID)
	if err != nil {
		return err
	}
	if words == "" {
		return h.See(c, anchored(q.Question, p))
	}
	return h.Done(c, anchored(q.Question, p), words)
}

// Follow follows a question by mail, or ends it.
func (h *Handler) Follow(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.Prefix)
	if err != nil {
		return err
	}
	var f switchForm
	if err := h.Paced(c); err != nil {
		return err
	}
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	q, err := h.Store.Follow(web.Ctx(c), web.Actor(c), id, f.On == "1")
	if err != nil {
		return err
	}
	if f.On == "1" {
		return h.Done(c, q.Path(), "You follow this question: what is written here comes by mail.")
	}
	return h.Done(c, q.Path(), "You do not follow this question any more.")
}

// StopSharing takes back that staff see the asker's app.
func (h *Handler) StopSharing(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.Prefix)
	if err != nil {
		return err
	}
	q, err := h.Store.StopSharing(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	return h.Done(c, q.Path(), "Staff no longer see your app beside this question.")
}

// ConfirmDelete asks before a post is deleted.
func (h *Handler) ConfirmDelete(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.PostPrefix)
	if err != nil {
		return err
	}
	q, p, err := h.Store.PostFor(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	deletable, err := h.Store.Deletable(web.Ctx(c), web.Actor(c), q.Question, p.Post)
	if err != nil {
		return err
	}
	title := web.T(c, "Delete what you wrote")
	d := desk.Desk{Frame: h.Frame(c, title), Title: title, Crumbs: []components.Crumb{{Label: web.T(c, "Forum"), Href: "/forum"}, {Label: q.Title, Href: anchored(q.Question, p.Post), Own: true}, {Label: web.T(c, "Delete")}}}
	if !deletable {
		d.Parts = []desk.Part{{Title: web.T(c, "This can’t be deleted any more"), Text: web.T(c, "Somebody answered it, or somebody else wrote it. You can still edit what you wrote yourself."), Actions: []components.Act{{Label: web.T(c, "Back to the question"), Href: anchored(q.Question, p.Post)}}}}
		return h.RenderStatus(c, http.StatusConflict, desk.Page(d))
	}
	d.Parts = []desk.Part{{Danger: true, Title: title, Text: web.T(c, "It is erased with its history, and can’t be brought back. Once somebody has answered, it can’t be deleted."), Form: &desk.Form{
		Spec: components.FormSpec{Action: postPath(p.Post, "delete")}, Submit: web.T(c, "Delete"), Kind: components.Danger, Cancel: anchored(q.Question, p.Post),
	}}}
	return h.Render(c, desk.Page(d))
}

// DeletePost deletes what the reader wrote.
func (h *Handler) DeletePost(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.PostPrefix)
	if err != nil {
		return err
	}
	q, p, err := h.Store.Delete(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	if p.Kind == forum.PostQuestion {
		return h.Done(c, "/forum", "Your question is deleted.")
	}
	return h.Done(c, q.Path(), "What you wrote is deleted.")
}
