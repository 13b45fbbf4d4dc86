package oidc

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/openid"
	"github.com/gatehouse-dev/gatehouse/models/account/provider"
	"github.com/gatehouse-dev/gatehouse/models/actor"
)

// most bytes of a form with a logout token.
const logoutBody = 32 << 10

// Logout takes the word of a provider that somebody is not signed in there any more (Back-Channel Logout 1.0, sections 2.5 and 2.8). The token proves who says it.
func (h *Handler) Logout(c echo.Context) error {
	client, err := h.client(c)
	if err != nil {
		return err
	}
	a := actor.ForSystem()
	a.Address, _ = netip.ParseAddr(c.RealIP()) // the zero address when it is none
	a.RequestID = web.RequestID(c)
	c.Response().Header().Set("Cache-Control", "no-store")
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response().Writer, r.Body, logoutBody)
	if err := r.ParseForm(); err != nil {
		return h.refuse(c, a, "The body is no form.", false)
	}
	counted := false
	l, err := client.ParseLogout(web.Ctx(c), r.PostForm.Get("logout_token"), func() error {
		counted = true
		return h.Store.Allow(web.Ctx(c), a, provider.RefusedLogout)
	})
	if errors.Is(err, openid.ErrAway) {
		return fault.Wrap(err, fault.Unavailable, "The provider’s keys can’t be read now. Send the token again.")
	}
	if err == nil {
		err = h.Store.Logout(web.Ctx(c), a, client.Name, l)
	}
	if f := fault.As(err); f == nil && err != nil && !errors.Is(err, openid.ErrRefused) || f != nil && f.Kind != fault.Invalid && f.Kind != fault.NotFound {
		return err
	}
	if err != nil {
		slog.WarnContext(web.Ctx(c), "a provider's logout token is refused", "provider", client.Name, "error", err)
		return h.refuse(c, a, "The logout token is refused.", counted)
	}
	return c.NoContent(http.StatusOK)
}

// refuse answers as the specification has it, and counts that unless it was counted before the provider was asked. A good token by a key that is known is never counted, nor
// kept out by what was: nobody sends it again (S4).
func (h *Handler) refuse(c echo.Context, a actor.Actor, why string, counted bool) error {
	if !counted {
		if err := h.Store.Allow(web.Ctx(c), a, provider.RefusedLogout); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": why})
}
