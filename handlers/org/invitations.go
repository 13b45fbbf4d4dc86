package org

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

const invitationsPath = "/console/invitations"

func invitationPath(id db.ID) string { return invitationsPath + "/" + id.Show(invitation.Prefix) }

type inviteForm struct {
	Email string `form:"email"`
	Role  string `form:"role"`
}

// InviteForm asks whom to invite as what; the query fills it in.
func (h *Handler) InviteForm(c echo.Context) error {
	d, err := h.inviteDesk(c, inviteForm{Email: c.QueryParam("email"), Role: cmp.Or(c.QueryParam("role"), permission.Developer)}, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) inviteDesk(c echo.Context, f inviteForm, fields map[string]string) (views.Desk, error) {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return views.Desk{}, err
	}
	o, err := h.Store.Get(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return views.Desk{}, err
	}
	roles := org.MayGive(o.Role, org.Member{}, false)
	if len(roles) == 0 {
		return views.Desk{}, fault.Lacking(string(permission.MembersManage), id.Show(org.Prefix))
	}
	title := web.T(c, "Invite member")
	d := views.Desk{
		Frame: h.Frame(c, title), Title: title, Crumbs: inOrganization(c, o),
		Lead: h.Mailed(c, "They get a mail with a link that works for 7 days, for the account with this address alone."),
	}
	if o.Kind == org.Personal {
		d.Lead = ""
		d.Parts = []views.Part{{Empty: &components.EmptyState{
			Title: web.T(c, "A personal organization has one member"), Text: web.T(c, "Create an organization to work together."),
			Action: &components.Act{Label: web.T(c, "Create organization"), Href: organizationsPath + "/new", Kind: components.Primary},
		}}}
		return d, nil
	}
	d.Parts = []views.Part{{Form: &views.Form{
		Spec: components.FormSpec{Action: organizationPath(id) + "/invite"},
		Inputs: []views.Input{
			views.Line(components.Field{Name: "email", Type: "email", Label: web.T(c, "Email"), Value: f.Email, Error: fields["email"], Required: true, Autocomplete: "off"}),
			roleField(c, roles, f.Role, fields),
		},
		Submit: web.T(c, "Send invitation"), Kind: components.Primary, Cancel: organizationPath(id),
	}}}
	return d, nil
}

// Invite sends an invitation. Who invites an owner shows first that it is them (A14).
func (h *Handler) Invite(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	var f inviteForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if f.Role == permission.Owner {
		if asked, err := h.AskFirst(c, organizationPath(id)+"/invite", url.Values{"email": {f.Email}, "role": {f.Role}}); err != nil || asked {
			return err
		}
	}
	i, err := h.Invitations.Invite(web.Ctx(c), web.Actor(c), id, invitation.Input{Email: f.Email, Role: f.Role})
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.inviteDesk(c, f, fields) })
	}
	return h.DoneMailed(c, organizationPath(id), "The invitation is on its way to %s.", text.N("The invitation to %s is written."), i.Email)
}

// organizationAndInvitation are the ids of the path.
func organizationAndInvitation(c echo.Context) (organization, id db.ID, err error) {
	if organization, err = web.PathID(c, "id", org.Prefix); err == nil {
		id, err = web.PathID(c, "invitation", invitation.Prefix)
	}
	return organization, id, err
}

// Reinvite sends an invitation again, under whoever does so: of an owner's they show first that it is them (A14).
func (h *Handler) Reinvite(c echo.Context) error {
	organization, id, err := organizationAndInvitation(c)
	if err != nil {
		return err
	}
	i, err := h.Invitations.Get(web.Ctx(c), web.Actor(c), organization, id)
	if err != nil {
		return err
	}
	if i.Role == permission.Owner {
		if asked, err := h.AskFirst(c, organizationPath(organization), nil); err != nil || asked {
			return err
		}
	}
	if err := h.Invitations.Resend(web.Ctx(c), web.Actor(c), organization, id); err != nil {
		return err
	}
	return h.DoneMailed(c, organizationPath(organization), "The invitation is sent again. Its former link does not work any more.", text.N("The invitation is written anew. Its former link does not work any more."))
}

// Uninvite revokes an invitation.
func (h *Handler) Uninvite(c echo.Context) error {
	organization, id, err := organizationAndInvitation(c)
	if err != nil {
		return err
	}
	if err := h.Invitations.Revoke(web.Ctx(c), web.Actor(c), organization, id); err != nil {
		return err
	}
	return h.Done(c, organizationPath(organization), "The invitation is revoked. Its link does not work any more.")
}

// openInvitations is the organization's list for those who may invite; nil when there is nothing to list.
func (h *Handler) openInvitations(c echo.Context, o org.Mine) (*views.Part, error) {
	if !permission.Org(o.Role, permission.MembersManage) {
		return nil, nil
	}
	open, err := h.Invitations.Open(web.Ctx(c), web.Actor(c), o.ID)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	title := web.T(c, "Open invitations")
	t := views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: title, Columns: []components.Column{
		{Label: web.T(c, "Email and who invited")}, {Label: web.T(c, "Role")}, {Label: web.T(c, "State")}, {Label: web.T(c, "Send again"), Hidden: true}, {Label: web.T(c, "Revoke"), Hidden: true},
	}}}
	for _, i := range open {
		row := []views.Cell{{Text: i.Email, Data: true, Hint: i.InviterName, HData: true}, {Text: web.T(c, roleWords[i.Role])}, {Status: h.invitationState(c, i)}, {}, {}}
		if i.Role != permission.Owner || permission.Org(o.Role, permission.OwnersManage) {
			at := organizationPath(o.ID) + "/invitations/" + i.ID.Show(invitation.Prefix)
			row[3].Post = &views.Post{Action: at + "/resend", Label: web.T(c, "Send the invitation to %s again", i.Email), Button: web.T(c, "Send again")}
			row[4].Post = &views.Post{Action: at + "/revoke", Label: web.T(c, "Revoke the invitation to %s", i.Email), Button: web.T(c, "Revoke")}
		}
		t.Rows = append(t.Rows, row)
	}
	return &views.Part{Title: title, ID: "invitations", Table: &t}, nil
}

func (h *Handler) invitationState(c echo.Context, i invitation.Invitation) *views.Status {
	switch {
	case !h.Now().Before(i.ExpiresAt):
		return &views.Status{Tone: components.Warn, Words: web.T(c, "Expired")}
	case !i.Stands:
		return &views.Status{Tone: components.Warn, Words: web.T(c, "Stopped: whoever sent it may not invite any more")}
	}
	return &views.Status{Tone: components.Info, Words: web.T(c, "Waits until %s", text.DateTime(web.Ctx(c), i.ExpiresAt))}
}

// myInvitations lists the invitations to the reader; nil when there are none.
func (h *Handler) myInvitations(c echo.Context) (*views.Part, error) {
	all, err := h.Invitations.Mine(web.Ctx(c), web.Actor(c))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	title := web.T(c, "Invitations to you")
	t := views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: title, Columns: []components.Column{
		{Label: web.T(c, "Organization")}, {Label: web.T(c, "Role")}, {Label: web.T(c, "Invited by")}, {Label: web.T(c, "Works until")},
	}}}
	for _, i := range all {
		t.Rows = append(t.Rows, []views.Cell{
			{Text: i.OrganizationName, Data: true, Href: invitationPath(i.ID)}, {Text: web.T(c, roleWords[i.Role])}, {Text: i.InviterName, Data: true}, {Moment: h.Moment(c, i.ExpiresAt)},
		})
	}
	return &views.Part{Title: title, ID: "invitations", Table: &t}, nil
}

// invitationFacts tell what somebody is invited to; email is as much of the address as the reader may see.
func (h *Handler) invitationFacts(c echo.Context, i invitation.Invitation, email string) views.Part {
	return views.Part{Facts: []views.Fact{
		{Term: web.T(c, "Organization"), Value: i.OrganizationName, Data: true},
		{Term: web.T(c, "Role"), Value: web.T(c, roleWords[i.Role])},
		{Term: web.T(c, "Invited by"), Value: i.InviterName, Data: true},
		{Term: web.T(c, "Email"), Value: email, Data: true},
		{Term: web.T(c, "Works until"), Moment: h.Moment(c, i.ExpiresAt)},
	}}
}

// masked is an address by which who has it knows it, and who has not learns it not.
func masked(email string) string {
	local, domain, _ := strings.Cut(email, "@")
	first := []rune(local + " ")[:1]
	return string(first) + "…@" + domain
}

// InvitationLink is where the mail leads. It takes nothing: who has the address goes on to the invitation, others are told how to get there.
func (h *Handler) InvitationLink(c echo.Context) error {
	web.NoReferrer(c)
	i, mine, err := h.Invitations.Peek(web.Ctx(c), web.Actor(c), c.QueryParam("token"))
	if err != nil {
		return err
	}
	if mine {
		return h.See(c, invitationPath(i.ID))
	}
	title := web.T(c, "You are invited to an organization")
	d := views.Desk{Frame: h.Frame(c, title), Title: title, Parts: []views.Part{h.invitationFacts(c, i, masked(i.Email))}}
	d.Frame.NoIndex = true
	if web.Actor(c).SignedIn() {
		d.Parts = append(d.Parts, h.otherAddress(c, web.T(c, "This invitation is for another address"), invitationPath(i.ID)))
		return h.RenderStatus(c, http.StatusForbidden, views.Page(d))
	}
	next := "?next=" + invitationPath(i.ID)
	d.Lead = web.T(c, "Sign in with the account whose address this is, or create it with this address.")
	d.Parts = append(d.Parts, views.Part{Actions: []components.Act{
		{Label: web.T(c, "Sign in"), Href: "/login" + next, Kind: components.Primary}, {Label: web.T(c, "Create account"), Href: "/signup" + next},
	}})
	return h.Render(c, views.Page(d))
}

// otherAddress says why an invitation is not the reader's, and the ways out: who signs out is asked for the other account, and led to the invitation at path.
func (h *Handler) otherAddress(c echo.Context, title, path string) views.Part {
	return views.Part{
		Note: &views.Note{Tone: components.Warn, Title: title, Text: web.T(c, "You are signed in as %s. Sign out, then sign in with the address that was invited; or ask for an invitation to the address that you use here.", web.User(c).Email)},
		Form: &views.Form{
			Spec:   components.FormSpec{Action: "/logout", Hidden: []components.Hidden{{Name: "next", Value: "/login?" + url.Values{"next": {path}}.Encode()}}},
			Submit: web.T(c, "Sign out"), Kind: components.Primary, Cancel: organizationsPath,
		},
	}
}

// Invitation shows the reader an invitation to them.
func (h *Handler) Invitation(c echo.Context) error {
	id, err := web.PathID(c, "id", invitation.Prefix)
	if err != nil {
		return h.noInvitation(c, err)
	}
	i, err := h.Invitations.ForMe(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return h.noInvitation(c, err)
	}
	title := web.T(c, "You are invited to an organization")
	d := views.Desk{
		Frame: h.Frame(c, title), Title: title, Crumbs: []components.Crumb{{Label: web.T(c, "Organizations"), Href: organizationsPath}},
		Parts: []views.Part{
			h.invitationFacts(c, i, i.Email),
			{Text: web.T(c, "Its members see your name and your address."), Form: &views.Form{Spec: components.FormSpec{Action: invitationPath(i.ID) + "/accept"}, Submit: web.T(c, "Accept invitation"), Kind: components.Primary}},
			{Form: &views.Form{Spec: components.FormSpec{Action: invitationPath(i.ID) + "/decline"}, Submit: web.T(c, "Decline invitation")}},
		},
	}
	return h.Render(c, views.Page(d))
}

// noInvitation answers for an invitation that is not the reader's as for one that is none (Z2), with the ways out.
func (h *Handler) noInvitation(c echo.Context, err error) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	title := web.T(c, "There is no such invitation for you")
	return h.RenderStatus(c, http.StatusNotFound, views.Page(views.Desk{
		Frame: h.Frame(c, title), Title: title, Crumbs: []components.Crumb{{Label: web.T(c, "Organizations"), Href: organizationsPath}},
		Lead:  web.T(c, "It was used, revoked or is too old; or it is for another address."),
		Parts: []views.Part{h.otherAddress(c, web.T(c, "Was another address of yours invited?"), c.Request().URL.Path)},
	}))
}

// AcceptInvitation makes the reader a member.
func (h *Handler) AcceptInvitation(c echo.Context) error {
	id, err := web.PathID(c, "id", invitation.Prefix)
	if err != nil {
		return h.noInvitation(c, err)
	}
	i, err := h.Invitations.Accept(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return h.noInvitation(c, err)
	}
	return h.Done(c, organizationPath(i.OrganizationID), "You are a member of %s now.", i.OrganizationName)
}

// DeclineInvitation ends it.
func (h *Handler) DeclineInvitation(c echo.Context) error {
	id, err := web.PathID(c, "id", invitation.Prefix)
	if err != nil {
		return h.noInvitation(c, err)
	}
	if err := h.Invitations.Decline(web.Ctx(c), web.Actor(c), id); err != nil {
		return h.noInvitation(c, err)
	}
	return h.Done(c, organizationsPath, "The invitation is declined.")
}
