package key

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/key/bulk"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	many "github.com/gatehouse-dev/gatehouse/models/key/bulk"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

const adminPath = "/admin/keys"

// AdminList is staff's list of all keys.
func (h *Handler) AdminList(c echo.Context) error {
	if held, clean := holdsKey(c, adminPath); held {
		return c.Redirect(http.StatusSeeOther, clean)
	}
	return h.adminList(c, bulk.FilterOf(c).Known())
}

func (h *Handler) adminList(c echo.Context, f bulk.FilterForm) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	page, err := h.Keys.ListAll(ctx, who, f.Filter(), pageOf(c))
	if err != nil {
		return err
	}
	calls, err := h.Keys.Calls(ctx, idsOf(page.Rows))
	if err != nil {
		return err
	}
	apis, err := h.Keys.AllAPIs(ctx)
	if err != nil {
		return err
	}
	p := views.AdminListPage{
		Frame: h.Frame(c, web.T(c, "Keys")), Filter: adminFilter(c, f, apis), Pager: pager(c, adminPath, page.Next, page.Previous), Hidden: f.Hidden(),
		Many: permission.Staff(who.StaffRole, permission.StaffKeysManage) && f.Filter() != keys.Filter{} && len(page.Rows) > 0,
	}
	p.Columns = []components.Column{
		sorted(c, adminPath, web.T(c, "Key"), "name", page.Sort),
		{Label: web.T(c, "Scopes")},
		{Label: web.T(c, "Status")},
		sorted(c, adminPath, web.T(c, "Expires"), "expires", page.Sort), sorted(c, adminPath, web.T(c, "Last used"), "used", page.Sort),
		{Label: web.T(c, "Calls, 30 days"), Num: true},
	}
	p.Frame.Labels = components.Labels(p.Columns)
	known, err := h.incidents(c, pausedForLeak(page.Rows), "/admin")
	if err != nil {
		return err
	}
	for _, r := range page.Rows {
		i := h.item(c, r, "keys/"+r.ID.Show(keys.IDPrefix), calls[r.ID], known)
		i.App = r.OrganizationName + " · " + r.AppName
		p.Items = append(p.Items, i)
	}
	return h.Render(c, views.AdminList(p))
}

func adminFilter(c echo.Context, f bulk.FilterForm, apis []keys.APIChoice) components.Filter {
	state, environment, api := stateField(c), environmentField(c), apiField(c, apis)
	state.Value, environment.Value, api.Value = f.State, f.Environment, f.API
	out := components.Filter{
		Action: adminPath, Label: web.T(c, "Filter keys"),
		Search: &components.Field{Name: "q", Label: web.T(c, "Search"), Value: f.Query, Placeholder: web.T(c, "Name or hint")},
		Fields: []components.Field{
			{Name: "owner", Label: web.T(c, "Organization"), Value: f.Owner},
			{Name: "app", Label: web.T(c, "App"), Value: f.App},
			{Name: "scope", Label: web.T(c, "Scope"), Value: f.Scope, Placeholder: "orders:read", Code: true},
			api, environment, state,
			{Name: "from", Label: web.T(c, "Made from"), Type: "date", Value: f.From},
			{Name: "to", Label: web.T(c, "Made until"), Type: "date", Value: f.To},
			{Name: "used", Label: web.T(c, "Used"), Value: f.Used, Options: []components.Option{{Label: web.T(c, "Any time, or never")}, {Value: "hour", Label: web.T(c, "In the last hour")}, {Value: "never", Label: web.T(c, "Never")}}},
			{Name: "leaked", Label: web.T(c, "Reported as leaked"), Value: f.Leaked, Options: []components.Option{{Label: web.T(c, "Any")}, {Value: "open", Label: web.T(c, "Not settled yet")}}},
		},
	}
	if f != (bulk.FilterForm{}) {
		out.ClearHref = adminPath
	}
	return out
}

// any reads the key of the path, whosever it is.
func (h *Handler) any(c echo.Context) (keys.Detail, error) {
	id, err := idOf(c)
	if err != nil {
		return keys.Detail{}, err
	}
	return h.Keys.GetAny(web.Ctx(c), web.Actor(c), id)
}

// AdminShow is a key's page for staff.
func (h *Handler) AdminShow(c echo.Context) error {
	d, err := h.any(c)
	if err != nil {
		return err
	}
	p, err := h.show(c, d, "/admin")
	if err != nil {
		return err
	}
	p.Crumbs = []components.Crumb{{Label: web.T(c, "Keys"), Href: adminPath}, {Label: d.Name, Own: true}}
	p.UsageURL = "/admin/usage?span=30d&key=" + d.ID.Show(keys.IDPrefix)
	path := adminKeyPath(d.Row)
	if err := h.acts(c, &p, d.ID); err != nil {
		return err
	}
	if d.MayStaffManage && d.PausedAt != nil && d.PausedCause != keys.PausedLeak && d.Living(h.Now()) {
		p.Resume = path + "/resume"
	}
	if d.MayStaffManage && d.RevokedAt == nil {
		if d.Living(h.Now()) {
			p.Actions = append(p.Actions, components.Act{Label: web.T(c, "Suspend"), Href: path + "/suspend"})
		}
		if d.State(h.Now()).Name == keys.Suspended {
			p.Lift = path + "/unsuspend"
		}
		p.Actions = append(p.Actions, components.Act{Label: web.T(c, "Revoke"), Href: path + "/revoke", Kind: components.Danger})
	}
	return h.Render(c, views.Show(p))
}

// acts adds what was done to the key together with others.
func (h *Handler) acts(c echo.Context, p *views.ShowPage, id db.ID) error {
	if h.Bulks == nil {
		return nil
	}
	all, err := h.Bulks.OfKey(web.Ctx(c), id)
	for _, m := range all {
		p.Notes = append(p.Notes, views.Note{
			Tone: components.Off, More: web.T(c, actWords[m.Verb], m.Keys, text.DateTime(web.Ctx(c), m.At)), Href: "/admin/keys/bulk/" + m.BulkID.Show(many.Prefix), Link: web.T(c, "See the act"),
		})
	}
	return err
}

var actWords = map[keys.Verb]string{
	keys.Revoking: text.N("Revoked with others, %[1]d in all, on %[2]s."), keys.Pausing: text.N("Paused with others, %[1]d in all, on %[2]s."),
	keys.Resuming: text.N("Resumed with others, %[1]d in all, on %[2]s."), keys.Shortening: text.N("Given an earlier end with others, %[1]d in all, on %[2]s."),
}

// staffConfirm begins a page on which staff decide about a key.
func (h *Handler) staffConfirm(c echo.Context, d keys.Detail, act, title string) views.ConfirmPage {
	path := adminKeyPath(d.Row)
	return views.ConfirmPage{
		Frame: h.Frame(c, title), Title: title, Key: d.Name, Hint: d.Hint(), Action: path + "/" + act, Back: path, Danger: true, Stops: h.stops(c, d),
		Crumbs: []components.Crumb{{Label: web.T(c, "Keys"), Href: adminPath}, {Label: d.Name, Href: path, Own: true}, {Label: title}},
	}
}

type suspendForm struct {
	Reason string `form:"reason"`
	For    string `form:"for"` // hours; empty: until staff lift it
}

// suspensions are the lengths offered, in hours.
var suspensions = []string{"1", "4", "24", "168", "720"}

// SuspendForm is where staff suspend a key.
func (h *Handler) SuspendForm(c echo.Context) error {
	return h.suspendPage(c, http.StatusOK, suspendForm{For: "24"}, nil)
}

func (h *Handler) suspendPage(c echo.Context, status int, f suspendForm, failed error) error {
	d, err := h.any(c)
	if err != nil {
		return err
	}
	p := h.staffConfirm(c, d, "suspend", web.T(c, "Suspend key"))
	var wrong map[string]string
	p.Problems, wrong = problemsOf(c, failed)
	p.Button = web.T(c, "Suspend key")
	p.Stops = append(p.Stops, web.T(c, "Calls are refused until the suspension ends. The key’s people are mailed the reason."))
	length := components.Field{Name: "for", Label: web.T(c, "How long"), Value: f.For, Error: wrong["until"]}
	for _, hours := range suspensions {
		length.Options = append(length.Options, components.Option{Value: hours, Label: h.lengthWords(c, days(hours))})
	}
	length.Options = append(length.Options, components.Option{Value: "", Label: web.T(c, "Until staff lift it"), Selected: f.For == ""})
	p.Fields = []components.Field{{Name: "reason", Label: web.T(c, "Reason"), Value: f.Reason, Error: wrong["reason"], MaxLength: keys.MaxReason, Hint: web.T(c, "The key’s people read it.")}, length}
	return h.RenderStatus(c, status, views.Confirm(p))
}

// lengthWords names a length with its end, such as "For 1 hour (until 3 Dec 2026, 14:02)".
func (h *Handler) lengthWords(c echo.Context, hours int) string {
	end := text.DateTime(web.Ctx(c), h.Now().Add(time.Duration(hours)*time.Hour))
	if hours > 24 && hours%24 == 0 {
		return web.T(c, "For %[1]d days (until %[2]s)", hours/24, end)
	}
	return web.T(c, "For %[1]d hours (until %[2]s)", hours, end)
}

// Suspend suspends a key.
func (h *Handler) Suspend(c echo.Context) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	var f suspendForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	var until *time.Time
	if f.For != "" {
		end := h.Now().Add(time.Duration(days(oneOf(f.For, suspensions...))) * time.Hour) // what is none of ours is over already
		until = &end
	}
	if err := h.Keys.Suspend(web.Ctx(c), web.Actor(c), id, f.Reason, until); err != nil {
		return h.again(c, err, func(status int, failed error) error { return h.suspendPage(c, status, f, failed) })
	}
	return h.Done(c, adminPath+"/"+id.Show(keys.IDPrefix), text.N("The key is suspended. Calls with it are refused for now."))
}

// Unsuspend lifts a suspension.
func (h *Handler) Unsuspend(c echo.Context) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	if err := h.Keys.Unsuspend(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, adminPath+"/"+id.Show(keys.IDPrefix), text.N("The suspension is lifted."))
}

// AdminRevokeForm is where staff revoke a key.
func (h *Handler) AdminRevokeForm(c echo.Context) error {
	return h.adminRevokePage(c, http.StatusOK, revokeForm{}, nil)
}

func (h *Handler) adminRevokePage(c echo.Context, status int, f revokeForm, failed error) error {
	d, err := h.any(c)
	if err != nil {
		return err
	}
	p := h.staffConfirm(c, d, "revoke", web.T(c, "Revoke key"))
	h.revokeFields(c, &p, d, f, failed, web.T(c, "Reason"), false)
	return h.RenderStatus(c, status, views.Confirm(p))
}

// AdminRevoke revokes a key for staff.
func (h *Handler) AdminRevoke(c echo.Context) error {
	var f revokeForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	d, err := h.any(c)
	if err != nil {
		return err
	}
	if f.Confirm != d.Name && d.RevokedAt == nil {
		return h.adminRevokePage(c, http.StatusUnprocessableEntity, f, notTyped(d.Row))
	}
	if err := h.Keys.RevokeByStaff(web.Ctx(c), web.Actor(c), d.ID, f.Reason); err != nil {
		return h.again(c, err, func(status int, failed error) error { return h.adminRevokePage(c, status, f, failed) })
	}
	return h.Done(c, adminKeyPath(d.Row), text.N("The key is revoked. Calls with it are refused from now on."))
}
