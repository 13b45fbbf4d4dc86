package leak

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/githubleak"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/db"
	leaks "github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// Mine lists the incidents of the reader's organizations.
func (h *Handler) Mine(c echo.Context) error {
	found, err := h.Leaks.Incidents(web.Ctx(c), web.Actor(c), filterOf(c), web.PageOf(c))
	if err != nil {
		return err
	}
	p := h.list(c, minePath, found, func(r leaks.Row) string { return leaks.PathOf(r.KeyID) })
	p.Lead = web.T(c, "Keys of yours that were reported as leaked, the last reported first.")
	p.Empty = components.EmptyState{Title: web.T(c, "No key of yours was reported as leaked"), Text: web.T(c, "When one is, it stands here with where it was found, and you get a mail.")}
	return h.Render(c, views.Incidents(p))
}

// All lists the incidents of everybody, for staff.
func (h *Handler) All(c echo.Context) error {
	found, err := h.Leaks.AllIncidents(web.Ctx(c), web.Actor(c), filterOf(c), web.PageOf(c))
	if err != nil {
		return err
	}
	p := h.list(c, adminPath, found, func(r leaks.Row) string { return adminPath + "/" + r.ID.Show(leaks.IncidentPrefix) })
	p.Lead, p.PolicyURL = web.T(c, "Keys that were reported as leaked, the last reported first."), adminPath+"/policy"
	p.Empty = components.EmptyState{Title: web.T(c, "No key was reported as leaked"), Text: web.T(c, "Anybody can report keys at /found-a-key; GitHub does once you have joined its program.")}
	return h.Render(c, views.Incidents(p))
}

func filterOf(c echo.Context) leaks.Filter {
	f := leaks.Filter{OrganizationID: web.QueryID(c, "org", "org")}
	if s := c.QueryParam("state"); s == leaks.StateOpen || s == leaks.StateClosed {
		f.State = s
	}
	return f
}

func (h *Handler) list(c echo.Context, path string, found db.Page[leaks.Row], href func(leaks.Row) string) views.IncidentsPage {
	ctx, state := web.Ctx(c), filterOf(c).State
	p := views.IncidentsPage{
		Frame: h.Frame(c, web.T(c, "Leaked keys")), Filtered: state != "" || c.QueryParam("after") != "" || c.QueryParam("before") != "", Pager: web.Pager(c, found.Previous, found.Next),
		Tabs: []components.Tab{
			{Label: web.T(c, "All"), Href: path, Current: state == ""},
			{Label: web.T(c, "Open"), Href: path + "?state=open", Current: state == leaks.StateOpen},
			{Label: web.T(c, "Closed"), Href: path + "?state=closed", Current: state == leaks.StateClosed},
		},
	}
	for _, r := range found.Rows {
		p.Rows = append(p.Rows, views.IncidentRow{
			Href: href(r), Key: r.KeyName, Hint: r.Hint(), App: r.AppName + ", " + r.OrganizationName, Status: statusOf(c, r),
			Reported: components.MomentAt(ctx, h.Now(), r.ReportedAt), Reports: text.Number(ctx, r.Reports),
		})
	}
	return p
}

type policyForm struct {
	Live   string `form:"live"`
	Test   string `form:"test"`
	Notice string `form:"notice_days"`
}

// Policy is the page on which staff set what happens to leaked keys.
func (h *Handler) Policy(c echo.Context) error {
	p, err := h.Leaks.Policy(web.Ctx(c))
	if err != nil {
		return err
	}
	return h.policyPage(c, http.StatusOK, policyForm{string(p.Live), string(p.Test), strconv.Itoa(p.NoticeDays)}, nil)
}

var deedWords = map[leaks.Deed]string{
	leaks.Revoke: text.N("Revoke at once"), leaks.Pause: text.N("Pause at once, revoke when the notice ends"), leaks.Tell: text.N("Leave it alone, tell its people"),
}

func (h *Handler) policyPage(c echo.Context, status int, f policyForm, failed error) error {
	problems, wrong, _ := web.Problems(c, failed)
	deed := func(name, label, value string) components.Field {
		field := components.Field{Name: name, Label: label, Value: value, Error: wrong[name]}
		for _, d := range leaks.Deeds {
			field.Options = append(field.Options, components.Option{Value: string(d), Label: web.T(c, deedWords[d])})
		}
		return field
	}
	title := web.T(c, "What happens to a leaked key")
	p := views.LeakPolicyPage{
		Frame: h.Frame(c, title), Problems: problems, MayEdit: permission.Staff(web.Actor(c).StaffRole, permission.StaffLeaksManage),
		Crumbs: []components.Crumb{{Label: web.T(c, "Leaked keys"), Href: adminPath}, {Label: title}},
		Live:   deed("live", web.T(c, "Live keys"), f.Live), Test: deed("test", web.T(c, "Test keys"), f.Test),
		Notice: components.Field{
			Name: "notice_days", Label: web.T(c, "Notice, days"), Type: "number", InputMode: "numeric", Value: f.Notice, Error: wrong["notice_days"], Min: strconv.Itoa(leaks.MinNoticeDays), Max: strconv.Itoa(leaks.MaxNoticeDays),
			Hint: web.T(c, "After it a key that was paused is revoked, unless it was rotated or resumed."),
		},
		GitHub: []components.Fact{
			{Term: web.T(c, "Endpoint"), Value: h.Link(hubPath), Code: true},
			{Term: web.T(c, "Expression"), Value: apikey.Pattern(h.Brand), Code: true},
			{Term: web.T(c, "Signature"), Value: githubleak.HeaderSignature, Code: true},
		},
	}
	p.Facts = []components.Fact{
		{Term: p.Live.Label, Value: web.T(c, deedWords[leaks.Deed(f.Live)])}, {Term: p.Test.Label, Value: web.T(c, deedWords[leaks.Deed(f.Test)])}, {Term: p.Notice.Label, Value: f.Notice},
	}
	return h.RenderStatus(c, status, views.LeakPolicy(p))
}

// SetPolicy saves it.
func (h *Handler) SetPolicy(c echo.Context) error {
	var f policyForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	days, err := strconv.Atoi(strings.TrimSpace(f.Notice))
	if err != nil {
		days = -1 // out of every range
	}
	err = h.Leaks.SetPolicy(web.Ctx(c), web.Actor(c), leaks.Policy{Live: leaks.Deed(f.Live), Test: leaks.Deed(f.Test), NoticeDays: days})
	if fault.Is(err, fault.Invalid) {
		return h.policyPage(c, http.StatusUnprocessableEntity, f, err)
	}
	if err != nil {
		return err
	}
	return h.Done(c, adminPath+"/policy", text.N("The policy is saved. It holds for reports from now on."))
}
