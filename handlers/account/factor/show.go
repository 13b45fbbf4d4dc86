package factor

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	views "github.com/gatehouse-dev/gatehouse/views/account"
)

// ShowForm asks for the second factor of who has given the password.
func (h *Handler) ShowForm(c echo.Context) error {
	return h.Render(c, views.ShowFactorPage(h.showPage(c, c.QueryParam("next"))))
}

func (h *Handler) showPage(c echo.Context, next string) views.ShowFactor {
	_, u := web.Pending(c)
	p := views.ShowFactor{Frame: h.Frame(c, web.T(c, "Second factor")), Next: web.SafeNext(next, ""), Email: u.Email}
	p.Frame.NoIndex = true
	return p
}

// Show finishes the sign-in under a new token (S2).
func (h *Handler) Show(c echo.Context) error {
	var form codeForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	a, u := web.Pending(c)
	shown, err := h.Store.Show(web.Ctx(c), a, form.Code)
	if problems, byField, ok := web.Problems(c, err); ok {
		p := h.showPage(c, form.Next)
		p.Problems, p.Errors = problems, byField
		return h.RenderProblems(c, views.ShowFactorPage(p))
	}
	if err != nil {
		return err
	}
	if err := h.Accounts.Enter(c, shown.Token, shown.Session); err != nil {
		return err
	}
	next := web.SafeNext(form.Next, "")
	if next == "" {
		if next, err = h.Accounts.HomeOf(c, u.ID); err != nil {
			return err
		}
	}
	if shown.Recovery {
		return h.Warn(c, next, text.N("You signed in with a recovery code, which does not work any more. Codes that still work: %s"), strconv.Itoa(shown.Left))
	}
	return h.See(c, next)
}
