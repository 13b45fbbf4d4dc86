package handover

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/db"
	store "github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/views/components"
	desks "github.com/gatehouse-dev/gatehouse/views/org"
)

const organizationsPath = "/console/organizations"

func organizationPath(id db.ID) string { return organizationsPath + "/" + id.Show(org.Prefix) }

// ids are the organization and the member of the path.
func ids(c echo.Context) (organization, user db.ID, err error) {
	if organization, err = web.PathID(c, "id", org.Prefix); err == nil {
		user, err = web.PathID(c, "user", store.UserPrefix)
	}
	return organization, user, err
}

// RemoveForm says what a member leaves behind, before they are removed.
func (h *Handler) RemoveForm(c echo.Context) error {
	organization, user, err := ids(c)
	if err != nil {
		return err
	}
	d, err := h.Store.Departure(web.Ctx(c), web.Actor(c), organization, user)
	if err != nil {
		return err
	}
	return h.shown(c, h.departureDesk(c, d), nil)
}

// Remove takes a member out of the organization.
func (h *Handler) Remove(c echo.Context) error {
	organization, user, err := ids(c)
	if err != nil {
		return err
	}
	if err := h.Store.Remove(web.Ctx(c), web.Actor(c), organization, user); err != nil {
		return err
	}
	if user == web.Actor(c).UserID {
		return h.Done(c, organizationsPath, "You have left the organization.")
	}
	return h.Done(c, organizationPath(organization), "The member is removed. What they lost holds from their next request on.")
}

// LeaveForm says what the reader leaves behind.
func (h *Handler) LeaveForm(c echo.Context) error {
	organization, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	d, err := h.Store.Departure(web.Ctx(c), web.Actor(c), organization, web.Actor(c).UserID)
	if err != nil {
		return err
	}
	return h.shown(c, h.departureDesk(c, d), nil)
}

// Leave takes the reader out of the organization.
func (h *Handler) Leave(c echo.Context) error {
	organization, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	if err := h.Store.Leave(web.Ctx(c), web.Actor(c), organization); err != nil {
		return err
	}
	return h.Done(c, organizationsPath, "You have left the organization.")
}

func (h *Handler) departureDesk(c echo.Context, d store.Departure) desks.Desk {
	title, button := web.T(c, "Remove from organization"), web.T(c, "Remove from organization")
	action, loses := organizationPath(d.OrganizationID)+"/members/"+d.UserID.Show(store.UserPrefix)+"/remove", web.T(c, "They lose all of this organization on their next request: its apps, keys and usage.")
	if d.Self {
		title, button = web.T(c, "Leave organization"), web.T(c, "Leave organization")
		action, loses = organizationPath(d.OrganizationID)+"/leave", web.T(c, "You lose all of this organization on your next request: its apps, keys and usage.")
	}
	out := desks.Desk{
		Frame: h.Frame(c, title), Title: title,
		Crumbs: []components.Crumb{{Label: web.T(c, "Organizations"), Href: organizationsPath}, {Label: d.OrganizationName, Href: organizationPath(d.OrganizationID), Own: true}},
		Parts: []desks.Part{{Facts: []desks.Fact{
			{Term: web.T(c, "Organization"), Value: d.OrganizationName, Data: true}, {Term: web.T(c, "Member"), Value: d.Name, Data: true},
		}}},
	}
	note := desks.Note{Tone: components.Info, Title: web.T(c, "No key that works hangs on this member.")}
	if d.Self {
		note.Title = web.T(c, "No key that works hangs on you.")
	}
	if n := len(d.Keys); n > 0 {
		note = desks.Note{Tone: components.Warn, Title: web.T(c, "%d keys go on without an owner", n), Text: web.T(c, "They belong to their apps and keep working. The organization’s admins are mailed, and say for each who is responsible now, or rotate it.")}
		out.Parts = append(out.Parts, desks.Part{Title: keysTitle(c, d), ID: "keys", Table: keysTable(c, d)})
	}
	out.Parts = append(out.Parts, desks.Part{Danger: true, Title: title, Text: loses, Note: &note, Form: &desks.Form{
		Spec: components.FormSpec{Action: action}, Submit: button, Kind: components.Danger, Cancel: organizationPath(d.OrganizationID),
	}})
	return out
}

func keysTitle(c echo.Context, d store.Departure) string {
	if d.Self {
		return web.T(c, "Keys that you answer for")
	}
	return web.T(c, "Keys that this member answers for")
}

func keysTable(c echo.Context, d store.Departure) *desks.Table {
	title := keysTitle(c, d)
	t := desks.Table{Spec: components.TableSpec{Caption: title, Columns: []components.Column{{Label: web.T(c, "Key")}, {Label: web.T(c, "Hint")}, {Label: web.T(c, "App")}}}}
	for _, k := range d.Keys {
		t.Rows = append(t.Rows, []desks.Cell{{Text: k.Name, Data: true, Href: "/console/keys/" + k.ID.Show("key")}, {Text: k.Hint(), Data: true, Code: true}, {Text: k.AppName, Data: true}})
	}
	return &t
}
