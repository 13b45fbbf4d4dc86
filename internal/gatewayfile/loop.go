package gatewayfile

import (
	"net"
	"net/netip"
	"strings"
)

// Loops reports whether the gateway would find itself where it looks for the service, so that each request would go round until one of both gives up:
// on the port that it listens on, at an address of that listener or by the name that it answers for. Names are not looked up.
func (o Options) Loops() bool {
	service, name := address(o.Upstream), strings.ToLower(o.serverName())
	at, port := o.listen()
	at = strings.Trim(at, "[]")
	own := strings.ToLower(service.hostname)
	_, servicePort, err := net.SplitHostPort(service.hostPort)
	if err != nil {
		return false
	}
	named := name != "" && sameHost(own, name)
	if named && port == "80" && servicePort == "443" {
		return true // by the name that callers come by, past what ends TLS for the gateway
	}
	if servicePort != port {
		return false
	}
	if everywhere(at) {
		return named || sameHost(own, "localhost") || everywhere(own)
	}
	return named || sameHost(own, at)
}

// everywhere reports whether a listener at host takes all addresses.
func everywhere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

// sameHost reports whether both are the same host, as far as their texts say.
func sameHost(a, b string) bool { return a == b || Loopback(a) && Loopback(b) }

// Loopback reports whether host, without a port, is this machine by a name or address that never leaves it.
func Loopback(host string) bool {
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}
