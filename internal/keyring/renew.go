package keyring

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// SomeLoader is a Loader that reads several keys at once.
type SomeLoader interface {
	// LoadSome returns the keys of those ids, whatever their state, in any order. Those that are gone are left out; an id that is there twice
	// counts once.
	LoadSome(ctx context.Context, ids []ID) ([]Loaded, error)
}

// How often keys in use are read anew, and how long before they would have to be waited for: two rounds, so that one that fails is no harm.
const (
	renewEvery = 500 * time.Millisecond
	renewAhead = 2 * renewEvery
)

// renewMost bounds the keys that are kept fresh: beyond, keys are read when they are asked for.
const renewMost = 1 << 16

// KeepFresh reads keys that are in use anew shortly before they are believed no longer, many at once, until ctx ends: that costs the database a
// twentieth of reading each when it is asked for, and nobody waits. It changes nothing of how long facts are believed. A Ring that is strict, or whose Loader reads one key at a
// time, has nothing to keep: it returns at once.
func (r *Ring) KeepFresh(ctx context.Context) {
	if _, ok := r.loader.(SomeLoader); !ok || r.strict() {
		return
	}
	r.mu.Lock()
	r.renewing = true
	r.mu.Unlock()
	for wait(ctx, renewEvery) {
		_ = r.Read(ctx, r.takeDue()) // what can't be read is left to those who ask for it, who are told why
	}
}

// Read reads the keys of those ids, many at once, and keeps them. What changes meanwhile is left to the next look-up, so that nothing comes back that
// was revoked (D5). A Ring that is strict keeps nothing, and reads nothing. It fails with what the Loader failed with, and has then kept what came before.
func (r *Ring) Read(ctx context.Context, ids []ID) error {
	loader, ok := r.loader.(SomeLoader)
	if !ok || r.strict() {
		return nil
	}
	for some := range slices.Chunk(ids, partSize) {
		before := r.applied.Load()
		load, cancel := context.WithTimeout(ctx, r.options.LoadTimeout)
		part, err := loader.LoadSome(load, some)
		cancel()
		if err != nil {
			return fmt.Errorf("keyring: read keys: %w", err)
		}
		r.storePart(part, before)
	}
	return nil
}

// watch has the key of digest, which was just stored, renewed when it is used until then; under the lock.
func (r *Ring) watch(digest *Digest) {
	if !r.renewing || len(r.due) >= renewMost {
		return
	}
	if e := r.keys.get(digest); e != nil && e.until.Load()&watched == 0 {
		e.until.Or(watched)
		r.due = append(r.due, e)
	}
}

// takeDue returns the keys that were used since they were loaded and are not believed for much longer. Those that nobody used are forgotten.
func (r *Ring) takeDue() []ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	soon := r.options.now().Add(renewAhead).UnixNano()
	var ids []ID
	r.due = slices.DeleteFunc(r.due, func(e *entry) bool {
		until := e.until.Load()
		if until > soon {
			return false
		}
		e.until.And(^watched)
		if until&used != 0 {
			ids = append(ids, e.facts.Load().ID)
		}
		return true
	})
	return ids
}
