package key

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// Presets: what of an API they tick, and that of the reader's newest key of the app.
const (
	presetRead  = "read"
	presetPlain = "plain"
	presetAll   = "all"
	presetNone  = "none"
	presetLast  = "last"
)

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

// presetOffer is what presets choose from.
type presetOffer struct {
	scopes []keys.Choice
	last   keys.LastChoice
	sets   map[db.ID][]catalog.Preset // those of the APIs' publishers
}

// apply is ticked with a preset taken: that of one API, which leaves the others alone, or that of the last key. ok is false for a preset that
// there is not.
func (o presetOffer) apply(preset string, ticked []string) (now []string, ok bool) {
	if preset == presetLast {
		return lastValues(o.last, o.scopes), true
	}
	name, slug, _ := strings.Cut(preset, ":")
	var of []keys.Choice
	for _, s := range o.scopes {
		if s.API == slug {
			of = append(of, s)
		}
	}
	if len(of) == 0 {
		return nil, false
	}
	values := presetValues(name, of)
	if !slices.Contains([]string{presetRead, presetPlain, presetAll, presetNone}, name) {
		sets := o.sets[of[0].APIID]
		i := slices.IndexFunc(sets, func(p catalog.Preset) bool { return p.ID.Show(catalog.PresetPrefix) == name })
		if i < 0 {
			return nil, false
		}
		values, _ = setValues(sets[i], of)
	}
	others := slices.DeleteFunc(slices.Clone(ticked), func(v string) bool { return strings.HasPrefix(v, slug+"/") })
	return append(others, values...), true
}

// setValues are the values that a publisher's preset ticks, and the scopes that it leaves out because the app's access does not carry them.
func setValues(p catalog.Preset, offered []keys.Choice) (values, beyond []string) {
	for _, s := range p.Offered() {
		i := slices.IndexFunc(offered, func(o keys.Choice) bool { return o.ScopeID == s.ID })
		if i < 0 {
			beyond = append(beyond, s.Name)
		} else {
			values = append(values, valueOf(offered[i].Pair()))
		}
	}
	return values, beyond
}

// addSets puts the publishers' presets to their groups, with what each leaves out and why.
func addSets(c echo.Context, groups []views.ScopeGroup, offered []keys.Choice, sets map[db.ID][]catalog.Preset) {
	for i, g := range groups {
		of := slices.DeleteFunc(slices.Clone(offered), func(o keys.Choice) bool { return o.API != g.Slug })
		for _, p := range sets[of[0].APIID] {
			if len(p.Offered()) > 0 {
				groups[i].Sets = append(groups[i].Sets, setRow(c, p, g.Slug, of))
			}
		}
	}
}

func setRow(c echo.Context, p catalog.Preset, slug string, of []keys.Choice) views.PresetRow {
	values, beyond := setValues(p, of)
	row := views.PresetRow{
		Preset:  views.Preset{Label: p.Name, Own: true, Value: p.ID.Show(catalog.PresetPrefix) + ":" + slug, Grants: strings.Join(values, " "), Slug: slug},
		Purpose: p.Purpose,
	}
	if len(beyond) > 0 {
		row.Left = append(row.Left, web.T(c, "Left out, because the app’s access does not carry it: %s", strings.Join(beyond, ", ")))
	}
	if gone := p.Withdrawn(); len(gone) > 0 {
		row.Left = append(row.Left, web.T(c, "Left out, because the API’s publisher withdrew it: %s", strings.Join(catalog.ScopeNames(gone), ", ")))
	}
	return row
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

// presetOffer reads what presets choose from, for who may make keys of the app.
func (h *Handler) presetOffer(c echo.Context, appID db.ID) (presetOffer, error) {
	ctx := web.Ctx(c)
	if _, err := h.Keys.Preview(ctx, web.Actor(c), keys.CreateRequest{AppID: appID}); err != nil && !isProblem(err) { // may the reader make keys there
		return presetOffer{}, err
	}
	offered, err := h.Keys.Choices(ctx, appID)
	if err != nil {
		return presetOffer{}, err
	}
	last, err := h.Keys.LastChoice(ctx, web.Actor(c), appID)
	if err != nil {
		return presetOffer{}, err
	}
	sets, err := h.Keys.Presets(ctx, offered)
	return presetOffer{offered, last, sets}, err
}
