package catalog

import (
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	views "github.com/gatehouse-dev/gatehouse/views/catalog"
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Placeholder stands where a key goes in example calls.
const Placeholder = "YOUR_KEY"

// Catalogue lists the APIs that the reader may see.
func (h *Handler) Catalogue(c echo.Context) error {
	search := c.QueryParam("q")
	rows, err := h.Store.Visible(web.Ctx(c), web.Actor(c), search)
	if err != nil {
		return err
	}
	p := views.Catalogue{Frame: h.Frame(c, web.T(c, "APIs")), Search: search}
	p.Frame.Wide = true
	p.Frame.Description = web.T(c, "The APIs that you can build on here: what they do, what they need and how much they allow.")
	p.Frame.Canonical = h.Link("/apis")
	p.Frame.NoIndex = p.Frame.NoIndex || search != ""
	for _, r := range rows {
		p.Items = append(p.Items, views.Item{Name: r.Name, Summary: r.Summary, Facts: web.T(c, "%d scopes", int(r.ScopeCount)), Href: "/apis/" + r.Slug})
	}
	return h.Render(c, views.CataloguePage(p))
}

// API shows one API.
func (h *Handler) API(c echo.Context) error {
	d, err := h.Store.BySlug(web.Ctx(c), web.Actor(c), strings.TrimSuffix(c.Param("slug"), ".md"))
	if err != nil {
		return err
	}
	if web.WantsMarkdown(c) {
		return h.Markdown(c, h.twin(c, d))
	}
	p := views.API{Frame: h.Frame(c, d.Name), Name: d.Name, Summary: d.Summary, Publisher: d.PublisherName, Slug: d.Slug, RequestHref: "/apis/" + d.Slug + "/request"}
	p.Frame.Description = d.Summary
	p.Frame.Canonical, p.Frame.Markdown = h.Link("/apis/"+d.Slug), "/apis/"+d.Slug+".md"
	if d.IsPortal {
		p.ReferenceHref = "/apis/" + d.Slug + "/reference"
	}
	if len(d.Plans) == 0 || len(d.Scopes) == 0 {
		p.RequestHref, p.Note = "", web.T(c, "Access can’t be requested yet: this API has no plan or no scope so far.")
	}
	if p.Waiting, err = h.waiting(c, d); err != nil {
		return err
	}
	if p.Description, err = prose(d.Description, 2); err != nil {
		return err
	}
	if p.Terms, err = prose(d.Terms, 3); err != nil {
		return err
	}
	h.fillAPI(c, &p, d)
	if err := h.fillQuestions(c, &p, d); err != nil {
		return err
	}
	p.Frame.Toc = tableOfContents(c, p)
	return h.Render(c, views.APIPage(p))
}

// solvedShown is how many solved questions a page lists.
const solvedShown = 5

// fillQuestions links to what was asked about the API and solved, as far as the reader may see it.
func (h *Handler) fillQuestions(c echo.Context, p *views.API, d catalog.Detail) error {
	if h.Forum == nil {
		return nil
	}
	path := "/apis/" + d.Slug
	solved, err := h.Forum.SolvedAbout(web.Ctx(c), web.Actor(c), path, solvedShown)
	if err != nil {
		return err
	}
	p.AskHref = "/forum/ask?about=" + path
	for _, q := range solved {
		p.Solved = append(p.Solved, layout.Link{Label: q.Title, Href: q.Path()})
	}
	return nil
}

// waiting are the requests for the API that the reader's organizations have made and nobody has decided.
func (h *Handler) waiting(c echo.Context, d catalog.Detail) ([]views.Waiting, error) {
	who := web.Actor(c)
	if !who.SignedIn() {
		return nil, nil
	}
	rows, err := h.Store.Access(web.Ctx(c), who, catalog.AccessFilter{APIID: d.ID, State: catalog.Requested}, db.PageRequest{})
	if err != nil {
		return nil, err
	}
	var out []views.Waiting
	for _, x := range rows.Rows {
		out = append(out, views.Waiting{API: x.APIName, App: x.AppName, Href: accessPath(x.ID)})
	}
	return out, nil
}

func (h *Handler) fillAPI(c echo.Context, p *views.API, d catalog.Detail) {
	for _, v := range d.Versions {
		if v.State == catalog.Draft {
			continue
		}
		shown := views.Version{Name: v.Name, Tone: stateTones[v.State], State: web.T(c, stateWords[v.State])}
		if v.SunsetAt != nil && v.State == catalog.Deprecated {
			shown.Sunset = web.T(c, "ends %s", text.Date(web.Ctx(c), *v.SunsetAt))
		}
		p.Versions = append(p.Versions, shown)
	}
	for _, e := range d.Environments {
		p.Environments = append(p.Environments, views.Environment{Name: web.T(c, environmentWords[e.Environment]), BaseURL: e.BaseURL, Curl: e.Curl(Placeholder)})
	}
	for _, s := range d.Scopes {
		p.Scopes = append(p.Scopes, views.Scope{Name: s.Name, Sentence: s.Sentence, Sensitive: s.Sensitive})
	}
	for _, set := range offeredPresets(d) {
		p.Presets = append(p.Presets, views.Preset{Name: set.Name, Purpose: set.Purpose, Scopes: catalog.ScopeNames(set.Offered())})
	}
	for _, plan := range d.Plans {
		p.Plans = append(p.Plans, views.Plan{Name: plan.Name, Summary: plan.Summary, Limits: limits(c, plan), Approval: approval(c, plan)})
	}
}

// offeredPresets are the presets of an API of which something is left.
func offeredPresets(d catalog.Detail) []catalog.Preset {
	return slices.DeleteFunc(slices.Clone(d.Presets), func(p catalog.Preset) bool { return len(p.Offered()) == 0 })
}

// prose renders Markdown whose highest headings get the level that the page has room for; nil for none.
func prose(source string, level int) (templ.Component, error) {
	if source == "" {
		return nil, nil
	}
	d, err := markdown.Render(source, markdown.Options{})
	if err != nil || len(d.Headings) == 0 {
		return d, err
	}
	highest := d.Headings[0].Level
	for _, h := range d.Headings {
		highest = min(highest, h.Level)
	}
	return markdown.Render(source, markdown.Options{Shift: level - highest})
}

// tableOfContents links to the sections that the page has.
func tableOfContents(c echo.Context, p views.API) templ.Component {
	var links []components.TocLink
	for _, l := range []struct {
		there       bool
		label, href string
	}{
		{len(p.Environments) > 0, web.T(c, "Where it is"), "#where"},
		{len(p.Scopes) > 0, web.T(c, "Scopes"), "#scopes"},
		{len(p.Presets) > 0, web.T(c, "Presets"), "#presets"},
		{len(p.Plans) > 0, web.T(c, "Plans"), "#plans"},
		{p.Terms != nil, web.T(c, "Terms"), "#terms"},
	} {
		if l.there {
			links = append(links, components.TocLink{Label: l.label, Href: l.href})
		}
	}
	return components.Toc(links)
}
