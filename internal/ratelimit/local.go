package ratelimit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"sync"
	"time"
)

// Key names a bucket: two ids and a kind that keeps uses apart.
type Key struct {
	A, B [16]byte
	Kind uint8
}

// KeyOf returns the Key for a subject that is a text, such as a mail address or
// a network: its SHA-256.
func KeyOf(kind uint8, subject string) Key {
	sum := sha256.Sum256([]byte(subject))
	return Key{A: [16]byte(sum[:16]), B: [16]byte(sum[16:]), Kind: kind}
}

// Ask is one bucket that a call must pass. The zero Ask always passes.
type Ask struct {
	Key   Key
	Limit Limit
}

// Limiter decides calls. Local and Redis are Limiters; both are safe for
// concurrent use.
type Limiter interface {
	// Take charges cost to both buckets, or to neither when either refuses, and
	// returns the tighter of the two results. It never fails: see Redis for what
	// it does when its store doesn't answer.
	Take(ctx context.Context, now time.Time, cost int, first, second Ask) Result
}

const shards = 64

// Local keeps buckets in this process, at most as many as it was made for. A
// warm Take allocates nothing and costs about 50 ns a bucket.
type Local struct {
	shards   [shards]shard
	perShard int
}

type shard struct {
	mu      sync.Mutex
	buckets map[Key]*bucket
	sweepAt int
	latest  int64 // time of a call
	// front finds busy buckets without hashing for the map and with fewer cache
	// misses; it holds nothing that the map doesn't.
	front [frontSlots]*bucket
}

const frontSlots = 128

type bucket struct {
	key   Key
	state int64
	seen  int64 // for Redis: the state of its bucket, microseconds of its clock
	owed  int   // charges that it does not know of
}

// NewLocal returns a Local for at most size buckets (at least 64, one a shard).
// Full buckets, which say nothing, are dropped first; when there are none, one
// that is nearly full goes.
func NewLocal(size int) *Local {
	l := &Local{perShard: max(2, size/shards)}
	for i := range l.shards {
		l.shards[i].buckets = map[Key]*bucket{}
		l.shards[i].sweepAt = min(64, l.perShard)
	}
	return l
}

// Take implements Limiter.
func (l *Local) Take(_ context.Context, now time.Time, cost int, first, second Ask) Result {
	n := now.UnixNano()
	switch {
	case second.Limit.None() && first.Limit.None():
		return Result{Allowed: true}
	case second.Limit.None():
		return l.takeOne(n, cost, first)
	case first.Limit.None():
		return l.takeOne(n, cost, second)
	}
	hashA, hashB := hash(first.Key), hash(second.Key)
	a, b := int(hashA%shards), int(hashB%shards)
	l.lock(a, b)
	defer l.unlock(a, b)
	sa, sb := &l.shards[a], &l.shards[b]
	n = sb.at(sa.at(n))
	one, two := sa.find(first.Key, hashA), sb.find(second.Key, hashB)
	if one == nil || two == nil {
		// Room for both is made before either is taken: it must not cost the other.
		l.makeRoom(sa, n)
		l.makeRoom(sb, n)
		one, two = sa.findOrAdd(first.Key, hashA), sb.findOrAdd(second.Key, hashB)
	}
	r1, s1 := Decide(n, one.state, first.Limit, cost)
	r2, s2 := Decide(n, two.state, second.Limit, cost)
	if r1.Allowed == r2.Allowed { // charged both, or neither
		one.state, two.state = s1, s2
	}
	return tighter(r1, r2)
}

func (l *Local) takeOne(now int64, cost int, ask Ask) Result {
	h := hash(ask.Key)
	s := &l.shards[h%shards]
	s.mu.Lock()
	now = s.at(now)
	b := s.find(ask.Key, h)
	if b == nil {
		l.makeRoom(s, now)
		b = s.findOrAdd(ask.Key, h)
	}
	r, next := Decide(now, b.state, ask.Limit, cost)
	b.state = next
	s.mu.Unlock()
	return r
}

// at is when a call of that time is charged. One that waited since, as for the database to tell of its key, is charged with those that came after it and were
// quicker: to them its own time would be the past, for which their charges leave it nothing. Time that goes back further than slack was set.
func (s *shard) at(now int64) int64 {
	if late := s.latest - now; late > 0 && late <= slack {
		return s.latest
	}
	s.latest = now
	return now
}

// lock takes both shards in order, so that two callers cannot wait for each other.
func (l *Local) lock(a, b int) {
	l.shards[min(a, b)].mu.Lock()
	if a != b {
		l.shards[max(a, b)].mu.Lock()
	}
}

func (l *Local) unlock(a, b int) {
	if a != b {
		l.shards[max(a, b)].mu.Unlock()
	}
	l.shards[min(a, b)].mu.Unlock()
}

// hash mixes the ends of both ids: those of UUIDs are random. Keys that collide
// cost time and nothing else.
func hash(k Key) uint64 {
	h := binary.LittleEndian.Uint64(k.A[8:]) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(k.B[8:]), 29) ^ uint64(k.Kind)
	return (h * 0x9e3779b97f4a7c15) >> 40
}

// find returns the bucket of key, whose hash is h, or nil; s is locked.
func (s *shard) find(key Key, h uint64) *bucket {
	front := &s.front[h/shards%frontSlots]
	if b := *front; b != nil && b.key == key {
		return b
	}
	b := s.buckets[key]
	if b != nil {
		*front = b
	}
	return b
}

func (s *shard) findOrAdd(key Key, h uint64) *bucket {
	b := s.find(key, h)
	if b == nil {
		b = &bucket{key: key}
		s.buckets[key] = b
	}
	return b
}

// makeRoom makes sure that two buckets can be added to s.
func (l *Local) makeRoom(s *shard, now int64) {
	if len(s.buckets)+2 <= s.sweepAt {
		return
	}
	clear(s.front[:])
	s.sweep(now)
	for len(s.buckets)+2 > l.perShard && len(s.buckets) > 0 {
		s.evict()
	}
	s.sweepAt = min(l.perShard, max(64, 2*len(s.buckets)))
}

func (s *shard) sweep(now int64) {
	for key, b := range s.buckets {
		if b.state <= now {
			delete(s.buckets, key)
		}
	}
}

// evict drops the fullest of a few buckets: it forgets the least.
func (s *shard) evict() {
	var victim Key
	var least int64
	seen := 0
	for key, b := range s.buckets {
		if seen == 0 || b.state < least {
			victim, least = key, b.state
		}
		if seen++; seen == 8 {
			break
		}
	}
	delete(s.buckets, victim)
}

// Len returns how many buckets are kept.
func (l *Local) Len() int {
	n := 0
	for i := range l.shards {
		l.shards[i].mu.Lock()
		n += len(l.shards[i].buckets)
		l.shards[i].mu.Unlock()
	}
	return n
}
