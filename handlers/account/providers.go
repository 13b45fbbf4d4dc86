package account

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/account/provider"
	views "github.com/gatehouse-dev/gatehouse/views/account"
)

// ProviderLinks are the providers that a page offers.
func ProviderLinks(all []provider.Provider) []views.ProviderLink {
	var out []views.ProviderLink
	for _, p := range all {
		out = append(out, views.ProviderLink{Name: p.Name, Label: p.Label})
	}
	return out
}

func (h *Handler) providers() []views.ProviderLink {
	if h.Providers == nil {
		return nil
	}
	return ProviderLinks(h.Providers.Providers())
}

// labels are what people call the providers of some issuers, each once.
func (h *Handler) labels(issuers []string) string {
	var all []string
	for _, issuer := range issuers {
		label := issuer
		if h.Providers != nil {
			label = h.Providers.Label(issuer)
		}
		if !slices.Contains(all, label) {
			all = append(all, label)
		}
	}
	return strings.Join(all, ", ")
}

// byProvider has who has no password confirm by a provider that it is still them: by that they sign in anew, second factor and all.
func (h *Handler) byProvider(c echo.Context, p *views.Confirm) error {
	if h.Providers == nil || !p.AskPassword || web.User(c).PasswordSealed != "" {
		return nil
	}
	linked, err := h.Providers.Linked(web.Ctx(c), web.Actor(c))
	if len(linked) > 0 {
		linked = slices.DeleteFunc(linked, func(l provider.Provider) bool { return !l.Anew })
		p.Providers, p.NoPassword, p.AskPassword, p.AskCode = ProviderLinks(linked), len(linked) == 0, false, false
	}
	return err
}

// bound is the rule of a domain by which somebody was refused.
func bound(err error) (account.Binding, bool) {
	var e *account.BoundError
	if !errors.As(err, &e) {
		return account.Binding{}, false
	}
	return e.Binding, true
}

// ByProvider leads somebody whose domain has them sign in by a provider to it. It is the same for everybody who names an address there (A6).
func (h *Handler) ByProvider(c echo.Context, b account.Binding, next string) error {
	p := views.Bound{Frame: h.Frame(c, web.T(c, "Sign in by %s", b.Label)), Domain: b.Domain, Provider: views.ProviderLink{Name: b.Provider, Label: b.Label}, Next: next}
	p.Frame.NoIndex, p.Frame.Languages = true, nil // its address may hold a token
	return h.RenderStatus(c, http.StatusForbidden, views.BoundPage(p))
}
