package catalog

import (
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

const apisPath = "/admin/apis"

func apiPath(id db.ID) string { return apisPath + "/" + id.Show(catalog.Prefix) }

func mayPublish(c echo.Context) bool {
	return permission.Staff(web.Actor(c).StaffRole, permission.StaffAPIsManage)
}

// AdminAPIs lists every API.
func (h *Handler) AdminAPIs(c echo.Context) error {
	ctx := web.Ctx(c)
	search := c.QueryParam("q")
	rows, err := h.Store.All(ctx, web.Actor(c), search)
	if err != nil {
		return err
	}
	t := desk.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "APIs"), Columns: []components.Column{
		{Label: web.T(c, "API")}, {Label: web.T(c, "Publisher")}, {Label: web.T(c, "Data domain")}, {Label: web.T(c, "Seen by")}, {Label: web.T(c, "Scopes"), Num: true}, {Label: web.T(c, "Keys"), Num: true}, {Label: web.T(c, "Gateway")},
	}}, Empty: web.T(c, "No API matches.")}
	for _, r := range rows {
		t.Rows = append(t.Rows, []desk.Cell{
			{Text: r.Name, Data: true, Href: apiPath(r.ID), Hint: r.Slug, HData: true},
			{Text: r.PublisherName, Data: true},
			domainCell(c, r.API),
			{Text: web.T(c, visibilityWords[r.Visibility])},
			{Text: text.Number(ctx, r.ScopeCount), Num: true},
			{Text: text.Number(ctx, r.Keys), Num: true},
			{Status: h.gatewayStatus(c, r.API)},
		})
	}
	filter := components.Filter{Action: apisPath, Search: &components.Field{Name: "q", Label: web.T(c, "Search"), Value: search}}
	if search != "" {
		filter.ClearHref = apisPath
	}
	d := desk.Desk{Frame: h.Frame(c, web.T(c, "APIs")), Title: web.T(c, "APIs"), Lead: web.T(c, "What the catalogue offers, and what guards it."), Parts: []desk.Part{{Filter: &filter, Table: &t}}}
	if mayPublish(c) {
		d.Actions = []components.Act{{Label: web.T(c, "Add API"), Href: apisPath + "/new", Kind: components.Primary}}
	}
	return h.Render(c, desk.Page(d))
}

func domainCell(c echo.Context, api catalog.API) desk.Cell {
	if api.IsPortal {
		return desk.Cell{Text: web.T(c, "Any")}
	}
	return desk.Cell{Text: api.DataDomain, Data: true}
}

// gatewayStatus tells whether a gateway asks about an API.
func (h *Handler) gatewayStatus(c echo.Context, api catalog.API) *desk.Status {
	switch {
	case api.RetiredAt != nil:
		return &desk.Status{Tone: components.Off, Words: web.T(c, "Retired")}
	case api.IsPortal:
		return &desk.Status{Tone: components.OK, Words: web.T(c, "Built in")}
	}
	s := &desk.Status{Tone: components.OK, Words: web.T(c, "Connected")}
	if api.FirstCheckedAt == nil {
		s = &desk.Status{Tone: components.Warn, Words: web.T(c, "Not connected")}
	}
	switch in := api.ReportsIn(h.Now()); {
	case len(in) == 2:
		s.Also = &desk.Status{Tone: components.Warn, Words: web.T(c, "Report-only")}
	case len(in) == 1 && in[0] == catalog.EnvTest:
		s.Also = &desk.Status{Tone: components.Warn, Words: web.T(c, "Report-only in test")}
	case len(in) == 1:
		s.Also = &desk.Status{Tone: components.Warn, Words: web.T(c, "Report-only in live")}
	}
	return s
}

type apiForm struct {
	Slug        string   `form:"slug"`
	Name        string   `form:"name"`
	Publisher   string   `form:"publisher"`
	Summary     string   `form:"summary"`
	Description string   `form:"description"`
	DataDomain  string   `form:"data_domain"`
	Visibility  string   `form:"visibility"`
	Invited     []string `form:"invited"`
	Refuses     string   `form:"refuses_undeclared"`
	Version     string   `form:"version"`
	State       string   `form:"state"`
}

func (f apiForm) input() catalog.Input {
	return catalog.Input{
		Slug: f.Slug, Name: f.Name, PublisherID: oneID(org.Prefix, f.Publisher), Summary: f.Summary, Description: f.Description, DataDomain: f.DataDomain,
		Visibility: f.Visibility, InvitedIDs: ids(org.Prefix, f.Invited), RefusesUndeclared: f.Refuses != "",
	}
}

func formOf(d catalog.Detail) apiForm {
	f := apiForm{Slug: d.Slug, Name: d.Name, Publisher: d.PublisherID.Show(org.Prefix), Summary: d.Summary, Description: d.Description, DataDomain: d.DataDomain, Visibility: d.Visibility}
	if d.RefusesUndeclared {
		f.Refuses = "1"
	}
	for _, o := range d.Invited {
		f.Invited = append(f.Invited, o.ID.Show(org.Prefix))
	}
	return f
}

// apiInputs are the facts of an API; fixed ones of the portal's own can only be read.
func (h *Handler) apiInputs(c echo.Context, f apiForm, portal, slugFixed bool, fields map[string]string) ([]desk.Input, error) {
	all, err := h.Store.Publishers(web.Ctx(c), web.Actor(c))
	if err != nil {
		return nil, err
	}
	publisher := components.Field{Name: "publisher", Label: web.T(c, "Publisher"), Value: f.Publisher, Error: fields["publisher"], Attrs: noTranslate, Disabled: portal, Hint: web.T(c, "The organization whose gateways may ask about keys for this API.")}
	invited := components.Field{Name: "invited", Label: web.T(c, "Invited organizations"), Error: fields["invited"], Hint: web.T(c, "Counts when invited organizations see this API.")}
	ticked := map[string]bool{}
	for _, id := range f.Invited {
		ticked[id] = true
	}
	for _, o := range all {
		value := o.ID.Show(org.Prefix)
		publisher.Options = append(publisher.Options, components.Option{Value: value, Label: o.Name})
		invited.Options = append(invited.Options, components.Option{Value: value, Label: o.Name, Selected: ticked[value]})
	}
	visibility := components.Field{Name: "visibility", Label: web.T(c, "Seen by"), Value: f.Visibility, Error: fields["visibility"]}
	for _, v := range []string{catalog.Public, catalog.SignedIn, catalog.Invited} {
		visibility.Options = append(visibility.Options, components.Option{Value: v, Label: web.T(c, visibilityWords[v])})
	}
	inputs := []desk.Input{
		desk.Line(components.Field{Name: "name", Label: web.T(c, "Name"), Value: f.Name, Error: fields["name"], MaxLength: org.MaxName, Required: true}),
		desk.Line(components.Field{Name: "slug", Label: web.T(c, "Slug"), Value: f.Slug, Error: fields["slug"], MaxLength: 40, Required: true, Code: true, ReadOnly: portal || slugFixed, Hint: web.T(c, "Names the API in addresses and to gateways, such as orders.")}),
		desk.Select(publisher),
		desk.Line(components.Field{Name: "summary", Label: web.T(c, "Summary"), Value: f.Summary, Error: fields["summary"], MaxLength: 200, Optional: true, Hint: web.T(c, "One sentence, for the catalogue.")}),
		desk.Area(components.Field{Name: "description", Label: web.T(c, "Description"), Value: f.Description, Error: fields["description"], Rows: 8, Optional: true, Hint: web.T(c, "Markdown.")}),
		desk.Radios(visibility), desk.Many(invited),
		desk.Check(components.Field{Name: "refuses_undeclared", Label: web.T(c, "Refuse routes that no rule declares"), Checked: f.Refuses != "", Hint: web.T(c, "Else a route without a rule is open to every key of this API.")}),
	}
	if !portal {
		domain := desk.Line(components.Field{
			Name: "data_domain", Label: web.T(c, "Data domain"), Value: f.DataDomain, Error: fields["data_domain"], MaxLength: 40, Required: true, Code: true,
			Hint: web.T(c, "Whose data it holds, such as customer or employee. A key never reaches across domains."),
		})
		inputs = append(inputs[:3], append([]desk.Input{domain}, inputs[3:]...)...)
	}
	return inputs, nil
}

// NewAPI shows the form.
func (h *Handler) NewAPI(c echo.Context) error {
	d, err := h.newAPIDesk(c, apiForm{Visibility: catalog.Public, Refuses: "1", Version: "v1", State: catalog.Live}, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) newAPIDesk(c echo.Context, f apiForm, fields map[string]string) (desk.Desk, error) {
	inputs, err := h.apiInputs(c, f, false, false, fields)
	if err != nil {
		return desk.Desk{}, err
	}
	inputs = append(inputs, versionInputs(c, f.Version, f.State, fields)...)
	return desk.Desk{
		Frame: h.Frame(c, web.T(c, "Add API")), Title: web.T(c, "Add API"), Lead: web.T(c, "Its scopes, route rules and plans come next."), Crumbs: []components.Crumb{{Label: web.T(c, "APIs"), Href: apisPath}},
		Parts: []desk.Part{{Form: &desk.Form{Spec: components.FormSpec{Action: apisPath + "/new"}, Inputs: inputs, Submit: web.T(c, "Add API"), Kind: components.Primary, Cancel: apisPath}}},
	}, nil
}

// CreateAPI adds one.
func (h *Handler) CreateAPI(c echo.Context) error {
	var f apiForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	api, err := h.Store.Create(web.Ctx(c), web.Actor(c), f.input(), catalog.VersionInput{Name: f.Version, State: f.State})
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.newAPIDesk(c, f, fields) })
	}
	return h.Done(c, apiPath(api.ID)+"/scopes", "The API %s is there. Add its scopes, then a plan.", api.Name)
}

// tabs are the parts of an API's pages.
var tabs = [][2]string{
	{"", text.N("Facts")},
	{"/versions", text.N("Versions")},
	{"/environments", text.N("Addresses")},
	{"/scopes", text.N("Scopes")},
	{presetsTab, text.N("Presets")},
	{"/routes", text.N("Routes")},
	{"/plans", text.N("Plans")},
	{"/terms", text.N("Terms")},
	{"/connect", text.N("Connect")},
}

func apiTabs(c echo.Context, api catalog.API, current string) []components.Tab {
	var out []components.Tab
	for _, t := range tabs {
		if api.IsPortal && t[0] == "/connect" {
			continue
		}
		out = append(out, components.Tab{Label: web.T(c, t[1]), Href: apiPath(api.ID) + t[0], Current: t[0] == current})
	}
	return out
}

// detail reads the API of the path.
func (h *Handler) detail(c echo.Context) (catalog.Detail, error) {
	ctx := web.Ctx(c)
	id, err := web.PathID(c, "id", catalog.Prefix)
	if err != nil {
		return catalog.Detail{}, err
	}
	return h.Store.ByID(ctx, web.Actor(c), id)
}

// tabDesk begins a page of an API.
func (h *Handler) tabDesk(c echo.Context, api catalog.API, current string) desk.Desk {
	return desk.Desk{
		Frame: h.Frame(c, api.Name), Title: api.Name, DataTitle: true, Meta: api.Slug, Status: h.gatewayStatus(c, api), Crumbs: []components.Crumb{{Label: web.T(c, "APIs"), Href: apisPath}},
		TabsLabel: web.T(c, "Parts of this API"), Tabs: apiTabs(c, api, current),
	}
}

// editable reports whether the reader may change the API now.
func editable(c echo.Context, api catalog.API) bool { return mayPublish(c) && api.RetiredAt == nil }

// AdminAPI shows the facts of an API.
func (h *Handler) AdminAPI(c echo.Context) error {
	d, err := h.apiDesk(c, nil, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) apiDesk(c echo.Context, f *apiForm, fields map[string]string) (desk.Desk, error) {
	api, err := h.detail(c)
	if err != nil {
		return desk.Desk{}, err
	}
	d := h.tabDesk(c, api.API, "")
	if api.RetiredAt == nil {
		d.Actions = []components.Act{{Label: web.T(c, "Show in catalogue"), Href: "/apis/" + api.Slug}}
	}
	if permission.Staff(web.Actor(c).StaffRole, permission.StaffPolicyRead) {
		d.Actions = append(d.Actions, components.Act{Label: web.T(c, "Policy for its keys"), Href: "/admin/policy/" + api.ID.Show("api")})
	}
	if !editable(c, api.API) {
		d.Parts = []desk.Part{{Facts: apiFacts(c, api)}}
		return d, nil
	}
	if f == nil {
		own := formOf(api)
		f = &own
	}
	inputs, err := h.apiInputs(c, *f, api.IsPortal, api.FirstCheckedAt != nil, fields)
	if err != nil {
		return d, err
	}
	d.Parts = []desk.Part{{Form: &desk.Form{Spec: components.FormSpec{Action: apiPath(api.ID)}, Inputs: inputs, Submit: web.T(c, "Save facts"), Kind: components.Primary}}}
	if !api.IsPortal {
		d.Parts = append(d.Parts, desk.Part{
			Title: web.T(c, "Retire API"), ID: "retire", Text: web.T(c, "All access to it ends and it leaves the catalogue. This can’t be undone."),
			Actions: []components.Act{{Label: web.T(c, "Retire API"), Href: apiPath(api.ID) + "/retire", Kind: components.Danger}},
		})
	}
	return d, nil
}

func apiFacts(c echo.Context, d catalog.Detail) []desk.Fact {
	undeclared := web.T(c, "Open to every key of this API")
	if d.RefusesUndeclared {
		undeclared = web.T(c, "Refused")
	}
	return []desk.Fact{
		{Term: web.T(c, "Publisher"), Value: d.PublisherName, Data: true},
		{Term: web.T(c, "Data domain"), Value: d.DataDomain, Data: true},
		{Term: web.T(c, "Summary"), Value: d.Summary, Data: true},
		{Term: web.T(c, "Seen by"), Value: web.T(c, visibilityWords[d.Visibility])},
		{Term: web.T(c, "Routes that no rule declares"), Value: undeclared},
	}
}

// ChangeAPI saves the facts.
func (h *Handler) ChangeAPI(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.Prefix)
	if err != nil {
		return err
	}
	var f apiForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.Change(web.Ctx(c), web.Actor(c), id, f.input()); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.apiDesk(c, &f, fields) })
	}
	return h.Done(c, apiPath(id), "The facts are saved.")
}
