package staff

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/setting"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/staff"
)

type portalForm struct {
	Name   string `form:"name"`
	Hue    string `form:"hue"`
	Footer string `form:"footer"`
}

// Portal shows what the portal is called and how it looks.
func (h *Handler) Portal(c echo.Context) error {
	p := web.Portal(c)
	return h.Render(c, views.Portal(h.portalPage(c, portalForm{p.Name, strconv.Itoa(p.Hue), p.Footer}, nil, nil)))
}

// SetPortal changes it.
func (h *Handler) SetPortal(c echo.Context) error {
	var form portalForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	hue, err := strconv.Atoi(form.Hue)
	if err != nil && form.Hue != "" {
		hue = -1
	}
	err = h.Staff.SetPortal(web.Ctx(c), web.Actor(c), setting.Portal{Name: form.Name, Hue: hue, Footer: form.Footer})
	if problems, byField, ok := web.Problems(c, err); ok {
		return h.RenderProblems(c, views.Portal(h.portalPage(c, form, problems, byField)))
	}
	if err != nil {
		return err
	}
	return h.Done(c, "/admin/portal", text.N("The portal is changed."))
}

func (h *Handler) portalPage(c echo.Context, form portalForm, problems []components.Problem, byField map[string]string) views.PortalPage {
	return views.PortalPage{
		Frame: h.Frame(c, web.T(c, "Portal")), Problems: problems, CanChange: permission.Staff(web.Actor(c).StaffRole, permission.StaffPolicyManage),
		Name:   field(c, components.Field{Name: "name", Label: text.N("Name of the portal"), Value: form.Name, Required: true, MaxLength: 80}, byField),
		Hue:    field(c, components.Field{Name: "hue", Label: text.N("Hue"), Hint: text.N("The colour of buttons and links, from 1 to 360 degrees; 0 is the built-in blue. Lightness is fixed, so that text stays readable."), Value: form.Hue, InputMode: "numeric"}, byField),
		Footer: field(c, components.Field{Name: "footer", Label: text.N("Footer"), Hint: text.N("One line at the end of every page, such as the company’s name and town."), Value: form.Footer, MaxLength: 200, Optional: true}, byField),
	}
}
