// Package key answers the pages of keys: in the console for organizations, under /admin for staff.
package key

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/bulk"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Handler answers the area's routes.
type Handler struct {
	*web.Kit
	Keys  *keys.Store
	Links *handover.Store
	Leaks *leak.Store // nil: nothing is said of leaks
	Bulks *bulk.Store // nil: pages of keys tell of no acts on many
}

// New makes the handler.
func New(k *web.Kit, s *keys.Store, l *handover.Store) *Handler {
	return &Handler{Kit: k, Keys: s, Links: l}
}

// Routes are the area's routes.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/console/keys", web.SignedIn(), h.List)
	r.Get("/console/keys/new", web.SignedIn(), h.NewForm)
	r.Post("/console/keys/new", web.SignedIn(), h.Create)
	r.Get("/console/keys/:key", web.SignedIn(), h.Show)
	r.Post("/console/keys/:key/rename", web.SignedIn(), h.Rename)
	r.Get("/console/keys/:key/limits", web.SignedIn(), h.BoundsForm)
	r.Post("/console/keys/:key/limits", web.SignedIn(), h.SetBounds)
	r.Post("/console/keys/:key/scopes/take", web.SignedIn(), h.TakeScope)
	r.Post("/console/keys/:key/scopes/give", web.SignedIn().Fresh(), h.GiveScopeBack)
	r.Get("/console/keys/:key/pause", web.SignedIn(), h.PauseForm)
	r.Post("/console/keys/:key/pause", web.SignedIn(), h.Pause)
	r.Post("/console/keys/:key/resume", web.SignedIn(), h.Resume)
	r.Get("/console/keys/:key/revoke", web.SignedIn(), h.RevokeForm)
	r.Post("/console/keys/:key/revoke", web.SignedIn(), h.Revoke)
	h.staffRoutes(r)
}

func (h *Handler) staffRoutes(r *web.Registrar) {
	read, manage := web.Staff(permission.StaffKeysRead), web.Staff(permission.StaffKeysManage)
	r.Get("/admin/keys", read, h.AdminList)
	r.Get("/admin/keys/:key", read, h.AdminShow)
	r.Get("/admin/keys/:key/suspend", manage, h.SuspendForm)
	r.Post("/admin/keys/:key/suspend", manage, h.Suspend)
	r.Post("/admin/keys/:key/unsuspend", manage, h.Unsuspend)
	r.Get("/admin/keys/:key/revoke", manage, h.AdminRevokeForm)
	r.Post("/admin/keys/:key/revoke", manage, h.AdminRevoke)
}

// zoneName names the reader's time zone.
func zoneName(ctx context.Context) string { return text.Of(ctx).Zone.String() }
