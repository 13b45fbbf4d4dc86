// Package rotation answers the pages of a key's rotation: choosing it, following it, and ending, extending or undoing it.
package rotation

import (
	"time"

	"github.com/labstack/echo/v4"

	key "github.com/gatehouse-dev/gatehouse/handlers/key"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/rotation"
)

const day = 24 * time.Hour

// Handler answers the area's routes.
type Handler struct {
	*key.Handler
	Rotations *rotation.Store
}

// New makes the handler.
func New(h *key.Handler, s *rotation.Store) *Handler { return &Handler{h, s} }

// Routes are the area's routes.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/console/keys/:key/rotate", web.SignedIn(), h.RotateForm)
	r.Post("/console/keys/:key/rotate", web.SignedIn(), h.Rotate)
	r.Get("/console/keys/:key/rotation", web.SignedIn(), h.Show)
	r.Get("/console/keys/:key/retire", web.SignedIn(), h.RetireForm)
	r.Post("/console/keys/:key/retire", web.SignedIn(), h.Retire)
	r.Post("/console/keys/:key/extend", web.SignedIn(), h.Extend)
	r.Get("/console/keys/:key/undo", web.SignedIn(), h.UndoForm)
	r.Post("/console/keys/:key/undo", web.SignedIn(), h.Undo)
}

// old reads the key of the path, which the reader may manage and whose overlap lasts.
func (h *Handler) old(c echo.Context) (keys.Detail, error) {
	d, err := h.Managed(c)
	if err == nil && (d.Successor == nil || d.OverlapEndsAt == nil || !d.Living(h.Now())) {
		return d, fault.New(fault.Conflict, "This key has no overlap that lasts: it was not rotated, or that is over or undone.")
	}
	return d, err
}

func rotationPath(r keys.Row) string { return key.KeyPath(r) + "/rotation" }
