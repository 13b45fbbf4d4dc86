package catalog

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/views/components"
	desk "github.com/gatehouse-dev/gatehouse/views/org"
)

type environmentForm struct {
	Environment string `form:"environment"`
	BaseURL     string `form:"base_url"`
	Method      string `form:"example_method"`
	Path        string `form:"example_path"`
	Body        string `form:"example_body"`
}

// Environments shows where an API is reached.
func (h *Handler) Environments(c echo.Context) error {
	d, err := h.environmentsDesk(c, nil, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) environmentsDesk(c echo.Context, f *environmentForm, fields map[string]string) (desk.Desk, error) {
	api, err := h.detail(c)
	if err != nil {
		return desk.Desk{}, err
	}
	d := h.tabDesk(c, api.API, "/environments")
	for _, name := range []string{catalog.EnvLive, catalog.EnvTest} {
		own := environmentForm{Environment: name, Method: "GET"}
		curl := ""
		for _, e := range api.Environments {
			if e.Environment == name {
				own = environmentForm{name, e.BaseURL, e.ExampleMethod, e.ExamplePath, e.ExampleBody}
				curl = e.Curl(Placeholder)
			}
		}
		p := desk.Part{Title: web.T(c, environmentWords[name]), ID: name}
		if !editable(c, api.API) || api.IsPortal {
			p.Facts = []desk.Fact{{Term: web.T(c, "Base URL"), Value: own.BaseURL, Data: true, Code: true}}
			if curl != "" {
				p.Code = &components.CodeBlock{Title: "curl · " + p.Title, Text: curl}
			}
			d.Parts = append(d.Parts, p)
			continue
		}
		problems := map[string]string{}
		if f != nil && f.Environment == name {
			own, problems = *f, fields
		}
		p.Form = &desk.Form{
			Spec:   components.FormSpec{Action: apiPath(api.ID) + "/environments", Hidden: []components.Hidden{{Name: "environment", Value: name}}, Label: web.T(c, environmentWords[name])},
			Inputs: environmentInputs(c, own, problems), Submit: saveEnvironment(c, name), Kind: primaryWhen(name == catalog.EnvLive),
		}
		d.Parts = append(d.Parts, p)
	}
	return d, nil
}

func saveEnvironment(c echo.Context, name string) string {
	if name == catalog.EnvLive {
		return web.T(c, "Save live addresses")
	}
	return web.T(c, "Save test addresses")
}

func primaryWhen(yes bool) components.Kind {
	if yes {
		return components.Primary
	}
	return components.Plain
}

// environmentInputs have ids of their own, because a page holds two of the form.
func environmentInputs(c echo.Context, f environmentForm, fields map[string]string) []desk.Input {
	id := func(name string) string {
		if fields[name] != "" { // the summary's link finds it
			return components.FieldID(name)
		}
		return components.FieldID(f.Environment + "-" + name)
	}
	method := components.Field{Name: "example_method", ID: id("example_method"), Label: web.T(c, "Method of the example call"), Value: f.Method, Error: fields["example_method"]}
	for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"} {
		method.Options = append(method.Options, components.Option{Value: m, Label: m, Data: true})
	}
	method.Attrs = noTranslate
	return []desk.Input{
		desk.Line(components.Field{Name: "base_url", ID: id("base_url"), Type: "url", Label: web.T(c, "Base URL"), Value: f.BaseURL, Error: fields["base_url"], Code: true, Optional: true, Hint: web.T(c, "Where developers reach it. Empty: not in this environment."), Placeholder: "https://"}),
		desk.Select(method),
		desk.Line(components.Field{Name: "example_path", ID: id("example_path"), Label: web.T(c, "Path of the example call"), Value: f.Path, Error: fields["example_path"], Code: true, Optional: true, Hint: web.T(c, "Choose a call that only reads, such as /v2/orders?limit=10.")}),
		desk.Area(components.Field{Name: "example_body", ID: id("example_body"), Label: web.T(c, "Body of the example call"), Value: f.Body, Error: fields["example_body"], Code: true, Optional: true, Rows: 3, Hint: web.T(c, "JSON.")}),
	}
}

// SetEnvironment saves one environment.
func (h *Handler) SetEnvironment(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.Prefix)
	if err != nil {
		return err
	}
	var f environmentForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.SetEnvironment(web.Ctx(c), web.Actor(c), id, catalog.Environment{Environment: f.Environment, BaseURL: f.BaseURL, ExampleMethod: f.Method, ExamplePath: f.Path, ExampleBody: f.Body}); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.environmentsDesk(c, &f, fields) })
	}
	return h.Done(c, apiPath(id)+"/environments", "The addresses are saved.")
}

type termsForm struct {
	Terms string `form:"terms"`
}

// Terms shows what a requester agrees to.
func (h *Handler) Terms(c echo.Context) error {
	d, err := h.termsDesk(c, nil, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) termsDesk(c echo.Context, f *termsForm, fields map[string]string) (desk.Desk, error) {
	api, err := h.detail(c)
	if err != nil {
		return desk.Desk{}, err
	}
	d := h.tabDesk(c, api.API, "/terms")
	if !editable(c, api.API) {
		d.Parts = []desk.Part{{Text: web.T(c, "No terms: nothing is agreed to.")}}
		if rendered, err := prose(api.Terms, 2); err != nil {
			return d, err
		} else if rendered != nil {
			d.Parts = []desk.Part{{Prose: rendered}}
		}
		return d, nil
	}
	if f == nil {
		f = &termsForm{api.Terms}
	}
	d.Parts = []desk.Part{{Form: &desk.Form{
		Text: web.T(c, "Who requests access agrees to these. A change is a new version; access that is there stays."), Spec: components.FormSpec{Action: apiPath(api.ID) + "/terms"},
		Inputs: []desk.Input{desk.Area(components.Field{Name: "terms", Label: web.T(c, "Terms"), Value: f.Terms, Error: fields["terms"], Rows: 14, Optional: true, Hint: web.T(c, "Markdown.")})}, Submit: web.T(c, "Save terms"), Kind: components.Primary,
	}}}
	return d, nil
}

// SetTerms saves them.
func (h *Handler) SetTerms(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.Prefix)
	if err != nil {
		return err
	}
	var f termsForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.SetTerms(web.Ctx(c), web.Actor(c), id, f.Terms); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.termsDesk(c, &f, fields) })
	}
	return h.Done(c, apiPath(id)+"/terms", "The terms are saved.")
}
