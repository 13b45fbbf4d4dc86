package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/crowd"
	"github.com/gatehouse-dev/gatehouse/internal/framing"
)

// handshakeTime is how long a connection has for its handshake.
const handshakeTime = 5 * time.Second

// StrictTLS is Strict where TLS ends here: connections have the same bounds, counted before the handshake, and HTTP/1 is read in one way inside of TLS, since a proxy that encrypts
// anew stands between. What agreed on HTTP/2 has a framing of its own, and is handed on as the *tls.Conn by which net/http knows it.
func (e *Edge) StrictTLS(l net.Listener, config *tls.Config, now func() time.Time) net.Listener {
	o := e.framed(now)
	return &tlsListener{
		Listener: crowd.NewListener(l, o.Bounds, now), config: config, options: o,
		ready: make(chan net.Conn), failed: make(chan error), done: make(chan struct{}),
	}
}

// tlsListener shakes hands before it hands a connection on, since that tells how it is to be read. One that is slow holds up no other.
type tlsListener struct {
	net.Listener
	config  *tls.Config
	options framing.Options

	begin, end sync.Once
	ready      chan net.Conn
	failed     chan error
	done       chan struct{}
}

// Accept implements net.Listener.
func (l *tlsListener) Accept() (net.Conn, error) {
	l.begin.Do(func() { go l.run() })
	select {
	case c := <-l.ready:
		return c, nil
	case err := <-l.failed:
		return nil, err
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *tlsListener) Close() error {
	l.end.Do(func() { close(l.done) })
	return l.Listener.Close()
}

func (l *tlsListener) run() {
	for {
		c, err := l.Listener.Accept()
		if err == nil {
			go l.shake(c)
			continue
		}
		select {
		case l.failed <- err: // whoever accepts waits before it asks again
		case <-l.done:
			return
		}
	}
}

// toPlain is what net/http says to who speaks HTTP where TLS is spoken.
const toPlain = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"

func (l *tlsListener) shake(c net.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	secure := tls.Server(c, l.config)
	if err := secure.HandshakeContext(ctx); err != nil {
		var other tls.RecordHeaderError
		if errors.As(err, &other) && other.Conn != nil && inClear(other.RecordHeader[:]) {
			_, _ = io.WriteString(other.Conn, toPlain)
		}
		_ = c.Close()
		return
	}
	var conn net.Conn = secure
	if secure.ConnectionState().NegotiatedProtocol != "h2" {
		conn = framing.NewConn(secure, l.options)
	}
	select {
	case l.ready <- conn:
	case <-l.done:
		_ = conn.Close()
	}
}

// inClear reports whether a record is the beginning of a request of HTTP.
func inClear(header []byte) bool {
	return slices.Contains([]string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO"}, string(header))
}
