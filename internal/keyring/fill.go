package keyring

import (
	"context"
	"fmt"
)

// flight is one load that any number of callers wait for.
type flight[T any] struct {
	done     chan struct{}
	value    T
	err      error
	stranger bool // of a digest that no key in memory has
}

// maxStrangers bounds how many digests that were never seen are looked up at once. A checksum is public, so anybody can make texts that
// cost a look-up; what is beyond the bound is refused as unavailable at once, so that keys that are known and must be read
// anew don't queue behind a flood (4.1).
const maxStrangers = 256

// maxTries bounds how often a load is repeated because of changes meanwhile.
const maxTries = 8

// fill loads the facts of digest, once for all who ask at the same time. The
// load belongs to nobody: a caller who leaves doesn't stop it.
func (r *Ring) fill(ctx context.Context, digest Digest, now int64) (*Facts, error) {
	r.mu.Lock()
	f := r.flights[digest]
	if f != nil && r.strict() { // it began before the question: the next one did not
		r.mu.Unlock()
		if _, err := f.wait(ctx); ctx.Err() != nil {
			return nil, err
		}
		r.mu.Lock()
		f = r.flights[digest]
	}
	if f == nil {
		// A flight may have landed since the caller looked.
		if facts, known := r.warm(&digest, now); known {
			r.mu.Unlock()
			return facts, nil
		}
		f = &flight[*Facts]{done: make(chan struct{}), stranger: r.keys.get(&digest) == nil}
		if f.stranger && r.strangers >= maxStrangers {
			r.mu.Unlock()
			return nil, fmt.Errorf("%w: too many unknown keys at once", ErrUnavailable)
		}
		r.depart(digest, f)
		go r.load(context.WithoutCancel(ctx), digest, f)
	}
	r.mu.Unlock()
	return f.wait(ctx)
}

func (f *flight[T]) wait(ctx context.Context) (T, error) {
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// load reads until it has facts that no change overtook. Whoever joined the
// flight after a change was applied thus never gets what was true before it.
func (r *Ring) load(ctx context.Context, digest Digest, f *flight[*Facts]) {
	ctx, cancel := context.WithTimeout(ctx, r.options.LoadTimeout)
	defer cancel()
	defer close(f.done)
	defer func() {
		if cause := recover(); cause != nil {
			r.land(digest, f, nil, fmt.Errorf("%w: the load panicked: %v", ErrUnavailable, cause))
		}
	}()
	for range maxTries {
		before := r.applied.Load()
		facts, err := r.loader.LoadKey(ctx, digest)
		if err != nil {
			r.land(digest, f, nil, fmt.Errorf("%w: %w", ErrUnavailable, err))
			return
		}
		if r.store(digest, facts, before, f) {
			return
		}
	}
	r.land(digest, f, nil, fmt.Errorf("%w: facts change faster than they load", ErrUnavailable))
}

// depart and arrive keep count of the flights; both under the lock.
func (r *Ring) depart(digest Digest, f *flight[*Facts]) {
	r.flights[digest] = f
	if f.stranger {
		r.strangers++
	}
}

func (r *Ring) arrive(digest Digest, f *flight[*Facts]) {
	if r.flights[digest] == f {
		delete(r.flights, digest)
		if f.stranger {
			r.strangers--
		}
	}
}

// land ends a flight. It takes the lock so that no later caller joins it.
func (r *Ring) land(digest Digest, f *flight[*Facts], facts *Facts, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.value, f.err = facts, err
	r.arrive(digest, f)
}

// store keeps what was loaded after the change numbered before, unless a later
// change overtook the load; it returns false then. It ends the flight otherwise.
func (r *Ring) store(digest Digest, facts *Facts, before uint64, f *flight[*Facts]) bool {
	now := r.options.now().UnixNano()
	r.mu.Lock()
	defer r.mu.Unlock()
	if facts == nil {
		if r.keyMade.Load() > before {
			return false
		}
		r.keys.remove(&digest)
		r.unknown.add(&digest, now+int64(r.options.UnknownTTL), before)
	} else {
		if r.newest(facts) > before {
			return false
		}
		facts = r.pool.intern(facts)
		r.keys.put(&digest, facts, before, r.until(now))
		r.watch(&digest)
		r.pool.trim(r.keys.live)
	}
	f.value = facts
	r.arrive(digest, f)
	return true
}

// Catalogue returns all APIs as they are now: after a change of an API it waits
// for a reload. It fails with ErrUnavailable, or with ctx's error.
func (r *Ring) Catalogue(ctx context.Context) (*Catalogue, error) {
	if apart(r.options.now().UnixNano(), r.polled.Load()) > int64(r.options.StaleMax) {
		return nil, fmt.Errorf("%w: the change feed has been silent for too long", ErrUnavailable)
	}
	if view := r.catalogue.Load(); view != nil && view.checked >= r.apis.Load() {
		return view.Catalogue, nil
	}
	r.mu.Lock()
	f := r.opening
	if f == nil {
		f = &flight[*Catalogue]{done: make(chan struct{})}
		r.opening = f
		go r.loadCatalogue(context.WithoutCancel(ctx), f)
	}
	r.mu.Unlock()
	return f.wait(ctx)
}

func (r *Ring) loadCatalogue(ctx context.Context, f *flight[*Catalogue]) {
	ctx, cancel := context.WithTimeout(ctx, r.options.LoadTimeout)
	defer cancel()
	defer close(f.done)
	defer func() {
		if cause := recover(); cause != nil {
			r.landCatalogue(f, nil, 0, fmt.Errorf("%w: the load panicked: %v", ErrUnavailable, cause))
		}
	}()
	for range maxTries {
		before := r.applied.Load()
		c, err := r.readCatalogue(ctx)
		if err != nil {
			r.landCatalogue(f, nil, 0, fmt.Errorf("%w: %w", ErrUnavailable, err))
			return
		}
		if r.landCatalogue(f, c, before, nil) {
			return
		}
	}
	r.landCatalogue(f, nil, 0, fmt.Errorf("%w: the catalogue changes faster than it loads", ErrUnavailable))
}

func (r *Ring) readCatalogue(ctx context.Context) (*Catalogue, error) {
	apis, err := r.loader.LoadAPIs(ctx)
	if err != nil {
		return nil, err
	}
	return NewCatalogue(apis)
}

// landCatalogue ends the flight, unless a change overtook the load.
func (r *Ring) landCatalogue(f *flight[*Catalogue], c *Catalogue, before uint64, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && r.apis.Load() > before {
		return false
	}
	if err == nil {
		r.catalogue.Store(&catalogueView{Catalogue: c, checked: before})
	}
	f.value, f.err = c, err
	r.opening = nil
	return true
}
