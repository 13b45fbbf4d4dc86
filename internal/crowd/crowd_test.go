package crowd_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/crowd"
)

// L3: no address has more than its part, no network of addresses more than twice that, and strangers together never all.
func TestNobodyTakesWhatOthersNeed(t *testing.T) {
	proxy := netip.MustParseAddr("192.0.2.1")
	c := crowd.NewCount(crowd.Bounds{Total: 20, PerPeer: 3, Reserve: 4, Trusted: func(a netip.Addr) bool { return a == proxy }})
	enter := func(peers ...string) (n int) {
		for _, peer := range peers {
			if c.Enter(netip.MustParseAddr(peer)) {
				n++
			}
		}
		return n
	}
	for _, a := range []struct {
		what  string
		peers []string
		let   int
	}{
		{"one address", slices.Repeat([]string{"203.0.113.1"}, 5), 3},
		{"one /64", []string{"2001:db8:1:1::1", "2001:db8:1:1::2", "2001:db8:1:1::3", "2001:db8:1:1::4"}, 3},
		{"the rest of its /48", []string{"2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:1:4::1", "2001:db8:1:5::1"}, 3},
		{"other addresses", []string{"203.0.113.2", "203.0.113.3", "203.0.113.4", "203.0.113.5", "203.0.113.6", "203.0.113.7", "203.0.113.8", "2001:db8:2::1"}, 7},
		{"a trusted proxy", slices.Repeat([]string{proxy.String()}, 9), 4},
	} {
		if let := enter(a.peers...); let != a.let {
			t.Errorf("%s: %d, want %d", a.what, let, a.let)
		}
	}
	c.Leave(netip.MustParseAddr("203.0.113.1"))
	if enter("203.0.113.1", "203.0.113.1") != 1 {
		t.Error("what was left is not given to the next, once")
	}
}

// server is a listener whose connections echo, with a clock of its own.
type server struct {
	t    *testing.T
	l    net.Listener
	late atomic.Int64
}

func newServer(t *testing.T, b crowd.Bounds) *server {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t}
	start := time.Now()
	s.l = crowd.NewListener(l, b, func() time.Time { return start.Add(time.Duration(s.late.Load())) })
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := s.l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				b := make([]byte, 1)
				for {
					if _, err := c.Read(b); err != nil {
						return
					}
					if b[0] == '?' { // a question that takes long
						continue
					}
					if _, err := c.Write(b); err != nil {
						return
					}
				}
			}()
		}
	}()
	return s
}

// dial connects and has one byte echoed; nil when it was not let in.
func (s *server) dial(from, say string) net.Conn {
	s.t.Helper()
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext(s.t.Context(), "tcp", s.l.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	_, _ = io.WriteString(c, "x"+say)
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		return nil
	}
	return c
}

func (s *server) closed(c net.Conn) bool {
	s.t.Helper()
	_, _ = io.WriteString(c, "x")
	_, err := io.ReadFull(c, make([]byte, 1))
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		s.t.Fatal("neither closed nor answered")
	}
	return err != nil
}

// L3: a newcomer comes in for who does nothing, and not for who waits for an answer.
func TestTheLongestIdleMakesRoom(t *testing.T) {
	s := newServer(t, crowd.Bounds{Total: 4, PerPeer: 4})
	idle := s.dial("127.0.0.2", "")
	s.late.Add(int64(200 * time.Millisecond))
	used := s.dial("127.0.0.3", "")
	waiting := s.dial("127.0.0.4", "?")
	last := s.dial("127.0.0.5", "")
	if idle == nil || used == nil || waiting == nil || last == nil {
		t.Fatal("control: four of four are let in")
	}
	if s.dial("127.0.0.6", "") != nil {
		t.Error("one more of four while none was idle for long")
	}

	s.late.Add(int64(1100 * time.Millisecond))
	newcomer := s.dial("127.0.0.6", "")

	if newcomer == nil || !s.closed(idle) {
		t.Error("the longest idle did not make room")
	}
	if s.closed(used) || s.closed(last) || s.closed(waiting) {
		t.Error("more had to go than one")
	}
}

// L3: when more than half is taken, nobody keeps a connection for nothing.
func TestIdleConnectionsGoWhenManyAreOpen(t *testing.T) {
	s := newServer(t, crowd.Bounds{Total: 6, PerPeer: 6})
	first, second := s.dial("127.0.0.2", ""), s.dial("127.0.0.2", "")
	s.late.Add(int64(time.Minute))
	third := s.dial("127.0.0.2", "")
	fourth := s.dial("127.0.0.2", "")
	if first == nil || second == nil || third == nil || fourth == nil {
		t.Fatal("control: there is room")
	}
	if s.closed(first) {
		t.Fatal("control: half is no crowd")
	}
	s.late.Add(int64(11 * time.Second))

	fifth := s.dial("127.0.0.3", "")

	if fifth == nil || !s.closed(first) || !s.closed(second) || !s.closed(third) {
		t.Error("who was idle stays")
	}
}

// L3: who shares an address with many who do nothing is let in for one of them; strangers elsewhere stay.
func TestAnIdleConnectionOfTheSameAddressMakesRoom(t *testing.T) {
	s := newServer(t, crowd.Bounds{Total: 100, PerPeer: 2})
	other, idle, used := s.dial("127.0.0.3", ""), s.dial("127.0.0.2", ""), s.dial("127.0.0.2", "")
	if other == nil || idle == nil || used == nil || s.dial("127.0.0.2", "") != nil {
		t.Fatal("control: two of one address are let in, and no third while they are not idle for long")
	}
	s.late.Add(int64(1100 * time.Millisecond))
	if s.closed(used) {
		t.Fatal("control: two are open")
	}

	third := s.dial("127.0.0.2", "")

	if third == nil || !s.closed(idle) || s.closed(used) || s.closed(other) {
		t.Error("the idle one, and no other, makes room:", third == nil, s.closed(idle), s.closed(used), s.closed(other))
	}
}
