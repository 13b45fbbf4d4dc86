package handlers

import (
	"context"
	"log/slog"
	"time"
)

// ballastEvery is how often room is put aside anew, after it was needed.
const ballastEvery = time.Minute

// keepBallast keeps room on the disk of the database for what must be written though it is full: that a key is revoked (REL-8).
func (h *House) keepBallast(ctx context.Context) {
	tick := time.NewTicker(ballastEvery)
	defer tick.Stop()
	failing := false
	for {
		err := h.options.DB.KeepBallast()
		if err != nil && !failing {
			slog.Error("the disk of the database is full: keys can be revoked at best, nothing else can be changed", "error", err)
		}
		failing = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
