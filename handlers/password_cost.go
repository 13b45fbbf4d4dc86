package handlers

import (
	"context"
	"log/slog"
	"time"
)

// calibrateAfter is how long after the start the machine is measured: not while it has most to do.
const calibrateAfter = 5 * time.Second

// knownCost sets what a password hash costs, before the first one is asked for.
func (h *House) knownCost(ctx context.Context) error {
	if passes := h.options.Settings.PasswordPasses; passes > 0 {
		return h.Stores.Account.SetPasses(passes)
	}
	return h.Stores.Account.KnownCost(ctx)
}

// calibratePasswords measures once what a password hash costs on this machine, unless the operator says it.
func (h *House) calibratePasswords(ctx context.Context) {
	if h.options.Settings.PasswordPasses > 0 || h.options.Hash == nil {
		return
	}
	select {
	case <-time.After(calibrateAfter):
	case <-ctx.Done():
		return
	}
	cost, err := h.Stores.Account.CalibrateCost(ctx, h.options.DB.Now)
	if err != nil && ctx.Err() == nil {
		slog.Warn("what a password hash costs is not kept; it stays as it was", "error", err)
		return
	}
	slog.Info("what a password hash costs", "memory_kib", cost.MemoryKiB, "passes", cost.Time)
}
