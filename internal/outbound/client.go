// Package outbound makes the HTTP clients for what is fetched from servers that others run (N). An address is judged where a connection is made, after names were
// resolved, at every try: loopback, private, link-local, shared and special networks are refused unless the operator named them. It takes no proxy from the
// environment, follows no redirect, and reads no more of an answer than a bound.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// Bounds of one request.
const (
	Timeout  = 5 * time.Second
	MostBody = 1 << 20
)

// ErrAddress is returned for a connection to a network that is none of the public ones.
var ErrAddress = errors.New("outbound: the address is not a public one")

// ErrTooLong is returned while reading the body of an answer that is longer than MostBody.
var ErrTooLong = errors.New("outbound: the answer is too long")

// special are the networks that are not somewhere on the internet (IANA's registries of special-purpose addresses), beyond what netip tells.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("3fff::/20"), netip.MustParsePrefix("5f00::/16"),
}

// Public reports whether an address is one of the internet: IPv4 within IPv6 is judged as IPv4.
func Public(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	return !slices.ContainsFunc(special, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// NewClient makes a client. Allowed are the networks besides the public ones to which it may connect.
func NewClient(allowed []netip.Prefix) *http.Client {
	dialer := &net.Dialer{Timeout: Timeout, Control: func(_, address string, _ syscall.RawConn) error { return judge(address, allowed) }}
	return &http.Client{
		Timeout: Timeout,
		Transport: bounded{&http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: Timeout, ResponseHeaderTimeout: Timeout, MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// judge sees the address that is connected to, never a name.
func judge(address string, allowed []netip.Prefix) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAddress, err)
	}
	addr := to.Addr().Unmap().WithZone("")
	if Public(addr) || slices.ContainsFunc(allowed, func(n netip.Prefix) bool { return n.Contains(addr) }) {
		return nil
	}
	return ErrAddress
}

// bounded ends the body of an answer with ErrTooLong when it is too long.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = &body{answer.Body, MostBody}
	return answer, nil
}

type body struct {
	io.ReadCloser
	left int64
}

func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLong
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrTooLong
	}
	return n, err
}

// Fetch reads the whole body of an answer of 200 to a request.
func Fetch(ctx context.Context, c *http.Client, r *http.Request) ([]byte, error) {
	answer, err := c.Do(r.WithContext(ctx)) //nolint:gosec // that is what NewClient is for: it judges where it goes
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("outbound: %s answered %s", r.URL.Host, answer.Status)
	}
	return text, err
}
