package support

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/support"
)

func replyPath(id db.ID) string { return "/support/replies/" + id.Show(support.ReplyID) }

// excerpt is how many characters of a canned reply its list shows.
const excerpt = 140

// Replies lists canned replies.
func (h *Handler) Replies(c echo.Context) error {
	all, err := h.Desk.Replies(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	frame, _, err := h.frame(c, web.T(c, "Canned replies"))
	page := views.RepliesPage{Frame: frame, CanEdit: may(c, permission.StaffQuestionsAnswer)}
	for _, r := range all {
		words := []rune(strings.Join(strings.Fields(r.Body), " "))
		if len(words) > excerpt {
			words = append(words[:excerpt], '…')
		}
		row := views.ReplyRow{Name: r.Name, Text: string(words), Changed: components.MomentAt(web.Ctx(c), h.Now(), r.UpdatedAt)}
		if page.CanEdit {
			row.Href = replyPath(r.ID)
		}
		page.Rows = append(page.Rows, row)
	}
	if err != nil {
		return err
	}
	return h.Render(c, views.Replies(page))
}

type replyForm struct {
	Name string `form:"name"`
	Body string `form:"body"`
}

// NewReply is the form of a new canned reply.
func (h *Handler) NewReply(c echo.Context) error {
	return h.replyPage(c, http.StatusOK, db.ID{}, replyForm{}, nil, nil)
}

// Reply is the form of one that there is.
func (h *Handler) Reply(c echo.Context) error {
	id, err := web.PathID(c, "reply", support.ReplyID)
	if err != nil {
		return err
	}
	r, err := h.Desk.Reply(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	return h.replyPage(c, http.StatusOK, id, replyForm{r.Name, r.Body}, nil, nil)
}

func (h *Handler) replyPage(c echo.Context, status int, id db.ID, f replyForm, problems []components.Problem, wrong map[string]string) error {
	title, action, button := web.T(c, "Write canned reply"), "/support/replies/new", web.T(c, "Save canned reply")
	if !id.IsZero() {
		title, action = web.T(c, "Canned reply"), replyPath(id)
	}
	frame, _, err := h.frame(c, title)
	if err != nil {
		return err
	}
	page := views.FormPage{
		Frame: frame, Title: title, Crumbs: []components.Crumb{{Label: web.T(c, "Canned replies"), Href: "/support/replies"}, {Label: title}},
		Problems: problems, Action: action, Button: button, Cancel: "/support/replies",
		Inputs: []views.Input{
			{Field: components.Field{Name: "name", Label: web.T(c, "Name"), Value: f.Name, Error: wrong["name"], Required: true, MaxLength: 80, Hint: web.T(c, "Only staff see it.")}},
			{Field: components.Field{Name: "body", Label: web.T(c, "Text"), Value: f.Body, Error: wrong["body"], Required: true, Rows: 12, MaxLength: support.MaxReply, Hint: web.T(c, "Markdown."), Attrs: map[string]any{"translate": "no"}}},
		},
		Variables: []views.Line{
			{Name: "{name}", Detail: web.T(c, "the asker’s public name")},
			{Name: "{app}", Detail: web.T(c, "the app that the asker shared")},
			{Name: "{api}", Detail: web.T(c, "the API that the question is about")},
			{Name: "{guide:rotating-keys}", Detail: web.T(c, "a link to the guide of that address")},
		},
	}
	if !id.IsZero() {
		page.Delete = &views.Act{Label: web.T(c, "Delete canned reply"), Action: replyPath(id) + "/delete"}
		page.DeleteOf, page.Stops = web.T(c, "Delete this canned reply"), web.T(c, "Nobody can insert it any more. Answers that were made with it stay.")
	}
	return h.RenderStatus(c, status, views.Form(page))
}

// CreateReply makes a canned reply.
func (h *Handler) CreateReply(c echo.Context) error { return h.saveReply(c, db.ID{}) }

// ChangeReply changes one.
func (h *Handler) ChangeReply(c echo.Context) error {
	id, err := web.PathID(c, "reply", support.ReplyID)
	if err != nil {
		return err
	}
	return h.saveReply(c, id)
}

func (h *Handler) saveReply(c echo.Context, id db.ID) error {
	var form replyForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	if _, err := h.Desk.SaveReply(web.Ctx(c), web.Actor(c), support.Reply{ID: id, Name: form.Name, Body: form.Body}); err != nil {
		list, wrong, ok := web.Problems(c, h.Unkeyed(c, err, &form.Name, &form.Body))
		if !ok {
			return err
		}
		return h.replyPage(c, http.StatusUnprocessableEntity, id, form, list, wrong)
	}
	return h.Done(c, "/support/replies", text.N("The canned reply is saved."))
}

// DeleteReply deletes one.
func (h *Handler) DeleteReply(c echo.Context) error {
	id, err := web.PathID(c, "reply", support.ReplyID)
	if err != nil {
		return err
	}
	if err := h.Desk.DeleteReply(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, "/support/replies", text.N("The canned reply is deleted."))
}
