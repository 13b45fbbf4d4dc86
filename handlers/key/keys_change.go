package key

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// managed reads the key of the path if the reader may manage it.
func (h *Handler) managed(c echo.Context) (keys.Detail, error) {
	d, err := h.own(c)
	if err == nil && !d.MayManage {
		return keys.Detail{}, fault.Lacking(string(permission.KeysManageAll), d.OrganizationID.Show(org.Prefix))
	}
	return d, err
}

// confirm begins a page on which somebody decides about a key.
func (h *Handler) confirm(c echo.Context, d keys.Detail, act, title string) views.ConfirmPage {
	path := keyPath(d.Row)
	return views.ConfirmPage{
		Frame: h.Frame(c, title), Title: title, Key: d.Name, Hint: d.Hint(), Action: path + "/" + act, Back: path,
		Crumbs: []components.Crumb{{Label: web.T(c, "Keys"), Href: listPath}, {Label: d.Name, Href: path, Own: true}, {Label: title}},
	}
}

// again shows the page of a refused form with its problems, or returns the error when it is none that the person can mend there.
func (h *Handler) again(c echo.Context, err error, page func(status int, failed error) error) error {
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return page(web.Status(err), err)
	}
	return err
}

// act does one thing with the key of the path and goes back to its page with a sentence.
func (h *Handler) act(c echo.Context, do func(ctx context.Context, a actor.Actor, id db.ID) error, done string) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	if err := do(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, "/console/keys/"+id.Show(keys.IDPrefix), done)
}

// PauseForm is where somebody pauses a key.
func (h *Handler) PauseForm(c echo.Context) error {
	d, err := h.managed(c)
	if err != nil {
		return err
	}
	p := h.confirm(c, d, "pause", web.T(c, "Pause key"))
	p.Danger, p.Button = true, web.T(c, "Pause key")
	p.Stops = append(h.stops(c, d), web.T(c, "Calls are refused until you resume it."))
	return h.Render(c, views.Confirm(p))
}

// Pause pauses a key.
func (h *Handler) Pause(c echo.Context) error {
	return h.act(c, h.Keys.Pause, text.N("The key is paused."))
}

// Resume resumes a key.
func (h *Handler) Resume(c echo.Context) error {
	return h.act(c, h.Keys.Resume, text.N("The key works again."))
}

// RevokeForm is where somebody revokes a key.
func (h *Handler) RevokeForm(c echo.Context) error {
	return h.revokePage(c, http.StatusOK, revokeForm{}, nil)
}

type revokeForm struct {
	Reason  string `form:"reason"`
	Confirm string `form:"confirm"`
}

// Revoke revokes a key, once its name was typed: it can't be undone.
func (h *Handler) Revoke(c echo.Context) error {
	var f revokeForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	d, err := h.managed(c)
	if err != nil {
		return err
	}
	if f.Confirm != d.Name && d.RevokedAt == nil {
		return h.revokePage(c, http.StatusUnprocessableEntity, f, notTyped(d.Row))
	}
	if err := h.Keys.Revoke(web.Ctx(c), web.Actor(c), d.ID, f.Reason); err != nil {
		return h.again(c, err, func(status int, failed error) error { return h.revokePage(c, status, f, failed) })
	}
	return h.Done(c, keyPath(d.Row), text.N("The key is revoked. Calls with it are refused from now on."))
}

func notTyped(r keys.Row) error {
	return fault.BadField("confirm", "Type the key’s name, %s, to confirm.", r.Name)
}

func (h *Handler) revokePage(c echo.Context, status int, f revokeForm, failed error) error {
	d, err := h.managed(c)
	if err != nil {
		return err
	}
	p := h.confirm(c, d, "revoke", web.T(c, "Revoke key"))
	h.revokeFields(c, &p, d, f, failed, web.T(c, "Reason"), true)
	return h.RenderStatus(c, status, views.Confirm(p))
}

// revokeFields are the same in the console and for staff, who must give a reason.
func (h *Handler) revokeFields(c echo.Context, p *views.ConfirmPage, d keys.Detail, f revokeForm, failed error, reason string, optional bool) {
	var wrong map[string]string
	p.Problems, wrong = problemsOf(c, failed)
	p.Danger, p.Button = true, web.T(c, "Revoke key")
	p.Stops = append(h.stops(c, d), web.T(c, "Every call with it is refused from then on, for ever."), web.T(c, "The key’s maker and the organization’s technical address are mailed."))
	p.Fields = []components.Field{
		{Name: "reason", Label: reason, Value: f.Reason, Error: wrong["reason"], Optional: optional, MaxLength: keys.MaxReason, Autocomplete: "off"},
		{Name: "confirm", Label: web.T(c, "Type the key’s name to confirm"), Value: f.Confirm, Error: wrong["confirm"], Autocomplete: "off"},
	}
}

// Rename gives the key another name.
func (h *Handler) Rename(c echo.Context) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	var f struct {
		Name string `form:"name"`
	}
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if err := h.Keys.Rename(web.Ctx(c), web.Actor(c), id, f.Name); err != nil {
		return h.again(c, err, func(status int, failed error) error { return h.showPage(c, status, f.Name, failed) })
	}
	return h.Done(c, "/console/keys/"+id.Show(keys.IDPrefix), text.N("The name is saved."))
}
