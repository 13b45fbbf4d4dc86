package smtp

import (
	"context"
	"crypto/tls"
	"net"
)

// DialTo makes the sender reach this address whatever its server is called, so that a test can stand in for a distant
// host.
func (s *Sender) DialTo(address string) {
	s.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		if s.server.implicitTLS {
			return (&tls.Dialer{Config: s.tls()}).DialContext(ctx, "tcp", address)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
}
