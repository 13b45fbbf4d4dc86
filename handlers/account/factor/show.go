package factor

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
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

// showAgain is the page after what was shown was not taken. Errors that are none of a form's it returns as they are.
func (h *Handler) showAgain(c echo.Context, next string, failed error) error {
	problems, byField, ok := web.Problems(c, failed)
	if !ok {
		return failed
	}
	p, err := h.showPage(c, next)
	if err != nil {
		return err
	}
	p.Problems, p.Errors = problems, byField
	return h.RenderProblems(c, views.ShowFactorPage(p))
}

// Show finishes the sign-in under a new token (S2).
func (h *Handler) Show(c echo.Context) error {
	var form codeForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	a, _ := web.Pending(c)
	shown, err := h.Store.Show(web.Ctx(c), a, form.Code)
	if err != nil {
		return h.showAgain(c, form.Next, err)
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
