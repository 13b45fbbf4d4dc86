package handlers

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/static"
)

// metrics are what Prometheus reads. Labels are route templates and codes, never a path or an id, so that their number is bounded.
type metrics struct {
	registry      *prometheus.Registry
	now           func() time.Time
	requests      *prometheus.CounterVec
	verifications *prometheus.CounterVec
	took          *prometheus.HistogramVec
	edge          *edgeMetrics
}

func newMetrics(ring *keyring.Ring, clock func() time.Time) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(), now: clock,
		requests:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gatehouse_requests_total", Help: "Requests for pages, by route and status."}, []string{"route", "status"}),
		verifications: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gatehouse_verifications_total", Help: "Counted verifications, by code; at most a second late."}, []string{"code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gatehouse_request_duration_seconds", Help: "How long a request for the portal took: page, change, api or asset.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"kind"}),
	}
	m.edge = newEdgeMetrics(m.registry)
	for code := keyring.NotFound; code <= keyring.Valid; code++ { // so that a rate is 0 before the first, and not missing
		m.verifications.WithLabelValues(code.String())
	}
	m.verifications.WithLabelValues(keyring.MissingKey.String())
	m.verifications.WithLabelValues(keyring.BadRequest.String())
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.requests, m.verifications, m.took,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gatehouse_keyring_age_seconds", Help: "Time since the change feed was last read."}, func() float64 { return ring.Age(clock()).Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gatehouse_keyring_keys", Help: "Keys whose facts are in memory."}, func() float64 { return float64(ring.Len()) }),
	)
	m.counter("gatehouse_key_lookups_total", "Keys that were looked up in memory.", func() float64 { return float64(ring.Stats().Lookups) })
	m.counter("gatehouse_key_lookup_misses_total", "Of the keys that were looked up, those for which the database was asked.", func() float64 { return float64(ring.Stats().Misses) })
	return m
}

// watchUsage shows how far behind the storing of counts is, and what was lost of them.
func (m *metrics) watchUsage(state func() usage.State) {
	gauge := func(name, help string, of func(usage.State) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return of(state()) })
	}
	m.registry.MustRegister(
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "gatehouse_usage_dropped_total", Help: "Verifications that were not counted for want of room."},
			func() float64 { return float64(state().Dropped) }),
		gauge("gatehouse_usage_spool_bytes", "Counts that wait in the spool for the database.", func(s usage.State) float64 { return float64(s.Bytes) }),
		gauge("gatehouse_usage_spool_batches", "Batches of counts that wait for the database.", func(s usage.State) float64 { return float64(s.Waiting) }),
		gauge("gatehouse_usage_behind_seconds", "Age of the oldest count that is not known to be stored.", func(s usage.State) float64 { return s.Behind.Seconds() }),
		gauge("gatehouse_usage_aside_batches", "Batches of counts that the database refuses and that were set aside.", func(s usage.State) float64 { return float64(s.Aside) }),
	)
}

// watchLogs shows how many lines of the log were lost; lost may be nil.
func (m *metrics) watchLogs(lost func() uint64) {
	m.counter("gatehouse_log_lines_lost_total", "Lines of the log that were lost, since nobody took them.", func() float64 {
		if lost == nil {
			return 0
		}
		return float64(lost())
	})
}

// observe counts what a batch of usage tells.
func (m *metrics) observe(b keyring.Batch) {
	for series, calls := range b.Counts {
		m.verifications.WithLabelValues(series.Code.String()).Add(float64(calls))
	}
}

// countRequests counts each page by its template.
func (m *metrics) countRequests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := m.now()
		err := next(c)
		m.took.WithLabelValues(kindOf(c)).Observe(max(0, m.now().Sub(began)).Seconds())
		m.requests.WithLabelValues(routeOf(c), strconv.Itoa(statusOf(c, err))).Inc()
		return err
	}
}

// kindOf is what a request is measured with.
func kindOf(c echo.Context) string {
	path := c.Request().URL.Path
	switch {
	case strings.HasPrefix(path, static.Prefix):
		return "asset"
	case strings.HasPrefix(path, "/v1/"):
		return "api"
	case c.Request().Method == http.MethodGet || c.Request().Method == http.MethodHead:
		return "page"
	}
	return "change"
}

// handler answers /metrics and nothing else.
func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}
