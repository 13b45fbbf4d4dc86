package handlers

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/telemetry"
)

// newTraces returns what sends traces, of requests and their statements; nil where the settings name no collector.
func newTraces(o Options) (*telemetry.Traces, error) {
	s := o.Settings
	if s.TracesURL == "" {
		return nil, nil
	}
	t := telemetry.NewTraces(telemetry.TraceOptions{URL: s.TracesURL, Share: s.TracesShare, Service: "gatehouse", Version: o.Version, Replica: o.Replica})
	return t, o.DB.Trace(t)
}

// traceRequests traces a share of the requests for the portal: their route, method, status and id, and of their statements verb and table. What a person or a
// program sent is in none of it (K1).
func (e *engine) traceRequests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !e.traces.Sampled() {
			return next(c)
		}
		began := e.metrics.now()
		parent, _ := telemetry.ParseParent(c.Request().Header.Get("Traceparent"))
		ctx, trace, id := telemetry.Begin(c.Request().Context(), parent)
		c.SetRequest(c.Request().WithContext(ctx))
		err := next(c)
		status := statusOf(c, err)
		route := routeOf(c)
		method := web.KnownMethod(c.Request().Method)
		e.traces.Record(telemetry.Span{
			Name: method + " " + route, Start: began, End: e.metrics.now(), ID: id, Parent: trace, Failed: status >= http.StatusInternalServerError,
			Attributes: []telemetry.Attribute{
				{Key: "http.request.method", Text: method}, {Key: "http.route", Text: route}, {Key: "http.response.status_code", Number: int64(status)}, {Key: "gatehouse.request_id", Text: web.RequestID(c)},
			},
		})
		return err
	}
}

// observeEdge counts an answer of the edge, and traces a share of them.
func (e *engine) observeEdge(path string, status int, took time.Duration) {
	e.metrics.edge.observe(path, status, took)
	if e.traces == nil || !e.traces.Sampled() {
		return
	}
	end := e.metrics.now()
	name := "edge " + doors[doorOf(path)]
	e.traces.Record(telemetry.Span{
		Name: name, Start: end.Add(-took), End: end, Failed: status >= http.StatusInternalServerError,
		Attributes: []telemetry.Attribute{{Key: "http.route", Text: name}, {Key: "http.response.status_code", Number: int64(status)}},
	})
}

// statusOf is the status of an answer; that of an error is written after the handler has returned it.
func statusOf(c echo.Context, err error) int {
	if err != nil && !c.Response().Committed {
		return web.Status(err)
	}
	return c.Response().Status
}

// routeOf is the template of a request's route.
func routeOf(c echo.Context) string {
	if route := c.Path(); route != "" {
		return route
	}
	return "none"
}
