package forum

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum"
)

// kindWords name what is no plain question.
var kindWords = map[string]string{forum.KindIdea: text.N("Idea"), forum.KindBug: text.N("Bug")}

// closedFor says for readers why a question was closed.
var closedFor = map[string]string{
	support.Answered: text.N("Answered"), support.Duplicate: text.N("Asked before"), support.OutOfScope: text.N("Not about this portal"),
	support.NotClear: text.N("Can’t be answered as it is"), support.NoWord: text.N("The asker did not come back"),
}

func kindOf(c echo.Context, kind string) string {
	if words := kindWords[kind]; words != "" {
		return web.T(c, words)
	}
	return ""
}

// states says how a question stands. Those with tone Warn and Bad only its asker and staff come to see.
func states(c echo.Context, q forum.Question) []views.State {
	var all []views.State
	add := func(on bool, tone components.Tone, words string) {
		if on {
			all = append(all, views.State{Tone: tone, Words: web.T(c, words)})
		}
	}
	add(q.AcceptedPostID != nil, components.OK, text.N("Solved"))
	if s, ok := forum.StatusOf(q.Kind, q.PublicStatus); ok {
		tone := components.Info
		if s.Done {
			tone = components.OK
		}
		add(true, tone, s.Words)
	}
	add(q.State == forum.Pending, components.Warn, text.N("Waits for approval"))
	add(q.State == forum.Rejected, components.Bad, text.N("Not approved"))
	add(q.HiddenAt != nil, components.Bad, text.N("Hidden"))
	add(q.MergedInto != nil, components.Info, text.N("Merged into another question"))
	add(q.ClosedAt != nil && q.MergedInto == nil, components.Info, text.N("Closed"))
	add(q.LockedAt != nil, components.Info, text.N("Locked"))
	add(q.Visibility == forum.Organization, components.Info, text.N("Not public"))
	return all
}

func (h *Handler) moment(c echo.Context, t time.Time) components.Moment {
	return components.MomentAt(web.Ctx(c), h.Now(), t)
}

func tagLinks(tags []string) []views.Link {
	links := make([]views.Link, len(tags))
	for i, t := range tags {
		links[i] = views.Link{Label: t, Href: "/forum?" + query("tag", t)}
	}
	return links
}

func (h *Handler) item(c echo.Context, r forum.Row) views.Item {
	i := views.Item{
		Title: r.Title, Href: r.Path(), Kind: kindOf(c, r.Kind), States: states(c, r.Question), Tags: tagLinks(r.Tags), API: r.APIName, Author: r.AskerName, Gone: r.AskerGone,
		At: h.moment(c, r.LastActivityAt), Answers: web.T(c, "%d answers", int(r.Answers)), Solved: r.AcceptedPostID != nil,
	}
	if r.Votes > 0 {
		i.Votes = web.T(c, "%d votes", int(r.Votes))
	}
	return i
}

func (h *Handler) items(c echo.Context, rows []forum.Row) []views.Item {
	items := make([]views.Item, len(rows))
	for i, r := range rows {
		items[i] = h.item(c, r)
	}
	return items
}

// took says how long something lasted, in the largest unit that fits.
func took(c echo.Context, d time.Duration) string {
	switch {
	case d < time.Hour:
		return web.T(c, "%d min", max(1, int(d/time.Minute)))
	case d < 48*time.Hour:
		return web.T(c, "%d hours", int(d/time.Hour))
	}
	return web.T(c, "%d days", int(d/(24*time.Hour)))
}

// badge marks what staff said.
func badge(c echo.Context, p forum.Post) string {
	if !p.ByStaff {
		return ""
	}
	return web.T(c, "%s support", web.Portal(c).Name)
}

// stored is the rendered text of a post.
func stored(p forum.Post) views.Body { return views.Body(p.HTML) }
