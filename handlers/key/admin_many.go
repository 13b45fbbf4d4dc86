package key

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// PreviewRevocation fixes the keys that the filter finds, and shows what their revocation hits. A filter that holds what none of its
// choices offers is refused: it would take more than was meant.
func (h *Handler) PreviewRevocation(c echo.Context) error {
	var f filterForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	f = f.redacted()
	if f != f.known() {
		return h.adminList(c, http.StatusUnprocessableEntity, f.known(), keys.UnknownFilter())
	}
	id, err := h.Keys.PreviewRevocation(web.Ctx(c), web.Actor(c), f.filter())
	if fault.Is(err, fault.Invalid) {
		return h.adminList(c, http.StatusUnprocessableEntity, f, err)
	}
	if err != nil {
		return err
	}
	return h.See(c, adminPath+"/revocations/"+id.Show(keys.RevocationPrefix))
}

type manyForm struct {
	Reason  string `form:"reason"`
	Confirm string `form:"confirm"`
}

// Revocation is the preview of a mass revocation, and afterwards what it did; it survives a reload.
func (h *Handler) Revocation(c echo.Context) error {
	return h.revocationPage(c, http.StatusOK, manyForm{}, nil)
}

func (h *Handler) revocationPage(c echo.Context, status int, f manyForm, failed error) error {
	id, err := web.PathID(c, "revocation", keys.RevocationPrefix)
	if err != nil {
		return err
	}
	r, err := h.Keys.Revocation(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	ctx, title := web.Ctx(c), web.T(c, "Revoke %d keys", r.Keys)
	p := views.RevocationPage{
		Frame: h.Frame(c, title), Title: title, Crumbs: []components.Crumb{{Label: web.T(c, "Keys"), Href: adminPath}, {Label: web.T(c, "Mass revocation")}}, Back: adminPath,
		Tiles: []components.Tile{
			{Label: web.T(c, "Keys"), Value: text.Number(ctx, r.Keys)},
			{Label: web.T(c, "Organizations"), Value: text.Number(ctx, r.Organizations)},
			{Label: web.T(c, "Apps"), Value: text.Number(ctx, len(r.Shares))},
			{Label: web.T(c, "Calls in the last hour"), Value: text.Number(ctx, r.Calls), Delta: web.T(c, "before %s", text.DateTime(ctx, r.CreatedAt))},
		},
		Filter: filterFacts(c, r.Wanted()),
	}
	for _, s := range r.Shares {
		p.Shares = append(p.Shares, views.ShareRow{Organization: s.OrganizationName, App: s.AppName, Keys: text.Number(ctx, s.Keys), Used: text.Number(ctx, s.UsedLastHour), Calls: text.Number(ctx, s.Calls)})
	}
	h.fate(c, &p, r, f, failed)
	return h.RenderStatus(c, status, views.Revocation(p))
}

// fate is what may still be done with a preview, or what was done.
func (h *Handler) fate(c echo.Context, p *views.RevocationPage, r keys.Preview, f manyForm, failed error) {
	var wrong map[string]string
	p.Problems, wrong = problemsOf(c, failed)
	switch {
	case r.FinishedAt != nil:
		p.Title = web.T(c, "%d keys were revoked", r.Revoked)
		p.Frame.Title = p.Title
		p.Done, p.Reason = web.T(c, "Carried out on %[1]s. Of %[2]d keys, %[3]d had not been revoked before.", text.DateTime(web.Ctx(c), *r.FinishedAt), r.Keys, r.Revoked), r.Reason
	case !h.Now().Before(r.ExpiresAt):
		p.Stale = web.T(c, "This preview is more than an hour old. Make a new one: keys and calls may be others by now.")
	case permission.Staff(web.Actor(c).StaffRole, permission.StaffKeysManage):
		p.Action, p.Button = adminPath+"/revocations/"+r.ID.Show(keys.RevocationPrefix), web.T(c, "Revoke %d keys", r.Keys)
		p.Fields = []components.Field{
			{Name: "reason", Label: web.T(c, "Reason"), Value: f.Reason, Error: wrong["reason"], MaxLength: keys.MaxReason, Hint: web.T(c, "The keys’ people read it.")},
			{Name: "confirm", Label: web.T(c, "Type the number of keys to confirm"), Value: f.Confirm, Error: wrong["confirm"], InputMode: "numeric", Autocomplete: "off"},
		}
	}
}

// RevokeMany carries a preview out, once the number of keys was typed.
func (h *Handler) RevokeMany(c echo.Context) error {
	id, err := web.PathID(c, "revocation", keys.RevocationPrefix)
	if err != nil {
		return err
	}
	var f manyForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	r, err := h.Keys.Revocation(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	if r.FinishedAt == nil && strings.TrimSpace(f.Confirm) != strconv.Itoa(r.Keys) {
		return h.revocationPage(c, http.StatusUnprocessableEntity, f, fault.BadField("confirm", "Type the number of keys, %s, to confirm.", strconv.Itoa(r.Keys)))
	}
	if err := h.Keys.RevokeMany(web.Ctx(c), web.Actor(c), id, f.Reason); err != nil {
		return h.again(c, err, func(status int, failed error) error { return h.revocationPage(c, status, f, failed) })
	}
	return h.See(c, adminPath+"/revocations/"+id.Show(keys.RevocationPrefix))
}

var environmentWords = map[string]string{"live": text.N("Live"), "test": text.N("Test")}

// dayUTC is a day of UTC, as the filter counts them, whatever the reader's time zone.
func dayUTC(c echo.Context, t time.Time) string {
	y, m, d := t.UTC().Date()
	return text.Date(web.Ctx(c), time.Date(y, m, d, 12, 0, 0, 0, text.Of(web.Ctx(c)).Zone)) + " (UTC)"
}

// filterFacts says by what the keys were found.
func filterFacts(c echo.Context, f keys.Filter) []components.Fact {
	var out []components.Fact
	add := func(term, value string) {
		if value != "" {
			out = append(out, components.Fact{Term: term, Value: value})
		}
	}
	add(web.T(c, "Search"), f.Query)
	add(web.T(c, "Organization"), f.Owner)
	add(web.T(c, "App"), f.App)
	add(web.T(c, "Scope"), f.Scope)
	add(web.T(c, "API"), f.API)
	if f.Environment != "" {
		add(web.T(c, "Environment"), web.T(c, environmentWords[f.Environment]))
	}
	if f.State != "" {
		add(web.T(c, "Status"), web.T(c, stateWords[keys.StateName(f.State)]))
	}
	if !f.CreatedFrom.IsZero() {
		add(web.T(c, "Made from"), dayUTC(c, f.CreatedFrom))
	}
	if !f.CreatedTo.IsZero() {
		add(web.T(c, "Made until"), dayUTC(c, f.CreatedTo.AddDate(0, 0, -1))) // the last day is included
	}
	if f.UsedLastHour {
		add(web.T(c, "Used"), web.T(c, "In the last hour"))
	}
	return out
}
