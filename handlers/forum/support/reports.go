package support

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/support"
)

func days(s string) int {
	n, _ := strconv.Atoi(s)
	return support.Span(n)
}

// Report shows how support did over 7, 30 or 90 days.
func (h *Handler) Report(c echo.Context) error {
	ctx := web.Ctx(c)
	span := days(c.QueryParam("days"))
	r, err := h.Desk.Report(ctx, web.Actor(c), span)
	if err != nil {
		return err
	}
	frame, _, err := h.frame(c, web.T(c, "Reports"))
	if err != nil {
		return err
	}
	page := views.ReportPage{Frame: frame, Tiles: h.reportTiles(c, r), Chart: reportChart(c, r), Export: views.Act{
		Label: web.T(c, "Download CSV"), Action: "/support/reports/export", Hidden: []components.Hidden{{Name: "days", Value: strconv.Itoa(span)}},
	}}
	for _, d := range support.Spans {
		page.Tabs = append(page.Tabs, components.Tab{Label: web.T(c, "%d days", d), Href: "/support/reports?days=" + strconv.Itoa(d), Current: d == span})
	}
	if r.Asked == 0 && len(r.Doers) == 0 {
		page.Empty = &components.EmptyState{Title: web.T(c, "Nothing was asked in this time"), Text: web.T(c, "Figures show here once somebody asks.")}
	}
	page.ByTag, page.ByAPI = shareRows(c, r.ByTag, "tag"), shareRows(c, r.ByAPI, "api")
	for _, d := range r.Doers {
		row := views.DoerRow{Name: d.Name, Answers: text.Number(ctx, d.Answers), Solved: text.Number(ctx, d.Solved)}
		if d.Staff {
			row.Badge = web.T(c, "Staff")
		}
		page.Doers = append(page.Doers, row)
	}
	return h.Render(c, views.Report(page))
}

func (h *Handler) reportTiles(c echo.Context, r support.Report) []components.Tile {
	ctx := web.Ctx(c)
	first := components.Tile{Label: web.T(c, "Median first reply"), Value: "–", Delta: web.T(c, "No replies yet")}
	if r.First.Replies > 0 {
		first.Value = web.OpenSpan(c, r.First.Business)
		first.Delta = web.T(c, "In opening hours; %[1]s on the wall, of %[2]s", web.Span(c, r.First.Wall), text.Number(ctx, r.First.Replies))
	}
	inTime := components.Tile{Label: web.T(c, "First replies in time"), Value: "–"}
	if r.Replied > 0 {
		inTime.Value = text.Percent(ctx, float64(r.InTime)/float64(r.Replied))
	}
	now := components.Tile{Label: web.T(c, "Waiting now"), Value: text.Number(ctx, r.WaitingNow), Href: "/support", Delta: web.T(c, "%d overdue", r.OverdueNow)}
	if r.OldestSince != nil {
		now.Delta += ", " + web.T(c, "the oldest: %s", text.Inside(text.Relative(ctx, h.Now(), *r.OldestSince)))
	}
	return []components.Tile{
		first, inTime, now,
		{Label: web.T(c, "Asked"), Value: text.Number(ctx, r.Asked), Delta: web.T(c, "%[1]d replied, %[2]d solved", r.Replied, r.Solved)},
	}
}

func reportChart(c echo.Context, r support.Report) components.Series {
	l := text.Of(web.Ctx(c))
	l.Zone = time.UTC
	ctx := text.With(web.Ctx(c), l)
	s := components.Series{
		ID: "asked", Title: web.T(c, "Questions asked, by day"), GoodLabel: web.T(c, "Replied"), BadLabel: web.T(c, "Not replied"), Empty: web.T(c, "Nothing was asked in this time"),
		Description: web.T(c, "Staff replied to %[1]d of %[2]d questions.", r.Replied, r.Asked),
	}
	for _, step := range r.Steps {
		s.Points = append(s.Points, components.Point{Tick: text.DayMonth(ctx, step.At), Label: text.Date(ctx, step.At), Good: step.Replied, Bad: step.Silent})
	}
	return s
}

// shareRows are the lines of a table; each leads to the questions of the list that by narrows.
func shareRows(c echo.Context, all []support.Share, by string) []views.ShareRow {
	ctx := web.Ctx(c)
	var out []views.ShareRow
	for _, s := range all {
		row := views.ShareRow{Name: s.Name, Href: "/forum?" + url.Values{by: {s.Key}}.Encode(), Asked: text.Number(ctx, s.Asked), Replied: text.Number(ctx, s.Replied), Solved: text.Number(ctx, s.Solved), First: "–", Wall: "–"}
		if s.First.Replies > 0 {
			row.First, row.Wall = web.OpenSpan(c, s.First.Business), web.Span(c, s.First.Wall)
		}
		out = append(out, row)
	}
	return out
}

type exportForm struct {
	Days string `form:"days"`
}

// Export downloads the questions of a report, one a line (F9). It is a POST, since it leaves a line in the audit log.
func (h *Handler) Export(c echo.Context) error {
	var form exportForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	facts, err := h.Desk.Exported(web.Ctx(c), web.Actor(c), days(form.Days))
	if err != nil {
		return err
	}
	out := web.NewCSV(c, "support", "id", "asked_at", "kind", "title", "tags", "api", "visibility", "assignee", "first_reply_at", "first_reply_by",
		"first_reply_business_minutes", "first_reply_wall_minutes", "first_reply_due_at", "solved_at", "solved_by", "closed_at", "closed_reason")
	for _, f := range facts {
		business, wall, ok := f.FirstReply()
		out.Row(f.ID.Show(forum.Prefix), stamp(&f.CreatedAt), f.Kind, f.Title, strings.Join(f.Tags, " "), f.API, f.Visibility, f.Assignee, stamp(f.FirstReplyAt), f.RepliedBy,
			minutes(business, ok), minutes(wall, ok), stamp(f.FirstDueAt), stamp(f.AcceptedAt), f.SolvedBy, stamp(f.ClosedAt), f.ClosedReason)
	}
	return out.Close()
}

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func minutes(d time.Duration, ok bool) string {
	if !ok {
		return ""
	}
	return strconv.FormatInt(int64(d/time.Minute), 10)
}
