// Package moderation has the pages on which readers report posts, under /forum, and those on which staff decide about them, under /support.
package moderation

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/moderation"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

// Handler serves the area.
type Handler struct {
	*web.Kit
	Store *moderation.Store
	Forum *forum.Store
}

// Routes lists the routes of the area.
func (h *Handler) Routes(r *web.Registrar) {
	in, read, act := web.SignedIn(), web.Staff(permission.StaffQuestionsRead), web.Staff(permission.StaffQuestionsModerate)
	r.Get("/forum/posts/:id/flag", in, h.NewFlag)
	r.Post("/forum/posts/:id/flag", in, h.Flag)

	r.Get("/support/flags", read, h.Flags)
	r.Get("/support/flags/:id", read, h.OneFlag)
	r.Post("/support/flags/:id/uphold", act, h.Uphold)
	r.Post("/support/flags/:id/dismiss", act, h.Dismiss)

	r.Get("/support/pending", read, h.Pending)
	r.Post("/support/posts/:id/approve", act, h.Approve)
	r.Get("/support/posts/:id/reject", act, h.ConfirmReject)
	r.Post("/support/posts/:id/reject", act, h.Reject)

	r.Get("/support/posts/:id/hide", act, h.ConfirmHide)
	r.Post("/support/posts/:id/hide", act, h.Hide)
	r.Post("/support/posts/:id/show", act, h.Show)
	r.Get("/support/posts/:id/revisions/:number/hide", act, h.ConfirmHideRevision)
	r.Post("/support/posts/:id/revisions/:number/hide", act, h.HideRevision)
	r.Post("/support/posts/:id/revisions/:number/show", act, h.ShowRevision)
	r.Get("/support/questions/:id/hide", act, h.ConfirmHideQuestion)
	r.Post("/support/questions/:id/hide", act, h.HideQuestion)
	r.Post("/support/questions/:id/show", act, h.ShowQuestion)
	r.Post("/support/questions/:id/lock", act, h.Lock)
	r.Post("/support/questions/:id/unlock", act, h.Unlock)
	r.Post("/support/questions/:id/pin", act, h.Pin)
	r.Post("/support/questions/:id/unpin", act, h.Unpin)
	r.Get("/support/questions/:id/tags", act, h.EditTags)
	r.Post("/support/questions/:id/tags", act, h.Retag)

	r.Get("/support/people/:id", read, h.Person)
	r.Get("/support/people/:id/block", act, h.ConfirmBlock)
	r.Post("/support/people/:id/block", act, h.Block)
	r.Post("/support/people/:id/unblock", act, h.Unblock)
}

// userPrefix begins the ids of people.
const userPrefix = "user"

func mayModerate(c echo.Context) bool {
	return permission.Staff(web.Actor(c).StaffRole, permission.StaffQuestionsModerate)
}

func deskPath(id db.ID) string { return "/support/questions/" + id.Show(forum.Prefix) }

func postDesk(id db.ID, verb string) string {
	return "/support/posts/" + id.Show(forum.PostPrefix) + "/" + verb
}

func personPath(id db.ID) string { return "/support/people/" + id.Show(userPrefix) }

func deskCrumbs(c echo.Context, more ...components.Crumb) []components.Crumb {
	return append([]components.Crumb{{Label: web.T(c, "Support"), Href: "/support"}}, more...)
}

var postKinds = map[string]string{forum.PostQuestion: text.N("Question"), forum.PostAnswer: text.N("Answer"), forum.PostComment: text.N("Comment")}

func kindWords(c echo.Context, kind string) string { return web.T(c, postKinds[kind]) }

// onQuestion does an act of one button on a question, and comes back to its desk.
func (h *Handler) onQuestion(c echo.Context, words string, act func(ctx context.Context, a actor.Actor, id db.ID) error) error {
	id, err := web.PathID(c, "id", forum.Prefix)
	if err != nil {
		return err
	}
	if err := act(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, deskPath(id), words)
}

func on(set func(context.Context, actor.Actor, db.ID, bool) error, value bool) func(context.Context, actor.Actor, db.ID) error {
	return func(ctx context.Context, a actor.Actor, id db.ID) error { return set(ctx, a, id, value) }
}

// Lock keeps all but staff from writing under a question.
func (h *Handler) Lock(c echo.Context) error {
	return h.onQuestion(c, text.N("The question is locked."), on(h.Store.SetLocked, true))
}

// Unlock ends that.
func (h *Handler) Unlock(c echo.Context) error {
	return h.onQuestion(c, text.N("The question is open for posts again."), on(h.Store.SetLocked, false))
}

// Pin puts a question above the forum's list.
func (h *Handler) Pin(c echo.Context) error {
	return h.onQuestion(c, text.N("The question is pinned."), on(h.Store.SetPinned, true))
}

// Unpin ends that.
func (h *Handler) Unpin(c echo.Context) error {
	return h.onQuestion(c, text.N("The question is not pinned any more."), on(h.Store.SetPinned, false))
}

// ShowQuestion shows a hidden question again.
func (h *Handler) ShowQuestion(c echo.Context) error {
	return h.onQuestion(c, text.N("The question is shown again."), h.Store.ShowQuestion)
}
