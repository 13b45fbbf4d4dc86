package moderation

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/moderation"
)

// revision reads the post of the path with its question and the revision that is meant.
func (h *Handler) revision(c echo.Context) (forum.Row, forum.Said, forum.Revision, error) {
	q, p, err := h.post(c)
	if err != nil {
		return q, p, forum.Revision{}, err
	}
	number, err := strconv.ParseInt(c.Param("number"), 10, 32)
	if err != nil {
		return q, p, forum.Revision{}, fault.Missing()
	}
	_, _, found, err := h.Forum.RevisionsBelow(web.Ctx(c), web.Actor(c), p.ID, number+1, 1)
	if err == nil && (len(found) == 0 || found[0].Number != number) {
		err = fault.Missing()
	}
	if err != nil {
		return q, p, forum.Revision{}, err
	}
	return q, p, found[0], nil
}

func historyPath(p forum.Said) string {
	return "/forum/posts/" + p.ID.Show(forum.PostPrefix) + "/history"
}

// ConfirmHideRevision asks for the reason.
func (h *Handler) ConfirmHideRevision(c echo.Context) error { return h.revisionReason(c, "", nil) }

func (h *Handler) revisionReason(c echo.Context, reason string, failed error) error {
	q, p, r, err := h.revision(c)
	if err != nil {
		return err
	}
	problems, wrong, _ := web.Problems(c, failed)
	title := web.T(c, "Hide revision")
	return h.RenderStatus(c, status(failed), views.FormPage(views.Form{
		Frame: h.Frame(c, title), Crumbs: deskCrumbs(c, components.Crumb{Label: q.Title, Href: deskPath(q.ID), Own: true}, components.Crumb{Label: web.T(c, "History"), Href: historyPath(p)}, components.Crumb{Label: title}),
		Title: title, Lead: web.T(c, "Nobody but its author and staff reads this text in the history any more, nor what changed from it. It can be shown again."),
		Quote: markdown.PlainText(r.Body, quoted), Problems: problems, Action: c.Request().URL.Path,
		Inputs: []views.Input{{Field: reasonField(c, reason, wrong["reason"]), As: "area"}}, Submit: title, Danger: true, Cancel: historyPath(p),
	}))
}

// HideRevision takes one text out of a post's history.
func (h *Handler) HideRevision(c echo.Context) error {
	var f reasonForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	_, p, r, err := h.revision(c)
	if err != nil {
		return err
	}
	err = h.Store.HideRevision(web.Ctx(c), web.Actor(c), p.ID, r.Number, f.Reason)
	if _, _, ok := web.Problems(c, err); ok {
		err = h.Unkeyed(c, err, &f.Reason)
		return h.revisionReason(c, f.Reason, err)
	}
	if err != nil {
		return err
	}
	return h.Done(c, historyPath(p), "The revision is hidden.")
}

// ShowRevision shows it again.
func (h *Handler) ShowRevision(c echo.Context) error {
	_, p, r, err := h.revision(c)
	if err != nil {
		return err
	}
	if err := h.Store.ShowRevision(web.Ctx(c), web.Actor(c), p.ID, r.Number); err != nil {
		return err
	}
	return h.Done(c, historyPath(p), "The revision is shown again.")
}
