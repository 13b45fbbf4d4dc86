package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-dev/gatehouse/handlers/edge"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/telemetry"
	"github.com/gatehouse-dev/gatehouse/models/account/download"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/index"
	"github.com/gatehouse-dev/gatehouse/models/job"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/bulk"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/privacy"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/quota"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// engine is what runs beside the pages: the edge with its picture of keys, the counters, jobs and mail.
type engine struct {
	ring    *keyring.Ring
	edge    *edge.Edge
	flusher *usage.Flusher
	worker  *job.Worker
	refused *refusal.Recorder
	sender  *outbox.Sender // nil without an SMTP server
	redis   *redis.Client  // nil without Redis
	fresh   func() bool
	loader  *key.Loader
	metrics *metrics
	traces  *telemetry.Traces // nil where nobody collects them
	queues  *queues
	fleet   fleet
	whole   bool // all living keys are read at the start
}

// Sizes of what is kept in memory.
const (
	limitBuckets = 1 << 16
	usageRows    = 1 << 17
	warmKeys     = 100_000
)

func newEngine(ctx context.Context, o Options, s Stores) (engine, error) {
	e := engine{loader: s.Key.Loader()}
	e.ring = newRing(o, e.loader)
	o.DB.OnCommit(func(changes []db.Change) { e.ring.Apply(key.RingChanges(changes)...) })
	if err := e.ring.Poll(ctx); err != nil {
		return e, fmt.Errorf("read the change feed: %w", err)
	}
	// Red at half the time after which answers stop: who balances load must see it before callers do.
	e.fresh = func() bool { return e.ring.Age(o.DB.Now()) <= o.Settings.StaleMax/2 }
	e.whole = o.Settings.KeyringWhole
	err := e.openRedis(o)
	if err != nil {
		return e, err
	}
	e.fleet = e.join(o)
	e.metrics = newMetrics(e.ring, o.DB.Clock)
	e.metrics.watchLogs(o.LogsLost)
	if e.traces, err = newTraces(o); err != nil {
		return e, err
	}
	e.metrics.counter("gatehouse_trace_spans_lost_total", "Spans of traces that were lost, since no collector took them.", func() float64 { return float64(e.traces.Lost()) })
	e.metrics.watchProgram(o)
	e.metrics.watchFleet(e.fleet.heart, e.fleet.ears)
	e.queues = e.metrics.watchQueues(o.DB)
	counters, quotas := keyring.NewUsage(usageRows), keyring.NewSharedQuotas(e.fleet.heart, e.fleet.heart.Leads)
	if e.flusher, err = newFlusher(o, usage.FlusherOptions{Counters: counters, Quotas: quotas, Observe: e.metrics.observe}); err != nil {
		return e, err
	}
	e.metrics.watchUsage(e.flusher.State)
	if err := e.flusher.Seed(ctx); err != nil {
		return e, errors.Join(fmt.Errorf("read the quotas: %w", err), e.flusher.Close())
	}
	limiter := e.limiter()
	e.metrics.watchLimits(limiter)
	s.Refusal.Limited(limiter)
	e.refused = refusal.NewRecorder(o.DB, nil)
	if place := o.Settings.UsageSpool; place.Dir != "" { // beside it
		e.refused.KeepingIn(filepath.Dir(place.Dir))
	}
	e.metrics.watchRefusals(e.refused.State)
	e.edge = edge.New(edge.Options{
		Refusals: e.refused, Observe: e.observeEdge,
		Ring: e.ring, Limiter: limiter, Counters: counters, Quotas: quotas, Clock: o.DB.Clock, Brand: o.Settings.KeyBrand,
		Recognised: func(id keyring.ID, foreign, own keyring.Digest) {
			s.Import.Recognised(key.Redigested{ID: db.ID(id), Foreign: apikey.Digest(foreign), Own: apikey.Digest(own)})
		},
		Digesters: digesters(o.Root), TrustedProxies: o.Settings.TrustedProxies, Docs: o.Settings.BaseURL.String() + web.ErrorsPage,
	})
	e.worker = newWorker(o, s)
	if o.Settings.SMTPURL.IsSet() {
		e.sender, err = newSender(o, s)
	}
	return e, err
}

// digesters are those of the current pepper and of the ones before it.
func digesters(root *secret.Root) []*apikey.Digester {
	var all []*apikey.Digester
	for i, pepper := range root.Keys(secret.LabelKeyPepper) {
		all = append(all, apikey.NewDigester(apikey.Pepper{Version: root.Versions()[i], Key: pepper}))
	}
	return all
}

// limiter counts in Redis for all replicas together; without Redis, and while it is away, each counts its share.
func (e *engine) limiter() ratelimit.Limiter {
	local := ratelimit.NewLocal(limitBuckets)
	if e.redis == nil {
		return ratelimit.NewDivided(local, e.fleet.heart)
	}
	return ratelimit.NewRedis(e.redis, local, e.fleet.heart)
}

// openRedis makes the client, where there is a Redis. It connects when it is used.
func (e *engine) openRedis(o Options) (err error) {
	if !o.Settings.RedisURL.IsSet() {
		return nil
	}
	if e.redis, err = ratelimit.NewRedisClient(o.Settings.RedisURL.Reveal()); err != nil {
		return fmt.Errorf("GATEHOUSE_REDIS_URL: %w", err)
	}
	return nil
}

func newWorker(o Options, s Stores) *job.Worker {
	const keepMail, keepJobs = 30 * 24 * time.Hour, 7 * 24 * time.Hour
	w := job.NewWorker(o.DB, o.Replica)
	w.Every("account.sweep", time.Hour, s.Account.Sweep)
	w.Handle(download.JobKind, s.Download.Job)
	w.Every("account.retention", time.Hour, func(ctx context.Context) error { return privacy.Sweep(ctx, o.DB) })
	w.Every("account.downloads", time.Hour, s.Download.Sweep)
	w.Every("provider.sweep", time.Hour, s.Provider.Sweep)
	w.Every("key.digests", 10*time.Minute, s.Notice.Run)
	w.Every("key.overlaps", 10*time.Minute, s.Rotation.Mails)
	w.Every("review.remind", 24*time.Hour, s.Review.Remind)
	w.Every("organization.purge", time.Hour, s.Org.Purge)
	w.Every("organization.factors", time.Hour, s.Org.RemindOfFactors)
	w.Every("directory.tokens", time.Hour, s.Scim.TellEnding)
	w.Every("directory.stopped", 10*time.Minute, s.Scim.TellStopped)
	w.Every("invitation.sweep", 24*time.Hour, s.Invitation.Sweep)
	w.Every("share.sweep", time.Hour, s.Share.Sweep)
	w.Every("domain.recheck", time.Hour, s.Domain.Recheck)
	w.Every("key.sweep", time.Hour, s.Key.Sweep)
	w.Every("key.policy", 15*time.Minute, s.Enforcement.Enforce)
	w.Handle(policy.TellJob, s.Enforcement.Tell)
	w.Every("key.policy.sweep", time.Hour, s.Policy.Sweep)
	w.Every("key.links", time.Hour, s.Handover.Sweep)
	w.HandleUrgent(bulk.JobKind, s.Bulk.Job)
	w.Every("key.imports", time.Hour, s.Import.Settle)
	w.Every("key.bulk_sweep", 5*time.Minute, s.Bulk.Sweep)
	w.HandleUrgent(leak.JobKind, s.Leak.Job)
	w.EveryUrgent("leak.due", 10*time.Minute, s.Leak.Due)
	w.Every("leak.sweep", 24*time.Hour, s.Leak.Sweep)
	w.Every("audit.checkpoints", time.Minute, patiently("checkpoints of the audit log are not written down", NewCheckpoints(o.DB, o.Root, o.Settings).Run))
	w.Every("audit.archive", time.Hour, patiently("the audit log is not archived", NewArchives(o).Run))
	if stream := newStream(o); stream != nil {
		w.Every("audit.stream", streamEvery, patiently("the collector does not take the audit log", stream.Run))
	}
	w.Every("usage.quotas", quota.Every, s.Quota.Warn)
	w.Every("usage.retention", time.Hour, s.Usage.Sweep)
	w.Every("usage.refusals", 10*time.Minute, s.Refusal.Sweep)
	w.Every("guide.search", time.Hour, s.Search.Tend)
	w.Every("guide.index", 24*time.Hour, func(ctx context.Context) error { return index.Compact(ctx, o.DB) })
	w.Handle(guide.RebuildJob, s.Search.Rebuild)
	w.Handle(catalog.OpennessJob, s.Search.Openness)
	w.Handle(follow.JobKind, s.Follow.Job)
	w.Every("support.stale", time.Hour, s.Support.Stale)
	w.Every("change.sweep", time.Hour, func(ctx context.Context) error { return change.Sweep(ctx, o.DB) })
	w.Every("idempotency.sweep", time.Hour, s.Idempotency.Sweep)
	w.Every("outbox.sweep", time.Hour, func(ctx context.Context) error { return outbox.Sweep(ctx, o.DB, keepMail) })
	w.Every("job.sweep", 24*time.Hour, func(ctx context.Context) error { return job.Sweep(ctx, o.DB, keepJobs) })
	return w
}

// Loops are what runs until the context ends; start each in a goroutine of its own.
func (h *House) Loops() []func(context.Context) {
	e := h.engine
	loops := []func(context.Context){
		func(ctx context.Context) { e.ring.Run(ctx, reportPolling) },
		e.flusher.Run, e.refused.Run, e.worker.Run, e.queues.run, e.readAhead, e.keepFresh, h.Stores.Import.Run, h.Stores.Guide.KeepIndex, h.rebuildSearch, h.keepBallast, h.followClock,
		h.keepingAssets, e.traces.Run, h.calibratePasswords,
	}
	if e.sender != nil {
		loops = append(loops, e.sender.Run)
	}
	return append(loops, e.fleet.loops()...)
}

// rebuildSearch has the search index made, when this version of the program has not made it yet.
func (h *House) rebuildSearch(ctx context.Context) {
	if err := h.Stores.Search.QueueRebuild(ctx); err != nil && ctx.Err() == nil {
		slog.Error("the search index is not rebuilt", "error", err)
	}
}

func reportPolling(err error) {
	if err != nil {
		slog.Error("the change feed can’t be read; verification stops when it is stale", "error", err)
		return
	}
	slog.Info("the change feed is read again")
}

func (e engine) now() time.Time { return e.edge.Clock() }

// Flush writes what was counted and refused up to now, as happens each second while Loops run.
func (h *House) Flush(ctx context.Context) error {
	return errors.Join(h.engine.flusher.Flush(ctx), h.engine.refused.Flush(ctx))
}

// Close writes what is still counted in memory. Call it when nothing is served any more. A database that was moved takes nothing any more, and that is no
// failure: what was counted and refused waits in the data folder for the next process.
func (h *House) Close(ctx context.Context) error {
	err := h.Flush(ctx)
	if errors.Is(err, db.ErrReadOnly) {
		slog.Info("the database was moved: what was counted and refused since waits in the data folder for the next process")
		err = nil
	}
	err = errors.Join(err, h.engine.refused.Close(), h.engine.flusher.Close())
	if h.engine.redis != nil {
		err = errors.Join(err, h.engine.redis.Close())
	}
	return err
}
