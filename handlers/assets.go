package handlers

import (
	"context"
	"errors"
	"log/slog"
	"sync"
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
	return h.others.find(url, h.options.DB.MachineNow(), func() (static.File, bool, error) {
		a, ok, err := asset.Find(ctx, h.options.DB, url)
		return static.File(a), ok, err
	})
}

// Bounds of what strangers' addresses cost the database (L3).
const (
	asksPerSecond = 50
	missedFor     = 10 * time.Second // a newer version may put it down meanwhile
	mostMissed    = 1000
	mostFound     = 8 << 20 // bytes
)

var errBusyAssets = errors.New("too many addresses of files of other versions are asked for")

// otherFiles remembers which files other versions have and which not. The zero value knows nothing. Safe for concurrent use.
type otherFiles struct {
	mu     sync.Mutex
	found  map[string]static.File
	held   int // bytes
	missed map[string]time.Time
	second time.Time
	asked  int
}

// find returns a file, asking for it unless that is known. It fails when too many were asked for in this second.
func (o *otherFiles) find(url string, now time.Time, ask func() (static.File, bool, error)) (static.File, bool, error) {
	f, ok, known, err := o.known(url, now)
	if known || err != nil {
		return f, ok, err
	}
	if f, ok, err = ask(); err != nil {
		return f, ok, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !ok:
		if len(o.missed) >= mostMissed {
			clear(o.missed)
		}
		o.missed[url] = now
	case o.held+len(f.Body) <= mostFound:
		o.found[url] = f
		o.held += len(f.Body)
	}
	return f, ok, nil
}

// known is what is remembered of an address; where it is nothing, it counts that the database is asked.
func (o *otherFiles) known(url string, now time.Time) (f static.File, ok, known bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.found == nil {
		o.found, o.missed = map[string]static.File{}, map[string]time.Time{}
	}
	if f, ok = o.found[url]; ok {
		return f, true, true, nil
	}
	if at, missed := o.missed[url]; missed && now.Sub(at).Abs() < missedFor {
		return f, false, true, nil
	}
	if now.Sub(o.second).Abs() >= time.Second {
		o.second, o.asked = now, 0
	}
	if o.asked++; o.asked > asksPerSecond {
		return f, false, false, errBusyAssets
	}
	return f, false, false, nil
}
