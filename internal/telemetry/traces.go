package telemetry

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// Bounds of what waits to be sent, and how it is.
const (
	mostSpans   = 4096 // that wait; what comes beyond is lost
	mostAtOnce  = 512
	sendEvery   = 5 * time.Second
	sendTimeout = 5 * time.Second
)

// TraceOptions of NewTraces. All are required but Share.
type TraceOptions struct {
	URL     string  // of a collector that takes OTLP over HTTP, without the path, such as http://127.0.0.1:4318
	Share   float64 // of all requests, from 0 to 1
	Service string
	Version string
	Replica string
}

// Traces sends spans to a collector as OTLP/HTTP in JSON (opentelemetry.io/docs/specs/otlp, 1.x). A span holds what its maker says and nothing else: no address,
// header or path of a request gets in by itself, as they would by the usual instrumentation. A nil Traces takes nothing and costs nothing. Safe for concurrent use.
type Traces struct {
	options TraceOptions
	below   uint64 // of a random number of 64 bits, for what is sampled
	queue   chan Span
	lost    atomic.Uint64
	failing bool
	client  *http.Client
}

// Span is one piece of work, which has ended.
type Span struct {
	Name       string
	Start, End time.Time
	ID         [8]byte // zero: any
	Parent     Parent  // zero: none
	Part       bool    // of another span of this process: a question to something else, not an answer
	Failed     bool
	Attributes []Attribute
}

// Attribute says something about a span: a text, or a number where Text is empty.
type Attribute struct {
	Key    string
	Text   string
	Number int64
}

// Parent is a span elsewhere, by whose program we were called (W3C Trace Context).
type Parent struct {
	Trace [16]byte
	Span  [8]byte
}

// NewTraces returns Traces; nothing is sent before Run.
func NewTraces(o TraceOptions) *Traces {
	t := &Traces{options: o, queue: make(chan Span, mostSpans), client: &http.Client{Timeout: sendTimeout}}
	switch {
	case o.Share >= 1:
		t.below = math.MaxUint64
	case o.Share > 0:
		t.below = uint64(o.Share * (1 << 63) * 2)
	}
	return t
}

// Sampled draws whether the next request is traced.
func (t *Traces) Sampled() bool {
	if t == nil || t.below == 0 {
		return false
	}
	var b [8]byte
	_, _ = rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:]) <= t.below
}

// Record takes a span. It never waits: one that finds no room is lost and counted.
func (t *Traces) Record(s Span) {
	if t == nil {
		return
	}
	select {
	case t.queue <- s:
	default:
		t.lost.Add(1)
	}
}

// Lost is how many spans were lost since the start: for want of room, or since the collector took none.
func (t *Traces) Lost() uint64 {
	if t == nil {
		return 0
	}
	return t.lost.Load()
}

// ParseParent reads a traceparent header; false for one that is none.
func ParseParent(header string) (p Parent, ok bool) {
	if len(header) < 55 || header[2] != '-' || header[35] != '-' || header[52] != '-' || header[:2] == "ff" {
		return p, false
	}
	n, err := hex.Decode(p.Trace[:], []byte(header[3:35]))
	m, wrong := hex.Decode(p.Span[:], []byte(header[36:52]))
	if err != nil || wrong != nil || n != 16 || m != 8 || p.Trace == [16]byte{} || p.Span == [8]byte{} {
		return Parent{}, false
	}
	return p, true
}

// Run sends until ctx ends, and then once more.
func (t *Traces) Run(ctx context.Context) {
	if t == nil {
		return
	}
	tick := time.NewTicker(sendEvery)
	defer tick.Stop()
	batch := make([]Span, 0, mostAtOnce)
	for {
		select {
		case s := <-t.queue:
			if batch = append(batch, s); len(batch) < mostAtOnce {
				continue
			}
		case <-tick.C:
		case <-ctx.Done():
			for len(t.queue) > 0 && len(batch) < mostAtOnce {
				batch = append(batch, <-t.queue)
			}
			t.send(context.WithoutCancel(ctx), batch)
			return
		}
		t.send(ctx, batch)
		batch = batch[:0]
	}
}

// send hands a batch over, and says when that begins or ceases to fail. What the collector does not take is lost: traces are no records.
func (t *Traces) send(ctx context.Context, batch []Span) {
	if len(batch) == 0 {
		return
	}
	err := t.post(ctx, batch)
	if err != nil {
		t.lost.Add(uint64(len(batch)))
	}
	if failing := err != nil; failing != t.failing {
		t.failing = failing
		if failing {
			slog.Warn("the collector takes no traces", "error", err)
		} else {
			slog.Info("the collector takes traces again")
		}
	}
}

func (t *Traces) post(ctx context.Context, batch []Span) error {
	body, err := json.Marshal(t.request(batch))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.options.URL+"/v1/traces", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := t.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("it answers %s", answer.Status)
	}
	return nil
}

// The shape of ExportTraceServiceRequest as JSON: numbers of 64 bits are texts, ids are hex.
type (
	otlpValue struct {
		Text   *string `json:"stringValue,omitempty"`
		Number *string `json:"intValue,omitempty"`
	}
	otlpAttribute struct {
		Key   string    `json:"key"`
		Value otlpValue `json:"value"`
	}
	otlpStatus struct {
		Code int `json:"code,omitempty"`
	}
	otlpSpan struct {
		TraceID      string          `json:"traceId"`
		SpanID       string          `json:"spanId"`
		ParentSpanID string          `json:"parentSpanId,omitempty"`
		Name         string          `json:"name"`
		Kind         int             `json:"kind"`
		Start        string          `json:"startTimeUnixNano"`
		End          string          `json:"endTimeUnixNano"`
		Attributes   []otlpAttribute `json:"attributes,omitempty"`
		Status       otlpStatus      `json:"status"`
	}
	otlpScope struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Spans []otlpSpan `json:"spans"`
	}
	otlpResource struct {
		Resource struct {
			Attributes []otlpAttribute `json:"attributes"`
		} `json:"resource"`
		Scopes []otlpScope `json:"scopeSpans"`
	}
	otlpRequest struct {
		Resources []otlpResource `json:"resourceSpans"`
	}
)

const (
	otlpServer = 2 // SpanKind
	otlpClient = 3
	otlpError  = 2 // StatusCode
)

func (t *Traces) request(batch []Span) otlpRequest {
	var scope otlpScope
	scope.Scope.Name = "gatehouse"
	for _, s := range batch {
		scope.Spans = append(scope.Spans, spanOf(s))
	}
	var resource otlpResource
	for _, a := range []Attribute{{Key: "service.name", Text: t.options.Service}, {Key: "service.version", Text: t.options.Version}, {Key: "service.instance.id", Text: t.options.Replica}} {
		resource.Resource.Attributes = append(resource.Resource.Attributes, attributeOf(a))
	}
	resource.Scopes = []otlpScope{scope}
	return otlpRequest{[]otlpResource{resource}}
}

func spanOf(s Span) otlpSpan {
	id, trace := s.ID, s.Parent.Trace
	if id == [8]byte{} {
		_, _ = rand.Read(id[:])
	}
	if trace == [16]byte{} {
		_, _ = rand.Read(trace[:])
	}
	kind := otlpServer
	if s.Part {
		kind = otlpClient
	}
	o := otlpSpan{
		TraceID: hex.EncodeToString(trace[:]), SpanID: hex.EncodeToString(id[:]), Name: s.Name, Kind: kind,
		Start: strconv.FormatInt(s.Start.UnixNano(), 10), End: strconv.FormatInt(s.End.UnixNano(), 10),
	}
	if s.Parent.Span != [8]byte{} {
		o.ParentSpanID = hex.EncodeToString(s.Parent.Span[:])
	}
	if s.Failed {
		o.Status.Code = otlpError
	}
	for _, a := range s.Attributes {
		o.Attributes = append(o.Attributes, attributeOf(a))
	}
	return o
}

func attributeOf(a Attribute) otlpAttribute {
	if a.Text != "" {
		return otlpAttribute{a.Key, otlpValue{Text: &a.Text}}
	}
	number := strconv.FormatInt(a.Number, 10)
	return otlpAttribute{a.Key, otlpValue{Number: &number}}
}
