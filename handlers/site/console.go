package site

import (
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
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
	if err := h.leaked(c, &page); err != nil {
		return err
	}
	if err := h.invitations(c, &page); err != nil {
		return err
	}
	if err := h.offers(c, &page); err != nil {
		return err
	}
	shut, err := h.demands(c, &page)
	if err != nil {
		return err
	}
	if !shut && mayMakeKeys(orgs) { // the steps may be done in what is shut
		if err := h.start(c, &page, total); err != nil {
			return err
		}
	}
	for _, o := range orgs {
		d := desks[o.ID]
		page.Orgs = append(page.Orgs, site.OrgLine{
			Href: "/console/organizations/" + o.ID.Show(org.Prefix), Name: o.Name, Role: roleName(c, o.Role), Rules: "/console/policies?org=" + o.ID.Show(org.Prefix),
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
	if page.Endings, err = h.endings(c); err != nil {
		return err
	}
	return h.Render(c, site.Console(page))
}

// mayMakeKeys reports whether the first steps are for this reader to do.
func mayMakeKeys(orgs []org.Mine) bool {
	return len(orgs) == 0 || slices.ContainsFunc(orgs, func(o org.Mine) bool { return permission.Org(o.Role, permission.KeysMake) })
}

func sum(desks map[db.ID]key.Desk) key.Desk {
	var t key.Desk
	for _, d := range desks {
		t.Apps, t.Keys, t.Made, t.Used = t.Apps+d.Apps, t.Keys+d.Keys, t.Made+d.Made, t.Used+d.Used
		t.Expiring, t.Access, t.Waiting = t.Expiring+d.Expiring, t.Access+d.Access, t.Waiting+d.Waiting
		t.Unowned += d.Unowned
	}
	return t
}

// firstTutorial is the tutorial whose progress the checklist is, by its slug.
const firstTutorial = "first-call"

// appsAsked is how many of the reader's apps are asked for what they have done: the newest.
const appsAsked = 5

// start fills in the checklist, which is the first tutorial: its steps, until all are done, and then what comes next.
func (h *Handler) start(c echo.Context, page *site.ConsolePage, d key.Desk) error {
	language := text.Of(web.Ctx(c)).Language
	tutorial := h.Guides.Find(content.Tutorial, firstTutorial, language)
	if tutorial == nil { // the operator has taken it away
		return nil
	}
	done, err := h.done(c, tutorial, d)
	if err != nil {
		return err
	}
	all := true
	for _, s := range tutorial.Steps {
		step := stepOf(c, s)
		step.Done, step.More = done[s.ID], &components.Act{Label: web.T(c, "How to do it"), Href: tutorial.Path() + "#" + s.ID}
		all = all && step.Done
		page.Steps = append(page.Steps, step)
	}
	if !all {
		return nil
	}
	page.Steps = nil
	_, next := h.Guides.Pages().Neighbours(tutorial)
	if next == nil {
		return nil
	}
	if done, err = h.done(c, next, key.Desk{}); err == nil && len(done) < len(next.Steps) {
		page.Next = &layout.Link{Label: next.Title, Href: next.Path()}
	}
	return err
}

// done tells which steps of a tutorial one of the reader's apps has done, by id.
func (h *Handler) done(c echo.Context, tutorial *content.Page, d key.Desk) (map[string]bool, error) {
	ctx, who, done := web.Ctx(c), web.Actor(c), map[string]bool{}
	counts := map[string]int64{content.AppMade: d.Apps, content.KeyMade: d.Made, content.FirstCall: d.Used}
	for _, s := range tutorial.Steps {
		if counts[s.Check.Kind] > 0 {
			done[s.ID] = true
		}
	}
	apps, err := h.Guides.Apps(ctx, who)
	if err != nil {
		return nil, err
	}
	for _, a := range apps[:min(len(apps), appsAsked)] {
		if len(done) == len(tutorial.Steps) {
			break
		}
		ticks, err := h.Guides.Progress(ctx, who, tutorial, a.ID)
		if err != nil {
			return nil, err
		}
		for id := range ticks {
			done[id] = true
		}
	}
	return done, nil
}

// stepOf is a step of the first tutorial as a line of the checklist: its title, why, and where it is done.
func stepOf(c echo.Context, s content.Step) components.Step {
	step := components.Step{Title: s.Title, Own: true}
	switch s.Check.Kind {
	case content.AppMade:
		step.Text = web.T(c, "An app is a program of yours that calls APIs. Keys belong to it, not to a person.")
		step.Action = &components.Act{Label: web.T(c, "Create app"), Href: "/console/apps/new", Kind: components.Primary}
	case content.AccessApproved:
		step.Text = web.T(c, "Choose what your app may do there. Some plans are granted at once, others wait for a decision.")
		step.Action = &components.Act{Label: web.T(c, "See the APIs"), Href: "/apis", Kind: components.Primary}
	case content.KeyMade:
		step.Text = web.T(c, "A key carries only the scopes that you tick, and expires.")
		step.Action = &components.Act{Label: web.T(c, "Create key"), Href: "/console/keys/new", Kind: components.Primary}
	case content.FirstCall:
		step.Text = web.T(c, "The page of a new key shows a line to paste. This step ticks itself when the call is seen.")
		step.Action = &components.Act{Label: web.T(c, "See your keys"), Href: "/console/keys"}
	case content.LimitsSet:
		step.Text = web.T(c, "Say from which networks a key may be used, or how often: on the page of the key.")
		step.Action = &components.Act{Label: web.T(c, "See your keys"), Href: "/console/keys"}
	}
	return step
}

// leaked puts first that keys were reported as leaked, while somebody must look at it.
func (h *Handler) leaked(c echo.Context, page *site.ConsolePage) error {
	if h.Leaks == nil {
		return nil
	}
	n, err := h.Leaks.CountOpen(web.Ctx(c), web.Actor(c))
	if err == nil && n > 0 {
		told := site.Notice{Tone: components.Bad, Text: web.T(c, "%d keys were reported as leaked.", n), Href: "/console/incidents?state=open", Label: web.T(c, "See the incidents")}
		page.Notices = append([]site.Notice{told}, page.Notices...)
	}
	return err
}

func notices(c echo.Context, d key.Desk) []site.Notice {
	var out []site.Notice
	if d.Expiring > 0 {
		out = append(out, site.Notice{Tone: components.Warn, Text: web.T(c, "%d keys expire within two weeks.", d.Expiring), Href: "/console/keys?state=soon", Label: web.T(c, "See which")})
	}
	if d.Unowned > 0 {
		out = append(out, site.Notice{Tone: components.Warn, Text: web.T(c, "%d keys need an owner: whoever answered for them has left.", d.Unowned), Href: "/console/keys?state=unowned", Label: web.T(c, "See which")})
	}
	if d.Waiting > 0 && d.Used > 0 {
		out = append(out, site.Notice{Text: web.T(c, "%d access requests wait for a decision.", d.Waiting), Href: "/console/access", Label: web.T(c, "See your requests")})
	}
	return out
}

// demands tells who has no second factor which organizations of theirs require one, or will, and reports whether one is shut to them.
func (h *Handler) demands(c echo.Context, page *site.ConsolePage) (shut bool, err error) {
	if web.Actor(c).Factor {
		return false, nil
	}
	rules, err := h.Orgs.FactorRules(web.Ctx(c), web.Actor(c))
	for _, r := range rules {
		shut = shut || r.Begun(h.Now())
		page.Frame.Told = append(page.Frame.Told, web.FactorTold(c, r, h.Now()))
	}
	return shut, err
}

// invitations tells that organizations invite the reader, who may have come without the link in the mail.
func (h *Handler) invitations(c echo.Context, page *site.ConsolePage) error {
	if h.Invitations == nil {
		return nil
	}
	all, err := h.Invitations.Mine(web.Ctx(c), web.Actor(c))
	for _, i := range all {
		page.Notices = append(page.Notices, site.Notice{
			Name: i.OrganizationName, Text: web.T(c, "%[1]s invites you to this organization. Answer until %[2]s.", i.InviterName, text.Date(web.Ctx(c), i.ExpiresAt)),
			Href: "/console/invitations/" + i.ID.Show(invitation.Prefix), Label: web.T(c, "See the invitation"),
		})
	}
	return err
}

// offers tells that other organizations offer to share an app, to who may answer.
func (h *Handler) offers(c echo.Context, page *site.ConsolePage) error {
	if h.Shares == nil {
		return nil
	}
	all, err := h.Shares.Received(web.Ctx(c), web.Actor(c))
	for _, s := range all {
		if s.Offered() && s.MayAnswer() {
			page.Notices = append(page.Notices, site.Notice{
				Name: s.AppName, Text: web.T(c, "%[1]s offers to share this app with your organization. Answer until %[2]s.", s.LenderName, text.Date(web.Ctx(c), s.LapsesAt())),
				Href: "/console/shares/" + s.ID.Show(share.Prefix), Label: web.T(c, "See the offer"),
			})
		}
	}
	return err
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
