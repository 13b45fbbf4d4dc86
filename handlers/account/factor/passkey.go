package factor

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	views "github.com/gatehouse-dev/gatehouse/views/account"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// Each act of a passkey has two routes: one answers a script with a challenge, and the other takes the answer in a form, as any other of our pages.
func (h *Handler) passkeyRoutes(r *web.Registrar) {
	r.PostSmall("/login/passkey/options", web.Visitor(), h.EnterOptions)
	r.PostSmall("/login/passkey", web.Visitor(), h.Enter)
	r.PostSmall("/login/factor/passkey/options", web.WhilePending(), h.ShowOptions)
	r.PostSmall("/login/factor/passkey", web.WhilePending(), h.ShowPasskey)
	r.PostSmall("/console/account/confirm/passkey/options", web.SignedIn(), h.ShowOptions)
	r.PostSmall("/console/account/confirm/passkey", web.SignedIn(), h.ConfirmByPasskey)
	r.PostSmall(home+"/passkeys/options", web.SignedIn().Fresh().WhileEnrolling(), h.AddOptions)
	r.PostSmall(home+"/passkeys", web.SignedIn().Fresh().WhileEnrolling(), h.AddPasskey)
}

type passkeyForm struct {
	Name   string `form:"name"`
	Answer string `form:"answer"` // what the browser said, as JSON; empty: no script ran
	Next   string `form:"next"`
}

// options answers a script with what it hands to the browser.
func options(c echo.Context, o any, err error) error {
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, o)
}

// needsScript says that passkeys need JavaScript, and where to go on without.
func (h *Handler) needsScript(c echo.Context, ways ...layout.Link) error {
	p := views.PasskeyHelp{Frame: h.Frame(c, web.T(c, "Passkeys need JavaScript")), Ways: ways}
	p.Frame.NoIndex = true
	return h.RenderProblems(c, views.PasskeyHelpPage(p))
}

// EnterOptions is the challenge for signing in by a passkey alone. It is tied to this browser by a cookie.
func (h *Handler) EnterOptions(c echo.Context) error {
	token := h.Cookie(c, web.PasskeyCookie)
	if token == "" || len(token) > 100 {
		token = secret.Token(32)
	}
	o, err := h.Store.AskToEnter(web.Ctx(c), web.Actor(c), factor.BoundTo(token))
	if err == nil {
		h.SetCookie(c, web.PasskeyCookie, token, factor.CeremonyAge)
	}
	return options(c, o, err)
}

// Enter signs in by a passkey alone. Whatever is wrong, the answer is the same (A6).
func (h *Handler) Enter(c echo.Context) error {
	var form passkeyForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	next := web.SafeNext(form.Next, "")
	if form.Answer == "" {
		return h.needsScript(c, layout.Link{Label: web.T(c, "Sign in with your password"), Href: views.Onward("/login", next)})
	}
	bound := factor.BoundTo(h.Cookie(c, web.PasskeyCookie))
	token, session, err := h.Store.Enter(web.Ctx(c), web.Actor(c), bound, form.Answer, c.Request().UserAgent())
	if err != nil {
		return h.Accounts.SignInRefused(c, next, err)
	}
	h.SetCookie(c, web.PasskeyCookie, "", 0)
	if err := h.Accounts.Enter(c, token, session); err != nil {
		return err
	}
	return h.Accounts.Onward(c, session, next)
}

// ShowOptions is the challenge for a passkey of who is signed in, or has given the password.
func (h *Handler) ShowOptions(c echo.Context) error {
	a, _ := web.Pending(c)
	o, err := h.Store.Ask(web.Ctx(c), a)
	return options(c, o, err)
}

// ShowPasskey finishes the sign-in under a new token (S2).
func (h *Handler) ShowPasskey(c echo.Context) error {
	var form passkeyForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	if form.Answer == "" {
		return h.needsScript(c, layout.Link{Label: web.T(c, "Sign in with a code"), Href: views.Onward("/login/factor", web.SafeNext(form.Next, ""))})
	}
	a, _ := web.Pending(c)
	shown, err := h.Store.ShowPasskey(web.Ctx(c), a, form.Answer)
	if err != nil {
		return h.showAgain(c, showForm{Next: form.Next}, err)
	}
	return h.whole(c, shown, form.Next)
}

// ConfirmByPasskey makes the session fresh under a new token and leads back: a passkey stands for password and second factor (A14).
func (h *Handler) ConfirmByPasskey(c echo.Context) error {
	var form passkeyForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	if form.Answer == "" {
		return h.needsScript(c, layout.Link{Label: web.T(c, "Confirm with your password"), Href: views.Onward("/console/account/confirm", web.SafeNext(form.Next, ""))})
	}
	shown, err := h.Store.ShowPasskey(web.Ctx(c), web.Actor(c), form.Answer)
	if err != nil {
		return h.Accounts.ConfirmRefused(c, form.Next, err)
	}
	h.StartSession(c, shown.Token, shown.Session.ExpiresAt.Sub(h.Now()))
	return h.See(c, web.SafeNext(form.Next, "/console/account"))
}

// AddOptions is the challenge for a new passkey.
func (h *Handler) AddOptions(c echo.Context) error {
	var form passkeyForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	o, err := h.Store.AskForNew(web.Ctx(c), web.Actor(c), form.Name)
	return options(c, o, err)
}

// AddPasskey keeps a new passkey. With the first factor it shows recovery codes, once, in the answer itself.
func (h *Handler) AddPasskey(c echo.Context) error {
	var form passkeyForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	added, err := h.addPasskey(c, form)
	if errors.Is(err, errNoScript) {
		return h.needsScript(c, layout.Link{Label: web.T(c, "Set up an authenticator app"), Href: home})
	}
	err = h.Unkeyed(c, err, &form.Name)
	if fault.Is(err, fault.Invalid) {
		return h.security(c, func(p *views.Security) {
			p.NewKey = form.Name
			for i := range p.Problems {
				if p.Problems[i].Field == "name" {
					p.Problems[i].Field = "passkey_name"
				}
			}
			p.Errors = map[string]string{"passkey_name": p.Errors["name"]}
		}, err)
	}
	if err != nil {
		return err
	}
	h.StartSession(c, added.Token, added.Session.ExpiresAt.Sub(h.Now()))
	if len(added.Codes) > 0 {
		return h.codes(c, added.Codes, views.FirstPasskey)
	}
	return h.Done(c, home, text.N("The passkey is added. It signs you in, alone or after your password."))
}

var errNoScript = errors.New("no script answered")

// addPasskey says what else is wrong before it says that no script ran.
func (h *Handler) addPasskey(c echo.Context, form passkeyForm) (factor.Added, error) {
	if form.Answer != "" {
		return h.Store.AddPasskey(web.Ctx(c), web.Actor(c), form.Name, form.Answer)
	}
	if err := h.Store.MayAdd(web.Ctx(c), web.Actor(c), form.Name); err != nil {
		return factor.Added{}, err
	}
	return factor.Added{}, errNoScript
}
