package org

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

func domainsPath(organization db.ID) string { return organizationPath(organization) + "/domains" }

func domainPath(d domain.Domain) string {
	return domainsPath(d.OrganizationID) + "/" + d.ID.Show(domain.Prefix)
}

// domainsPart leads owners to the domains of their organization; nil for all others.
func domainsPart(c echo.Context, o org.Mine) *views.Part {
	if o.Kind == org.Personal || !permission.Org(o.Role, permission.DomainsManage) {
		return nil
	}
	return &views.Part{
		Title: web.T(c, "Domains"), ID: "domains", Text: web.T(c, "Prove that a domain is yours, let people with an address there join by themselves, and have them sign in by your provider."),
		Actions: []components.Act{{Label: web.T(c, "Manage domains"), Href: domainsPath(o.ID)}},
	}
}

type domainForm struct {
	Domain string `form:"domain"`
}

// Domains lists the domains of an organization, and takes another one.
func (h *Handler) Domains(c echo.Context) error {
	d, err := h.domainsDesk(c, "", nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) domainsDesk(c echo.Context, typed string, fields map[string]string) (views.Desk, error) {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return views.Desk{}, err
	}
	o, err := h.Store.Get(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return views.Desk{}, err
	}
	all, err := h.DomainStore.List(web.Ctx(c), web.Actor(c), id)
	if err != nil {
		return views.Desk{}, err
	}
	title := web.T(c, "Domains")
	d := views.Desk{
		Frame: h.Frame(c, title), Title: title, Crumbs: inOrganization(c, o),
		Lead: web.T(c, "A domain belongs to the organization that can write its DNS. Proven, people with a verified address there can join by themselves, if you say so."),
	}
	if len(all) == 0 {
		d.Parts = append(d.Parts, views.Part{Empty: &components.EmptyState{Title: web.T(c, "No domain yet"), Text: web.T(c, "Enter the part of your addresses after the @. You get a DNS record to publish.")}})
	} else {
		d.Parts = append(d.Parts, views.Part{Table: h.domainsTable(c, all)})
	}
	d.Parts = append(d.Parts, views.Part{Title: web.T(c, "Add domain"), ID: "add", Form: &views.Form{
		Spec: components.FormSpec{Action: domainsPath(id)},
		Inputs: []views.Input{views.Line(components.Field{
			Name: "domain", Label: web.T(c, "Domain"), Hint: web.T(c, "Such as example.com. Domains below it are proven on their own."), Value: typed, Error: fields["domain"], Required: true, Autocomplete: "off", MaxLength: 253,
		})},
		Submit: web.T(c, "Add domain"), Kind: components.Primary, Cancel: organizationPath(id),
	}})
	return d, nil
}

func (h *Handler) domainsTable(c echo.Context, all []domain.Domain) *views.Table {
	t := views.Table{Named: true, Spec: components.TableSpec{Caption: web.T(c, "Domains"), Stacks: true, Columns: []components.Column{
		{Label: web.T(c, "Domain")}, {Label: web.T(c, "State")}, {Label: web.T(c, "Who may join")}, {Label: web.T(c, "Last checked")},
	}}}
	for _, d := range all {
		row := []views.Cell{{Text: d.Shown(), Data: true, Href: domainPath(d)}, {Status: domainState(c, d)}, {Text: web.T(c, joinWords[d.JoinRole])}, {Text: web.T(c, "Never")}}
		if !d.Proven() {
			row[2].Text = web.T(c, joinWords[""])
		}
		if d.CheckedAt != nil {
			row[3] = views.Cell{Moment: h.Moment(c, *d.CheckedAt)}
		}
		t.Rows = append(t.Rows, row)
	}
	return &t
}

func domainState(c echo.Context, d domain.Domain) *views.Status {
	switch {
	case d.Proven() && d.MissingSince != nil:
		return &views.Status{Tone: components.Warn, Words: web.T(c, "Proven until %s: its record is missing", text.Date(web.Ctx(c), d.EndsAt()))}
	case d.Proven():
		return &views.Status{Tone: components.OK, Words: web.T(c, "Proven")}
	case d.LostAt != nil:
		return &views.Status{Tone: components.Bad, Words: web.T(c, "Lost")}
	}
	return &views.Status{Tone: components.Warn, Words: web.T(c, "Not proven")}
}

// ClaimDomain adds a domain.
func (h *Handler) ClaimDomain(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	var f domainForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	d, err := h.DomainStore.Claim(web.Ctx(c), web.Actor(c), id, f.Domain)
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.domainsDesk(c, f.Domain, fields) })
	}
	return h.Done(c, domainPath(d), "The domain %s is added. Publish its record to prove it.", d.Shown())
}

// organizationAndDomain are of the path; the organization is one of the reader's.
func (h *Handler) organizationAndDomain(c echo.Context) (o org.Mine, d domain.Domain, err error) {
	organization, id, err := domainIDs(c)
	if err != nil {
		return o, d, err
	}
	if o, err = h.Store.Get(web.Ctx(c), web.Actor(c), organization); err != nil {
		return o, d, err
	}
	d, err = h.DomainStore.Get(web.Ctx(c), web.Actor(c), organization, id)
	return o, d, err
}

func domainIDs(c echo.Context) (organization, id db.ID, err error) {
	if organization, err = web.PathID(c, "id", org.Prefix); err == nil {
		id, err = web.PathID(c, "domain", domain.Prefix)
	}
	return organization, id, err
}

// Domain shows one domain: its record, how it stands, and what it gives.
func (h *Handler) Domain(c echo.Context) error {
	d, err := h.domainDesk(c, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) domainDesk(c echo.Context, fields map[string]string) (views.Desk, error) {
	o, d, err := h.organizationAndDomain(c)
	if err != nil {
		return views.Desk{}, err
	}
	page := views.Desk{
		Frame: h.Frame(c, d.Shown()), Title: d.Shown(), DataTitle: true, Status: domainState(c, d),
		Crumbs: append(inOrganization(c, o), components.Crumb{Label: web.T(c, "Domains"), Href: domainsPath(o.ID)}),
	}
	page.Parts = append(page.Parts, h.recordPart(c, d))
	if d.Proven() {
		f := components.Field{Name: "join_role", Label: web.T(c, "Who may join"), Error: fields["join_role"], Required: true}
		for _, role := range domain.JoinRoles {
			f.Options = append(f.Options, components.Option{Value: role, Label: web.T(c, joinWords[role]), Hint: web.T(c, roleHints[role]), Selected: role == d.JoinRole})
		}
		f.Options[0].Hint = web.T(c, "Nobody joins by their address alone.")
		page.Parts = append(page.Parts, views.Part{
			Title: web.T(c, "Joining"), ID: "joining", Text: web.T(c, "Who was removed from the organization has to be invited again."),
			Form: &views.Form{Spec: components.FormSpec{Action: domainPath(d) + "/join"}, Inputs: []views.Input{views.Radios(f)}, Submit: web.T(c, "Save who may join"), Kind: components.Primary},
		}, h.signInPart(c, d))
	}
	page.Parts = append(page.Parts, views.Part{
		Title: web.T(c, "Remove domain"), ID: "remove", Text: web.T(c, "Nobody joins by an address there any more, nobody has to sign in by a provider for it, and a directory changes nothing of people there. Members stay members."),
		Actions: []components.Act{{Label: web.T(c, "Remove domain"), Href: domainPath(d) + "/remove", Kind: components.Danger}},
	})
	return page, nil
}

var findings = map[domain.Finding]string{
	domain.Found: text.N("The record was found."), domain.Missing: text.N("DNS knows no such record. It can take hours until a new one is seen everywhere."),
	domain.Another: text.N("There is a TXT record of that name, and it holds something else."), domain.Unreachable: text.N("DNS gave no answer."),
}

// recordPart is the record to publish, what the last check found, and the next one.
func (h *Handler) recordPart(c echo.Context, d domain.Domain) views.Part {
	name, value := d.Record()
	p := views.Part{
		Title: web.T(c, "DNS record"), ID: "record", Text: web.T(c, "Publish this TXT record where the DNS of your domain is kept, and leave it there: it is looked for each day."),
		Facts: []views.Fact{{Term: web.T(c, "Type"), Value: "TXT", Code: true}, {Term: web.T(c, "Name"), Value: name, Code: true}, {Term: web.T(c, "Value"), Value: value, Code: true}},
		Code:  &components.CodeBlock{Title: web.T(c, "Zone file"), Text: name + ". 3600 IN TXT \"" + value + "\""},
		Form:  &views.Form{Spec: components.FormSpec{Action: domainPath(d) + "/check"}, Submit: web.T(c, "Check record")},
	}
	if !d.Proven() {
		p.Form.Kind = components.Primary
	}
	if d.CheckedAt != nil {
		p.Facts = append(p.Facts, views.Fact{Term: web.T(c, "Last checked"), Moment: h.Moment(c, *d.CheckedAt)}, views.Fact{Term: web.T(c, "Found"), Value: web.T(c, findings[d.Finding])})
	}
	switch {
	case d.Proven() && d.MissingSince != nil:
		p.Note = &views.Note{Tone: components.Warn, Title: web.T(c, "The record is missing"), Text: web.T(c, "Put it back by %s, or the domain is not your organization’s any more.", d.EndsAt().UTC().Format(time.DateOnly))}
	case d.LostAt != nil:
		p.Note = &views.Note{Tone: components.Bad, Title: web.T(c, "The domain was lost"), Text: web.T(c, "Its record was gone for too long. Put it back and check it to prove the domain again.")}
	}
	return p
}

// CheckDomain asks DNS now.
func (h *Handler) CheckDomain(c echo.Context) error {
	organization, id, err := domainIDs(c)
	if err != nil {
		return err
	}
	d, err := h.DomainStore.Check(web.Ctx(c), web.Actor(c), organization, id)
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.domainDesk(c, fields) })
	}
	if d.Finding == domain.Found {
		return h.Done(c, domainPath(d), "The domain %s is proven.", d.Shown())
	}
	return h.Warn(c, domainPath(d), "The record was not found.")
}

// ConfirmRemoveDomain says what ends.
func (h *Handler) ConfirmRemoveDomain(c echo.Context) error {
	o, d, err := h.organizationAndDomain(c)
	if err != nil {
		return err
	}
	title := web.T(c, "Remove domain")
	return h.Render(c, views.Page(views.Desk{
		Frame: h.Frame(c, title), Title: title,
		Crumbs: append(inOrganization(c, o), components.Crumb{Label: web.T(c, "Domains"), Href: domainsPath(o.ID)}, components.Crumb{Label: d.Shown(), Href: domainPath(d), Own: true}),
		Parts: []views.Part{{Danger: true, Title: web.T(c, "What ends"), Text: web.T(c, "Nobody joins by an address there any more, nobody has to sign in by a provider for it, and a directory changes nothing of people there. Members stay members."), Form: &views.Form{
			Spec: components.FormSpec{Action: domainPath(d) + "/remove"}, Submit: web.T(c, "Remove domain"), Kind: components.Danger, Cancel: domainPath(d),
		}}},
	}))
}

// RemoveDomain ends a claim.
func (h *Handler) RemoveDomain(c echo.Context) error {
	organization, id, err := domainIDs(c)
	if err != nil {
		return err
	}
	d, err := h.DomainStore.Remove(web.Ctx(c), web.Actor(c), organization, id)
	if err != nil {
		return err
	}
	return h.Done(c, domainsPath(organization), "The domain %s is removed.", d.Shown())
}
