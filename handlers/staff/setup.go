package staff

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/staff"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/staff"
)

type setupForm struct {
	Code     string `form:"code"`
	Name     string `form:"name"`
	Email    string `form:"email"`
	Password string `form:"password"`
	Company  string `form:"company"`
	Portal   string `form:"portal"`
}

// Setup shows the form of the first start to who holds the code.
func (h *Handler) Setup(c echo.Context) error {
	code := c.QueryParam("code")
	if err := h.Staff.CheckSetupCode(web.Ctx(c), code); err != nil {
		return err
	}
	return h.Render(c, views.Setup(h.setupPage(c, setupForm{Code: code}, nil, nil)))
}

// SetUp makes the first admin and signs them in.
func (h *Handler) SetUp(c echo.Context) error {
	var form setupForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	who := web.Actor(c)
	user, err := h.Staff.SetUp(web.Ctx(c), who, form.Code, staff.Setup{
		Name: form.Name, Email: form.Email, Password: form.Password, Company: form.Company, Portal: form.Portal, Language: string(text.Of(web.Ctx(c)).Language), TimeZone: "UTC",
	})
	if problems, byField, ok := web.Problems(c, err); ok {
		return h.RenderProblems(c, views.Setup(h.setupPage(c, form, problems, byField)))
	}
	if err != nil {
		return err
	}
	token, session, err := h.Users.SignInAs(web.Ctx(c), who, user.ID, c.Request().UserAgent())
	if err != nil {
		return err
	}
	if err := h.Enter(c, token, session); err != nil {
		return err
	}
	return h.Done(c, "/admin", text.N("The portal is set up."))
}

func (h *Handler) setupPage(c echo.Context, form setupForm, problems []components.Problem, byField map[string]string) views.SetupPage {
	web.NoReferrer(c)
	frame := h.Frame(c, web.T(c, "Set up this portal"))
	frame.NoIndex, frame.SignIn, frame.SignUp, frame.Nav = true, nil, nil, nil
	frame.Languages = nil // its form would carry the code on
	fields := []components.Field{
		{Name: "portal", Label: text.N("Name of the portal"), Hint: text.N("Shown on every page, such as “Northwind Developers”."), Value: form.Portal, Required: true, MaxLength: 80},
		{Name: "company", Label: text.N("Company"), Hint: text.N("The organization that publishes your APIs."), Value: form.Company, Required: true, MaxLength: 80, Autocomplete: "organization"},
		{Name: "name", Label: text.N("Name"), Value: form.Name, Required: true, MaxLength: 80, Autocomplete: "name"},
		{Name: "email", Label: text.N("Email"), Type: "email", Value: form.Email, Required: true, MaxLength: 254, Autocomplete: "email"},
		{Name: "password", Label: text.N("Password"), Hint: text.N("At least 12 characters. A sentence is fine."), Type: "password", Required: true, MaxLength: 512, Autocomplete: "new-password"},
	}
	for i := range fields {
		fields[i] = field(c, fields[i], byField)
	}
	return views.SetupPage{Frame: frame, Code: form.Code, Problems: problems, Fields: fields}
}
