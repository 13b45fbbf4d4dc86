// Package forum serves the forum: the list, asking, a question with what was said under it. The desk of support and moderation have packages
// below this one.
package forum

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// Handler serves the area.
type Handler struct {
	*web.Kit
	Store   *forum.Store
	Orgs    *org.Store
	Catalog *catalog.Store
	Keys    *key.Store
	Guides  *guide.Store // nil: pages on which was asked are named by their paths

	limiter ratelimit.Limiter
}

// New makes the handler.
func New(k *web.Kit, s *forum.Store, o *org.Store, c *catalog.Store, keys *key.Store) *Handler {
	return &Handler{Kit: k, Store: s, Orgs: o, Catalog: c, Keys: keys, limiter: ratelimit.NewLocal(writers)}
}

// Routes lists the routes of the area.
func (h *Handler) Routes(r *web.Registrar) {
	all, in := web.Public(), web.SignedIn()
	r.Get("/forum", all, h.List)
	r.Get("/forum/tags", all, h.Tags)
	r.Get("/forum/ask", in, h.NewQuestion)
	r.PostText("/forum/ask", in, h.Ask)
	r.Get("/forum/q/:id", all, h.Shorten)
	r.Get("/forum/q/:id/:slug", all, h.Question)
	r.PostText("/forum/q/:id/answers", in, h.Answer)
	r.Post("/forum/q/:id/follow", in, h.Follow)
	r.Post("/forum/q/:id/unshare", in, h.StopSharing)

	r.Get("/forum/posts/:id", all, h.Post)
	r.Get("/forum/posts/:id/comments", all, h.Comments)
	r.PostText("/forum/posts/:id/comments", in, h.Comment)
	r.Post("/forum/posts/:id/vote", in, h.Vote)
	r.Post("/forum/posts/:id/accept", in, h.Accept)
	r.Post("/forum/posts/:id/unaccept", in, h.Unaccept)
	r.Get("/forum/posts/:id/edit", in, h.EditPost)
	r.PostText("/forum/posts/:id/edit", in, h.ChangePost)
	r.Get("/forum/posts/:id/delete", in, h.ConfirmDelete)
	r.Post("/forum/posts/:id/delete", in, h.DeletePost)
	r.Get("/forum/posts/:id/history", all, h.History)
}

// pageTitle names a page of the portal on which a question was asked: by its title, when it is a guide or a tutorial.
func (h *Handler) pageTitle(c echo.Context, path string) string {
	if h.Guides == nil {
		return path
	}
	return h.Guides.TitleOf(path, text.Of(web.Ctx(c)).Language)
}

func postPath(p forum.Post, verb string) string {
	return "/forum/posts/" + p.ID.Show(forum.PostPrefix) + "/" + verb
}

// anchored is the address of a post on the page of its question.
func anchored(q forum.Question, p forum.Post) string {
	if p.Kind == forum.PostQuestion {
		return q.Path()
	}
	return q.Path() + "#" + anchor(p)
}

func anchor(p forum.Post) string { return "post_" + p.ID.Show(forum.PostPrefix) }

// Post leads to where a post stands.
func (h *Handler) Post(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.PostPrefix)
	if err != nil {
		return err
	}
	q, p, err := h.Store.PostFor(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	return h.See(c, anchored(q.Question, p.Post))
}

// Shorten leads from an address without a slug to the question's page.
func (h *Handler) Shorten(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.Prefix)
	if err != nil {
		return err
	}
	path, err := h.Store.PathOf(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	return elsewhere(c, path)
}

// elsewhere leads to where a question is now. Nobody keeps the answer: questions are merged, and come and go from what a reader may see.
func elsewhere(c echo.Context, path string) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Redirect(http.StatusFound, path)
}
