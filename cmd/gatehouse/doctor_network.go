package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// checkListeners looks who is at the addresses: nobody, us, or another program.
func (d *doctor) checkListeners(ctx context.Context) {
	for _, l := range []struct {
		check, variable, addr string
		ours                  func(context.Context, string) bool
	}{
		{"portal", "GATEHOUSE_ADDR", d.settings.Addr, d.isPortal},
		{"edge", "GATEHOUSE_EDGE_ADDR", d.settings.EdgeAddr, d.isEdge},
		{"envoy", "GATEHOUSE_ENVOY_ADDR", d.settings.EnvoyAddr, d.isEnvoy},
		{"metrics", "GATEHOUSE_METRICS_ADDR", d.settings.MetricsAddr, d.isMetrics},
	} {
		if l.addr == "" || strings.HasSuffix(l.addr, ":0") {
			continue
		}
		free, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.addr)
		switch {
		case err == nil:
			_ = free.Close()
			if l.check != "portal" && d.serving {
				d.warn(l.check, "nobody listens at "+l.addr+", though the portal is served", "Restart it with "+l.variable+" set")
				continue
			}
			d.ok(l.check, l.addr+" is free: nothing is served there now")
		case errors.Is(err, syscall.EADDRINUSE) && l.ours(ctx, localURL(d.settings, l.addr)):
			d.serving = d.serving || l.check == "portal"
			d.ok(l.check, "a Gatehouse answers at "+l.addr)
		case errors.Is(err, syscall.EADDRINUSE):
			d.fail(l.check, "another program is at "+l.addr, "Give "+l.variable+" an address of its own, or stop that program")
		case errors.Is(err, syscall.EACCES):
			d.fail(l.check, l.addr+" is not ours to listen on", "Take a port from 1024 on, or give the program CAP_NET_BIND_SERVICE")
		default:
			d.fail(l.check, err.Error(), "Mend "+l.variable)
		}
	}
}

func (d *doctor) isPortal(ctx context.Context, url string) bool {
	status, _, body, err := d.ask(ctx, localClient(), url+"/healthz")
	if err != nil || status != http.StatusOK || body != "alive\n" {
		return false
	}
	if status, _, why, err := d.ask(ctx, localClient(), url+"/readyz"); err != nil || status != http.StatusOK {
		d.warn("ready", "it lives, but is not ready: "+strings.TrimSpace(why), "Look at its log; balancers send it nothing meanwhile")
	}
	return true
}

func (d *doctor) isEdge(ctx context.Context, url string) bool {
	status, header, _, err := d.ask(ctx, localClient(), url+"/v1/whoami")
	pages, _, _, portal := d.ask(ctx, localClient(), url+"/healthz")
	return err == nil && status == http.StatusUnauthorized && strings.HasPrefix(header.Get("X-Request-Id"), "req_") && portal == nil && pages == http.StatusNotFound
}

// isEnvoy asks for health over gRPC.
func (d *doctor) isEnvoy(ctx context.Context, url string) bool {
	scheme, address, _ := strings.Cut(url, "://")
	channel := insecure.NewCredentials()
	if scheme == "https" {
		channel = credentials.NewTLS(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) //nolint:gosec // it is this machine, and nothing is told
	}
	client, err := grpc.NewClient(address, grpc.WithTransportCredentials(channel))
	if err != nil {
		return false
	}
	defer func() { _ = client.Close() }()
	health, err := grpc_health_v1.NewHealthClient(client).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	return err == nil && health.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING
}

func (d *doctor) isMetrics(ctx context.Context, url string) bool {
	status, _, body, err := d.ask(ctx, localClient(), url+"/metrics")
	return err == nil && status == http.StatusOK && strings.Contains(body, "gatehouse_")
}

// How long before its end a certificate should have been renewed.
const renewCertificate = 14 * 24 * time.Hour

func (d *doctor) checkCertificate(context.Context) {
	if d.settings.TLSCert == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(d.settings.TLSCert, d.settings.TLSKey)
	if err != nil {
		d.fail("certificate", err.Error(), "Name a certificate and its key, both PEM files")
		return
	}
	d.add(judgeCertificate(pair.Leaf, d.settings.BaseURL.Hostname(), d.now()))
}

func judgeCertificate(c *x509.Certificate, host string, now time.Time) finding {
	until := c.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case c.VerifyHostname(host) != nil:
		return finding{"certificate", stateFail, "GATEHOUSE_TLS_CERT is not for " + host, "Get one for the host of GATEHOUSE_BASE_URL"}
	case now.After(c.NotAfter) || now.Before(c.NotBefore):
		return finding{"certificate", stateFail, "GATEHOUSE_TLS_CERT is valid from " + c.NotBefore.UTC().Format(time.DateOnly) + " to " + until, "Renew it, and send SIGHUP"}
	case now.After(c.NotAfter.Add(-renewCertificate)):
		return finding{"certificate", stateWarn, "GATEHOUSE_TLS_CERT ends on " + until, "Renew it, and send SIGHUP"}
	}
	return finding{"certificate", stateOK, "GATEHOUSE_TLS_CERT is for " + host + " until " + until, ""}
}

// checkProxies looks whether base URL, TLS and trusted proxies tell one story. What can't be at all, config refuses.
func (d *doctor) checkProxies(context.Context) {
	s := d.settings
	host, _, err := net.SplitHostPort(s.Addr)
	open := err == nil && !isLoopback(host)
	switch wide := widest(s.TrustedProxies); {
	case wide != nil:
		d.warn("proxies", fmt.Sprintf("GATEHOUSE_TRUSTED_PROXIES trusts all of %s, and whoever is there can claim any address", wide), "Name the proxies alone")
	case !s.Secure() && len(s.TrustedProxies) > 0:
		d.warn("proxies", "GATEHOUSE_BASE_URL is http on this machine, and proxies are trusted", "Set GATEHOUSE_BASE_URL to the https address that the proxy serves")
	case !s.Secure() && open:
		d.warn("proxies", "GATEHOUSE_ADDR is open to the network, but GATEHOUSE_BASE_URL is for this machine alone", "Listen on 127.0.0.1, or set GATEHOUSE_BASE_URL to the https address that people use")
	case s.Secure() && s.TLSCert == "" && open:
		d.warn("proxies", "GATEHOUSE_ADDR speaks plain http to the network, for the proxy", "See that nobody but the proxy reaches it, or listen on 127.0.0.1")
	case s.Secure() && s.TLSCert == "":
		d.ok("proxies", fmt.Sprintf("a proxy serves https for us; %d are trusted about a client's address", len(s.TrustedProxies)))
	case len(s.TrustedProxies) == 0:
		d.ok("proxies", "none: clients come to us directly")
	default:
		d.ok("proxies", fmt.Sprintf("%d are trusted about a client's address; we serve TLS ourselves", len(s.TrustedProxies)))
	}
}

// checkClear looks what crosses the network in clear: all callers' keys and gateways' tokens go to the listeners of the edge (L10).
func (d *doctor) checkClear(ctx context.Context) {
	s := d.settings
	if d.db != nil {
		var bases []string // an older schema has none, which another line says
		if err := d.db.Read(ctx).Raw("SELECT p.slug || ' ' || e.base_url FROM api_environments e JOIN apis p ON p.id = e.api_id WHERE e.base_url LIKE 'http://%' ORDER BY 1").Scan(&bases).Error; err == nil {
			if f, found := judgeBases(bases); found {
				d.add(f)
			}
		}
	}
	for _, l := range []struct{ check, variable, addr string }{{"edge", "GATEHOUSE_EDGE_ADDR", s.EdgeAddr}, {"envoy", "GATEHOUSE_ENVOY_ADDR", s.EnvoyAddr}} {
		host, _, err := net.SplitHostPort(l.addr)
		if err == nil && !isLoopback(host) && s.TLSCert == "" {
			d.warn(l.check+" in clear", l.variable+" is open to the network without TLS: callers' keys and gateways' tokens can be read on the way",
				"Set GATEHOUSE_TLS_CERT and GATEHOUSE_TLS_KEY, listen on 127.0.0.1, or see that only gateways share this network")
		}
	}
	if host, _, err := net.SplitHostPort(s.MetricsAddr); err == nil && everywhere(host) {
		d.warn("metrics open", "GATEHOUSE_METRICS_ADDR is open on all addresses of this machine: whoever reaches one reads how much is called, and how it is refused", "Listen on 127.0.0.1, or on the address by which Prometheus comes")
	}
}

// judgeBases judges the addresses of APIs that are no https, each behind the API's name: whoever calls one sends a key in clear. Those of this machine are for trying things out.
func judgeBases(bases []string) (finding, bool) {
	var open []string
	for _, base := range bases {
		_, address, _ := strings.Cut(base, " ")
		u, err := url.Parse(address)
		if err != nil || !isLoopback(u.Hostname()) {
			open = append(open, base)
		}
	}
	if len(open) == 0 {
		return finding{}, false
	}
	most, more := min(len(open), 5), ""
	if len(open) > most {
		more = fmt.Sprintf(" and %d more", len(open)-most)
	}
	return finding{
		"apis in clear", stateWarn, "APIs are called without TLS, so keys can be read on the way: " + strings.Join(open[:most], ", ") + more,
		"Serve them with https, and mend their base URLs at /admin/apis",
	}, true
}

// everywhere reports whether a listener of that host is on all addresses.
func everywhere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

// widest is a network of so many addresses that they can't all be proxies.
func widest(proxies []netip.Prefix) *netip.Prefix {
	for _, p := range proxies {
		if p.Addr().Is4() && p.Bits() < 8 || p.Addr().Is6() && p.Bits() < 32 {
			return &p
		}
	}
	return nil
}

// checkBaseURL goes the way that browsers go, when there is somebody at its end.
func (d *doctor) checkBaseURL(ctx context.Context) {
	base := d.settings.BaseURL.String()
	if !d.serving {
		return
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	status, _, _, err := d.ask(ctx, client, base+"/login")
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		d.fail("base url", base+" has a certificate that this machine doesn't believe: "+err.Error(), "Serve the whole chain, from an authority that browsers know")
	case err != nil:
		d.warn("base url", "it can't be reached from this machine: "+err.Error(), "Look from elsewhere: that may be a matter of this network alone")
	case status == http.StatusMisdirectedRequest:
		d.fail("base url", base+" comes to us under another host name", "Have the proxy pass on Host as it came, and write GATEHOUSE_BASE_URL as browsers do")
	case status >= http.StatusBadRequest:
		d.fail("base url", fmt.Sprintf("%s/login answers %d", base, status), "Look at the proxy's log, and whether it leads here")
	default:
		d.ok("base url", base+" leads to a sign-in page")
	}
}
