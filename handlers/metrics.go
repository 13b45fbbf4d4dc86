package handlers

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/usage"
)

// metrics are what Prometheus reads. Labels are route templates and codes, never a path or an id, so that their number is bounded.
type metrics struct {
	registry      *prometheus.Registry
	requests      *prometheus.CounterVec
	verifications *prometheus.CounterVec
}

func newMetrics(ring *keyring.Ring, clock func() time.Time) *metrics {
	m := &metrics{
		registry:      prometheus.NewRegistry(),
		requests:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gatehouse_requests_total", Help: "Requests for pages, by route and status."}, []string{"route", "status"}),
		verifications: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gatehouse_verifications_total", Help: "Counted verifications, by code; at most a second late."}, []string{"code"}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.requests, m.verifications,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gatehouse_keyring_age_seconds", Help: "Time since the change feed was last read."}, func() float64 { return ring.Age(clock()).Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gatehouse_keyring_keys", Help: "Keys whose facts are in memory."}, func() float64 { return float64(ring.Len()) }),
	)
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
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "gatehouse_log_lines_lost_total", Help: "Lines of the log that were lost, since nobody took them."}, func() float64 {
		if lost == nil {
			return 0
		}
		return float64(lost())
	}))
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
		err := next(c)
		route := c.Path()
		if route == "" {
			route = "none"
		}
		m.requests.WithLabelValues(route, strconv.Itoa(c.Response().Status)).Inc()
		return err
	}
}

// handler answers /metrics and nothing else.
func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}
