package bulk

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/bulk"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// words of the verbs: the title and button, what carrying it out does, and what the outcome says.
var words = map[keys.Verb]struct{ title, effect, done string }{
	keys.Revoking: {
		text.N("Revoke %d keys"), text.N("Every call with these keys is refused from then on, for ever. Keys made after this preview are not touched. The keys’ people are mailed the reason."),
		text.N("%d keys were revoked"),
	},
	keys.Pausing: {
		text.N("Pause %d keys"), text.N("Every call with these keys is refused until staff resume them. Keys made after this preview are not touched. The keys’ people are mailed the reason."),
		text.N("%d keys were paused"),
	},
	keys.Shortening: {
		text.N("End %d keys sooner"), text.N("These keys stop by themselves on %s, and no later. Their people are mailed the reason, and can rotate them before."),
		text.N("%d keys end sooner"),
	},
	keys.Resuming: {
		text.N("Resume %d keys"), text.N("These keys work again, but for those that their people had paused before. The keys’ people are mailed."),
		text.N("%d keys were resumed"),
	},
}

// Show is an act: its preview, how far it is, and afterwards what it did; it survives a reload.
func (h *Handler) Show(c echo.Context) error { return h.page(c, http.StatusOK, startForm{}, nil) }

func (h *Handler) page(c echo.Context, status int, f startForm, failed error) error {
	id, err := web.PathID(c, "bulk", bulk.Prefix)
	if err != nil {
		return err
	}
	ctx, who := web.Ctx(c), web.Actor(c)
	d, err := h.Bulks.Get(ctx, who, id)
	if err != nil {
		return err
	}
	parts, err := h.Bulks.Keys(ctx, who, id, web.PageOf(c))
	if err != nil {
		return err
	}
	title := web.T(c, words[d.Verb].title, d.Keys)
	p := views.BulkPage{
		Frame: h.Frame(c, title), Title: title, Back: keysPath, Crumbs: append(crumbs(c), components.Crumb{Label: title}), Filter: filterFacts(c, d.Wanted()),
		Tiles: []components.Tile{
			{Label: web.T(c, "Keys"), Value: text.Number(ctx, d.Keys)},
			{Label: web.T(c, "Organizations"), Value: text.Number(ctx, d.Organizations)},
			{Label: web.T(c, "Apps"), Value: text.Number(ctx, d.Apps)},
			{Label: web.T(c, "Used in the last hour"), Value: text.Number(ctx, d.Used), Delta: web.T(c, "before %s", text.DateTime(ctx, d.CreatedAt))},
			{Label: web.T(c, "Calls in the last hour"), Value: text.Number(ctx, d.Calls)},
		},
		Pager: pager(c, pathOf(id), parts.Next, parts.Previous),
	}
	for _, s := range d.Shares {
		p.Shares = append(p.Shares, views.ShareRow{Organization: s.OrganizationName, App: s.AppName, Keys: text.Number(ctx, s.Keys), Used: text.Number(ctx, s.Used), Calls: text.Number(ctx, s.Calls)})
	}
	if left := d.Apps - len(d.Shares); left > 0 {
		p.More = web.T(c, "These are the apps with most keys. %d more have fewer.", left)
	}
	for _, k := range parts.Rows {
		p.Keys = append(p.Keys, views.BulkKey{
			Href: keysPath + "/" + k.KeyID.Show(keys.IDPrefix), Name: k.Name, Hint: k.Hint(), Place: k.OrganizationName + " · " + k.AppName,
			Status: outcomeOf(c, k.Result, d.FinishedAt != nil), Leaked: leakedOf(c, k.IncidentID),
		})
	}
	h.fate(c, &p, d, f, failed)
	return h.RenderStatus(c, status, views.Bulk(p))
}

// leakedOf says that a key is paused for a leak, with its incident for who may see it.
func leakedOf(c echo.Context, incident *db.ID) *views.Status {
	if incident == nil {
		return nil
	}
	s := views.Status{Tone: components.Bad, Words: web.T(c, "Paused, leaked")}
	if permission.Staff(web.Actor(c).StaffRole, permission.StaffLeaksRead) {
		s.Href = "/admin/leaks/" + incident.Show(leak.IncidentPrefix)
	}
	return &s
}

func outcomeOf(c echo.Context, r bulk.Result, over bool) views.Status {
	switch {
	case r == bulk.Done:
		return views.Status{Tone: components.OK, Words: web.T(c, "Done")}
	case r == bulk.LeftAlone:
		return views.Status{Tone: components.Off, Words: web.T(c, "Left as it was")}
	case over:
		return views.Status{Tone: components.Off, Words: web.T(c, "Not reached")}
	}
	return views.Status{Tone: components.Warn, Words: web.T(c, "Waits")}
}

// fate is what may still be done with a preview, how far the job is, or what it did.
func (h *Handler) fate(c echo.Context, p *views.BulkPage, d bulk.Detail, f startForm, failed error) {
	var wrong map[string]string
	p.Problems, wrong = problemsOf(c, failed)
	manage := permission.Staff(web.Actor(c).StaffRole, permission.StaffKeysManage)
	switch {
	case d.FinishedAt != nil:
		h.outcome(c, p, d, manage)
	case d.Running():
		h.progress(c, p, d, manage)
	case d.Stale(h.Now()):
		p.Note = &views.Note{Tone: components.Warn, More: web.T(c, "This preview is more than an hour old. Make a new one: keys and calls may be others by now.")}
	case manage:
		h.offer(c, p, d, f, wrong)
	}
}

func (h *Handler) offer(c echo.Context, p *views.BulkPage, d bulk.Detail, f startForm, wrong map[string]string) {
	p.Action, p.Button, p.Danger = pathOf(d.ID), p.Title, d.Verb != keys.Resuming
	p.Effect = web.T(c, words[d.Verb].effect)
	if d.EndsAt != nil {
		p.Effect = web.T(c, words[d.Verb].effect, text.DateTime(web.Ctx(c), *d.EndsAt))
	}
	if d.Verifiers > 0 && p.Danger {
		p.Warnings = append(p.Warnings, web.T(c, "With %d of these keys, gateways ask about other keys. When they stop, their gateways let nobody through.", d.Verifiers))
	}
	p.Fields = []components.Field{
		{Name: "reason", Label: web.T(c, "Reason"), Value: f.Reason, Error: wrong["reason"], MaxLength: keys.MaxReason, Hint: web.T(c, "The keys’ people read it.")},
		{Name: "confirm", Label: web.T(c, "Type the number of keys to confirm"), Value: f.Confirm, Error: wrong["confirm"], InputMode: "numeric", Autocomplete: "off"},
	}
}

// progress has the browser load the page anew, by a header that needs no script.
func (h *Handler) progress(c echo.Context, p *views.BulkPage, d bulk.Detail, manage bool) {
	ctx, at := web.Ctx(c), d.Done+d.LeftAlone
	p.Progress = &views.Progress{Done: strconv.Itoa(at), All: strconv.Itoa(d.Keys), Words: web.T(c, "%[1]s of %[2]s keys", text.Number(ctx, at), text.Number(ctx, d.Keys)), Href: pathOf(d.ID)}
	if manage && d.StoppedAt == nil {
		p.Stop = pathOf(d.ID) + "/stop"
	}
	if c.Request().Method == http.MethodGet {
		c.Response().Header().Set("Refresh", "3")
	}
}

func (h *Handler) outcome(c echo.Context, p *views.BulkPage, d bulk.Detail, manage bool) {
	ctx := web.Ctx(c)
	p.Title = web.T(c, words[d.Verb].done, d.Done)
	p.Frame.Title, p.Crumbs[len(p.Crumbs)-1].Label = p.Title, p.Title
	p.Note = &views.Note{Tone: components.OK, Text: d.Reason, More: web.T(c, "Carried out on %[1]s. Of %[2]s keys, %[3]s were changed, and %[4]s left as they were.",
		text.DateTime(ctx, *d.FinishedAt), text.Number(ctx, d.Keys), text.Number(ctx, d.Done), text.Number(ctx, d.LeftAlone))}
	if left := d.Keys - d.Done - d.LeftAlone; left > 0 && d.StoppedAt != nil {
		p.Note.Tone, p.Note.Title = components.Warn, web.T(c, "Stopped before it was through")
		p.Note.More = web.T(c, "Stopped on %[1]s. Of %[2]s keys, %[3]s were changed, %[4]s left as they were, and %[5]s not reached.",
			text.DateTime(ctx, *d.StoppedAt), text.Number(ctx, d.Keys), text.Number(ctx, d.Done), text.Number(ctx, d.LeftAlone), text.Number(ctx, left))
	}
	if d.Verb == keys.Pausing && d.Done > 0 && manage {
		p.Resume = pathOf(d.ID) + "/resume"
	}
}

// List lists the acts on many keys.
func (h *Handler) List(c echo.Context) error {
	ctx := web.Ctx(c)
	page, err := h.Bulks.List(ctx, web.Actor(c), web.PageOf(c))
	if err != nil {
		return err
	}
	p := views.BulkListPage{
		Frame: h.Frame(c, web.T(c, "Bulk changes")), Crumbs: crumbs(c)[:1], Pager: pager(c, path, page.Next, page.Previous),
		Empty: components.EmptyState{Title: web.T(c, "No act on many keys yet"), Text: web.T(c, "Narrow the list of keys by any filter, and act on what it finds.")},
	}
	for _, b := range page.Rows {
		i := views.BulkItem{Href: pathOf(b.ID), Title: web.T(c, words[b.Verb].title, b.Keys), Reason: b.Reason, At: components.MomentAt(ctx, h.Now(), b.CreatedAt)}
		switch {
		case b.FinishedAt != nil && b.StoppedAt != nil:
			i.Status = views.Status{Tone: components.Warn, Words: web.T(c, "Stopped")}
		case b.FinishedAt != nil:
			i.Status = views.Status{Tone: components.OK, Words: web.T(c, "Done")}
		case b.StartedAt != nil:
			i.Status = views.Status{Tone: components.Warn, Words: web.T(c, "At work")}
		default:
			i.Status = views.Status{Tone: components.Off, Words: web.T(c, "Preview")}
		}
		p.Items = append(p.Items, i)
	}
	return h.Render(c, views.BulkList(p))
}

func pager(c echo.Context, path, next, previous string) components.Pager {
	p := components.Pager{}
	if next != "" {
		p.NextHref = path + "?after=" + next
	}
	if previous != "" {
		p.PrevHref = path + "?before=" + previous
	}
	return p
}
