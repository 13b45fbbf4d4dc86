package usage

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/views/components"
	view "github.com/gatehouse-dev/gatehouse/views/usage"
)

// mostRows is how many lines a breakdown shows.
const mostRows = 10

// mostWarned is how many quotas the page warns of, the fullest first.
const mostWarned = 5

func (h *Handler) page(c echo.Context, a ask) error {
	ctx := web.Ctx(c)
	p := view.Page{Frame: h.Frame(c, web.T(c, "Usage")), Title: web.T(c, "Usage"), CSVHref: address(a.path+".csv", a.query), Spans: spans(ctx, &a)}
	var err error
	if p.Lead, err = h.lead(c, a.Everything); err != nil {
		return err
	}
	if !a.Everything {
		warned, err := h.quotas.Warned(ctx, a.Actor)
		if err != nil {
			return err
		}
		for _, one := range warned[:min(len(warned), mostWarned)] {
			tone, title, words := web.QuotaWarning(c, one)
			p.Notes = append(p.Notes, view.Note{Tone: tone, Title: title, Text: words, Href: "/console/apps/" + one.AppID.Show("app") + "#quotas"})
		}
	}
	f, err := h.figures(ctx, &a)
	if err != nil {
		return err
	}
	if f.total.All() == 0 && len(f.choices.apis) == 0 && !a.Everything {
		p.Empty = &components.EmptyState{
			Title: web.T(c, "No calls yet"), Text: web.T(c, "As soon as a key of yours is used, you see here by which app, on which route, and what was refused and why."),
			Action: &components.Act{Label: web.T(c, "Go to keys"), Href: "/console/keys", Kind: components.Primary},
		}
		return h.Render(c, view.Usage(p))
	}
	p.Chart, p.Tiles = web.CallChart(c, chartTitle(c, a.Span), a.Span, f.points, f.total), tiles(ctx, &a, f.total)
	p.Filter = f.choices.filter(ctx, &a)
	breakdowns(c, &a, &p, f)
	if a.Everything {
		h.silent(c, &a, &p, f.silent)
	}
	return h.Render(c, view.Usage(p))
}

var spanWords = map[usage.Span]string{
	usage.Hour: text.N("1 hour"), usage.Day: text.N("24 hours"), usage.Week: text.N("7 days"), usage.Month: text.N("30 days"), usage.ThreeMonth: text.N("90 days"),
}

func spans(ctx context.Context, a *ask) []components.Tab {
	tabs := make([]components.Tab, 0, len(usage.Spans))
	for _, s := range usage.Spans {
		value := string(s)
		if s == usage.Day {
			value = ""
		}
		tabs = append(tabs, components.Tab{Label: text.T(ctx, spanWords[s]), Href: a.with("span", value), Current: s == a.Span})
	}
	return tabs
}

func tiles(ctx context.Context, a *ask, total usage.Count) []components.Tile {
	refused := components.Tile{Label: text.T(ctx, "Refused"), Value: text.Compact(ctx, total.Bad), Href: a.with("code", usage.Refused)}
	if total.All() > 0 {
		refused.Delta = text.T(ctx, "%s of all calls", text.Percent(ctx, share(total.Bad, total.All())))
	}
	return []components.Tile{
		{Label: text.T(ctx, "Calls"), Value: text.Compact(ctx, total.All())},
		{Label: text.T(ctx, "Let through"), Value: text.Compact(ctx, total.Good), Href: a.with("code", "VALID")},
		refused,
	}
}

func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// chartTitle says how the steps are counted.
func chartTitle(c echo.Context, span usage.Span) string {
	if span == usage.Month || span == usage.ThreeMonth {
		return web.T(c, "Calls by day (UTC)")
	}
	return web.T(c, "Calls")
}

// choices are the entries of the filters.
type choices struct{ apps, apis, keys []usage.Choice }

func (h *Handler) choices(ctx context.Context, a *ask) (c choices, err error) {
	if c.apis, err = h.store.APIs(ctx, a.View); err != nil {
		return c, err
	}
	if a.Everything { // too many apps and keys for a list: the tables lead to each
		return c, nil
	}
	if c.apps, err = h.store.Apps(ctx, a.View); err != nil {
		return c, err
	}
	c.keys, err = h.store.Keys(ctx, a.View)
	return c, err
}

func (ch choices) filter(ctx context.Context, a *ask) components.Filter {
	f := components.Filter{Action: a.path, Label: text.T(ctx, "Filter usage")}
	add := func(name, label, all, prefix string, from []usage.Choice) {
		field := components.Field{Name: name, Label: label, Options: []components.Option{{Label: all}}}
		for _, c := range from {
			value := c.ID.Show(prefix)
			field.Options = append(field.Options, components.Option{Value: value, Label: c.Name, Group: c.Org, Data: true, Selected: value == a.query.Get(name)})
		}
		f.Fields = append(f.Fields, field)
	}
	hidden := []string{"org", "span"}
	if a.Everything {
		hidden = append(hidden, "app", "key")
	} else {
		add("app", text.T(ctx, "App"), text.T(ctx, "All apps"), "app", ch.apps)
		add("key", text.T(ctx, "Key"), text.T(ctx, "All keys"), "key", ch.keys)
	}
	add("api", text.T(ctx, "API"), text.T(ctx, "All APIs"), "api", ch.apis)
	f.Fields = append(f.Fields, environments(ctx, a), codes(ctx, a))
	for _, name := range hidden {
		if v := a.query.Get(name); v != "" {
			f.Hidden = append(f.Hidden, components.Hidden{Name: name, Value: v})
		}
	}
	if a.filtered() {
		bare := ask{path: a.path, query: map[string][]string{}}
		value := string(a.Span)
		if a.Span == usage.Day {
			value = ""
		}
		f.ClearHref = bare.with("span", value)
	}
	return f
}

func environments(ctx context.Context, a *ask) components.Field {
	return components.Field{Name: "environment", Label: text.T(ctx, "Environment"), Options: []components.Option{
		{Label: text.T(ctx, "Live and test")},
		{Value: "live", Label: text.T(ctx, "Live"), Selected: a.Environment == "live"},
		{Value: "test", Label: text.T(ctx, "Test"), Selected: a.Environment == "test"},
	}}
}
