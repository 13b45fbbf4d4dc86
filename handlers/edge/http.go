package edge

import (
	"net/http"
	"net/netip"
	"time"
)

// carried returns an exchange with a request of net/http.
func (e *Edge) carried(r *http.Request) *exchange {
	x := newExchange(e.Clock())
	x.docs = e.Docs
	x.ctx, x.method, x.path, x.query, x.peer = r.Context(), r.Method, r.URL.EscapedPath(), r.URL.RawQuery, peerOf(r.RemoteAddr)
	x.length, x.stream = r.ContentLength, r.Body
	for f, name := range headerNames {
		x.fields[f] = append(x.fields[f], r.Header[name]...)
	}
	for name := range r.Header {
		x.posed = x.posed || posing(name)
	}
	return x
}

func peerOf(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// answerTo sends the headers that were set, and the answer when there is one.
func (x *exchange) answerTo(w http.ResponseWriter) {
	header, values := w.Header(), string(x.values)
	each := make([]string, len(x.pairs))
	for i, p := range x.pairs {
		each[i] = values[p.from:p.to]
		header[p.name] = each[i : i+1 : i+1]
	}
	if x.status == 0 {
		return
	}
	if x.closing {
		header.Set("Connection", "close")
	}
	w.WriteHeader(x.status)
	_, _ = w.Write(x.body) // whoever asked has gone away
}

// ServeHTTP implements http.Handler.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := e.carried(r)
	defer x.free()
	e.serve(x)
	x.answerTo(w)
}

// NewServer is a server of net/http for h, with bounds on how long and how large a request may be (L3). It answers
// OPTIONS * itself as any other path: net/http's own answer to it would be a 200 that nobody decided.
func NewServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 128 << 10, DisableGeneralOptionsHandler: true,
	}
}
