package crowd

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// How long a connection of a stranger may be idle where there is no room for all: it has been answered, or has said nothing yet.
const (
	idleWhenHalf = 10 * time.Second // when strangers have more than half of what they get
	idleWhenFull = time.Second      // when they have all: the longest idle ones go
	atOnce       = 20               // one of so many goes then
	lookEvery    = 100 * time.Millisecond
)

// Listener counts the connections of another one. One for which there is no room is closed as soon as it is there, once those that are idle made none.
type Listener struct {
	net.Listener
	count *Count
	now   func() time.Time

	mu                  sync.Mutex
	open                map[*Conn]struct{}
	looked, lookedAtOne time.Time // when idle ones were looked for, of all and of one peer
}

// NewListener returns a Listener over l. Now is the machine's clock.
func NewListener(l net.Listener, b Bounds, now func() time.Time) *Listener {
	return &Listener{Listener: l, count: NewCount(b), now: now, open: map[*Conn]struct{}{}}
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer := PeerOf(c)
		l.makeRoom()
		if !l.count.Enter(peer) && !l.enterForAnother(peer) {
			_ = c.Close() // nothing was said yet
			continue
		}
		conn := &Conn{Conn: c, Peer: peer, of: l}
		conn.rest()
		l.mu.Lock()
		l.open[conn] = struct{}{}
		l.mu.Unlock()
		return conn, nil
	}
}

// PeerOf is the address of the other end; zero when it has none.
func PeerOf(c net.Conn) netip.Addr {
	at, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return at.AddrPort().Addr().Unmap()
}

// makeRoom closes idle connections of strangers where there are many of them.
func (l *Listener) makeRoom() {
	half, whole := l.count.Crowded()
	if !half {
		return
	}
	for _, c := range l.idle(whole, &l.looked, func(*Conn) bool { return true }) {
		_ = c.Close()
	}
}

// enterForAnother lets a peer in for connections of its own network that are idle: behind one address there may be many who know nothing of each other.
func (l *Listener) enterForAnother(peer netip.Addr) bool {
	_, whole := l.count.Crowded()
	if whole {
		return false
	}
	near, far := networks(peer)
	its := func(c *Conn) bool { return near.Contains(c.Peer) || far.IsValid() && far.Contains(c.Peer) }
	for _, c := range l.idle(true, &l.lookedAtOne, its) {
		_ = c.Close()
	}
	return l.count.Enter(peer)
}

// idle returns those of some that go. It looks at all, and so not each time: looked is when it did.
func (l *Listener) idle(whole bool, looked *time.Time, some func(*Conn) bool) []*Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(*looked) < lookEvery {
		return nil
	}
	*looked = now
	type one struct {
		*Conn
		since int64
	}
	var long, short []one
	for c := range l.open {
		since := c.restingSince.Load()
		switch rests := now.UnixNano() - since; {
		case since == 0 || l.count.trusts(c.Peer) || !some(c):
		case rests >= int64(idleWhenHalf):
			long = append(long, one{c, since})
		case whole && rests >= int64(idleWhenFull):
			short = append(short, one{c, since})
		}
	}
	if len(long) == 0 && len(short) > 0 {
		slices.SortFunc(short, func(a, b one) int { return cmp.Compare(a.since, b.since) })
		long = short[:min(len(short), 1+len(l.open)/atOnce)]
	}
	out := make([]*Conn, len(long))
	for i, c := range long {
		out[i] = c.Conn
	}
	return out
}

// Conn is a connection that is counted until it is closed.
type Conn struct {
	net.Conn
	// Peer is the address of the other end; zero when it has none.
	Peer netip.Addr

	of           *Listener
	restingSince atomic.Int64 // in ns since 1970; 0 while it has said something that is not answered
	once         sync.Once
}

func (c *Conn) rest() { c.restingSince.Store(c.of.now().UnixNano()) }

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.restingSince.Store(0)
	}
	return n, err
}

// Write implements net.Conn. Who does not read what is written counts as idle.
func (c *Conn) Write(b []byte) (int, error) {
	c.rest()
	return c.Conn.Write(b)
}

// CloseWrite closes the side that this end writes to, where the connection has sides.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	c.once.Do(func() {
		c.of.mu.Lock()
		delete(c.of.open, c)
		c.of.mu.Unlock()
		c.of.count.Leave(c.Peer)
	})
	return c.Conn.Close()
}
