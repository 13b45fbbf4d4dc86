package usage

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/replica"
	"github.com/gatehouse-dev/gatehouse/models/usage"
)

// Counting is what knows how far the figures reach: what this process has not stored yet, and what others may not have.
type Counting struct {
	Own    func() usage.State
	Others func(context.Context) (replica.Lag, error)
}

// promptly is how far behind a flush is on a good day: the page promises two seconds.
const promptly = 5 * time.Second

// lead says what the page shows. Where counts wait it says up to when they are all there, in place of a promise that does not hold.
func (h *Handler) lead(c echo.Context, everything bool) (string, error) {
	lead := web.T(c, "Every check of your keys, seen here within two seconds.")
	if everything {
		lead = web.T(c, "Every check of every key, seen here within two seconds. Times are UTC.")
	}
	if h.Counting == nil {
		return lead, nil
	}
	ctx := web.Ctx(c)
	lag, err := h.Counting.Others(ctx)
	if err != nil {
		return "", err
	}
	upTo := lag.UpTo
	if own := h.Counting.Own(); own.Behind > promptly {
		if at := h.Now().Add(-own.Behind); upTo.IsZero() || at.Before(upTo) {
			upTo = at
		}
	}
	switch {
	case !upTo.IsZero():
		return web.T(c, "Counts up to %s. What was checked since then follows.", text.Clock(ctx, upTo)), nil
	case lag.Waiting:
		return web.T(c, "Some counts are still on their way and follow."), nil
	}
	return lead, nil
}
