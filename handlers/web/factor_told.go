package web

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// FactorTold tells a member who has no second factor that an organization of theirs requires one, or will, who decided that, and where they add one.
func FactorTold(c echo.Context, r org.FactorRule, now time.Time) layout.Told {
	words := T(c, "From %s on it requires a second factor of its members, and you have none.", text.DateTime(Ctx(c), r.FactorFrom))
	if r.Begun(now) {
		words = T(c, "It requires a second factor of its members. You reach nothing of it before you have added one.")
	}
	return layout.Told{Name: r.Name, Text: words, By: r.ByName, Reason: r.FactorReason, Href: "/console/account/security", Label: T(c, "Add a second factor")}
}
