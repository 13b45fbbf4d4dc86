// Package calendar answers the page on which a member makes the address of a calendar of expiries, and the calendar itself.
package calendar

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/notice"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// Handler answers the area's routes.
type Handler struct {
	*web.Kit
	Notices *notice.Store
	Orgs    *org.Store
}

// Routes are the area's routes.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/console/organizations/:id/calendar", web.SignedIn(), h.Page)
	r.Post("/console/organizations/:id/calendar", web.SignedIn(), h.Make)
	r.Post("/console/organizations/:id/calendar/remove", web.SignedIn(), h.Remove)
	r.Get(feedPath+":calendar", web.Public(), h.Feed)
}

// feedPath is where calendars are; the address goes on with a token and suffix.
const (
	feedPath = "/calendar/"
	suffix   = ".ics"
)

func path(id db.ID) string { return "/console/organizations/" + id.Show(org.Prefix) + "/calendar" }

// Page says what the calendar is, and whether the reader has an address.
func (h *Handler) Page(c echo.Context) error { return h.page(c, http.StatusOK, "") }

// page shows the address once, in the answer to the form that made it (no-store, as every page).
func (h *Handler) page(c echo.Context, status int, token string) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	o, err := h.Orgs.Get(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	cal, err := h.Notices.Calendar(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return err
	}
	title := web.T(c, "Expiry calendar")
	d := views.Desk{
		Frame: h.Frame(c, title), Title: title, Lead: web.T(c, "An address that your calendar program reads by itself. It shows when the keys of this organization end."),
		Crumbs: []components.Crumb{{Label: web.T(c, "Organizations"), Href: "/console/organizations"}, {Label: o.Name, Href: "/console/organizations/" + id.Show(org.Prefix), Own: true}, {Label: title}},
	}
	if token != "" {
		d.Parts = append(d.Parts, views.Part{
			Note:   &views.Note{Tone: components.OK, Title: web.T(c, "Copy the address now"), Text: web.T(c, "Only a digest of it is kept, so it can’t be shown again. Add it to your calendar program as a subscription.")},
			Secret: &views.Secret{Label: web.T(c, "Address"), Value: h.Link(feedPath + token + suffix)},
		})
	}
	d.Parts = append(d.Parts, views.Part{Text: web.T(c, "Whoever has the address sees names, hints and ends of the keys, never a key. It is yours alone, and stops when you leave the organization.")})
	d.Parts = append(d.Parts, h.forms(c, id, cal)...)
	return h.RenderStatus(c, status, views.Page(d))
}

// forms make and remove the address.
func (h *Handler) forms(c echo.Context, id db.ID, cal notice.Calendar) []views.Part {
	generation := []components.Hidden{{Name: "generation", Value: strconv.Itoa(cal.Generation)}}
	if cal.Generation == 0 {
		return []views.Part{{Form: &views.Form{Spec: components.FormSpec{Action: path(id), Hidden: generation}, Submit: web.T(c, "Make calendar address"), Kind: components.Primary}}}
	}
	read := web.T(c, "Never")
	if cal.LastReadAt != nil {
		read = text.DateTime(web.Ctx(c), *cal.LastReadAt)
	}
	return []views.Part{
		{Title: web.T(c, "Your address"), ID: "address", Facts: []views.Fact{{Term: web.T(c, "Made"), Value: text.DateTime(web.Ctx(c), cal.CreatedAt)}, {Term: web.T(c, "Last read"), Value: read}}},
		{Form: &views.Form{
			Spec: components.FormSpec{Action: path(id), Hidden: generation}, Submit: web.T(c, "Make a new address"), Kind: components.Plain,
			Text: web.T(c, "If you lost the address, or others saw it, make a new one. The old one stops at once."),
		}},
		{Form: &views.Form{Spec: components.FormSpec{Action: path(id) + "/remove"}, Submit: web.T(c, "Remove address"), Kind: components.Danger}},
	}
}

// Make makes an address and shows it once.
func (h *Handler) Make(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	var f struct {
		Generation string `form:"generation"`
	}
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	generation, err := strconv.Atoi(f.Generation)
	if err != nil || generation < 0 {
		if _, err := h.Notices.Calendar(web.Ctx(c), web.Actor(c), id); err != nil {
			return err
		}
		return fault.New(fault.Invalid, "This form is not complete. Open it again.")
	}
	token, err := h.Notices.MakeCalendar(web.Ctx(c), web.Actor(c), id, generation)
	if f := fault.As(err); f != nil && f.Kind == fault.Conflict {
		return h.Warn(c, path(id), f.Key)
	}
	if err != nil {
		return err
	}
	return h.page(c, http.StatusOK, token)
}

// Remove ends the address.
func (h *Handler) Remove(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	if err := h.Notices.RemoveCalendar(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, path(id), text.N("The address is removed. Programs that read it find nothing now."))
}
