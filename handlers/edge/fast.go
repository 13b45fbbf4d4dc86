package edge

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gatehouse-dev/gatehouse/internal/framing"
)

// Bounds of the listener of the edge's own (L3). A connection that is read from holds a buffer as large as the longest head.
const (
	mostHead        = 32 << 10
	mostFields      = 200
	mostConnections = 20_000
	mostOfOne       = mostConnections / 10 // of one address, unless it is trusted
	readTimeout     = 5 * time.Second      // for a whole request, its body too
	writeTimeout    = 10 * time.Second
	idleTimeout     = 2 * time.Minute
)

// Server serves the edge at a listener of its own, on fasthttp (docs/decisions/0007-edge-on-fasthttp.md). Below it stands package framing, so
// that fasthttp, which forgives more than RFC 9112 does, reads nothing but requests that can be read in one way (D13); of what it makes of
// their headers nothing is used but the lengths.
type Server struct {
	edge     *Edge
	fast     *fasthttp.Server
	now      func() time.Time
	draining atomic.Bool
	drained  atomic.Int64
}

// NewListenerServer returns a Server for e. Now is the machine's own clock, by which connections time out.
func NewListenerServer(e *Edge, now func() time.Time) *Server {
	s := &Server{edge: e, now: now}
	s.fast = &fasthttp.Server{
		Handler: s.handle, ErrorHandler: s.fail, Logger: quiet{e},
		Concurrency: mostConnections, ReadBufferSize: mostHead + 1, MaxRequestBodySize: mostBody,
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		NoDefaultServerHeader: true, NoDefaultContentType: true, SecureErrorLogMessage: true, DisablePreParseMultipartForm: true,
		CloseOnShutdown: true,
	}
	return s
}

// Serve answers at l until Shutdown, and then returns nil.
func (s *Server) Serve(l net.Listener) error {
	return s.fast.Serve(framing.NewListener(l, s.framing()))
}

func (s *Server) framing() framing.Options {
	return framing.Options{Limits: framing.Limits{Head: mostHead, Fields: mostFields, Body: mostBody}, Answer: s.edge.refusal, Now: s.now, Bounds: s.edge.bounds(mostConnections, mostOfOne)}
}

// Drain has every answer from now on end its connection, so that clients go elsewhere of their own accord; call it when readiness has turned red.
func (s *Server) Drain() { s.draining.Store(true) }

// Drained is how many requests were answered since Drain.
func (s *Server) Drained() int64 { return s.drained.Load() }

// Shutdown stops to listen, closes idle connections, and waits until the others are answered or ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	return s.fast.ShutdownWithContext(ctx)
}

// handle answers one request. Nothing that fails here may end the process, as a panic in a goroutine of fasthttp would.
func (s *Server) handle(c *fasthttp.RequestCtx) {
	defer s.surviving(c)
	x := newExchange(s.edge.Clock())
	defer x.free()
	s.receive(x, c)
	s.edge.serve(x)
	x.answerFast(c)
	if s.draining.Load() {
		s.drained.Add(1)
		c.SetConnectionClose()
	}
}

// surviving refuses a request on which even the answer to a panic failed (C13).
func (s *Server) surviving(c *fasthttp.RequestCtx) {
	if cause := recover(); cause != nil {
		c.Response.Reset()
		c.Response.SetStatusCode(http.StatusServiceUnavailable)
		c.SetConnectionClose()
		s.edge.Log.Error("panic beside a check", "panic", cause, "stack", string(debug.Stack()))
	}
}

// receive fills in the request, from the bytes of its head: a server may merge headers that are there twice, and what it merged must not be judged (D7).
func (s *Server) receive(x *exchange, c *fasthttp.RequestCtx) {
	head := &c.Request.Header
	x.ctx = context.Background() // a decision is made of facts in memory; loads have a timeout of their own
	x.method = framing.Text(head.Method())
	x.path, x.query, _ = strings.Cut(originForm(framing.Text(head.RequestURI())), "?")
	if conn, ok := c.Conn().(*framing.Conn); ok {
		x.peer = conn.Peer
	}
	x.given = c.Request.Body()
	x.length = int64(len(x.given))
	for rest := head.RawHeaders(); len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, crlf)
		name, value, found := bytes.Cut(line, colon)
		if !found {
			continue
		}
		value = framing.Trim(value)
		x.take(framing.Text(name), framing.Text(value))
		if len(name) == len("connection") && strings.EqualFold(framing.Text(name), "connection") && bytes.Contains(bytes.ToLower(value), []byte("close")) {
			x.closing = true // fasthttp forgets it when it is not alone
		}
	}
}

var crlf, colon = []byte("\r\n"), []byte(":")

// originForm leaves the authority out of a target in absolute form; framing has seen that it is that of Host.
func originForm(target string) string {
	if target == "" || target[0] == '/' {
		return target
	}
	_, rest, found := strings.Cut(target, "://")
	if !found {
		return target
	}
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		return rest[i:]
	}
	return "/"
}

// answerFast hands the answer to fasthttp, which copies it.
func (x *exchange) answerFast(c *fasthttp.RequestCtx) {
	header := &c.Response.Header
	for _, p := range x.pairs {
		header.SetCanonical(framing.Bytes(p.name), x.values[p.from:p.to]) // which copies both
	}
	c.Response.SetStatusCode(x.status)
	c.Response.SetBody(x.body)
	if x.closing {
		c.SetConnectionClose()
	}
}

func codeOf(status int) string {
	switch status {
	case http.StatusRequestEntityTooLarge, http.StatusRequestHeaderFieldsTooLarge:
		return codeTooLarge
	case http.StatusRequestTimeout:
		return codeTimeout
	}
	return codeBadRequest
}

// fail answers what fasthttp could not read: since framing let it through, that is a request that did not arrive in time, or not whole.
func (s *Server) fail(c *fasthttp.RequestCtx, err error) {
	x := newExchange(s.edge.Clock())
	defer x.free()
	x.docs = s.edge.Docs
	status := http.StatusBadRequest
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() { //nolint:errorlint // fasthttp does not wrap it
		status = http.StatusRequestTimeout
	}
	x.problem(status, codeOf(status), "The request did not arrive whole.", "")
	x.answerFast(c)
	c.SetConnectionClose()
}

// quiet keeps what fasthttp says to itself but for the form of it, now and then: the rest may hold bytes of requests (K1).
type quiet struct{ edge *Edge }

// Printf implements fasthttp.Logger.
func (q quiet) Printf(format string, _ ...any) {
	now := q.edge.Clock().Unix()
	if last := q.edge.grumbled.Load(); now-last >= 10 && q.edge.grumbled.CompareAndSwap(last, now) {
		q.edge.Log.Warn("the edge's listener", "says", format)
	}
}
