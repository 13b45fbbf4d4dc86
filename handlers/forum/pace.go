package forum

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// pace is how fast one account sends forms here, previews and votes among them: far above what hands do (L7). It is counted in this process: it saves its
// time, and guards nothing. How much is posted is trust's to say.
var pace = ratelimit.Limit{Requests: 120, Period: time.Minute, Burst: 60}

const (
	forms   = 1
	writers = 1 << 13 // accounts counted at once
)

// Paced counts a form of somebody outside the company. The pages below this one, on which one follows lists, count by it too. Faults: RateLimited.
func (h *Handler) Paced(c echo.Context) error {
	who := web.Actor(c)
	if who.StaffRole != "" {
		return nil
	}
	ask := ratelimit.Ask{Key: ratelimit.KeyOf(forms, who.UserID.String()), Limit: pace}
	if r := h.limiter.Take(web.Ctx(c), h.Now(), 1, ask, ratelimit.Ask{}); !r.Allowed {
		return &fault.Error{Kind: fault.RateLimited, RetryAfter: r.RetryAfter}
	}
	return nil
}
