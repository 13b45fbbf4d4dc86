// Package account answers sign-up, sign-in, the pages of one's own account, and what staff do with users and mail.
package account

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	"github.com/gatehouse-dev/gatehouse/models/account/provider"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/mail"
)

// Handler answers the area's routes.
type Handler struct {
	*web.Kit
	Store     *account.Store
	Factors   *factor.Store   // nil where nobody has a second factor
	Providers *provider.Store // nil where there is none elsewhere
}

// New makes the handler, lets the kit ask signed-out readers to sign in, and tells it whether there is a mail server.
func New(k *web.Kit, s *account.Store, mailByHand bool) *Handler {
	h := &Handler{Kit: k, Store: s}
	k.MailByHand, k.SignIn = mailByHand, h.AskToSignIn
	return h
}

// Routes are the area's routes.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/signup", web.Visitor(), h.SignupForm)
	r.PostSmall("/signup", web.Visitor(), h.SignUp)
	r.Get("/verify", web.Visitor(), h.VerifyForm)
	r.PostSmall("/verify", web.Visitor(), h.Verify)
	r.PostSmall("/verify/resend", web.Visitor(), h.Resend)
	r.Get("/login", web.Visitor(), h.LoginForm)
	r.PostSmall("/login", web.Visitor(), h.SignInNow)
	r.Get("/login/code", web.WhileCoding(), h.CodeForm)
	r.PostSmall("/login/code", web.WhileCoding(), h.EnterCode)
	r.PostSmall("/login/code/resend", web.WhileCoding(), h.ResendCode)
	r.PostSmall("/logout", web.Public(), h.SignOut)
	r.PostSmall("/language", web.Public(), h.ChangeLanguage)
	r.Get("/password/forgot", web.Public(), h.ForgotForm)
	r.PostSmall("/password/forgot", web.Public(), h.Forgot)
	r.Get("/password/reset", web.Public(), h.ResetForm)
	r.PostSmall("/password/reset", web.Public(), h.Reset)
	r.Get("/email/undo", web.Public(), h.UndoForm)
	r.PostSmall("/email/undo", web.Public(), h.UndoEmail)
	r.Get("/email/undone", web.Public(), h.Undone)
	h.ownRoutes(r)
	h.staffRoutes(r)
}

func (h *Handler) ownRoutes(r *web.Registrar) {
	r.Get("/console/account", web.SignedIn(), h.Account)
	r.Post("/console/account/profile", web.SignedIn(), h.ChangeProfile)
	r.PostSmall("/console/account/password", web.SignedIn().FactorFresh(), h.ChangePassword)
	r.PostSmall("/console/account/address", web.SignedIn().FactorFresh(), h.RequestEmail)
	r.PostSmall("/console/account/address/resend", web.SignedIn(), h.ResendEmail)
	r.PostSmall("/console/account/address/give-up", web.SignedIn(), h.GiveUpEmail)
	r.Get("/console/account/email", web.SignedIn(), h.EmailForm)
	r.PostSmall("/console/account/email", web.SignedIn(), h.ConfirmEmail)
	r.PostSmall("/console/account/sessions/end-others", web.SignedIn(), h.EndOthers)
	r.PostSmall("/console/account/sessions/end-all", web.SignedIn(), h.EndAll)
	r.PostSmall("/console/account/sessions/:session/end", web.SignedIn(), h.EndSession)
	r.PostSmall("/console/account/browsers/forget-others", web.SignedIn(), h.ForgetOtherBrowsers)
	r.PostSmall("/console/account/browsers/:browser/forget", web.SignedIn(), h.ForgetBrowser)
	r.Get("/console/account/confirm", web.SignedIn().WhileEnrolling(), h.ConfirmForm)
	r.PostSmall("/console/account/confirm", web.SignedIn().WhileEnrolling(), h.Confirm)
	r.Get("/console/account/delete", web.SignedIn().FactorFresh(), h.DeleteForm)
	r.PostSmall("/console/account/delete", web.SignedIn().FactorFresh(), h.Delete)
}

func (h *Handler) staffRoutes(r *web.Registrar) {
	r.Get("/admin/users", web.Staff(permission.StaffUsersRead), h.Users)
	r.Get("/admin/users/:user", web.Staff(permission.StaffUsersRead), h.User)
	r.Post("/admin/users/:user/approve", web.Staff(permission.StaffUsersManage), h.Approve)
	r.Post("/admin/users/:user/suspend", web.Staff(permission.StaffUsersManage), h.Suspend)
	r.Post("/admin/users/:user/unsuspend", web.Staff(permission.StaffUsersManage), h.Unsuspend)
	r.Post("/admin/users/:user/sessions/:session/end", web.Staff(permission.StaffUsersManage), h.EndSessionOf)
	r.Post("/admin/users/:user/end-sessions", web.Staff(permission.StaffUsersManage), h.EndSessions)
	r.Post("/admin/users/:user/role", web.Staff(permission.StaffRolesManage).Fresh(), h.SetRole)
	r.Get("/admin/sessions", web.Staff(permission.StaffPolicyRead), h.Limits)
	r.Post("/admin/sessions", web.Staff(permission.StaffPolicyManage).Fresh(), h.SetLimits)
	r.Get("/admin/mail", web.Staff(permission.StaffMailManage), h.Mails)
	r.Post("/admin/mail/test", web.Staff(permission.StaffMailManage), h.SendTestMail)
	r.Post("/admin/mail/:mail/open", web.Staff(permission.StaffMailManage).Fresh(), h.OpenMail)
	r.Post("/admin/mail/:mail/handed-out", web.Staff(permission.StaffMailManage), h.HandOutMail)
}

func (h *Handler) policy() config.SignupPolicy { return h.Store.SignupPolicy().Policy }

// notSetUp reports whether there is nothing yet to sign in to: the portal waits for its first admin.
func (h *Handler) notSetUp(c echo.Context) (bool, error) {
	if web.Portal(c).SetUpAt != nil {
		return false, nil
	}
	return h.Store.Nobody(web.Ctx(c))
}

// ComposeMail puts a letter of the outbox into words: for whoever sends it, and for the admin who hands it out.
func ComposeMail(ctx context.Context, portalName string, l outbox.Letter) (subject, plain, html string, err error) {
	out := mail.Letter{Language: l.Language, TimeZone: l.TimeZone, Subject: mail.Line(l.Subject), Lines: lines(l.Lines), Code: l.Code, URL: l.URL, Quote: l.Quote, After: lines(l.After)}
	for _, x := range l.Links {
		out.Links = append(out.Links, mail.Link{Label: mail.Line(x.Label), URL: x.URL})
	}
	if l.Button != nil {
		b := mail.Line(*l.Button)
		out.Button = &b
	}
	return mail.Compose(ctx, portalName, out)
}

func lines(all []outbox.Line) []mail.Line {
	out := make([]mail.Line, len(all))
	for i, l := range all {
		out[i] = mail.Line(l)
	}
	return out
}

// remember lets the browser be known in which somebody just chose a password by a mailed link.
func (h *Handler) remember(c echo.Context, userID db.ID) error {
	known, err := h.Store.KnownBrowser(web.Ctx(c), web.Actor(c), userID, h.Browser(c))
	if err == nil {
		h.SetCookie(c, web.KnownCookie, known, account.KnownAge)
	}
	return err
}
