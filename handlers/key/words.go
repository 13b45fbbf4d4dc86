package key

import (
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/key/bulk"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

func keyPath(r keys.Row) string      { return "/console/keys/" + r.ID.Show(keys.IDPrefix) }
func adminKeyPath(r keys.Row) string { return "/admin/keys/" + r.ID.Show(keys.IDPrefix) }

// statusOf puts a state into words and colour.
func (h *Handler) statusOf(c echo.Context, s keys.State) views.Status {
	ctx := web.Ctx(c)
	switch s.Name {
	case keys.Revoked:
		return views.Status{Tone: components.Off, Words: text.T(ctx, "Revoked")}
	case keys.Expired:
		return views.Status{Tone: components.Off, Words: text.T(ctx, "Expired")}
	case keys.Suspended:
		return views.Status{Tone: components.Bad, Words: h.until(c, "Suspended", "Suspended until %s", s.Until)}
	case keys.Paused:
		if s.Cause == keys.Leaked {
			return views.Status{Tone: components.Bad, Words: text.T(ctx, "Paused, leaked")}
		}
		return views.Status{Tone: components.Warn, Words: text.T(ctx, "Paused")}
	case keys.Stopped:
		return views.Status{Tone: components.Bad, Words: text.T(ctx, stopWords[s.Cause])}
	case keys.Rotated:
		return views.Status{Tone: components.Warn, Words: h.until(c, "Rotated", "Rotated, works until %s", s.Until)}
	case keys.ExpiringNow:
		return views.Status{Tone: components.Warn, Words: text.T(ctx, "Expires soon")}
	}
	return views.Status{Tone: components.OK, Words: text.T(ctx, "Active")}
}

// States with an end.
var _ = []string{text.N("Suspended"), text.N("Suspended until %s"), text.N("Rotated"), text.N("Rotated, works until %s")}

var stopWords = map[keys.Cause]string{
	keys.Deleted:             text.N("Stopped: its owner is deleted"),
	keys.OwnerStopped:        text.N("Stopped: its owner is suspended"),
	keys.OrganizationStopped: text.N("Stopped: organization suspended"),
	keys.AppStopped:          text.N("Stopped: app suspended"),
	keys.AccessSuspended:     text.N("Stopped: access suspended"),
	keys.AccessEnded:         text.N("Stopped: access ended"),
}

// until names the end: the time alone when it is today.
func (h *Handler) until(c echo.Context, plain, with string, end time.Time) string {
	ctx := web.Ctx(c)
	if end.IsZero() {
		return text.T(ctx, plain)
	}
	zone := text.Of(ctx).Zone
	y, m, d := h.Now().In(zone).Date()
	if ey, em, ed := end.In(zone).Date(); y == ey && m == em && d == ed {
		return text.T(ctx, with, text.Clock(ctx, end))
	}
	if away := end.Sub(h.Now()); away > 0 && away < 300*day { // the year goes without saying
		return text.T(ctx, with, text.DayMonth(ctx, end))
	}
	return text.T(ctx, with, text.Date(ctx, end))
}

// standingOf puts into words why a grant does not count; nil when it does.
func standingOf(c echo.Context, s keys.Standing) *views.Status {
	switch s {
	case keys.GrantSuspended:
		return &views.Status{Tone: components.Bad, Words: web.T(c, "Not now: the app’s access is suspended")}
	case keys.GrantEnded:
		return &views.Status{Tone: components.Off, Words: web.T(c, "Not any more: the app’s access ended")}
	case keys.GrantLowered:
		return &views.Status{Tone: components.Off, Words: web.T(c, "Not any more: the app’s access no longer carries it")}
	case keys.GrantWithdrawn:
		return &views.Status{Tone: components.Off, Words: web.T(c, "Not any more: withdrawn by the API’s publisher")}
	}
	return nil
}

func (h *Handler) moment(c echo.Context, p *time.Time) components.Moment {
	if p == nil {
		return components.Moment{Relative: web.T(c, "Never")}
	}
	return components.MomentAt(web.Ctx(c), h.Now(), *p)
}

// terse is a moment for lists; absent is what nil is called.
func (h *Handler) terse(c echo.Context, p *time.Time, absent string) views.Moment {
	if p == nil {
		return views.Moment{Relative: absent}
	}
	return views.Moment{Exact: text.DateTime(web.Ctx(c), *p), Relative: text.Relative(web.Ctx(c), h.Now(), *p)}
}

// maxTags is how many grants a row of a list shows.
const maxTags = 4

// item puts a key into a row of a list; known are the open incidents of the list's keys.
func (h *Handler) item(c echo.Context, r keys.Row, href string, calls int64, known incidents) views.Item {
	i := views.Item{
		Href: href, Name: r.Name, Hint: r.Hint(), Status: h.statusOf(c, r.State(h.Now())),
		Expires: h.terse(c, known.endOf(r), web.T(c, "Never")), Used: h.terse(c, r.LastUsedAt, "–"), Calls: text.Number(web.Ctx(c), calls),
	}
	i.Status.Href = known.href(r.ID)
	if r.RevokedAt != nil {
		i.Expires = views.Moment{Relative: "–"}
	}
	for n, g := range r.Grants {
		if n == maxTags && len(r.Grants) > maxTags+1 {
			i.More = "+" + text.Number(web.Ctx(c), len(r.Grants)-maxTags)
			break
		}
		i.Grants = append(i.Grants, g.Scope)
	}
	return i
}

// with is the page's address with some of its query changed and its place in the list forgotten; an empty value is left out.
func with(c echo.Context, path string, set ...string) string {
	q := url.Values{}
	for name, values := range c.QueryParams() {
		if name != "after" && name != "before" && len(values) > 0 && values[0] != "" {
			q[name] = values
		}
	}
	for i := 0; i+1 < len(set); i += 2 {
		q.Del(set[i])
		if set[i+1] != "" {
			q.Set(set[i], set[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// holdsKey reports whether somebody pasted a whole key into a filter, which must not stay in the address (D2), and gives the page's address
// with its hint instead.
func holdsKey(c echo.Context, path string) (held bool, clean string) {
	var set []string
	for name, values := range c.QueryParams() {
		if len(values) > 0 && apikey.Redact(values[0]) != values[0] {
			set = append(set, name, apikey.Redact(values[0]))
		}
	}
	return len(set) > 0, with(c, path, set...)
}

// sorted is a column whose header sorts by name: a second click turns it around.
func sorted(c echo.Context, path, label, name, now string) components.Column {
	col := components.Column{Label: label}
	next := name
	switch now {
	case name:
		col.Sorted, next = "ascending", "-"+name
	case "-" + name:
		col.Sorted = "descending"
	}
	col.SortHref = with(c, path, "sort", next)
	return col
}

func pager(c echo.Context, path, next, previous string) components.Pager {
	p := components.Pager{}
	if next != "" {
		p.NextHref = with(c, path, "after", next)
	}
	if previous != "" {
		p.PrevHref = with(c, path, "before", previous)
	}
	return p
}

func stateField(c echo.Context) components.Field {
	f := components.Field{Name: "state", Label: web.T(c, "Status"), Value: c.QueryParam("state"), Options: []components.Option{{Label: web.T(c, "Any")}}}
	for _, s := range keys.States {
		f.Options = append(f.Options, components.Option{Value: string(s), Label: web.T(c, bulk.StateWords[s])})
	}
	return f
}

// knownState is the state when lists can be narrowed by it, else nothing.
func knownState(name string) string {
	if slices.Contains(keys.States, keys.StateName(name)) {
		return name
	}
	return ""
}

func environmentField(c echo.Context) components.Field {
	return components.Field{Name: "environment", Label: web.T(c, "Environment"), Value: c.QueryParam("environment"), Options: []components.Option{
		{Label: web.T(c, "Any")}, {Value: "live", Label: web.T(c, "Live")}, {Value: "test", Label: web.T(c, "Test")},
	}}
}

func apiField(c echo.Context, apis []keys.APIChoice) components.Field {
	f := components.Field{Name: "api", Label: web.T(c, "API"), Value: c.QueryParam("api"), Options: []components.Option{{Label: web.T(c, "Any")}}}
	for _, a := range apis {
		f.Options = append(f.Options, components.Option{Value: a.Slug, Label: a.Name, Data: true})
	}
	return f
}

// oneOf is value when it is one of those allowed, else nothing.
func oneOf(value string, allowed ...string) string {
	if slices.Contains(allowed, value) {
		return value
	}
	return ""
}
