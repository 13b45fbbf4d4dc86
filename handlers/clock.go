package handlers

import (
	"context"
	"log/slog"
	"time"
)

// clockEvery is how often the database is asked for the time.
const clockEvery = 5 * time.Second

// followClock goes by the database's clock, which all processes share. While the database is away time passes as it did (REL-12).
func (h *House) followClock(ctx context.Context) {
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	for {
		ask, cancel := context.WithTimeout(ctx, clockEvery)
		err := h.options.DB.FollowClock(ask)
		cancel()
		if err != nil && ctx.Err() == nil {
			slog.Debug("the database was not asked for the time", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
