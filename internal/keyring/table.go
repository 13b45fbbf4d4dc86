package keyring

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
)

// entry is one key of the table. Its digest never changes.
type entry struct {
	digest  Digest
	facts   atomic.Pointer[Facts]
	checked atomic.Uint64 // facts are current up to the change of this number
	until   atomic.Int64  // facts must be asked for again from here on
}

// table maps digests to entries by open addressing. Readers take no lock: slots
// are atomic pointers, and a larger table replaces a full one in one step. Writers
// hold the Ring's lock. Digests are uniform, being HMACs, so they hash themselves.
type table struct {
	slots atomic.Pointer[[]atomic.Pointer[entry]]
	live  int
	used  int // live and removed
	most  int
	hand  int // where the search for a victim goes on
}

// removed stands where an entry was, so that searches go on behind it.
var removed = new(entry)

const minSlots = 64

func newTable(most int) *table {
	t := &table{most: most}
	slots := make([]atomic.Pointer[entry], minSlots)
	t.slots.Store(&slots)
	return t
}

func home(d *Digest, slots int) int {
	return int(binary.LittleEndian.Uint64(d[:]) & uint64(slots-1))
}

func (t *table) get(d *Digest) *entry {
	slots := *t.slots.Load()
	for i := home(d, len(slots)); ; i = (i + 1) & (len(slots) - 1) {
		e := slots[i].Load()
		if e == nil {
			return nil
		}
		if e != removed && e.digest == *d {
			return e
		}
	}
}

// put stores facts. An entry that is there keeps its place: facts first and what
// vouches for them after, so that no reader believes old facts by new numbers.
func (t *table) put(d *Digest, facts *Facts, checked uint64, until int64) {
	if e := t.get(d); e != nil {
		e.until.Store(0)
		e.facts.Store(facts)
		e.checked.Store(checked)
		e.until.Store(until)
		return
	}
	if t.live >= t.most {
		t.evict()
	}
	if (t.used+1)*4 > len(*t.slots.Load())*3 {
		t.rebuild()
	}
	e := &entry{digest: *d}
	e.facts.Store(facts)
	e.checked.Store(checked)
	e.until.Store(until)
	insert(*t.slots.Load(), e)
	t.live++
	t.used++
}

func insert(slots []atomic.Pointer[entry], e *entry) {
	i := home(&e.digest, len(slots))
	for slots[i].Load() != nil {
		i = (i + 1) & (len(slots) - 1)
	}
	slots[i].Store(e)
}

// rebuild drops what was removed and leaves the table at most half full.
func (t *table) rebuild() {
	old := *t.slots.Load()
	size := minSlots
	for size < 2*(t.live+1) {
		size *= 2
	}
	slots := make([]atomic.Pointer[entry], size)
	for i := range old {
		if e := old[i].Load(); e != nil && e != removed {
			insert(slots, e)
		}
	}
	t.slots.Store(&slots)
	t.used = t.live
}

func (t *table) remove(d *Digest) {
	slots := *t.slots.Load()
	for i := home(d, len(slots)); ; i = (i + 1) & (len(slots) - 1) {
		e := slots[i].Load()
		if e == nil {
			return
		}
		if e != removed && e.digest == *d {
			t.drop(slots, i)
			return
		}
	}
}

func (t *table) drop(slots []atomic.Pointer[entry], i int) {
	slots[i].Store(removed)
	t.live--
}

// evict drops the one of the next few entries that was loaded longest ago.
func (t *table) evict() {
	slots := *t.slots.Load()
	victim, oldest, seen := -1, int64(0), 0
	for range slots {
		t.hand = (t.hand + 1) & (len(slots) - 1)
		e := slots[t.hand].Load()
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
		t.drop(slots, victim)
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
