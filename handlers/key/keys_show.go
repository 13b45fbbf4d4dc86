package key

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// Show is a key's own page.
func (h *Handler) Show(c echo.Context) error { return h.showPage(c, 200, "", nil) }

// showPage also answers a name that was not taken, with the input kept.
func (h *Handler) showPage(c echo.Context, status int, name string, failed error) error {
	d, err := h.own(c)
	if err != nil {
		return err
	}
	p, err := h.show(c, d, "/console")
	if err != nil {
		return err
	}
	p.Crumbs, p.UsageURL = h.crumbs(c, d.Name, ""), "/console/usage?span=30d&key="+d.ID.Show(keys.IDPrefix)
	if p.Try, err = h.try(c, d); err != nil {
		return err
	}
	path, now := keyPath(d.Row), h.Now()
	due, err := h.dueNotes(c, d)
	if err != nil {
		return err
	}
	p.Notes = append(p.Notes, due...)
	if p.Links, err = h.linkRows(c, d, d.MayManage); err != nil {
		return err
	}
	if d.Successor != nil || d.Predecessor != nil && d.RotationUndoneAt == nil {
		p.PairURL = path + "/rotation"
	}
	if d.State(now).Works() {
		a, err := h.Keys.Ability(web.Ctx(c), d)
		if err != nil {
			return err
		}
		refusedCall(c, &p.Refused, a.Refused)
	}
	if d.MayManage && d.Living(now) {
		p.Actions = h.ownActions(c, d, path)
		p.ChangeBounds, p.Take, p.Give = path+"/limits", path+"/scopes/take", path+"/scopes/give"
		if d.PausedAt != nil && d.PausedCause != keys.PausedLeak && d.PausedCause != keys.PausedBulk {
			p.Resume = path + "/resume"
		}
	}
	if d.MayManage && d.RevokedAt == nil {
		_, wrong := problemsOf(c, failed)
		if failed == nil {
			name = d.Name
		}
		p.Rename = &views.RenameForm{Action: path + "/rename", Name: components.Field{Name: "name", Label: web.T(c, "Name"), Value: name, Error: wrong["name"], MaxLength: keys.MaxName, Autocomplete: "off"}}
	}
	return h.RenderStatus(c, status, views.Show(p))
}

func (h *Handler) ownActions(c echo.Context, d keys.Detail, path string) []components.Act {
	var acts []components.Act
	suspended := d.State(h.Now()).Name == keys.Suspended
	if d.OverlapEndsAt == nil && !suspended {
		acts = append(acts, components.Act{Label: web.T(c, "Rotate"), Href: path + "/rotate"})
	}
	if d.PausedAt == nil {
		acts = append(acts, components.Act{Label: web.T(c, "Pause"), Href: path + "/pause"})
	}
	return append(acts, components.Act{Label: web.T(c, "Revoke"), Href: path + "/revoke", Kind: components.Danger})
}

// own reads the key of the path, one of the reader's organizations.
func (h *Handler) own(c echo.Context) (keys.Detail, error) {
	id, err := web.PathID(c, "key", keys.IDPrefix)
	if err != nil {
		return keys.Detail{}, err
	}
	return h.Keys.Get(web.Ctx(c), web.Actor(c), id)
}

// show is what the console's and staff's page, under root, have in common.
func (h *Handler) show(c echo.Context, d keys.Detail, root string) (views.ShowPage, error) {
	ctx, now := web.Ctx(c), h.Now()
	known, err := h.incidents(c, []db.ID{d.ID}, root)
	if err != nil {
		return views.ShowPage{}, err
	}
	state := d.State(now)
	p := views.ShowPage{
		Refusals: root + "/refusals?key=" + d.ID.Show(keys.IDPrefix), Ask: askHref(root, d),
		Frame: h.Frame(c, d.Name), Name: d.Name, Hint: d.Hint(), Test: d.Environment == "test", Status: h.statusOf(c, state), Notes: append(known.leakNote(c, d.ID), h.notes(c, d, state, root)...),
		Tiles: []components.Tile{
			{Label: web.T(c, "Calls, 24 h"), Value: text.Number(ctx, d.CallsToday)},
			{Label: web.T(c, "Calls, 30 days"), Value: text.Compact(ctx, d.CallsLastMonth)},
			{Label: web.T(c, "Networks, 24 h"), Value: text.Number(ctx, d.NetworksToday)},
			{Label: web.T(c, "Unused scopes"), Value: text.Number(ctx, unused(d.Grants)), Delta: web.T(c, "of %d", len(d.Grants))},
		},
		Facts: h.facts(c, d, root, known.endOf(d.Row)), Pair: h.pair(c, d),
		Codes: components.BarChart{Title: web.T(c, "Answers, 30 days"), Empty: web.T(c, "No calls in 30 days.")},
	}
	if state.Cause == keys.Leaked {
		p.Status.Href = known.href(d.ID)
	}
	for _, l := range d.Limits {
		p.Limits = append(p.Limits, limitRow(c, l))
	}
	p.Bounds = boundsFacts(c, d.Bounds)
	h.grantRows(c, &p, d)
	for _, n := range d.Networks {
		p.Networks = append(p.Networks, views.NetworkRow{Network: n.Network, First: h.moment(c, &n.FirstUsedAt), Last: h.moment(c, &n.LastUsedAt)})
	}
	for _, code := range d.CodesLately {
		bar := components.Bar{Label: code.Code, Code: true, Value: code.Calls}
		switch of, passed := strings.CutPrefix(code.Code, keyring.PassedPrefix); {
		case passed:
			bar.Label, bar.Code, bar.Tone = web.T(c, "%s, let through", of), false, components.Warn
		case code.Code != "VALID":
			bar.Tone = components.Bad
		}
		p.Codes.Items = append(p.Codes.Items, bar)
	}
	return p, nil
}

// grantRows are what the key holds, and what was taken away from it.
func (h *Handler) grantRows(c echo.Context, p *views.ShowPage, d keys.Detail) {
	takable := d.Takable(h.Now())
	for _, g := range d.Grants {
		row := views.GrantRow{API: g.APIName, Scope: g.Scope, Sentence: g.Sentence, Sensitive: g.Sensitive, Used: h.moment(c, g.LastUsedAt), Status: standingOf(c, g.Standing(h.Now()))}
		if slices.ContainsFunc(takable, func(t keys.Grant) bool { return t.ScopeID == g.ScopeID }) {
			row.Take = g.API + "/" + g.Scope
		}
		p.Grants = append(p.Grants, row)
	}
	for _, t := range d.Taken {
		row := views.TakenRow{API: t.APIName, Scope: t.Scope, Sentence: t.Sentence, Taken: h.moment(c, &t.TakenAt)}
		if t.Back {
			row.Grant = t.API + "/" + t.Scope
		}
		p.Taken = append(p.Taken, row)
	}
}

// try are the lines for a first call, until one is seen; the key itself stands in a variable.
func (h *Handler) try(c echo.Context, d keys.Detail) ([]components.CodeBlock, error) {
	if d.LastUsedAt != nil || !d.State(h.Now()).Works() {
		return nil, nil
	}
	out := []components.CodeBlock{{Title: "curl", Text: `curl -H "Authorization: Bearer ` + catalog.KeyVariable + `" ` + h.Link("/v1/whoami")}}
	example, ok, err := h.Keys.ExampleFor(web.Ctx(c), d.ID)
	if err != nil || !ok {
		return out, err
	}
	e := catalog.Environment{BaseURL: example.BaseURL, ExampleMethod: example.Method, ExamplePath: example.Path, ExampleBody: example.Body}
	return append(out, components.CodeBlock{Title: example.APIName, Note: "curl", Text: e.Curl(catalog.KeyVariable)}), nil
}

func limitRow(c echo.Context, l keys.Limit) views.LimitRow {
	ctx := web.Ctx(c)
	used := text.Number(ctx, l.UsedMonth)
	if l.QuotaMonth != nil {
		used = web.T(c, "%[1]s of %[2]s", used, text.Number(ctx, *l.QuotaMonth))
	}
	if l.QuotaDay != nil {
		used += " · " + web.T(c, "today %[1]s of %[2]s", text.Number(ctx, l.UsedDay), text.Number(ctx, *l.QuotaDay))
	}
	return views.LimitRow{API: l.APIName, Plan: l.PlanName, Limits: web.Limits(c, l.RateRequests, l.RatePeriodSeconds, l.Burst, l.QuotaMonth, l.QuotaDay), Used: used}
}

func unused(grants []keys.Grant) int {
	n := 0
	for _, g := range grants {
		if g.LastUsedAt == nil {
			n++
		}
	}
	return n
}

// notes say what a person must know of the state first.
func (h *Handler) notes(c echo.Context, d keys.Detail, s keys.State, root string) []views.Note {
	var out []views.Note
	add := func(tone components.Tone, title, words string, typed bool) {
		n := views.Note{Tone: tone, Title: title, Text: words, Typed: typed}
		if typed {
			n.Label = web.T(c, "Reason:")
		}
		out = append(out, n)
	}
	switch s.Name {
	case keys.Suspended:
		title := web.T(c, "Suspended by the portal’s staff until they lift it")
		if !s.Until.IsZero() {
			title = web.T(c, "Suspended by the portal’s staff until %s", text.DateTime(web.Ctx(c), s.Until))
		}
		add(components.Bad, title, d.SuspendedReason, true)
	case keys.Revoked:
		add(components.Off, revokedWords(c, d, root), d.RevokedReason, true)
	case keys.Expired:
		add(components.Off, web.T(c, "Expired. A program that still needs access needs a new key."), "", false)
	case keys.Paused:
		add(components.Warn, pausedWords(c, d), "", false)
	case keys.Stopped:
		out = append(out, h.stoppedNote(c, d, s, root))
	case keys.ExpiringNow:
		add(components.Warn, web.T(c, "Expires %s. Rotate it before then: both keys work for as long as you choose.", text.DateTime(web.Ctx(c), s.Until)), "", false)
	}
	if d.RotationUndoneAt != nil {
		add(components.Off, web.T(c, "The rotation that made this key was undone: the old key goes on."), "", false)
	}
	if d.Orphaned {
		out = append(out, ownerNote(c, d, root))
	}
	return out
}

// revokedWords say when a key was revoked, and by whom as far as the reader may know it.
func revokedWords(c echo.Context, d keys.Detail, root string) string {
	when := text.DateTime(web.Ctx(c), *d.RevokedAt)
	switch name, staff := d.RevokedFor(root == "/admin"); {
	case name != "":
		return web.T(c, "Revoked %[1]s by %[2]s. That is final: a program that still needs access needs a new key.", when, name)
	case staff:
		return web.T(c, "Revoked %s by the portal’s staff. That is final: a program that still needs access needs a new key.", when)
	}
	return web.T(c, "Revoked %s. That is final: a program that still needs access needs a new key.", when)
}

// stoppedNote says what else stops the key, why, until when, and where that stands. A person's own suspension is told to staff alone.
func (h *Handler) stoppedNote(c echo.Context, d keys.Detail, s keys.State, root string) views.Note {
	n := views.Note{Tone: components.Bad, Title: h.statusOf(c, s).Words}
	by, staff := d.StoppedBy, root == "/admin"
	if s.Cause != keys.Deleted && s.Cause != keys.AccessEnded {
		n.More = web.T(c, "The key itself is in order. It works again when that ends.")
		if by != nil && by.Until != nil {
			n.More = web.T(c, "Until %s. The key itself is in order, and works again then.", text.DateTime(web.Ctx(c), *by.Until))
		}
	}
	if by == nil || s.Cause == keys.OwnerStopped && !staff {
		return n
	}
	n.Text, n.Typed = by.Reason, true
	switch s.Cause {
	case keys.OwnerStopped:
		n.Href, n.Link = root+"/users/"+by.ID.Show("user"), web.T(c, "See the user")
	case keys.OrganizationStopped:
		n.Href, n.Link = root+"/organizations/"+by.ID.Show("org"), web.T(c, "See the organization")
	case keys.AppStopped:
		n.Href, n.Link = root+"/apps/"+by.ID.Show("app"), web.T(c, "See the app")
	default:
		n.Href, n.Link = root+"/access/"+by.ID.Show(catalog.AccessPrefix), web.T(c, "See the access")
		if staff {
			n.Href = root + "/requests/" + by.ID.Show(catalog.AccessPrefix)
		}
	}
	return n
}

func (h *Handler) facts(c echo.Context, d keys.Detail, root string, end *time.Time) []components.Fact {
	ends := h.moment(c, end)
	network := d.LastUsedNetwork
	if network == "" {
		network = "–"
	}
	return []components.Fact{
		{Term: web.T(c, "App"), Body: views.TypedLink{Text: d.AppName, Href: root + "/apps/" + d.AppID.Show("app")}},
		{Term: web.T(c, "Organization"), Body: views.TypedLink{Text: d.OrganizationName, Href: root + "/organizations/" + d.OrganizationID.Show("org")}},
		{Term: web.T(c, "Data domain"), Body: typed(d.DataDomain)},
		{Term: web.T(c, "Made by"), Body: maker(c, d, root)},
		{Term: web.T(c, "Responsible"), Body: typed(responsible(c, d))},
		{Term: web.T(c, "Made"), Body: components.Time(h.moment(c, &d.CreatedAt))},
		{Term: web.T(c, "Ends"), Body: components.Time(ends)},
		{Term: web.T(c, "Last used"), Body: components.Time(h.moment(c, d.LastUsedAt))},
		{Term: web.T(c, "Last network"), Body: typed(network)},
		{Term: web.T(c, "Key id"), Body: typed(d.ID.Show(keys.IDPrefix))},
	}
}

// typed is data, not words of ours.
func typed(s string) views.Typed { return views.Typed(s) }

// pair shows old and new key side by side, while a rotation tells something (K10).
func (h *Handler) pair(c echo.Context, d keys.Detail) []views.PairRow {
	if d.Successor == nil && d.Predecessor == nil {
		return nil
	}
	var out []views.PairRow
	add := func(r keys.Row) {
		ends := components.Moment{Relative: web.T(c, "Never")}
		if r.EndsAt() != nil {
			ends = h.moment(c, r.EndsAt())
		}
		out = append(out, views.PairRow{Href: r.ID.Show(keys.IDPrefix), Name: r.Name, Hint: r.Hint(), This: r.ID == d.ID, Status: h.statusOf(c, r.State(h.Now())), Used: h.moment(c, r.LastUsedAt), Ends: ends})
	}
	if d.Predecessor != nil {
		add(*d.Predecessor)
	}
	add(d.Row)
	if d.Successor != nil {
		add(*d.Successor)
	}
	return out
}

// stops says what stops working with the key, from how it was used.
func (h *Handler) stops(c echo.Context, d keys.Detail) []string {
	ctx := web.Ctx(c)
	var out []string
	switch {
	case d.LastUsedAt == nil:
		out = append(out, web.T(c, "Nothing has used this key yet."))
	case d.NetworksToday > 0:
		out = append(out, web.T(c, "It was used from %d networks in the last 24 hours.", d.NetworksToday))
	default:
		out = append(out, web.T(c, "It was last used %s.", text.DateTime(ctx, *d.LastUsedAt)))
	}
	if d.CallsToday > 0 {
		out = append(out, web.T(c, "It made %d calls in the last 24 hours.", d.CallsToday))
	}
	return out
}

// days is the number of days in a field; -1 for what is no number, which is out of every range.
func days(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// idOf reads the key's id in the path.
func idOf(c echo.Context) (db.ID, error) { return web.PathID(c, "key", keys.IDPrefix) }

const day = 24 * time.Hour

// askHref is where a call with the key can be asked about; the API is the first that it was made for.
func askHref(root string, d keys.Detail) string {
	href := root + "/refusals/ask?key=" + d.ID.Show(keys.IDPrefix)
	if len(d.Grants) > 0 {
		href += "&api=" + d.Grants[0].APIID.Show(catalog.Prefix)
	}
	return href
}
