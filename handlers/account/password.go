package account

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	views "github.com/gatehouse-dev/gatehouse/views/account"
)

type forgotForm struct {
	Email string `form:"email"`
}

// ForgotForm asks for the address of the account.
func (h *Handler) ForgotForm(c echo.Context) error {
	return h.Render(c, views.ForgotPage(h.forgotPage(c)))
}

func (h *Handler) forgotPage(c echo.Context) views.Forgot {
	p := views.Forgot{Frame: h.Frame(c, web.T(c, "Choose a new password")), MailByHand: h.MailByHand}
	p.Frame.NoIndex = true
	return p
}

// Forgot mails a link if there is such an account, and says the same if not (A6).
func (h *Handler) Forgot(c echo.Context) error {
	var form forgotForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	err := h.Store.RequestReset(web.Ctx(c), web.Actor(c), form.Email)
	if b, ok := bound(err); ok {
		return h.ByProvider(c, b, "")
	}
	p := h.forgotPage(c)
	p.Email = form.Email
	if problems, byField, ok := web.Problems(c, err); ok {
		p.Problems, p.Errors = problems, byField
		return h.RenderProblems(c, views.ForgotPage(p))
	}
	if err != nil {
		return err
	}
	p.Sent = true
	return h.Render(c, views.ForgotPage(p))
}

type resetForm struct {
	Token    string `form:"token"`
	Password string `form:"password"`
}

// ResetForm asks for the new password. Opening it uses nothing up (A13).
func (h *Handler) ResetForm(c echo.Context) error {
	return h.showReset(c, http.StatusOK, views.Reset{Token: c.QueryParam("token")})
}

func (h *Handler) showReset(c echo.Context, status int, p views.Reset) error {
	web.NoReferrer(c)
	p.Frame = h.Frame(c, web.T(c, "Choose a new password"))
	p.Frame.NoIndex, p.Frame.Languages = true, nil
	err := h.Store.ResetLink(web.Ctx(c), p.Token)
	if p.Gone = fault.Is(err, fault.NotFound); p.Gone {
		status = http.StatusNotFound
	} else if err != nil {
		return err
	}
	return h.RenderStatus(c, status, views.ResetPage(p))
}

// Reset sets the new password and leads to the sign-in form: a link alone signs nobody in (A13).
func (h *Handler) Reset(c echo.Context) error {
	var form resetForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	back, err := h.Store.Reset(web.Ctx(c), web.Actor(c), form.Token, form.Password)
	if b, ok := bound(err); ok {
		return h.ByProvider(c, b, "")
	}
	problems, byField, invalid := web.Problems(c, err)
	switch {
	case invalid, fault.Is(err, fault.NotFound):
		return h.showReset(c, http.StatusUnprocessableEntity, views.Reset{Token: form.Token, Problems: problems, Errors: byField})
	case err != nil:
		return err
	}
	if err := h.remember(c, back.UserID); err != nil { // so that nobody who guesses meanwhile keeps them out
		return err
	}
	return h.back(c, back)
}

// back leads to the sign-in form with what a new password changed, and from there to where the rest is looked through.
func (h *Handler) back(c echo.Context, b account.Back) error {
	factors, providers := views.Onward("/login", "/console/account/security"), views.Onward("/login", "/console/account/providers")
	gone := h.labels(b.Unlinked)
	switch {
	case gone != "" && b.Passkeys > 0:
		return h.Done(c, factors, text.N("Your password is set. Unlinked, so that nobody comes back by it: %s. Passkeys still sign you in: sign in, and remove those that you don’t know."), gone)
	case gone != "":
		return h.Done(c, providers, text.N("Your password is set. Unlinked, so that nobody comes back by it: %s. Sign in with the password, and link again what is yours."), gone)
	case b.Passkeys > 0:
		return h.Done(c, factors, text.N("Your password is set. Passkeys still sign you in: sign in, and remove those that you don’t know."))
	}
	return h.Done(c, "/login", text.N("Your password is set. Sign in with it."))
}

type passwordForm struct {
	Current string `form:"current_password"`
	New     string `form:"new_password"`
}

// ChangePassword replaces the password of who is signed in; the other browsers are signed out.
func (h *Handler) ChangePassword(c echo.Context) error {
	var form passwordForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	token, err := h.Store.ChangePassword(web.Ctx(c), web.Actor(c), form.Current, form.New)
	if _, _, ok := web.Problems(c, err); ok {
		return h.showAccount(c, err, nil)
	}
	if err != nil {
		return err
	}
	h.StartSession(c, token, web.Session(c).ExpiresAt.Sub(h.Now()))
	return h.Done(c, "/console/account", text.N("Your password is changed. Other browsers are signed out."))
}
