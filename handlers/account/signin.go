package account

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	views "github.com/gatehouse-dev/gatehouse/views/account"
)

const home = "/console"

type signInForm struct {
	Email    string `form:"email"`
	Password string `form:"password"`
	Next     string `form:"next"`
}

// LoginForm is the sign-in form.
func (h *Handler) LoginForm(c echo.Context) error {
	p, err := h.loginPage(c, c.QueryParam("next"))
	if err != nil {
		return err
	}
	return h.Render(c, views.LoginPage(p))
}

// AskToSignIn answers a signed-out reader of a page with the sign-in form, which leads on to that page.
func (h *Handler) AskToSignIn(c echo.Context, next string) error {
	p, err := h.loginPage(c, next)
	if err != nil {
		return err
	}
	p.Asked = true
	return h.RenderStatus(c, http.StatusUnauthorized, views.LoginPage(p))
}

func (h *Handler) loginPage(c echo.Context, next string) (views.Login, error) {
	p := views.Login{Frame: h.Frame(c, web.T(c, "Sign in")), Next: web.SafeNext(next, ""), Approval: h.policy() == config.SignupApproval, NoSignup: h.policy() == config.SignupClosed, Providers: h.providers()}
	p.Frame.NoIndex, p.Passkeys = true, h.Factors != nil && h.Factors.Passkeys()
	var err error
	p.NotSetUp, err = h.notSetUp(c)
	return p, err
}

// SignInNow signs in. Whatever is wrong, the answer is the same (A6).
func (h *Handler) SignInNow(c echo.Context) error {
	var form signInForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	p, err := h.loginPage(c, form.Next)
	if err != nil {
		return err
	}
	if p.NotSetUp {
		return h.RenderStatus(c, http.StatusConflict, views.LoginPage(p))
	}
	token, session, err := h.Store.SignIn(web.Ctx(c), web.Actor(c), form.Email, form.Password, h.Browser(c))
	if b, ok := bound(err); ok {
		return h.ByProvider(c, b, web.SafeNext(form.Next, ""))
	}
	if f := fault.As(err); f != nil && f.Kind == fault.Unauthenticated {
		p.Email, p.Failed = form.Email, web.T(c, f.Key)
		return h.RenderStatus(c, http.StatusUnauthorized, views.LoginPage(p))
	}
	if err != nil {
		return err
	}
	if err := h.Enter(c, token, session); err != nil {
		return err
	}
	return h.Onward(c, session, web.SafeNext(form.Next, ""))
}

// SignInRefused answers with the sign-in form and why another way in failed: an Unauthenticated fault; or with the way in that there is, for whom their domain has sign in
// by a provider. Other errors it returns as they are.
func (h *Handler) SignInRefused(c echo.Context, next string, failed error) error {
	if b, ok := bound(failed); ok {
		return h.ByProvider(c, b, next)
	}
	f := fault.As(failed)
	if f == nil || f.Kind != fault.Unauthenticated {
		return failed
	}
	p, err := h.loginPage(c, next)
	if err != nil {
		return err
	}
	p.Failed = web.T(c, f.Key, f.Args...)
	return h.RenderStatus(c, http.StatusUnauthorized, views.LoginPage(p))
}

// Onward leads who just got a session to where they were going, by way of the second factor if one is to be shown. Next is one of our paths, or "".
func (h *Handler) Onward(c echo.Context, s account.Session, next string) error {
	if s.Pending() {
		return h.See(c, views.Onward(web.PendingHome(s), next))
	}
	if next != "" {
		return h.See(c, next)
	}
	home, err := h.HomeOf(c, s.UserID)
	if err != nil {
		return err
	}
	return h.See(c, home)
}

// HomeOf is where a user begins: staff at the overview of what they run.
func (h *Handler) HomeOf(c echo.Context, id db.ID) (string, error) {
	u, err := h.Store.ByID(web.Ctx(c), id)
	if begin := web.AdminHome(u.StaffRole); begin != "" {
		return begin, err
	}
	return home, err
}

type signOutForm struct {
	Next string `form:"next"`
}

// SignOut ends the session and what the browser keeps of us (S4, S5), and leads on to where somebody else is to sign in. It is no error to be signed out already.
func (h *Handler) SignOut(c echo.Context) error {
	var form signOutForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	if a, _ := web.Pending(c); a.SignedIn() { // also who has yet to show a second factor or a code by mail
		if err := h.Store.SignOut(web.Ctx(c), a); err != nil {
			return err
		}
	}
	h.ForgetSession(c)
	return h.Done(c, web.SafeNext(form.Next, "/"), text.N("You are signed out."))
}

type languageForm struct {
	Language string `form:"language"`
	Next     string `form:"next"`
}

// ChangeLanguage sets the language of the signed-in user, or of this browser.
func (h *Handler) ChangeLanguage(c echo.Context) error {
	var form languageForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	language, ok := text.Parse(form.Language)
	if !ok {
		return fault.BadField("language", "Choose a language of the list.")
	}
	if web.Actor(c).SignedIn() {
		if err := h.Store.ChangeLanguage(web.Ctx(c), web.Actor(c), string(language)); err != nil {
			return err
		}
	} else {
		h.SetLanguage(c, string(language))
	}
	return h.See(c, web.SafeNext(form.Next, "/"))
}
