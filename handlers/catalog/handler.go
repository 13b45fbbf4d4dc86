// Package catalog serves the catalogue: its public pages, requests for access, and the pages by which staff publishes APIs and decides.
package catalog

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Handler serves the area.
type Handler struct {
	*web.Kit
	Store *catalog.Store
	Orgs  *org.Store
	Keys  *key.Store

	// Edge is the address of the edge listener as gateways reach it; "": there is none beside the portal.
	Edge string

	// Forum tells what was asked and solved about an API; nil: there is no forum.
	Forum *forum.Store
}

// New makes the handler.
func New(k *web.Kit, s *catalog.Store, orgs *org.Store, keys *key.Store) *Handler {
	return &Handler{Kit: k, Store: s, Orgs: orgs, Keys: keys}
}

// Routes lists the routes of the area.
func (h *Handler) Routes(r *web.Registrar) {
	in := web.SignedIn()
	r.Get("/apis", web.Public(), h.Catalogue)
	r.Get("/apis/:slug", web.Public(), h.API)
	r.Get("/apis/:slug/request", in, h.NewRequest)
	r.Post("/apis/:slug/request", in, h.Request)
	r.Get("/console/access", in, h.Access)
	r.Get("/console/access/:id", in, h.OneAccess)
	r.Post("/console/access/:id/withdraw", in, h.Withdraw)
	r.Post("/console/access/:id/plan", in, h.ChooseOwnPlan)

	read, decide := web.Staff(permission.StaffRequestsRead), web.Staff(permission.StaffRequestsDecide)
	r.Get("/admin/requests", read, h.Requests)
	r.Get("/admin/requests/:id", read, h.OneRequest)
	r.Post("/admin/requests/:id/approve", decide, h.Approve)
	r.Post("/admin/requests/:id/refuse", decide, h.Refuse)
	r.Post("/admin/requests/:id/plan", decide, h.ChoosePlan)
	r.Get("/admin/requests/:id/suspend", decide, h.ConfirmSuspend)
	r.Post("/admin/requests/:id/suspend", decide, h.Suspend)
	r.Post("/admin/requests/:id/unsuspend", decide, h.Unsuspend)
	r.Get("/admin/requests/:id/end", decide, h.ConfirmEnd)
	r.Post("/admin/requests/:id/end", decide, h.End)
	h.adminRoutes(r)
}

func (h *Handler) adminRoutes(r *web.Registrar) {
	read, manage := web.Staff(permission.StaffAPIsRead), web.Staff(permission.StaffAPIsManage)
	r.Get("/admin/apis", read, h.AdminAPIs)
	r.Get("/admin/apis/new", manage, h.NewAPI)
	r.Post("/admin/apis/new", manage, h.CreateAPI)
	r.Get("/admin/apis/:id", read, h.AdminAPI)
	r.Post("/admin/apis/:id", manage, h.ChangeAPI)
	r.Get("/admin/apis/:id/versions", read, h.Versions)
	r.Post("/admin/apis/:id/versions", manage, h.AddVersion)
	r.Get("/admin/apis/:id/versions/:part", manage, h.EditVersion)
	r.Post("/admin/apis/:id/versions/:part", manage, h.ChangeVersion)
	r.Get("/admin/apis/:id/environments", read, h.Environments)
	r.Post("/admin/apis/:id/environments", manage, h.SetEnvironment)
	r.Get("/admin/apis/:id/scopes", read, h.Scopes)
	r.Post("/admin/apis/:id/scopes", manage, h.AddScope)
	r.Get("/admin/apis/:id/scopes/:part", manage, h.EditScope)
	r.Post("/admin/apis/:id/scopes/:part", manage, h.ChangeScope)
	r.Get("/admin/apis/:id/scopes/:part/withdraw", manage, h.ConfirmWithdrawScope)
	r.Post("/admin/apis/:id/scopes/:part/withdraw", manage, h.WithdrawScope)
	r.Get("/admin/apis/:id/presets", read, h.Presets)
	r.Post("/admin/apis/:id/presets", manage, h.AddPreset)
	r.Get("/admin/apis/:id/presets/:part", manage, h.EditPreset)
	r.Post("/admin/apis/:id/presets/:part", manage, h.ChangePreset)
	r.Post("/admin/apis/:id/presets/:part/up", manage, h.MovePreset)
	r.Get("/admin/apis/:id/presets/:part/delete", manage, h.ConfirmDeletePreset)
	r.Post("/admin/apis/:id/presets/:part/delete", manage, h.DeletePreset)
	r.Get("/admin/apis/:id/routes", read, h.Rules)
	r.Post("/admin/apis/:id/routes", manage, h.AddRules)
	r.Post("/admin/apis/:id/routes/:part/remove", manage, h.RemoveRule)
	r.Get("/admin/apis/:id/plans", read, h.Plans)
	r.Post("/admin/apis/:id/plans", manage, h.AddPlan)
	r.Get("/admin/apis/:id/plans/:part", manage, h.EditPlan)
	r.Post("/admin/apis/:id/plans/:part", manage, h.ChangePlan)
	r.Get("/admin/apis/:id/plans/:part/retire", manage, h.ConfirmRetirePlan)
	r.Post("/admin/apis/:id/plans/:part/retire", manage, h.RetirePlan)
	r.Get("/admin/apis/:id/terms", read, h.Terms)
	r.Post("/admin/apis/:id/terms", manage, h.SetTerms)
	r.Get("/admin/apis/:id/retire", manage, h.ConfirmRetireAPI)
	r.Post("/admin/apis/:id/retire", manage.Fresh(), h.RetireAPI)
	r.Get("/admin/apis/:id/connect", read, h.Connect)
	r.Post("/admin/apis/:id/connect", manage, h.MakeGatewayKey) // asks for the password itself, as report-only does: the form comes back filled in
	r.Get("/admin/apis/:id/report-only", read, h.ReportOnly)
	r.Post("/admin/apis/:id/report-only", manage, h.SetReportOnly)
	r.Post("/admin/apis/:id/report-only/end", manage, h.EndReportOnly)
}

// act runs one act whose only input is the path's id, and leads to where says it did.
func (h *Handler) act(c echo.Context, do func(ctx context.Context, id db.ID) error, where func(id db.ID) string, said string) error {
	id, err := web.PathID(c, "id", catalog.AccessPrefix)
	if err != nil {
		return err
	}
	if err := do(web.Ctx(c), id); err != nil {
		return err
	}
	return h.Done(c, where(id), said)
}

// ids reads the ids of a form's values; one that is none is the zero ID, which nothing has.
func ids(prefix string, values []string) []db.ID {
	out := make([]db.ID, 0, len(values))
	for _, v := range values {
		id, _ := db.ParseID(prefix, v) // its zero result is refused by the store as no such thing
		out = append(out, id)
	}
	return out
}

func oneID(prefix, value string) db.ID { return ids(prefix, []string{value})[0] }

var noTranslate = map[string]any{"translate": "no"}
