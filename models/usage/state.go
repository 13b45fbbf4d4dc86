package usage

import (
	"sync"
	"time"
)

// State is how far behind a Flusher is, for metrics and for those who watch replicas.
type State struct {
	Bytes   int64         // of counts that wait in the spool
	Waiting int           // batches that wait
	Aside   int           // batches that the database refuses, and that were set aside
	Dropped int64         // verifications that went uncounted since the start, for want of room
	Behind  time.Duration // age of the oldest count that is not known to be stored; 0 when there is none
}

// told is what State may read while a Flush waits for the database.
type told struct {
	mu      sync.Mutex
	dropped int64
	lost    int       // batches in memory that were given up
	since   time.Time // when all was stored last
	failing bool
}

// tell changes what is told.
func (t *told) tell(change func(*told)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(t)
}

// State tells it as of the last Flush. It waits for nothing.
func (f *Flusher) State() State {
	f.told.mu.Lock()
	defer f.told.mu.Unlock()
	s, now := State{Dropped: f.told.dropped, Aside: f.told.lost}, f.DB.Now()
	if f.told.failing && !f.told.since.IsZero() {
		s.Behind = now.Sub(f.told.since)
	}
	switch {
	case f.Spool != nil:
		held := f.Spool.Stats()
		s.Bytes, s.Waiting, s.Aside = held.Bytes, held.Waiting, s.Aside+held.Aside
		if !held.Oldest.IsZero() {
			s.Behind = max(s.Behind, now.Sub(held.Oldest))
		}
	case f.told.failing:
		s.Waiting = 1
	}
	return s
}

// Dropped is how many verifications went uncounted since the start, for want of room.
func (f *Flusher) Dropped() int64 { return f.State().Dropped }

// waiting is how many batches are known and not stored.
func (f *Flusher) waiting() int {
	if f.Spool != nil {
		return f.Spool.Stats().Waiting
	}
	if f.pending != nil {
		return 1
	}
	return 0
}
