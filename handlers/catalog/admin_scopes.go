package catalog

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/views/components"
	desk "github.com/gatehouse-dev/gatehouse/views/org"
)

type scopeForm struct {
	Scope     string `form:"scope"`
	Sentence  string `form:"sentence"`
	Sensitive string `form:"sensitive"`
}

func (f scopeForm) input() catalog.ScopeInput {
	return catalog.ScopeInput{Name: f.Scope, Sentence: f.Sentence, Sensitive: f.Sensitive != ""}
}

// Scopes shows the scopes of an API.
func (h *Handler) Scopes(c echo.Context) error {
	d, err := h.scopesDesk(c, scopeForm{}, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) scopesDesk(c echo.Context, f scopeForm, fields map[string]string) (desk.Desk, error) {
	api, err := h.detail(c)
	if err != nil {
		return desk.Desk{}, err
	}
	d := h.tabDesk(c, api.API, "/scopes")
	may := editable(c, api.API)
	t := desk.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Scopes"), Columns: []components.Column{{Label: web.T(c, "Scope")}, {Label: web.T(c, "What it allows")}, {Label: web.T(c, "State")}}}, Empty: web.T(c, "No scope yet. A key needs at least one to be of use.")}
	if may {
		t.Spec.Columns = append(t.Spec.Columns, components.Column{Label: web.T(c, "Actions"), Hidden: true})
	}
	for _, s := range api.Scopes {
		row := []desk.Cell{{Text: s.Name, Data: true, Code: true}, {Text: s.Sentence, Data: true, Wrap: true}, {Status: scopeStatus(c, s)}}
		if may && s.WithdrawnAt == nil {
			path := apiPath(api.ID) + "/scopes/" + s.ID.Show(catalog.ScopePrefix)
			acts := []components.Act{{Label: web.T(c, "Change scope"), Href: path}}
			if !api.IsPortal {
				acts = append(acts, components.Act{Label: web.T(c, "Withdraw scope"), Href: path + "/withdraw", Kind: components.Danger})
			}
			row = append(row, desk.Cell{Acts: acts, Labels: []string{web.T(c, "Change scope %s", s.Name), web.T(c, "Withdraw scope %s", s.Name)}})
		} else if may {
			row = append(row, desk.Cell{})
		}
		t.Rows = append(t.Rows, row)
	}
	d.Parts = []desk.Part{{Table: &t}}
	if may && !api.IsPortal {
		inputs := append([]desk.Input{desk.Line(components.Field{Name: "scope", Label: web.T(c, "Scope"), Value: f.Scope, Error: fields["scope"], Code: true, Required: true, Hint: web.T(c, "resource:action, such as orders:read. A name is never used again.")})}, scopeInputs(c, f, fields)...)
		d.Parts = append(d.Parts, desk.Part{Title: web.T(c, "Add scope"), ID: "add", Form: &desk.Form{Spec: components.FormSpec{Action: apiPath(api.ID) + "/scopes"}, Inputs: inputs, Submit: web.T(c, "Add scope"), Kind: components.Primary}})
	}
	return d, nil
}

func scopeStatus(c echo.Context, s catalog.Scope) *desk.Status {
	switch {
	case s.WithdrawnAt != nil:
		return &desk.Status{Tone: components.Off, Words: web.T(c, "Withdrawn")}
	case s.Sensitive:
		return &desk.Status{Tone: components.Warn, Words: web.T(c, "Sensitive")}
	}
	return &desk.Status{Tone: components.OK, Words: web.T(c, "Offered")}
}

func scopeInputs(c echo.Context, f scopeForm, fields map[string]string) []desk.Input {
	return []desk.Input{
		desk.Line(components.Field{Name: "sentence", Label: web.T(c, "What it allows"), Value: f.Sentence, Error: fields["sentence"], MaxLength: 200, Required: true, Hint: web.T(c, "A sentence that a person understands, such as: Read orders and their state.")}),
		desk.Check(components.Field{Name: "sensitive", Label: web.T(c, "Sensitive: always needs approval"), Checked: f.Sensitive != ""}),
	}
}

// AddScope adds one.
func (h *Handler) AddScope(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.Prefix)
	if err != nil {
		return err
	}
	var f scopeForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.AddScope(web.Ctx(c), web.Actor(c), id, f.input()); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.scopesDesk(c, f, fields) })
	}
	return h.Done(c, apiPath(id)+"/scopes", "The scope %s is there.", f.Scope)
}

// scope finds the scope of the path in its API.
func (h *Handler) scope(c echo.Context) (catalog.Detail, catalog.Scope, error) {
	api, err := h.detail(c)
	if err != nil {
		return api, catalog.Scope{}, err
	}
	for _, s := range api.Scopes {
		if s.ID.Show(catalog.ScopePrefix) == c.Param("part") && s.WithdrawnAt == nil {
			return api, s, nil
		}
	}
	return api, catalog.Scope{}, fault.Missing()
}

// EditScope shows the form.
func (h *Handler) EditScope(c echo.Context) error {
	d, err := h.scopeDesk(c, nil, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) scopeDesk(c echo.Context, f *scopeForm, fields map[string]string) (desk.Desk, error) {
	api, s, err := h.scope(c)
	if err != nil {
		return desk.Desk{}, err
	}
	if f == nil {
		f = &scopeForm{Sentence: s.Sentence}
		if s.Sensitive {
			f.Sensitive = "1"
		}
	}
	d := h.editDesk(c, api.API, web.T(c, "Change scope %s", s.Name), "/scopes")
	d.Parts = []desk.Part{{Form: &desk.Form{Spec: components.FormSpec{Action: apiPath(api.ID) + "/scopes/" + c.Param("part")}, Inputs: scopeInputs(c, *f, fields), Submit: web.T(c, "Save scope"), Kind: components.Primary, Cancel: apiPath(api.ID) + "/scopes"}}}
	return d, nil
}

// parts reads the ids of an API and of one of its parts.
func parts(c echo.Context, prefix string) (api, part db.ID, err error) {
	if api, err = web.PathID(c, "id", catalog.Prefix); err != nil {
		return api, part, err
	}
	part, err = web.PathID(c, "part", prefix)
	return api, part, err
}

// ChangeScope saves it.
func (h *Handler) ChangeScope(c echo.Context) error {
	id, part, err := parts(c, catalog.ScopePrefix)
	if err != nil {
		return err
	}
	var f scopeForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.ChangeScope(web.Ctx(c), web.Actor(c), id, part, f.input()); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.scopeDesk(c, &f, fields) })
	}
	return h.Done(c, apiPath(id)+"/scopes", "The scope is saved.")
}

// ConfirmWithdrawScope shows which keys it hits.
func (h *Handler) ConfirmWithdrawScope(c echo.Context) error {
	api, s, err := h.scope(c)
	if err != nil {
		return err
	}
	hits, err := h.Store.ScopeHits(web.Ctx(c), web.Actor(c), api.ID, s.ID)
	if err != nil {
		return err
	}
	d := h.editDesk(c, api.API, web.T(c, "Withdraw scope %s", s.Name), "/scopes")
	d.Parts = []desk.Part{{Danger: true, Title: web.T(c, "This can’t be undone"), Note: hitsNote(c, hits), Table: hitsTable(c, hits), Form: &desk.Form{
		Text: web.T(c, "The scope leaves every access and key at once. Routes that need it are refused until their rule is removed."),
		Spec: components.FormSpec{Action: apiPath(api.ID) + "/scopes/" + c.Param("part") + "/withdraw"}, Submit: web.T(c, "Withdraw scope"), Kind: components.Danger, Cancel: apiPath(api.ID) + "/scopes",
	}}}
	return h.Render(c, desk.Page(d))
}

// WithdrawScope ends it.
func (h *Handler) WithdrawScope(c echo.Context) error {
	id, part, err := parts(c, catalog.ScopePrefix)
	if err != nil {
		return err
	}
	if err := h.Store.WithdrawScope(web.Ctx(c), web.Actor(c), id, part); err != nil {
		return err
	}
	return h.Done(c, apiPath(id)+"/scopes", "The scope is withdrawn.")
}
