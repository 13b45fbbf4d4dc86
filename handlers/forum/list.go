package forum

import (
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum"
)

func query(name, value string) string { return url.Values{name: {value}}.Encode() }

// tab is one view of the list.
type tab struct {
	name, words string
	narrow      func(*forum.Filter)
	empty       string // what it means when it is empty
}

var tabs = []tab{
	{"", text.N("All"), func(*forum.Filter) {}, text.N("Nothing was asked yet. Ask the first question.")},
	{"unanswered", text.N("Unanswered"), func(f *forum.Filter) { f.Unanswered = true }, text.N("Every question here has an answer.")},
	{"mine", text.N("Mine"), func(f *forum.Filter) { f.Mine = true }, text.N("You have not asked anything yet.")},
	{"solved", text.N("Solved"), func(f *forum.Filter) { f.Solved = true }, text.N("No question here is solved yet.")},
	{"ideas", text.N("Ideas"), func(f *forum.Filter) { f.Kind = forum.KindIdea }, text.N("Nobody shared an idea yet.")},
	{"bugs", text.N("Bugs"), func(f *forum.Filter) { f.Kind = forum.KindBug }, text.N("Nobody reported a bug yet.")},
}

var sorts = []struct{ name, words string }{{"activity", text.N("Last active")}, {"newest", text.N("Newest")}, {"votes", text.N("Most votes")}}

// chosenTab is the tab of ?show=, or by the older names kind=idea and kind=bug.
func chosenTab(c echo.Context) tab {
	show := c.QueryParam("show")
	switch c.QueryParam("kind") {
	case forum.KindIdea:
		show = "ideas"
	case forum.KindBug:
		show = "bugs"
	}
	if i := slices.IndexFunc(tabs, func(t tab) bool { return t.name == show }); i >= 0 && (show != "mine" || web.Actor(c).SignedIn()) {
		return tabs[i]
	}
	return tabs[0]
}

// List shows questions.
func (h *Handler) List(c echo.Context) error {
	on := chosenTab(c)
	f := forum.Filter{Tag: c.QueryParam("tag"), API: c.QueryParam("api")}
	on.narrow(&f)
	a := web.Actor(c)
	list, err := h.Store.List(web.Ctx(c), a, f, web.PageOf(c))
	if err != nil {
		return err
	}
	var pinned []forum.Row
	if c.QueryString() == "" {
		if pinned, err = h.pinned(c); err != nil {
			return err
		}
	}
	p := views.List{
		Frame: h.Frame(c, web.T(c, "Forum")), Title: web.T(c, "Forum"), Lead: web.T(c, "Ask in public, and support answers. Whoever has the same question next finds the answer here."),
		AskHref: askHref(f), Tabs: listTabs(c, on), Sorts: listSorts(c, list.Sort), Narrow: narrowed(c, f), Pinned: h.items(c, pinned), Items: h.items(c, without(list.Rows, pinned)), Pager: web.Pager(c, list.Previous, list.Next),
		Empty: components.EmptyState{Title: web.T(c, "No questions here"), Text: web.T(c, on.empty), Action: &components.Act{Label: web.T(c, "Ask a question"), Href: askHref(f), Kind: components.Primary}},
	}
	for i := range p.Pinned {
		p.Pinned[i].Pinned = true
	}
	if f.Tag != "" || f.API != "" {
		p.Empty.Text = web.T(c, "None fits this tag or API in this list.")
		p.Empty.Action = &components.Act{Label: web.T(c, "Show all"), Href: "/forum"}
		if on.name != "" {
			p.Empty.Action.Href += "?" + query("show", on.name)
		}
	}
	if p.Kept, err = h.kept(c); err != nil {
		return err
	}
	if p.Kept != nil {
		p.Empty.Action = nil
	}
	if err := h.following(c, on.name, f, &p); err != nil {
		return err
	}
	p.Frame.Description = p.Lead
	p.Frame.Canonical = h.Link("/forum")
	p.Frame.NoIndex = p.Frame.NoIndex || c.QueryString() != ""
	return h.Render(c, views.ListPage(p))
}

const mostPinned = 5

// pinned are the questions on top of the first page.
func (h *Handler) pinned(c echo.Context) ([]forum.Row, error) {
	list, err := h.Store.List(web.Ctx(c), web.Actor(c), forum.Filter{Pinned: true}, db.PageRequest{Size: mostPinned})
	return list.Rows, err
}

// without is rows but those that stand above them already: nothing stands on a page twice.
func without(rows, pinned []forum.Row) []forum.Row {
	return slices.DeleteFunc(rows, func(r forum.Row) bool {
		return slices.ContainsFunc(pinned, func(o forum.Row) bool { return o.ID == r.ID })
	})
}

func askHref(f forum.Filter) string {
	if f.API == "" {
		return "/forum/ask"
	}
	return "/forum/ask?" + query("about", "/apis/"+f.API)
}

// with is the address of the list with one value of the query changed, from its first page.
func with(c echo.Context, name, value string) string {
	q := c.Request().URL.Query()
	for _, drop := range []string{"after", "before", "kind", name} {
		q.Del(drop)
	}
	if value != "" {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return "/forum"
	}
	return "/forum?" + q.Encode()
}

func listTabs(c echo.Context, on tab) []components.Tab {
	var all []components.Tab
	for _, t := range tabs {
		if t.name == "mine" && !web.Actor(c).SignedIn() {
			continue
		}
		all = append(all, components.Tab{Label: web.T(c, t.words), Href: with(c, "show", t.name), Current: t.name == on.name})
	}
	return all
}

func listSorts(c echo.Context, inForce string) []components.Tab {
	all := make([]components.Tab, len(sorts))
	for i, s := range sorts {
		name := s.name
		if i == 0 {
			name = ""
		}
		all[i] = components.Tab{Label: web.T(c, s.words), Href: with(c, "sort", name), Current: inForce == "-"+s.name}
	}
	return all
}

func narrowed(c echo.Context, f forum.Filter) []views.Chosen {
	var all []views.Chosen
	if f.Tag != "" {
		all = append(all, views.Chosen{Words: web.T(c, "Tag"), Value: f.Tag, Clear: with(c, "tag", "")})
	}
	if f.API != "" {
		all = append(all, views.Chosen{Words: web.T(c, "API"), Value: f.API, Clear: with(c, "api", "")})
	}
	return all
}

// Tags shows all tags.
func (h *Handler) Tags(c echo.Context) error {
	search := c.QueryParam("q")
	page := web.PageOf(c)
	page.Size = db.MaxPage
	list, err := h.Store.Tags(web.Ctx(c), search, page)
	if err != nil {
		return err
	}
	p := views.Tags{Frame: h.Frame(c, web.T(c, "Tags")), Search: search, Pager: web.Pager(c, list.Previous, list.Next)}
	for _, t := range list.Rows {
		p.Tags = append(p.Tags, views.Tag{Name: t.Name, Href: "/forum?" + query("tag", t.Name), Count: web.T(c, "%d questions", int(t.Questions))})
	}
	return h.Render(c, views.TagsPage(p))
}
