package key

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// searchFrom is from how many scopes on a search helps.
const searchFrom = 8

// Presets: what of an API they tick, and that of the reader's newest key of the app.
const (
	presetRead  = "read"
	presetPlain = "plain"
	presetAll   = "all"
	presetNone  = "none"
	presetLast  = "last"
)

func valueOf(p keys.Pair) string { return p.API + "/" + p.Scope }

// pairOf reads a value; a text that is none names nothing that there is.
func pairOf(value string) keys.Pair {
	api, scope, _ := strings.Cut(value, "/")
	return keys.Pair{API: api, Scope: scope}
}

func isRead(o keys.Choice) bool { return strings.HasSuffix(o.Scope, ":read") }

// presetValues are the values that a preset ticks among what an API offers.
func presetValues(name string, offered []keys.Choice) []string {
	var out []string
	for _, o := range offered {
		if name == presetAll || name == presetRead && isRead(o) || name == presetPlain && !o.Sensitive {
			out = append(out, valueOf(o.Pair()))
		}
	}
	return out
}

// applyPreset is ticked with a preset taken: that of one API, which leaves the others alone, or that of the last key.
func applyPreset(preset string, ticked []string, offered []keys.Choice, last keys.LastChoice) []string {
	if preset == presetLast {
		return lastValues(last, offered)
	}
	name, slug, _ := strings.Cut(preset, ":")
	var of []keys.Choice
	for _, o := range offered {
		if o.API == slug {
			of = append(of, o)
		}
	}
	others := slices.DeleteFunc(slices.Clone(ticked), func(v string) bool { return strings.HasPrefix(v, slug+"/") })
	return append(others, presetValues(name, of)...)
}

// lastValues are what the last key holds, as far as it is still offered.
func lastValues(last keys.LastChoice, offered []keys.Choice) []string {
	var out []string
	for _, p := range last.Pairs {
		if slices.ContainsFunc(offered, func(o keys.Choice) bool { return o.Pair() == p }) {
			out = append(out, valueOf(p))
		}
	}
	return out
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

// presetsOf are the presets that tick something else than each other.
func presetsOf(c echo.Context, offered []keys.Choice) []views.Preset {
	var out []views.Preset
	sensitive := slices.ContainsFunc(offered, func(o keys.Choice) bool { return o.Sensitive })
	for _, one := range []struct{ name, label string }{
		{presetRead, text.N("Read everything")}, {presetPlain, text.N("Everything but sensitive")}, {presetAll, text.N("Everything")}, {presetNone, text.N("None")},
	} {
		grants := strings.Join(presetValues(one.name, offered), " ")
		same := slices.ContainsFunc(out, func(p views.Preset) bool { return p.Grants == grants })
		if one.name != presetNone && (grants == "" || same) || one.name == presetPlain && !sensitive {
			continue
		}
		out = append(out, views.Preset{Label: web.T(c, one.label), Value: one.name + ":" + offered[0].API, Grants: grants, Slug: offered[0].API})
	}
	return out
}

// showForm answers a form that only asks what would be: the part that a script shows, or the page.
func (h *Handler) showForm(c echo.Context, appID db.ID, f createForm) error {
	if f.Show == "part" {
		a, err := h.abilityOf(c, appID, f, true)
		if err != nil {
			return err
		}
		return h.Render(c, views.AbilityBox(a))
	}
	if f.Preset != "" {
		offered, last, err := h.presetOffer(c, appID)
		if err != nil {
			return err
		}
		f.Grants = applyPreset(f.Preset, f.Grants, offered, last)
	}
	return h.newPage(c, 200, f, nil)
}

// presetOffer is what presets choose from, for who may make keys of the app.
func (h *Handler) presetOffer(c echo.Context, appID db.ID) ([]keys.Choice, keys.LastChoice, error) {
	if _, err := h.Keys.Preview(web.Ctx(c), web.Actor(c), keys.CreateRequest{AppID: appID}); err != nil && !isProblem(err) { // may the reader make keys there
		return nil, keys.LastChoice{}, err
	}
	offered, err := h.Keys.Choices(web.Ctx(c), appID)
	if err != nil {
		return nil, keys.LastChoice{}, err
	}
	last, err := h.Keys.LastChoice(web.Ctx(c), web.Actor(c), appID)
	return offered, last, err
}
