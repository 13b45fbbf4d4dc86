package edge_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/edge"
)

// server is what carries requests to the edge.
type server interface {
	Serve(l net.Listener) error
	Shutdown(ctx context.Context) error
}

// servers are all that there are. Every test of this package runs on each.
var servers = []struct {
	name string
	over func(h http.Handler) server
}{
	{"net/http", overNetHTTP},
	{"fasthttp", func(h http.Handler) server {
		if e, ok := h.(*edge.Edge); ok {
			return edge.NewListenerServer(e, time.Now)
		}
		return overNetHTTP(h) // the edge in front of the portal's pages, which fasthttp never carries
	}},
}

func overNetHTTP(h http.Handler) server {
	s := edge.NewServer(h)
	s.ErrorLog = log.New(io.Discard, "", 0)
	if e, ok := h.(*edge.Edge); ok {
		return strict{s, e}
	}
	return s
}

// strict is net/http as the portal's port has it.
type strict struct {
	*http.Server
	edge *edge.Edge
}

func (s strict) Serve(l net.Listener) error { return s.Server.Serve(s.edge.Strict(l, time.Now)) }

// carrier is the one that the tests run on now.
var carrier = servers[0]

// Tests over a real database take most of the time. Servers make no difference to what a database says, so these run once, on both in turn.
const overDatabases = "TestEachCauseStopsTheKeyAtOnce|TestAKeyOutlivesItsMakerAndItsMove|TestWarmChecksTouchNoDatabase|TestCallsOfTheEdgeAreCountedExactly|TestNoKeyIsKeptAnywhere|" +
	"TestRefusalIsFoundByTheRequestIDOfItsAnswer|TestAllowedCallLeavesNothingToExplain|TestStormOfUnknownKeysIsAnsweredAndSampled"

func TestMain(m *testing.M) {
	flag.Parse()
	for i := range servers {
		carrier = servers[i]
		fmt.Println("== requests are carried by", carrier.name)
		if code := m.Run(); code != 0 {
			os.Exit(code)
		}
		if err := flag.Set("test.skip", overDatabases); err != nil {
			panic(err)
		}
	}
}

// alternate makes the other server carry the next request.
func alternate() {
	if carrier.name == servers[0].name {
		carrier = servers[1]
	} else {
		carrier = servers[0]
	}
}

// pipes is a listener on which each connection comes from an address of the test's choice.
type pipes struct{ conns chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	c, open := <-p.conns
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

type dialled struct {
	net.Conn
	remote net.Addr
}

func (c dialled) RemoteAddr() net.Addr { return c.remote }

// carry has h answer r over a connection of its own, from r's remote address.
func carry(t testing.TB, h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	near, far := net.Pipe()
	defer func() { _ = near.Close() }()
	p := pipes{make(chan net.Conn, 1)}
	p.conns <- dialled{far, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(r.RemoteAddr))}
	s := carrier.over(h)
	go func() { _ = s.Serve(p) }()
	defer close(p.conns)
	if r.Host == "" {
		r.Host = "gatehouse"
	}
	if r.ContentLength == 0 {
		r.Body = http.NoBody // or it would be sent in chunks
	}
	var request bytes.Buffer
	if err := r.Write(&request); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = near.Write(request.Bytes()) }()
	answer, err := http.ReadResponse(bufio.NewReader(near), r)
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	for name, values := range answer.Header {
		recorder.Header()[name] = values
	}
	recorder.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(recorder, answer.Body); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	return recorder
}

// listening serves h at an address of this machine until the test ends.
func listening(t testing.TB, h http.Handler) (address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := carrier.over(h)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := s.Shutdown(ctx)
		if served := <-done; err != nil || served != nil && !errors.Is(served, http.ErrServerClosed) {
			t.Error(err, served)
		}
	})
	return l.Addr().String()
}
