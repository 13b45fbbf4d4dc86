package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// WholeLoader is a Loader that reads many keys at once.
type WholeLoader interface {
	// LoadPart returns at most limit of the keys that work or may work again,
	// those whose ids follow after, in the order of their ids. Fewer mean that there
	// are no more.
	LoadPart(ctx context.Context, after ID, limit int) ([]Loaded, error)
}

// Loaded is a key as a WholeLoader found it.
type Loaded struct {
	Digest Digest
	Facts  *Facts
}

// partSize is how many keys are read and kept at once; the lock is held for about
// a millisecond then, and no warm look-up takes it.
const partSize = 500

// wholeEvery is how often all keys are read anew by KeepWhole, and wholeSpread the
// time over which a reading is spread but for the first. Together they are less
// than the least time for which a key is believed: MaxTTL less its jitter, 48 s.
const (
	wholeEvery  = 36 * time.Second
	wholeSpread = 9 * time.Second
)

// wholePause is how long a reading that failed waits for the next try.
const wholePause = time.Second

// ErrNotWhole is returned by LoadWhole where the Loader reads one key at a time.
var ErrNotWhole = errors.New("keyring: the loader reads no parts")

// Whole reports whether all keys were read once; see KeepWhole.
func (r *Ring) Whole() bool { return r.whole.Load() }

// LoadWhole reads all keys that work or may work again, as many as there is room
// for, and returns how many. What changes while a part is read is left to the next
// look-up of that key, so that a part can't bring back what was revoked meanwhile
// (D5).
func (r *Ring) LoadWhole(ctx context.Context) (int, error) { return r.readParts(ctx, 0) }

// readParts is LoadWhole that takes about spread for it.
func (r *Ring) readParts(ctx context.Context, spread time.Duration) (int, error) {
	loader, ok := r.loader.(WholeLoader)
	if !ok {
		return 0, ErrNotWhole
	}
	var after ID
	pause := spread / time.Duration(1+r.Len()/partSize)
	for n := 0; ; {
		before := r.applied.Load()
		part, err := loader.LoadPart(ctx, after, partSize)
		if err != nil {
			return n, fmt.Errorf("keyring: read keys: %w", err)
		}
		n += len(part)
		r.storePart(part, before)
		if len(part) < partSize || n+partSize > r.options.MaxKeys {
			r.whole.Store(true)
			return n, nil
		}
		after = part[len(part)-1].Facts.ID
		if !wait(ctx, pause) {
			return n, ctx.Err()
		}
	}
}

// storePart keeps what was loaded after the change numbered before, but for what
// a later change overtook.
func (r *Ring) storePart(part []Loaded, before uint64) {
	now := r.options.now().UnixNano()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range part {
		digest := &part[i].Digest
		if r.newest(part[i].Facts) > before {
			continue
		}
		facts := r.pool.intern(part[i].Facts)
		if e := r.keys.get(digest); e != nil {
			if held := e.facts.Load(); *held == *facts {
				facts = held // what is counted by its facts goes on with them
			}
		}
		r.keys.put(digest, facts, before, r.until(now))
		r.watch(digest)
	}
	r.pool.trim(r.keys.live)
}

// KeepWhole reads all keys at once, and then again and again, spread over time, so
// that none is believed for longer than TTL and none has to be waited for: make the
// Ring with MaxTTL for it. It returns when ctx ends. It calls report after the
// first reading, and whenever readings begin to fail.
func (r *Ring) KeepWhole(ctx context.Context, report func(keys int, err error)) {
	failing, spread := false, time.Duration(0)
	for {
		began := r.options.now()
		n, err := r.readParts(ctx, spread)
		if ctx.Err() != nil || errors.Is(err, ErrNotWhole) {
			return
		}
		if err != nil != failing || err == nil && spread == 0 {
			report(n, err)
		}
		failing = err != nil
		pause := wholePause
		if !failing {
			spread = wholeSpread
			pause = max(wholePause, wholeEvery-r.options.now().Sub(began))
		}
		if !wait(ctx, pause) {
			return
		}
	}
}

// wait is false when ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
