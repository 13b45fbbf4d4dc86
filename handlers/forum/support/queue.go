package support

import (
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/forum/hours"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/support"
)

// Queue lists what waits on us, or another view of the questions.
func (h *Handler) Queue(c echo.Context) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	filter := support.Filter{View: support.View(c.QueryParam("view")), Tag: c.QueryParam("tag"), API: c.QueryParam("api")}
	if !slices.Contains(support.Views, filter.View) {
		filter.View = support.Waiting
	}
	frame, counts, err := h.frame(c, web.T(c, "Queue"))
	if err != nil {
		return err
	}
	found, err := h.Desk.Queue(ctx, who, filter, web.PageOf(c))
	if err != nil {
		return err
	}
	clockOf, err := h.clock(c)
	if err != nil {
		return err
	}
	page := views.QueuePage{
		Frame: frame, Lead: web.T(c, "A question waits on us when its last public word is the asker’s. The one that has waited longest comes first."),
		Tabs: queueTabs(c, filter, counts), CanTake: may(c, permission.StaffQuestionsAnswer), Pager: web.Pager(c, found.Previous, found.Next),
	}
	if opens := clockOf.Opens(h.Now()); opens.After(h.Now()) {
		page.Closed = web.T(c, "Support is closed now. It opens %s.", moment(c, h.Now(), opens))
	}
	for _, i := range found.Rows {
		page.Rows = append(page.Rows, h.queueRow(c, clockOf, i))
	}
	if len(page.Rows) == 0 {
		if page.Empty, err = h.emptyQueue(c, filter); err != nil {
			return err
		}
	}
	page.Filter, err = h.queueFilter(c, filter)
	if err != nil {
		return err
	}
	return h.Render(c, views.Queue(page))
}

// clock is the opening hours of the policy in force.
func (h *Handler) clock(c echo.Context) (hours.Clock, error) {
	policy, err := h.Desk.Policy(web.Ctx(c), web.Actor(c))
	if err != nil {
		return hours.Clock{}, err
	}
	return policy.Clock()
}

func (h *Handler) queueRow(c echo.Context, clockOf hours.Clock, i support.Item) views.QueueRow {
	row := views.QueueRow{
		Title: i.Title, Href: support.Path(i.ID), Kind: kindWords(c, i.Kind), Asker: i.AskerName, API: i.APIName, Tags: i.Tags, Narrow: narrow(c, i),
		Clock: clock(c, clockOf, h.Now(), i), With: i.AssigneeName, Team: i.TeamName, Marks: marks(c, i),
	}
	at := i.LastActivityAt
	if i.WaitsOnUs() {
		at = *i.WaitingSince
	} else {
		s := stateOf(c, i)
		row.Clock = &s
	}
	row.Since = components.MomentAt(web.Ctx(c), h.Now(), at)
	return row
}

func queueTabs(c echo.Context, f support.Filter, n support.Counts) []components.Tab {
	counts := map[support.View]int64{support.Waiting: n.Waiting, support.Mine: n.Mine, support.MyTeams: n.Teams, support.Unassigned: n.Unassigned, support.Escalated: n.Escalated, support.OnAsker: n.OnAsker}
	var tabs []components.Tab
	for _, v := range support.Views {
		q := url.Values{}
		if v != support.Waiting {
			q.Set("view", string(v))
		}
		for name, value := range map[string]string{"tag": f.Tag, "api": f.API} {
			if value != "" {
				q.Set(name, value)
			}
		}
		href := "/support"
		if len(q) > 0 {
			href += "?" + q.Encode()
		}
		tabs = append(tabs, components.Tab{Label: web.T(c, viewWords[v]), Href: href, Count: counted(c, counts[v]), Current: v == f.View})
	}
	return tabs
}

func (h *Handler) queueFilter(c echo.Context, f support.Filter) (components.Filter, error) {
	apis, err := h.apiOptions(c, web.T(c, "Any API"))
	out := components.Filter{
		Action: "/support", Label: web.T(c, "Filter questions"),
		Fields: []components.Field{
			{Name: "tag", Label: web.T(c, "Tag"), Value: f.Tag, Autocomplete: "off"},
			{Name: "api", Label: web.T(c, "API"), Value: f.API, Options: apis},
		},
	}
	if f.View != support.Waiting {
		out.Hidden = []components.Hidden{{Name: "view", Value: string(f.View)}}
	}
	if f.Tag != "" || f.API != "" {
		out.ClearHref = "/support"
		if f.View != support.Waiting {
			out.ClearHref += "?view=" + string(f.View)
		}
	}
	return out, err
}

// apiOptions are the APIs that staff may see, as a select's options after none.
func (h *Handler) apiOptions(c echo.Context, none string) ([]components.Option, error) {
	all, err := h.Catalog.Visible(web.Ctx(c), web.Actor(c), "")
	out := []components.Option{{Value: "", Label: none}}
	for _, a := range all {
		out = append(out, components.Option{Value: a.Slug, Label: a.Name, Data: true})
	}
	return out, err
}

func (h *Handler) emptyQueue(c echo.Context, f support.Filter) (components.EmptyState, error) {
	if f.Tag == "" && f.API == "" && f.View == support.MyTeams {
		return h.emptyTeams(c)
	}
	return emptyView(c, f), nil
}

// emptyTeams says in which teams the reader is.
func (h *Handler) emptyTeams(c echo.Context) (components.EmptyState, error) {
	who := web.Actor(c)
	all, err := h.Desk.Teams(web.Ctx(c), who)
	var mine []string
	for _, t := range all {
		if slices.ContainsFunc(t.Members, func(m support.Person) bool { return m.ID == who.UserID }) {
			mine = append(mine, t.Name)
		}
	}
	if len(mine) == 0 {
		return components.EmptyState{Title: web.T(c, "You are in no team"), Text: web.T(c, "A question shows here when it is handed to a team of yours."), Action: &components.Act{Label: web.T(c, "See teams"), Href: "/support/teams"}}, err
	}
	return components.EmptyState{Title: web.T(c, "Nothing is to do for your teams"), Text: web.T(c, "Your teams: %s.", strings.Join(mine, ", "))}, err
}

func emptyView(c echo.Context, f support.Filter) components.EmptyState {
	switch {
	case f.Tag != "" || f.API != "":
		return components.EmptyState{Title: web.T(c, "No question fits this filter"), Text: web.T(c, "Choose another tag or API, or clear the filter.")}
	case f.View == support.Waiting:
		return components.EmptyState{Title: web.T(c, "Nothing waits on us"), Text: web.T(c, "A question shows here as soon as its asker has the last word.")}
	}
	return components.EmptyState{Title: web.T(c, "No questions here"), Text: web.T(c, "Look at another of the lists above.")}
}

// TakeNext assigns the question that waits longest to the reader, and opens it.
func (h *Handler) TakeNext(c echo.Context) error {
	id, err := h.Desk.TakeNext(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	if id.IsZero() {
		return h.Done(c, "/support", text.N("Nothing waits that nobody has taken."))
	}
	return h.See(c, support.Path(id))
}
