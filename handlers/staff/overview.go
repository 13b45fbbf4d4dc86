package staff

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staff"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/staff"
)

// Overview shows what needs a decision, then how the portal runs.
func (h *Handler) Overview(c echo.Context) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	o, err := h.Staff.Overview(ctx, who)
	if err != nil {
		return err
	}
	notices, err := h.openNotices(c)
	if err != nil {
		return err
	}
	page := views.OverviewPage{Frame: h.Frame(c, web.T(c, "Overview")), Notices: append(notices, overviewNotices(c, o)...)}
	if page.CanSeeRequests = permission.Staff(who.StaffRole, permission.StaffRequestsRead); page.CanSeeRequests {
		if err := h.overviewRequests(c, &page, o); err != nil {
			return err
		}
	}
	if err := h.overviewTiles(c, &page, o); err != nil {
		return err
	}
	return h.Render(c, views.Overview(page))
}

// openNotices tell of each API that lets refused calls through, and until when.
func (h *Handler) openNotices(c echo.Context) (out []views.Notice, err error) {
	if !permission.Staff(web.Actor(c).StaffRole, permission.StaffAPIsRead) {
		return nil, nil
	}
	apis, err := h.APIs.Reporting(web.Ctx(c), web.Actor(c))
	for _, a := range apis {
		for _, words := range openWords(c, a, h.Now()) {
			out = append(out, views.Notice{Name: a.Name, Text: words, Href: "/admin/apis/" + a.ID.Show(catalog.Prefix) + "/report-only", Label: web.T(c, "Change or end it")})
		}
	}
	return out, err
}

func openWords(c echo.Context, a catalog.API, now time.Time) (words []string) {
	in := a.ReportsIn(now)
	until := func(e string) string { return text.DateTime(web.Ctx(c), *a.ReportsUntil(e)) }
	if len(in) == 2 && a.ReportsUntil(in[0]).Equal(*a.ReportsUntil(in[1])) {
		return []string{web.T(c, "lets refused calls through in live and test until %s: report-only mode is on.", until(in[0]))}
	}
	for _, e := range in {
		if e == catalog.EnvTest {
			words = append(words, web.T(c, "lets refused calls through in test until %s: report-only mode is on.", until(e)))
		} else {
			words = append(words, web.T(c, "lets refused calls through in live until %s: report-only mode is on.", until(e)))
		}
	}
	return words
}

func overviewNotices(c echo.Context, o staff.Overview) []views.Notice {
	var out []views.Notice
	if o.APIs == 0 && permission.Staff(web.Actor(c).StaffRole, permission.StaffAPIsManage) {
		out = append(out, views.Notice{Text: web.T(c, "There is no API of yours yet: developers have nothing to ask for."), Href: "/admin/apis/new", Label: web.T(c, "Add API")})
	}
	if o.WaitingUsers > 0 {
		out = append(out, views.Notice{Text: web.T(c, "%d people wait to be let in.", o.WaitingUsers), Href: "/admin/users?state=waiting", Label: web.T(c, "See who")})
	}
	if o.FailedMails > 0 {
		out = append(out, views.Notice{Text: web.T(c, "%d mails could not be delivered.", o.FailedMails), Href: "/admin/mail?state=failed", Label: web.T(c, "See why")})
	}
	if o.Unreached > 0 && permission.Staff(web.Actor(c).StaffRole, permission.StaffOrgsRead) {
		out = append(out, views.Notice{Text: web.T(c, "Mail to %d organizations reaches nobody.", o.Unreached), Href: "/admin/organizations?state=" + org.Unreachable, Label: web.T(c, "See which")})
	}
	return out
}

// overviewRequests are the oldest requests that wait.
func (h *Handler) overviewRequests(c echo.Context, page *views.OverviewPage, o staff.Overview) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	waiting, err := h.Staff.WaitingRequests(ctx, who)
	if err != nil {
		return err
	}
	page.CanDecide = permission.Staff(who.StaffRole, permission.StaffRequestsDecide)
	for _, w := range waiting {
		page.Waiting = append(page.Waiting, views.Decision{
			Title: web.T(c, "%s asks for %s", w.App, w.API), Href: "/admin/requests/" + w.ID.Show(catalog.AccessPrefix), Plan: w.Plan, Who: w.Organization,
			Purpose: w.Purpose, Asked: components.MomentAt(ctx, h.Now(), w.CreatedAt),
		})
	}
	if more := o.WaitingRequests - int64(len(waiting)); more > 0 {
		page.More = web.T(c, "%d more requests wait", more)
	}
	return nil
}

// overviewTiles are the figures that the reader may see.
func (h *Handler) overviewTiles(c echo.Context, page *views.OverviewPage, o staff.Overview) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	if permission.Staff(who.StaffRole, permission.StaffUsageRead) {
		points, total, err := h.Usage.Series(ctx, usage.View{Actor: who, Everything: true, Span: usage.Week})
		if err != nil {
			return err
		}
		_, today, err := h.Usage.Series(ctx, usage.View{Actor: who, Everything: true, Span: usage.Day})
		if err != nil {
			return err
		}
		chart := web.CallChart(c, web.T(c, "Calls, last 7 days"), usage.Week, points, total)
		page.Calls = &chart
		share := 0.0
		if today.All() > 0 {
			share = float64(today.Bad) / float64(today.All())
		}
		page.Tiles = append(page.Tiles,
			components.Tile{Label: web.T(c, "Calls, 24 h"), Value: text.Compact(ctx, today.All()), Delta: web.T(c, "%d refused", today.Bad), Href: "/admin/usage"},
			components.Tile{Label: web.T(c, "Refused, 24 h"), Value: text.Percent(ctx, share), Href: "/admin/usage?code=refused"})
	}
	if permission.Staff(who.StaffRole, permission.StaffKeysRead) {
		active, soon, err := h.Keys.Count(ctx, who)
		if err != nil {
			return err
		}
		page.Tiles = append(page.Tiles, components.Tile{Label: web.T(c, "Active keys"), Value: text.Number(ctx, active), Delta: web.T(c, "%d expire soon", soon), Href: "/admin/keys?state=active"})
	}
	if permission.Staff(who.StaffRole, permission.StaffQuestionsRead) {
		questions, err := h.Desk.Counts(ctx, who)
		if err != nil {
			return err
		}
		page.Tiles = append(page.Tiles, components.Tile{Label: web.T(c, "Questions waiting"), Value: text.Number(ctx, questions.Waiting), Delta: web.T(c, "%d overdue", questions.Overdue), Href: "/support"})
	}
	if permission.Staff(who.StaffRole, permission.StaffOrgsRead) {
		page.Tiles = append(page.Tiles, components.Tile{
			Label: web.T(c, "Organizations"), Value: text.Number(ctx, o.Organizations), Delta: web.T(c, "%d users", o.Users) + ", " + web.T(c, "%d apps", o.Apps), Href: "/admin/organizations",
		})
	}
	return nil
}
