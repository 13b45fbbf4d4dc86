package edge

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

var errNoPortal = errors.New("edge: the portal's own API is not in the catalogue")

// caller returns the address of whoever calls us: that of the socket, unless a trusted proxy holds its other end and says on whose
// behalf (C4).
func (e *Edge) caller(x *exchange) netip.Addr {
	if !e.trusts(x.peer) {
		return x.peer
	}
	addr, ok := e.rightmost(x.all(forwardedFor))
	if !ok || !addr.IsValid() {
		return x.peer
	}
	return addr
}

func (e *Edge) trusts(addr netip.Addr) bool {
	for _, proxy := range e.TrustedProxies {
		if proxy.Contains(addr) {
			return true
		}
	}
	return false
}

// rightmost returns the last address of the lists that is no trusted proxy's; the first when all are; none for no list. What stands to
// the left of it was said by strangers and is not even read. ok is false when what must be read is no address.
func (e *Edge) rightmost(lists []string) (found netip.Addr, ok bool) {
	for i := len(lists) - 1; i >= 0; i-- {
		for rest := lists[i]; rest != ""; {
			cut := strings.LastIndexByte(rest, ',')
			entry := strings.TrimSpace(rest[cut+1:])
			rest = rest[:max(cut, 0)]
			addr, err := parseAddr(entry)
			if err != nil {
				return netip.Addr{}, false
			}
			if found = addr; !e.trusts(addr) {
				return found, true
			}
		}
	}
	return found, true
}

// parseAddr reads an address, also with a port as some proxies write it.
func parseAddr(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		var with netip.AddrPort
		if with, err = netip.ParseAddrPort(text); err != nil {
			return netip.Addr{}, err
		}
		addr = with.Addr()
	}
	return addr.Unmap().WithZone(""), nil
}

// original is the request that a gateway asks about, as its headers tell.
type original struct {
	method string
	path   keyring.Path
	ip     netip.Addr
	origin string
	named  bool // method and path were told
}

// originalOf reads the forwarded headers of an identified gateway (D7). Two names are in use, X-Forwarded-* and X-Original-*; a gateway
// sets one and lets the other through as the client sent it. So where both are there they must agree, and method and target must
// come under the same name; otherwise a client could bring half of what it is judged by. what says what is wrong, "" for nothing.
func (e *Edge) originalOf(x *exchange) (o original, what string) {
	fMethod, ok1 := only(x.all(forwardedMethod))
	fTarget, ok2 := only(x.all(forwardedURI))
	oMethod, ok3 := only(x.all(originalMethod))
	oTarget, ok4 := only(x.all(originalURI))
	from, ok5 := only(x.all(origin))
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return o, "A header of the original request is empty or there twice."
	}
	if x.posed {
		return o, "A header has a name that a service could read as one of Gatehouse's."
	}
	method, ok1 := agreed(fMethod, oMethod)
	target, ok2 := agreed(fTarget, oTarget)
	forwarded := fMethod != "" && fTarget != ""
	if !ok1 || !ok2 {
		return o, "X-Forwarded-* and X-Original-* tell of different requests."
	}
	if (method != "" || target != "") && !forwarded && (oMethod == "" || oTarget == "") {
		return o, "Method and target of the original request go together, under the same name."
	}
	if o.ip, ok1 = e.rightmost(x.all(forwardedFor)); !ok1 {
		return o, "X-Forwarded-For holds something that is no address."
	}
	o.method, o.origin, o.named = method, from, target != ""
	if o.named {
		if overridden(x, method, target) {
			return o, "A header or the query asks for another method or route than that of the request."
		}
		if holdsKey(target) {
			return o, sayLeaked
		}
		var err error
		if o.path, err = keyring.Canonical(target); err != nil {
			return o, "The target of the original request can be read in two ways."
		}
	}
	return o, ""
}

// overridden reports whether the client asks the service for another method or route than the one that is judged. Not every gateway takes such
// headers off, none takes _method off the query, and a key that may only read must not write by one (K5).
func overridden(x *exchange, method, target string) bool {
	if keyring.MethodOverridden(method, target) {
		return true
	}
	for _, values := range [...][]string{x.all(httpMethodOverride), x.all(httpMethod), x.all(methodOverride)} {
		for _, value := range values {
			if value != method {
				return true
			}
		}
	}
	for _, values := range [...][]string{x.all(originalURL), x.all(rewriteURL)} {
		for _, value := range values {
			if value != target {
				return true
			}
		}
	}
	return false
}

// only returns the value of a header that may be there once at most; an empty one is not the same as none.
func only(values []string) (string, bool) {
	switch len(values) {
	case 0:
		return "", true
	case 1:
		return values[0], values[0] != ""
	}
	return "", false
}

// agreed is what two say of the same thing, of which one may say nothing.
func agreed(a, b string) (string, bool) {
	switch {
	case a == "" || a == b:
		return b, true
	case b == "":
		return a, true
	}
	return "", false
}
