package testenv

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A Link is the way of one program to a server, which a test can cut. What goes over it is passed on unchanged while it is whole.
type Link struct {
	// Addr is where the program connects to: host and port.
	Addr string

	target   string
	listener net.Listener
	all      sync.WaitGroup
	lost     atomic.Int64

	mu    sync.Mutex
	state linkState
	slow  time.Duration // how long what is sent takes
	turn  chan struct{} // closed when the state changes
	open  map[net.Conn]struct{}
}

type linkState int

const (
	whole linkState = iota
	cut
	hung
	mute
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

// LoseCommits lets all through but the answer to a commit of PostgreSQL: with that the connection ends, so that who sent it can't know what became of it.
func (l *Link) LoseCommits() { l.set(mute) }

// Slow lets all through, each piece this much later.
func (l *Link) Slow(by time.Duration) { l.become(whole, by) }

// Mend makes the way whole again.
func (l *Link) Mend() { l.set(whole) }

// LeadTo has new connections lead to another server, as a name or an address does that is given to it: that of the URL. Those that are open stay where they are.
func (l *Link) LeadTo(address string) {
	u, err := url.Parse(address)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.target = u.Host
	}
}

func (l *Link) leadsTo() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.target
}

// Lost is how many commits were left without an answer.
func (l *Link) Lost() int64 { return l.lost.Load() }

func (l *Link) set(s linkState) { l.become(s, 0) }

func (l *Link) become(s linkState, slow time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state, l.slow = s, slow
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
	server, err := net.Dial("tcp", l.leadsTo()) //nolint:noctx // ends with the link
	if err != nil || !l.keep(server) {
		return
	}
	defer l.forget(server)
	ended := make(chan struct{}, 2)
	var silenced atomic.Bool
	for _, way := range []struct {
		from, to net.Conn
		asks     bool
	}{{client, server, true}, {server, client, false}} {
		l.all.Go(func() {
			_, _ = io.Copy(gate{l, way.to, way.asks, &silenced}, way.from)
			ended <- struct{}{}
		})
	}
	<-ended
}

// gate writes to a connection while the way is whole.
type gate struct {
	link     *Link
	to       net.Conn
	asks     bool         // it leads to the server
	silenced *atomic.Bool // the server's next answer is lost
}

// Write waits while the way hangs, and fails once it is cut.
func (g gate) Write(b []byte) (int, error) {
	for {
		g.link.mu.Lock()
		state, slow, turn := g.link.state, g.link.slow, g.link.turn
		g.link.mu.Unlock()
		switch state {
		case cut:
			return 0, net.ErrClosed
		case hung:
			<-turn
			continue
		case mute:
			if g.asks && bytes.Contains(b, []byte("commit\x00")) {
				g.silenced.Store(true)
			}
		}
		if !g.asks && g.silenced.Load() {
			g.link.lost.Add(1)
			return 0, net.ErrClosed
		}
		if slow > 0 {
			wait := time.NewTimer(slow)
			select {
			case <-wait.C:
			case <-turn:
			}
			wait.Stop()
		}
		return g.to.Write(b)
	}
}
