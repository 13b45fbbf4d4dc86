package factor

import (
	"errors"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	views "github.com/gatehouse-dev/gatehouse/views/account"
)

// ShowForm asks for the second factor of who has given the password.
func (h *Handler) ShowForm(c echo.Context) error {
	p, err := h.showPage(c, c.QueryParam("next"))
	if err != nil {
		return err
	}
	return h.Render(c, views.ShowFactorPage(p))
}

func (h *Handler) showPage(c echo.Context, next string) (views.ShowFactor, error) {
	a, u := web.Pending(c)
	p := views.ShowFactor{Frame: h.Frame(c, web.T(c, "Second factor")), Next: web.SafeNext(next, ""), Email: u.Email}
	p.Frame.NoIndex = true
	kinds, err := h.Store.Kinds(web.Ctx(c), a)
	p.Apps, p.Passkeys = kinds[factor.TOTP], kinds[factor.Passkey]
	return p, err
}

type showForm struct {
	Code     string  `form:"code"`
	Recovery *string `form:"recovery"` // of the form for recovery codes alone
	Next     string  `form:"next"`
}

// showAgain is the page after what was shown was not taken, with what is wrong at the field of the form that was sent. Errors that are none of a form's it returns as they are.
func (h *Handler) showAgain(c echo.Context, form showForm, failed error) error {
	status, problems, byField, ok := web.Slowed(c, failed, "code")
	if !ok {
		return failed
	}
	p, err := h.showPage(c, form.Next)
	if err != nil {
		return err
	}
	p.Problems, p.Errors = problems, byField
	if form.Recovery != nil {
		p.Recovery = (*form.Recovery)[:min(len(*form.Recovery), views.RecoveryMost)]
		p.Errors = map[string]string{"recovery": byField["code"]}
		for i := range p.Problems {
			p.Problems[i].Field = "recovery"
		}
	}
	p.OnlyRecovery = errors.Is(failed, factor.ErrRecoveryWorks)
	return h.RenderStatus(c, status, views.ShowFactorPage(p))
}

// Show finishes the sign-in under a new token (S2).
func (h *Handler) Show(c echo.Context) error {
	var form showForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	a, _ := web.Pending(c)
	code := form.Code
	if form.Recovery != nil {
		code = *form.Recovery
		if !factor.LooksRecovery(code) { // it would count as a code of the app
			return h.showAgain(c, form, fault.BadField("code", "A recovery code has 24 letters and digits, in four groups of six."))
		}
	}
	shown, err := h.Store.Show(web.Ctx(c), a, code)
	if err != nil {
		return h.showAgain(c, form, err)
	}
	return h.whole(c, shown, form.Next)
}

// whole goes on with a session in which a second factor was shown.
func (h *Handler) whole(c echo.Context, shown factor.Shown, next string) error {
	if err := h.Accounts.Enter(c, shown.Token, shown.Session); err != nil {
		return err
	}
	next = web.SafeNext(next, "")
	if !shown.Recovery {
		return h.Accounts.Onward(c, shown.Session, next)
	}
	if next == "" {
		var err error
		if next, err = h.Accounts.HomeOf(c, shown.Session.UserID); err != nil {
			return err
		}
	}
	return h.Warn(c, next, text.N("You signed in with a recovery code, which does not work any more. Codes that still work: %s"), strconv.Itoa(shown.Left))
}
