// Package feed serves the forum as Atom feeds (RFC 4287). A feed is anonymous: it holds what anybody may read, whoever asks for it.
package feed

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
)

// Handler serves the area.
type Handler struct {
	*web.Kit
	Forum *forum.Store
}

// Routes lists the routes of the area.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/forum/feed.atom", web.Public(), h.Questions)
	r.Get("/forum/q/:id/feed.atom", web.Public(), h.Question)
}

// entries is how many a feed holds.
const entries = 30

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Links   []atomLink  `xml:"link"`
	Author  atomAuthor  `xml:"author"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type atomAuthor struct {
	Name string `xml:"name"`
}

type atomEntry struct {
	ID         string         `xml:"id"`
	Title      string         `xml:"title"`
	Published  string         `xml:"published"`
	Updated    string         `xml:"updated"`
	Link       atomLink       `xml:"link"`
	Author     atomAuthor     `xml:"author"`
	Categories []atomCategory `xml:"category"`
	Content    atomContent    `xml:"content"`
}

type atomCategory struct {
	Term string `xml:"term,attr"`
}

// atomContent is HTML, escaped once more, as the type says.
type atomContent struct {
	Type string `xml:"type,attr"`
	HTML string `xml:",chardata"`
}

// Questions is the feed of public questions, newest first: all, of a tag, about an API, or those that nobody answered.
func (h *Handler) Questions(c echo.Context) error {
	f := forum.Filter{Tag: c.QueryParam("tag"), API: c.QueryParam("api"), Unanswered: c.QueryParams().Has("unanswered") || c.QueryParam("show") == "unanswered"}
	list, err := h.Forum.List(web.Ctx(c), actor.Actor{}, f, db.PageRequest{Sort: "newest", Size: entries})
	if err != nil {
		return err
	}
	ids := make([]db.ID, len(list.Rows))
	for i, r := range list.Rows {
		ids[i] = r.ID
	}
	bodies, err := h.Forum.Bodies(web.Ctx(c), ids)
	if err != nil {
		return err
	}
	query := narrowing(f)
	feed := h.feed(c, "/forum/feed.atom"+query, "/forum"+strings.Replace(query, "unanswered=", "show=unanswered", 1), web.T(c, "Questions"))
	if f.Tag != "" {
		feed.Title += " · " + f.Tag
	}
	newest := time.Time{}
	for _, r := range list.Rows {
		e := h.entry(r.ID.Show(forum.Prefix), r.Title, r.Path(), h.author(c, r.AskerName, r.AskerGone), bodies[r.ID], r.CreatedAt, r.CreatedAt)
		for _, t := range r.Tags {
			e.Categories = append(e.Categories, atomCategory{t})
		}
		feed.Entries = append(feed.Entries, e)
		newest = later(newest, r.CreatedAt)
	}
	return h.send(c, feed, newest)
}

// narrowing is the query by which the same feed is asked for again: only what it knows, so that nothing foreign comes into its links.
func narrowing(f forum.Filter) string {
	q := url.Values{}
	if f.Tag != "" {
		q.Set("tag", f.Tag)
	}
	if f.API != "" {
		q.Set("api", f.API)
	}
	if f.Unanswered {
		q.Set("unanswered", "")
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Question is the feed of one public question: what was written under it, newest first.
func (h *Handler) Question(c echo.Context) error {
	id, err := web.PathID(c, "id", forum.Prefix)
	if err != nil {
		return err
	}
	q, posts, err := h.Forum.Newest(web.Ctx(c), actor.Actor{}, id, entries)
	if err != nil {
		return err
	}
	if q.MergedInto != nil {
		return fault.Missing()
	}
	feed := h.feed(c, "/forum/q/"+q.ID.Show(forum.Prefix)+"/feed.atom", q.Path(), q.Title)
	newest := time.Time{}
	for _, p := range posts {
		title, path, changed := web.T(c, "Re: %s", q.Title), q.Path()+"#post_"+p.ID.Show(forum.PostPrefix), p.CreatedAt
		if p.Kind == forum.PostQuestion {
			title, path = q.Title, q.Path()
		}
		if p.EditedAt != nil {
			changed = *p.EditedAt
		}
		feed.Entries = append(feed.Entries, h.entry(p.ID.Show(forum.PostPrefix), title, path, h.author(c, p.AuthorName, p.AuthorGone), p.HTML, p.CreatedAt, changed))
		newest = later(newest, changed)
	}
	return h.send(c, feed, newest)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (h *Handler) author(c echo.Context, name string, gone bool) string {
	if gone || name == "" {
		return web.T(c, "Deleted account")
	}
	return name
}

func (h *Handler) feed(c echo.Context, self, page, title string) *atomFeed {
	portal := web.Portal(c).Name
	return &atomFeed{
		ID: h.Link(self), Title: title + " · " + portal, Author: atomAuthor{portal},
		Links: []atomLink{{"self", "application/atom+xml", h.Link(self)}, {"alternate", "text/html", h.Link(page)}},
	}
}

// entry is one post. Its id never changes, whatever becomes of title and slug.
func (h *Handler) entry(id, title, path, author, html string, at, changed time.Time) atomEntry {
	return atomEntry{
		ID: "tag:" + h.BaseURL.Hostname() + ",2026:" + id, Title: title, Published: at.UTC().Format(time.RFC3339), Updated: changed.UTC().Format(time.RFC3339),
		Link: atomLink{"alternate", "text/html", h.Link(path)}, Author: atomAuthor{author}, Content: atomContent{"html", html},
	}
}

// send answers with the feed, or 304 when the reader has it as it is, by its digest: the time alone would not tell that something was hidden. What is hidden leaves caches within a minute.
func (h *Handler) send(c echo.Context, f *atomFeed, newest time.Time) error {
	if newest.IsZero() {
		newest = time.Unix(0, 0)
	}
	f.Updated = newest.UTC().Format(time.RFC3339)
	body, err := xml.Marshal(f)
	if err != nil {
		return err
	}
	body = append([]byte(xml.Header), body...)
	sum := sha256.Sum256(body)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	head := c.Response().Header()
	head.Set("ETag", "W/"+etag) // weak: compressing it on the way makes other bytes
	head.Set("Last-Modified", newest.UTC().Format(http.TimeFormat))
	head.Set("Cache-Control", "public, max-age=60")
	head.Add("Vary", "Accept-Language") // not Set: what compresses on the way has put Accept-Encoding there (W5)
	head.Add("Vary", "Cookie")
	head.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if match := c.Request().Header.Get("If-None-Match"); strings.Contains(match, etag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, "application/atom+xml; charset=utf-8", body)
}
