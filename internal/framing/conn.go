package framing

import (
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/crowd"
)

// Options are what a Listener needs. Answer and Now are required.
type Options struct {
	Limits Limits
	// Answer returns a whole response, with Connection: close, for a request that is refused.
	Answer func(*Refusal) []byte
	Now    func() time.Time // of the machine, for deadlines
	// Bounds are those of a Listener's connections; one that is not let in is closed as soon as it is there.
	Bounds crowd.Bounds
}

// Listener wraps each connection of another one in a Conn. TLS, if any, ends below it.
type Listener struct {
	net.Listener
	options Options
}

// NewListener returns a Listener over l.
func NewListener(l net.Listener, o Options) *Listener {
	return &Listener{Listener: crowd.NewListener(l, o.Bounds, o.Now), options: o}
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return NewConn(c, l.options), nil
}

// Conn is a connection whose reader gets nothing but requests that can be read in one way. When another kind comes, everything before it is
// answered first; then the Conn answers itself, closes its side, and reads as ended.
type Conn struct {
	net.Conn
	// Peer is the address of the other end; zero when it has none.
	Peer    netip.Addr
	options *Options
	reader  Reader
	refused *Refusal
	first   []byte // of what was refused behind good requests, while nobody has asked for it
	ahead   []byte // was passed on and is not judged yet
	spoke   bool   // the refusal was sent, and is the last word
}

// NewConn returns a Conn over c.
func NewConn(c net.Conn, o Options) *Conn {
	return &Conn{Conn: c, Peer: crowd.PeerOf(c), options: &o, reader: Reader{Limits: o.Limits}}
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	if len(b) == 1 {
		return c.lookAhead(b)
	}
	if c.refused != nil {
		return 0, c.refuse()
	}
	n, err := c.Conn.Read(b)
	if n > 0 && len(c.ahead) > 0 {
		_, c.refused = c.reader.Feed(c.ahead)
		c.ahead = nil
	}
	if c.refused != nil {
		return 0, c.refuse()
	}
	good, refused := c.reader.Feed(b[:n])
	if refused == nil {
		return n, err
	}
	c.refused = refused
	if good > 0 {
		c.first = []byte{b[good]}
		return good, nil
	}
	return 0, c.refuse()
}

// lookAhead reads one byte. So net/http finds out whether its client is still there while it answers: nothing may be refused before that answer, and
// one byte of a request says nothing. It is judged with those that follow.
func (c *Conn) lookAhead(b []byte) (int, error) {
	switch {
	case len(c.first) > 0:
		n := copy(b, c.first)
		c.first = nil
		return n, nil
	case c.refused != nil:
		return 0, io.EOF
	}
	n, err := c.Conn.Read(b)
	c.ahead = append(c.ahead, b[:n]...)
	return n, err
}

// Write implements net.Conn. After a refusal nothing is said any more: the server below has nothing to add to what it did not see.
func (c *Conn) Write(b []byte) (int, error) {
	if c.spoke {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// How long, and for how much, an end that was refused is listened to, so that it can read why before the connection is reset.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

// refuse says why, once, and returns what readers of an ended connection get.
func (c *Conn) refuse() error {
	if c.spoke {
		return io.EOF
	}
	c.spoke = true
	if err := c.SetDeadline(c.options.Now().Add(lingerTime)); err != nil {
		return io.EOF
	}
	if _, err := c.Conn.Write(c.options.Answer(c.refused)); err != nil {
		return io.EOF
	}
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(c.Conn, lingerBytes)) // until it hangs up, or the time is over
	}
	return io.EOF
}
