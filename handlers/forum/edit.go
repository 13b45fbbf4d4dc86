package forum

import (
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum"
)

type editForm struct {
	Title     string `form:"title"`
	Body      string `form:"body"`
	Tags      string `form:"tags"`
	Revisions string `form:"revisions"`
	Website   string `form:"website"`
	Act       string `form:"act"`
}

// EditPost shows a post in a form.
func (h *Handler) EditPost(c echo.Context) error {
	q, p, err := h.editable(c)
	if err != nil {
		return err
	}
	e, err := h.Store.Text(web.Ctx(c), q, p)
	if err != nil {
		return err
	}
	f := editForm{Title: e.Title, Body: e.Body, Tags: strings.Join(e.Tags, ", "), Revisions: strconv.FormatInt(e.Revisions, 10)}
	return h.Render(c, views.ComposePage(h.editPage(c, q, p, f, nil)))
}

// editable is the post of the path when the reader may change it: the store asks again.
func (h *Handler) editable(c echo.Context) (forum.Row, forum.Said, error) {
	id, err := web.PathID(c, "id", forum.PostPrefix)
	if err != nil {
		return forum.Row{}, forum.Said{}, err
	}
	q, p, err := h.Store.PostFor(web.Ctx(c), web.Actor(c), id)
	r := reader{Actor: web.Actor(c), question: q.Question}
	if err == nil && !p.Mine && !r.moderates() {
		err = fault.New(fault.Forbidden, "Only who wrote this can change it.")
	}
	return q, p, err
}

func (h *Handler) editPage(c echo.Context, q forum.Row, p forum.Said, f editForm, errs map[string]string) views.Compose {
	page := views.Compose{
		Title: web.T(c, "Edit"), Action: postPath(p.Post, "edit"), Submit: web.T(c, "Save changes"), About: views.Link{Label: q.Title, Href: anchored(q.Question, p.Post)},
		Hidden: []components.Hidden{{Name: "revisions", Value: f.Revisions}},
	}
	switch {
	case p.PendingRevision == nil:
	case p.Mine:
		page.Note = &views.Note{Tone: components.Info, Text: web.T(c, "This is your change that waits for approval. What you save now takes its place.")}
	default:
		page.Note = &views.Note{Tone: components.Warn, Text: web.T(c, "A change by its author waits for approval. Decide about it first."), Link: views.Link{Label: web.T(c, "Pending"), Href: "/support/pending"}}
	}
	h.fillCompose(c, &page, replyForm{Body: f.Body}, errs)
	page.Body.Label = web.T(c, "Body")
	if p.Kind == forum.PostQuestion {
		page.Fields = []components.Field{
			{Name: "title", Label: web.T(c, "Title"), Value: apikey.Mask(f.Title), Error: errs["title"], MaxLength: forum.MaxTitle, Required: true, Attrs: map[string]any{"translate": "no"}},
			{Name: "tags", Label: web.T(c, "Tags"), Value: apikey.Mask(f.Tags), Error: errs["tags"], Optional: true, Hint: web.T(c, "At most %d, separated by commas.", forum.MaxTags), Attrs: map[string]any{"translate": "no"}},
		}
	}
	return page
}

// ChangePost saves a post, or shows its preview. When somebody else changed it meanwhile, it is shown as it is now beside what was entered.
func (h *Handler) ChangePost(c echo.Context) error {
	var f editForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	q, p, err := h.editable(c)
	if err != nil {
		return err
	}
	if f.Act == "preview" {
		if err := h.Paced(c); err != nil {
			return err
		}
		return h.previewEdit(c, q, p, f)
	}
	revisions, err := strconv.ParseInt(f.Revisions, 10, 64)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "Go back and change what you entered.")
	}
	edited, err := h.Store.Edit(web.Ctx(c), web.Actor(c), p.ID, forum.Edit{Title: f.Title, Body: f.Body, Tags: strings.Split(f.Tags, ","), Revisions: revisions, Honey: f.Website})
	if err != nil {
		return h.editAgain(c, q, p, f, err)
	}
	path, err := h.Store.PathOf(web.Ctx(c), web.Actor(c), q.ID)
	if err != nil {
		return err
	}
	if p.Kind != forum.PostQuestion {
		path += "#" + anchor(p.Post)
	}
	if edited.State == forum.Pending && p.State == forum.Published {
		return h.Warn(c, path, changeWaits)
	}
	if edited.State == forum.Pending {
		return h.Warn(c, path, "This waits for approval. Until then only you and staff see it.")
	}
	return h.Done(c, path, "Your changes are saved.")
}

func (h *Handler) previewEdit(c echo.Context, q forum.Row, p forum.Said, f editForm) error {
	html, err := forum.Render("body", f.Body)
	if err != nil {
		return h.editAgain(c, q, p, f, err)
	}
	page := h.editPage(c, q, p, f, nil)
	if len(apikey.Find(f.Body)) > 0 {
		if page.Key, err = h.keyFound(c, f.Body); err != nil {
			return err
		}
		html = ""
	}
	page.Preview = views.Body(html)
	return h.Render(c, views.ComposePage(page))
}

func (h *Handler) editAgain(c echo.Context, q forum.Row, p forum.Said, f editForm, err error) error {
	problems, fields, status, ok := keep(c, err)
	if !ok {
		return err
	}
	found, keyErr := h.keyFound(c, f.Title, f.Body, f.Tags)
	if keyErr != nil {
		return keyErr
	}
	changed := fault.Is(err, fault.Conflict) && f.Revisions != strconv.FormatInt(p.Revisions, 10)
	if changed { // saving now takes the place of what is shown beside
		f.Revisions = strconv.FormatInt(p.Revisions, 10)
	}
	page := h.editPage(c, q, p, f, fields)
	page.Problems, page.Key = onlyOnce(c, found, problems, fields), found
	if changed {
		page.Now = stored(p.Post)
		if p.Kind == forum.PostQuestion {
			page.NowTitle = q.Title
		}
	}
	return h.RenderStatus(c, status, views.ComposePage(page))
}
