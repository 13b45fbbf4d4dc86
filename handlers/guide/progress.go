package guide

import (
	"net/url"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/guide"
)

// fillProgress ticks the steps that app has done.
func (h *Handler) fillProgress(c echo.Context, p *content.Page, r *views.Reading, app guide.App, caption templ.Component) error {
	ctx, t := web.Ctx(c), r.Tutorial
	for i := range t.Steps {
		t.Steps[i].Body.Caption = caption
	}
	if app.ID.IsZero() {
		t.Why = web.T(c, "Steps tick themselves for an app of yours. Create one first.")
		t.Before = &components.Act{Label: web.T(c, "Create app"), Href: "/console/apps/new", Kind: components.Primary}
		return nil
	}
	ticks, err := h.Guides.Progress(ctx, web.Actor(c), p, app.ID)
	if err != nil {
		return err
	}
	t.Before, t.Why = nil, ""
	t.App, t.AppID, t.CheckTo = app.Name, app.ID.Show(org.AppPrefix), p.Path()+"/check"
	if permission.Org(app.Role, permission.KeysMake) {
		t.MarkTo = p.Path() + "/steps"
	}
	done := 0
	for i := range t.Steps {
		if tick, ok := ticks[t.Steps[i].ID]; ok {
			t.Steps[i].Done, t.Steps[i].When = true, components.MomentAt(ctx, h.Now(), tick.TickedAt)
			done++
		}
	}
	t.AllDone = done == len(t.Steps)
	t.Progress = web.T(c, "%[1]d of %[2]d steps done", done, len(t.Steps))
	return h.fillApps(c, t)
}

func (h *Handler) fillApps(c echo.Context, t *views.Tutorial) error {
	apps, err := h.Guides.Apps(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	for _, a := range apps {
		id := a.ID.Show(org.AppPrefix)
		t.Apps = append(t.Apps, components.Option{Value: id, Label: a.Name + " (" + a.OrganizationName + ")", Selected: id == t.AppID, Data: true})
	}
	return nil
}

type stepForm struct {
	App   string `form:"app"`
	Step  string `form:"step"`
	State string `form:"state"`
}

// step reads the form of a step: the tutorial, its step and the app.
func (h *Handler) step(c echo.Context) (p *content.Page, f stepForm, app db.ID, err error) {
	if p, err = h.page(c, content.Tutorial); err != nil {
		return p, f, app, err
	}
	if err = web.Bind(c, &f); err != nil {
		return p, f, app, err
	}
	if app, err = db.ParseID(org.AppPrefix, f.App); err != nil {
		return p, f, app, fault.Missing()
	}
	return p, f, app, nil
}

func stepPath(p *content.Page, f stepForm) string {
	return p.Path() + "?app=" + url.QueryEscape(f.App) + "#" + url.PathEscape(f.Step)
}

// Check looks again whether a step is done.
func (h *Handler) Check(c echo.Context) error {
	p, f, app, err := h.step(c)
	if err != nil {
		return err
	}
	ticks, err := h.Guides.Progress(web.Ctx(c), web.Actor(c), p, app)
	if err != nil {
		return err
	}
	for _, s := range p.Steps {
		if s.ID != f.Step {
			continue
		}
		if _, done := ticks[s.ID]; done {
			return h.Done(c, stepPath(p, f), "The step “%s” is done.", s.Title)
		}
		return h.Warn(c, stepPath(p, f), "“%s” is not seen yet. Calls show up a second or two after they are made.", s.Title)
	}
	return fault.Missing()
}

// Mark ticks a step without check, or takes the tick back.
func (h *Handler) Mark(c echo.Context) error {
	p, f, app, err := h.step(c)
	if err != nil {
		return err
	}
	if f.State != "done" && f.State != "open" {
		return fault.New(fault.Invalid, "Choose whether the step is done.")
	}
	if err := h.Guides.Mark(web.Ctx(c), web.Actor(c), p, app, f.Step, f.State == "done"); err != nil {
		return err
	}
	return h.See(c, stepPath(p, f))
}
