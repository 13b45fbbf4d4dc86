package account

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	views "github.com/gatehouse-dev/gatehouse/views/account"
)

type confirmForm struct {
	Password string `form:"password"`
	Code     string `form:"code"`
	Next     string `form:"next"`
}

// ConfirmForm asks again for what was given too long ago: the password, and a second factor of who has one (A14), or a passkey, which is both.
func (h *Handler) ConfirmForm(c echo.Context) error {
	p, err := h.confirmPage(c, c.QueryParam("next"))
	if err != nil {
		return err
	}
	return h.Render(c, views.ConfirmPage(p))
}

// ConfirmRefused is ConfirmForm after something else than its own fields was not taken.
func (h *Handler) ConfirmRefused(c echo.Context, next string, failed error) error {
	p, err := h.confirmPage(c, next)
	if err != nil {
		return err
	}
	return h.confirmAgain(c, p, failed)
}

// confirmPage asks for what is stale; when nothing is, for the password.
func (h *Handler) confirmPage(c echo.Context, next string) (views.Confirm, error) {
	s, now := web.Session(c), h.Now()
	code := !s.FactorFresh(now)
	p := views.Confirm{
		Frame: h.Frame(c, web.T(c, "Confirm that it is you")), Next: web.SafeNext(next, ""), Email: web.User(c).Email,
		AskCode: code, AskPassword: !code || !s.PasswordFresh(now),
	}
	if err := h.byProvider(c, &p); err != nil || h.Factors == nil {
		return p, err
	}
	kinds, err := h.Factors.Kinds(web.Ctx(c), web.Actor(c))
	p.Apps, p.Passkeys = kinds[factor.TOTP], kinds[factor.Passkey]
	return p, err
}

// Confirm makes the session fresh under a new token and leads back. Password and code are judged one after the other: of a right password and a wrong code the
// password counts, and the code alone is asked for again.
func (h *Handler) Confirm(c echo.Context) error {
	var form confirmForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	p, err := h.confirmPage(c, form.Next)
	if err != nil {
		return err
	}
	if p.AskPassword {
		token, err := h.Store.Reauthenticate(web.Ctx(c), web.Actor(c), form.Password)
		if err != nil {
			return h.confirmAgain(c, p, err)
		}
		h.StartSession(c, token, web.Session(c).ExpiresAt.Sub(h.Now()))
		p.AskPassword = false
	}
	if p.AskCode {
		shown, err := h.Factors.Show(web.Ctx(c), web.Actor(c), form.Code)
		if err != nil {
			return h.confirmAgain(c, p, err)
		}
		h.StartSession(c, shown.Token, shown.Session.ExpiresAt.Sub(h.Now()))
	}
	return h.See(c, web.SafeNext(form.Next, "/console/account"))
}

func (h *Handler) confirmAgain(c echo.Context, p views.Confirm, err error) error {
	at := "code"
	if p.AskPassword {
		at = "password"
	}
	status, problems, byField, ok := web.Slowed(c, err, at)
	if !ok {
		return err
	}
	p.Problems, p.Errors = problems, byField
	return h.RenderStatus(c, status, views.ConfirmPage(p))
}
