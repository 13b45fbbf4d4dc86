package rotation

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	key "github.com/gatehouse-dev/gatehouse/handlers/key"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// RetireForm is where somebody ends an overlap early.
func (h *Handler) RetireForm(c echo.Context) error { return h.retirePage(c, http.StatusOK, nil) }

type retireForm struct {
	SilentSince string `form:"silent_since"` // of the button of a page on which the old key was silent: microseconds
}

// moment is since when the page showed silence; nil when it did not say, which is a confirmation.
func (f retireForm) moment() (*time.Time, error) {
	if f.SilentSince == "" {
		return nil, nil //nolint:nilnil // nobody said
	}
	n, err := strconv.ParseInt(f.SilentSince, 10, 64)
	if err != nil {
		return nil, fault.New(fault.Invalid, "This form is not complete. Open it again.")
	}
	at := time.UnixMicro(n).UTC()
	return &at, nil
}

// Retire ends the overlap. A key that was used since the page showed it silent is asked about first.
func (h *Handler) Retire(c echo.Context) error {
	var f retireForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	d, err := h.old(c)
	if err != nil {
		return err
	}
	since, err := f.moment()
	if err == nil {
		err = h.Rotations.Retire(web.Ctx(c), web.Actor(c), d.ID, since)
	}
	if err != nil {
		return h.Again(c, err, func(status int, failed error) error { return h.retirePage(c, status, failed) })
	}
	return h.Done(c, rotationPath(d.Row), text.N("The old key is retired. Calls with it are refused from now on."))
}

func (h *Handler) retirePage(c echo.Context, status int, failed error) error {
	d, err := h.old(c)
	if err != nil {
		return err
	}
	p := h.ConfirmPage(c, d, "retire", web.T(c, "Retire old key"))
	p.Problems, _ = key.ProblemsOf(c, failed)
	p.Danger, p.Button, p.Back = true, web.T(c, "Retire old key"), rotationPath(d.Row)
	p.Stops = append(h.StopsOf(c, d), h.lately(c, d)...)
	p.Stops = append(p.Stops,
		web.T(c, "Every call with it is refused from then on, for ever."),
		web.T(c, "The new key %s goes on. After this the rotation can’t be undone.", d.Successor.Hint()))
	return h.RenderStatus(c, status, views.Confirm(p))
}

// networksNamed is how many networks a sentence names.
const networksNamed = 5

// lately names the networks that used a key in the last day.
func (h *Handler) lately(c echo.Context, d keys.Detail) []string {
	var out []string
	for _, n := range d.Networks {
		if len(out) < networksNamed && n.LastUsedAt.After(h.Now().Add(-day)) {
			out = append(out, web.T(c, "Network %[1]s used it, last on %[2]s.", n.Network, text.DateTime(web.Ctx(c), n.LastUsedAt)))
		}
	}
	return out
}

// Extend makes the overlap longer.
func (h *Handler) Extend(c echo.Context) error {
	var f struct {
		Days string `form:"days"`
	}
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	id, err := web.PathID(c, "key", keys.IDPrefix)
	if err != nil {
		return err
	}
	if err := h.Rotations.Extend(web.Ctx(c), web.Actor(c), id, key.Days(f.Days)); err != nil {
		if fault.Is(err, fault.Conflict) { // the page may have nothing to show
			return err
		}
		return h.Again(c, err, func(status int, failed error) error { return h.showPage(c, status, f.Days, failed) })
	}
	return h.Done(c, "/console/keys/"+id.Show(keys.IDPrefix)+"/rotation", text.N("The overlap is longer now."))
}

// UndoForm is where somebody takes a rotation back.
func (h *Handler) UndoForm(c echo.Context) error { return h.undoPage(c, http.StatusOK, nil) }

// Undo takes a rotation back. That the new key was used is said first, and asked about.
func (h *Handler) Undo(c echo.Context) error {
	var f struct {
		Used string `form:"used"`
	}
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	d, err := h.old(c)
	if err != nil {
		return err
	}
	if err := h.Rotations.Undo(web.Ctx(c), web.Actor(c), d.ID, f.Used == "1"); err != nil {
		return h.Again(c, err, func(status int, failed error) error { return h.undoPage(c, status, failed) })
	}
	return h.Done(c, key.KeyPath(d.Row), text.N("The rotation is undone. This key goes on as before, and the new one is revoked."))
}

func (h *Handler) undoPage(c echo.Context, status int, failed error) error {
	d, err := h.old(c)
	if err != nil {
		return err
	}
	next, err := h.Keys.Get(web.Ctx(c), web.Actor(c), d.Successor.ID)
	if err != nil {
		return err
	}
	p := h.ConfirmPage(c, d, "undo", web.T(c, "Undo rotation"))
	p.Problems, _ = key.ProblemsOf(c, failed)
	p.Danger, p.Button, p.Back = true, web.T(c, "Undo rotation"), rotationPath(d.Row)
	if next.LastUsedAt != nil && next.RevokedAt == nil {
		p.Hidden = []components.Hidden{{Name: "used", Value: "1"}}
		p.Button = web.T(c, "Undo rotation anyway")
		p.Stops = append(p.Stops, web.T(c, "The new key is in use already, last %s. Programs that hold it stop working: give them the old one first.", text.DateTime(web.Ctx(c), *next.LastUsedAt)))
		p.Stops = append(p.Stops, h.lately(c, next)...)
	} else {
		p.Stops = append(p.Stops, web.T(c, "Nothing has used the new key yet."))
	}
	p.Stops = append(p.Stops, web.T(c, "The new key %s is revoked, which is final.", next.Hint()))
	if d.ExpiresAt != nil {
		p.Stops = append(p.Stops, web.T(c, "The old key %[1]s goes on as before and expires on %[2]s. It can be rotated again.", d.Hint(), text.DateTime(web.Ctx(c), *d.ExpiresAt)))
	} else {
		p.Stops = append(p.Stops, web.T(c, "The old key %s goes on as before, without end. It can be rotated again.", d.Hint()))
	}
	return h.RenderStatus(c, status, views.Confirm(p))
}
