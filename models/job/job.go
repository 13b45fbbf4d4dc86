// Package job runs work that must survive a restart and be done by one replica: rows with a lease. A job is queued in the transaction
// that causes it; a worker leases it, runs it, and finishes it. While it runs, its lease is renewed each Beat; when its process dies, the lease
// runs out and another replica takes over, so a job may run twice and must bear it.
package job

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// How long a worker holds a job.
const (
	Lease   = 20 * time.Second // from the last renewal: so long a job waits after its process was killed
	Beat    = 5 * time.Second  // between renewals
	Longest = 2 * time.Minute  // a job must end within it: then it is told to stop, and its lease is not renewed any more
)

// MaxAttempts is after how many failures a job is set aside (REL-20).
const MaxAttempts = 8

// Queue adds a job, to run at or after runAt. once, when not empty, makes it the only one of that name for ever: adding it again does nothing.
func Queue(tx *db.Tx, kind, once string, payload any, runAt time.Time) error {
	b, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("job %s: %w", kind, err)
	}
	var name *string
	if once != "" {
		name = &once
	}
	_, err = tx.Run("INSERT INTO jobs (id, kind, once, payload, run_at, created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (once) WHERE once IS NOT NULL DO NOTHING",
		db.NewID(), kind, name, string(b), runAt, tx.Now)
	return err
}

// Func does one job. An error puts it back with a growing pause.
type Func func(ctx context.Context, payload json.RawMessage) error

// Worker leases and runs jobs. Make it with NewWorker, give it its kinds, then Run.
type Worker struct {
	db      *db.DB
	replica string
	kinds   map[string]Func
	urgent  []string // kinds
	every   []periodic
	beats   func() (beats <-chan time.Time, stop func())
}

type periodic struct {
	kind   string
	period time.Duration
}

// NewWorker makes a worker; replica names this process among its peers.
func NewWorker(d *db.DB, replica string) *Worker {
	return &Worker{db: d, replica: replica, kinds: map[string]Func{}, beats: ticking}
}

func ticking() (<-chan time.Time, func()) {
	t := time.NewTicker(Beat)
	return t.C, t.Stop
}

// Handle says how jobs of a kind are done. Call it before Run.
func (w *Worker) Handle(kind string, fn Func) { w.kinds[kind] = fn }

// HandleUrgent is Handle for what stops keys: its jobs are taken up and finished on a full disk, too (REL-8). What fn itself writes is db.Urgent where fn says so.
func (w *Worker) HandleUrgent(kind string, fn Func) {
	w.Handle(kind, fn)
	w.urgent = append(w.urgent, kind)
}

// EveryUrgent is Every for what stops keys, as HandleUrgent.
func (w *Worker) EveryUrgent(kind string, period time.Duration, fn func(ctx context.Context) error) {
	w.Every(kind, period, fn)
	w.urgent = append(w.urgent, kind)
}

// weigh has what is written about a job of a kind written on a full disk where the kind is urgent.
func (w *Worker) weigh(ctx context.Context, kind string) context.Context {
	if slices.Contains(w.urgent, kind) {
		return db.Urgent(ctx)
	}
	return ctx
}

// Every does fn once each period, counted from the epoch, on one replica. Call it before Run.
func (w *Worker) Every(kind string, period time.Duration, fn func(ctx context.Context) error) {
	w.kinds[kind] = func(ctx context.Context, _ json.RawMessage) error { return fn(ctx) }
	w.every = append(w.every, periodic{kind, period})
}

// Run works until ctx ends, looking for due jobs each second. What a killed process was at goes on when its lease has run out, within Lease: on SQLite
// too, since while one process hands over to the next both are alive.
func (w *Worker) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	said := ""
	for {
		said = w.complain(ctx, w.Step(ctx), said)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// complain logs what hinders all jobs, once for as long as it stays the same, and returns it; said is what hindered them before.
func (w *Worker) complain(ctx context.Context, err error, said string) string {
	if err == nil || ctx.Err() != nil {
		return ""
	}
	if err.Error() != said {
		slog.Error("no job is done; it is tried again each second", "error", err)
	}
	return err.Error()
}

// Step queues what is due by period and runs every due job once; on a full disk those of urgent kinds, and then it fails for the rest. Tests call it instead of Run.
func (w *Worker) Step(ctx context.Context) error {
	hindered := w.queuePeriodic(ctx)
	if hindered != nil && !db.Full(hindered) {
		return hindered
	}
	kinds := slices.Collect(maps.Keys(w.kinds))
	for {
		if hindered != nil {
			kinds = w.urgent
		}
		j, ok, err := w.lease(ctx, kinds)
		if db.Full(err) && hindered == nil {
			hindered = err
			continue
		}
		if err != nil || !ok {
			return errors.Join(err, hindered)
		}
		if err := w.finish(ctx, j, w.perform(ctx, j)); err != nil {
			return err
		}
	}
}

// queuePeriodic queues what is due by period. On a full disk it goes on to the urgent kinds, and fails in the end.
func (w *Worker) queuePeriodic(ctx context.Context) error {
	now := w.db.Now()
	var hindered error
	for _, p := range w.every {
		once := fmt.Sprintf("%s/%d", p.kind, now.Truncate(p.period).Unix())
		var n int64
		if err := w.db.Read(ctx).Raw("SELECT COUNT(*) FROM jobs WHERE once = ?", once).Scan(&n).Error; err != nil || n > 0 {
			if err != nil {
				return err
			}
			continue
		}
		err := w.db.Tx(w.weigh(ctx, p.kind), func(tx *db.Tx) error { return Queue(tx, p.kind, once, nil, tx.Now) })
		if err != nil && !db.Full(err) {
			return err
		}
		hindered = cmp.Or(hindered, err)
	}
	return hindered
}

type leased struct {
	ID       db.ID
	Kind     string
	Payload  string
	Attempts int
}

// lease takes the next due job of some kinds; where all of them are urgent, on a full disk, too.
func (w *Worker) lease(ctx context.Context, kinds []string) (leased, bool, error) {
	if len(kinds) == 0 {
		return leased{}, false, nil
	}
	if !slices.ContainsFunc(kinds, func(k string) bool { return !slices.Contains(w.urgent, k) }) {
		ctx = db.Urgent(ctx)
	}
	due := `SELECT id FROM jobs WHERE finished_at IS NULL AND failed_at IS NULL AND run_at <= ? AND kind IN ?
		AND (leased_until IS NULL OR leased_until <= ?) ORDER BY run_at LIMIT 1`
	now := w.db.Now()
	if w.db.Dialect == db.SQLite { // spare the one writer when there is nothing to do
		var ids []db.ID
		if err := w.db.Read(ctx).Raw(due, now, kinds, now).Scan(&ids).Error; err != nil || len(ids) == 0 {
			return leased{}, false, err
		}
	} else {
		due += " FOR UPDATE SKIP LOCKED"
	}
	var rows []leased
	err := w.db.Tx(ctx, func(tx *db.Tx) error {
		rows = nil
		return tx.Raw("UPDATE jobs SET leased_by = ?, leased_until = ?, attempts = attempts + 1 WHERE id = ("+due+") RETURNING id, kind, payload, attempts",
			w.replica, now.Add(Lease), now, kinds, now).Scan(&rows).Error
	})
	if err != nil || len(rows) == 0 {
		return leased{}, false, err
	}
	return rows[0], true, nil
}

func (w *Worker) perform(ctx context.Context, j leased) (err error) {
	ctx, cancel := context.WithTimeout(ctx, Longest)
	over := make(chan struct{})
	go func() {
		defer close(over)
		w.hold(ctx, cancel, j)
	}()
	defer func() {
		cancel()
		<-over
	}()
	defer func() {
		if p := recover(); p != nil { // one bad job must not stop the others (REL-14)
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return w.kinds[j.Kind](ctx, json.RawMessage(j.Payload))
}

// misses is after how many renewals that failed in a row the lease is as good as over.
const misses = int(Lease/Beat) - 1

// hold renews the lease of a running job until ctx ends. A job is told to stop when another replica took it over, because this process stood still, and before
// one can, because the database is away.
func (w *Worker) hold(ctx context.Context, lost context.CancelFunc, j leased) {
	beats, stop := w.beats()
	defer stop()
	for missed := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-beats:
		}
		held, err := w.renew(ctx, j)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			missed++
			slog.Warn("the lease of a job was not renewed", "kind", j.Kind, "error", err)
			if missed >= misses && w.db.Dialect == db.Postgres { // in SQLite the job's own transaction may be what the renewal waits for, as all others do
				lost()
			}
		case !held:
			slog.Warn("another replica took a job over", "kind", j.Kind)
			lost()
		default:
			missed = 0
		}
	}
}

func (w *Worker) renew(ctx context.Context, j leased) (held bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, Beat)
	defer cancel()
	err = w.db.Tx(w.weigh(ctx, j.Kind), func(tx *db.Tx) error {
		n, err := tx.Run("UPDATE jobs SET leased_until = ? WHERE id = ? AND leased_by = ? AND attempts = ? AND finished_at IS NULL", tx.Now.Add(Lease), j.ID, w.replica, j.Attempts)
		held = n > 0
		return err
	})
	return held, err
}

func (w *Worker) finish(ctx context.Context, j leased, result error) error {
	return w.db.Tx(w.weigh(context.WithoutCancel(ctx), j.Kind), func(tx *db.Tx) error {
		switch {
		case result == nil:
			_, err := tx.Run("UPDATE jobs SET finished_at = ?, leased_until = NULL, last_error = '', payload = '{}' WHERE id = ? AND leased_by = ? AND attempts = ?", tx.Now, j.ID, w.replica, j.Attempts)
			return err
		case j.Attempts >= MaxAttempts:
			slog.Error("job set aside", "kind", j.Kind, "job", j.ID.String(), "error", result)
			_, err := tx.Run("UPDATE jobs SET failed_at = ?, leased_until = NULL, last_error = ? WHERE id = ? AND leased_by = ? AND attempts = ?", tx.Now, result.Error(), j.ID, w.replica, j.Attempts)
			return err
		}
		slog.Warn("job failed", "kind", j.Kind, "attempt", j.Attempts, "error", result)
		_, err := tx.Run("UPDATE jobs SET run_at = ?, leased_until = NULL, last_error = ? WHERE id = ? AND leased_by = ? AND attempts = ?", tx.Now.Add(Backoff(j.Attempts)), result.Error(), j.ID, w.replica, j.Attempts)
		return err
	})
}

// Backoff is the pause after the n-th failed attempt: 10 s, 30 s, 90 s … at most an hour.
func Backoff(n int) time.Duration {
	d := 10 * time.Second
	for i := 1; i < n && d < time.Hour; i++ {
		d *= 3
	}
	return min(d, time.Hour)
}

// Sweep deletes finished jobs older than keep.
func Sweep(ctx context.Context, d *db.DB, keep time.Duration) error {
	return d.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM jobs WHERE finished_at < ?", tx.Now.Add(-keep))
		return err
	})
}
