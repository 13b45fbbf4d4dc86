package rotation

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	key "github.com/gatehouse-dev/gatehouse/handlers/key"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// RotateForm is where somebody rotates a key; the query fills it in.
func (h *Handler) RotateForm(c echo.Context) error {
	q := c.QueryParams()
	f := rotateForm{Overlap: cmp.Or(q.Get("overlap_days"), "7"), Expires: q.Get("expires"), ExpiresOn: q.Get("expires_on"), DeliveryInput: key.DeliveryInput{Delivery: q.Get("delivery"), LinkLife: q.Get("link_life")}}
	return h.rotatePage(c, http.StatusOK, f, nil)
}

type rotateForm struct {
	Token     string `form:"form_token"`
	Overlap   string `form:"overlap_days"`
	Expires   string `form:"expires"`
	ExpiresOn string `form:"expires_on"`
	key.DeliveryInput
}

// askFirst leads to the page that asks for the password again, and for the second factor of who has one, when the last time was more than ten minutes ago (A14); the
// form comes back filled in. Whose key it is is asked first.
func (h *Handler) askFirst(c echo.Context, f rotateForm) (bool, error) {
	if web.Session(c).Fresh(h.Now()) {
		return false, nil
	}
	d, err := h.Managed(c)
	if err != nil {
		return false, err
	}
	return h.AskFirst(c, key.KeyPath(d.Row)+"/rotate", url.Values{"overlap_days": {f.Overlap}, "expires": {f.Expires}, "expires_on": {f.ExpiresOn}, "delivery": {f.Delivery}, "link_life": {f.LinkLife}})
}

// Rotate makes the successor and shows it once.
func (h *Handler) Rotate(c echo.Context) error {
	id, err := web.PathID(c, "key", keys.IDPrefix)
	if err != nil {
		return err
	}
	var f rotateForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	if asked, err := h.askFirst(c, f); err != nil || asked {
		return err
	}
	ctx := web.Ctx(c)
	link, deliver := h.Deliver(f.DeliveryInput)
	made, err := h.Keys.Rotate(ctx, web.Actor(c), id, keys.RotateRequest{Token: f.Token, OverlapDays: key.Days(f.Overlap), Expiry: key.ExpiryOf(f.Expires, f.ExpiresOn, text.Of(ctx).Zone), Deliver: deliver})
	if err != nil {
		return h.Again(c, err, func(status int, failed error) error { return h.rotatePage(c, status, f, failed) })
	}
	note := web.T(c, "The old key has stopped working.")
	if old, err := h.Keys.Get(ctx, web.Actor(c), id); err == nil && old.Living(h.Now()) && old.EndsAt() != nil {
		note = web.T(c, "The old key works until %s, then stops by itself.", text.DateTime(ctx, *old.EndsAt()))
	}
	return h.ShowMade(c, made, link, note)
}

func (h *Handler) rotatePage(c echo.Context, status int, f rotateForm, failed error) error {
	d, err := h.Managed(c)
	if err != nil {
		return err
	}
	rules, err := h.Keys.RulesOf(web.Ctx(c), d.Row)
	if err != nil {
		return err
	}
	p := h.ConfirmPage(c, d, "rotate", web.T(c, "Rotate key"))
	var wrong map[string]string
	p.Problems, wrong = key.ProblemsOf(c, failed)
	p.Token, p.Button = h.Keys.NewFormToken(web.Actor(c), keys.RotatePurpose(d.ID)), web.T(c, "Rotate key")
	p.Stops = append(h.happens(c, d), h.StopsOf(c, d)...)
	if f.Expires == "" {
		f.Expires = sameLife(d, rules)
	}
	expires, on := h.ExpiryFields(c, rules, f.Expires, f.ExpiresOn, verifier(d), wrong)
	expires.Label = web.T(c, "The new key expires")
	p.Fields = []components.Field{h.overlapField(c, f.Overlap, wrong["overlap_days"]), expires, on}
	p.Fields = append(p.Fields, key.DeliveryFields(c, f.DeliveryInput, wrong)...)
	return h.RenderStatus(c, status, views.Confirm(p))
}

// happens says in sentences what rotating does.
func (h *Handler) happens(c echo.Context, d keys.Detail) []string {
	out := []string{
		web.T(c, "You get a new key with the same scopes and limits. It is shown once, right after this, or handed over by a link."),
		web.T(c, "The old key goes on for as long as you choose below, then stops by itself. Together they may call no more than one."),
		web.T(c, "A page shows both keys’ calls side by side. When nothing uses the old one any more you can retire it at once; if you need longer, you can extend the overlap once."),
		web.T(c, "A day before the old key stops, a mail names the networks that still use it."),
		web.T(c, "While both work you can undo the rotation: the new key is revoked, and the old one goes on as before."),
	}
	if d.ExpiresAt != nil && d.ExpiresAt.Before(h.Now().AddDate(0, 0, keys.MaxOverlap)) {
		out = append(out, web.T(c, "The old key itself expires on %s: it stops then at the latest.", text.DateTime(web.Ctx(c), *d.ExpiresAt)))
	}
	return out
}

// overlapField offers every whole number of days.
func (h *Handler) overlapField(c echo.Context, value, wrong string) components.Field {
	f := components.Field{
		Name: "overlap_days", Label: web.T(c, "Both keys work for"), Value: value, Error: wrong, Hint: web.T(c, "Time enough to give every program the new key."),
		Options: []components.Option{{Value: "0", Label: web.T(c, "Not at all: the old key stops now")}},
	}
	for n := 1; n <= keys.MaxOverlap; n++ {
		f.Options = append(f.Options, components.Option{Value: strconv.Itoa(n), Label: web.T(c, "%[1]d days (until %[2]s)", n, text.Date(web.Ctx(c), h.Now().AddDate(0, 0, n)))})
	}
	return f
}

// sameLife proposes for the new key what was chosen for the old one, where that is on offer; "" is the policy's default.
func sameLife(d keys.Detail, e policy.Effective) string {
	if d.ExpiresAt == nil {
		if e.Never.On || verifier(d) {
			return key.Never
		}
		return ""
	}
	if n := int(d.ExpiresAt.Sub(d.CreatedAt).Round(day) / day); n <= e.Max.Value && slices.Contains(key.Presets(), n) {
		return strconv.Itoa(n)
	}
	return ""
}

func verifier(d keys.Detail) bool {
	return slices.ContainsFunc(d.Grants, func(g keys.Grant) bool { return g.Scope == keys.VerifyScope })
}

// hours is a silence in whole hours, at least one.
func hours(d time.Duration) int { return max(1, int(d/time.Hour)) }
