package privacy

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/privacy"
	views "github.com/gatehouse-dev/gatehouse/views/account"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

// Records tells anybody what is kept of people, and for how long.
func (h *Handler) Records(c echo.Context) error {
	r, err := h.Policies.Retention(web.Ctx(c))
	if err != nil {
		return err
	}
	limits, err := h.Accounts.SessionLimits(web.Ctx(c))
	if err != nil {
		return err
	}
	shown := map[string]bool{}
	for _, t := range privacy.Tables() {
		shown[t.Record] = shown[t.Record] || t.Of != "" && t.Shown != ""
	}
	p := views.Records{Frame: h.Frame(c, web.T(c, "What is kept"))}
	p.Frame.Wide = true
	for _, x := range privacy.Records(r) {
		if x.ID == "sessions" {
			x.Days = (limits.AbsoluteMinutes + 59) / 60
		}
		var args []any
		if x.Days > 0 {
			args = []any{x.Days}
		}
		p.Rows = append(p.Rows, views.RecordRow{Title: web.T(c, x.Title), Why: web.T(c, x.Why), Keep: web.T(c, x.Keep, args...), Ends: web.T(c, x.Ends), Shown: shown[x.ID]})
	}
	return h.Render(c, views.RecordsPage(p))
}

type retentionForm struct {
	Addresses string `form:"addresses"`
	Networks  string `form:"networks"`
	Sure      string `form:"sure"` // the times that the second page asked about
}

func (f retentionForm) times() string { return f.Addresses + "/" + f.Networks }

// Retention shows for how long addresses and networks are kept.
func (h *Handler) Retention(c echo.Context) error {
	r, err := h.Policies.Retention(web.Ctx(c))
	if err != nil {
		return err
	}
	return h.Render(c, views.RetentionPage(h.retentionPage(c, retentionForm{Addresses: strconv.Itoa(r.Addresses), Networks: strconv.Itoa(r.Networks)}, nil)))
}

// SetRetention changes it. A time that gets shorter is asked about once more, with what that erases.
func (h *Handler) SetRetention(c echo.Context) error {
	var form retentionForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	var r privacy.Retention
	r.Addresses, _ = strconv.Atoi(form.Addresses) // what is no number is none of the list
	r.Networks, _ = strconv.Atoi(form.Networks)
	if form.Sure != form.times() {
		p, err := h.retentionSure(c, form, r)
		if err != nil {
			return err
		}
		if p != nil {
			return h.Render(c, views.RetentionSurePage(*p))
		}
	}
	err := h.Policies.SetRetention(web.Ctx(c), web.Actor(c), r)
	if _, _, ok := web.Problems(c, err); ok {
		return h.RenderProblems(c, views.RetentionPage(h.retentionPage(c, form, err)))
	}
	if err != nil {
		return err
	}
	return h.Done(c, "/admin/retention", text.N("The retention is changed."))
}

// retentionSure is the second page; nil when nothing gets shorter, or the form is wrong.
func (h *Handler) retentionSure(c echo.Context, form retentionForm, r privacy.Retention) (*views.RetentionSure, error) {
	now, err := h.Policies.Retention(web.Ctx(c))
	if err != nil || r.Addresses >= now.Addresses && r.Networks >= now.Networks || !r.Possible() {
		return nil, err
	}
	goes, err := h.Policies.Going(web.Ctx(c), r)
	if err != nil {
		return nil, err
	}
	counted := func(n int64) string {
		if n == privacy.CountedAtMost {
			return web.T(c, "%s or more", text.Number(web.Ctx(c), n))
		}
		return text.Number(web.Ctx(c), n)
	}
	return &views.RetentionSure{
		Frame: h.Frame(c, web.T(c, "Shorten retention")), Addresses: form.Addresses, Networks: form.Networks, Sure: form.times(),
		Rows: []components.Fact{
			{Term: web.T(c, "Network addresses in the audit log"), Value: web.T(c, "%d days", r.Addresses)},
			{Term: web.T(c, "Networks of browsers, keys and opened links"), Value: web.T(c, "%d days", r.Networks)},
			{Term: web.T(c, "Events that lose their address"), Value: counted(goes.Addresses)},
			{Term: web.T(c, "Networks that are erased"), Value: counted(goes.Networks)},
		},
	}, nil
}

func (h *Handler) retentionPage(c echo.Context, form retentionForm, failed error) views.Retention {
	p := views.Retention{Frame: h.Frame(c, web.T(c, "Retention")), CanChange: permission.Staff(web.Actor(c).StaffRole, permission.StaffPolicyManage), Addresses: form.Addresses, Networks: form.Networks}
	if failed != nil {
		p.Problems, p.Errors, _ = web.Problems(c, failed)
	}
	for _, days := range privacy.Choices {
		p.Choices = append(p.Choices, components.Option{Value: strconv.Itoa(days), Label: web.T(c, "%d days", days)})
	}
	return p
}
