package handover

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/key"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	store "github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/views/components"
	views "github.com/gatehouse-dev/gatehouse/views/key"
)

// Offer says what a link holds. It opens nothing, so that previews of links and scanners of mail use it up in vain.
func (h *Handler) Offer(c echo.Context) error {
	web.NoReferrer(c)
	code := c.Param("code")
	o, err := h.Store.Peek(web.Ctx(c), code)
	if err != nil {
		return err
	}
	f := h.Frame(c, web.T(c, "Somebody hands you an API key"))
	f.NoIndex = true
	p := views.OfferPage{Frame: f, Action: "/handover/" + code, Hint: o.Hint(), Facts: h.facts(c, o), Can: key.CanOf(o), Script: key.ScriptOf(c, h.Link("/handover/"+code))}
	p.Facts = append(p.Facts, components.Fact{Term: web.T(c, "The link works until"), Value: text.DateTime(web.Ctx(c), o.LinkEnds)})
	return h.Render(c, views.Offer(p))
}

func (h *Handler) facts(c echo.Context, o store.Offer) []components.Fact {
	ends := web.T(c, "Never")
	if o.KeyEnds != nil {
		ends = text.DateTime(web.Ctx(c), *o.KeyEnds)
	}
	environment := web.T(c, "Live")
	if o.Environment == "test" {
		environment = web.T(c, "Test")
	}
	return []components.Fact{
		{Term: web.T(c, "Key"), Body: views.Typed(o.Name + " (" + o.Hint() + ")")},
		{Term: web.T(c, "App"), Body: views.Typed(o.AppName)},
		{Term: web.T(c, "Organization"), Body: views.Typed(o.OrganizationName)},
		{Term: web.T(c, "Environment"), Value: environment},
		{Term: web.T(c, "Expires"), Value: ends},
	}
}

// Open shows the key, once, in the answer itself (K2).
func (h *Handler) Open(c echo.Context) error {
	web.NoReferrer(c)
	o, err := h.Store.Open(web.Ctx(c), web.Actor(c), c.Param("code"))
	if err != nil {
		return err
	}
	secret := o.Secret.Reveal()
	f := h.Frame(c, web.T(c, "Copy this key now"))
	f.NoIndex = true
	return h.Render(c, views.OpenedLink(views.OpenedPage{
		Frame: f, Secret: secret, Facts: h.facts(c, o.Offer), Can: key.CanOf(o.Offer),
		Whoami: components.CodeBlock{Title: "curl", Text: `curl -H "Authorization: Bearer ` + secret + `" ` + h.Link("/v1/whoami")},
		Export: components.CodeBlock{Title: web.T(c, "Environment variable"), Text: "export GATEHOUSE_KEY=" + secret},
	}))
}

// opened is what a program gets that asks for JSON.
type opened struct {
	Key          string     `json:"key"`
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Environment  string     `json:"environment"`
	App          string     `json:"app"`
	Organization string     `json:"organization"`
	Scopes       []string   `json:"scopes"`
	ExpiresAt    *time.Time `json:"expires_at"`
}

// Secret hands the key to a script: as text alone, or as JSON to who accepts that. The link is the proof of who calls.
func (h *Handler) Secret(c echo.Context) error {
	who := actor.Actor{Kind: actor.Anonymous, RequestID: web.RequestID(c)}
	who.Address, _ = netip.ParseAddr(c.RealIP()) // the zero address when it is none
	header := c.Response().Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	o, err := h.Store.Open(web.Ctx(c), who, c.Param("code"))
	if f := fault.As(err); f != nil && f.Kind != fault.Internal {
		return h.WriteProblem(c.Response(), web.Status(err), f, web.RequestID(c))
	}
	if err != nil {
		return err
	}
	if !strings.Contains(c.Request().Header.Get("Accept"), "json") {
		return c.String(http.StatusOK, o.Secret.Reveal()+"\n")
	}
	out := opened{Key: o.Secret.Reveal(), ID: o.KeyID.Show(keys.IDPrefix), Name: o.Name, Environment: o.Environment, App: o.AppName, Organization: o.OrganizationName, Scopes: []string{}, ExpiresAt: o.KeyEnds}
	for _, g := range o.Grants {
		out.Scopes = append(out.Scopes, g.Scope)
	}
	header.Set("Content-Type", "application/json")
	c.Response().WriteHeader(http.StatusOK)
	return json.NewEncoder(c.Response()).Encode(out)
}

// Cancel ends a link that nobody opened.
func (h *Handler) Cancel(c echo.Context) error {
	keyID, err := web.PathID(c, "key", keys.IDPrefix)
	if err != nil {
		return err
	}
	linkID, err := web.PathID(c, "link", store.LinkPrefix)
	if err != nil {
		return err
	}
	if err := h.Store.Cancel(web.Ctx(c), web.Actor(c), keyID, linkID); err != nil {
		return err
	}
	return h.Done(c, "/console/keys/"+keyID.Show(keys.IDPrefix), "The link is cancelled. It shows the key to nobody.")
}
