// Package oidc answers signing in from elsewhere: the trip to a provider and back, what follows for somebody whom no account is linked to, and the providers of
// one's own account.
package oidc

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/account"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/openid"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	models "github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/account/provider"
	"github.com/gatehouse-dev/gatehouse/models/db"
	views "github.com/gatehouse-dev/gatehouse/views/account"
)

const (
	home       = "/console/account/providers"
	visitPage  = "/login/visit"
	tripCookie = "gatehouse-trip" // while its person is at a provider
	tripAge    = 15 * time.Minute
	visitName  = "gatehouse-visit" // while somebody is not linked
)

// Handler answers the area's routes. Accounts are the pages of signing in, of which these are a part.
type Handler struct {
	*web.Kit
	Accounts *account.Handler
	Store    *provider.Store
	Clients  map[string]*openid.Client // by name
	Sealer   *secret.Sealer            // seals trips into cookies
}

// Routes are the area's routes.
func (h *Handler) Routes(r *web.Registrar) {
	r.Get("/login/with/:provider", web.Visitor(), h.Enter)
	r.Get("/login/with/:provider/callback", web.Public().WhileEnrolling(), h.Back)
	r.Programs(http.MethodPost, "/login/with/:provider/logout", h.Logout)
	r.Get(visitPage, web.Public(), h.Visit)
	r.PostSmall(visitPage+"/mail", web.Public(), h.SendLink)
	r.Get(visitPage+"/proof", web.Public(), h.ProofForm)
	r.PostSmall(visitPage+"/proof", web.Public(), h.Prove)
	r.PostSmall(visitPage+"/create", web.Visitor(), h.Create)
	r.PostSmall(visitPage+"/link", web.SignedIn().Fresh(), h.Link)
	r.Get(home, web.SignedIn(), h.Own)
	r.Get(home+"/:provider/link", web.SignedIn().Fresh(), h.LinkOther)
	r.Get(home+"/:provider/confirm", web.SignedIn().WhileEnrolling(), h.Confirm)
	r.PostSmall("/console/account/identities/:identity/unlink", web.SignedIn().Fresh(), h.Unlink)
}

// purpose is what somebody goes to a provider for.
type purpose string

const (
	toEnter   purpose = "enter"
	toLink    purpose = "link"
	toConfirm purpose = "confirm" // that it is still them
)

// journey is what the browser keeps, sealed, while its person is at a provider.
type journey struct {
	openid.Trip
	For  purpose   `json:"f"`
	User string    `json:"u,omitempty"` // who is signed in, of toLink and toConfirm
	Next string    `json:"x,omitempty"`
	Ends time.Time `json:"e"`
}

const journeyRecord = "trip"

// Enter sends a visitor to a provider.
func (h *Handler) Enter(c echo.Context) error {
	if web.Portal(c).SetUpAt == nil {
		if nobody, err := h.Accounts.Store.Nobody(web.Ctx(c)); err != nil || nobody {
			return errors.Join(err, h.See(c, "/login"))
		}
	}
	return h.send(c, toEnter, openid.Ask{}, web.SafeNext(c.QueryParam("next"), ""))
}

// LinkOther sends somebody who is signed in to a provider, to be linked.
func (h *Handler) LinkOther(c echo.Context) error { return h.send(c, toLink, openid.Ask{}, "") }

// Confirm sends somebody to a provider that is to say that it is still them.
func (h *Handler) Confirm(c echo.Context) error {
	return h.send(c, toConfirm, openid.Ask{Again: true}, web.SafeNext(c.QueryParam("next"), ""))
}

func (h *Handler) client(c echo.Context) (*openid.Client, error) {
	client := h.Clients[c.Param("provider")]
	if client == nil {
		return nil, fault.Missing()
	}
	return client, nil
}

func (h *Handler) send(c echo.Context, why purpose, ask openid.Ask, next string) error {
	client, err := h.client(c)
	if err != nil {
		return err
	}
	if err := h.Store.Allow(web.Ctx(c), web.Actor(c), provider.Going); err != nil {
		return err
	}
	address, trip, err := client.Begin(web.Ctx(c), ask)
	if err != nil {
		return h.failed(c, client, err)
	}
	j := journey{Trip: trip, For: why, Next: next, Ends: h.Now().Add(tripAge)}
	if why != toEnter {
		j.User = web.Actor(c).UserID.String()
	}
	plain, err := json.Marshal(j)
	if err != nil {
		return err
	}
	h.SetCookie(c, tripCookie, h.Sealer.Seal(plain, journeyRecord), tripAge)
	return c.Redirect(http.StatusSeeOther, address)
}

// journey is the one that this browser is on; it ends with being read.
func (h *Handler) journey(c echo.Context) (j journey, ok bool) {
	sealed := h.Cookie(c, tripCookie)
	if sealed == "" {
		return j, false
	}
	h.SetCookie(c, tripCookie, "", 0)
	plain, err := h.Sealer.Open(sealed, journeyRecord)
	if err != nil || json.Unmarshal(plain, &j) != nil || !h.Now().Before(j.Ends) {
		return j, false
	}
	if j.For != toEnter && j.User != web.Actor(c).UserID.String() { // they signed out on the way, or somebody else in
		return j, false
	}
	return j, true
}

// Back is where a provider sends people back to.
func (h *Handler) Back(c echo.Context) error {
	web.NoReferrer(c)
	client, err := h.client(c)
	if err != nil {
		return err
	}
	j, ok := h.journey(c)
	if !ok {
		return h.failed(c, client, openid.ErrRefused)
	}
	if err := h.Store.Allow(web.Ctx(c), web.Actor(c), provider.Coming); err != nil {
		return err
	}
	who, err := client.Finish(web.Ctx(c), j.Trip, c.QueryParams())
	if err != nil {
		return h.failed(c, client, err)
	}
	a, came := web.Actor(c), provider.Came{Provider: client.Name, Who: who, Agent: c.Request().UserAgent(), Next: j.Next, Linking: j.For == toLink}
	if j.For != toConfirm {
		out, err := h.Store.Arrive(web.Ctx(c), a, came)
		return h.arrived(c, client, out, j.Next, err)
	}
	out, err := h.Store.Again(web.Ctx(c), a, came)
	return h.arrived(c, client, out, web.SafeNext(j.Next, "/console/account"), err)
}

// arrived goes on with a session, a visit, or what went wrong.
func (h *Handler) arrived(c echo.Context, client *openid.Client, out provider.Arrival, next string, err error) error {
	if f := fault.As(err); f != nil && (f.Kind == fault.Unauthenticated || f.Kind == fault.Conflict) {
		return h.failed(c, client, err)
	}
	if err != nil {
		return err
	}
	if out.Token != "" {
		return h.in(c, out.Token, out.Session, next)
	}
	h.SetCookie(c, visitName, out.Visit, provider.VisitAge)
	return h.See(c, visitPage)
}

// in hands a session to the browser and leads on.
func (h *Handler) in(c echo.Context, token string, s models.Session, next string) error {
	if err := h.Accounts.Enter(c, token, s); err != nil {
		return err
	}
	if s.Pending() {
		return h.See(c, views.Onward(web.PendingHome(s), next))
	}
	if next != "" {
		return h.See(c, next)
	}
	next, err := h.Accounts.HomeOf(c, s.UserID)
	if err != nil {
		return err
	}
	return h.See(c, next)
}

// failed says in our own words why signing in by a provider came to nothing. What the provider said is for the log.
func (h *Handler) failed(c echo.Context, client *openid.Client, err error) error {
	p := views.ProviderFailed{Frame: h.Frame(c, web.T(c, "Signing in by %s did not work", client.Label)), Title: web.T(c, "Signing in by %s did not work", client.Label), Again: "/login"}
	p.Frame.NoIndex, p.Frame.Languages = true, nil // the address here holds a code
	if web.Actor(c).SignedIn() {
		p.Again, p.Own = home, true
	}
	if b, ok := errors.AsType[*models.BoundError](err); ok {
		return h.Accounts.ByProvider(c, b.Binding, "")
	}
	status := http.StatusBadRequest
	f := fault.As(err)
	switch {
	case errors.Is(err, openid.ErrDenied):
		p.Text = web.T(c, "%s says that you or it said no.", client.Label)
	case errors.Is(err, openid.ErrAway):
		status, p.Text = http.StatusServiceUnavailable, web.T(c, "%s does not answer as it should. Try again in a few minutes, or sign in another way.", client.Label)
		slog.WarnContext(web.Ctx(c), "a provider does not answer", "provider", client.Name, "error", err)
	case f != nil && f.Kind == fault.Unauthenticated:
		status, p.Text = http.StatusUnauthorized, web.T(c, "Nobody can sign in to this account now: it waits for an admin to approve it, or is suspended.")
	case f != nil:
		status, p.Text = http.StatusConflict, web.T(c, f.Key, f.Args...)
	default:
		p.Text = web.T(c, "What came back does not fit what was asked for, as when it took more than 15 minutes, or two were begun in this browser. Begin again.")
		slog.WarnContext(web.Ctx(c), "a provider's answer is refused", "provider", client.Name, "error", err)
	}
	return h.RenderStatus(c, status, views.ProviderFailedPage(p))
}

func identityID(c echo.Context) (db.ID, error) { return web.PathID(c, "identity", provider.Prefix) }
