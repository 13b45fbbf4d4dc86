package account

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	views "github.com/gatehouse-dev/gatehouse/views/account"
)

type codeForm struct {
	Code string `form:"code"`
	Next string `form:"next"`
}

// CodeForm asks who has given the password in a new browser for the code that was mailed to them.
func (h *Handler) CodeForm(c echo.Context) error {
	return h.Render(c, views.SignInCodePage(h.codePage(c, c.QueryParam("next"))))
}

func (h *Handler) codePage(c echo.Context, next string) views.SignInCode {
	_, u := web.Pending(c)
	p := views.SignInCode{Frame: h.Frame(c, web.T(c, "Code by mail")), Next: web.SafeNext(next, ""), Email: u.Email}
	p.Frame.NoIndex = true
	return p
}

// EnterCode finishes the sign-in under a new token (S2).
func (h *Handler) EnterCode(c echo.Context) error {
	var form codeForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	a, _ := web.Pending(c)
	token, session, err := h.Store.EnterCode(web.Ctx(c), a, form.Code)
	if problems, byField, ok := web.Problems(c, err); ok {
		p := h.codePage(c, form.Next)
		p.Problems, p.Errors = problems, byField
		return h.RenderProblems(c, views.SignInCodePage(p))
	}
	if fault.Is(err, fault.Unauthenticated) {
		return h.SignInRefused(c, web.SafeNext(form.Next, ""), err)
	}
	if err != nil {
		return err
	}
	if err := h.Enter(c, token, session); err != nil {
		return err
	}
	return h.Onward(c, session, web.SafeNext(form.Next, ""))
}

// ResendCode mails a new code.
func (h *Handler) ResendCode(c echo.Context) error {
	var form resendForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	a, _ := web.Pending(c)
	if err := h.Store.ResendCode(web.Ctx(c), a); err != nil {
		return err
	}
	return h.Done(c, views.Onward("/login/code", web.SafeNext(form.Next, "")), text.N("A new mail is on its way. The code of the older one doesn’t work any more."))
}
