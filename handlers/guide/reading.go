package guide

import (
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/guide"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

const solvedShown = 5

// Guide shows one guide, or its Markdown.
func (h *Handler) Guide(c echo.Context) error { return h.read(c, content.Guide) }

// Tutorial shows one tutorial with the progress of an app, or its Markdown.
func (h *Handler) Tutorial(c echo.Context) error { return h.read(c, content.Tutorial) }

func (h *Handler) read(c echo.Context, kind string) error {
	p, err := h.page(c, kind)
	if err != nil {
		return err
	}
	if web.WantsMarkdown(c) {
		c.Response().Header().Add(echo.HeaderVary, "Accept-Language")
		return h.Markdown(c, Twin(p, h.Link(p.Path())))
	}
	if web.Actor(c).SignedIn() {
		c.Response().Header().Add(echo.HeaderVary, echo.HeaderCookie)
		reading, err := h.reading(c, p, nil)
		if err != nil {
			return err
		}
		return h.Render(c, views.ReadingPage(reading))
	}
	return h.public(c, p)
}

// page is the page that the address names, in the language of the reader.
func (h *Handler) page(c echo.Context, kind string) (*content.Page, error) {
	p := h.Guides.Find(kind, strings.TrimSuffix(c.Param("slug"), ".md"), text.Of(web.Ctx(c)).Language)
	if p == nil {
		return nil, fault.Missing()
	}
	return p, nil
}

// Twin is a page as Markdown.
func Twin(p *content.Page, link string) string {
	return "# " + p.Title + "\n\n> " + p.Summary + "\n\n" + link + " · " + p.Changed.Format(time.DateOnly) + "\n\n" + p.Source
}

// reading fills the page for its reader. rating is what stands in the form when it came back.
func (h *Handler) reading(c echo.Context, p *content.Page, rating *views.Rating) (views.Reading, error) {
	ctx, who := web.Ctx(c), web.Actor(c)
	language := text.Of(ctx).Language
	solved, err := h.Forum.SolvedAbout(ctx, who, p.Path(), solvedShown)
	if err != nil {
		return views.Reading{}, err
	}
	r := h.bare(c, p, solved)
	r.Lang = foreign(p, language)
	if rating != nil {
		r.Rating = *rating
	}
	if r.Rating.Yes, r.Rating.No, err = h.Guides.Rated(ctx, who, p.Path(), h.knownVisitor(c)); err != nil || !who.SignedIn() {
		return r, err
	}
	app, err := h.chosenApp(c)
	if err != nil {
		return r, err
	}
	caption := captionOf(app)
	r.Body.Caption = caption
	if p.Kind != content.Tutorial {
		return r, nil
	}
	if err := h.fillProgress(c, p, &r, app, caption); err != nil {
		return r, err
	}
	r.Frame.Toc = views.Beside(r.Tutorial, tableOf(p))
	return r, nil
}

// bare is the page as everybody sees it.
func (h *Handler) bare(c echo.Context, p *content.Page, solved []forum.Solved) views.Reading {
	ctx := web.Ctx(c)
	r := views.Reading{
		Frame: h.Frame(c, p.Title), Title: p.Title, Summary: p.Summary, Twin: p.Path() + ".md", Body: views.Article{Pieces: p.Body},
		ISO: p.Changed.Format(time.DateOnly), AskHref: "/forum/ask?about=" + p.Path(),
		Rating: views.Rating{Action: p.Path() + "/helpful", Words: ratingField(c, "", "")},
	}
	r.Changed = text.Date(text.With(ctx, text.Locale{Language: text.Of(ctx).Language, Zone: time.UTC}), p.Changed)
	r.Frame.Description, r.Frame.Canonical, r.Frame.Markdown = p.Summary, h.Link(p.Path()), r.Twin
	shelf := components.Crumb{Label: web.T(c, "Guides"), Href: "/guides"}
	if p.Kind == content.Tutorial {
		shelf = components.Crumb{Label: web.T(c, "Tutorials"), Href: "/tutorials"}
		r.Tutorial = h.steps(c, p)
	}
	r.Crumbs = []components.Crumb{shelf, {Label: p.Title}}
	before, after := h.Guides.Pages().Neighbours(p)
	r.Previous, r.Next = itemOf(before), itemOf(after)
	for _, q := range solved {
		r.Solved = append(r.Solved, layout.Link{Label: q.Title, Href: q.Path()})
	}
	r.Headings = tableOf(p)
	r.Frame.Toc = views.Beside(r.Tutorial, r.Headings)
	return r
}

func itemOf(p *content.Page) *views.Item {
	if p == nil {
		return nil
	}
	return &views.Item{Href: p.Path(), Title: p.Title}
}

// tableOf links to the headings of a page.
func tableOf(p *content.Page) []components.TocLink {
	var links []components.TocLink
	for _, x := range p.Headings {
		if x.Top && x.ID != "" && x.Level <= 3 {
			links = append(links, components.TocLink{Label: x.Text, Href: "#" + x.ID, Level: x.Level, Own: true})
		}
	}
	return links
}

func ratingField(c echo.Context, value, problem string) components.Field {
	return components.Field{Name: "words", Label: web.T(c, "What would make it better?"), Value: value, Error: problem, Rows: 2, MaxLength: guide.MaxWords, Optional: true, Hint: web.T(c, "Staff read it. For an answer, ask in the forum.")}
}

// steps are the steps of a tutorial for who has no app, with what to do first.
func (h *Handler) steps(c echo.Context, p *content.Page) *views.Tutorial {
	t := &views.Tutorial{Action: p.Path(), Why: web.T(c, "Signed in, you see your steps tick themselves.")}
	t.Before = &components.Act{Label: web.T(c, "Sign in"), Href: "/login?next=" + p.Path()}
	for i, s := range p.Steps {
		t.Steps = append(t.Steps, views.Step{ID: s.ID, Number: strconv.Itoa(i + 1), Title: s.Title, Body: views.Article{Pieces: s.Body}, Seen: s.Check.Kind != ""})
	}
	return t
}

// chosenApp is the app that the address names, or else the reader's newest; zero when there is none.
func (h *Handler) chosenApp(c echo.Context) (guide.App, error) {
	ctx, who := web.Ctx(c), web.Actor(c)
	if id := web.QueryID(c, "app", org.AppPrefix); !id.IsZero() {
		app, err := h.Guides.App(ctx, who, id)
		if !fault.Is(err, fault.NotFound) {
			return app, err
		}
	}
	return h.Guides.NewestApp(ctx, who)
}

// captionOf tells what $GATEHOUSE_KEY stands for: never more of a key than its hint.
func captionOf(app guide.App) templ.Component {
	switch {
	case app.ID.IsZero():
		return views.CaptionLine(views.Caption{Href: "/console/apps/new"})
	case app.KeyID.IsZero():
		return views.CaptionLine(views.Caption{App: app.Name, Href: "/console/keys/new?app=" + app.ID.Show(org.AppPrefix)})
	}
	return views.CaptionLine(views.Caption{App: app.Name, Key: app.KeyName, Hint: app.Hint(), Href: "/console/keys/" + app.KeyID.Show(key.IDPrefix)})
}
