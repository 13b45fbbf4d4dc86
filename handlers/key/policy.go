package key

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

type policyForm struct {
	Default string `form:"default_days"`
	Max     string `form:"max_days"`
	Never   string `form:"never_allowed"`
	PerApp  string `form:"keys_per_app"`
}

// Policy is the page of the policy.
func (h *Handler) Policy(c echo.Context) error {
	book, err := policy.NewStore(h.DB).Book(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	p := book.Of(policy.Source{Kind: policy.Installation})
	f := policyForm{Default: strconv.Itoa(*p.DefaultDays), Max: strconv.Itoa(*p.MaxDays), PerApp: strconv.Itoa(*p.KeysPerApp)}
	if p.NeverAllowed != nil && *p.NeverAllowed {
		f.Never = "1"
	}
	return h.policyPage(c, http.StatusOK, f, nil)
}

func (h *Handler) policyPage(c echo.Context, status int, f policyForm, failed error) error {
	problems, wrong := problemsOf(c, failed)
	number := func(name, label, value, hint string, most int) components.Field {
		return components.Field{Name: name, Label: label, Type: "number", InputMode: "numeric", Value: value, Hint: hint, Error: wrong[name], Min: "1", Max: strconv.Itoa(most)}
	}
	p := views.PolicyPage{
		Frame: h.Frame(c, web.T(c, "Policy")), Problems: problems, MayEdit: permission.Staff(web.Actor(c).StaffRole, permission.StaffPolicyManage),
		Fields: []components.Field{
			number("default_days", web.T(c, "Default lifetime, days"), f.Default, web.T(c, "What the form proposes."), policy.MaxDays),
			number("max_days", web.T(c, "Longest lifetime, days"), f.Max, web.T(c, "No key lives longer, apart from those with keys:verify."), policy.MaxDays),
			number("keys_per_app", web.T(c, "Keys per app"), f.PerApp, web.T(c, "Those that work, old ones in their overlap too. One rotation with an overlap may go above it."), policy.MaxKeysPerApp),
		},
		Never: components.Field{Name: "never_allowed", Label: web.T(c, "Keys may be without end"), Checked: f.Never != "", Hint: web.T(c, "Keys with keys:verify always may: a gateway that forgets to rotate would take everything down.")},
	}
	for _, field := range p.Fields {
		p.Facts = append(p.Facts, components.Fact{Term: field.Label, Value: field.Value})
	}
	allowed := web.T(c, "No")
	if f.Never != "" {
		allowed = web.T(c, "Yes")
	}
	p.Facts = append(p.Facts, components.Fact{Term: p.Never.Label, Value: allowed})
	return h.RenderStatus(c, status, views.Policy(p))
}

// SetPolicy saves the policy.
func (h *Handler) SetPolicy(c echo.Context) error {
	var f policyForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	number := func(s string) *int { return new(days(strings.TrimSpace(s))) } // no number is -1, out of every range
	err := policy.NewStore(h.DB).Save(web.Ctx(c), web.Actor(c), policy.Source{Kind: policy.Installation}, policy.Rules{DefaultDays: number(f.Default), MaxDays: number(f.Max), NeverAllowed: new(f.Never != ""), KeysPerApp: number(f.PerApp)})
	if err != nil {
		return h.again(c, err, func(status int, failed error) error { return h.policyPage(c, status, f, failed) })
	}
	return h.Done(c, "/admin/policy", text.N("The policy is saved. It holds for keys made from now on."))
}
