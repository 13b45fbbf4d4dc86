// Package audit serves what was done in an organization to its admins: as a page and as a download.
package audit

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/activity"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// Handler serves the pages.
type Handler struct {
	*web.Kit
	Orgs     *org.Store
	Activity *activity.Store
}

// Routes lists the routes.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/console/organizations/:id/activity", web.SignedIn(), h.List)
	r.Get("/console/organizations/:id/activity.jsonl", web.SignedIn(), h.Download)
}

func pathOf(id db.ID) string { return "/console/organizations/" + id.Show(org.Prefix) }

// ask is what the address asks for.
type ask struct {
	activity.Filter
	query url.Values // what of it was understood
}

func askOf(c echo.Context) ask {
	a := ask{query: url.Values{}}
	if noun := c.QueryParam("about") + "."; slices.Contains(activity.Nouns, noun) {
		a.Noun = noun
		a.query.Set("about", noun[:len(noun)-1])
	}
	zone := text.Of(web.Ctx(c)).Zone
	a.From, a.To = a.day(c, "from", zone), a.day(c, "to", zone)
	if !a.To.IsZero() {
		a.To = a.To.AddDate(0, 0, 1) // to the end of that day
	}
	for _, kind := range []string{"user", key.IDPrefix} {
		if id := web.QueryID(c, "by", kind); !id.IsZero() {
			a.Actor = id
			a.query.Set("by", id.Show(kind))
		}
	}
	for _, kind := range web.IDPrefixes {
		if id := web.QueryID(c, "what", kind); !id.IsZero() {
			a.Target = id
			a.query.Set("what", id.Show(kind))
		}
	}
	return a
}

func (a *ask) day(c echo.Context, name string, zone *time.Location) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, c.QueryParam(name), zone)
	if err != nil {
		return time.Time{}
	}
	a.query.Set(name, t.Format(time.DateOnly))
	return t
}

// List shows what was done, the newest first.
func (h *Handler) List(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	o, err := h.Orgs.Get(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	a := askOf(c)
	found, err := h.Activity.List(web.Ctx(c), web.Actor(c), id, a.Filter, web.PageOf(c))
	if err != nil {
		return err
	}
	members, err := h.Orgs.Members(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	filter := h.filter(c, id, a, members)
	part := views.Part{Filter: &filter, Table: h.table(c, id, found.Rows, len(a.query) > 0), Pager: web.Pager(c, found.Previous, found.Next)}
	return h.Render(c, views.Page(views.Desk{
		Frame: h.Frame(c, web.T(c, "Activity")), Title: web.T(c, "Activity"),
		Lead:    web.T(c, "Who did what to the keys, apps and members of this organization. No entry can be changed or taken out without it being noticed."),
		Crumbs:  []components.Crumb{{Label: web.T(c, "Organizations"), Href: "/console/organizations"}, {Label: o.Name, Href: pathOf(id), Own: true}},
		Actions: []components.Act{{Label: web.T(c, "Download JSON lines"), Href: withQuery(pathOf(id)+"/activity.jsonl", a.query)}},
		Parts:   []views.Part{part},
	}))
}

func withQuery(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

func (h *Handler) filter(c echo.Context, id db.ID, a ask, members []org.Member) components.Filter {
	about := components.Field{Name: "about", Label: web.T(c, "About"), Options: []components.Option{{Label: web.T(c, "Everything")}}}
	for _, n := range nouns {
		about.Options = append(about.Options, components.Option{Value: n.noun, Label: web.T(c, n.words), Selected: n.noun == a.query.Get("about")})
	}
	by := components.Field{Name: "by", Label: web.T(c, "Who"), Options: []components.Option{{Label: web.T(c, "Everybody")}}}
	known := a.query.Get("by") == ""
	for _, m := range members {
		value := m.UserID.Show("user")
		known = known || value == a.query.Get("by")
		by.Options = append(by.Options, components.Option{Value: value, Label: m.Name, Data: true, Selected: value == a.query.Get("by")})
	}
	if !known {
		by.Options = append(by.Options, components.Option{Value: a.query.Get("by"), Label: a.query.Get("by"), Data: true, Selected: true})
	}
	f := components.Filter{Action: pathOf(id) + "/activity", Label: web.T(c, "Filter activity"), Fields: []components.Field{
		about, by,
		{Name: "from", Label: web.T(c, "From"), Type: "date", Value: a.query.Get("from")},
		{Name: "to", Label: web.T(c, "Until"), Type: "date", Value: a.query.Get("to")},
	}}
	if what := a.query.Get("what"); what != "" {
		f.Hidden = []components.Hidden{{Name: "what", Value: what}}
	}
	if len(a.query) > 0 {
		f.ClearHref = f.Action
	}
	return f
}

func (h *Handler) table(c echo.Context, id db.ID, events []activity.Event, filtered bool) *views.Table {
	t := views.Table{Named: true, Spec: components.TableSpec{Caption: web.T(c, "Activity"), Stacks: true, Columns: []components.Column{
		{Label: web.T(c, "What was done")}, {Label: web.T(c, "To what")}, {Label: web.T(c, "Who")}, {Label: web.T(c, "When")}, {Label: web.T(c, "Details")},
	}}, Empty: web.T(c, "Nothing was done here yet.")}
	if filtered {
		t.Empty = web.T(c, "Nothing fits this filter.")
	}
	for _, e := range events {
		moment := components.MomentAt(web.Ctx(c), h.Now(), e.At)
		words, worded := web.ActWords(c, e.Act)
		done := views.Cell{Text: words, Code: !worded, Data: !worded, Wrap: true}
		if e.Refused {
			done.Badge = web.T(c, "Refused")
		}
		more := details(c, e)
		t.Rows = append(t.Rows, []views.Cell{done, target(id, e), whoCell(c, e), {Moment: &moment}, {Text: more, Data: true, Wrap: more != ""}})
	}
	return &t
}

func target(organization db.ID, e activity.Event) views.Cell {
	cell := views.Cell{Text: e.TargetName, Data: true, Wrap: true, Hint: e.Facts["hint"], HData: true}
	prefix, page := web.IDPrefixes[e.TargetKind], pages[e.TargetKind]
	if cell.Text == "" && prefix != "" {
		cell.Text = e.TargetID.Show(prefix)
	}
	if e.Own && page != "" && cell.Text != "" {
		cell.Href = page + e.TargetID.Show(prefix)
	}
	if part, ok := parts[e.TargetKind]; ok && e.Own {
		cell.Href = pathOf(organization) + part
	}
	return cell
}

func whoCell(c echo.Context, e activity.Event) views.Cell {
	switch e.By {
	case activity.Member:
		return views.Cell{Text: e.Name, Data: true, Wrap: true, Hint: e.Network, HData: true}
	case activity.Former:
		return views.Cell{Text: e.Name, Data: true, Wrap: true, Hint: web.T(c, "no member any more")}
	case activity.Program:
		return views.Cell{Text: e.Name, Data: true, Wrap: true, Href: pages["key"] + e.ActorID.Show(key.IDPrefix), Hint: web.T(c, "a program, with this key")}
	case activity.Director:
		return views.Cell{Text: e.Name, Data: true, Wrap: true, Hint: web.T(c, "the directory, with this token")}
	case activity.Sharer:
		if e.Name != "" {
			return views.Cell{Text: e.Name, Data: true, Wrap: true, Hint: web.T(c, "one of its members, by the share")}
		}
	}
	return views.Cell{Text: web.T(c, byWords[e.By]), Wrap: true}
}

// line is an event as the download holds it.
type line struct {
	ID        string            `json:"id"`
	At        time.Time         `json:"at"`
	Act       string            `json:"act"`
	Result    string            `json:"result"`
	By        string            `json:"by"`
	ActorID   string            `json:"actor_id,omitempty"`
	Actor     string            `json:"actor,omitempty"`
	Network   string            `json:"network,omitempty"`
	Target    string            `json:"target"`
	TargetID  string            `json:"target_id,omitempty"`
	Name      string            `json:"target_name,omitempty"`
	Details   map[string]string `json:"details,omitempty"`
	RequestID string            `json:"request_id,omitempty"`
}

// Download streams every event that fits, the oldest first, one JSON object a line.
func (h *Handler) Download(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	var out *json.Encoder
	begin := func() {
		header := c.Response().Header()
		header.Set("Content-Type", "application/jsonl")
		header.Set("Content-Disposition", `attachment; filename="activity.jsonl"`)
		c.Response().WriteHeader(http.StatusOK)
		out = json.NewEncoder(c.Response())
		out.SetEscapeHTML(false)
	}
	err = h.Activity.Each(web.Ctx(c), web.Actor(c), id, askOf(c).Filter, func(e activity.Event) error {
		if out == nil {
			begin()
		}
		return out.Encode(lineOf(e))
	})
	if err == nil && out == nil {
		begin()
	}
	return err
}

func lineOf(e activity.Event) line {
	l := line{
		ID: e.ID.Show("event"), At: e.At.UTC(), Act: e.Act, Result: "done", By: string(e.By), ActorID: web.ShownID(e.ActorKind(), e.ActorID), Actor: e.Name, Network: e.Network,
		Target: e.TargetKind, TargetID: web.ShownID(e.TargetKind, e.TargetID), Name: e.TargetName, Details: e.Facts, RequestID: e.RequestID,
	}
	if e.Refused {
		l.Result = "refused"
	}
	return l
}
