package handlers

import (
	"context"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/change/hint"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/job"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/replica"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// gauge registers one whose value is asked for when it is read.
func (m *metrics) gauge(name, help string, labels prometheus.Labels, of func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, of))
}

// counter registers one that something else counts.
func (m *metrics) counter(name, help string, of func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, of))
}

// watchProgram names the version, and shows the connections to the database.
func (m *metrics) watchProgram(o Options) {
	m.gauge("gatehouse_build_info", "1, with the version of the program.", prometheus.Labels{"version": o.Version}, func() float64 { return 1 })
	m.registry.MustRegister(collectors.NewDBStatsCollector(o.DB.Writer(), "gatehouse"))
}

// watchFleet shows what this process knows of the others, and what it is told by.
func (m *metrics) watchFleet(heart *replica.Heart, ears []*hint.Ear) {
	m.gauge("gatehouse_replicas", "Processes that live over this database, as this one knows it: limits are divided by it where they are not counted together.", nil, func() float64 { return float64(heart.Peers()) })
	for _, ear := range ears {
		m.gauge("gatehouse_hint_up", "Whether hints of changes arrive; without them changes are seen by asking, four times a second.", prometheus.Labels{"by": ear.Name()}, func() float64 { return truth(ear.Hears()) })
	}
}

// watchLimits shows where limits are counted.
func (m *metrics) watchLimits(l ratelimit.Limiter) {
	shared, ok := l.(*ratelimit.Redis)
	m.gauge("gatehouse_limits_redis", "Whether a Redis is set by which limits count across replicas.", nil, func() float64 { return truth(ok) })
	m.gauge("gatehouse_limits_fallback", "Whether limits are decided by this process's share because Redis does not answer.", nil, func() float64 { return truth(ok && shared.Down()) })
}

// watchRefusals shows what is kept to explain refusals later, and what a storm left out.
func (m *metrics) watchRefusals(state func() refusal.State) {
	m.counter("gatehouse_refusals_kept_total", "Refusals that are kept to be explained.", func() float64 { return float64(state().Kept) })
	m.counter("gatehouse_refusals_left_out_total", "Refusals of which only the number is kept, since too many came in a minute.", func() float64 { return float64(state().LeftOut) })
	m.gauge("gatehouse_refusals_waiting", "Refusals that wait for the database.", nil, func() float64 { return float64(state().Waiting) })
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// queueEvery is how often queues are counted: they are the same for all replicas, and each count asks the database.
const queueEvery = 15 * time.Second

// queues are the lengths of what waits in the database; not a number while they are not known.
type queues struct {
	db    *db.DB
	state atomic.Pointer[queueState]
}

type queueState struct {
	jobs  job.Backlog
	mails outbox.Backlog
}

// watchQueues shows them.
func (m *metrics) watchQueues(d *db.DB) *queues {
	q := &queues{db: d}
	for _, one := range []struct {
		name, help string
		of         func(*queueState) float64
	}{
		{"gatehouse_jobs_due", "Jobs whose time has come, of all replicas.", func(s *queueState) float64 { return float64(s.jobs.Due) }},
		{"gatehouse_jobs_behind_seconds", "For how long the oldest job has been due.", func(s *queueState) float64 { return s.jobs.Behind.Seconds() }},
		{"gatehouse_jobs_failed", "Jobs that were given up in the last days.", func(s *queueState) float64 { return float64(s.jobs.Failed) }},
		{"gatehouse_mails_waiting", "Mails that wait to be sent.", func(s *queueState) float64 { return float64(s.mails.Waiting) }},
		{"gatehouse_mails_behind_seconds", "Age of the oldest mail that waits.", func(s *queueState) float64 { return s.mails.Behind.Seconds() }},
		{"gatehouse_mails_failed", "Mails that were given up in the last days.", func(s *queueState) float64 { return float64(s.mails.Failed) }},
	} {
		m.gauge(one.name, one.help, nil, func() float64 {
			if s := q.state.Load(); s != nil {
				return one.of(s)
			}
			return math.NaN()
		})
	}
	return q
}

// count asks the database once.
func (q *queues) count(ctx context.Context) error {
	ask, cancel := context.WithTimeout(ctx, queueEvery/3)
	defer cancel()
	var s queueState
	var err error
	if s.jobs, err = job.BacklogOf(ask, q.db); err == nil {
		s.mails, err = outbox.BacklogOf(ask, q.db)
	}
	if err != nil {
		q.state.Store(nil)
		return err
	}
	q.state.Store(&s)
	return nil
}

// run counts until ctx ends.
func (q *queues) run(ctx context.Context) {
	tick := time.NewTicker(queueEvery)
	defer tick.Stop()
	failing := false
	for {
		err := q.count(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			slog.Warn("what waits in the database can’t be counted", "error", err)
		}
		failing = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
