package replica

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// HeartOptions say whose heart it is. DB, Name and Report are required.
type HeartOptions struct {
	DB       *db.DB
	Name     string
	Version  string
	EdgeAddr string
	Report   func(context.Context) Report
	// DatabaseClock tells the time by which ages are judged; nil: the database's own.
	DatabaseClock func(context.Context) (time.Time, error)
}

// Heart keeps the row of this process. Safe for concurrent use.
type Heart struct {
	HeartOptions
	boot  db.ID
	peers atomic.Int64

	mu      sync.Mutex
	started time.Time
	before  Report // at the last beat, for what is counted between two
}

// NewHeart returns a heart that has not beaten yet: until it has, this process counts as the only one.
func NewHeart(o HeartOptions) *Heart {
	if o.DatabaseClock == nil {
		o.DatabaseClock = databaseClock(o.DB)
	}
	h := &Heart{HeartOptions: o, boot: db.NewID()}
	h.peers.Store(1)
	return h
}

// BootID names this start of this process.
func (h *Heart) BootID() db.ID { return h.boot }

// Peers is how many processes live, this one among them, as of the last beat that reached the database: at least 1. While the database is
// away it stays what it was. It costs an atomic load.
func (h *Heart) Peers() int { return int(h.peers.Load()) }

// Beat renews the row of this process, forgets those of long ago and counts the living.
func (h *Heart) Beat(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := h.DB.MachineNow()
	now, err := h.DatabaseClock(ctx)
	if err != nil {
		return fmt.Errorf("replica: %w", err)
	}
	answered := h.DB.MachineNow()
	skew := asked.Add(answered.Sub(asked) / 2).Sub(now)
	if h.started.IsZero() {
		h.started = now
	}
	report := h.Report(ctx)
	var living int64
	err = h.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run(`INSERT INTO replicas (boot_id, name, version, edge_addr, started_at, seen_at, skew_ms, feed_seq, feed_ms, hint, redis, spooled, keys_held, lookups, reads)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (boot_id) DO UPDATE SET seen_at = excluded.seen_at, skew_ms = excluded.skew_ms, feed_seq = excluded.feed_seq,
			feed_ms = excluded.feed_ms, hint = excluded.hint, redis = excluded.redis, spooled = excluded.spooled, keys_held = excluded.keys_held, lookups = excluded.lookups, reads = excluded.reads`,
			h.boot, h.Name, h.Version, h.EdgeAddr, h.started, now, skew.Milliseconds(), report.FeedSeq, report.FeedAge.Milliseconds(),
			report.Hint, report.Redis, report.Spooled, report.KeysHeld, report.Lookups-h.before.Lookups, report.Reads-h.before.Reads)
		if err != nil {
			return err
		}
		if _, err := tx.Run("DELETE FROM replicas WHERE seen_at <= ?", now.Add(-Remembered)); err != nil {
			return err
		}
		return tx.Raw("SELECT COUNT(*) FROM replicas WHERE seen_at > ?", now.Add(-LivesFor)).Scan(&living).Error
	})
	if err != nil {
		return fmt.Errorf("replica: %w", err)
	}
	h.before = report
	h.peers.Store(max(1, living))
	return nil
}

// Leave removes the row: the process ends in order, and nobody need wonder where it went.
func (h *Heart) Leave(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM replicas WHERE boot_id = ?", h.boot)
		return err
	})
}

// beatTimeout bounds one beat, so that a database that hangs does not hold up the next.
const beatTimeout = 4 * time.Second

// First beats once, and waits for it no longer than for any beat. What fails Run tries again and tells.
func (h *Heart) First(ctx context.Context) {
	beat, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	_ = h.Beat(beat)
}

// Run beats until ctx ends, and then leaves.
func (h *Heart) Run(ctx context.Context) {
	tick := time.NewTicker(BeatEvery)
	defer tick.Stop()
	failing := false
	for {
		beat, cancel := context.WithTimeout(ctx, beatTimeout)
		err := h.Beat(beat)
		cancel()
		if ctx.Err() == nil && err != nil && !failing {
			slog.Warn("this process can’t say that it lives", "error", err)
		}
		failing = err != nil
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), beatTimeout)
		defer cancel()
		if err := h.Leave(last); err != nil {
			slog.Warn("the row of this process stays behind", "error", err)
		}
		return
	}
}
