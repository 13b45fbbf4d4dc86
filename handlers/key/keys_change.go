package key

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// managed reads the key of the path if the reader may manage it.
func (h *Handler) managed(c echo.Context) (keys.Detail, error) {
	d, err := h.own(c)
	if err == nil && !d.MayManage {
		return keys.Detail{}, fault.Denied()
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

// RotateForm is where somebody rotates a key.
func (h *Handler) RotateForm(c echo.Context) error {
	return h.rotatePage(c, http.StatusOK, rotateForm{Overlap: "7"}, nil)
}

type rotateForm struct {
	Token     string `form:"form_token"`
	Overlap   string `form:"overlap_days"`
	Expires   string `form:"expires"`
	ExpiresOn string `form:"expires_on"`
}

// Rotate makes the successor and shows it once.
func (h *Handler) Rotate(c echo.Context) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	var f rotateForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	made, err := h.Keys.Rotate(web.Ctx(c), web.Actor(c), id, keys.RotateRequest{Token: f.Token, OverlapDays: days(f.Overlap), Expiry: expiryOf(f.Expires, f.ExpiresOn, text.Of(web.Ctx(c)).Zone)})
	if err != nil {
		return h.again(c, err, func(status int, failed error) error { return h.rotatePage(c, status, f, failed) })
	}
	note := web.T(c, "The old key has stopped working.")
	if n := days(f.Overlap); n > 0 {
		note = web.T(c, "The old key works until %s, then stops by itself.", text.DateTime(web.Ctx(c), h.Now().Add(time.Duration(n)*day)))
	}
	return h.showOnce(c, made, note)
}

// overlaps are the choices of how long both keys work.
var overlaps = []int{0, 1, 3, 7, 14, 30}

func (h *Handler) rotatePage(c echo.Context, status int, f rotateForm, failed error) error {
	d, err := h.managed(c)
	if err != nil {
		return err
	}
	rules, err := h.Keys.RulesOf(web.Ctx(c), d.Row)
	if err != nil {
		return err
	}
	p := h.confirm(c, d, "rotate", web.T(c, "Rotate key"))
	var wrong map[string]string
	p.Problems, wrong = problemsOf(c, failed)
	p.Token, p.Button = h.Keys.NewFormToken(web.Actor(c), keys.RotatePurpose(d.ID)), web.T(c, "Rotate key")
	p.Stops = append([]string{web.T(c, "You get a new key with the same scopes. The old one goes on for as long as you choose, then stops by itself.")}, h.stops(c, d)...)
	overlap := components.Field{Name: "overlap_days", Label: web.T(c, "Both keys work for"), Value: f.Overlap, Error: wrong["overlap_days"], Hint: web.T(c, "Time enough to give every program the new key.")}
	for _, n := range overlaps {
		label := web.T(c, "Not at all: the old key stops now")
		if n > 0 {
			label = web.T(c, "%[1]d days (until %[2]s)", n, text.Date(web.Ctx(c), h.Now().AddDate(0, 0, n)))
		}
		overlap.Options = append(overlap.Options, components.Option{Value: strconv.Itoa(n), Label: label})
	}
	if f.Expires == "" {
		f.Expires = sameLife(d, rules)
	}
	expires, on := h.expiryFields(c, rules, f.Expires, f.ExpiresOn, verifier(d), wrong)
	expires.Label = web.T(c, "The new key expires")
	p.Fields = []components.Field{overlap, expires, on}
	return h.RenderStatus(c, status, views.Confirm(p))
}

// sameLife proposes for the new key what was chosen for the old one, where that is on offer; "" is the policy's default.
func sameLife(d keys.Detail, e policy.Effective) string {
	if d.ExpiresAt == nil {
		if e.Never.On || verifier(d) {
			return never
		}
		return ""
	}
	if n := int(d.ExpiresAt.Sub(d.CreatedAt).Round(day) / day); n <= e.Max.Value && slices.Contains(presets, n) {
		return strconv.Itoa(n)
	}
	return ""
}

func verifier(d keys.Detail) bool {
	for _, g := range d.Grants {
		if g.Scope == keys.VerifyScope {
			return true
		}
	}
	return false
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
