package policy

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/key"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	policies "github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

func changePath(id db.ID) string { return root + "/changes/" + id.Show(policies.ChangePrefix) }

type confirmForm struct {
	Notice string `form:"notice_days"`
}

// Change is a stricter policy with whom it hits; it survives a reload, and tells afterwards what was saved.
func (h *Handler) Change(c echo.Context) error {
	return h.changePage(c, http.StatusOK, confirmForm{strconv.Itoa(policies.ProposedNotice)}, nil)
}

// why says what is wrong with a key that a change hits.
var why = map[string]string{
	policies.Life: text.N("It lives longer"), policies.Idle: text.N("It was not used for as long"), policies.Age: text.N("It is older and was not rotated"),
	policies.Networks: text.N("It names no networks"),
}

func (h *Handler) changePage(c echo.Context, status int, f confirmForm, failed error) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	id, err := web.PathID(c, "change", policies.ChangePrefix)
	if err != nil {
		return err
	}
	r, err := h.Policies.Change(ctx, who, id)
	if err != nil {
		return err
	}
	used := c.QueryParam("used") == "1"
	hits, err := h.Policies.Hits(ctx, who, r.Change, used, web.PageOf(c))
	if err != nil {
		return err
	}
	title := web.T(c, "A stricter policy: %s", h.label(c, r.Source))
	p := views.ChangePage{
		Frame: h.Frame(c, title), Title: title, Back: root + "/" + r.Source.Ref(),
		Crumbs: []components.Crumb{{Label: web.T(c, "Policy"), Href: root}, {Label: title}},
		Tiles: []components.Tile{
			{Label: web.T(c, "Keys"), Value: text.Number(ctx, r.Keys)},
			{Label: web.T(c, "Organizations"), Value: text.Number(ctx, r.Organizations)},
			{Label: web.T(c, "Used in the last hour"), Value: text.Number(ctx, r.UsedLastHour), Delta: web.T(c, "before %s", text.DateTime(ctx, r.CreatedAt))},
		},
		Changes: []components.Fact{
			{Term: web.T(c, "Until now"), Value: said(c, r.Before())}, {Term: web.T(c, "From then on"), Value: said(c, r.After())},
		},
		Pager: web.Pager(c, hits.Previous, hits.Next),
	}
	for _, rule := range []string{policies.Life, policies.Idle, policies.Age, policies.Networks} {
		if n := r.ByRule[rule]; n > 0 {
			p.Asks = append(p.Asks, views.RuleRow{Sentence: web.T(c, why[rule]), Whose: web.T(c, "%d keys", n)})
		}
	}
	if r.EndBefore > 0 {
		p.Tiles[0].Delta = web.T(c, "%d end before that anyway", r.EndBefore)
		p.Asks = append(p.Asks, views.RuleRow{Sentence: web.T(c, "It ends within %d days anyway", policies.ProposedNotice), Whose: web.T(c, "%d keys", r.EndBefore)})
	}
	h.shares(c, &p, r)
	h.hits(c, &p, r.Change, hits.Rows, used, f)
	h.fate(c, &p, r, f, failed)
	return h.RenderStatus(c, status, views.Change(p))
}

func (h *Handler) label(c echo.Context, s policies.Source) string {
	if s.Kind == policies.Installation {
		return web.T(c, kindWords[s.Kind])
	}
	return s.Label()
}

func said(c echo.Context, r policies.Rules) string {
	if all := key.RuleSentences(web.Ctx(c), r); len(all) > 0 {
		return strings.Join(all, " ")
	}
	return web.T(c, "It says nothing.")
}

func (h *Handler) shares(c echo.Context, p *views.ChangePage, r policies.Preview) {
	ctx := web.Ctx(c)
	for _, s := range r.Shares {
		p.Shares = append(p.Shares, views.ShareRow{Organization: s.OrganizationName, Keys: text.Number(ctx, s.Keys), Used: text.Number(ctx, s.UsedLastHour)})
	}
	if more := r.Organizations - len(r.Shares); more > 0 {
		p.More = web.T(c, "And %d more organizations.", more)
	}
}

// over is when the change's notice is over: of one that is saved, or with the notice of the form.
func over(r policies.Change, f confirmForm) (at time.Time, days int) {
	if r.EffectiveAt != nil {
		return *r.EffectiveAt, r.NoticeDays
	}
	days = key.Days(strings.TrimSpace(f.Notice))
	if days < 1 || days > policies.MaxNoticeDays {
		days = policies.ProposedNotice
	}
	return r.CreatedAt.AddDate(0, 0, days), days
}

// ends say when a hit key ends now, and the latest day on which it may.
func ends(c echo.Context, r policies.Change, k policies.Hit, over time.Time) (now, latest string) {
	ctx := web.Ctx(c)
	now = web.T(c, "Never")
	if k.ExpiresAt != nil {
		now = text.Date(ctx, *k.ExpiresAt)
	}
	if end, moved := r.Fate(k, over); moved {
		return now, text.Date(ctx, end)
	}
	if k.EndsBefore(over) {
		return now, web.T(c, "Ends before that anyway")
	}
	return now, web.T(c, "As now")
}

func (h *Handler) hits(c echo.Context, p *views.ChangePage, r policies.Change, rows []policies.Hit, used bool, f confirmForm) {
	id := r.ID
	until, days := over(r, f)
	p.Notice = web.T(c, "The latest ends are those after a notice of %d days.", days)
	p.Used, p.UsedWord = changePath(id)+"?used=1#keys", web.T(c, "Only those used in the last hour")
	if used {
		p.Used, p.UsedWord = changePath(id)+"#keys", web.T(c, "All of them")
	}
	for _, k := range rows {
		row := views.HitRow{Href: "/admin/keys/" + k.KeyID.Show("key"), Name: k.Name, Hint: k.Prefix + "…" + k.LastFour, App: k.AppName, Organization: k.OrganizationName, Why: whys(c, k.Breaks), Used: components.Moment{Relative: web.T(c, "Never")}}
		row.Ends, row.Latest = ends(c, r, k, until)
		if k.LastUsedAt != nil {
			row.Used = components.MomentAt(web.Ctx(c), h.Now(), *k.LastUsedAt)
		}
		p.Hits = append(p.Hits, row)
	}
}

func whys(c echo.Context, breaks int) string {
	var out []string
	for _, rule := range policies.BreaksOf(breaks) {
		out = append(out, web.T(c, why[rule]))
	}
	return strings.Join(out, ". ")
}

// fate is what may still be done with a preview, or what was done.
func (h *Handler) fate(c echo.Context, p *views.ChangePage, r policies.Preview, f confirmForm, failed error) {
	var wrong map[string]string
	p.Problems, wrong = key.ProblemsOf(c, failed)
	switch {
	case r.MadeAt != nil:
		p.Done = web.T(c, "Saved on %[1]s. It holds for keys that were there from %[2]s on.", text.DateTime(web.Ctx(c), *r.MadeAt), text.DateTime(web.Ctx(c), *r.EffectiveAt))
		if r.Untold > 0 {
			p.Waiting = web.T(c, "The people of %d keys are still to be mailed. This goes on by itself.", r.Untold)
		}
	case !h.Now().Before(r.ExpiresAt):
		p.Stale = web.T(c, "This preview is more than an hour old. Make a new one: other keys may be hit by now.")
	case permission.Staff(web.Actor(c).StaffRole, permission.StaffPolicyManage):
		p.Action = changePath(r.ID)
		p.Fields = []components.Field{{
			Name: "notice_days", Label: web.T(c, "Notice, days"), Type: "number", InputMode: "numeric", Value: f.Notice, Error: wrong["notice_days"], Min: "1", Max: strconv.Itoa(policies.MaxNoticeDays),
			Hint: web.T(c, "Until then nothing becomes of these keys."),
		}}
	}
}

// Confirm saves the policy with a notice.
func (h *Handler) Confirm(c echo.Context) error {
	id, err := web.PathID(c, "change", policies.ChangePrefix)
	if err != nil {
		return err
	}
	var f confirmForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	err = h.Policies.Confirm(web.Ctx(c), web.Actor(c), id, key.Days(strings.TrimSpace(f.Notice)))
	if slices.Contains([]fault.Kind{fault.Invalid, fault.Conflict}, fault.KindOf(err)) && err != nil {
		return h.changePage(c, web.Status(err), f, err)
	}
	if err != nil {
		return err
	}
	return h.Done(c, changePath(id), text.N("The policy is saved. The keys’ people are mailed."))
}
