package catalog

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/views/components"
	desk "github.com/gatehouse-dev/gatehouse/views/org"
)

// hitsNote says how many keys something hits.
func hitsNote(c echo.Context, hits catalog.Hits) *desk.Note {
	if hits.Keys == 0 {
		return &desk.Note{Title: web.T(c, "It hits no key.")}
	}
	return &desk.Note{Tone: components.Warn, Title: web.T(c, "It hits %d keys.", int(hits.Keys)), Text: web.T(c, "They made %s calls to this API in the last 24 hours.", text.Number(web.Ctx(c), hits.Calls))}
}

// hitsTable lists the keys that something hits; nil for none.
func hitsTable(c echo.Context, hits catalog.Hits) *desk.Table {
	if hits.Keys == 0 {
		return nil
	}
	t := desk.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Keys that it hits"), Columns: []components.Column{
		{Label: web.T(c, "Key")}, {Label: web.T(c, "Hint")}, {Label: web.T(c, "App")}, {Label: web.T(c, "Organization")}, {Label: web.T(c, "Calls, 24 h"), Num: true},
	}}}
	for _, k := range hits.First {
		t.Rows = append(t.Rows, []desk.Cell{
			{Text: k.Name, Data: true, Href: "/admin/keys/" + k.ID.Show(key.IDPrefix)},
			{Text: k.Prefix + "…" + k.LastFour, Data: true, Code: true},
			{Text: k.AppName, Data: true},
			{Text: k.OrganizationName, Data: true},
			{Text: text.Number(web.Ctx(c), k.Calls), Num: true},
		})
	}
	return &t
}

type confirmForm struct {
	Confirm string `form:"confirm"`
}

// ConfirmRetireAPI shows which keys it hits, and asks for the name.
func (h *Handler) ConfirmRetireAPI(c echo.Context) error {
	d, err := h.retireDesk(c, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) retireDesk(c echo.Context, fields map[string]string) (desk.Desk, error) {
	api, err := h.detail(c)
	if err != nil {
		return desk.Desk{}, err
	}
	hits, err := h.Store.APIHits(web.Ctx(c), web.Actor(c), api.ID)
	if err != nil {
		return desk.Desk{}, err
	}
	d := h.editDesk(c, api.API, web.T(c, "Retire API"), "")
	d.Parts = []desk.Part{{Danger: true, Title: web.T(c, "This can’t be undone"), Note: hitsNote(c, hits), Table: hitsTable(c, hits), Form: &desk.Form{
		Text:   web.T(c, "All access to it ends, requests for it are refused, and it leaves the catalogue."),
		Spec:   components.FormSpec{Action: apiPath(api.ID) + "/retire"},
		Inputs: []desk.Input{desk.Line(components.Field{Name: "confirm", Label: web.T(c, "Name"), Hint: web.T(c, "Type the name exactly: %s", api.Name), Error: fields["confirm"], Autocomplete: "off", Required: true})},
		Submit: web.T(c, "Retire API"), Kind: components.Danger, Cancel: apiPath(api.ID),
	}}}
	return d, nil
}

// RetireAPI ends it.
func (h *Handler) RetireAPI(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.Prefix)
	if err != nil {
		return err
	}
	var f confirmForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.Retire(web.Ctx(c), web.Actor(c), id, f.Confirm); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.retireDesk(c, fields) })
	}
	return h.Done(c, apisPath, "The API %s is retired.", f.Confirm)
}
