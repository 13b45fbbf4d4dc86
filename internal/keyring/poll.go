package keyring

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Poll reads the change feed once and applies what it finds. A Ring is only as
// current as its last good Poll; call it every 250 ms (Run does). After a silence
// of more than StaleMax, or one of which the clock can't tell, nothing that was known before is believed: rows of that
// time may have been swept, and whoever cut us off may have cut off more. It fails
// with what the Loader failed with.
func (r *Ring) Poll(ctx context.Context) error {
	r.pollMu.Lock()
	defer r.pollMu.Unlock()
	began := r.options.now().UnixNano()
	changes, seq, err := r.loader.Changes(ctx, r.feed.Load())
	if err != nil {
		return fmt.Errorf("keyring: poll: %w", err)
	}
	if last := r.polled.Load(); last != 0 && apart(began, last) > int64(r.options.StaleMax) {
		changes = append(changes, Change{Kind: KindAll})
	}
	r.Apply(changes...)
	r.feed.Store(seq)
	r.polled.Store(began)
	return nil
}

func (o *Options) now() time.Time {
	if o.Now != nil {
		return o.Now()
	}
	return time.Now()
}

// PollInterval is how often Run polls, whatever else it is told.
const PollInterval = 250 * time.Millisecond

// hintRest is the least time between the end of a poll and one that a hint asks
// for: a burst of hints, whoever sends them, costs at most a hundred polls a second.
const hintRest = 10 * time.Millisecond

// Hint has Run poll soon, because there may be something new. It carries nothing
// and is believed in nothing; any number of hints
// that nobody has followed yet are one. It never blocks.
func (r *Ring) Hint() {
	select {
	case r.hints <- struct{}{}:
	default: // one waits already
	}
}

// Run polls every PollInterval, and sooner at a Hint, until ctx ends. Each time
// that polling begins to fail or works again it calls report, with the error or
// nil; report may be nil.
func (r *Ring) Run(ctx context.Context, report func(error)) {
	tick := time.NewTicker(PollInterval)
	defer tick.Stop()
	good := make(chan struct{}, 1)
	var reading sync.WaitGroup
	reading.Go(func() { r.readForms(ctx, good) })
	defer reading.Wait()
	failing := false
	for {
		poll, cancel := context.WithTimeout(ctx, r.options.LoadTimeout)
		err := r.Poll(poll)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if report != nil && (err != nil) != failing {
			report(err)
		}
		failing = err != nil
		if !failing {
			select {
			case good <- struct{}{}:
			default: // it reads still
			}
		}
		if !r.rest(ctx, tick.C) {
			return
		}
	}
}

// readForms reads the forms of imported keys after each good poll, so that a process that nobody calls with such a key hides its text, too. It holds up no poll:
// a revocation does not wait for a slow load. What fails here fails again where it is needed.
func (r *Ring) readForms(ctx context.Context, good <-chan struct{}) {
	for {
		select {
		case <-good:
			_, _ = r.Forms(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// rest waits for the next tick or hint. It is false when ctx ended.
func (r *Ring) rest(ctx context.Context, tick <-chan time.Time) bool {
	pause := time.NewTimer(hintRest)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-tick:
		return true
	case <-ctx.Done():
		return false
	}
	select {
	case <-r.hints:
	case <-tick:
	case <-ctx.Done():
		return false
	}
	return true
}

// Position is the number of the change up to which the feed was read; negative
// before the first Poll.
func (r *Ring) Position() int64 { return r.feed.Load() }

const countShards = 64

// countShard counts on a cache line of its own.
type countShard struct {
	lookups, misses atomic.Uint64
	_               [48]byte
}

// Stats is what a Ring has been asked since it was made.
type Stats struct {
	Lookups uint64 // answered or not
	Misses  uint64 // of them, those that had to wait for the database
}

// Stats adds up what was counted.
func (r *Ring) Stats() (s Stats) {
	for i := range r.counts {
		s.Lookups += r.counts[i].lookups.Load()
		s.Misses += r.counts[i].misses.Load()
	}
	return s
}
