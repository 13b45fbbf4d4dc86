package account

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	views "github.com/gatehouse-dev/gatehouse/views/account"
)

type signupForm struct {
	Name     string `form:"name"`
	Email    string `form:"email"`
	Password string `form:"password"`
	TimeZone string `form:"time_zone"` // filled by a script
	Next     string `form:"next"`
}

// SignupForm shows how an account begins here, if it does.
func (h *Handler) SignupForm(c echo.Context) error {
	p, err := h.signupPage(c, c.QueryParam("next"))
	if err != nil {
		return err
	}
	return h.Render(c, views.SignupPage(p))
}

func (h *Handler) signupPage(c echo.Context, next string) (views.Signup, error) {
	policy := h.Store.SignupPolicy()
	p := views.Signup{Frame: h.Frame(c, web.T(c, "Create account")), Closed: policy.Policy == config.SignupClosed, Approval: policy.Policy == config.SignupApproval, MailByHand: h.MailByHand, Next: web.SafeNext(next, ""), Providers: h.providers()}
	p.Frame.Description = web.T(c, "Create an account to get API keys.")
	p.Frame.Canonical = h.Link("/signup")
	if policy.Policy == config.SignupDomains {
		p.Domains = strings.Join(policy.Domains, ", ")
	}
	var err error
	p.NotSetUp, err = h.notSetUp(c)
	return p, err
}

// SignUp begins an account and leads to the page that verifies its address.
func (h *Handler) SignUp(c echo.Context) error {
	var form signupForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	p, err := h.signupPage(c, form.Next)
	if err != nil {
		return err
	}
	if p.NotSetUp {
		return h.RenderStatus(c, http.StatusConflict, views.SignupPage(p))
	}
	browser, err := h.Store.SignUp(web.Ctx(c), web.Actor(c), account.NewAccount{Name: form.Name, Email: form.Email, Password: form.Password, TimeZone: form.TimeZone, Next: web.SafeNext(form.Next, "")})
	if b, ok := bound(err); ok {
		return h.ByProvider(c, b, p.Next)
	}
	if problems, byField, ok := web.Problems(c, err); ok {
		p.Problems, p.Errors, p.Name, p.Email = problems, byField, form.Name, form.Email
		return h.RenderProblems(c, views.SignupPage(p))
	}
	if err != nil {
		return err
	}
	h.SetCookie(c, web.SignupCookie, browser, account.SignupAge)
	return h.See(c, views.Onward("/verify", web.SafeNext(form.Next, "")))
}

type verifyForm struct {
	Code     string `form:"code"`
	Token    string `form:"token"`
	Password string `form:"password"`
	Next     string `form:"next"`
}

// VerifyForm asks for the code in the browser where the sign-up began, or, opened by the mailed link, for a click. It uses nothing up.
func (h *Handler) VerifyForm(c echo.Context) error {
	p, err := h.verifyPage(c, c.QueryParam("token"), c.QueryParam("next"))
	if err != nil {
		return err
	}
	return h.showVerify(c, http.StatusOK, p)
}

func (h *Handler) showVerify(c echo.Context, status int, p views.Verify) error {
	if p.Gone {
		status = http.StatusNotFound
	}
	return h.RenderStatus(c, status, views.VerifyPage(p))
}

func (h *Handler) verifyPage(c echo.Context, token, next string) (views.Verify, error) {
	web.NoReferrer(c)
	p := views.Verify{Frame: h.Frame(c, web.T(c, "Verify your address")), Token: token, Next: web.SafeNext(next, ""), MailByHand: h.MailByHand}
	p.Frame.NoIndex = true
	if token != "" {
		p.Frame.Languages = nil // its form would carry the token on
	}
	browser := h.Cookie(c, web.SignupCookie)
	var err error
	var found account.PendingSignup
	switch {
	case token != "":
		found, err = h.Store.SignupOfLink(web.Ctx(c), token, browser)
		p.AskPassword, p.Gone = !found.SameBrowser, fault.Is(err, fault.NotFound)
	case browser != "":
		found, err = h.Store.SignupHere(web.Ctx(c), browser)
	}
	p.Email = found.Email
	if p.Next == "" {
		p.Next = web.SafeNext(found.Next, "")
	}
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return p, err
}

// Verify makes the account of a code or a link, and signs in.
func (h *Handler) Verify(c echo.Context) error {
	var form verifyForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	done, err := h.verify(c, form)
	if b, ok := bound(err); ok {
		return h.ByProvider(c, b, web.SafeNext(form.Next, ""))
	}
	problems, byField, invalid := web.Problems(c, err)
	if invalid || fault.Is(err, fault.NotFound) {
		p, err := h.verifyPage(c, form.Token, form.Next)
		if err != nil {
			return err
		}
		p.Problems, p.Errors = problems, byField
		return h.showVerify(c, http.StatusUnprocessableEntity, p)
	}
	if err != nil {
		return err
	}
	if done.Waits {
		h.SetCookie(c, web.SignupCookie, "", 0)
		return h.Done(c, views.Onward("/login", web.SafeNext(form.Next, "")), text.N("Your address is verified. An admin now looks at your account; you get a mail when it is ready."))
	}
	if err := h.Enter(c, done.Token, done.Session); err != nil {
		return err
	}
	return h.Done(c, web.SafeNext(form.Next, home), text.N("Your account is ready."))
}

func (h *Handler) verify(c echo.Context, form verifyForm) (account.Verified, error) {
	browser, agent := h.Cookie(c, web.SignupCookie), c.Request().UserAgent()
	if form.Token != "" {
		return h.Store.VerifyLink(web.Ctx(c), web.Actor(c), form.Token, browser, form.Password, agent)
	}
	return h.Store.VerifyCode(web.Ctx(c), web.Actor(c), browser, form.Code, agent)
}

type resendForm struct {
	Next string `form:"next"`
}

// Resend mails a new link and code.
func (h *Handler) Resend(c echo.Context) error {
	var form resendForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	back := views.Onward("/verify", web.SafeNext(form.Next, ""))
	err := h.Store.ResendSignup(web.Ctx(c), web.Actor(c), h.Cookie(c, web.SignupCookie))
	if fault.Is(err, fault.NotFound) {
		return h.See(c, back)
	}
	if err != nil {
		return err
	}
	if h.MailByHand {
		return h.Done(c, back, text.N("A new mail waits for you. The code and the link of the older one don’t work any more."))
	}
	return h.Done(c, back, text.N("A new mail is on its way. The code and the link of the older one don’t work any more."))
}
