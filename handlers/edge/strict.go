package edge

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/crowd"
	"github.com/gatehouse-dev/gatehouse/internal/framing"
)

// Bounds of what net/http listens at (L3, D13). Bodies are bounded by route; a connection that waits holds about 10 KiB.
const (
	mostPortalHead        = 64 << 10
	mostPortalBody        = 1 << 30
	mostPortalConnections = 20_000
	mostPortalOfOne       = mostPortalConnections / 10 // of one address, unless it is trusted
)

// Strict is l for a server of net/http, which then reads nothing but requests that can be read in one way, as the edge's own listener does (D13): net/http alone takes lines
// that end in LF, and folded ones. Now is the machine's own clock. TLS, if any, must have ended before l; StrictTLS ends it (docs/decisions/0010-strict-on-every-port.md).
func (e *Edge) Strict(l net.Listener, now func() time.Time) net.Listener {
	return framing.NewListener(l, e.framed(now))
}

func (e *Edge) framed(now func() time.Time) framing.Options {
	return framing.Options{
		Limits: framing.Limits{Head: mostPortalHead, Fields: mostFields, Body: mostPortalBody}, Answer: e.refusal, Now: now,
		Bounds: e.bounds(mostPortalConnections, mostPortalOfOne),
	}
}

// bounds are those of a listener's connections. As many as one address may have are kept for those who are known by theirs: the proxies and gateways that are trusted.
func (e *Edge) bounds(most, ofOne int) crowd.Bounds {
	return crowd.Bounds{Total: most, PerPeer: ofOne, Reserve: ofOne, Trusted: e.Trusts}
}

// refusal is what is said to a request that framing did not let through.
func (e *Edge) refusal(r *framing.Refusal) []byte {
	x := newExchange(e.Clock())
	defer x.free()
	x.docs = e.Docs
	x.problem(r.Status, codeOf(r.Status), r.Reason, "")
	return x.response()
}

// response is the answer as it goes over a wire that ends with it.
func (x *exchange) response() []byte {
	b := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %d\r\n", x.status, http.StatusText(x.status), len(x.body))
	for _, p := range x.pairs {
		b = fmt.Appendf(b, "%s: %s\r\n", p.name, x.values[p.from:p.to])
	}
	return append(append(b, "\r\n"...), x.body...)
}
