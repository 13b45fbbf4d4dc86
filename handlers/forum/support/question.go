package support

import (
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/support"
)

// state is what the reader of a question's page has entered there, and what was wrong with it.
type state struct {
	status   int
	form     string // whose fields Problems belong to: answer, note, hand, escalate, close, merge, move, status
	problems []components.Problem
	wrong    map[string]string
	answer   answerForm
	note     string
	entered  map[string]string // of the folded forms
	preview  string            // safe HTML
	notice   string
	stale    int64 // the version that the reader saw, when something was written since
}

// Question shows one question with all that one needs to answer it.
func (h *Handler) Question(c echo.Context) error {
	return h.question(c, state{status: http.StatusOK, answer: answerForm{GoOn: c.QueryParam("go_on")}})
}

func (h *Handler) question(c echo.Context, s state) error {
	id, err := web.PathID(c, "id", forum.Prefix)
	if err != nil {
		return err
	}
	if err := h.unkeyed(c, &s); err != nil {
		return err
	}
	d, err := h.Desk.Question(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	frame, _, err := h.frame(c, d.Title)
	if err != nil {
		return err
	}
	page := views.QuestionPage{
		Frame: frame, Title: d.Title, Crumbs: []components.Crumb{{Label: web.T(c, "Queue"), Href: "/support"}, {Label: d.Title, Own: true}},
		Asked: components.MomentAt(web.Ctx(c), h.Now(), d.CreatedAt), Narrow: narrow(c, d.Item), PublicHref: d.Path(), Problems: s.problems,
	}
	clockOf, err := h.clock(c)
	if err != nil {
		return err
	}
	page.Meta, page.Moderate = h.questionMeta(c, d.Item), moderation(c, d)
	if due := clock(c, clockOf, h.Now(), d.Item); due != nil {
		page.Meta = append(page.Meta, *due)
	}
	for _, o := range d.Others {
		page.Others = append(page.Others, web.T(c, "%[1]s has this open (%[2]s).", o.Name, text.Inside(components.MomentAt(web.Ctx(c), h.Now(), o.At).Relative)))
	}
	h.thread(c, d, s, &page)
	if err := h.beside(c, d, &page); err != nil {
		return err
	}
	if d.MergedInto != nil {
		page.Merged = &components.Act{Label: d.Target, Href: support.Path(*d.MergedInto)}
	} else if may(c, permission.StaffQuestionsAnswer) {
		if err := h.tools(c, d, s, &page); err != nil {
			return err
		}
	}
	return h.RenderStatus(c, s.status, views.Question(page))
}

// unkeyed takes keys out of what was entered, and tells of them above the page.
func (h *Handler) unkeyed(c echo.Context, s *state) error {
	names := slices.Sorted(maps.Keys(s.entered))
	values, entered := make([]string, len(names)), []*string{&s.answer.Body, &s.note}
	for i, name := range names {
		values[i] = s.entered[name]
		entered = append(entered, &values[i])
	}
	told := h.Unkeyed(c, nil, entered...)
	for i, name := range names {
		s.entered[name] = values[i]
	}
	list, _, ok := web.Problems(c, told)
	if told != nil && !ok {
		return told
	}
	s.problems = append(s.problems, list...)
	return nil
}

func (h *Handler) questionMeta(c echo.Context, i support.Item) []views.Status {
	out := []views.Status{stateOf(c, i)}
	if kind := kindWords(c, i.Kind); kind != "" {
		if status, ok := forum.StatusOf(i.Kind, i.PublicStatus); ok {
			kind += ": " + web.T(c, status.Words)
		}
		out = append(out, views.Status{Tone: components.Off, Words: kind})
	}
	return append(out, marks(c, i)...)
}

// thread interleaves posts and notes by time.
func (h *Handler) thread(c echo.Context, d support.Detail, s state, page *views.QuestionPage) {
	notes := d.Notes
	for _, p := range d.Posts {
		for len(notes) > 0 && notes[0].CreatedAt.Before(p.CreatedAt) {
			page.Posts = append(page.Posts, h.noteOf(c, notes[0]))
			notes = notes[1:]
		}
		page.Posts = append(page.Posts, h.postOf(c, d, p))
	}
	for _, n := range notes {
		page.Posts = append(page.Posts, h.noteOf(c, n))
	}
	if s.stale != 0 {
		h.markNew(c, d, s, page)
	}
	if d.More > 0 {
		page.More = web.T(c, "%d posts between the first and the latest are not shown here.", d.More)
	}
}

// markNew points at the public words that were written since the reader opened the page: as many of the last as the version grew.
func (h *Handler) markNew(c echo.Context, d support.Detail, s state, page *views.QuestionPage) {
	left := d.Version - s.stale
	for i := len(page.Posts) - 1; i > 0 && left > 0; i-- {
		if p := &page.Posts[i]; !p.Note {
			p.New = true
			left--
		}
	}
	page.Stale = web.T(c, "Something was written here since you opened this page; it is marked as new. Your text is kept below: read first, then post it if it still helps.")
}

func (h *Handler) noteOf(c echo.Context, n support.Note) views.Post {
	return views.Post{ID: n.ID.Show(support.NotePrefix), Note: true, Author: n.AuthorName, At: components.MomentAt(web.Ctx(c), h.Now(), n.CreatedAt), Body: safeHTML(n.HTML)}
}

func (h *Handler) postOf(c echo.Context, d support.Detail, p support.Said) views.Post {
	out := views.Post{
		ID: p.ID.Show(forum.PostPrefix), Author: p.PublicName, AuthorHref: personPath(p.AuthorID), At: components.MomentAt(web.Ctx(c), h.Now(), p.CreatedAt), Comment: p.Kind == forum.PostComment, Body: safeHTML(p.HTML),
	}
	if p.ByStaff {
		out.Author, out.Badge = p.AuthorName, web.T(c, "Staff")
	} else if p.AuthorID == d.AskerID && p.Kind != forum.PostQuestion {
		out.Badge = web.T(c, "Asker")
	}
	add := func(is bool, tone components.Tone, words string) {
		if is {
			out.Marks = append(out.Marks, views.Status{Tone: tone, Words: words})
		}
	}
	add(db.Deref(d.AcceptedPostID) == p.ID, components.OK, web.T(c, "Accepted"))
	add(p.State == forum.Pending, components.Warn, web.T(c, "Waits for approval"))
	add(p.PendingRevision != nil, components.Warn, web.T(c, "A change waits for approval"))
	add(p.State == forum.Rejected, components.Off, web.T(c, "Rejected"))
	add(p.HiddenAt != nil, components.Warn, web.T(c, "Hidden"))
	add(p.EditedAt != nil, components.Off, web.T(c, "Edited"))
	add(p.Flags > 0, components.Warn, web.T(c, "%d flags", p.Flags))
	out.Acts, out.Links = postActs(c, p)
	return out
}

// tools are the forms of those who answer.
func (h *Handler) tools(c echo.Context, d support.Detail, s state, page *views.QuestionPage) error {
	path := support.Path(d.ID)
	if err := h.replyForm(c, d, s, page); err != nil {
		return err
	}
	page.Note = &views.NoteForm{Action: path + "/note", Body: components.Field{
		Name: "body", ID: "f-note", Label: web.T(c, "Note"), Value: s.note, Rows: 3, MaxLength: support.MaxNote, Hint: web.T(c, "Only staff read it: never the asker, nor anybody by mail or feed."), Error: s.of("note", "body"),
	}}
	add := func(is bool, label, to string) {
		if is {
			page.Acts = append(page.Acts, views.Act{Label: label, Action: path + to})
		}
	}
	add(db.Deref(d.AssigneeID) != web.Actor(c).UserID, web.T(c, "Assign to me"), "/take")
	add(d.ClosedAt != nil, web.T(c, "Reopen question"), "/reopen")
	asked := d.FirstReplyAt != nil && (d.AcceptedPostID == nil || d.WaitsOnUs()) // the asker knows for what they are waited
	add(asked && d.ClosedAt == nil && (d.WaitsOn != forum.OnAsker || d.AskedBackAt == nil), web.T(c, "Wait for the asker"), "/wait")
	add(d.EscalatedAt != nil, web.T(c, "End escalation"), "/calm")
	return h.foldedForms(c, d, s, page)
}

// of is the error of a field, when the form is the one that was sent.
func (s state) of(form, field string) string {
	if s.form != form {
		return ""
	}
	return s.wrong[field]
}

// replyForm is there when the question is: what waits for approval or was rejected is not answered.
func (h *Handler) replyForm(c echo.Context, d support.Detail, s state, page *views.QuestionPage) error {
	if d.State != forum.Published {
		return nil
	}
	replies, err := h.Desk.Replies(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	options := []components.Option{{Value: "", Label: web.T(c, "Choose a canned reply")}}
	for _, r := range replies {
		options = append(options, components.Option{Value: r.ID.Show(support.ReplyID), Label: r.Name, Data: true})
	}
	path := support.Path(d.ID)
	page.Reply = &views.ReplyForm{
		Action: path + "/answer", Version: strconv.FormatInt(d.Version, 10), Heartbeat: path + "/answering", Notice: s.notice, GoOn: s.answer.GoOn != "", CanClose: true, CanWait: d.ClosedAt == nil,
		Canned: components.Field{Name: "canned", Label: web.T(c, "Canned reply"), Value: s.answer.Canned, Options: options},
		Body:   components.Field{Name: "body", Label: web.T(c, "Your answer"), Value: s.answer.Body, Rows: 8, Hint: web.T(c, "Markdown. Everybody who may see the question reads it."), Error: s.of("answer", "body")},
	}
	if left := support.Holes(s.answer.Body); len(left) > 0 && s.notice == "" {
		page.Reply.Notice = notFilled(c, left)
	}
	if s.preview != "" {
		page.Reply.Preview = safeHTML(s.preview)
	}
	return nil
}
