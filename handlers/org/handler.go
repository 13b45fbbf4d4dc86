// Package org serves the pages of organizations and apps: the console's, for their members, and staff's.
package org

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/org/share"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/usage/quota"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// Handler serves the area.
type Handler struct {
	*web.Kit
	Store   *org.Store
	Catalog *catalog.Store
	Quotas  *quota.Store

	Invitations *invitation.Store
	DomainStore *domain.Store  // nil: no page tells of domains
	Shares      *share.Handler // nil: no page tells of shares
	// Directory is the part of an organization's page that leads to its directory; nil where there is none.
	Directory func(c echo.Context, o org.Mine) (*views.Part, error)
}

// New makes the handler.
func New(k *web.Kit, s *org.Store, c *catalog.Store, q *quota.Store, i *invitation.Store) *Handler {
	return &Handler{Kit: k, Store: s, Catalog: c, Quotas: q, Invitations: i}
}

// Routes lists the routes of the area.
func (h *Handler) Routes(r *web.Registrar) {
	in := web.SignedIn()
	r.Get("/console/organizations", in, h.Organizations)
	r.Get("/console/organizations/new", in, h.NewOrganization)
	r.Post("/console/organizations/new", in, h.CreateOrganization)
	r.Get("/console/organizations/:id", in, h.Organization)
	r.Post("/console/organizations/:id", in, h.ChangeOrganization)
	r.Get("/console/organizations/:id/delete", in, h.ConfirmDeleteOrganization)
	r.Post("/console/organizations/:id/delete", in, h.DeleteOrganization)
	r.Post("/console/organizations/:id/restore", in, h.RestoreOrganization)

	r.Get("/console/organizations/:id/members/:user/role", in, h.RoleForm)
	r.Post("/console/organizations/:id/members/:user/role", in, h.SetRole)
	r.Get("/console/organizations/:id/transfer", in, h.TransferForm)
	r.Post("/console/organizations/:id/transfer", in, h.Transfer)

	r.Get("/console/organizations/:id/invite", in, h.InviteForm)
	r.Post("/console/organizations/:id/invite", in, h.Invite)
	r.Post("/console/organizations/:id/invitations/:invitation/resend", in, h.Reinvite)
	r.Post("/console/organizations/:id/invitations/:invitation/revoke", in, h.Uninvite)
	r.Get("/invitation", web.Public(), h.InvitationLink)
	r.Get("/console/invitations/:id", in, h.Invitation)
	r.Post("/console/invitations/:id/accept", in, h.AcceptInvitation)
	r.Post("/console/invitations/:id/decline", in, h.DeclineInvitation)

	r.Get("/console/organizations/:id/domains", in, h.Domains)
	r.Post("/console/organizations/:id/domains", in, h.ClaimDomain)
	r.Get("/console/organizations/:id/domains/:domain", in, h.Domain)
	r.Post("/console/organizations/:id/domains/:domain/check", in, h.CheckDomain)
	r.Post("/console/organizations/:id/domains/:domain/join", in, h.SetDomainJoin)
	r.Get("/console/organizations/:id/domains/:domain/sign-in", in, h.DomainSignIn)
	r.Post("/console/organizations/:id/domains/:domain/sign-in", in.Fresh(), h.SetDomainSignIn)
	r.Get("/console/organizations/:id/domains/:domain/remove", in, h.ConfirmRemoveDomain)
	r.Post("/console/organizations/:id/domains/:domain/remove", in.Fresh(), h.RemoveDomain)
	r.Post("/console/organizations/:id/join", in, h.JoinOrganization)
	h.factorRoutes(r)

	r.Get("/console/apps", in, h.Apps)
	r.Get("/console/apps/new", in, h.NewApp)
	r.Post("/console/apps/new", in, h.CreateApp)
	r.Get("/console/apps/:id", in, h.App)
	r.Get("/console/apps/:id/edit", in, h.EditApp)
	r.Post("/console/apps/:id/edit", in, h.ChangeApp)
	r.Get("/console/apps/:id/members", in, h.AppMembers)
	r.Post("/console/apps/:id/members", in, h.LimitApp)
	r.Get("/console/apps/:id/delete", in, h.ConfirmDeleteApp)
	r.Post("/console/apps/:id/delete", in, h.DeleteApp)

	read, manage := web.Staff(permission.StaffOrgsRead), web.Staff(permission.StaffOrgsManage)
	r.Get("/admin/organizations", read, h.AdminOrganizations)
	r.Get("/admin/organizations/:id", read, h.AdminOrganization)
	r.Get("/admin/organizations/:id/suspend", manage, h.ConfirmSuspendOrganization)
	r.Post("/admin/organizations/:id/suspend", manage, h.SuspendOrganization)
	r.Post("/admin/organizations/:id/unsuspend", manage, h.UnsuspendOrganization)
	r.Get("/admin/apps", read, h.AdminApps)
	r.Get("/admin/apps/:id", read, h.AdminApp)
	r.Get("/admin/apps/:id/suspend", manage, h.ConfirmSuspendApp)
	r.Post("/admin/apps/:id/suspend", manage, h.SuspendApp)
	r.Post("/admin/apps/:id/unsuspend", manage, h.UnsuspendApp)
}

var roleWords = map[string]string{
	permission.Viewer: text.N("Viewer"), permission.Developer: text.N("Developer"), permission.Admin: text.N("Admin"), permission.Owner: text.N("Owner"),
}

var kindWords = map[string]string{org.Personal: text.N("Personal"), org.Ordinary: text.N("Organization"), org.Company: text.N("Company")}

// standing is whether an organization or app works; nil time means never suspended.
func standing(c echo.Context, now time.Time, at, until *time.Time) *views.Status {
	if at == nil || (until != nil && !now.Before(*until)) {
		return &views.Status{Tone: components.OK, Words: web.T(c, "Active")}
	}
	if until != nil {
		return &views.Status{Tone: components.Bad, Words: web.T(c, "Suspended until %s", text.DateTime(web.Ctx(c), *until))}
	}
	return &views.Status{Tone: components.Bad, Words: web.T(c, "Suspended")}
}

// suspensionNote tells members why something is suspended; nil when it is not.
func suspensionNote(c echo.Context, suspended bool, reason string) *views.Note {
	if !suspended {
		return nil
	}
	return &views.Note{Tone: components.Bad, Title: web.T(c, "Suspended: its keys do not work."), Text: reason, Data: true}
}

// stopsNote says what an act stops, for the moment of decision.
func stopsNote(c echo.Context, s org.Stops) *views.Note {
	ctx := web.Ctx(c)
	n := &views.Note{Tone: components.Warn, Title: web.T(c, "%d keys stop working at once.", int(s.Keys))}
	n.Text = web.T(c, "%[1]s of them were used in the last 24 hours, for %[2]s calls.", text.Number(ctx, s.KeysUsed), text.Number(ctx, s.Calls))
	if s.Keys == 0 {
		n.Tone, n.Title, n.Text = components.Info, web.T(c, "No key that works now hangs on this."), ""
	}
	return n
}

// confirmName is the input for the name of what is deleted.
func confirmName(c echo.Context, name string, fields map[string]string) views.Input {
	return views.Line(components.Field{Name: "confirm", Label: web.T(c, "Name"), Hint: web.T(c, "Type the name exactly: %s", name), Error: fields["confirm"], Autocomplete: "off", Required: true})
}
