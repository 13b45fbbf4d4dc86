package leak

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	leaks "github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// entered is what somebody typed into the page of an incident, and what was wrong with it.
type entered struct {
	reason, word string
	failed       error
}

// Incident is the page of a key's last incident, for its people.
func (h *Handler) Incident(c echo.Context) error { return h.incidentPage(c, http.StatusOK, entered{}) }

func (h *Handler) incidentPage(c echo.Context, status int, e entered) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	id, err := web.PathID(c, "key", keys.IDPrefix)
	if err != nil {
		return err
	}
	d, err := h.Keys.Get(ctx, who, id)
	if err != nil {
		return err
	}
	i, err := h.Leaks.OfKey(ctx, who, id)
	if err != nil {
		return err
	}
	p, err := h.page(c, d, i, "/console")
	if err != nil {
		return err
	}
	p.Crumbs = []components.Crumb{{Label: web.T(c, "Keys"), Href: "/console/keys"}, {Label: d.Name, Href: p.KeyHref, Own: true}, {Label: p.Title}}
	h.whatNow(c, &p, d, i, e)
	return h.RenderStatus(c, status, views.Incident(p))
}

// StaffIncident is any incident, for staff.
func (h *Handler) StaffIncident(c echo.Context) error {
	return h.staffPage(c, http.StatusOK, entered{})
}

func (h *Handler) staffPage(c echo.Context, status int, e entered) error {
	id, err := web.PathID(c, "incident", leaks.IncidentPrefix)
	if err != nil {
		return err
	}
	i, err := h.Leaks.ForStaff(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	d, err := h.Keys.GetAny(web.Ctx(c), web.Actor(c), i.KeyID)
	if err != nil {
		return err
	}
	p, err := h.page(c, d, i, "/admin")
	if err != nil {
		return err
	}
	p.Crumbs = []components.Crumb{{Label: web.T(c, "Leaked keys"), Href: adminPath}, {Label: p.Title}}
	wrong := h.wrong(c, &p, e)
	if i.Open() && permission.Staff(web.Actor(c).StaffRole, permission.StaffLeaksManage) {
		if d.Living(h.Now()) && permission.Staff(web.Actor(c).StaffRole, permission.StaffKeysManage) {
			p.RevokeHref = p.KeyHref + "/revoke"
		}
		p.Close = h.closing(c, d, i, adminPath+"/"+id.Show(leaks.IncidentPrefix)+"/close", e, wrong)
	}
	return h.RenderStatus(c, status, views.Incident(p))
}

// StaffClose closes an incident, by staff.
func (h *Handler) StaffClose(c echo.Context) error {
	id, err := web.PathID(c, "incident", leaks.IncidentPrefix)
	if err != nil {
		return err
	}
	var f decideForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	err = h.Leaks.CloseAny(web.Ctx(c), web.Actor(c), id, leaks.Decision{Seen: f.seen(), Word: f.Word})
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		failed := h.Unkeyed(c, err, &f.Word)
		return h.staffPage(c, web.Status(err), entered{word: f.Word, failed: failed})
	}
	if err != nil {
		return err
	}
	return h.Done(c, adminPath+"/"+id.Show(leaks.IncidentPrefix), text.N("The incident is closed."))
}

// page is what a key's people and staff read alike; root is where the reader's pages of keys are.
func (h *Handler) page(c echo.Context, d keys.Detail, i leaks.Detail, root string) (views.IncidentPage, error) {
	ctx, title := web.Ctx(c), web.T(c, "Leak of a key")
	p := views.IncidentPage{
		Frame: h.Frame(c, title), Title: title, Key: d.Name, KeyHref: root + "/keys/" + d.ID.Show(keys.IDPrefix), Hint: d.Hint(), Note: h.note(c, d, i),
		Tiles: []components.Tile{
			{Label: web.T(c, "Times reported"), Value: text.Number(ctx, i.Reports)},
			{Label: web.T(c, "Calls, 24 h"), Value: text.Number(ctx, d.CallsToday)},
			{Label: web.T(c, "Calls, 30 days"), Value: text.Compact(ctx, d.CallsLastMonth)},
			{Label: web.T(c, "Networks, 24 h"), Value: text.Number(ctx, d.NetworksToday)},
		},
		Facts: h.facts(c, d, i, root),
	}
	for _, r := range i.List {
		p.Reports = append(p.Reports, views.ReportRow{
			At: components.MomentAt(ctx, h.Now(), r.At), By: web.T(c, sourceWords[r.Source]), Place: r.Place, URL: r.URL, Href: r.Source == leaks.GitHub && strings.HasPrefix(r.URL, "https://"),
		})
	}
	for _, s := range i.Steps {
		p.Steps = append(p.Steps, h.step(c, s))
	}
	if i.Reports > len(i.List) {
		p.Dropped = web.T(c, "%[1]d reports came in; the last %[2]d are kept.", i.Reports, len(i.List))
	}
	for _, n := range d.Networks {
		p.Networks = append(p.Networks, views.NetworkRow{Network: n.Network, First: components.MomentAt(ctx, h.Now(), n.FirstUsedAt), Last: components.MomentAt(ctx, h.Now(), n.LastUsedAt)})
	}
	able, err := h.Keys.Ability(ctx, d)
	for _, s := range able.Scopes {
		words := web.T(c, "At %s it may:", s.APIName)
		if n := len(p.Abilities); n == 0 || p.Abilities[n-1].Words != words {
			p.Abilities = append(p.Abilities, views.AbilityAPI{Words: words})
		}
		last := &p.Abilities[len(p.Abilities)-1]
		last.Scopes = append(last.Scopes, components.ScopeChoice{Scope: s.Scope, Sentence: s.Sentence})
	}
	return p, err
}

// whatNow is what the reader can do about an open incident.
func (h *Handler) whatNow(c echo.Context, p *views.IncidentPage, d keys.Detail, i leaks.Detail, e entered) {
	wrong := h.wrong(c, p, e)
	if !d.MayManage || !i.Open() {
		return
	}
	living, waits := d.Living(h.Now()), d.PausedCause == keys.PausedLeak
	path, seen := leaks.PathOf(d.ID), []components.Hidden{{Name: "seen", Value: strconv.Itoa(i.News)}}
	switch {
	case living && d.OverlapEndsAt == nil && d.State(h.Now()).Name != keys.Suspended:
		p.RotateAction, p.RotateToken = p.KeyHref+"/rotate", h.Keys.NewFormToken(web.Actor(c), keys.RotatePurpose(d.ID))
	case !living && d.Successor == nil:
		p.ReplaceHref = replacement(d)
	}
	if living {
		p.RevokeHref = p.KeyHref + "/revoke"
	}
	if living && waits && i.MayResume() {
		p.Resume = &views.DecideForm{
			Action: path + "/resume", Hidden: seen, Button: web.T(c, "Resume key"),
			Words: web.T(c, "The report was wrong, and nobody else has the key? You have read where it was reported: say why it may go on. Reported again, it is paused again."),
			Field: components.Field{Name: "reason", Label: web.T(c, "Why it may go on"), Value: e.reason, Error: wrong["reason"], MaxLength: leaks.MaxWord, Autocomplete: "off"},
		}
	}
	p.AdminsResume = living && waits && !i.MayResume()
	p.Close = h.closing(c, d, i, path+"/close", e, wrong)
}

// wrong shows what was wrong with what was entered, and gives the words for each field.
func (h *Handler) wrong(c echo.Context, p *views.IncidentPage, e entered) map[string]string {
	problems, wrong, _ := web.Problems(c, e.failed)
	if f := fault.As(e.failed); f != nil && len(problems) == 0 {
		problems = []components.Problem{{Message: web.T(c, f.Key, f.Args...)}}
	}
	p.Problems = problems
	return wrong
}

// closing is the form that closes an incident; nil while the key is paused for it.
func (h *Handler) closing(c echo.Context, d keys.Detail, i leaks.Detail, action string, e entered, wrong map[string]string) *views.DecideForm {
	if d.Living(h.Now()) && d.PausedCause == keys.PausedLeak {
		return nil
	}
	return &views.DecideForm{
		Action: action, Hidden: []components.Hidden{{Name: "seen", Value: strconv.Itoa(i.News)}}, Button: web.T(c, "Close incident"),
		Words: web.T(c, "The key is out of use, and gone from where it was found? Say so, for whoever asks later."),
		Field: components.Field{Name: "word", Label: web.T(c, "What was done"), Value: e.word, Error: wrong["word"], MaxLength: leaks.MaxWord, Autocomplete: "off"},
	}
}

// replacement is the form of a new key, filled in like the one that is gone.
func replacement(d keys.Detail) string {
	q := url.Values{"app": {d.AppID.Show("app")}, "name": {d.Name}, "environment": {d.Environment}}
	for _, g := range d.Grants {
		q.Add("grants", g.API+"/"+g.Scope)
	}
	return "/console/keys/new?" + q.Encode()
}

type decideForm struct {
	Seen   string `form:"seen"`
	Reason string `form:"reason"`
	Word   string `form:"word"`
}

func (f decideForm) seen() int {
	n, err := strconv.Atoi(f.Seen)
	if err != nil {
		return -1 // as good as unread
	}
	return n
}

// Resume lets the key work again, as an admin of its organization says.
func (h *Handler) Resume(c echo.Context) error {
	return h.decide(c, true, text.N("The key works again, and the incident is closed."))
}

// Close ends the incident.
func (h *Handler) Close(c echo.Context) error {
	return h.decide(c, false, text.N("The incident is closed."))
}

func (h *Handler) decide(c echo.Context, resume bool, done string) error {
	id, err := web.PathID(c, "key", keys.IDPrefix)
	if err != nil {
		return err
	}
	var f decideForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if resume {
		err = h.Leaks.Resume(web.Ctx(c), web.Actor(c), id, leaks.Decision{Seen: f.seen(), Word: f.Reason})
	} else {
		err = h.Leaks.Close(web.Ctx(c), web.Actor(c), id, leaks.Decision{Seen: f.seen(), Word: f.Word})
	}
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		failed := h.Unkeyed(c, err, &f.Reason, &f.Word)
		return h.incidentPage(c, web.Status(err), entered{f.Reason, f.Word, failed})
	}
	if err != nil {
		return err
	}
	return h.Done(c, leaks.PathOf(id), done)
}
