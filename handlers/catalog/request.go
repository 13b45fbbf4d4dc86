package catalog

import (
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	desk "github.com/gatehouse-dev/gatehouse/views/org"
)

type requestForm struct {
	App     string   `form:"app"`
	Plan    string   `form:"plan"`
	Scopes  []string `form:"scopes"`
	Purpose string   `form:"purpose"`
	Terms   string   `form:"terms"`
}

// NewRequest shows the form by which access is asked for.
func (h *Handler) NewRequest(c echo.Context) error {
	d, err := h.requestDesk(c, requestForm{App: c.QueryParam("app")}, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) requestDesk(c echo.Context, f requestForm, fields map[string]string) (desk.Desk, error) {
	api, err := h.Store.BySlug(web.Ctx(c), web.Actor(c), c.Param("slug"))
	if err != nil {
		return desk.Desk{}, err
	}
	apps, err := h.Orgs.Apps(web.Ctx(c), web.Actor(c), org.AppFilter{}, db.PageRequest{Size: db.MaxPage, Sort: "name"})
	if err != nil {
		return desk.Desk{}, err
	}
	d := desk.Desk{
		Frame: h.Frame(c, web.T(c, "Request access")), Title: web.T(c, "Request access"), Lead: web.T(c, "For one of your apps. Ask for no more than it needs: a later request can widen it."),
		Crumbs: []components.Crumb{{Label: web.T(c, "APIs"), Href: "/apis"}, {Label: api.Name, Own: true, Href: "/apis/" + api.Slug}},
	}
	if f.App == "" {
		f.App = waitingApp(apps.Rows)
	}
	app := appField(c, apps.Rows, f.App, fields["app"])
	if others := othersAsk(c, apps.Rows); len(app.Options) == 0 && others != "" {
		d.Parts = []desk.Part{{Empty: &components.EmptyState{
			Title: web.T(c, "Somebody else requests access here"), Text: others + " " + web.T(c, "For an app in an organization of your own, you request it yourself."),
			Action: &components.Act{Label: web.T(c, "Create app"), Href: "/console/apps/new"},
		}}}
		return d, nil
	}
	if len(app.Options) == 0 {
		d.Parts = []desk.Part{{Empty: &components.EmptyState{
			Title: web.T(c, "Make an app first"), Text: web.T(c, "Access is given to an app: the program that will call the API."),
			Action: &components.Act{Label: web.T(c, "Create app"), Href: "/console/apps/new", Kind: components.Primary},
		}}}
		return d, nil
	}
	inputs := []desk.Input{
		desk.Select(app), desk.ScopeInput(requestScopes(c, api, f.Scopes, fields["scopes"])),
		dataRadios(components.Field{Name: "plan", Label: web.T(c, "Plan"), Error: fields["plan"], Value: chosenPlan(api.Plans, f.Plan), Options: planOptions(c, api.Plans, nil), Required: true}),
	}
	inputs = append(inputs, desk.Area(purposeField(c, api.Plans, f.Purpose, fields["purpose"])))
	if terms, err := prose(api.Terms, 2); err != nil {
		return d, err
	} else if terms != nil {
		inputs = append(inputs, desk.Input{Prose: terms}, desk.Check(components.Field{Name: "terms", Label: web.T(c, "I agree to these terms"), Checked: f.Terms != "", Error: fields["terms"], Required: true}))
	}
	d.Parts = []desk.Part{{Note: &desk.Note{Text: api.Name + " · " + api.Summary, Data: true}, Form: &desk.Form{
		Spec: components.FormSpec{Action: "/apis/" + api.Slug + "/request"}, Inputs: inputs,
		Submit: web.T(c, "Request access"), Kind: components.Primary, Cancel: "/apis/" + api.Slug,
	}}}
	return d, nil
}

// chosenPlan is the plan that the form names, or the first.
func chosenPlan(plans []catalog.Plan, named string) string {
	if named == "" && len(plans) > 0 {
		return plans[0].ID.Show(catalog.PlanPrefix)
	}
	return named
}

// purposeField asks what for. Somebody has to read it only where somebody decides; whether that is so depends on what else is chosen, and the store knows.
func purposeField(c echo.Context, plans []catalog.Plan, value, problem string) components.Field {
	f := components.Field{
		Name: "purpose", Label: web.T(c, "Purpose"), Value: value, Error: problem, Rows: 3, MaxLength: 1000, Required: true,
		Hint: web.T(c, "What the app does with it, in a sentence or two."),
	}
	if slices.ContainsFunc(plans, func(p catalog.Plan) bool { return !p.NeedsApproval }) {
		f.Required, f.Hint = false, web.T(c, "What the app does with it, in a sentence or two. Needed where the request waits for approval.")
	}
	return f
}

// whoAsks tells a member whose role can't ask for access who can, by organization.
var whoAsks = map[string]string{
	permission.Developer: text.N("You are a developer at %s. An admin or owner of it requests access."),
	permission.Viewer:    text.N("You are a viewer at %s. An admin or owner of it requests access."),
}

// othersAsk says who asks for the apps for which the reader can't; empty when there are none.
func othersAsk(c echo.Context, apps []org.AppRow) string {
	var said []string
	for _, a := range apps {
		if sentence := whoAsks[a.Role]; sentence != "" && !permission.Org(a.Role, permission.AccessRequest) {
			said = append(said, web.T(c, sentence, a.OrganizationName))
		}
	}
	slices.Sort(said)
	return strings.Join(slices.Compact(said), " ")
}

// waitingApp is the newest app for which the reader may ask and that has access to nothing yet: what they made to get it. "" for none.
func waitingApp(apps []org.AppRow) (id string) {
	var newest time.Time
	for _, a := range apps {
		if a.APIs == 0 && permission.Org(a.Role, permission.AccessRequest) && a.CreatedAt.After(newest) {
			id, newest = a.ID.Show(org.AppPrefix), a.CreatedAt
		}
	}
	return id
}

// appField offers the apps for which the reader may ask.
func appField(c echo.Context, apps []org.AppRow, named, problem string) components.Field {
	f := components.Field{Name: "app", Label: web.T(c, "App"), Value: named, Error: problem, Hint: othersAsk(c, apps), Attrs: noTranslate}
	for _, a := range apps {
		if permission.Org(a.Role, permission.AccessRequest) {
			f.Options = append(f.Options, components.Option{Value: a.ID.Show(org.AppPrefix), Label: a.Name + " · " + a.OrganizationName})
		}
	}
	return f
}

func requestScopes(c echo.Context, api catalog.Detail, ticked []string, problem string) components.Scopes {
	s := components.Scopes{Legend: web.T(c, "Scopes"), Name: "scopes", Error: problem, Hint: web.T(c, "Sensitive scopes always need approval.")}
	if api.IsPortal {
		s.Hint = web.T(c, "Leave all unticked to use what needs no scope.")
	}
	for _, scope := range api.Scopes {
		value := scope.ID.Show(catalog.ScopePrefix)
		item := components.ScopeChoice{Value: value, Scope: scope.Name, Sentence: scope.Sentence, Sensitive: scope.Sensitive, Checked: slices.Contains(ticked, value)}
		if api.IsPortal && scope.Name == catalog.VerifyScope {
			item.Note = web.T(c, "Only for organizations that publish an API.")
		}
		s.Items = append(s.Items, item)
	}
	return s
}

// Request asks for access.
func (h *Handler) Request(c echo.Context) error {
	var f requestForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	x, err := h.Store.Request(web.Ctx(c), web.Actor(c), c.Param("slug"), catalog.RequestInput{
		AppID: oneID(org.AppPrefix, f.App), PlanID: oneID(catalog.PlanPrefix, f.Plan),
		ScopeIDs: ids(catalog.ScopePrefix, f.Scopes), Purpose: f.Purpose, AgreesTerms: f.Terms != "",
	})
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.requestDesk(c, f, fields) })
	}
	if x.State == catalog.Approved {
		return h.Done(c, accessPath(x.ID), "Access is granted. Create a key to make the first call.")
	}
	return h.DoneMailed(c, accessPath(x.ID), "The request waits for approval. You get a mail when it is decided.", text.N("The request waits for approval. This page tells when it is decided."))
}
