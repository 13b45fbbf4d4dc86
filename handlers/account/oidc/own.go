package oidc

import (
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/account"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account/provider"
	views "github.com/gatehouse-dev/gatehouse/views/account"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

// Own is the page of the providers by which one signs in.
func (h *Handler) Own(c echo.Context) error {
	ctx := web.Ctx(c)
	own, err := h.Store.List(ctx, web.Actor(c))
	if err != nil {
		return err
	}
	p := views.Providers{Frame: h.Frame(c, web.T(c, "Providers")), Password: web.User(c).PasswordSealed != ""}
	known := h.Store.Providers()
	for _, i := range own {
		row := views.Identity{ID: i.ID.Show(provider.Prefix), Label: h.Store.Label(i.Issuer), Address: i.Address, Since: components.MomentAt(ctx, h.Now(), i.CreatedAt)}
		row.Gone = !slices.ContainsFunc(known, func(k provider.Provider) bool { return k.Issuer == i.Issuer })
		if i.LastUsedAt != nil {
			row.Used = components.MomentAt(ctx, h.Now(), *i.LastUsedAt)
		}
		p.Linked = append(p.Linked, row)
	}
	p.Others = account.ProviderLinks(slices.DeleteFunc(slices.Clone(known), func(k provider.Provider) bool {
		return slices.ContainsFunc(own, func(i provider.Identity) bool { return i.Issuer == k.Issuer })
	}))
	return h.Render(c, views.ProvidersPage(p))
}

// Unlink takes one away.
func (h *Handler) Unlink(c echo.Context) error {
	id, err := identityID(c)
	if err != nil {
		return err
	}
	if err := h.Store.Unlink(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, home, text.N("It is unlinked, and signs you in no longer."))
}
