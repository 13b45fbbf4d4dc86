package guide

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/guide"
)

// GuideShelf lists the guides.
func (h *Handler) GuideShelf(c echo.Context) error {
	return h.shelf(c, content.Guide, views.Shelf{
		Title: web.T(c, "Guides"), Lead: web.T(c, "How keys, scopes and limits work, and how to use them well."),
		Empty: &components.EmptyState{Title: web.T(c, "No guides yet"), Text: web.T(c, "Nothing is published here.")},
	})
}

// TutorialShelf lists the tutorials.
func (h *Handler) TutorialShelf(c echo.Context) error {
	return h.shelf(c, content.Tutorial, views.Shelf{
		Title: web.T(c, "Tutorials"), Lead: web.T(c, "In steps that tick themselves when you have done them."),
		Empty: &components.EmptyState{Title: web.T(c, "No tutorials yet"), Text: web.T(c, "Nothing is published here.")},
	})
}

func (h *Handler) shelf(c echo.Context, kind string, p views.Shelf) error {
	language := text.Of(web.Ctx(c)).Language
	p.Frame = h.Frame(c, p.Title)
	p.Tabs = []components.Tab{{Label: web.T(c, "Guides"), Href: "/guides", Current: kind == content.Guide}, {Label: web.T(c, "Tutorials"), Href: "/tutorials", Current: kind == content.Tutorial}}
	p.Frame.Description, p.Frame.Canonical = p.Lead, h.Link("/"+kind+"s")
	english := h.Guides.Pages()
	all := english.List(kind, language)
	if len(all) > 0 {
		p.Empty = nil
	}
	var app guide.App // whose progress is told
	if kind == content.Tutorial && web.Actor(c).SignedIn() {
		var err error
		if app, err = h.Guides.NewestApp(web.Ctx(c), web.Actor(c)); err != nil {
			return err
		}
	}
	last := ""
	for _, x := range all {
		// Pages stand together by the English name of their section, whatever their own language calls it.
		if key := english.Find(kind, x.Slug, text.English).Section; len(p.Sections) == 0 || key != last {
			last = key
			p.Sections = append(p.Sections, views.Section{Title: x.Section, Lang: foreign(x, language)})
		}
		item := views.Item{Href: x.Path(), Title: x.Title, Summary: x.Summary, Lang: foreign(x, language)}
		if len(x.Steps) > 0 {
			item.Facts = web.T(c, "%d steps", len(x.Steps))
			if !app.ID.IsZero() {
				ticks, err := h.Guides.Progress(web.Ctx(c), web.Actor(c), x, app.ID)
				if err != nil {
					return err
				}
				if len(ticks) > 0 {
					item.Facts = web.T(c, "%[1]d of %[2]d steps done", done(x, ticks), len(x.Steps))
				}
			}
		}
		s := &p.Sections[len(p.Sections)-1]
		s.Items = append(s.Items, item)
	}
	return h.Render(c, views.ShelfPage(p))
}

// done counts the steps that there still are and that are ticked.
func done(p *content.Page, ticks map[string]guide.Tick) int {
	n := 0
	for _, s := range p.Steps {
		if _, ok := ticks[s.ID]; ok {
			n++
		}
	}
	return n
}

// foreign is the language of a page when its reader chose another.
func foreign(p *content.Page, reader text.Language) string {
	if p.Language == reader {
		return ""
	}
	return string(p.Language)
}
