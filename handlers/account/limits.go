package account

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	views "github.com/gatehouse-dev/gatehouse/views/account"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

type limitsForm struct {
	Idle     string `form:"idle"`
	Absolute string `form:"absolute"`
}

// Limits shows after how long sessions end.
func (h *Handler) Limits(c echo.Context) error {
	now, err := h.Store.SessionLimits(web.Ctx(c))
	if err != nil {
		return err
	}
	return h.Render(c, views.LimitsPage(h.limitsPage(c, limitsForm{strconv.Itoa(now.IdleMinutes), strconv.Itoa(now.AbsoluteMinutes)}, nil)))
}

// SetLimits changes it.
func (h *Handler) SetLimits(c echo.Context) error {
	var form limitsForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	var l account.Limits
	l.IdleMinutes, _ = strconv.Atoi(form.Idle) // what is no number is none of the list
	l.AbsoluteMinutes, _ = strconv.Atoi(form.Absolute)
	err := h.Store.SetSessionLimits(web.Ctx(c), web.Actor(c), l)
	if _, _, ok := web.Problems(c, err); ok {
		return h.RenderProblems(c, views.LimitsPage(h.limitsPage(c, form, err)))
	}
	if err != nil {
		return err
	}
	return h.Done(c, "/admin/sessions", text.N("The limits of sessions are changed."))
}

func (h *Handler) limitsPage(c echo.Context, form limitsForm, failed error) views.Limits {
	p := views.Limits{Frame: h.Frame(c, web.T(c, "Sessions")), CanChange: permission.Staff(web.Actor(c).StaffRole, permission.StaffPolicyManage), Idle: form.Idle, Absolute: form.Absolute}
	if failed != nil {
		p.Problems, p.Errors, _ = web.Problems(c, failed)
	}
	for _, m := range account.IdleChoices {
		p.IdleChoices = append(p.IdleChoices, components.Option{Value: strconv.Itoa(m), Label: lasting(c, m)})
	}
	for _, m := range account.AbsoluteChoices {
		p.AbsoluteChoices = append(p.AbsoluteChoices, components.Option{Value: strconv.Itoa(m), Label: lasting(c, m)})
	}
	return p
}

// lasting puts so many minutes into words.
func lasting(c echo.Context, minutes int) string {
	if minutes%60 == 0 {
		return web.T(c, "%d hours", minutes/60)
	}
	return web.T(c, "%d minutes", minutes)
}
