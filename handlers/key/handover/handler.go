// Package handover answers the pages on which keys change hands: links that show a key once, who answers for a key, members who go, and apps that move.
package handover

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/key"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	store "github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/org"
	desks "github.com/gatehouse-dev/gatehouse/views/org"
)

// Handler answers the routes.
type Handler struct {
	*web.Kit
	Store *store.Store
	Keys  *key.Handler
	Orgs  *org.Store
}

// Routes are the package's routes.
func (h *Handler) Routes(r *web.Registrar) {
	in := web.SignedIn()
	r.Get("/handover/:code", web.Public(), h.Offer)
	r.PostSmall("/handover/:code", web.Public(), h.Open)
	r.Programs("POST", "/handover/:code/secret", h.Secret)
	r.Post("/console/keys/:key/links/:link/cancel", in, h.Cancel)

	r.Get("/console/keys/:key/owner", in, h.OwnerForm)
	r.Post("/console/keys/:key/owner", in, h.SetOwner)

	r.Get("/console/organizations/:id/members/:user/remove", in, h.RemoveForm)
	r.Post("/console/organizations/:id/members/:user/remove", in, h.Remove)
	r.Get("/console/organizations/:id/leave", in, h.LeaveForm)
	r.Post("/console/organizations/:id/leave", in, h.Leave)

	r.Get("/console/apps/:id/move", in, h.MoveForm)
	r.Post("/console/apps/:id/move", in.Fresh(), h.Move)
}

// shown draws a desk, or returns the error when it is none that stands on the page.
func (h *Handler) shown(c echo.Context, d desks.Desk, err error) error {
	if err != nil {
		return err
	}
	return h.Render(c, desks.Page(d))
}

// refused shows what stands in the way on the page itself, where a Conflict or Invalid fault says so.
func (h *Handler) refused(c echo.Context, err error, page func() (desks.Desk, error)) error {
	if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Invalid) {
		return err
	}
	d, pageErr := page()
	if pageErr != nil {
		return pageErr
	}
	d.Problems, _ = key.ProblemsOf(c, err)
	return h.RenderStatus(c, web.Status(err), desks.Page(d))
}
