package catalog

import (
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/views/components"
	desk "github.com/gatehouse-dev/gatehouse/views/org"
)

type rulesForm struct {
	Rules   string `form:"rules"`
	Version string `form:"version_id"`
}

// Rules shows the route rules of an API.
func (h *Handler) Rules(c echo.Context) error {
	d, err := h.rulesDesk(c, rulesForm{}, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) rulesDesk(c echo.Context, f rulesForm, fields map[string]string) (desk.Desk, error) {
	api, err := h.detail(c)
	if err != nil {
		return desk.Desk{}, err
	}
	d := h.tabDesk(c, api.API, "/routes")
	may := editable(c, api.API)
	t := desk.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Route rules"), Columns: []components.Column{{Label: web.T(c, "Route")}, {Label: web.T(c, "Needs")}, {Label: web.T(c, "Cost"), Num: true}, {Label: web.T(c, "Version")}}}, Empty: web.T(c, "No route is declared.")}
	if may {
		t.Spec.Columns = append(t.Spec.Columns, components.Column{Label: web.T(c, "Actions"), Hidden: true})
	}
	for _, r := range api.Rules {
		route := r.Method + " " + r.PathTemplate
		row := []desk.Cell{{Text: route, Data: true, Code: true}, {Tags: []string{r.ScopeName}}, {Text: text.Number(web.Ctx(c), r.Cost)}, {Text: r.VersionName, Data: true}}
		if may {
			row = append(row, desk.Cell{Post: &desk.Post{Action: apiPath(api.ID) + "/routes/" + r.ID.Show(catalog.RulePrefix) + "/remove", Label: web.T(c, "Remove rule %s", route), Button: web.T(c, "Remove rule")}})
		}
		t.Rows = append(t.Rows, row)
	}
	undeclared := web.T(c, "Routes that no rule declares are open to every key of this API.")
	if api.RefusesUndeclared {
		undeclared = web.T(c, "Routes that no rule declares are refused.")
	}
	d.Parts = []desk.Part{{Text: undeclared, Note: costNote(c, api), Table: &t}}
	if may {
		d.Parts = append(d.Parts, desk.Part{Title: web.T(c, "Add rules"), ID: "add", Form: &desk.Form{Spec: components.FormSpec{Action: apiPath(api.ID) + "/routes"}, Inputs: ruleInputs(c, api, f, fields), Submit: web.T(c, "Add rules"), Kind: components.Primary}})
	}
	return d, nil
}

// costNote warns of routes that a plan never lets through, for they cost more than passes at once.
func costNote(c echo.Context, api catalog.Detail) *desk.Note {
	for _, r := range api.Rules {
		for _, p := range api.Plans {
			if p.RetiredAt == nil && int64(r.Cost) > p.Burst {
				return &desk.Note{Tone: components.Warn, Title: web.T(c, "A route costs more than a plan lets through at once"), Data: true, Text: web.T(c, "%[1]s costs %[2]s, and the burst of the plan %[3]s is %[4]s: its calls are always refused.",
					r.Method+" "+r.PathTemplate, text.Number(web.Ctx(c), r.Cost), p.Name, text.Number(web.Ctx(c), p.Burst))}
			}
		}
	}
	return nil
}

func ruleInputs(c echo.Context, api catalog.Detail, f rulesForm, fields map[string]string) []desk.Input {
	version := components.Field{Name: "version_id", Label: web.T(c, "Version"), Value: f.Version, Error: fields["version_id"], Hint: web.T(c, "When it is retired, these routes are refused."), Options: []components.Option{{Label: web.T(c, "Any")}}, Attrs: noTranslate}
	for _, v := range api.Versions {
		if v.State != catalog.Retired {
			version.Options = append(version.Options, components.Option{Value: v.ID.Show(catalog.VersionPrefix), Label: v.Name, Data: true})
		}
	}
	return []desk.Input{
		desk.Area(components.Field{Name: "rules", Label: web.T(c, "Rules"), Value: f.Rules, Error: fields["rules"], Rows: 8, Code: true, Required: true, Hint: web.T(c, "One a line: method, path and scope, such as GET /v2/orders/{id} orders:read. A number after them is what a call costs, of rate and quota; without one it costs 1."), Placeholder: "GET /v2/orders/{id} orders:read"}),
		desk.Select(version),
	}
}

// AddRules adds rules, one a line.
func (h *Handler) AddRules(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.Prefix)
	if err != nil {
		return err
	}
	var f rulesForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	var version db.ID
	if f.Version != "" {
		if version, err = db.ParseID(catalog.VersionPrefix, f.Version); err != nil {
			version = db.NewID() // none has it, and the store says so
		}
	}
	n, err := h.Store.AddRules(web.Ctx(c), web.Actor(c), id, version, f.Rules)
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) {
			fields["rules"] = eachOf(c, err, "rules")
			return h.rulesDesk(c, f, fields)
		})
	}
	return h.Done(c, apiPath(id)+"/routes", "Rules added: %s.", strconv.Itoa(n))
}

// eachOf is all that is wrong with one field: a line each may have its own.
func eachOf(c echo.Context, err error, field string) string {
	list, _, _ := web.Problems(c, err)
	var said []string
	for _, p := range list {
		if p.Field == field {
			said = append(said, p.Message)
		}
	}
	return strings.Join(said, " ")
}

// RemoveRule takes one away.
func (h *Handler) RemoveRule(c echo.Context) error {
	id, part, err := parts(c, catalog.RulePrefix)
	if err != nil {
		return err
	}
	if err := h.Store.RemoveRule(web.Ctx(c), web.Actor(c), id, part); err != nil {
		return err
	}
	return h.Done(c, apiPath(id)+"/routes", "The rule is removed.")
}
