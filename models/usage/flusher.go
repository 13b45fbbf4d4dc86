package usage

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/spool"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// FlushEvery is how often counts go to the database: two of it after a call the pages show it. Where a process alone counts so many series that writing them takes long, it
// is flushAtMost at the most, so that the writing takes a part in flushPart of the time. Without a spool counts that are younger than this
// are lost when the process is killed; with one, those that are younger are lost when the power goes.
const FlushEvery = time.Second

const (
	flushAtMost    = 5 * time.Second
	flushPart      = 20
	flushTimeout   = 30 * time.Second // of one batch
	refreshQuotas  = 5 * time.Second
	adoptEvery     = time.Minute
	mostKnown      = 200_000 // series whose ids are remembered
	farewell       = 15 * time.Second
	complainsEvery = 10 // failed flushes
	mostAtOnce     = 64 // batches of one Flush
	mostTries      = 5  // of a batch that the database refuses
)

// FlusherOptions say what is flushed where. All are required but Quotas, Spool, Boot, Log and Observe.
type FlusherOptions struct {
	DB       *db.DB
	Counters *keyring.Usage
	Quotas   *keyring.MonthlyQuotas // nil: there are none
	Spool    *spool.Spool           // where counts are until they are stored, its names of replica and boot those given here; nil: in memory
	Replica  string                 // names this process among its peers
	Boot     string                 // names this start of it; "": a random one
	Log      *slog.Logger           // nil: slog's default
	Observe  func(keyring.Batch)    // is shown each new batch, for metrics; nil: nobody looks
}

// Flusher moves what this process counted into the database, in batches, and what processes before it left in the spool. A batch carries the name of the replica, that of
// the start of it that counted and a number, which are written in the same transaction as its counts: when a commit's answer is lost and the batch is sent again, be it
// by another process, it counts once (REL-4). While the database is away batches wait in the spool, and beyond its bound the counters keep what they have room for, and
// say how much they dropped (REL-8).
type Flusher struct {
	FlusherOptions

	mu        sync.Mutex
	seq       int64 // of batches that were never in a spool
	pending   *pending
	failures  int
	known     map[what]int64
	noted     noted
	newest    newest
	refreshed time.Time
	adopted   time.Time
	crowded   int // times that nothing could be sealed
	seeded    bool
	closed    bool

	told told
}

// pending is a batch that is not known to be stored.
type pending struct {
	spool.Name
	keyring.Batch
	sealed *spool.Waiting // nil: it is in memory alone
	tries  int            // how often the database refused it
}

// NewFlusher returns a Flusher that has stored nothing yet. Counters count in its spool from now on.
func NewFlusher(o FlusherOptions) *Flusher {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Boot == "" {
		o.Boot = NewBoot()
	}
	if o.Spool != nil {
		o.Counters.Turn(o.Spool.Live())
	}
	return &Flusher{FlusherOptions: o, known: map[what]int64{}, noted: newNoted()}
}

// NewBoot names one start of a process as no other.
func NewBoot() string {
	var boot [12]byte
	_, _ = rand.Read(boot[:]) // never fails, says crypto/rand
	return hex.EncodeToString(boot[:])
}

// pause is how long to wait after a flush that took so long. Where several processes share quotas, each has to hear of the others' calls each second.
func (f *Flusher) pause(took time.Duration) time.Duration {
	if f.Quotas != nil && f.Quotas.Shared() || f.waits() {
		return FlushEvery
	}
	return min(max(FlushEvery, flushPart*took), flushAtMost)
}

// waits reports whether something waits to be tried again.
func (f *Flusher) waits() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pending != nil
}

// Run flushes each second until ctx ends, and then once more, however long it takes up to 15 s: stop what counts before.
func (f *Flusher) Run(ctx context.Context) {
	for {
		began := f.DB.Now()
		_ = f.Flush(ctx) // it has said what went wrong
		pause := time.NewTimer(f.pause(f.DB.Now().Sub(began)))
		select {
		case <-pause.C:
			continue
		case <-ctx.Done():
			pause.Stop()
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		_ = f.Flush(last)
		return
	}
}

// Flush stores what waits and what was counted since, in batches. An error means that a batch is kept and tried
// again by the next Flush, under the same name.
func (f *Flusher) Flush(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.notice()
	var stored []keyring.Stored
	for range mostAtOnce {
		if f.pending == nil && !f.next() {
			break
		}
		var err error
		if stored, err = f.flush(ctx); err != nil {
			f.hold()
			return f.failed(err)
		}
	}
	if f.pending == nil && f.waiting() == 0 {
		if err := f.settled(ctx, stored); err != nil {
			return f.failed(err)
		}
	}
	if f.failures > 0 {
		f.Log.Info("usage is stored again", "failures", f.failures)
	}
	f.failures = 0
	f.told.tell(func(t *told) { t.failing = false })
	return nil
}

// flush stores the pending batch.
func (f *Flusher) flush(ctx context.Context) (stored []keyring.Stored, err error) {
	defer func() {
		if cause := recover(); cause != nil { // counting must not take verification down with it (REL-14)
			err = f.refused(fmt.Errorf("panic: %v", cause))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if stored, err = f.store(ctx, f.pending); err == nil {
		return stored, f.done()
	}
	if poisoned(err) {
		err = f.refused(err)
	}
	return nil, err
}

// done forgets the pending batch, which is stored.
func (f *Flusher) done() error {
	sealed := f.pending.sealed
	f.pending = nil
	if sealed == nil {
		return nil
	}
	return f.Spool.Done(sealed)
}

// settled takes in what quotas stand at, now that no charge of ours is in between.
func (f *Flusher) settled(ctx context.Context, stored []keyring.Stored) error {
	now := f.DB.Now()
	f.told.tell(func(t *told) { t.since = now })
	f.rebase(stored)
	return f.refresh(ctx)
}

// notice does what has to be done whether the database is there or not.
func (f *Flusher) notice() {
	if n := f.Counters.Dropped(); n > 0 {
		f.told.tell(func(t *told) { t.dropped += n })
		f.Log.Warn("verifications were not counted: no room", "calls", n)
	}
	if now := f.DB.Now(); f.Spool != nil && now.Sub(f.adopted) >= adoptEvery {
		if err := f.Spool.Adopt(); err != nil {
			f.Log.Warn("what other processes left in the spool is not seen", "error", err)
		}
		f.adopted = now
	}
}

// next makes the next batch the pending one; false when there is nothing.
func (f *Flusher) next() bool {
	if f.Spool == nil {
		f.seq++
		p := &pending{Name: spool.Name{Replica: f.Replica, Boot: f.Boot, Seq: f.seq}, Batch: f.Counters.Drain()}
		f.drained(p.Batch)
		if len(p.Counts) > 0 {
			f.pending = p
		}
		return f.pending != nil
	}
	for f.pending == nil {
		if f.Spool.Head() == nil && (f.Spool.Live().Empty() || !f.seal()) {
			return false
		}
		f.load(f.Spool.Head())
	}
	return true
}

// drained notes that counters were emptied: charges go with the counts that they are of, so the quotas' own list of them begins anew.
func (f *Flusher) drained(b keyring.Batch) {
	if f.Quotas != nil {
		f.Quotas.Drain(f.DB.Now())
	}
	if f.Observe != nil {
		f.Observe(b)
	}
}

// seal ends the live segment, so that it can be stored; false when there is no room for another.
func (f *Flusher) seal() bool {
	next, err := f.Spool.Seal()
	if err != nil {
		if f.crowded%complainsEvery == 0 {
			f.Log.Warn("the usage spool has no room for more", "error", err)
		}
		f.crowded++
		return false
	}
	f.crowded = 0
	f.drained(f.Counters.Turn(next))
	f.sync()
	return true
}

func (f *Flusher) sync() {
	if err := f.Spool.Sync(); err != nil {
		f.Log.Warn("counts are not on the disk yet", "error", err)
	}
}

// sealAt is which part of a live segment may be full before it is sealed while others still wait: what comes within a second has to find room.
const sealAt = 4

// hold keeps what is counted while a batch can't be stored.
func (f *Flusher) hold() {
	if f.Spool == nil {
		return
	}
	if live := f.Spool.Live(); live.Used() > live.Size()/sealAt {
		f.seal()
	}
	f.sync()
}

// load reads a segment that waits. What can't be read, or is so old that the names of batches may be forgotten, is set aside.
func (f *Flusher) load(w *spool.Waiting) {
	var reader keyring.Reader
	torn, err := f.Spool.Read(w, reader.Take)
	p := &pending{Name: w.Name, Batch: reader.Batch(), sealed: w}
	if torn > 0 {
		f.Log.Warn("the end of a segment of the usage spool is torn, as after a power cut", "bytes", torn, "replica", w.Replica)
	}
	switch {
	case err != nil:
		f.putAside(p, err)
	case f.DB.Now().Sub(w.Opened) > keepBatches:
		f.putAside(p, errors.New("it is too old to tell whether it was counted"))
	case len(p.Counts) == 0:
		if err := f.Spool.Done(w); err != nil {
			f.Log.Warn("an empty segment stays", "error", err)
		}
	default:
		f.pending = p
	}
}

func (f *Flusher) failed(err error) error {
	if errors.Is(err, context.Canceled) { // whoever stops us flushes once more
		return err
	}
	if f.failures%complainsEvery == 0 {
		level := slog.LevelError
		if errors.Is(err, db.ErrReadOnly) { // it was to be expected, and nothing is to be done
			level = slog.LevelWarn
		}
		f.Log.Log(context.Background(), level, "usage is not stored and waits", "failures", f.failures+1, "error", err)
	}
	f.failures++
	f.told.tell(func(t *told) { t.failing = true })
	return err
}

// Close has counts kept in memory from now on, and gives the spool back: what is in it waits for the next process. Nothing may be verified any more.
func (f *Flusher) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Spool == nil || f.closed {
		return nil
	}
	f.closed = true
	f.Counters.Turn(nil)
	return f.Spool.Close()
}
