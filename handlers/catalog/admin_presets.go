package catalog

import (
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/views/components"
	desk "github.com/gatehouse-dev/gatehouse/views/org"
)

const presetsTab = "/presets"

type presetForm struct {
	Preset  string   `form:"preset"`
	Purpose string   `form:"purpose"`
	Scopes  []string `form:"scopes"`
	Seen    string   `form:"seen"`  // when the preset was changed last, as the form's reader saw it
	Above   string   `form:"above"` // the preset that stood right above it
}

func (f presetForm) input() catalog.PresetInput {
	return catalog.PresetInput{Name: f.Preset, Purpose: f.Purpose, ScopeIDs: ids(catalog.ScopePrefix, f.Scopes)}
}

// seen is the version of which the form speaks; one that is none is that of no preset.
func (f presetForm) seen() time.Time {
	n, err := strconv.ParseInt(f.Seen, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMicro(n)
}

func presetPath(api catalog.API, p catalog.Preset) string {
	return apiPath(api.ID) + presetsTab + "/" + p.ID.Show(catalog.PresetPrefix)
}

// Presets shows the presets of an API.
func (h *Handler) Presets(c echo.Context) error {
	d, err := h.presetsDesk(c, presetForm{}, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) presetsDesk(c echo.Context, f presetForm, fields map[string]string) (desk.Desk, error) {
	api, err := h.detail(c)
	if err != nil {
		return desk.Desk{}, err
	}
	d := h.tabDesk(c, api.API, presetsTab)
	may := editable(c, api.API)
	t := desk.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Presets"), Columns: []components.Column{{Label: web.T(c, "Preset")}, {Label: web.T(c, "Scopes")}, {Label: web.T(c, "State")}}}, Empty: web.T(c, "No preset yet. Whoever makes a key ticks its scopes one by one.")}
	if may {
		t.Spec.Columns = append(t.Spec.Columns, components.Column{Label: web.T(c, "Actions"), Hidden: true})
	}
	for i, p := range api.Presets {
		row := []desk.Cell{{Text: p.Name, Data: true, Hint: p.Purpose, HData: true, Wrap: true}, {Tags: catalog.ScopeNames(p.Offered()), Hint: leftOut(c, p), Wrap: true}, {Status: presetStatus(c, p)}}
		if may {
			row = append(row, presetActs(c, api, i))
		}
		t.Rows = append(t.Rows, row)
	}
	d.Parts = []desk.Part{{Text: web.T(c, "A preset ticks the scopes that one kind of program needs, on the form that makes a key. It never ticks what the app’s access does not carry."), Table: &t}}
	if may && len(catalog.Preset{Scopes: api.Scopes}.Offered()) > 0 {
		d.Parts = append(d.Parts, desk.Part{Title: web.T(c, "Add preset"), ID: "add", Form: &desk.Form{Spec: components.FormSpec{Action: apiPath(api.ID) + presetsTab}, Inputs: presetInputs(c, api, f, fields), Submit: web.T(c, "Add preset"), Kind: components.Primary}})
	}
	return d, nil
}

// presetActs are what can be done to the preset at place i.
func presetActs(c echo.Context, api catalog.Detail, i int) desk.Cell {
	p := api.Presets[i]
	path := presetPath(api.API, p)
	cell := desk.Cell{
		Acts:   []components.Act{{Label: web.T(c, "Change preset"), Href: path}, {Label: web.T(c, "Delete preset"), Href: path + "/delete", Kind: components.Danger}},
		Labels: []string{web.T(c, "Change preset %s", p.Name), web.T(c, "Delete preset %s", p.Name)},
	}
	if i > 0 {
		above := api.Presets[i-1].ID.Show(catalog.PresetPrefix)
		cell.Post = &desk.Post{Action: path + "/up", Label: web.T(c, "Move preset %s up", p.Name), Button: web.T(c, "Move up"), Hidden: []components.Hidden{{Name: "above", Value: above}}}
	}
	return cell
}

// leftOut says which scopes a preset held that were withdrawn.
func leftOut(c echo.Context, p catalog.Preset) string {
	gone := p.Withdrawn()
	if len(gone) == 0 {
		return ""
	}
	return web.T(c, "Left out because withdrawn: %s", strings.Join(catalog.ScopeNames(gone), ", "))
}

func presetStatus(c echo.Context, p catalog.Preset) *desk.Status {
	switch {
	case len(p.Offered()) == 0:
		return &desk.Status{Tone: components.Off, Words: web.T(c, "Not offered")}
	case len(p.Withdrawn()) > 0:
		return &desk.Status{Tone: components.Warn, Words: web.T(c, "Offered in part")}
	}
	return &desk.Status{Tone: components.OK, Words: web.T(c, "Offered")}
}

// presetInputs are the fields of a preset. A scope that it held and that was withdrawn stands there to be seen.
func presetInputs(c echo.Context, api catalog.Detail, f presetForm, fields map[string]string) []desk.Input {
	scopes := components.Scopes{Legend: web.T(c, "Scopes"), Name: "scopes", Error: fields["scopes"], Hint: web.T(c, "What this kind of program needs, and no more.")}
	ticked := map[string]bool{}
	for _, s := range f.Scopes {
		ticked[s] = true
	}
	for _, s := range api.Scopes {
		value := s.ID.Show(catalog.ScopePrefix)
		item := components.ScopeChoice{Value: value, Scope: s.Name, Sentence: s.Sentence, Sensitive: s.Sensitive, Checked: ticked[value]}
		if s.WithdrawnAt != nil {
			if !item.Checked {
				continue
			}
			item.Checked, item.Disabled, item.Note = false, true, web.T(c, "Withdrawn. It leaves the preset when you save.")
		}
		scopes.Items = append(scopes.Items, item)
	}
	return []desk.Input{
		desk.Line(components.Field{Name: "preset", Label: web.T(c, "Name"), Value: f.Preset, Error: fields["preset"], MaxLength: org.MaxName, Required: true, Hint: web.T(c, "What kind of program it is for, such as “Reporting”.")}),
		desk.Line(components.Field{Name: "purpose", Label: web.T(c, "What for"), Value: f.Purpose, Error: fields["purpose"], MaxLength: catalog.MaxPurpose, Required: true, Hint: web.T(c, "One sentence, such as: Reads orders for a report and changes nothing.")}),
		desk.ScopeInput(scopes),
	}
}

// AddPreset adds one.
func (h *Handler) AddPreset(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.Prefix)
	if err != nil {
		return err
	}
	var f presetForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.AddPreset(web.Ctx(c), web.Actor(c), id, f.input()); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.presetsDesk(c, f, fields) })
	}
	return h.Done(c, apiPath(id)+presetsTab, "The preset %s is there.", f.Preset)
}

// preset finds the preset of the path in its API.
func (h *Handler) preset(c echo.Context) (catalog.Detail, catalog.Preset, error) {
	api, err := h.detail(c)
	if err != nil {
		return api, catalog.Preset{}, err
	}
	for _, p := range api.Presets {
		if p.ID.Show(catalog.PresetPrefix) == c.Param("part") {
			return api, p, nil
		}
	}
	return api, catalog.Preset{}, fault.Missing()
}

func seenOf(p catalog.Preset) []components.Hidden {
	return []components.Hidden{{Name: "seen", Value: strconv.FormatInt(p.UpdatedAt.UnixMicro(), 10)}}
}

// EditPreset shows the form.
func (h *Handler) EditPreset(c echo.Context) error {
	d, err := h.presetDesk(c, nil, nil, nil)
	return h.RenderDesk(c, d, err)
}

// presetDesk is the form: with f, or with the preset as it is. stale is why what was sent was not saved, when somebody else was quicker.
func (h *Handler) presetDesk(c echo.Context, f *presetForm, fields map[string]string, stale error) (desk.Desk, error) {
	api, p, err := h.preset(c)
	if err != nil {
		return desk.Desk{}, err
	}
	now := presetForm{Preset: p.Name, Purpose: p.Purpose}
	for _, s := range p.Scopes {
		now.Scopes = append(now.Scopes, s.ID.Show(catalog.ScopePrefix))
	}
	if f == nil {
		f = &now
	}
	d := h.editDesk(c, api.API, web.T(c, "Change preset %s", p.Name), presetsTab)
	part := desk.Part{Form: &desk.Form{
		Text:   web.T(c, "Keys that were made with it keep the scopes that they hold."),
		Spec:   components.FormSpec{Action: presetPath(api.API, p), Hidden: seenOf(p)},
		Inputs: presetInputs(c, api, *f, fields), Submit: web.T(c, "Save preset"), Kind: components.Primary, Cancel: apiPath(api.ID) + presetsTab,
	}}
	if fields != nil && stale == nil { // what was wrong is mended on the version that the form is about
		part.Form.Spec.Hidden = []components.Hidden{{Name: "seen", Value: f.Seen}}
	}
	if stale != nil {
		part.Note = staleNote(c, p)
	}
	d.Parts = []desk.Part{part}
	return d, nil
}

// staleNote says what a preset is after somebody else changed it.
func staleNote(c echo.Context, p catalog.Preset) *desk.Note {
	return &desk.Note{
		Tone: components.Warn, Title: web.T(c, "Somebody changed this preset while you had the form open"),
		Text: web.T(c, "It is now: %[1]s. %[2]s Scopes: %[3]s. Nothing of yours is saved yet. What you send now replaces that.", p.Name, p.Purpose, strings.Join(catalog.ScopeNames(p.Offered()), ", ")),
	}
}

func isStale(err error) bool {
	f := fault.As(err)
	return f != nil && f.Code == db.CodeChanged
}

// ChangePreset saves it, unless somebody else changed it since the form was opened.
func (h *Handler) ChangePreset(c echo.Context) error {
	id, part, err := parts(c, catalog.PresetPrefix)
	if err != nil {
		return err
	}
	var f presetForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	err = h.Store.ChangePreset(db.WithVersion(web.Ctx(c), f.seen()), web.Actor(c), id, part, f.input())
	if isStale(err) {
		d, failed := h.presetDesk(c, &f, nil, err)
		if failed != nil {
			return failed
		}
		return h.RenderStatus(c, web.Status(err), desk.Page(d))
	}
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.presetDesk(c, &f, fields, nil) })
	}
	return h.Done(c, apiPath(id)+presetsTab, "The preset is saved.")
}

// MovePreset moves it up by one place.
func (h *Handler) MovePreset(c echo.Context) error {
	id, part, err := parts(c, catalog.PresetPrefix)
	if err != nil {
		return err
	}
	var f presetForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.MovePreset(web.Ctx(c), web.Actor(c), id, part, oneID(catalog.PresetPrefix, f.Above)); err != nil {
		return err
	}
	return h.Done(c, apiPath(id)+presetsTab, "The preset is moved.")
}

// ConfirmDeletePreset shows what goes.
func (h *Handler) ConfirmDeletePreset(c echo.Context) error {
	d, err := h.deletePresetDesk(c, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) deletePresetDesk(c echo.Context, stale error) (desk.Desk, error) {
	api, p, err := h.preset(c)
	if err != nil {
		return desk.Desk{}, err
	}
	d := h.editDesk(c, api.API, web.T(c, "Delete preset %s", p.Name), presetsTab)
	part := desk.Part{
		Danger: true, Title: web.T(c, "The form that makes a key offers it no longer"),
		Facts: []desk.Fact{{Term: web.T(c, "What for"), Value: p.Purpose, Data: true}, {Term: web.T(c, "Scopes"), Tags: catalog.ScopeNames(p.Scopes)}},
		Form: &desk.Form{
			Text: web.T(c, "Keys that were made with it keep the scopes that they hold."),
			Spec: components.FormSpec{Action: presetPath(api.API, p) + "/delete", Hidden: seenOf(p)}, Submit: web.T(c, "Delete preset"), Kind: components.Danger, Cancel: apiPath(api.ID) + presetsTab,
		},
	}
	if stale != nil {
		part.Note = staleNote(c, p)
	}
	d.Parts = []desk.Part{part}
	return d, nil
}

// DeletePreset deletes it, unless somebody else changed it since the page was opened.
func (h *Handler) DeletePreset(c echo.Context) error {
	id, part, err := parts(c, catalog.PresetPrefix)
	if err != nil {
		return err
	}
	var f presetForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	err = h.Store.DeletePreset(db.WithVersion(web.Ctx(c), f.seen()), web.Actor(c), id, part)
	if isStale(err) {
		d, failed := h.deletePresetDesk(c, err)
		if failed != nil {
			return failed
		}
		return h.RenderStatus(c, web.Status(err), desk.Page(d))
	}
	if err != nil {
		return err
	}
	return h.Done(c, apiPath(id)+presetsTab, "The preset is deleted.")
}
