package account

import (
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/account"
	views "github.com/gatehouse-dev/gatehouse/views/account"
	"github.com/gatehouse-dev/gatehouse/views/components"
)

// browsers are the known browsers of who is signed in.
func (h *Handler) browsers(c echo.Context) ([]views.Browser, error) {
	ctx := web.Ctx(c)
	all, here, err := h.Store.Browsers(ctx, web.Actor(c))
	out := make([]views.Browser, len(all))
	for i, d := range all {
		out[i] = views.Browser{
			ID: d.ID.Show(account.PrefixBrowser), Device: account.AgentWords(ctx, d.UserAgent), Network: d.Network, Here: d.ID == here,
			First: components.MomentAt(ctx, h.Now(), d.CreatedAt), Last: components.MomentAt(ctx, h.Now(), d.LastSeenAt),
		}
	}
	return out, err
}

// ForgetBrowser makes one of one's own known browsers a stranger.
func (h *Handler) ForgetBrowser(c echo.Context) error {
	id, err := web.PathID(c, "browser", account.PrefixBrowser)
	if err != nil {
		return err
	}
	if err := h.Store.ForgetBrowser(web.Ctx(c), web.Actor(c), id); err != nil {
		return err
	}
	return h.Done(c, "/console/account#browsers", text.N("The browser is forgotten."))
}

// ForgetOtherBrowsers makes all known browsers strangers but this one.
func (h *Handler) ForgetOtherBrowsers(c echo.Context) error {
	if err := h.Store.ForgetOtherBrowsers(web.Ctx(c), web.Actor(c)); err != nil {
		return err
	}
	return h.Done(c, "/console/account#browsers", text.N("All other browsers are forgotten."))
}
