package org

import (
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	"github.com/gatehouse-dev/gatehouse/views/layout"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// securityPath is where people add a second factor.
const securityPath = "/console/account/security"

// shutPart is the id of the list of organizations that are shut to the reader.
const shutPart = "shut"

func (h *Handler) factorRoutes(r *web.Registrar) {
	fresh := web.SignedIn().Fresh()
	r.Get("/console/organizations/:id/second-factor", web.SignedIn(), h.FactorForm)
	r.PostSmall("/console/organizations/:id/second-factor", fresh, h.RequireFactor)
	r.PostSmall("/console/organizations/:id/second-factor/end", fresh, h.ReleaseFactor)
}

// Elsewhere is where somebody is led who asks for a page that is not there for them while an organization of theirs is shut to them, since it requires a second factor
// and they have none: that page may be of it. It is the same answer for what is of nobody, of others and of that organization. "" for everybody else, and for pages
// that are of no organization or of another one.
func (h *Handler) Elsewhere(c echo.Context) string {
	rest, ok := strings.CutPrefix(c.Request().URL.Path, "/console/")
	area, rest, _ := strings.Cut(rest, "/")
	shown, _, _ := strings.Cut(rest, "/")
	if !ok || area == "account" || !strings.Contains(shown, "_") {
		return ""
	}
	id, wrong := db.ParseID(org.Prefix, shown)
	for _, r := range h.shutRules(c) {
		if area != "organizations" || wrong == nil && r.OrganizationID == id {
			return securityPath
		}
	}
	return ""
}

// shutRules are those of the rules of the reader's organizations by which these are shut to them now.
func (h *Handler) shutRules(c echo.Context) []org.FactorRule {
	if web.Actor(c).Factor {
		return nil
	}
	rules, err := h.Store.FactorRules(web.Ctx(c), web.Actor(c))
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(rules, func(r org.FactorRule) bool { return !r.Begun(h.Now()) })
}

// Shut tells above a list which of the reader's organizations it leaves out, why, and what they do about it.
func (h *Handler) Shut(c echo.Context) []layout.Told {
	var out []layout.Told
	for _, r := range h.shutRules(c) {
		out = append(out, web.FactorTold(c, r, h.Now()))
	}
	return out
}

// ShutOrganizations lists those of the reader's organizations that require a second factor of them; nil when there is none.
func (h *Handler) ShutOrganizations(c echo.Context) (*views.Part, error) {
	if web.Actor(c).Factor {
		return nil, nil
	}
	rules, err := h.Store.FactorRules(web.Ctx(c), web.Actor(c))
	if err != nil {
		return nil, err
	}
	title := web.T(c, "Shut until you have a second factor")
	t := views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Organizations that require a second factor"), Columns: []components.Column{{Label: web.T(c, "Organization")}, {Label: web.T(c, "Who decided that")}, {Label: web.T(c, "Since")}}}}
	for _, r := range rules {
		if r.Begun(h.Now()) {
			t.Rows = append(t.Rows, []views.Cell{{Text: r.Name, Data: true, Href: securityPath}, {Text: r.ByName, Data: true}, {Moment: h.Moment(c, r.FactorFrom)}})
		}
	}
	if len(t.Rows) == 0 {
		return nil, nil
	}
	return &views.Part{
		Title: title, ID: shutPart, Text: web.T(c, "You belong to them, and reach nothing of them before you have added a second factor."), Table: &t,
		Actions: []components.Act{{Label: web.T(c, "Add a second factor"), Href: securityPath, Kind: components.Primary}},
	}, nil
}

// factorPart tells on the organization's page whether it requires a second factor, and leads its owners to where that is decided.
func (h *Handler) factorPart(c echo.Context, o org.Mine) (*views.Part, error) {
	owner := permission.Org(o.Role, permission.OwnersManage) && o.Kind != org.Personal
	if o.FactorFrom == nil && !owner {
		return nil, nil
	}
	p := views.Part{Title: web.T(c, "Second factor"), ID: "second-factor", Text: web.T(c, "Its members sign in as they like, with a second factor or without.")}
	if o.FactorFrom != nil {
		p.Text = h.factorWords(c, o)
		rules, err := h.Store.FactorRules(web.Ctx(c), web.Actor(c))
		if err != nil {
			return nil, err
		}
		p.Facts = decided(c, rules, o.ID)
	}
	if owner {
		p.Actions = []components.Act{{Label: web.T(c, "Require a second factor"), Href: organizationPath(o.ID) + "/second-factor"}}
		if o.FactorFrom != nil {
			p.Actions[0].Label = web.T(c, "Change the requirement")
		}
	}
	if o.FactorFrom != nil && !web.Actor(c).Factor {
		p.Actions = append([]components.Act{{Label: web.T(c, "Add a second factor"), Href: securityPath, Kind: components.Primary}}, p.Actions...)
	}
	return &p, nil
}

// decided says who decided that an organization requires a second factor, and why.
func decided(c echo.Context, rules []org.FactorRule, id db.ID) (facts []views.Fact) {
	for _, r := range rules {
		if r.OrganizationID == id && r.ByName != "" {
			facts = append(facts, views.Fact{Term: web.T(c, "Who decided that"), Value: r.ByName, Data: true})
		}
		if r.OrganizationID == id && r.FactorReason != "" {
			facts = append(facts, views.Fact{Term: web.T(c, "Reason"), Value: r.FactorReason, Data: true})
		}
	}
	return facts
}

func (h *Handler) factorWords(c echo.Context, o org.Mine) string {
	if h.Now().Before(*o.FactorFrom) {
		return web.T(c, "From %s on, members without a second factor reach nothing of this organization.", text.DateTime(web.Ctx(c), *o.FactorFrom))
	}
	return web.T(c, "Since %s, members without a second factor reach nothing of this organization.", text.DateTime(web.Ctx(c), *o.FactorFrom))
}

type factorForm struct {
	Days   string `form:"days"`
	Reason string `form:"reason"`
}

var daysWords = map[int]string{0: text.N("At once"), 1: text.N("In a day"), 7: text.N("In 7 days"), 14: text.N("In 14 days"), 30: text.N("In 30 days"), 60: text.N("In 60 days"), 90: text.N("In 90 days")}

// FactorForm asks whether members need a second factor, and from when on.
func (h *Handler) FactorForm(c echo.Context) error {
	d, err := h.factorDesk(c, nil, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) factorDesk(c echo.Context, f *factorForm, fields map[string]string) (views.Desk, error) {
	o, err := h.ownedOrganization(c)
	if err != nil {
		return views.Desk{}, err
	}
	members, err := h.Store.Members(web.Ctx(c), web.Actor(c), o.ID)
	if err != nil {
		return views.Desk{}, err
	}
	own, err := h.Store.HasFactor(web.Ctx(c), web.Actor(c))
	if err != nil {
		return views.Desk{}, err
	}
	title := web.T(c, "Second factor")
	d := views.Desk{
		Frame: h.Frame(c, title), Title: title, Crumbs: inOrganization(c, o),
		Lead: web.T(c, "Require a second factor, and who has none reaches nothing of this organization: they see neither its pages nor its keys and usage. The keys go on working."),
	}
	if o.FactorFrom != nil {
		d.Parts = append(d.Parts, views.Part{Note: &views.Note{Tone: components.Info, Title: h.factorWords(c, o), Text: o.FactorReason, Data: true}})
	}
	if !own {
		d.Parts = append(d.Parts, views.Part{
			Note:    &views.Note{Tone: components.Warn, Title: web.T(c, "You have no second factor yourself"), Text: web.T(c, "Add one to your own account first: without it you would shut yourself out.")},
			Actions: []components.Act{{Label: web.T(c, "Add a second factor"), Href: securityPath, Kind: components.Primary}},
		})
		return d, nil
	}
	if f == nil {
		f = &factorForm{Days: "7", Reason: o.FactorReason}
		if o.FactorFrom != nil && !h.Now().Before(*o.FactorFrom) {
			f.Days = "0" // who changes the reason alone reopens nothing
		}
	}
	d.Parts = append(d.Parts, h.withoutFactor(c, members), factorInputs(c, o, *f, fields))
	if o.FactorFrom != nil {
		d.Parts = append(d.Parts, views.Part{Title: web.T(c, "End the requirement"), ID: "end", Text: web.T(c, "Members without a second factor reach the organization again, at once."), Form: &views.Form{
			Spec: components.FormSpec{Action: organizationPath(o.ID) + "/second-factor/end"}, Submit: web.T(c, "End the requirement"), Kind: components.Danger,
		}})
	}
	return d, nil
}

// ownedOrganization is that of the path, of which the reader is an owner.
func (h *Handler) ownedOrganization(c echo.Context) (org.Mine, error) {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return org.Mine{}, err
	}
	o, err := h.Store.Get(web.Ctx(c), web.Actor(c), id)
	if err == nil && (!permission.Org(o.Role, permission.OwnersManage) || o.Kind == org.Personal) {
		err = fault.Lacking(string(permission.OwnersManage), o.ID.Show(org.Prefix))
	}
	return o, err
}

// withoutFactor says whom it would shut out now.
func (h *Handler) withoutFactor(c echo.Context, members []org.Member) views.Part {
	p := views.Part{Title: web.T(c, "Members without a second factor"), ID: "without", Table: &views.Table{
		Spec:  components.TableSpec{Caption: web.T(c, "Members who get a mail"), Columns: []components.Column{{Label: web.T(c, "Name")}, {Label: web.T(c, "Role")}}},
		Empty: web.T(c, "All members have one."),
	}}
	for _, m := range members {
		if !m.HasFactor {
			p.Table.Rows = append(p.Table.Rows, []views.Cell{{Text: m.Name, Data: true}, {Text: web.T(c, roleWords[m.Role])}})
		}
	}
	return p
}

func factorInputs(c echo.Context, o org.Mine, f factorForm, fields map[string]string) views.Part {
	begins := components.Field{Name: "days", Label: web.T(c, "It begins"), Error: fields["days"], Required: true, Hint: web.T(c, "Members without one get a mail now, and another a day before.")}
	for _, n := range org.FactorDays {
		v := strconv.Itoa(n)
		begins.Options = append(begins.Options, components.Option{Value: v, Label: web.T(c, daysWords[n]), Selected: v == f.Days})
	}
	reason := components.Field{Name: "reason", Label: web.T(c, "Reason"), Value: f.Reason, Error: fields["reason"], Optional: true, Hint: web.T(c, "Members read it, with your name.")}
	submit := web.T(c, "Require a second factor")
	if o.FactorFrom != nil {
		submit = web.T(c, "Change the requirement")
	}
	return views.Part{Title: web.T(c, "When it begins"), ID: "begin", Form: &views.Form{
		Spec: components.FormSpec{Action: organizationPath(o.ID) + "/second-factor"}, Inputs: []views.Input{views.Select(begins), views.Area(reason)}, Submit: submit, Kind: components.Primary, Cancel: organizationPath(o.ID),
	}}
}

// RequireFactor makes a second factor required.
func (h *Handler) RequireFactor(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	var f factorForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	days, err := strconv.Atoi(f.Days)
	if err != nil {
		days = -1 // is none of the list
	}
	err = h.Unkeyed(c, h.Store.RequireFactor(web.Ctx(c), web.Actor(c), id, days, f.Reason), &f.Reason)
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.factorDesk(c, &f, fields) })
	}
	return h.DoneMailed(c, organizationPath(id), "The requirement is saved. Members without a second factor get a mail.", text.N("The requirement is saved. A letter is written to each member without a second factor."))
}

// ReleaseFactor ends the requirement.
func (h *Handler) ReleaseFactor(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	if err := h.Store.ReleaseFactor(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, organizationPath(id), "A second factor is no longer required.")
}
