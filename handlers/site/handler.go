// Package site answers what belongs to no area: the home page, the console's first page, and what machines ask of every site.
package site

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/key/notice"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/static"
)

// Handler answers the site's own pages.
type Handler struct {
	*web.Kit
	Orgs        *org.Store
	Catalog     *catalog.Store
	Keys        *key.Store
	Usage       *usage.Store
	Guides      *guide.Store
	Notices     *notice.Store     // nil: nothing is said of what ends next
	Forum       *forum.Store      // nil: the sitemap lists no questions
	Desk        *support.Store    // nil: nothing is said of reply times
	Leaks       *leak.Store       // nil: nothing is said of leaked keys
	Shares      *share.Store      // nil: nothing is said of offers
	Invitations *invitation.Store // nil: nothing is said of invitations
	Signup      config.SignupPolicy
	Fresh       func() bool // whether the edge's picture of keys is fresh; nil: always
	Loaded      func() bool // whether what is to be read before the first request has been; nil: always
	Assets      static.Others
	leaving     atomic.Bool
}

// Leave makes /readyz say no: the process is about to stop.
func (h *Handler) Leave() { h.leaving.Store(true) }

// Routes are the site's routes.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/", web.Public(), h.Home)
	r.Get("/console", web.SignedIn(), h.Console)
	r.Get("/robots.txt", web.Public(), h.Robots)
	r.Get("/sitemap.xml", web.Public(), h.Sitemap)
	r.Get("/favicon.ico", web.Public(), h.Favicon)
	r.Get(static.Prefix+"*", web.Public(), echo.WrapHandler(static.Own().Handler(h.Assets)))
}

// Healthz says that the process lives.
func (h *Handler) Healthz(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "alive") }

// Readyz says whether requests should be sent here: not while the database is away, the edge's picture is stale or not yet whole, or the process is
// leaving.
func (h *Handler) Readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	switch {
	case h.leaving.Load():
		say(w, http.StatusServiceUnavailable, "leaving")
	case h.Fresh != nil && !h.Fresh(): // asked first: it is known without waiting
		say(w, http.StatusServiceUnavailable, "stale keys")
	case h.Loaded != nil && !h.Loaded():
		say(w, http.StatusServiceUnavailable, "loading keys")
	case h.DB.Ping(ctx) != nil:
		say(w, http.StatusServiceUnavailable, "no database")
	default:
		say(w, http.StatusOK, "ready")
	}
}

func say(w http.ResponseWriter, status int, word string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(word + "\n"))
}

// Robots keeps crawlers to the public pages.
func (h *Handler) Robots(c echo.Context) error {
	return c.String(http.StatusOK, "User-agent: *\nDisallow: /console\nDisallow: /admin\nDisallow: /v1/\nDisallow: /verify\nDisallow: /password/\nDisallow: /setup\nSitemap: "+h.Link("/sitemap.xml")+"\n")
}

// Sitemap lists what everybody may read.
func (h *Handler) Sitemap(c echo.Context) error {
	apis, err := h.publicAPIs(c)
	if err != nil {
		return err
	}
	paths := []string{"/", "/apis", "/guides", "/tutorials", "/forum"}
	for _, kind := range []string{content.Guide, content.Tutorial} {
		for _, p := range h.Guides.Pages().List(kind, text.English) {
			paths = append(paths, p.Path())
		}
	}
	for _, a := range apis {
		paths = append(paths, "/apis/"+a.Slug)
	}
	solved, err := h.solved(c)
	if err != nil {
		return err
	}
	paths = append(paths, solved...)
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">` + "\n")
	for _, p := range paths {
		b.WriteString("<url><loc>" + h.Link(p) + "</loc></url>\n")
	}
	b.WriteString("</urlset>\n")
	return c.Blob(http.StatusOK, "application/xml; charset=utf-8", []byte(b.String()))
}

// mostSolved bounds the questions in the sitemap; the forum's list leads to the others.
const mostSolved = 1000

// solved are the paths of the solved questions that anybody may read, last active first.
func (h *Handler) solved(c echo.Context) ([]string, error) {
	if h.Forum == nil {
		return nil, nil
	}
	var paths []string
	for page := (db.PageRequest{Size: db.MaxPage}); len(paths) < mostSolved; {
		list, err := h.Forum.SolvedPublic(web.Ctx(c), page)
		if err != nil {
			return nil, err
		}
		for _, q := range list.Rows {
			paths = append(paths, q.Path())
		}
		if page.After = list.Next; page.After == "" {
			break
		}
	}
	return paths, nil
}

// Favicon answers browsers that ask for the old place.
func (h *Handler) Favicon(c echo.Context) error {
	return c.Redirect(http.StatusMovedPermanently, static.URL("icons/favicon.svg"))
}
