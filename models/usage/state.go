package usage

import "time"

// State is how far behind a Flusher is, for metrics and for those who watch replicas.
type State struct {
	Bytes   int64         // of counts that wait in the spool
	Waiting int           // batches that wait
	Aside   int           // batches that the database refuses, and that were set aside
	Dropped int64         // verifications that went uncounted since the start, for want of room
	Behind  time.Duration // age of the oldest count that is not known to be stored; 0 when there is none
}

// State tells it as of the last Flush, but for the spool, which it asks.
func (f *Flusher) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := State{Dropped: f.dropped, Aside: f.aside, Waiting: f.waiting()}
	now := f.DB.Now()
	if f.failures > 0 && !f.since.IsZero() {
		s.Behind = now.Sub(f.since)
	}
	if f.Spool != nil {
		held := f.Spool.Stats()
		s.Bytes, s.Aside = held.Bytes, s.Aside+held.Aside
		if !held.Oldest.IsZero() {
			s.Behind = max(s.Behind, now.Sub(held.Oldest))
		}
	}
	return s
}

// Dropped is how many verifications went uncounted since the start, for want of room.
func (f *Flusher) Dropped() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dropped
}

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
