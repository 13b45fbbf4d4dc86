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

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// FlushEvery is how often counts go to the database: at the latest after this long they can be lost by a crash, and two of it after a
// call the pages show it.
const FlushEvery = time.Second

const (
	flushTimeout   = 10 * time.Second
	refreshQuotas  = 5 * time.Second
	mostKnown      = 200_000 // series whose ids are remembered
	farewell       = 15 * time.Second
	complainsEvery = 10 // failed flushes
)

// FlusherOptions say what is flushed where. All are required but Quotas and Log.
type FlusherOptions struct {
	DB       *db.DB
	Counters *keyring.Usage
	Quotas   *keyring.MonthlyQuotas // nil: there are none
	Replica  string                 // names this process among its peers
	Log      *slog.Logger           // nil: slog's default
	Observe  func(keyring.Batch)    // is shown each new batch, for metrics; nil: nobody looks
}

// Flusher moves what this process counted into the database, in batches. A batch carries the name of the replica, that of this start of
// it and a number, which are written in the same transaction as its counts: when a commit's answer is lost and the batch is sent again, it
// counts once (REL-4). While the database is away the counters keep what they have room for, and say how much they dropped.
type Flusher struct {
	FlusherOptions
	boot string

	mu        sync.Mutex
	seq       int64
	pending   *pending
	failures  int
	known     map[what]int64
	refreshed time.Time
	dropped   int64
	seeded    bool
}

// pending is a batch that is not known to be stored.
type pending struct {
	keyring.Batch
	charges []keyring.Charge
	seq     int64
}

// NewFlusher returns a Flusher that has counted nothing yet.
func NewFlusher(o FlusherOptions) *Flusher {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	var boot [12]byte
	_, _ = rand.Read(boot[:]) // never fails, says crypto/rand
	return &Flusher{FlusherOptions: o, boot: hex.EncodeToString(boot[:]), known: map[what]int64{}}
}

// Run flushes each second until ctx ends, and then once more, however long it takes up to 15 s: stop what counts before.
func (f *Flusher) Run(ctx context.Context) {
	tick := time.NewTicker(FlushEvery)
	defer tick.Stop()
	for {
		_ = f.Flush(ctx) // it has said what went wrong
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if err := f.Flush(last); err == nil {
			_ = f.Flush(last) // what came in behind a batch that had waited
		}
		return
	}
}

// Dropped is how many verifications went uncounted since the start, for want of room while the database was away.
func (f *Flusher) Dropped() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dropped
}

// Flush stores one batch: the one that failed before, or else what was counted since. An error means that the batch is kept and tried
// again by the next Flush, under the same name.
func (f *Flusher) Flush(ctx context.Context) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() {
		if cause := recover(); cause != nil { // counting must not take verification down with it (REL-14)
			err = f.failed(fmt.Errorf("panic: %v", cause))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if f.pending == nil && !f.drain() {
		return f.settled(ctx, nil)
	}
	stored, err := f.store(ctx, f.pending)
	if poisoned(err) {
		f.Log.Error("a batch of usage can't be stored and is set aside", "calls", calls(f.pending.Batch), "error", err)
		f.dropped += calls(f.pending.Batch)
		f.pending = nil
		return nil
	}
	if err != nil {
		return f.failed(err)
	}
	f.pending = nil
	return f.settled(ctx, stored)
}

// settled takes in what quotas stand at, now that no charge of ours is in between.
func (f *Flusher) settled(ctx context.Context, stored []keyring.Stored) error {
	f.rebase(stored)
	if err := f.refresh(ctx); err != nil {
		return f.failed(err)
	}
	if f.failures > 0 {
		f.Log.Info("usage is stored again", "failures", f.failures)
	}
	f.failures = 0
	return nil
}

// drain takes the next batch from the counters; false when there is nothing.
func (f *Flusher) drain() bool {
	next := pending{Batch: f.Counters.Drain()}
	if f.Quotas != nil {
		next.charges = f.Quotas.Drain(f.DB.Now())
	}
	if next.Dropped > 0 {
		f.dropped += next.Dropped
		f.Log.Warn("verifications were not counted: no room", "calls", next.Dropped)
	}
	if f.Observe != nil {
		f.Observe(next.Batch)
	}
	if len(next.Counts) == 0 && len(next.charges) == 0 {
		return false
	}
	f.seq++
	next.seq = f.seq
	f.pending = &next
	return true
}

func (f *Flusher) failed(err error) error {
	if errors.Is(err, context.Canceled) { // whoever stops us flushes once more
		return err
	}
	if f.failures%complainsEvery == 0 {
		f.Log.Error("usage is not stored and waits", "failures", f.failures+1, "error", err)
	}
	f.failures++
	return err
}

// poisoned reports whether the batch itself is what the database refuses, so that it must not hold up the ones after it (REL-20).
func poisoned(err error) bool {
	return errors.Is(err, gorm.ErrForeignKeyViolated) || errors.Is(err, gorm.ErrCheckConstraintViolated)
}

func calls(b keyring.Batch) int64 {
	var n int64
	for _, c := range b.Counts {
		n += c
	}
	return n
}
