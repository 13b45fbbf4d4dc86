package keyring

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
)

// ErrUnavailable is returned when the question cannot be answered from facts
// that are known to be current. Answer 503, never 401: the key may be good.
var ErrUnavailable = errors.New("keyring: unavailable")

// Kind is the kind of thing that a Change is about.
type Kind uint8

// The kinds of the change feed. A change must name what cached facts already
// depend on: an access or a grant that is new is announced as a change of the
// app (or key) that gains it, since nothing cached knows its id yet.
const (
	KindKey Kind = iota + 1 // made, altered, rotated, paused, revoked
	KindApp
	KindOrganization
	KindUser
	KindAccess
	KindAPI // also its scopes, rules, versions and plans
	// KindImport makes the forms of imported keys stale.
	KindImport
	// KindAll makes everything stale, whatever the ID: for what touches more than can be listed.
	KindAll
)

// Change says that what is known of one thing is out of date.
type Change struct {
	Kind Kind
	ID   ID
}

// Loader reads facts from the database. Each method must see everything that was
// committed before it was called.
type Loader interface {
	// LoadKey returns the facts of the key with that digest, whatever its state,
	// or nil and no error when there is none.
	LoadKey(ctx context.Context, digest Digest) (*Facts, error)
	// LoadAPIs returns all APIs; they need not be compiled.
	LoadAPIs(ctx context.Context) ([]*API, error)
	// Changes returns the changes after seq, in any order, and the highest seq that
	// they reach up to. For a negative seq it returns no changes and the present
	// highest. It must not skip what is committed later with a lower seq.
	Changes(ctx context.Context, seq int64) ([]Change, int64, error)
}

// Options set a Ring's bounds. The zero value of each field means its default,
// but for TTL.
type Options struct {
	TTL         time.Duration // how long facts are believed without asking; at most 60 s; 0 is strict: ask each time
	UnknownTTL  time.Duration // how long an unknown digest is remembered; 5 s
	StaleMax    time.Duration // how long after the last good poll answers are given; 10 s
	LoadTimeout time.Duration // for one load; 2 s
	MaxKeys     int           // how many keys are kept; 2,000,000
	MaxUnknown  int           // how many unknown digests are kept; 65,536
	Now         func() time.Time
}

// DefaultTTL is how long facts are believed by default.
const DefaultTTL = 10 * time.Second

// MaxTTL is the longest TTL.
const MaxTTL = time.Minute

func (o Options) withDefaults() Options {
	o.TTL = min(o.TTL, MaxTTL)
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&o.UnknownTTL, 5 * time.Second}, {&o.StaleMax, 10 * time.Second}, {&o.LoadTimeout, 2 * time.Second}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if o.MaxKeys <= 0 {
		o.MaxKeys = 2_000_000
	}
	if o.MaxUnknown <= 0 {
		o.MaxUnknown = 1 << 16
	}
	return o
}

// marks is how many marks there are. Each thing has one by the hash of its id;
// two that share one make each other stale for nothing, now and then.
const marks = 1 << 16

// Ring keeps facts of keys by digest. It is safe for concurrent use.
//
// A change is numbered, and its number is written to the mark of what changed;
// facts remember the number up to which they are known to be current. They are
// fresh while none of the things that they depend on has a higher mark. So a
// change costs the same whether it touches one key or a million, and holds at
// once for all of them.
type Ring struct {
	loader  Loader
	options Options

	keys    *table
	unknown *unknown
	marks   [marks]atomic.Uint64
	applied atomic.Uint64 // number of the last change
	keyMade atomic.Uint64 // number of the last change of a key
	all     atomic.Uint64 // number of the last change of everything
	polled  atomic.Int64  // when the last good poll began

	mu      sync.Mutex // whatever changes the picture; never held while loading
	pool    interner
	flights map[Digest]*flight[*Facts]
	// strangers are the flights of digests that no key in memory has.
	strangers int
	// renewing says that due are kept fresh, see KeepFresh.
	renewing bool
	due      []*entry

	catalogue atomic.Pointer[catalogueView]
	apis      atomic.Uint64 // number of the last change of an API
	opening   *flight[*Catalogue]

	forms   atomic.Pointer[formsView]
	imports atomic.Uint64 // number of the last change of an import
	reading *flight[[]apikey.Form]

	pollMu sync.Mutex
	feed   atomic.Int64
	hints  chan struct{}

	counts [countShards]countShard
	whole  atomic.Bool
}

type catalogueView struct {
	*Catalogue
	checked uint64
}

// NewRing returns an empty Ring. It answers ErrUnavailable until the first Poll
// has gone well.
func NewRing(loader Loader, options Options) *Ring {
	o := options.withDefaults()
	r := &Ring{
		loader: loader, options: o, hints: make(chan struct{}, 1),
		keys: newTable(o.MaxKeys), unknown: newUnknown(o.MaxUnknown),
		pool: newInterner(), flights: map[Digest]*flight[*Facts]{},
	}
	r.feed.Store(-1)
	return r
}

// Lookup returns the facts of the key with that digest; nil and no error mean
// that there is none. It fails with ErrUnavailable, wrapped around the cause, or
// with ctx's error. Warm, known or unknown, it takes no lock or a short one,
// allocates nothing and costs about 30 ns.
func (r *Ring) Lookup(ctx context.Context, now time.Time, digest Digest) (*Facts, error) {
	n := now.UnixNano()
	if apart(n, r.polled.Load()) > int64(r.options.StaleMax) {
		return nil, fmt.Errorf("%w: the change feed has been silent for too long", ErrUnavailable)
	}
	count := &r.counts[digest[30]%countShards]
	count.lookups.Add(1)
	if f, known := r.warm(&digest, n); known {
		return f, nil
	}
	count.misses.Add(1)
	return r.fill(ctx, digest, n)
}

// warm returns what is known of digest without asking, if it is known.
func (r *Ring) warm(digest *Digest, now int64) (f *Facts, known bool) {
	if e := r.keys.get(digest); e != nil {
		f = r.fresh(e, now)
		return f, f != nil
	}
	return nil, r.unknown.has(digest, now, r.keyMade.Load())
}

// fresh returns e's facts while nothing that they depend on changed since e was
// checked; nil otherwise. The order of loads is the mirror of table.put's order of
// stores: facts are never older than the number that vouches for them.
func (r *Ring) fresh(e *entry, now int64) *Facts {
	until := e.until.Load()
	if now >= until || r.strict() {
		return nil
	}
	if until&used == 0 {
		e.until.CompareAndSwap(until, until|used) // only if nobody filled the entry anew meanwhile
	}
	checked := e.checked.Load()
	f := e.facts.Load()
	applied := r.applied.Load() // before the marks: they are written first
	if checked >= applied {
		return f
	}
	if r.newest(f) > checked {
		return nil
	}
	// Only if nobody filled the entry anew meanwhile.
	e.checked.CompareAndSwap(checked, applied)
	return f
}

// strict reports whether facts are read for each question, and never before it.
func (r *Ring) strict() bool { return r.options.TTL <= 0 }

// newest returns the highest mark of what f depends on.
func (r *Ring) newest(f *Facts) uint64 {
	app, org := f.App, f.App.Org
	high := max(r.all.Load(), r.mark(KindKey, f.ID), r.mark(KindApp, app.ID), r.mark(KindOrganization, org.ID))
	if org.User != (ID{}) {
		high = max(high, r.mark(KindUser, org.User))
	}
	if f.Reach != nil {
		for i := range f.Reach.Grants {
			a := f.Reach.Grants[i].Access
			high = max(high, r.mark(KindAccess, a.ID), r.mark(KindAPI, a.API))
		}
	}
	return high
}

func (r *Ring) mark(kind Kind, id ID) uint64 { return r.markOf(kind, id).Load() }

// markOf spreads ids over the marks. Ids are UUIDs of our own making, whose last
// eight bytes are random; kinds are kept apart.
func (r *Ring) markOf(kind Kind, id ID) *atomic.Uint64 {
	h := binary.LittleEndian.Uint64(id[8:]) ^ binary.LittleEndian.Uint64(id[:8])*0x9e3779b97f4a7c15
	h = (h + uint64(kind)) * 0x9e3779b97f4a7c15
	return &r.marks[h>>48]
}

// Apply makes what changed stale, in this process, before it returns. Call it
// after the commit and before the answer; the next Lookup then reads the
// database. Applying a change twice does no harm.
func (r *Ring) Apply(changes ...Change) {
	if len(changes) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.applied.Load() + 1
	for _, change := range changes {
		r.markOf(change.Kind, change.ID).Store(n)
		switch change.Kind {
		case KindKey:
			r.keyMade.Store(n)
		case KindAPI:
			r.apis.Store(n)
		case KindImport:
			r.imports.Store(n)
			r.keyMade.Store(n)
		case KindAll:
			r.imports.Store(n)
			r.all.Store(n)
			r.keyMade.Store(n)
			r.apis.Store(n)
		}
	}
	r.applied.Store(n) // last: whoever sees it sees the marks
}

// Age returns how long ago the last good Poll began; it is what readiness and
// metrics show. It is very long before the first. When the clock was set back since,
// nobody knows, and it is by how much.
func (r *Ring) Age(now time.Time) time.Duration {
	return time.Duration(apart(now.UnixNano(), r.polled.Load()))
}

// apart is how far two moments lie apart: a poll that lies ahead of now is not known to be recent, since the clock was set back after it (REL-12).
func apart(a, b int64) int64 { return max(a-b, b-a) }

// Len returns how many keys are kept.
func (r *Ring) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys.live
}

// until returns when facts loaded now must be asked for again. Jitter keeps keys
// that were loaded together from being reloaded together.
func (r *Ring) until(now int64) int64 {
	ttl := int64(r.options.TTL)
	return (now + ttl - rand.Int64N(ttl/5+1)) &^ (used | watched)
}
