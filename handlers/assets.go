package handlers

import (
	"context"
	"log/slog"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/asset"
	"github.com/gatehouse-dev/gatehouse/static"
)

// keepAssets puts down the styles and scripts of this version, for replicas of other versions.
func (h *House) keepAssets(ctx context.Context) error {
	var all []asset.Asset
	for _, f := range static.Own().Files() {
		all = append(all, asset.Asset(f))
	}
	return asset.Keep(ctx, h.options.DB, all)
}

// keepingAssets says once a day that they are still in use.
func (h *House) keepingAssets(ctx context.Context) {
	tick := time.NewTicker(asset.KeepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := h.keepAssets(ctx); err != nil && ctx.Err() == nil {
			slog.Warn("styles and scripts of this version can’t be kept for others", "error", err)
		}
	}
}

// otherAssets finds those of other versions.
func (h *House) otherAssets(ctx context.Context, url string) (static.File, bool, error) {
	a, ok, err := asset.Find(ctx, h.options.DB, url)
	return static.File(a), ok, err
}
