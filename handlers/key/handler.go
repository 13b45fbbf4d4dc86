// Package key answers the pages of keys: in the console for organizations, under /admin for staff, and the policy for their life.
package key

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Handler answers the area's routes.
type Handler struct {
	*web.Kit
	Keys *keys.Store
}

// New makes the handler.
func New(k *web.Kit, s *keys.Store) *Handler { return &Handler{Kit: k, Keys: s} }

// Routes are the area's routes.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/console/keys", web.SignedIn(), h.List)
	r.Get("/console/keys/new", web.SignedIn(), h.NewForm)
	r.Post("/console/keys/new", web.SignedIn(), h.Create)
	r.Get("/console/keys/:key", web.SignedIn(), h.Show)
	r.Post("/console/keys/:key/rename", web.SignedIn(), h.Rename)
	r.Get("/console/keys/:key/rotate", web.SignedIn(), h.RotateForm)
	r.Post("/console/keys/:key/rotate", web.SignedIn(), h.Rotate)
	r.Get("/console/keys/:key/pause", web.SignedIn(), h.PauseForm)
	r.Post("/console/keys/:key/pause", web.SignedIn(), h.Pause)
	r.Post("/console/keys/:key/resume", web.SignedIn(), h.Resume)
	r.Get("/console/keys/:key/revoke", web.SignedIn(), h.RevokeForm)
	r.Post("/console/keys/:key/revoke", web.SignedIn(), h.Revoke)
	h.staffRoutes(r)
}

func (h *Handler) staffRoutes(r *web.Registrar) {
	read, manage := web.Staff(permission.StaffKeysRead), web.Staff(permission.StaffKeysManage)
	r.Get("/admin/keys", read, inUTC(h.AdminList))
	r.Post("/admin/keys/revocations", manage, inUTC(h.PreviewRevocation))
	r.Get("/admin/keys/revocations/:revocation", read, inUTC(h.Revocation))
	r.Post("/admin/keys/revocations/:revocation", manage, inUTC(h.RevokeMany))
	r.Get("/admin/keys/:key", read, inUTC(h.AdminShow))
	r.Get("/admin/keys/:key/suspend", manage, inUTC(h.SuspendForm))
	r.Post("/admin/keys/:key/suspend", manage, inUTC(h.Suspend))
	r.Post("/admin/keys/:key/unsuspend", manage, inUTC(h.Unsuspend))
	r.Get("/admin/keys/:key/revoke", manage, inUTC(h.AdminRevokeForm))
	r.Post("/admin/keys/:key/revoke", manage, inUTC(h.AdminRevoke))
	r.Get("/admin/policy", web.Staff(permission.StaffPolicyRead), inUTC(h.Policy))
	r.Post("/admin/policy", web.Staff(permission.StaffPolicyManage), inUTC(h.SetPolicy))
}

// inUTC shows the times of staff's pages in UTC, so that people in several zones speak of the same moment.
func inUTC(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		l := text.Of(web.Ctx(c))
		l.Zone = time.UTC
		c.SetRequest(c.Request().WithContext(text.With(web.Ctx(c), l)))
		return next(c)
	}
}

// zoneName names the reader's time zone.
func zoneName(ctx context.Context) string { return text.Of(ctx).Zone.String() }
