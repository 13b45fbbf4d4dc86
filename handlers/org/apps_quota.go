package org

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/usage/quota"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// quotaNotes warn of the quotas that have reached a mark.
func quotaNotes(c echo.Context, all []quota.Standing) []views.Part {
	var parts []views.Part
	for _, one := range all {
		if one.Mark() > 0 {
			tone, title, words := web.QuotaWarning(c, one)
			parts = append(parts, views.Part{Note: &views.Note{Tone: tone, Title: title, Text: words, Data: true}})
		}
	}
	return parts
}

// quotaPart lists what is used of an app's quotas.
func (h *Handler) quotaPart(c echo.Context, all []quota.Standing) views.Part {
	ctx := web.Ctx(c)
	t := views.Table{Named: true, Spec: components.TableSpec{Stacks: true, Caption: web.T(c, "Quotas"), Columns: []components.Column{
		{Label: web.T(c, "API")}, {Label: web.T(c, "Environment")}, {Label: web.T(c, "Quota")}, {Label: web.T(c, "Calls so far")}, {Label: web.T(c, "Begins anew")}, {Label: web.T(c, "State")},
	}}}
	for _, one := range all {
		status := &views.Status{Tone: components.OK, Words: web.T(c, "Within the quota")}
		if one.Mark() > 0 {
			tone, title, _ := web.QuotaWarning(c, one)
			status = &views.Status{Tone: tone, Words: title}
		}
		t.Rows = append(t.Rows, []views.Cell{
			{Text: one.APIName, Data: true},
			{Text: web.EnvironmentWord(c, one.Environment)},
			{Text: web.QuotaWords(c, one.Period, one.Quota)},
			{Text: text.Number(ctx, one.Used), Hint: web.T(c, "%[1]s used, %[2]s left", text.Percent(ctx, float64(one.Used)/float64(one.Quota)), text.Number(ctx, max(0, one.Quota-one.Used)))},
			{Moment: h.Moment(c, one.ResetsAt)},
			{Status: status},
		})
	}
	return views.Part{Title: web.T(c, "Quotas"), ID: "quotas", Text: web.T(c, "All keys of the app count together. Refused calls are not counted."), Table: &t}
}
