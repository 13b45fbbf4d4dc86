// Package policy answers the pages of the policies for keys: staff's overview, the policy of one subject, a stricter one with whom it hits, and what an
// organization is held to.
package policy

import (
	"context"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/key"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	policies "github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// Handler answers the area's routes.
type Handler struct {
	*web.Kit
	Policies *policies.Store
	Keys     *keys.Store
}

// New makes the handler.
func New(k *web.Kit, s *policies.Store, ks *keys.Store) *Handler { return &Handler{k, s, ks} }

// Routes are the area's routes.
func (h *Handler) Routes(r *web.Registrar) {
	read, manage := web.Staff(permission.StaffPolicyRead), web.Staff(permission.StaffPolicyManage)
	r.Get("/admin/policy", read, h.Overview)
	r.Get("/admin/policy/:subject", read, h.Edit)
	r.Post("/admin/policy/:subject", manage, h.Propose)
	r.Get("/admin/policy/changes/:change", read, h.Change)
	r.Post("/admin/policy/changes/:change", manage, h.Confirm)
	r.Get("/console/policies", web.SignedIn(), h.Rules)
}

const root = "/admin/policy"

// kindWords name what a policy can be of.
var kindWords = map[policies.Kind]string{
	policies.Installation: text.N("All keys of this portal"), policies.Organization: text.N("Organization"), policies.API: text.N("API"),
	policies.Plan: text.N("Plan"), policies.Scope: text.N("Scope"),
}

// Overview lists what every subject says.
func (h *Handler) Overview(c echo.Context) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	book, err := h.Policies.Book(ctx, who)
	if err != nil {
		return err
	}
	apis, err := h.Policies.APIs(ctx, who)
	if err != nil {
		return err
	}
	p := views.PoliciesPage{Frame: h.Frame(c, web.T(c, "Policy"))}
	for _, r := range book.Rules() {
		p.Rows = append(p.Rows, row(c, r, book.Planned(r.Source), root+"/"+r.Source.Ref()))
	}
	for _, a := range apis {
		p.APIs = append(p.APIs, components.Act{Label: a.Name, Href: root + "/" + a.Ref()})
	}
	return h.Render(c, views.Policies(p))
}

func row(c echo.Context, r policies.Rule, planned []policies.Planned, href string) views.PolicyRow {
	out := views.PolicyRow{Name: r.Source.Label(), Kind: web.T(c, kindWords[r.Source.Kind]), Href: href, Sentences: key.RuleSentences(web.Ctx(c), r.Rules)}
	for _, p := range planned {
		out.Planned = append(out.Planned, plannedWords(web.Ctx(c), p))
	}
	return out
}

func plannedWords(ctx context.Context, p policies.Planned) string {
	return text.T(ctx, "Keys made until %[1]s go by the rules of before until %[2]s.", text.DateTime(ctx, p.MadeAt), text.DateTime(ctx, p.EffectiveAt))
}

// place is the organization that the address names; else the one in which the reader last worked; else the one with most apps.
func (h *Handler) place(c echo.Context, places []keys.Place) (keys.Place, error) {
	at := func(org db.ID) int {
		return slices.IndexFunc(places, func(p keys.Place) bool { return p.OrganizationID == org })
	}
	if i := at(web.QueryID(c, "org", "org")); i >= 0 {
		return places[i], nil
	}
	last, err := h.Policies.LastPlace(web.Ctx(c), web.Actor(c))
	if err != nil {
		return keys.Place{}, err
	}
	if i := at(last); i >= 0 {
		return places[i], nil
	}
	apps, chosen := map[db.ID]int{}, places[0]
	for _, p := range places {
		if !p.AppID.IsZero() {
			apps[p.OrganizationID]++
		}
		if apps[p.OrganizationID] > apps[chosen.OrganizationID] {
			chosen = p
		}
	}
	return chosen, nil
}

// Rules is what the reader's organizations are held to, one at a time: see place.
func (h *Handler) Rules(c echo.Context) error {
	ctx, who := web.Ctx(c), web.Actor(c)
	places, err := h.Keys.Places(ctx, who)
	if err != nil {
		return err
	}
	if len(places) == 0 {
		return fault.Missing()
	}
	chosen, err := h.place(c, places)
	if err != nil {
		return err
	}
	rules, err := h.Policies.Rules(ctx, who, chosen.OrganizationID)
	if err != nil {
		return err
	}
	p := views.RulesPage{
		Frame: h.Frame(c, web.T(c, "Policy")), Name: chosen.OrganizationName,
		Crumbs: []components.Crumb{{Label: web.T(c, "Keys"), Href: "/console/keys"}, {Label: web.T(c, "Policy")}},
	}
	for i, place := range places {
		if i == 0 || place.OrganizationID != places[i-1].OrganizationID {
			p.Places = append(p.Places, components.Tab{Label: place.OrganizationName, Href: "/console/policies?org=" + place.OrganizationID.Show("org"), Current: place.OrganizationID == chosen.OrganizationID})
		}
	}
	for _, r := range rules.Rules {
		var planned []policies.Planned
		for _, one := range rules.Planned {
			if one.Source == r.Source {
				planned = append(planned, one)
			}
		}
		p.Rows = append(p.Rows, row(c, r, planned, ""))
	}
	return h.Render(c, views.Rules(p))
}
