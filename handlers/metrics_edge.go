package handlers

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-dev/gatehouse/handlers/edge"
)

// doors are the values of the label door: where the edge was asked.
var doors = []string{"verify", "authz", "envoy", "whoami", "other"}

// statuses are those that the edge answers with; what is none of them counts as "other".
var statuses = []int{
	http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestTimeout, http.StatusLengthRequired,
	http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusRequestHeaderFieldsTooLarge,
	http.StatusInternalServerError, http.StatusServiceUnavailable,
}

// mostStatus is above all of them.
const mostStatus = 600

// edgeMetrics are how fast the edge answers, and what. All series are made at the start, so that observing one allocates nothing.
type edgeMetrics struct {
	took    []prometheus.Observer
	answers [][mostStatus]prometheus.Counter
}

func newEdgeMetrics(r prometheus.Registerer) *edgeMetrics {
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "gatehouse_edge_duration_seconds", Help: "How long the edge took for an answer, by where it was asked.",
		Buckets: []float64{5e-6, 10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1, 5},
	}, []string{"door"})
	answers := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gatehouse_edge_answers_total", Help: "Answers of the edge, by where it was asked and status."}, []string{"door", "status"})
	r.MustRegister(took, answers)
	m := &edgeMetrics{answers: make([][mostStatus]prometheus.Counter, len(doors))}
	for i, door := range doors {
		m.took = append(m.took, took.WithLabelValues(door))
		other := answers.WithLabelValues(door, "other")
		for status := range mostStatus {
			m.answers[i][status] = other
		}
		for _, status := range statuses {
			m.answers[i][status] = answers.WithLabelValues(door, strconv.Itoa(status))
		}
	}
	return m
}

// observe counts one answer. Path is one of the edge's own, without what comes after EnvoyPath.
func (m *edgeMetrics) observe(path string, status int, took time.Duration) {
	door := doorOf(path)
	m.took[door].Observe(took.Seconds())
	if status < 0 || status >= mostStatus {
		status = 0
	}
	m.answers[door][status].Inc()
}

// doorOf is the place of a path among doors.
func doorOf(path string) int {
	switch path {
	case edge.VerifyPath:
		return 0
	case edge.AuthzPath:
		return 1
	case edge.EnvoyPath:
		return 2
	case edge.WhoamiPath:
		return 3
	}
	return len(doors) - 1
}
