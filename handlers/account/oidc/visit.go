package oidc

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account/provider"
	views "github.com/gatehouse-dev/gatehouse/views/account"
)

// Visit shows what is next for somebody whom no account is linked to yet.
func (h *Handler) Visit(c echo.Context) error {
	if _, u := web.Pending(c); u != nil { // they gave the password, and have yet to show a second factor or a code by mail
		return h.See(c, views.Onward(web.PendingHome(web.Session(c)), visitPage))
	}
	if web.Actor(c).SignedIn() && !web.Session(c).Fresh(h.Now()) {
		return h.See(c, views.Onward("/console/account/confirm", visitPage))
	}
	return h.visit(c, http.StatusOK, "", false, nil)
}

// visit renders the page; of a form that was sent, name is what was entered and failed what is wrong with it.
func (h *Handler) visit(c echo.Context, status int, name string, sent bool, failed error) error {
	v, err := h.Store.ByToken(web.Ctx(c), h.Cookie(c, visitName))
	if err != nil {
		return h.over(c, err)
	}
	b, bound, err := h.Accounts.Store.BoundBy(web.Ctx(c), v.Address)
	if err != nil {
		return err
	}
	if bound && v.Provider != b.Provider && !web.Actor(c).SignedIn() {
		return h.Accounts.ByProvider(c, b, v.NextPath)
	}
	label := h.Store.Label(v.Issuer)
	p := views.Visit{Frame: h.Frame(c, web.T(c, "Sign in by %s", label)), Label: label, Address: v.Address, Name: v.Name, Sent: sent || v.LinkDigest != nil, MailByHand: h.Accounts.MailByHand}
	p.Frame.NoIndex = true
	if failed != nil {
		p.Name = name
		p.Problems, p.Errors, _ = web.Problems(c, failed)
	}
	welcome := fault.As(h.Accounts.Store.Welcome(v.Address))
	switch {
	case web.Actor(c).SignedIn():
		p.Step, p.Email = views.VisitLink, web.User(c).Email
	case bound && !v.Vouched:
		p.Why = web.T(c, "%s does not say that it has verified this address, so it can’t sign you in here. The people who run %s can change that.", label, label)
	case v.Address == "":
		p.Why = web.T(c, "%s names no address of yours that it has verified, so there can be no account by it.", label)
	case !v.Verified:
		p.Step = views.VisitMail
	case v.HasAccount:
		p.Step, p.MailOnly = views.VisitProve, bound
	case welcome != nil:
		p.Why = web.T(c, welcome.Key, welcome.Args...)
	default:
		p.Step, p.Approval = views.VisitCreate, h.Accounts.Store.SignupPolicy().Policy == config.SignupApproval
	}
	return h.RenderStatus(c, status, views.VisitPage(p))
}

// over answers for a visit that there is not: with what to do, when it is over.
func (h *Handler) over(c echo.Context, err error) error {
	f := fault.As(err)
	if f == nil || f.Kind != fault.NotFound {
		return err
	}
	p := views.ProviderFailed{Frame: h.Frame(c, web.T(c, "Sign in")), Title: web.T(c, "This is over"), Text: web.T(c, f.Key, f.Args...), Again: "/login"}
	p.Frame.NoIndex = true
	return h.RenderStatus(c, http.StatusNotFound, views.ProviderFailedPage(p))
}

// SendLink mails a link that shows that the address is theirs.
func (h *Handler) SendLink(c echo.Context) error {
	if err := h.Store.SendLink(web.Ctx(c), web.Actor(c), h.Cookie(c, visitName)); err != nil {
		return h.over(c, err)
	}
	return h.See(c, visitPage)
}

// ProofForm is where the link of a mail leads. It uses nothing up, since mail scanners open links too.
func (h *Handler) ProofForm(c echo.Context) error {
	web.NoReferrer(c)
	v, err := h.Store.ByToken(web.Ctx(c), h.Cookie(c, visitName))
	p := views.Link{Frame: h.Frame(c, web.T(c, "Show that the address is yours")), Title: web.T(c, "Show that the address is yours"), Action: visitPage + "/proof", Token: c.QueryParam("token")}
	p.Frame.NoIndex, p.Frame.Languages = true, nil // its form would carry the token on
	if fault.Is(err, fault.NotFound) {
		return h.RenderStatus(c, http.StatusNotFound, views.ProviderFailedPage(views.ProviderFailed{
			Frame: p.Frame, Title: p.Title, Again: "/login", Text: web.T(c, "Open the link in the browser in which you asked for it, within half an hour. If that is over, begin again."),
		}))
	}
	if err != nil {
		return err
	}
	p.Text, p.Email, p.Button = web.T(c, "You came from %s with this address:", h.Store.Label(v.Issuer)), v.Address, web.T(c, "It is mine")
	p.After = web.T(c, "If you did not, close this page: somebody else has used this browser.")
	return h.Render(c, views.LinkPage(p))
}

type proofForm struct {
	Token string `form:"token"`
}

// Prove takes the link of a mail.
func (h *Handler) Prove(c echo.Context) error {
	var form proofForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	v, err := h.Store.ByToken(web.Ctx(c), h.Cookie(c, visitName))
	if err != nil {
		return h.over(c, err)
	}
	out, err := h.Store.Prove(web.Ctx(c), web.Actor(c), h.Cookie(c, visitName), form.Token, c.Request().UserAgent())
	if fault.Is(err, fault.NotFound) {
		return h.over(c, err)
	}
	if f := fault.As(err); f != nil && (f.Kind == fault.Conflict || f.Kind == fault.Unauthenticated) {
		return h.failed(c, h.Clients[v.Provider], err)
	}
	if err != nil {
		return err
	}
	if out.Token == "" {
		return h.See(c, visitPage)
	}
	if out.Visit != "" { // the visit goes on once they have shown their factor
		return h.in(c, out.Token, out.Session, visitPage)
	}
	h.SetCookie(c, visitName, "", 0)
	return h.in(c, out.Token, out.Session, v.NextPath)
}

type createForm struct {
	Name     string `form:"name"`
	TimeZone string `form:"time_zone"` // filled by a script
}

// Create makes the account.
func (h *Handler) Create(c echo.Context) error {
	var form createForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	person := provider.NewPerson{Name: form.Name, TimeZone: form.TimeZone, Language: string(text.Of(web.Ctx(c)).Language), Agent: c.Request().UserAgent()}
	v, out, err := h.Store.Create(web.Ctx(c), web.Actor(c), h.Cookie(c, visitName), person)
	err = h.Unkeyed(c, err, &form.Name)
	if _, _, ok := web.Problems(c, err); ok {
		return h.visit(c, http.StatusUnprocessableEntity, form.Name, false, err)
	}
	if fault.Is(err, fault.NotFound) {
		return h.over(c, err)
	}
	if err != nil {
		return err
	}
	h.SetCookie(c, visitName, "", 0)
	if out.Token == "" {
		return h.Done(c, "/login", text.N("Your address is verified. An admin now looks at your account; you get a mail when it is ready."))
	}
	if err := h.Accounts.Enter(c, out.Token, out.Session); err != nil {
		return err
	}
	return h.Done(c, web.SafeNext(v.NextPath, "/console"), text.N("Your account is ready."))
}

// Link links the account of who is signed in.
func (h *Handler) Link(c echo.Context) error {
	v, err := h.Store.Link(web.Ctx(c), web.Actor(c), h.Cookie(c, visitName))
	if fault.Is(err, fault.NotFound) {
		return h.over(c, err)
	}
	if err != nil {
		return err
	}
	h.SetCookie(c, visitName, "", 0)
	return h.Done(c, web.SafeNext(v.NextPath, home), text.N("%s is linked: it signs you in from now on."), h.Store.Label(v.Issuer))
}
