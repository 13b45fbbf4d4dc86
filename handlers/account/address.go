package account

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	views "github.com/gatehouse-dev/gatehouse/views/account"
)

type addressForm struct {
	Email    string `form:"new_email"`
	Password string `form:"email_password"`
}

// RequestEmail mails a link to the new address.
func (h *Handler) RequestEmail(c echo.Context) error {
	var form addressForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	err := h.Store.RequestEmail(web.Ctx(c), web.Actor(c), form.Email, form.Password)
	if _, _, ok := web.Problems(c, err); ok {
		return h.showAccount(c, err, func(p *views.Account) { p.NewEmail = form.Email })
	}
	if err != nil {
		return err
	}
	if h.MailByHand {
		return h.Done(c, "/console/account", text.N("A mail to the new address waits. An admin hands you its link, which works for 24 hours."))
	}
	return h.Done(c, "/console/account", text.N("A mail is on its way to the new address. Open its link in the next 24 hours."))
}

// ResendEmail mails the link of a change that waits once more.
func (h *Handler) ResendEmail(c echo.Context) error {
	err := h.Store.ResendEmail(web.Ctx(c), web.Actor(c))
	if _, _, ok := web.Problems(c, err); ok {
		return h.showAccount(c, err, nil)
	}
	if err != nil {
		return err
	}
	return h.Done(c, "/console/account", text.N("There is a new mail to the new address. Only its link works now."))
}

// GiveUpEmail ends a change that waits.
func (h *Handler) GiveUpEmail(c echo.Context) error {
	if err := h.Store.GiveUpEmail(web.Ctx(c), web.Actor(c)); err != nil {
		return err
	}
	return h.Done(c, "/console/account", text.N("Your address stays as it is. The link of the mail does not work any more."))
}

type tokenForm struct {
	Token string `form:"token"`
}

// EmailForm asks for the click that takes the new address. Opening it uses nothing up.
func (h *Handler) EmailForm(c echo.Context) error {
	token := c.QueryParam("token")
	email, err := h.Store.EmailLink(web.Ctx(c), web.Actor(c), token)
	return h.showLink(c, err, views.Link{
		Title: web.T(c, "Confirm your new address"), Text: web.T(c, "From now on you sign in with this address:"), Email: email,
		Action: "/console/account/email", Button: web.T(c, "Confirm address"), Token: token,
	})
}

// ConfirmEmail takes the new address.
func (h *Handler) ConfirmEmail(c echo.Context) error {
	var form tokenForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	err := h.Store.ConfirmEmail(web.Ctx(c), web.Actor(c), form.Token)
	if fault.Is(err, fault.NotFound) {
		return h.showLink(c, err, views.Link{Title: web.T(c, "Confirm your new address")})
	}
	if err != nil {
		return err
	}
	return h.Done(c, "/console/account", text.N("Your address is changed. The old one got a mail that can undo it for a week."))
}

// UndoForm asks for the click that takes the old address back.
func (h *Handler) UndoForm(c echo.Context) error {
	token := c.QueryParam("token")
	email, err := h.Store.UndoLink(web.Ctx(c), token)
	return h.showLink(c, err, views.Link{
		Title: web.T(c, "Take the address back"), Text: web.T(c, "Your account gets this address back:"), Email: email,
		After:  web.T(c, "All browsers are signed out, providers are unlinked, and second factors that were added since the change or in the day before are removed. The password does not work any more: a mail with a link to choose a new one goes to this address."),
		Action: "/email/undo", Button: web.T(c, "Take the address back"), Token: token,
	})
}

// UndoEmail takes the old address back.
func (h *Handler) UndoEmail(c echo.Context) error {
	var form tokenForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	err := h.Store.UndoEmail(web.Ctx(c), web.Actor(c), form.Token)
	if fault.Is(err, fault.NotFound) {
		return h.showLink(c, err, views.Link{Title: web.T(c, "Take the address back")})
	}
	if err != nil {
		return err
	}
	return h.Done(c, "/email/undone", text.N("Your address is back."))
}

// Undone says what was done besides, and what whoever took an address back does next. It tells nothing of anybody, so that it can be read again.
func (h *Handler) Undone(c echo.Context) error {
	p := views.Undone{Frame: h.Frame(c, web.T(c, "What was done, and what comes next")), MailByHand: h.MailByHand}
	p.Frame.NoIndex, p.Frame.Side = true, nil
	return h.Render(c, views.UndonePage(p))
}

func (h *Handler) showLink(c echo.Context, err error, p views.Link) error {
	web.NoReferrer(c)
	status := http.StatusOK
	if p.Gone = fault.Is(err, fault.NotFound); p.Gone {
		status = http.StatusNotFound
	} else if err != nil {
		return err
	}
	p.Frame = h.Frame(c, p.Title)
	p.Frame.NoIndex, p.Frame.Languages, p.Frame.Side = true, nil, nil
	return h.RenderStatus(c, status, views.LinkPage(p))
}

// sentence puts a fault into words.
func sentence(c echo.Context, err error) string {
	f := fault.As(err)
	if f == nil || f.Key == "" {
		return ""
	}
	return web.T(c, f.Key, f.Args...)
}
