package usage

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/views/components"
	view "github.com/gatehouse-dev/gatehouse/views/usage"
)

// codeWords say in words what each code means; the code itself stands beside.
var codeWords = map[keyring.Code]string{
	keyring.NotFound: text.N("Unknown key"), keyring.Revoked: text.N("Revoked"), keyring.Expired: text.N("Expired"), keyring.Paused: text.N("Paused"),
	keyring.Suspended: text.N("Suspended"), keyring.ForbiddenIP: text.N("Network not allowed"), keyring.ForbiddenOrigin: text.N("Origin not allowed"),
	keyring.WrongEnvironment: text.N("Wrong environment"), keyring.WrongAPI: text.N("No access to the API"), keyring.InsufficientScope: text.N("Scope missing"),
	keyring.QuotaExceeded: text.N("Quota used up"), keyring.RateLimited: text.N("Rate limit"), keyring.Valid: text.N("Let through"),
	keyring.MissingKey: text.N("No key"), keyring.BadRequest: text.N("Not to be judged"),
}

// wordsOf a code, and how its calls look. A refusal that was passed over, since the API is in report-only mode, was let through and is to be looked at.
func wordsOf(ctx context.Context, code keyring.Code) (string, components.Tone) {
	of, passed := code.Passed()
	switch {
	case passed:
		return text.T(ctx, "Would be refused: %s", text.T(ctx, codeWords[of])), components.Warn
	case code == keyring.Valid:
		return text.T(ctx, codeWords[code]), components.OK
	}
	return text.T(ctx, codeWords[code]), components.Bad
}

// passedTile counts, of what was let through, what an API that is not in report-only mode would have refused; nothing where there is none.
func passedTile(ctx context.Context, a *ask, codes []usage.Row, total usage.Count) []components.Tile {
	var n int64
	for _, r := range codes {
		if code, ok := keyring.ParseCode(r.Name); ok {
			if _, passed := code.Passed(); passed {
				n += r.All()
			}
		}
	}
	if n == 0 {
		return nil
	}
	return []components.Tile{{
		Label: text.T(ctx, "Would have been refused"), Value: text.Compact(ctx, n), Href: a.with("code", usage.Passed),
		Delta: text.T(ctx, "%s of all calls", text.Percent(ctx, share(n, total.All()))),
	}}
}

func codes(ctx context.Context, a *ask) components.Field {
	f := components.Field{Name: "code", Label: text.T(ctx, "Code"), Options: []components.Option{
		{Label: text.T(ctx, "All codes")},
		{Value: usage.Refused, Label: text.T(ctx, "All refusals"), Selected: a.Code == usage.Refused},
		{Value: usage.Passed, Label: text.T(ctx, "Would have been refused"), Selected: a.Code == usage.Passed},
	}}
	all := []keyring.Code{}
	for code := keyring.Valid; code > keyring.NotFound; code-- {
		all = append(all, code)
	}
	if a.Everything { // these are counted for nobody
		all = append(all, keyring.NotFound, keyring.MissingKey, keyring.BadRequest)
	}
	for _, code := range all {
		f.Options = append(f.Options, components.Option{Value: code.String(), Label: text.T(ctx, codeWords[code]), Selected: a.Code == code.String()})
	}
	return f
}

// mostCodes is how many rows of each breakdown are asked for: all codes there are, and more than mostRows of the others.
const mostCodes = 20

// breakdowns fills the tables, and the bars by code.
func breakdowns(c echo.Context, a *ask, p *view.Page, f figures) {
	ctx, all, total := web.Ctx(c), f.rows, f.total
	name := rowNamer(ctx, a)
	for _, t := range []struct {
		id, title, column string
		rows              []usage.Row
		name              func(usage.Row) view.BreakdownRow
		staff             bool // for staff alone
	}{
		{"by-app", web.T(c, "By app"), web.T(c, "App"), all.Apps, name.app, false},
		{"by-key", web.T(c, "Top keys"), web.T(c, "Key"), all.Keys, name.key, false},
		{"most-refused", web.T(c, "Most refused keys"), web.T(c, "Key"), all.Refused, name.key, true},
		{"by-api", web.T(c, "By API"), web.T(c, "API"), all.APIs, name.api, false},
		{"by-route", web.T(c, "By route"), web.T(c, "Route"), all.Routes, name.route, false},
	} {
		if t.staff && !a.Everything {
			continue
		}
		rows := t.rows
		b := view.Breakdown{Title: t.title, Name: t.column, Empty: web.T(c, "No calls in this time"), More: len(rows) > mostRows}
		for _, r := range rows[:min(len(rows), mostRows)] {
			line := t.name(r)
			line.Calls, line.Refused, line.Share = text.Number(ctx, r.All()), text.Number(ctx, r.Bad), text.Percent(ctx, round(share(r.All(), total.All())))
			b.Rows = append(b.Rows, line)
			p.Chosen = chosen(c, a, t.id, r, line, p.Chosen)
		}
		p.Tables = append(p.Tables, b)
	}
	p.Codes, p.Refused = codeBars(ctx, a, all.Codes), a.refusals()
	p.Tiles = append(p.Tiles, passedTile(ctx, a, all.Codes, total)...)
}

// round leaves one digit after the point of a percentage.
func round(share float64) float64 { return float64(int64(share*1000+.5)) / 1000 }

// chosen notes what staff narrowed the page to by a link of a table, with its name, so that they see it and can leave it.
func chosen(c echo.Context, a *ask, table string, r usage.Row, line view.BreakdownRow, all []view.Chosen) []view.Chosen {
	switch {
	case !a.Everything:
	case table == "by-app" && r.ID == a.App && !a.App.IsZero():
		return append(all, view.Chosen{Label: web.T(c, "Only the app"), Name: line.Name, Href: a.with("app", "")})
	case table == "by-key" && r.ID == a.Key && !a.Key.IsZero():
		return append(all, view.Chosen{Label: web.T(c, "Only the key"), Name: line.Name + " " + line.Detail, Href: a.with("key", "")})
	}
	return all
}

func codeBars(ctx context.Context, a *ask, rows []usage.Row) components.BarChart {
	b := components.BarChart{Title: text.T(ctx, "By code")}
	for _, r := range rows {
		bar := components.Bar{Label: r.Name, Value: r.All(), Href: a.with("code", r.Name), Tone: components.Bad}
		if code, ok := keyring.ParseCode(r.Name); ok {
			bar.Label, bar.Tone = wordsOf(ctx, code)
		}
		b.Items = append(b.Items, bar)
	}
	return b
}

// namer writes the first cell of each kind of row, with the link that narrows the page to it.
type namer struct {
	ctx context.Context
	a   *ask
}

func rowNamer(ctx context.Context, a *ask) namer { return namer{ctx, a} }

func (n namer) app(r usage.Row) view.BreakdownRow {
	if r.ID.IsZero() {
		return view.BreakdownRow{Words: text.T(n.ctx, "Unknown keys")}
	}
	return view.BreakdownRow{Name: r.Name, Detail: r.Detail, Href: n.a.with("app", r.ID.Show("app"))}
}

func (n namer) key(r usage.Row) view.BreakdownRow {
	if r.ID.IsZero() {
		return view.BreakdownRow{Words: text.T(n.ctx, "Unknown keys")}
	}
	return view.BreakdownRow{Name: r.Name, Detail: r.Detail, Href: n.a.with("key", r.ID.Show("key"))}
}

func (n namer) api(r usage.Row) view.BreakdownRow {
	return view.BreakdownRow{Name: r.Name, Detail: r.Detail, Href: n.a.with("api", r.ID.Show("api"))}
}

func (n namer) route(r usage.Row) view.BreakdownRow {
	if r.Name == "" {
		return view.BreakdownRow{Words: text.T(n.ctx, "No declared route"), Detail: r.Detail}
	}
	return view.BreakdownRow{Name: r.Name, Detail: r.Detail, Code: true}
}

// silent fills the table of keys that fell silent.
func (h *Handler) silent(c echo.Context, a *ask, p *view.Page, rows []usage.Silent) {
	ctx := web.Ctx(c)
	p.Silent = &view.SilentKeys{}
	for _, r := range rows {
		line := view.SilentKey{Name: r.Name, Hint: r.Hint, App: r.App, Org: r.Org, Calls: text.Number(ctx, r.Calls)}
		week := ask{path: a.path, query: map[string][]string{"span": {string(usage.Week)}}}
		line.Href = week.with("key", r.ID.Show("key"))
		if r.LastUsedAt != nil {
			line.LastUsed = components.MomentAt(ctx, h.Now(), *r.LastUsedAt)
		}
		p.Silent.Rows = append(p.Silent.Rows, line)
	}
}
