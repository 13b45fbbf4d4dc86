package key

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// searchFrom is from how many scopes on a search helps.
const searchFrom = 8

func valueOf(p keys.Pair) string { return p.API + "/" + p.Scope }

// pairOf reads a value; a text that is none names nothing that there is.
func pairOf(value string) keys.Pair {
	api, scope, _ := strings.Cut(value, "/")
	return keys.Pair{API: api, Scope: scope}
}

// scopeTables fills the part of the form where scopes are picked.
func (h *Handler) scopeTables(c echo.Context, p *views.NewPage, place keys.Place, offered []keys.Choice, f createForm) error {
	last, err := h.Keys.LastChoice(web.Ctx(c), web.Actor(c), place.AppID)
	if err != nil {
		return err
	}
	if values := lastValues(last, offered); len(values) > 0 {
		p.Last = &views.Preset{Label: web.T(c, "As for “%s”", last.Name), Own: true, Value: presetLast, Grants: strings.Join(values, " ")}
	}
	p.Searchable = len(offered) >= searchFrom
	p.Search = components.Field{Name: "scope_q", Label: web.T(c, "Search scopes"), Type: "search", Value: f.Search, Autocomplete: "off", MaxLength: 100}
	p.Found = f.Search
	p.Groups = groups(c, offered, f.Grants, f.Search)
	sets, err := h.Keys.Presets(web.Ctx(c), offered)
	if err != nil {
		return err
	}
	addSets(c, p.Groups, offered, sets)
	p.NoneFound = len(p.Groups) > 0 && !slices.ContainsFunc(p.Groups, func(g views.ScopeGroup) bool { return !g.Hidden })
	return nil
}

// groups puts the scopes on offer together by API. What does not fit the search is hidden, unless it is ticked.
func groups(c echo.Context, offered []keys.Choice, ticked []string, search string) []views.ScopeGroup {
	var out []views.ScopeGroup
	for len(offered) > 0 {
		n := slices.IndexFunc(offered, func(o keys.Choice) bool { return o.API != offered[0].API })
		if n < 0 {
			n = len(offered)
		}
		out = append(out, group(c, offered[:n], ticked, search))
		offered = offered[n:]
	}
	return out
}

func group(c echo.Context, offered []keys.Choice, ticked []string, search string) views.ScopeGroup {
	g := views.ScopeGroup{API: offered[0].APIName, Slug: offered[0].API, Domain: offered[0].DataDomain, Presets: presetsOf(c, offered), Hidden: true}
	for _, o := range offered {
		cell := views.ScopeCell{ScopeChoice: choice(c, o, ticked)}
		cell.Hidden = !cell.Checked && !fits(search, g.API, o.Scope, o.Sentence)
		g.Hidden = g.Hidden && cell.Hidden
		resource, action, _ := cutLast(o.Scope)
		if action != "read" && action != "write" {
			g.Singles = append(g.Singles, cell)
			continue
		}
		i := slices.IndexFunc(g.Rows, func(r views.ResourceRow) bool { return r.Name == resource })
		if i < 0 {
			i = len(g.Rows)
			g.Rows = append(g.Rows, views.ResourceRow{Name: resource, Hidden: true})
		}
		g.Rows[i].Hidden = g.Rows[i].Hidden && cell.Hidden
		if action == "read" {
			g.Rows[i].Read = &cell
		} else {
			g.Rows[i].Write = &cell
		}
	}
	return g
}

// cutLast cuts a scope into its resource, which may hold colons itself, and its action.
func cutLast(scope string) (resource, action string, ok bool) {
	i := strings.LastIndexByte(scope, ':')
	if i < 0 {
		return scope, "", false
	}
	return scope[:i], scope[i+1:], true
}

func fits(search string, words ...string) bool {
	for _, part := range strings.Fields(strings.ToLower(search)) {
		if !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(w), part) }) {
			return false
		}
	}
	return true
}

func choice(c echo.Context, o keys.Choice, ticked []string) components.ScopeChoice {
	value := valueOf(o.Pair())
	item := components.ScopeChoice{Value: value, Scope: o.Scope, Sentence: o.Sentence, Sensitive: o.Sensitive, Checked: slices.Contains(ticked, value)}
	switch {
	case !o.In("test"):
		item.Note = web.T(c, "In the live environment only")
	case !o.In("live"):
		item.Note = web.T(c, "In the test environment only")
	}
	return item
}

// showForm answers a form that only asks what would be: the part that a script shows, or the page.
func (h *Handler) showForm(c echo.Context, appID db.ID, f createForm) error {
	if f.Show == "part" {
		a, err := h.abilityOf(c, appID, f, true)
		if err != nil {
			return err
		}
		return h.Render(c, views.AbilityPart(a))
	}
	if f.Preset != "" {
		offer, err := h.presetOffer(c, appID)
		if err != nil {
			return err
		}
		ticked, ok := offer.apply(f.Preset, f.Grants)
		if !ok {
			return h.newPage(c, http.StatusConflict, f, fault.New(fault.Conflict, "This preset is not there any more. What is ticked is as you left it."))
		}
		f.Grants = ticked
	}
	return h.newPage(c, http.StatusOK, f, nil)
}
