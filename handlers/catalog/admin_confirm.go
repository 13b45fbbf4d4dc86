package catalog

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
)

// back marks the address by which somebody comes back to a form after the password was asked for.
const back = "back"

// unconfirmed reports whether the password was entered more than ten minutes ago (A14), and where it is asked for: from there the form at path comes
// back with what was typed. A form that can't stand in an address comes back as it is at first.
func (h *Handler) unconfirmed(c echo.Context, path string, typed url.Values) (to string, stale bool) {
	if web.Session(c).Fresh(h.Now()) {
		return "", false
	}
	typed.Set(back, "1")
	to, ok := web.ConfirmFirst(path, typed)
	if !ok {
		to, _ = web.ConfirmFirst(path, url.Values{back: {"1"}})
	}
	return to, true
}

// confirmed reports whether somebody comes back to a form: what it does was not done yet.
func confirmed(c echo.Context) bool { return c.QueryParam(back) != "" }
