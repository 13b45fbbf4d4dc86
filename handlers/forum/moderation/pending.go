package moderation

import (
	"context"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/moderation"
)

// Pending lists what waits for approval.
func (h *Handler) Pending(c echo.Context) error {
	list, err := h.Store.Pending(web.Ctx(c), web.Actor(c), web.PageOf(c))
	if err != nil {
		return err
	}
	page := views.Pending{Frame: h.Frame(c, web.T(c, "Pending")), Pager: web.Pager(c, list.Previous, list.Next)}
	for _, w := range list.Rows {
		row := views.PendingRow{
			ID: w.ID.Show(forum.PostPrefix), Title: w.Title, Href: deskPath(w.QuestionID), Kind: kindWords(c, w.Kind), Author: w.AuthorName, AuthorHref: personPath(w.AuthorID),
			Joined: components.MomentAt(web.Ctx(c), h.Now(), w.JoinedAt), At: components.MomentAt(web.Ctx(c), h.Now(), w.CreatedAt), Body: views.Body(w.HTML),
		}
		if w.Edited {
			row.Marks = append(row.Marks, views.Status{Tone: components.Warn, Words: web.T(c, "Changed after it was shown")})
			row.Was, row.HistoryHref = w.Was, "/forum/posts/"+w.ID.Show(forum.PostPrefix)+"/history"
		}
		if mayModerate(c) {
			approve, reject := web.T(c, "Approve post"), web.T(c, "Reject post")
			if w.Edited {
				approve, reject = web.T(c, "Approve change"), web.T(c, "Reject change")
			}
			row.Acts = []views.Act{{Action: postDesk(w.ID, "approve"), Hidden: seen(w.Revisions), Label: approve}, {Href: postDesk(w.ID, "reject"), Label: reject, Kind: components.Quiet}}
		}
		page.Rows = append(page.Rows, row)
	}
	return h.Render(c, views.PendingPage(page))
}

// Approve shows a post that waited.
func (h *Handler) Approve(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.PostPrefix)
	if err != nil {
		return err
	}
	var f reasonForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.Approve(web.Ctx(c), web.Actor(c), id, f.Revisions); err != nil {
		return err
	}
	return h.Done(c, "/support/pending", "The post is shown, and its author told.")
}

// reasoned is a page that asks for a reason before an act.
type reasoned struct {
	title, lead, submit string
	done                string
	waiting             bool // it is about an edit that waits, when one does
	back                func(forum.Row, forum.Said) string
	act                 func(context.Context, actor.Actor, db.ID, reasonForm) error
}

// seen sends along which text of a post a decision is about.
func seen(revisions int64) []components.Hidden {
	return []components.Hidden{{Name: "revisions", Value: strconv.FormatInt(revisions, 10)}}
}

func (h *Handler) rejecting() reasoned {
	return reasoned{
		text.N("Reject post"), text.N("The post is not shown, or as it was before it was changed. Its author is told why by mail."), text.N("Reject post"), text.N("The post is rejected, and its author told."), true,
		func(forum.Row, forum.Said) string { return "/support/pending" },
		func(ctx context.Context, a actor.Actor, id db.ID, f reasonForm) error {
			return h.Store.Reject(ctx, a, id, f.Revisions, f.Reason)
		},
	}
}

func (h *Handler) hiding() reasoned {
	return reasoned{
		text.N("Hide post"), text.N("Nobody but its author and staff sees it any more. It can be shown again."), text.N("Hide post"), text.N("The post is hidden."), false,
		func(q forum.Row, _ forum.Said) string { return deskPath(q.ID) },
		func(ctx context.Context, a actor.Actor, id db.ID, f reasonForm) error {
			return h.Store.Hide(ctx, a, id, f.Reason)
		},
	}
}

// ConfirmReject asks for the reason.
func (h *Handler) ConfirmReject(c echo.Context) error { return h.reasonPage(c, h.rejecting(), "", nil) }

// Reject keeps a post that waited from being shown.
func (h *Handler) Reject(c echo.Context) error { return h.reasoned(c, h.rejecting()) }

// ConfirmHide asks for the reason.
func (h *Handler) ConfirmHide(c echo.Context) error { return h.reasonPage(c, h.hiding(), "", nil) }

// Hide takes a post out of the forum.
func (h *Handler) Hide(c echo.Context) error { return h.reasoned(c, h.hiding()) }

func (h *Handler) reasonPage(c echo.Context, r reasoned, reason string, failed error) error {
	q, p, err := h.post(c)
	if err != nil {
		return err
	}
	body := p.Body
	if r.waiting && p.PendingRevision != nil {
		change, err := h.Forum.Waits(web.Ctx(c), p.Post)
		if err != nil {
			return err
		}
		body = change.Body
	}
	problems, wrong, _ := web.Problems(c, failed)
	return h.RenderStatus(c, status(failed), views.FormPage(views.Form{
		Frame: h.Frame(c, web.T(c, r.title)), Crumbs: deskCrumbs(c, components.Crumb{Label: q.Title, Href: deskPath(q.ID), Own: true}, components.Crumb{Label: web.T(c, r.title)}),
		Title: web.T(c, r.title), Lead: web.T(c, r.lead), Quote: markdown.PlainText(body, quoted), Problems: problems, Action: c.Request().URL.Path, Hidden: seen(p.Revisions),
		Inputs: []views.Input{{Field: reasonField(c, reason, wrong["reason"]), As: "area"}}, Submit: web.T(c, r.submit), Danger: true, Cancel: r.back(q, p),
	}))
}

func (h *Handler) reasoned(c echo.Context, r reasoned) error {
	var f reasonForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	q, p, err := h.post(c)
	if err != nil {
		return err
	}
	err = r.act(web.Ctx(c), web.Actor(c), p.ID, f)
	if _, _, ok := web.Problems(c, err); ok {
		err = h.Unkeyed(c, err, &f.Reason)
		return h.reasonPage(c, r, f.Reason, err)
	}
	if err != nil {
		return err
	}
	return h.Done(c, r.back(q, p), r.done)
}

// Show shows a hidden post again.
func (h *Handler) Show(c echo.Context) error {
	q, p, err := h.post(c)
	if err != nil {
		return err
	}
	if err := h.Store.Show(web.Ctx(c), web.Actor(c), p.ID); err != nil {
		return err
	}
	return h.Done(c, deskPath(q.ID), "The post is shown again.")
}

// question reads the question of the path.
func (h *Handler) question(c echo.Context) (forum.Row, error) {
	id, err := web.PathID(c, "id", forum.Prefix)
	if err != nil {
		return forum.Row{}, err
	}
	return h.Forum.Get(web.Ctx(c), web.Actor(c), id)
}

// ConfirmHideQuestion asks for the reason.
func (h *Handler) ConfirmHideQuestion(c echo.Context) error { return h.questionReason(c, "", nil) }

func (h *Handler) questionReason(c echo.Context, reason string, failed error) error {
	q, err := h.question(c)
	if err != nil {
		return err
	}
	problems, wrong, _ := web.Problems(c, failed)
	title := web.T(c, "Hide question")
	return h.RenderStatus(c, status(failed), views.FormPage(views.Form{
		Frame: h.Frame(c, title), Crumbs: deskCrumbs(c, components.Crumb{Label: q.Title, Href: deskPath(q.ID), Own: true}, components.Crumb{Label: title}), Title: title,
		Lead:  web.T(c, "Nobody but its asker and staff sees the question and its answers any more. It can be shown again."),
		Quote: q.Title, Problems: problems, Action: c.Request().URL.Path, Inputs: []views.Input{{Field: reasonField(c, reason, wrong["reason"]), As: "area"}},
		Submit: title, Danger: true, Cancel: deskPath(q.ID),
	}))
}

// HideQuestion takes a question out of the forum.
func (h *Handler) HideQuestion(c echo.Context) error {
	var f reasonForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	q, err := h.question(c)
	if err != nil {
		return err
	}
	err = h.Store.HideQuestion(web.Ctx(c), web.Actor(c), q.ID, f.Reason)
	if _, _, ok := web.Problems(c, err); ok {
		err = h.Unkeyed(c, err, &f.Reason)
		return h.questionReason(c, f.Reason, err)
	}
	if err != nil {
		return err
	}
	return h.Done(c, deskPath(q.ID), "The question is hidden.")
}

// EditTags is the form of a question's tags.
func (h *Handler) EditTags(c echo.Context) error {
	q, err := h.question(c)
	if err != nil {
		return err
	}
	return h.tagsPage(c, q, strings.Join(q.Tags, " "), nil)
}

func (h *Handler) tagsPage(c echo.Context, q forum.Row, value string, failed error) error {
	problems, wrong, _ := web.Problems(c, failed)
	title := web.T(c, "Change tags")
	return h.RenderStatus(c, status(failed), views.FormPage(views.Form{
		Frame: h.Frame(c, title), Crumbs: deskCrumbs(c, components.Crumb{Label: q.Title, Href: deskPath(q.ID), Own: true}, components.Crumb{Label: title}), Title: title,
		Problems: problems, Action: c.Request().URL.Path, Submit: web.T(c, "Save tags"), Cancel: deskPath(q.ID),
		Inputs: []views.Input{{Field: components.Field{Name: "tags", Label: web.T(c, "Tags"), Value: value, Error: wrong["tags"], MaxLength: 200, Hint: web.T(c, "Up to five, with spaces between them.")}}},
	}))
}

// Retag gives a question other tags.
func (h *Handler) Retag(c echo.Context) error {
	var f reasonForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	q, err := h.question(c)
	if err != nil {
		return err
	}
	err = h.Store.Retag(web.Ctx(c), web.Actor(c), q.ID, strings.FieldsFunc(f.Tags, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\t' }))
	if _, _, ok := web.Problems(c, err); ok {
		err = h.Unkeyed(c, err, &f.Tags)
		return h.tagsPage(c, q, f.Tags, err)
	}
	if err != nil {
		return err
	}
	return h.Done(c, deskPath(q.ID), "The tags are changed.")
}
