package key

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// BoundInput is the part of a form by which a key is bound; it is exported because echo fills in no other embedded struct.
type BoundInput struct {
	Networks     string `form:"networks"`
	Origins      string `form:"origins"`
	RateRequests string `form:"rate_requests"`
	RatePeriod   string `form:"rate_period"`
	Metadata     string `form:"metadata"`
}

func (f BoundInput) model() keys.BoundsForm {
	return keys.BoundsForm{Networks: f.Networks, Origins: f.Origins, RateRequests: f.RateRequests, RatePeriod: f.RatePeriod, Metadata: f.Metadata}
}

func formOf(b keys.BoundsForm) BoundInput {
	return BoundInput{Networks: b.Networks, Origins: b.Origins, RateRequests: b.RateRequests, RatePeriod: b.RatePeriod, Metadata: b.Metadata}
}

// boundsIn reads what a query fills in.
func boundsIn(q url.Values) BoundInput {
	return BoundInput{Networks: q.Get("networks"), Origins: q.Get("origins"), RateRequests: q.Get("rate_requests"), RatePeriod: q.Get("rate_period"), Metadata: q.Get("metadata")}
}

// into puts what was typed into a query, on one line each.
func (f BoundInput) into(q url.Values) {
	flat := f.model().Flat()
	for name, value := range map[string]string{"networks": flat.Networks, "origins": flat.Origins, "rate_requests": flat.RateRequests, "rate_period": flat.RatePeriod, "metadata": flat.Metadata} {
		if value != "" {
			q.Set(name, value)
		}
	}
}

// passwordElsewhere is what a form says that can't come back by itself after the password was entered.
func passwordElsewhere() error {
	return fault.New(fault.Invalid, "Your password is needed again. Open the page /console/account/confirm in another tab, enter it there, and send this form once more.")
}

func boundsFields(c echo.Context, f BoundInput, wrong map[string]string) views.BoundsFields {
	period := components.Field{Name: "rate_period", Label: web.T(c, "Counted"), Value: f.RatePeriod, Error: wrong["rate_period"]}
	if period.Value == "" {
		period.Value = "60"
	}
	for i, label := range []string{web.T(c, "in a second"), web.T(c, "in a minute"), web.T(c, "in an hour"), web.T(c, "in a day")} {
		period.Options = append(period.Options, components.Option{Value: strconv.Itoa(keys.Periods[i]), Label: label})
	}
	return views.BoundsFields{
		Networks: components.Field{
			Name: "networks", Label: web.T(c, "Allowed networks"), Value: f.Networks, Error: wrong["networks"], Optional: true, Code: true, Rows: 3, Placeholder: "203.0.113.0/24",
			Hint: web.T(c, "One a line, IPv4 or IPv6, at most %d. Empty: any network. With any, a call for which the gateway tells no address is refused.", keys.MaxAllowed),
		},
		Origins: components.Field{
			Name: "origins", Label: web.T(c, "Allowed origins"), Value: f.Origins, Error: wrong["origins"], Optional: true, Code: true, Rows: 2, Placeholder: "https://shop.example",
			Hint: web.T(c, "Only for keys that web pages use: https://shop.example, or https://*.shop.example for every name right under it. With any, a call without an Origin header is refused."),
		},
		Requests: components.Field{
			Name: "rate_requests", Label: web.T(c, "Stricter rate limit"), Value: f.RateRequests, Error: wrong["rate_requests"], Optional: true, InputMode: "numeric", Autocomplete: "off",
			Hint: web.T(c, "Calls at most, by this key alone."),
		},
		Period: period,
		Metadata: components.Field{
			Name: "metadata", Label: web.T(c, "Metadata"), Value: f.Metadata, Error: wrong["metadata"], Optional: true, Code: true, Rows: 2, Placeholder: "team=checkout",
			Hint: web.T(c, "Lines name=value, or a JSON object. Whoever verifies the key reads it. Never put a key or a password in it."),
		},
	}
}

// BoundsForm is where a key is bound anew.
func (h *Handler) BoundsForm(c echo.Context) error {
	q := c.QueryParams()
	if q.Has("networks") || q.Has("origins") || q.Has("rate_requests") || q.Has("rate_period") || q.Has("metadata") {
		f := boundsIn(q)
		return h.boundsPage(c, http.StatusOK, &f, true, nil)
	}
	return h.boundsPage(c, http.StatusOK, nil, false, nil)
}

// SetBounds binds a key anew. What lets it do more than before asks for the password first, and the form comes back filled in (A14).
func (h *Handler) SetBounds(c echo.Context) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	var f BoundInput
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	path := "/console/keys/" + id.Show(keys.IDPrefix)
	err = h.Keys.SetBounds(web.Ctx(c), web.Actor(c), id, f.model(), web.Session(c).Fresh(h.Now()))
	if errors.Is(err, keys.ErrWidens) {
		back := url.Values{"rate_period": {f.RatePeriod}}
		f.into(back)
		if to, ok := web.ConfirmFirst(path+"/limits", back); ok {
			return h.See(c, to)
		}
		err = passwordElsewhere()
	}
	if err != nil {
		return h.again(c, err, func(status int, failed error) error { return h.boundsPage(c, status, &f, false, failed) })
	}
	return h.Done(c, path, text.N("Saved. It holds from the next call on."))
}

// boundsPage shows the form: with f, or with what the key is bound to now.
func (h *Handler) boundsPage(c echo.Context, status int, f *BoundInput, kept bool, failed error) error {
	d, err := h.managed(c)
	if err != nil {
		return err
	}
	if !d.Living(h.Now()) {
		return fault.New(fault.Conflict, "This key has ended. There is nothing left to bind.")
	}
	if f == nil {
		now := formOf(d.Bounds.Form())
		f = &now
	}
	p := views.BoundsPage{ConfirmPage: h.confirm(c, d, "limits", web.T(c, "Where and how much it may be used")), Kept: kept}
	var wrong map[string]string
	p.Problems, wrong = problemsOf(c, failed)
	p.Bounds, p.Button = boundsFields(c, *f, wrong), web.T(c, "Save changes")
	return h.RenderStatus(c, status, views.Bounds(p))
}

type scopeForm struct {
	Grant string `form:"grant"` // slug/scope
}

// TakeScope takes a scope away from a key that does not use it.
func (h *Handler) TakeScope(c echo.Context) error {
	return h.actOnScope(c, h.Keys.TakeScope, text.N("The key does not hold %s any more, from the next call on. You can give it back below."))
}

// GiveScopeBack undoes that.
func (h *Handler) GiveScopeBack(c echo.Context) error {
	return h.actOnScope(c, h.Keys.GiveScopeBack, text.N("The key holds %s again."))
}

func (h *Handler) actOnScope(c echo.Context, do func(context.Context, actor.Actor, db.ID, keys.Pair) error, done string) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	var f scopeForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	pair := pairOf(f.Grant)
	if pair.Scope == "" || strings.ContainsAny(f.Grant, "\r\n") || len(f.Grant) > 200 {
		if _, err := h.managed(c); err != nil { // somebody else’s key is as absent as one that there is not (Z2)
			return err
		}
		return fault.New(fault.Invalid, "This form names no scope. Open the key’s page again.")
	}
	if err := do(web.Ctx(c), web.Actor(c), id, pair); err != nil {
		return err
	}
	return h.Done(c, "/console/keys/"+id.Show(keys.IDPrefix), done, pair.Scope)
}
