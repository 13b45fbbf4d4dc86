package org

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// suspendInputs are the inputs of the form.
func suspendInputs(c echo.Context, f web.SuspendForm, fields map[string]string) []views.Input {
	reason, until := f.Fields(c, fields)
	return []views.Input{views.Area(reason), views.Line(until)}
}

// subject is what is suspended: an organization or an app.
type subject struct {
	prefix, title string
	path          func(db.ID) string
	crumbs        []components.Crumb
	name          func(ctx context.Context, a actor.Actor, id db.ID) (string, error)
	stops         func(ctx context.Context, id db.ID) (org.Stops, error)
	suspend       func(ctx context.Context, a actor.Actor, id db.ID, in org.Suspension) error
}

func (h *Handler) organizationSubject(c echo.Context) subject {
	return subject{
		prefix: org.Prefix, title: web.T(c, "Suspend organization"), path: adminOrg, crumbs: []components.Crumb{{Label: web.T(c, "Organizations"), Href: adminOrgs}},
		name: func(ctx context.Context, a actor.Actor, id db.ID) (string, error) {
			o, _, err := h.Store.Any(ctx, a, id)
			return o.Name, err
		},
		stops: h.Store.Stops, suspend: h.Store.SuspendOrganization,
	}
}

func (h *Handler) appSubject(c echo.Context) subject {
	return subject{
		prefix: org.AppPrefix, title: web.T(c, "Suspend app"), path: adminApp, crumbs: []components.Crumb{{Label: web.T(c, "Apps"), Href: adminApps}},
		name: func(ctx context.Context, a actor.Actor, id db.ID) (string, error) {
			app, err := h.Store.AnyApp(ctx, a, id)
			return app.Name, err
		},
		stops: h.Store.AppStops, suspend: h.Store.SuspendApp,
	}
}

func (h *Handler) suspendDesk(c echo.Context, s subject, f web.SuspendForm, fields map[string]string) (views.Desk, error) {
	ctx := web.Ctx(c)
	id, err := web.PathID(c, "id", s.prefix)
	if err != nil {
		return views.Desk{}, err
	}
	name, err := s.name(ctx, web.Actor(c), id)
	if err != nil {
		return views.Desk{}, err
	}
	stops, err := s.stops(ctx, id)
	if err != nil {
		return views.Desk{}, err
	}
	return views.Desk{Frame: h.Frame(c, s.title), Title: s.title, Crumbs: append(s.crumbs, components.Crumb{Label: name, Href: s.path(id), Own: true}), Parts: []views.Part{{
		Danger: true, Title: web.T(c, "What stops"), Note: stopsNote(c, stops),
		Form: &views.Form{Spec: components.FormSpec{Action: s.path(id) + "/suspend"}, Inputs: suspendInputs(c, f, fields), Submit: s.title, Kind: components.Danger, Cancel: s.path(id)},
	}}}, nil
}

func (h *Handler) suspend(c echo.Context, s subject, done string) error {
	id, err := web.PathID(c, "id", s.prefix)
	if err != nil {
		return err
	}
	var f web.SuspendForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	in, err := f.Suspension()
	if err == nil {
		err = s.suspend(web.Ctx(c), web.Actor(c), id, in)
	}
	if err != nil {
		return h.Again(c, err, func(fields map[string]string) (views.Desk, error) { return h.suspendDesk(c, s, f, fields) })
	}
	return h.Done(c, s.path(id), done)
}

// ConfirmSuspendOrganization says what stops, and asks for the reason.
func (h *Handler) ConfirmSuspendOrganization(c echo.Context) error {
	d, err := h.suspendDesk(c, h.organizationSubject(c), web.SuspendForm{}, nil)
	return h.RenderDesk(c, d, err)
}

// SuspendOrganization stops all keys of an organization.
func (h *Handler) SuspendOrganization(c echo.Context) error {
	return h.suspend(c, h.organizationSubject(c), organizationSuspended)
}

// UnsuspendOrganization lets them work again.
func (h *Handler) UnsuspendOrganization(c echo.Context) error {
	id, err := web.PathID(c, "id", org.Prefix)
	if err != nil {
		return err
	}
	if err := h.Store.UnsuspendOrganization(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, adminOrg(id), "The organization is not suspended any more.")
}

// ConfirmSuspendApp says what stops, and asks for the reason.
func (h *Handler) ConfirmSuspendApp(c echo.Context) error {
	d, err := h.suspendDesk(c, h.appSubject(c), web.SuspendForm{}, nil)
	return h.RenderDesk(c, d, err)
}

// SuspendApp stops all keys of an app.
func (h *Handler) SuspendApp(c echo.Context) error {
	return h.suspend(c, h.appSubject(c), appSuspended)
}

// UnsuspendApp lets them work again.
func (h *Handler) UnsuspendApp(c echo.Context) error {
	id, err := web.PathID(c, "id", org.AppPrefix)
	if err != nil {
		return err
	}
	if err := h.Store.UnsuspendApp(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, adminApp(id), "The app is not suspended any more.")
}

var (
	organizationSuspended = text.N("The organization is suspended. Its keys do not work.")
	appSuspended          = text.N("The app is suspended. Its keys do not work.")
)
