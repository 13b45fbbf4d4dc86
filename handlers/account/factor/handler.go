// Package factor answers the pages of second factors: showing one at sign-in, and one's own.
package factor

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/account"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/org"
	views "github.com/gatehouse-dev/gatehouse/views/account"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

const home = "/console/account/security"

// Handler answers the area's routes. Accounts are the pages of signing in, of which these are a part.
type Handler struct {
	*web.Kit
	Accounts *account.Handler
	Store    *factor.Store

	// Rules lists the reader's organizations that require a second factor; nil: there are none.
	Rules func(ctx context.Context, a actor.Actor) ([]org.FactorRule, error)
}

// Routes are the area's routes.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/login/factor", web.WhilePending(), h.ShowForm)
	r.PostSmall("/login/factor", web.WhilePending(), h.Show)

	r.Get(home, web.SignedIn().WhileEnrolling(), h.Security)
	r.PostSmall(home+"/totp", web.SignedIn().Fresh().WhileEnrolling(), h.Begin)
	r.Get(home+"/totp/:factor", web.SignedIn().Fresh().WhileEnrolling(), h.EnrolForm)
	r.PostSmall(home+"/totp/:factor", web.SignedIn().Fresh().WhileEnrolling(), h.Enrol)
	r.Get(home+"/factors/:factor", web.SignedIn(), h.Factor)
	r.PostSmall(home+"/factors/:factor", web.SignedIn(), h.Rename)
	r.PostSmall(home+"/factors/:factor/remove", web.SignedIn().Fresh(), h.Remove)
	r.PostSmall(home+"/codes", web.SignedIn().Fresh(), h.NewCodes)
	r.PostSmall(home+"/codes/file", web.SignedIn(), h.CodesFile)
	h.passkeyRoutes(r)
}

type nameForm struct {
	Name string `form:"name"`
}

// Security is the page of one's own second factors.
func (h *Handler) Security(c echo.Context) error {
	return h.security(c, func(*views.Security) {}, nil)
}

// security renders the page; of a form that was sent, keep puts back what was entered, and failed is what is wrong with it.
func (h *Handler) security(c echo.Context, keep func(*views.Security), failed error) error {
	ctx, a := web.Ctx(c), web.Actor(c)
	factors, err := h.Store.List(ctx, a)
	if err != nil {
		return err
	}
	recovery, err := h.Store.Recovery(ctx, a)
	if err != nil {
		return err
	}
	p := views.Security{
		Frame: h.Frame(c, web.T(c, "Second factors")), NewName: web.T(c, "Authenticator app"), NewKey: web.T(c, "Passkey"), CodesLeft: recovery.Unused,
		Required: web.Enrolling(c), Passkeys: h.Store.Passkeys(), AtAddress: !h.Store.Passkeys(), MailCode: h.Kit.Accounts.AsksCode(),
	}
	if recovery.MadeAt != nil {
		p.CodesMade = components.MomentAt(ctx, h.Now(), *recovery.MadeAt)
	}
	for _, f := range factors {
		p.Factors = append(p.Factors, h.row(c, f))
	}
	if p.Demands, err = h.demands(c); err != nil {
		return err
	}
	if failed == nil {
		return h.Render(c, views.SecurityPage(p))
	}
	p.Problems, p.Errors, _ = web.Problems(c, failed)
	keep(&p)
	return h.RenderProblems(c, views.SecurityPage(p))
}

// demands tells which organizations of the reader's require a second factor, since when, and who decided that.
func (h *Handler) demands(c echo.Context) ([]views.Demand, error) {
	if h.Rules == nil {
		return nil, nil
	}
	rules, err := h.Rules(web.Ctx(c), web.Actor(c))
	var out []views.Demand
	for _, r := range rules {
		out = append(out, views.Demand{Organization: r.Name, By: r.ByName, Reason: r.FactorReason, Begun: r.Begun(h.Now()), From: components.MomentAt(web.Ctx(c), h.Now(), r.FactorFrom)})
	}
	return out, err
}

func (h *Handler) row(c echo.Context, f factor.Factor) views.Factor {
	ctx := web.Ctx(c)
	row := views.Factor{Name: f.Name, Kind: web.T(c, account.FactorKinds[f.Kind]), Path: path(f), Added: components.MomentAt(ctx, h.Now(), f.CreatedAt)}
	if f.LastUsedAt != nil {
		row.Used = components.MomentAt(ctx, h.Now(), *f.LastUsedAt)
	}
	if f.CountedBackAt != nil {
		row.Back = components.MomentAt(ctx, h.Now(), *f.CountedBackAt)
	}
	return row
}

func path(f factor.Factor) string { return home + "/factors/" + f.ID.Show(factor.Prefix) }

// Factor is the page on which one is renamed or removed.
func (h *Handler) Factor(c echo.Context) error {
	f, err := h.own(c)
	if err != nil {
		return err
	}
	return h.factor(c, f, f.Name, nil)
}

func (h *Handler) own(c echo.Context) (factor.Factor, error) {
	id, err := web.PathID(c, "factor", factor.Prefix)
	if err != nil {
		return factor.Factor{}, err
	}
	return h.Store.ByID(web.Ctx(c), web.Actor(c), id)
}

func (h *Handler) factor(c echo.Context, f factor.Factor, name string, failed error) error {
	all, err := h.Store.List(web.Ctx(c), web.Actor(c))
	if err != nil {
		return err
	}
	p := views.FactorPage{Frame: h.Frame(c, f.Name), Factor: h.row(c, f), NewName: name, Last: len(all) == 1}
	if p.Last {
		if p.Demands, err = h.demands(c); err != nil {
			return err
		}
		p.Staff = h.StaffFactor && web.User(c).StaffRole != ""
	}
	if failed == nil {
		return h.Render(c, views.OneFactor(p))
	}
	p.Problems, p.Errors, _ = web.Problems(c, failed)
	return h.RenderProblems(c, views.OneFactor(p))
}

// Rename calls one something else.
func (h *Handler) Rename(c echo.Context) error {
	f, err := h.own(c)
	if err != nil {
		return err
	}
	var form nameForm
	if err := web.Bind(c, &form); err != nil {
		return err
	}
	err = h.Unkeyed(c, h.Store.Rename(web.Ctx(c), web.Actor(c), f.ID, form.Name), &form.Name)
	if _, _, ok := web.Problems(c, err); ok {
		return h.factor(c, f, form.Name, err)
	}
	if err != nil {
		return err
	}
	return h.Done(c, home, text.N("The second factor is renamed."))
}

// Remove takes one away.
func (h *Handler) Remove(c echo.Context) error {
	id, err := web.PathID(c, "factor", factor.Prefix)
	if err != nil {
		return err
	}
	if err := h.Store.Remove(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, home, text.N("The second factor is removed."))
}
