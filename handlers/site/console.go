package site

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/site"
)

// Console is the developer's desk: the next step first, then how things stand.
func (h *Handler) Console(c echo.Context) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	orgs, err := h.Orgs.Mine(ctx, who)
	if err != nil {
		return err
	}
	desks, err := h.Keys.Desks(ctx, who)
	if err != nil {
		return err
	}
	total := sum(desks)
	page := site.ConsolePage{Frame: h.Frame(c, web.T(c, "Overview")), Notices: notices(c, total)}
	if page.Steps, err = h.steps(c, total); err != nil {
		return err
	}
	for _, o := range orgs {
		d := desks[o.ID]
		page.Orgs = append(page.Orgs, site.OrgLine{
			Href: "/console/organizations/" + o.ID.Show(org.Prefix), Name: o.Name, Role: roleName(c, o.Role),
			Apps: text.Number(ctx, d.Apps), Keys: text.Number(ctx, d.Keys), Stopped: o.Suspended(h.Now()),
		})
	}
	if total.Made > 0 {
		page.Tiles = []components.Tile{
			{Label: web.T(c, "Apps"), Value: text.Number(ctx, total.Apps), Href: "/console/apps"},
			{Label: web.T(c, "Active keys"), Value: text.Number(ctx, total.Keys), Href: "/console/keys"},
			{Label: web.T(c, "APIs in use"), Value: text.Number(ctx, total.Access), Href: "/console/access"},
		}
	}
	if total.Used > 0 {
		if page.Calls, err = h.calls(c); err != nil {
			return err
		}
	}
	return h.Render(c, site.Console(page))
}

func sum(desks map[db.ID]key.Desk) key.Desk {
	var t key.Desk
	for _, d := range desks {
		t.Apps, t.Keys, t.Made, t.Used = t.Apps+d.Apps, t.Keys+d.Keys, t.Made+d.Made, t.Used+d.Used
		t.Expiring, t.Access, t.Waiting = t.Expiring+d.Expiring, t.Access+d.Access, t.Waiting+d.Waiting
	}
	return t
}

// firstTutorial is the tutorial whose progress the checklist is, by its slug.
const firstTutorial = "first-call"

// steps is the checklist that ticks itself: the first tutorial's progress, with access besides. Nothing once the first call was seen.
func (h *Handler) steps(c echo.Context, d key.Desk) ([]components.Step, error) {
	if d.Used > 0 {
		return nil, nil
	}
	all := steps(c, d)
	tutorial := h.Guides.Find(content.Tutorial, firstTutorial, text.Of(web.Ctx(c)).Language)
	if tutorial == nil { // the operator has taken it away
		return all, nil
	}
	ticks, err := h.ticks(c, tutorial)
	if err != nil {
		return nil, err
	}
	for _, s := range tutorial.Steps {
		i, ok := checklist[s.Check.Kind]
		if !ok {
			continue
		}
		_, done := ticks[s.ID]
		if done && s.Check.Kind == content.FirstCall {
			return nil, nil
		}
		all[i].Done = all[i].Done || done
		all[i].More = &components.Act{Label: web.T(c, "How to do it"), Href: tutorial.Path() + "#" + s.ID}
	}
	return all, nil
}

// checklist says which line of the checklist a check of the tutorial ticks.
var checklist = map[string]int{content.AppMade: 0, content.AccessApproved: 1, content.KeyMade: 2, content.FirstCall: 3}

// ticks are the steps that the reader's newest app has done.
func (h *Handler) ticks(c echo.Context, tutorial *content.Page) (map[string]guide.Tick, error) {
	app, err := h.Guides.NewestApp(web.Ctx(c), web.Actor(c))
	if err != nil || app.ID.IsZero() {
		return nil, err
	}
	return h.Guides.Progress(web.Ctx(c), web.Actor(c), tutorial, app.ID)
}

func steps(c echo.Context, d key.Desk) []components.Step {
	access := components.Step{
		Title: web.T(c, "Ask for access to an API"), Text: web.T(c, "Choose what your app may do there. Some plans are granted at once, others wait for a decision."), Done: d.Access > 0,
		Action: &components.Act{Label: web.T(c, "See the APIs"), Href: "/apis", Kind: components.Primary},
	}
	if d.Waiting > 0 && d.Access == 0 {
		access.Text = web.T(c, "Your request waits for a decision. You get a mail when it is made.")
		access.Action = &components.Act{Label: web.T(c, "See your requests"), Href: "/console/access"}
	}
	return []components.Step{
		{
			Title: web.T(c, "Create an app"), Text: web.T(c, "An app is a program of yours that calls APIs. Keys belong to it, not to a person."), Done: d.Apps > 0,
			Action: &components.Act{Label: web.T(c, "Create app"), Href: "/console/apps/new", Kind: components.Primary},
		},
		access,
		{
			Title: web.T(c, "Create a key"), Text: web.T(c, "A key carries only the scopes that you tick, and expires."), Done: d.Made > 0,
			Action: &components.Act{Label: web.T(c, "Create key"), Href: "/console/keys/new", Kind: components.Primary},
		},
		{
			Title: web.T(c, "Send your first call"), Text: web.T(c, "The page of a new key shows a line to paste. This step ticks itself when the call is seen."), Done: false,
			Action: &components.Act{Label: web.T(c, "See your keys"), Href: "/console/keys"},
		},
	}
}

func notices(c echo.Context, d key.Desk) []site.Notice {
	var out []site.Notice
	if d.Expiring > 0 {
		out = append(out, site.Notice{Tone: components.Warn, Text: web.T(c, "%d keys expire within two weeks.", d.Expiring), Href: "/console/keys?state=soon", Label: web.T(c, "See which")})
	}
	if d.Waiting > 0 && d.Used > 0 {
		out = append(out, site.Notice{Text: web.T(c, "%d access requests wait for a decision.", d.Waiting), Href: "/console/access", Label: web.T(c, "See your requests")})
	}
	return out
}

var roleNames = map[string]string{permission.Viewer: text.N("Viewer"), permission.Developer: text.N("Developer"), permission.Admin: text.N("Admin"), permission.Owner: text.N("Owner")}

func roleName(c echo.Context, role string) string { return web.T(c, roleNames[role]) }

// calls is the chart of the last seven days over all organizations of the reader.
func (h *Handler) calls(c echo.Context) (*components.Series, error) {
	view := usage.View{Actor: web.Actor(c), Span: usage.Week}
	points, total, err := h.Usage.Series(web.Ctx(c), view)
	if err != nil {
		return nil, err
	}
	chart := web.CallChart(c, web.T(c, "Calls, last 7 days"), view.Span, points, total)
	return &chart, nil
}
