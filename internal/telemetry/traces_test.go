package telemetry_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/telemetry"
)

// collector takes what is sent until the test ends.
func collector(t *testing.T, status int) (url string, got chan string) {
	t.Helper()
	got = make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type") + " " + string(body)
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

// sent runs traces to their end.
func sent(t *testing.T, traces *telemetry.Traces) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	traces.Run(ctx)
}

func TestSpansArriveAsOTLP(t *testing.T) {
	url, got := collector(t, http.StatusOK)
	traces := telemetry.NewTraces(telemetry.TraceOptions{URL: url, Share: 1, Service: "gatehouse", Version: "v1", Replica: "a/1"})
	parent, ok := telemetry.ParseParent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if !ok || !traces.Sampled() {
		t.Fatal("not sampled, or no parent")
	}
	traces.Record(telemetry.Span{
		Name: "GET /console", Start: noon(), End: noon().Add(time.Millisecond), Parent: parent, Failed: true,
		Attributes: []telemetry.Attribute{{Key: "http.route", Text: "/console"}, {Key: "http.response.status_code", Number: 503}},
	})

	sent(t, traces)
	text := <-got

	const head = "POST /v1/traces application/json "
	var is, want any
	if err := json.Unmarshal([]byte(text[len(head):]), &is); err != nil || text[:len(head)] != head {
		t.Fatal(err, text)
	}
	span := is.(map[string]any)["resourceSpans"].([]any)[0].(map[string]any)["scopeSpans"].([]any)[0].(map[string]any)["spans"].([]any)[0].(map[string]any)
	if id, _ := span["spanId"].(string); len(id) != 16 {
		t.Error("the span's id is", id)
	}
	delete(span, "spanId")
	err := json.Unmarshal([]byte(`{"resourceSpans":[{"resource":{"attributes":[
		{"key":"service.name","value":{"stringValue":"gatehouse"}},{"key":"service.version","value":{"stringValue":"v1"}},{"key":"service.instance.id","value":{"stringValue":"a/1"}}]},
		"scopeSpans":[{"scope":{"name":"gatehouse"},"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","parentSpanId":"b7ad6b7169203331","name":"GET /console","kind":2,
		"startTimeUnixNano":"1795348800000000000","endTimeUnixNano":"1795348800001000000","status":{"code":2},"attributes":[
		{"key":"http.route","value":{"stringValue":"/console"}},{"key":"http.response.status_code","value":{"intValue":"503"}}]}]}]}]}`), &want)
	if err != nil || !reflect.DeepEqual(is, want) {
		t.Errorf("%v %s", err, text)
	}
}

func TestCollectorThatIsAwayHoldsUpNothingAndLossIsCounted(t *testing.T) {
	url, _ := collector(t, http.StatusServiceUnavailable)
	traces := telemetry.NewTraces(telemetry.TraceOptions{URL: url, Share: 1})

	for range 10_000 { // nobody sends yet
		traces.Record(telemetry.Span{Name: "x", Start: noon(), End: noon()})
	}
	full := traces.Lost()
	sent(t, traces)

	if full != 10_000-4096 || traces.Lost() <= full {
		t.Errorf("%d lost for want of room, %d then", full, traces.Lost())
	}
}

func TestShareOfRequestsIsTraced(t *testing.T) {
	for _, share := range []float64{0, 0.25, 1} {
		traces := telemetry.NewTraces(telemetry.TraceOptions{Share: share})
		n := 0
		for range 10_000 {
			if traces.Sampled() {
				n++
			}
		}
		if got := float64(n) / 10_000; got < share-0.05 || got > share+0.05 {
			t.Errorf("%v of %v are traced", got, share)
		}
	}
}

func TestNoTracesCostNothing(t *testing.T) {
	var none *telemetry.Traces
	if n := testing.AllocsPerRun(100, func() {
		if none.Sampled() {
			none.Record(telemetry.Span{})
		}
	}); n != 0 || none.Lost() != 0 {
		t.Error(n, none.Lost())
	}
	none.Run(t.Context())
}

func TestHeaderThatIsNoTraceparentIsNoParent(t *testing.T) {
	for _, header := range []string{
		"", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
		"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319z-b7ad6b7169203331-01", "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
	} {
		if p, ok := telemetry.ParseParent(header); ok || p != (telemetry.Parent{}) {
			t.Errorf("%q: %v", header, p)
		}
	}
}
