package policy

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/key"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	policies "github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

type form struct {
	Default  string `form:"default_days"`
	Max      string `form:"max_days"`
	Never    string `form:"never_allowed"` // yes, no, or empty: says nothing
	Idle     string `form:"idle_days"`
	Rotate   string `form:"rotate_days"`
	PerApp   string `form:"keys_per_app"`
	Networks string `form:"networks"`
}

const yes, no = "yes", "no"

func formOf(r policies.Rules) form {
	number := func(n *int) string {
		if n == nil {
			return ""
		}
		return strconv.Itoa(*n)
	}
	word := func(b *bool) string {
		switch {
		case b == nil:
			return ""
		case *b:
			return yes
		}
		return no
	}
	return form{number(r.DefaultDays), number(r.MaxDays), word(r.NeverAllowed), number(r.IdleDays), number(r.RotateDays), number(r.KeysPerApp), word(r.Networks)}
}

// rules reads the form; what is no number is -1, out of every range.
func (f form) rules() policies.Rules {
	number := func(s string) *int {
		if s = strings.TrimSpace(s); s == "" {
			return nil
		}
		return new(key.Days(s))
	}
	r := policies.Rules{DefaultDays: number(f.Default), MaxDays: number(f.Max), IdleDays: number(f.Idle), RotateDays: number(f.Rotate), KeysPerApp: number(f.PerApp)}
	if f.Never == yes || f.Never == no {
		r.NeverAllowed = new(f.Never == yes)
	}
	if f.Networks == yes {
		r.Networks = new(true)
	}
	return r
}

// subject reads whose policy the path is of.
func (h *Handler) subject(c echo.Context) (policies.Source, error) {
	s, ok := policies.ParseRef(c.Param("subject"))
	if !ok {
		return s, fault.Missing()
	}
	return h.Policies.Subject(web.Ctx(c), web.Actor(c), s)
}

// Edit is the policy of one subject.
func (h *Handler) Edit(c echo.Context) error {
	s, err := h.subject(c)
	if err != nil {
		return err
	}
	book, err := h.Policies.Book(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	return h.editPage(c, http.StatusOK, s, book, formOf(book.Of(s)), nil)
}

func (h *Handler) editPage(c echo.Context, status int, s policies.Source, book policies.Book, f form, failed error) error {
	problems, wrong := key.ProblemsOf(c, failed)
	p := views.PolicyPage{Title: s.Label(), Own: true, Problems: problems, Says: key.RuleSentences(web.Ctx(c), book.Of(s))}
	if s.Kind == policies.Installation {
		p.Title, p.Own = web.T(c, kindWords[s.Kind]), false
	}
	p.Frame, p.Lead = h.Frame(c, p.Title), leads(c)[s.Kind]
	p.Crumbs = []components.Crumb{{Label: web.T(c, "Policy"), Href: root}, {Label: p.Title, Own: p.Own}}
	for _, one := range book.Planned(s) {
		p.Planned = append(p.Planned, plannedWords(web.Ctx(c), one))
	}
	if permission.Staff(web.Actor(c).StaffRole, permission.StaffPolicyManage) {
		p.Action, p.Fields = root+"/"+s.Ref(), fields(c, s.Kind, f, wrong)
	}
	if s.Kind == policies.API {
		parts, err := h.Policies.Parts(web.Ctx(c), web.Actor(c), s.ID)
		if err != nil {
			return err
		}
		for _, part := range parts {
			r := row(c, policies.Rule{Source: part, Rules: book.Of(part)}, book.Planned(part), root+"/"+part.Ref())
			r.Name = part.Name
			p.Parts = append(p.Parts, r)
		}
	}
	return h.RenderStatus(c, status, views.Policy(p))
}

func leads(c echo.Context) map[policies.Kind]string {
	return map[policies.Kind]string{
		policies.Installation: web.T(c, "What holds for every key. Others can be stricter, and never looser."),
		policies.Organization: web.T(c, "What holds for all keys of this organization beside the portal’s policy: the stricter counts. An empty field says nothing."),
		policies.API:          web.T(c, "What holds for keys with a scope of this API beside the portal’s policy: the stricter counts. An empty field says nothing."),
		policies.Plan:         web.T(c, "What holds for keys of apps on this plan beside the policy of its API: the stricter counts. An empty field says nothing."),
		policies.Scope:        web.T(c, "What holds for keys with this scope beside the policy of its API: the stricter counts. An empty field says nothing."),
	}
}

func fields(c echo.Context, kind policies.Kind, f form, wrong map[string]string) []components.Field {
	must := kind == policies.Installation
	number := func(name, label, value, hint string, most int, optional bool) components.Field {
		return components.Field{Name: name, Label: label, Type: "number", InputMode: "numeric", Value: value, Hint: hint, Error: wrong[name], Min: "1", Max: strconv.Itoa(most), Optional: optional}
	}
	never := components.Field{Name: "never_allowed", Label: web.T(c, "Keys without end"), Value: f.Never, Error: wrong["never_allowed"], Hint: web.T(c, "Keys with keys:verify always may be: a gateway that forgets to rotate would take everything down."), Options: []components.Option{
		{Value: no, Label: web.T(c, "Not allowed")}, {Value: yes, Label: web.T(c, "Allowed, the longest lifetime notwithstanding")},
	}}
	if !must {
		never.Options = append([]components.Option{{Label: web.T(c, "Allowed unless there is a longest lifetime")}}, never.Options...)
	}
	networks := components.Field{Name: "networks", Label: web.T(c, "Networks"), Value: f.Networks, Error: wrong["networks"], Options: []components.Option{
		{Label: web.T(c, "A key may be used from anywhere")}, {Value: yes, Label: web.T(c, "A key must name the networks that it is used from")},
	}}
	return []components.Field{
		number("default_days", web.T(c, "Default lifetime, days"), f.Default, web.T(c, "What the form proposes."), policies.MaxDays, !must),
		number("max_days", web.T(c, "Longest lifetime, days"), f.Max, web.T(c, "No key lives longer, apart from those with keys:verify."), policies.MaxDays, !must),
		never,
		number("idle_days", web.T(c, "Pause after days unused"), f.Idle, web.T(c, "Its people are told a week ahead. They resume it by one button. Keys with keys:verify are spared."), policies.MaxDays, true),
		number("rotate_days", web.T(c, "Rotate within days"), f.Rotate, web.T(c, "Its people are told two weeks ahead. A key that was not rotated by then is paused until it is. Keys with keys:verify are spared."), policies.MaxDays, true),
		number("keys_per_app", web.T(c, "Keys per app"), f.PerApp, web.T(c, "Those that work and to which this policy applies, old ones in their overlap too. One rotation with an overlap may go above it."), policies.MaxKeysPerApp, !must),
		networks,
	}
}

// Propose saves a policy, or leads to whom it hits first.
func (h *Handler) Propose(c echo.Context) error {
	s, err := h.subject(c)
	if err != nil {
		return err
	}
	var f form
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	id, err := h.Policies.Propose(web.Ctx(c), web.Actor(c), s, f.rules())
	switch {
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.Conflict):
		book, failed := h.Policies.Book(web.Ctx(c), web.Actor(c))
		if failed != nil {
			return failed
		}
		return h.editPage(c, web.Status(err), s, book, f, err)
	case err != nil:
		return err
	case id.IsZero():
		return h.Done(c, root, text.N("The policy is saved. It hits no key that there is, and holds from now on."))
	}
	return h.See(c, changePath(id))
}
