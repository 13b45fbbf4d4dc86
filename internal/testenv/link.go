package testenv

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// A Link is the way of one program to a server, which a test can cut. What goes over it is passed on unchanged while it is whole.
type Link struct {
	// Addr is where the program connects to: host and port.
	Addr string

	target   string
	listener net.Listener
	all      sync.WaitGroup

	mu    sync.Mutex
	state linkState
	turn  chan struct{} // closed when the state changes
	open  map[net.Conn]struct{}
}

type linkState int

const (
	whole linkState = iota
	cut
	hung
)

// NewLink makes a way to the server at the address (host and port), until the test ends.
func NewLink(t testing.TB, target string) *Link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's listener
	if err != nil {
		t.Fatal(err)
	}
	l := &Link{Addr: listener.Addr().String(), target: target, listener: listener, turn: make(chan struct{}), open: map[net.Conn]struct{}{}}
	l.all.Go(l.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		l.Cut()
		l.all.Wait()
	})
	return l
}

// LinkTo makes a way to the server that a URL names, and returns it with the URL that leads over it.
func LinkTo(t testing.TB, address string) (*Link, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("not a URL") // its own words would show the password
	}
	l := NewLink(t, u.Host)
	u.Host = l.Addr
	return l, u.String()
}

// Cut ends all connections and refuses new ones, as a server that is gone does.
func (l *Link) Cut() { l.set(cut) }

// Hang keeps all connections and takes new ones, and lets nothing through, as a network that swallows packets does. What was sent meanwhile arrives
// after Mend.
func (l *Link) Hang() { l.set(hung) }

// Mend makes the way whole again.
func (l *Link) Mend() { l.set(whole) }

func (l *Link) set(s linkState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	close(l.turn)
	l.turn = make(chan struct{})
	if s == cut {
		for conn := range l.open {
			_ = conn.Close()
		}
	}
}

func (l *Link) accept() {
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			return
		}
		if l.keep(conn) {
			l.all.Go(func() { l.carry(conn) })
		}
	}
}

// keep notes a connection, so that Cut ends it. It is false, and the connection closed, while the way is cut.
func (l *Link) keep(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == cut {
		_ = conn.Close()
		return false
	}
	l.open[conn] = struct{}{}
	return true
}

func (l *Link) forget(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, conn)
	_ = conn.Close()
}

// carry passes on what comes from either side, until one of them ends.
func (l *Link) carry(client net.Conn) {
	defer l.forget(client)
	server, err := net.Dial("tcp", l.target) //nolint:noctx // ends with the link
	if err != nil || !l.keep(server) {
		return
	}
	defer l.forget(server)
	ended := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		l.all.Go(func() {
			_, _ = io.Copy(gate{l, way[1]}, way[0])
			ended <- struct{}{}
		})
	}
	<-ended
}

// gate writes to a connection while the way is whole.
type gate struct {
	link *Link
	to   net.Conn
}

// Write waits while the way hangs, and fails once it is cut.
func (g gate) Write(b []byte) (int, error) {
	for {
		g.link.mu.Lock()
		state, turn := g.link.state, g.link.turn
		g.link.mu.Unlock()
		switch state {
		case whole:
			return g.to.Write(b)
		case cut:
			return 0, net.ErrClosed
		case hung:
			<-turn
		}
	}
}
