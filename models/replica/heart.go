package replica

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// HeartOptions say whose heart it is. DB, Name and Report are required.
type HeartOptions struct {
	DB       *db.DB
	Name     string // host/pid where it is told, so that who ended on this machine is known to have
	Version  string
	EdgeAddr string
	Report   func(context.Context) Report
	// Grown is called when there are more processes than this one knew of: once it divides limits by their number, and before it says so. What it counted as one of
	// fewer is to be stored then. It may be nil.
	Grown func(context.Context)
	// Serving is a file whose lock says that a process serves the database, where all that do are on this machine: who finds it free is the only one, whatever rows
	// a process that was killed left behind. "": there is none.
	Serving string
	// DatabaseClock tells the time by which ages are judged; nil: the database's own.
	DatabaseClock func(context.Context) (time.Time, error)
}

// Heart keeps the row of this process. Safe for concurrent use.
type Heart struct {
	HeartOptions
	boot  db.ID
	peers atomic.Int64
	leads atomic.Int64 // until when this process leads, in nanoseconds by the clock of DB; 0: it doesn't

	mu      sync.Mutex
	started time.Time
	joined  time.Time // when the row of this process was there for others to see
	before  Report    // at the last beat, for what is counted between two
	serving *os.File
	ended   []db.ID // processes whose rows are there, and that are not
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

// leadsFor is for how long after a beat a process leads, if it does: less than LivesFor, so that one which the database can't hear has ceased to before another
// begins.
const leadsFor = LivesFor - BeatEvery

// Leads reports whether this process is the one of those that live that began first, as of a beat that reached the database within 10 s before now, which is told by
// the clock of DB. At most one does, and for some seconds after it died none. It costs an atomic load.
func (h *Heart) Leads(now time.Time) bool { return now.UnixNano() < h.leads.Load() }

// lead notes whether this process leads, as of the time given.
func (h *Heart) lead(began time.Time, others []other) {
	before := func(o other) bool {
		return cmp.Or(o.StartedAt.Compare(h.started), bytes.Compare(o.BootID[:], h.boot[:])) < 0
	}
	if slices.ContainsFunc(others, before) {
		h.leads.Store(0)
		return
	}
	h.leads.Store(began.Add(leadsFor).UnixNano())
}

// Beat counts the living, renews the row of this process and forgets those of long ago. In that order: a row says that its process knows of all that had theirs by
// then (see Heard).
func (h *Heart) Beat(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.beat(ctx); err != nil {
		return fmt.Errorf("replica: %w", err)
	}
	return nil
}

func (h *Heart) beat(ctx context.Context) error {
	if err := h.serve(ctx); err != nil {
		return err
	}
	began, asked := h.DB.Now(), h.DB.MachineNow()
	now, err := h.DatabaseClock(ctx)
	if err != nil {
		return err
	}
	answered := h.DB.MachineNow()
	skew := asked.Add(answered.Sub(asked) / 2).Sub(now)
	if h.started.IsZero() {
		h.started = now
	}
	others, err := h.others(ctx, now)
	if err != nil {
		return err
	}
	h.lead(began, others)
	living := int64(len(others) + 1)
	if grown := h.peers.Swap(living) < living; grown && h.Grown != nil {
		h.Grown(ctx)
	}
	report := h.Report(ctx)
	if err := h.renew(ctx, now, skew, report); err != nil {
		return err
	}
	h.before = report
	if h.joined.IsZero() {
		h.joined, err = h.DatabaseClock(ctx)
	}
	return err
}

// other is a row of another process.
type other struct {
	BootID            db.ID
	Name              string
	StartedAt, SeenAt time.Time
}

// others are the processes that live beside this one.
func (h *Heart) others(ctx context.Context, now time.Time) (all []other, err error) {
	err = h.DB.Read(ctx).Raw("SELECT boot_id, name, started_at, seen_at FROM replicas WHERE seen_at > ? AND boot_id <> ?", now.Add(-LivesFor), h.boot).Scan(&all).Error
	return slices.DeleteFunc(all, func(o other) bool { return slices.Contains(h.ended, o.BootID) }), err
}

func (h *Heart) renew(ctx context.Context, now time.Time, skew time.Duration, report Report) error {
	return h.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run(`INSERT INTO replicas (boot_id, name, version, edge_addr, started_at, seen_at, skew_ms, feed_seq, feed_ms, hint, redis, spooled, keys_held, lookups, reads)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (boot_id) DO UPDATE SET seen_at = excluded.seen_at, skew_ms = excluded.skew_ms, feed_seq = excluded.feed_seq,
			feed_ms = excluded.feed_ms, hint = excluded.hint, redis = excluded.redis, spooled = excluded.spooled, keys_held = excluded.keys_held, lookups = excluded.lookups, reads = excluded.reads`,
			h.boot, h.Name, h.Version, h.EdgeAddr, h.started, now, skew.Milliseconds(), report.FeedSeq, report.FeedAge.Milliseconds(),
			report.Hint, report.Redis, report.Spooled, report.KeysHeld, report.Lookups-h.before.Lookups, report.Reads-h.before.Reads)
		if err != nil {
			return err
		}
		if len(h.ended) > 0 { // of a process that was killed, or that came along in a backup: it is known not to live, and is not silent
			if _, err := tx.Run("DELETE FROM replicas WHERE boot_id IN ?", h.ended); err != nil {
				return err
			}
		}
		_, err = tx.Run("DELETE FROM replicas WHERE seen_at <= ?", now.Add(-Remembered))
		return err
	})
}

// Leave removes the row: the process ends in order, and nobody need wonder where it went.
func (h *Heart) Leave(ctx context.Context) error {
	h.leads.Store(0)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.serving != nil {
		_ = h.serving.Close() // it was only locked
		h.serving = nil
	}
	return h.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM replicas WHERE boot_id = ?", h.boot)
		return err
	})
}

// beatTimeout bounds one beat, so that a database that hangs does not hold up the next.
const beatTimeout = 4 * time.Second

// Run beats until ctx ends, and then leaves. In between it looks whether somebody joined, so that they need not wait long to be known.
func (h *Heart) Run(ctx context.Context) {
	tick := time.NewTicker(BeatEvery)
	defer tick.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	failing, due := false, true
	for {
		if due {
			beat, cancel := context.WithTimeout(ctx, beatTimeout)
			err := h.Beat(beat)
			cancel()
			if ctx.Err() == nil && err != nil && !failing {
				slog.Warn("this process can’t say that it lives", "error", err)
			}
			failing = err != nil
		}
		select {
		case <-tick.C:
			due = true
			continue
		case <-look.C:
			due = h.somebodyJoined(ctx)
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
