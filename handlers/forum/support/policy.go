package support

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/forum/hours"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/forum/support"
)

// week is the days as pages list them.
var week = []struct {
	day  time.Weekday
	name string
}{
	{time.Monday, text.N("Monday")},
	{time.Tuesday, text.N("Tuesday")},
	{time.Wednesday, text.N("Wednesday")},
	{time.Thursday, text.N("Thursday")},
	{time.Friday, text.N("Friday")},
	{time.Saturday, text.N("Saturday")},
	{time.Sunday, text.N("Sunday")},
}

type policyForm struct {
	Days       []string `form:"days"`
	From       string   `form:"from"`
	To         string   `form:"to"`
	Zone       string   `form:"zone"`
	Holidays   string   `form:"holidays"`
	FirstReply string   `form:"first_reply"`
	NextReply  string   `form:"next_reply"`
	WarnAfter  string   `form:"warn_after"`
	CloseAfter string   `form:"close_after"`
}

func formOf(p hours.Policy) policyForm {
	f := policyForm{
		From: p.From, To: p.To, Zone: p.Zone, Holidays: strings.Join(p.Holidays, "\n"), FirstReply: strconv.Itoa(p.FirstReply), NextReply: strconv.Itoa(p.NextReply),
		WarnAfter: strconv.Itoa(p.WarnAfter), CloseAfter: strconv.Itoa(p.CloseAfter),
	}
	for _, d := range p.Days {
		f.Days = append(f.Days, strconv.Itoa(int(d)))
	}
	return f
}

// policy is what the form says; numbers that can't be read are 0, which the store refuses.
func (f policyForm) policy() hours.Policy {
	number := func(s string) int { n, _ := strconv.Atoi(strings.TrimSpace(s)); return n }
	p := hours.Policy{
		From: strings.TrimSpace(f.From), To: strings.TrimSpace(f.To), Zone: strings.TrimSpace(f.Zone), Holidays: strings.Fields(f.Holidays),
		FirstReply: number(f.FirstReply), NextReply: number(f.NextReply), WarnAfter: number(f.WarnAfter), CloseAfter: number(f.CloseAfter),
	}
	for _, w := range week {
		if slices.Contains(f.Days, strconv.Itoa(int(w.day))) {
			p.Days = append(p.Days, w.day)
		}
	}
	return p
}

// Policy shows opening hours and reply times.
func (h *Handler) Policy(c echo.Context) error {
	p, err := h.Desk.Policy(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	return h.policyPage(c, http.StatusOK, formOf(p), nil, nil)
}

// SetPolicy changes them.
func (h *Handler) SetPolicy(c echo.Context) error {
	var form policyForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	if err := h.Desk.SetPolicy(web.Ctx(c), web.Actor(c), form.policy()); err != nil {
		list, wrong, ok := web.Problems(c, h.Unkeyed(c, err, &form.From, &form.To, &form.Zone, &form.Holidays, &form.FirstReply, &form.NextReply, &form.WarnAfter, &form.CloseAfter))
		if !ok {
			return err
		}
		return h.policyPage(c, http.StatusUnprocessableEntity, form, list, wrong)
	}
	return h.Done(c, "/support/policy", text.N("The reply times are saved. What waits is due by them from now on."))
}

func (h *Handler) policyPage(c echo.Context, status int, f policyForm, problems []components.Problem, wrong map[string]string) error {
	title := web.T(c, "Reply times")
	frame, _, err := h.frame(c, title)
	if err != nil {
		return err
	}
	page := views.FormPage{
		Frame: frame, Title: title, Lead: web.T(c, "When support works, how soon it answers, and how long a question waits for its asker. Times until a reply count only while support works."),
		Problems: problems, Action: "/support/policy", Button: web.T(c, "Save reply times"),
	}
	if !may(c, permission.StaffSupportManage) {
		page.Facts = policyFacts(c, f)
		return h.RenderStatus(c, status, views.Form(page))
	}
	var days []components.Option
	for _, w := range week {
		value := strconv.Itoa(int(w.day))
		days = append(days, components.Option{Value: value, Label: web.T(c, w.name), Selected: slices.Contains(f.Days, value)})
	}
	add := func(in components.Field) {
		in.Error = wrong[in.Name]
		page.Inputs = append(page.Inputs, views.Input{Field: in, Boxes: len(in.Options) > 0})
	}
	add(components.Field{Name: "days", Label: web.T(c, "Open on"), Options: days})
	add(components.Field{Name: "from", Label: web.T(c, "From"), Value: f.From, Placeholder: "09:00", MaxLength: 5})
	add(components.Field{Name: "to", Label: web.T(c, "Until"), Value: f.To, Placeholder: "17:00", MaxLength: 5})
	add(components.Field{Name: "zone", Label: web.T(c, "Time zone"), Value: f.Zone, Placeholder: "Europe/Berlin", Autocomplete: "off", Attrs: map[string]any{"spellcheck": "false"}})
	add(components.Field{Name: "holidays", Label: web.T(c, "Closed on"), Value: f.Holidays, Rows: 4, Optional: true, Hint: web.T(c, "One day on each line, as 2026-12-25.")})
	add(components.Field{Name: "first_reply", Type: "number", Label: web.T(c, "First reply within, in minutes"), Value: f.FirstReply, Min: "1"})
	add(components.Field{Name: "next_reply", Type: "number", Label: web.T(c, "Each later reply within, in minutes"), Value: f.NextReply, Min: "1"})
	add(components.Field{Name: "warn_after", Type: "number", Label: web.T(c, "Days that a question waits for its asker before they are warned"), Value: f.WarnAfter, Min: "1"})
	add(components.Field{Name: "close_after", Type: "number", Label: web.T(c, "Days from the warning until it closes"), Value: f.CloseAfter, Min: "1"})
	return h.RenderStatus(c, status, views.Form(page))
}

// policyFacts are the policy for who may not change it.
func policyFacts(c echo.Context, f policyForm) []components.Fact {
	var days []string
	for _, w := range week {
		if slices.Contains(f.Days, strconv.Itoa(int(w.day))) {
			days = append(days, web.T(c, w.name))
		}
	}
	within := func(minutes string) string {
		n, _ := strconv.Atoi(minutes)
		return web.OpenSpan(c, time.Duration(n)*time.Minute)
	}
	closed := components.Fact{Term: web.T(c, "Closed on"), Value: strings.ReplaceAll(f.Holidays, "\n", ", ")}
	if closed.Value == "" {
		closed.Value = web.T(c, "No days besides")
	}
	return []components.Fact{
		{Term: web.T(c, "Open on"), Value: strings.Join(days, ", ")},
		{Term: web.T(c, "From"), Value: f.From},
		{Term: web.T(c, "Until"), Value: f.To},
		{Term: web.T(c, "Time zone"), Body: views.Data(f.Zone)},
		closed,
		{Term: web.T(c, "First reply within"), Value: within(f.FirstReply)},
		{Term: web.T(c, "Each later reply within"), Value: within(f.NextReply)},
		{Term: web.T(c, "Days that a question waits for its asker before they are warned"), Value: f.WarnAfter},
		{Term: web.T(c, "Days from the warning until it closes"), Value: f.CloseAfter},
	}
}
