package keyring

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"sync/atomic"
)

// tag is what an entry keeps of its digest. 192 bits of a MAC decide as well as
// 256 (RFC 2104 section 5 allows half), and a million keys take 16 MB less.
type tag [24]byte

func tagOf(d *Digest) *tag { return (*tag)(d[:]) }

// entry is one key of the table. Its tag never changes.
type entry struct {
	tag     tag
	facts   atomic.Pointer[Facts]
	checked atomic.Uint64 // facts are current up to the change of this number
	until   atomic.Int64  // facts must be asked for again from here on; its lowest bits are marks
}

// Marks in an entry's until, which are worth three nanoseconds: a field of their own would cost 16 bytes a key.
const (
	used    int64 = 1 // it was looked up since it was stored
	watched int64 = 2 // it is in the Ring's due; written under the lock alone
)

// table maps digests to entries by open addressing. Readers take no lock: slots
// are atomic pointers, and a larger table replaces a full one in one step. Writers
// hold the Ring's lock. Digests are uniform, being HMACs, so they hash themselves.
type table struct {
	slots atomic.Pointer[slots]
	live  int
	used  int // live and removed
	most  int
	hand  int // where the search for a victim goes on
}

// slots are the entries, and one byte of each one's tag: a search passes over
// entries of others without touching them, each of which would be a cache miss.
type slots struct {
	entries []atomic.Pointer[entry]
	prints  []atomic.Uint32 // four to a word
}

func newSlots(n int) *slots {
	return &slots{entries: make([]atomic.Pointer[entry], n), prints: make([]atomic.Uint32, (n+3)/4)}
}

func (s *slots) print(i int) byte { return byte(s.prints[i/4].Load() >> (i % 4 * 8)) }

// insert puts e into a free slot. The print comes first: whoever sees the entry
// sees its print. A slot is used once, so its print never changes.
func (s *slots) insert(e *entry) {
	i := home(&e.tag, len(s.entries))
	for s.entries[i].Load() != nil {
		i = next(i, len(s.entries))
	}
	word := &s.prints[i/4]
	word.Store(word.Load() | uint32(e.tag[printAt])<<(i%4*8))
	s.entries[i].Store(e)
}

// find returns where the entry of tag is, or nil.
func (s *slots) find(t *tag) (int, *entry) {
	for i := home(t, len(s.entries)); ; i = next(i, len(s.entries)) {
		e := s.entries[i].Load()
		if e == nil {
			return 0, nil
		}
		if s.print(i) == t[printAt] && e != removed && e.tag == *t {
			return i, e
		}
	}
}

// printAt is the byte of a tag that is its print: one that home does not use.
const printAt = 23

// removed stands where an entry was, so that searches go on behind it.
var removed = new(entry)

const minSlots = 64

func newTable(most int) *table {
	t := &table{most: most}
	t.slots.Store(newSlots(minSlots))
	return t
}

// home maps a tag evenly to a slot, for tables of any size (Lemire, 2019).
func home(t *tag, slots int) int {
	high, _ := bits.Mul64(binary.LittleEndian.Uint64(t[:]), uint64(slots))
	return int(high)
}

func next(i, slots int) int {
	if i++; i == slots {
		return 0
	}
	return i
}

func (t *table) get(d *Digest) *entry {
	_, e := t.slots.Load().find(tagOf(d))
	return e
}

// put stores facts. An entry that is there keeps its place: facts first and what
// vouches for them after, so that no reader believes old facts by new numbers.
func (t *table) put(d *Digest, facts *Facts, checked uint64, until int64) {
	if e := t.get(d); e != nil {
		mark := e.until.Swap(0) & watched
		e.facts.Store(facts)
		e.checked.Store(checked)
		e.until.Store(until | mark)
		return
	}
	if t.live >= t.most {
		t.evict()
	}
	if (t.used+1)*5 > len(t.slots.Load().entries)*4 {
		t.rebuild()
	}
	e := &entry{tag: *tagOf(d)}
	e.facts.Store(facts)
	e.checked.Store(checked)
	e.until.Store(until)
	t.slots.Load().insert(e)
	t.live++
	t.used++
}

// rebuild drops what was removed and leaves the table five eighths full.
func (t *table) rebuild() {
	fresh := newSlots(max(minSlots, t.live*8/5))
	for i := range t.slots.Load().entries {
		if e := t.slots.Load().entries[i].Load(); e != nil && e != removed {
			fresh.insert(e)
		}
	}
	t.slots.Store(fresh)
	t.used = t.live
}

func (t *table) remove(d *Digest) {
	if i, e := t.slots.Load().find(tagOf(d)); e != nil {
		t.drop(i)
	}
}

func (t *table) drop(i int) {
	t.slots.Load().entries[i].Store(removed)
	t.live--
}

// evict drops the one of the next few entries that was loaded longest ago.
func (t *table) evict() {
	entries := t.slots.Load().entries
	victim, oldest, seen := -1, int64(0), 0
	for range entries {
		t.hand = next(t.hand%len(entries), len(entries))
		e := entries[t.hand].Load()
		if e == nil || e == removed {
			continue
		}
		if until := e.until.Load(); victim < 0 || until < oldest {
			victim, oldest = t.hand, until
		}
		if seen++; seen == 8 {
			break
		}
	}
	if victim >= 0 {
		t.drop(victim)
	}
}

const unknownShards = 16

// unknown remembers digests of no key for a few seconds, in two generations: when
// the younger is full it becomes the older, which is forgotten.
type unknown struct {
	shards [unknownShards]unknownShard
	half   int
}

type unknownShard struct {
	mu         sync.Mutex
	young, old map[Digest]absence
	_          [32]byte
}

type absence struct {
	until   int64
	checked uint64
}

func newUnknown(most int) *unknown {
	u := &unknown{half: max(1, most/unknownShards/2)}
	for i := range u.shards {
		u.shards[i].young, u.shards[i].old = map[Digest]absence{}, map[Digest]absence{}
	}
	return u
}

// has reports whether d was unknown up to the change of a key numbered keyMade.
func (u *unknown) has(d *Digest, now int64, keyMade uint64) bool {
	s := &u.shards[d[31]%unknownShards]
	s.mu.Lock()
	a, ok := s.young[*d]
	if !ok {
		a, ok = s.old[*d]
	}
	s.mu.Unlock()
	return ok && now < a.until && a.checked >= keyMade
}

func (u *unknown) add(d *Digest, until int64, checked uint64) {
	s := &u.shards[d[31]%unknownShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.young) >= u.half {
		s.young, s.old = s.old, s.young
		clear(s.young)
	}
	s.young[*d] = absence{until, checked}
}
