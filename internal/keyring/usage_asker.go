package keyring

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

// askers are the keys that ask about others, with when each was last used: their own calls are not counted, but whoever renews a gateway's key must see
// which of two is still in use. It is noted once a minute, in memory: a process that is killed loses a minute of it.
type askers struct {
	// seen spares most calls the lock: the last asker of each slot that was noted, and the minute.
	seen [64]atomic.Pointer[asking]

	mu   sync.Mutex
	last map[ScopeUse]time.Time
}

type asking struct {
	facts  *Facts
	minute int64
}

// mostAskers bounds the keys that are noted between two Drains.
const mostAskers = 10_000

// Asked notes that the key of facts was used to ask, by that scope of api. It allocates once a minute for each key.
func (u *Usage) Asked(now time.Time, facts *Facts, api *API, scope string) {
	minute := now.Unix() / 60
	slot := &u.askers.seen[binary.LittleEndian.Uint64(facts.ID[8:])%uint64(len(u.askers.seen))]
	if s := slot.Load(); s != nil && s.facts == facts && s.minute == minute {
		return
	}
	slot.Store(&asking{facts, minute})
	u.askers.mu.Lock()
	defer u.askers.mu.Unlock()
	use := ScopeUse{Key: facts.ID, API: api.ID, Scope: scope}
	if _, known := u.askers.last[use]; !known && len(u.askers.last) >= mostAskers {
		return
	}
	if u.askers.last == nil {
		u.askers.last = map[ScopeUse]time.Time{}
	}
	u.askers.last[use] = now.UTC()
}

// take adds what was noted to b. While b is empty it is left for the next one, since an empty batch is not stored.
func (a *askers) take(b *Batch) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if b.Empty() {
		return
	}
	for use, at := range a.last {
		later(b.Keys, use.Key, at)
		later(b.Scopes, use, at)
	}
	a.last = nil
}
