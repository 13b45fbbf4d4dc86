package org

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

const providersGuide = "/guides/signing-in-by-providers"

// signInPart says by what the people of a proven domain sign in, and leads to where owners choose it.
func (h *Handler) signInPart(c echo.Context, d domain.Domain) views.Part {
	p := views.Part{Title: web.T(c, "Signing in"), ID: "signing-in"}
	change := components.Act{Label: web.T(c, "Choose how people sign in"), Href: domainPath(d) + "/sign-in"}
	guide := components.Act{Label: web.T(c, "Read about providers"), Href: providersGuide}
	bound, isBound := h.DomainStore.ProviderOf(d)
	switch {
	case isBound:
		p.Text = web.T(c, "Everybody with an address there signs in by %s. Whoever does joins as it says under Joining.", bound.Label)
		p.Actions = []components.Act{change}
	case d.Provider != "":
		p.Note = &views.Note{Tone: components.Warn, Title: web.T(c, "The provider is not offered any more"), Text: web.T(c, "This portal’s settings don’t offer it for this domain. Until they do, people sign in by any means.")}
		p.Actions = []components.Act{change}
	case len(h.DomainStore.ProvidersFor(d)) > 0:
		p.Text = web.T(c, "People with an address there sign in by any means. You can have them all sign in by your company’s provider.")
		p.Actions = []components.Act{change}
	default:
		p.Text = web.T(c, "People with an address there sign in by any means. To have them sign in by your company’s provider, ask the people who run this portal to name it in the settings, for this domain.")
		p.Actions = []components.Act{guide}
	}
	return p
}

type signInForm struct {
	Provider string `form:"provider"`
	JoinRole string `form:"join_role"`
}

// DomainSignIn says what it means that people sign in by a provider, and takes the owners' choice.
func (h *Handler) DomainSignIn(c echo.Context) error {
	d, err := h.signInDesk(c, nil, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) signInDesk(c echo.Context, entered *signInForm, fields map[string]string) (views.Desk, error) {
	o, d, err := h.organizationAndDomain(c)
	if err != nil {
		return views.Desk{}, err
	}
	title := web.T(c, "How people sign in")
	page := views.Desk{
		Frame: h.Frame(c, title), Title: title, Lead: web.T(c, "This is about everybody with an address at %s.", d.Shown()),
		Crumbs: append(inOrganization(c, o), components.Crumb{Label: web.T(c, "Domains"), Href: domainsPath(o.ID)}, components.Crumb{Label: d.Shown(), Href: domainPath(d), Own: true}),
	}
	if !d.Proven() {
		page.Parts = []views.Part{{Empty: &components.EmptyState{Title: web.T(c, "This domain is not proven."), Text: web.T(c, "Once it is, you can choose how its people sign in.")}}}
		return page, nil
	}
	if entered == nil {
		entered = &signInForm{Provider: d.Provider, JoinRole: d.JoinRole}
	}
	if entered.JoinRole == "" {
		entered.JoinRole = permission.Developer
	}
	page.Parts = []views.Part{{
		Title: web.T(c, "What a provider changes"), ID: "changes", Facts: []views.Fact{
			{Term: web.T(c, "Other ways in"), Value: web.T(c, "Password, passkey, a link for a new password and other providers are refused, with the way to this one.")},
			{Term: web.T(c, "Joining"), Value: web.T(c, "Whoever signs in by it becomes a member of this organization, unless they were removed from it before.")},
			{Term: web.T(c, "When you save"), Value: web.T(c, "Everybody there is signed out, also of other organizations; you are not.")},
			{Term: web.T(c, "Owners"), Value: web.T(c, "With a second factor they keep their own way in: password and factor, or a passkey. One owner at least must have one, or an address elsewhere.")},
			{Term: web.T(c, "Leaving"), Value: web.T(c, "Who can’t sign in there can’t sign in here. Their keys go on until you revoke them or hand them over.")},
		},
	}, {Title: title, ID: "choose", Form: h.signInChoice(c, d, *entered, fields)}}
	return page, nil
}

func (h *Handler) signInChoice(c echo.Context, d domain.Domain, entered signInForm, fields map[string]string) *views.Form {
	by := components.Field{Name: "provider", Label: web.T(c, "People sign in"), Error: fields["provider"], Required: true}
	by.Options = append(by.Options, components.Option{Value: "", Label: web.T(c, "By any means"), Hint: web.T(c, "Each as they like."), Selected: entered.Provider == ""})
	for _, p := range h.DomainStore.ProvidersFor(d) {
		by.Options = append(by.Options, components.Option{Value: p.Name, Label: web.T(c, "By %s", p.Label), Hint: web.T(c, "And by nothing else."), Selected: entered.Provider == p.Name})
	}
	as := components.Field{Name: "join_role", Label: web.T(c, "They join as"), Hint: web.T(c, "When they sign in by a provider."), Error: fields["join_role"], Required: true}
	for _, role := range domain.LandRoles {
		as.Options = append(as.Options, components.Option{Value: role, Label: web.T(c, roleWords[role]), Hint: web.T(c, roleHints[role]), Selected: role == entered.JoinRole})
	}
	return &views.Form{
		Spec: components.FormSpec{Action: domainPath(d) + "/sign-in"}, Inputs: []views.Input{views.Radios(by), views.Radios(as)},
		Submit: web.T(c, "Save how people sign in"), Kind: components.Primary, Cancel: domainPath(d),
	}
}

// SetDomainSignIn takes the owners' choice.
func (h *Handler) SetDomainSignIn(c echo.Context) error {
	organization, id, err := domainIDs(c)
	if err != nil {
		return err
	}
	var f signInForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.DomainStore.SetProvider(web.Ctx(c), web.Actor(c), organization, id, f.Provider, f.JoinRole); err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.signInDesk(c, &f, fields) })
	}
	said := text.N("People sign in by the provider from now on. Owners and admins got a mail.")
	if f.Provider == "" {
		said = text.N("People sign in by any means.")
	}
	return h.Done(c, domainsPath(organization)+"/"+id.Show(domain.Prefix), said)
}
