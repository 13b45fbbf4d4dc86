package catalog

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/views/components"
	desk "github.com/gatehouse-dev/gatehouse/views/org"
)

type versionForm struct {
	Version string `form:"version"`
	State   string `form:"state"`
	Sunset  string `form:"sunset"`
}

func stateInput(c echo.Context, state string, fields map[string]string) desk.Input {
	f := components.Field{Name: "state", Label: web.T(c, "State"), Value: state, Error: fields["state"], Hint: web.T(c, "Drafts are seen by staff and the publisher alone.")}
	for _, s := range catalog.States {
		f.Options = append(f.Options, components.Option{Value: s, Label: web.T(c, stateWords[s])})
	}
	return desk.Select(f)
}

func versionInputs(c echo.Context, name, state string, fields map[string]string) []desk.Input {
	return []desk.Input{desk.Line(components.Field{Name: "version", Label: web.T(c, "Version"), Value: name, Error: fields["version"], MaxLength: 30, Required: true, Code: true}), stateInput(c, state, fields)}
}

// Versions shows the versions of an API.
func (h *Handler) Versions(c echo.Context) error {
	d, err := h.versionsDesk(c, versionForm{State: catalog.Live}, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) versionsDesk(c echo.Context, f versionForm, fields map[string]string) (desk.Desk, error) {
	api, err := h.detail(c)
	if err != nil {
		return desk.Desk{}, err
	}
	d := h.tabDesk(c, api.API, "/versions")
	may := editable(c, api.API)
	t := desk.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Versions"), Columns: []components.Column{{Label: web.T(c, "Version")}, {Label: web.T(c, "State")}, {Label: web.T(c, "Ends")}, {Label: web.T(c, "Added")}}}, Empty: web.T(c, "This API has no version.")}
	for _, v := range api.Versions {
		row := []desk.Cell{{Text: v.Name, Data: true, Code: true}, {Status: versionStatus(c, v.State)}, {Text: "–"}, {Moment: h.Moment(c, v.CreatedAt)}}
		if v.SunsetAt != nil {
			row[2] = desk.Cell{Moment: h.Moment(c, *v.SunsetAt)}
		}
		if may && v.State != catalog.Retired {
			row = append(row, desk.Cell{Labels: []string{web.T(c, "Change version %s", v.Name)}, Acts: []components.Act{{Label: web.T(c, "Change version"), Href: apiPath(api.ID) + "/versions/" + v.ID.Show(catalog.VersionPrefix)}}})
		} else if may {
			row = append(row, desk.Cell{})
		}
		t.Rows = append(t.Rows, row)
	}
	if may {
		t.Spec.Columns = append(t.Spec.Columns, components.Column{Label: web.T(c, "Actions"), Hidden: true})
	}
	d.Parts = []desk.Part{{Table: &t}}
	if may {
		d.Parts = append(d.Parts, desk.Part{Title: web.T(c, "Add version"), ID: "add", Form: &desk.Form{Spec: components.FormSpec{Action: apiPath(api.ID) + "/versions"}, Inputs: versionInputs(c, f.Version, f.State, fields), Submit: web.T(c, "Add version"), Kind: components.Primary}})
	}
	return d, nil
}

// AddVersion adds one.
func (h *Handler) AddVersion(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.Prefix)
	if err != nil {
		return err
	}
	var f versionForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Store.AddVersion(web.Ctx(c), web.Actor(c), id, catalog.VersionInput{Name: f.Version, State: f.State}); err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.versionsDesk(c, f, fields) })
	}
	return h.Done(c, apiPath(id)+"/versions", "The version %s is there.", f.Version)
}

// EditVersion shows the form for a version's state.
func (h *Handler) EditVersion(c echo.Context) error {
	d, err := h.versionDesk(c, nil, nil)
	return h.RenderDesk(c, d, err)
}

func (h *Handler) versionDesk(c echo.Context, f *versionForm, fields map[string]string) (desk.Desk, error) {
	api, err := h.detail(c)
	if err != nil {
		return desk.Desk{}, err
	}
	for _, v := range api.Versions {
		if v.ID.Show(catalog.VersionPrefix) != c.Param("part") {
			continue
		}
		if f == nil {
			f = &versionForm{State: v.State}
			if v.SunsetAt != nil {
				f.Sunset = v.SunsetAt.Add(-time.Second).UTC().Format(time.DateOnly)
			}
		}
		hits, err := h.Store.APIHits(web.Ctx(c), web.Actor(c), api.ID)
		if err != nil {
			return desk.Desk{}, err
		}
		d := h.editDesk(c, api.API, web.T(c, "Change version %s", v.Name), "/versions")
		inputs := []desk.Input{stateInput(c, f.State, fields), desk.Line(components.Field{Name: "sunset", Type: "date", Label: web.T(c, "Ends"), Value: f.Sunset, Error: fields["sunset"], Optional: true, Hint: web.T(c, "When a deprecated version is to be retired, in UTC.")})}
		d.Parts = []desk.Part{
			{Form: &desk.Form{Spec: components.FormSpec{Action: apiPath(api.ID) + "/versions/" + c.Param("part")}, Inputs: inputs, Submit: web.T(c, "Save version"), Kind: components.Primary, Cancel: apiPath(api.ID) + "/versions"}},
			{Title: web.T(c, "What retiring it hits"), ID: "hits", Text: web.T(c, "Retired is for ever: the routes of this version are refused to these keys of the API, and all of the API is when no other version is left."), Note: hitsNote(c, hits), Table: hitsTable(c, hits)},
		}
		return d, nil
	}
	return desk.Desk{}, fault.Missing()
}

// editDesk begins a page that changes one part of an API.
func (h *Handler) editDesk(c echo.Context, api catalog.API, title, tab string) desk.Desk {
	return desk.Desk{Frame: h.Frame(c, title), Title: title, Crumbs: []components.Crumb{{Label: web.T(c, "APIs"), Href: apisPath}, {Label: api.Name, Own: true, Href: apiPath(api.ID) + tab}}}
}

// ChangeVersion saves it.
func (h *Handler) ChangeVersion(c echo.Context) error {
	id, err := web.PathID(c, "id", catalog.Prefix)
	if err != nil {
		return err
	}
	part, err := web.PathID(c, "part", catalog.VersionPrefix)
	if err != nil {
		return err
	}
	var f versionForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	sunset, err := org.EndOfDay("sunset", f.Sunset, time.UTC)
	if err == nil {
		err = h.Store.ChangeVersion(web.Ctx(c), web.Actor(c), id, part, f.State, sunset)
	}
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (desk.Desk, error) { return h.versionDesk(c, &f, fields) })
	}
	return h.Done(c, apiPath(id)+"/versions", "The version is saved.")
}
