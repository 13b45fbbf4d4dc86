// Package review has the pages on which roles are looked at again: those of the staff, and those of the members of an organization.
package review

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staff/review"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

// Handler answers the area's routes.
type Handler struct {
	*web.Kit
	Reviews *review.Store
	Orgs    *org.Store
}

// Routes are the area's routes.
func (h *Handler) Routes(r *web.Registrar) {
	for root, in := range map[string]web.Access{"/admin": web.Staff(permission.StaffRolesManage), organizations + "/:id": web.SignedIn()} {
		r.Get(root+"/review", in, h.List)
		r.Get(root+"/review/decide", in.Fresh(), h.Ask)
		r.Post(root+"/review/decide", in.Fresh(), h.Decide)
		r.Post(root+"/review/finish", in.Fresh(), h.Finish)
		r.Get(root+"/reviews/:review", in, h.Record)
		r.Get(root+"/reviews/:review/csv", in, h.CSV)
	}
}

const (
	organizations = "/console/organizations"
	userPrefix    = "user"
)

// place is whose roles the pages are about.
type place struct {
	scope    review.Scope
	root     string // of their addresses
	crumbs   []components.Crumb
	composed []staffrole.Role // of the staff
}

func (p place) list() string { return p.root + "/review" }

// within is the place with its list among the crumbs.
func (p place) within(c echo.Context) []components.Crumb {
	return append(p.crumbs, components.Crumb{Label: web.T(c, "Review of roles"), Href: p.list()})
}

// place finds whose roles the address is about. Faults: NotFound.
func (h *Handler) place(c echo.Context) (place, error) {
	if c.Param("id") == "" {
		composed, err := staffrole.All(h.DB.Read(web.Ctx(c)))
		return place{root: "/admin", composed: composed}, err
	}
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return place{}, err
	}
	o, err := h.Orgs.Get(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return place{}, err
	}
	if o.Kind == org.Personal { // it has one member, who decides about nobody
		return place{}, fault.Missing()
	}
	root := organizations + "/" + id.Show(org.Prefix)
	return place{scope: review.Scope{Organization: id}, root: root, crumbs: []components.Crumb{{Label: web.T(c, "Organizations"), Href: organizations}, {Label: o.Name, Href: root, Own: true}}}, nil
}

// roleName is a role as pages show it; own reports whether somebody called it so.
func (p place) roleName(c echo.Context, role string) (name string, own bool) {
	for _, r := range p.composed {
		if r.ID.String() == permission.Base(role) {
			return r.Name, true
		}
	}
	if name = web.RoleName(c, permission.Base(role)); name == "" {
		name = web.T(c, "A role that is gone")
	}
	return name, false
}

// choice is what can be decided, as the form carries it: keep, remove, or demote: and a role.
type choice struct{ value, label, hint string }

const demoteTo = review.Demote + ":"

var madeWords = map[string]string{permission.Viewer: text.N("Lower them to viewer"), permission.Developer: text.N("Lower them to developer"), permission.Admin: text.N("Lower them to admin")}

// choices are what the reader can choose.
func (p place) choices(c echo.Context) []choice {
	out := []choice{{review.Keep, web.T(c, "Keep the role"), web.T(c, "Nobody is asked again about them for 90 days.")}}
	if !p.scope.OfStaff() {
		for _, r := range []string{permission.Admin, permission.Developer, permission.Viewer} {
			out = append(out, choice{demoteTo + r, web.T(c, madeWords[r]), ""})
		}
		return append(out, choice{review.Remove, web.T(c, "Remove them from the organization"), web.T(c, "They lose all of it at once. Their keys go on; its admins say who is responsible for them.")})
	}
	own := web.Actor(c).StaffRole
	for _, r := range []string{permission.Support, permission.Auditor} {
		if len(permission.Beyond(own, permission.Of(r))) == 0 {
			out = append(out, choice{demoteTo + r, web.T(c, "Give them the role %s instead", web.RoleName(c, r)), ""})
		}
	}
	for _, r := range p.composed {
		if len(permission.Beyond(own, r.Has())) == 0 {
			out = append(out, choice{demoteTo + r.ID.String(), web.T(c, "Give them the role %s instead", r.Name), ""})
		}
	}
	return append(out, choice{review.Remove, web.T(c, "Take the staff role"), web.T(c, "They are signed out at once, and are people outside of the company from then on.")})
}
