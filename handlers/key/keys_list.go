package key

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

const listPath = "/console/keys"

// List is the console's list of keys. It costs six queries beside those of every page, and one more when a key on it is paused for a leak.
func (h *Handler) List(c echo.Context) error {
	if held, clean := holdsKey(c, listPath); held {
		return c.Redirect(http.StatusSeeOther, clean)
	}
	ctx, who := web.Ctx(c), web.Actor(c)
	places, err := h.Keys.Places(ctx, who)
	if err != nil {
		return err
	}
	f := keys.Filter{
		Query: c.QueryParam("q"), OrganizationID: web.QueryID(c, "org", "org"), AppID: web.QueryID(c, "app", "app"),
		API: c.QueryParam("api"), Environment: oneOf(c.QueryParam("environment"), "live", "test"), State: knownState(c.QueryParam("state")),
	}
	page, err := h.Keys.List(ctx, who, f, pageOf(c))
	if err != nil {
		return err
	}
	calls, err := h.Keys.Calls(ctx, idsOf(page.Rows))
	if err != nil {
		return err
	}
	apis, err := h.Keys.UsedAPIs(ctx, who)
	if err != nil {
		return err
	}
	p := views.ListPage{
		Frame: h.Frame(c, web.T(c, "Keys")), Filter: h.listFilter(c, places, apis), Pager: pager(c, listPath, page.Next, page.Previous),
		Filtered: f != keys.Filter{OrganizationID: f.OrganizationID},
	}
	p.RulesURL = rulesPath(f.OrganizationID)
	showApp := appsIn(places, f.OrganizationID) > 1 && f.AppID.IsZero()
	h.offer(c, &p, places, f.OrganizationID)
	p.Columns = listColumns(c, page.Sort)
	p.Frame.Labels = components.Labels(p.Columns)
	due, err := h.dueWords(c, page.Rows)
	if err != nil {
		return err
	}
	known, err := h.incidents(c, pausedForLeak(page.Rows), "/console")
	if err != nil {
		return err
	}
	for _, r := range page.Rows {
		i := h.item(c, r, "keys/"+r.ID.Show(keys.IDPrefix), calls[r.ID], known)
		i.Due = due[r.ID.Show(keys.IDPrefix)]
		if showApp {
			i.App = r.AppName
		}
		p.Items = append(p.Items, i)
	}
	return h.Render(c, views.List(p))
}

// pageOf also lets the reader choose a size: up to 100 rows.
func pageOf(c echo.Context) db.PageRequest {
	r := web.PageOf(c)
	if c.QueryParam("size") == "100" {
		r.Size = db.MaxPage
	}
	return r
}

func idsOf(rows []keys.Row) []db.ID {
	ids := make([]db.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	return ids
}

func appsIn(places []keys.Place, org db.ID) int {
	n := 0
	for _, p := range places {
		if !p.AppID.IsZero() && (org.IsZero() || p.OrganizationID == org) {
			n++
		}
	}
	return n
}

func listColumns(c echo.Context, sort string) []components.Column {
	return []components.Column{
		sorted(c, listPath, web.T(c, "Key"), "name", sort),
		{Label: web.T(c, "Scopes")},
		{Label: web.T(c, "Status")},
		sorted(c, listPath, web.T(c, "Expires"), "expires", sort), sorted(c, listPath, web.T(c, "Last used"), "used", sort),
		{Label: web.T(c, "Calls, 30 days"), Num: true},
	}
}

func (h *Handler) listFilter(c echo.Context, places []keys.Place, apis []keys.APIChoice) components.Filter {
	f := components.Filter{
		Action: listPath, Label: web.T(c, "Filter keys"),
		Search: &components.Field{Name: "q", Label: web.T(c, "Search"), Value: c.QueryParam("q"), Placeholder: web.T(c, "Name or hint")},
		Fields: []components.Field{stateField(c), environmentField(c)},
	}
	if len(apis) > 1 {
		f.Fields = append(f.Fields, apiField(c, apis))
	}
	org := web.QueryID(c, "org", "org")
	if apps := appOptions(places, org, func(keys.Place) bool { return true }); len(apps) > 1 {
		f.Fields = append(f.Fields, components.Field{
			Name: "app", Label: web.T(c, "App"), Value: c.QueryParam("app"),
			Options: append([]components.Option{{Label: web.T(c, "Any")}}, apps...),
		})
	}
	for _, kept := range []string{"org", "sort", "size"} {
		if v := c.QueryParam(kept); v != "" {
			f.Hidden = append(f.Hidden, components.Hidden{Name: kept, Value: v})
		}
	}
	if here := with(c, listPath); here != with(c, listPath, "q", "", "state", "", "environment", "", "api", "", "app", "") {
		f.ClearHref = with(c, listPath, "q", "", "state", "", "environment", "", "api", "", "app", "")
	}
	return f
}

// appOptions are the apps to choose from; with several organizations each stands under its own.
func appOptions(places []keys.Place, org db.ID, fits func(keys.Place) bool) []components.Option {
	several := false
	for _, p := range places {
		several = several || p.OrganizationID != places[0].OrganizationID
	}
	var out []components.Option
	for _, p := range places {
		if p.AppID.IsZero() || !org.IsZero() && p.OrganizationID != org || !fits(p) {
			continue
		}
		o := components.Option{Value: p.AppID.Show("app"), Label: p.AppName, Data: true}
		if several {
			o.Group = p.OrganizationName
		}
		out = append(out, o)
	}
	return out
}

// offer says how to come by a key: the button, or why there is none, and what stands in the place of an empty list.
func (h *Handler) offer(c echo.Context, p *views.ListPage, places []keys.Place, org db.ID) {
	p.Empty = components.EmptyState{Title: web.T(c, "No keys yet"), Text: web.T(c, "A key is what a program presents when it calls an API. It expires, can be rotated, and does no more than the scopes that you tick.")}
	for _, place := range places {
		if !place.AppID.IsZero() && place.MayMake() && place.Stopped == 0 && (org.IsZero() || place.OrganizationID == org) {
			p.CreateURL = newPath
			if !org.IsZero() {
				p.CreateURL += "?org=" + org.Show("org")
			}
			return
		}
	}
	p.Why, p.Empty.Action = whyNone(c, places, org)
}
