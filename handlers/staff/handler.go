// Package staff has the pages that only the company's people see.
package staff

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staff"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/staff"
)

// Handler answers set-up and the staff pages that belong to no other area.
type Handler struct {
	*web.Kit
	Staff *staff.Store
	Usage *usage.Store
	Users *account.Store
	Keys  *key.Store
	Desk  *support.Store
	APIs  *catalog.Store

	Signer  *audit.Signer // of checkpoints of the audit log
	Outside bool          // checkpoints are written down outside
	Stream  *audit.Stream // nil: no collector is given the log

	verdict verdict
}

// Routes are the area's routes.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/setup", web.Public(), h.Setup)
	r.PostSmall("/setup", web.Public(), h.SetUp)
	r.Get("/admin", web.Staff(permission.StaffUsersRead), h.Overview)
	r.Get("/admin/audit", web.Staff(permission.StaffAuditRead), h.Audit)
	r.Get("/admin/audit.csv", web.Staff(permission.StaffAuditRead), h.AuditCSV)
	r.Get("/admin/audit.jsonl", web.Staff(permission.StaffAuditRead), h.AuditLines)
	r.Get("/admin/permissions", web.Staff(permission.StaffUsersRead), h.Permissions)
	r.Get("/admin/portal", web.Staff(permission.StaffPolicyRead), h.Portal)
	r.Post("/admin/portal", web.Staff(permission.StaffPolicyManage), h.SetPortal)
}

// Permissions shows the permission table as it is in code (Z6).
func (h *Handler) Permissions(c echo.Context) error {
	page := views.PermissionsPage{Frame: h.Frame(c, web.T(c, "Permissions"))}
	orgs := views.PermissionGroup{Title: web.T(c, "In an organization"), Roles: []string{permission.Viewer, permission.Developer, permission.Admin, permission.Owner}}
	company := views.PermissionGroup{Title: web.T(c, "Staff"), Roles: []string{permission.Support, permission.Auditor, permission.StaffAdmin}}
	for _, row := range permission.Table {
		if len(row.Org) > 0 {
			orgs.Rows = append(orgs.Rows, permissionRow(c, row, orgs.Roles, permission.Org))
		} else {
			company.Rows = append(company.Rows, permissionRow(c, row, company.Roles, permission.Staff))
		}
	}
	page.Groups = []views.PermissionGroup{orgs, company}
	for i := range page.Groups {
		for j, role := range page.Groups[i].Roles {
			page.Groups[i].Roles[j] = RoleName(c, role)
		}
	}
	return h.Render(c, views.Permissions(page))
}

func permissionRow(c echo.Context, row permission.Row, roles []string, has func(string, permission.Name) bool) views.PermissionRow {
	out := views.PermissionRow{Sentence: web.T(c, row.Sentence), Name: string(row.Name)}
	for _, role := range roles {
		out.Has = append(out.Has, has(role, row.Name))
	}
	return out
}

var roleNames = map[string]string{
	permission.Viewer: text.N("Viewer"), permission.Developer: text.N("Developer"), permission.Admin: text.N("Admin"), permission.Owner: text.N("Owner"),
	permission.Support: text.N("Support"), permission.Auditor: text.N("Auditor"),
}

// RoleName is a role as pages show it.
func RoleName(c echo.Context, role string) string { return web.T(c, roleNames[role]) }

func field(c echo.Context, f components.Field, byField map[string]string) components.Field {
	f.Label, f.Hint, f.Error = web.T(c, f.Label), translated(c, f.Hint), byField[f.Name]
	return f
}

func translated(c echo.Context, key string) string {
	if key == "" {
		return ""
	}
	return web.T(c, key)
}
