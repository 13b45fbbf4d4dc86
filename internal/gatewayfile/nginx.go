// Package gatewayfile writes the configuration by which a gateway asks Gatehouse about every request. The same text that an admin
// copies from the page "Connect" runs in the tests behind a real gateway.
package gatewayfile

import (
	"net/url"
	"regexp"
	"strings"
)

// Options say which API is guarded, and where everything listens. Nothing in them can end a directive: characters that have
// no place in a host, a slug or a key are left out.
type Options struct {
	GatehouseURL string // scheme, host and port of Gatehouse, or of its edge listener
	APISlug      string
	Environment  string // live or test
	Token        string // a key with keys:verify of the organization that publishes the API
	Upstream     string // scheme, host and port of the service; a path in it is left out: requests go on as they came
	ServerName   string // empty: any
	Listen       string // empty: 80
	EnvoyAddr    string // host and port of GATEHOUSE_ENVOY_ADDR as Envoy reaches it; empty: port 8082 of Gatehouse's host
}

var (
	foreignToHost = regexp.MustCompile(`[^A-Za-z0-9.:@*_\[\]-]`)
	foreignToName = regexp.MustCompile(`[^A-Za-z0-9_-]`)
)

// Nginx is a file for the http block of nginx (conf.d/*.conf), made for 1.18 and later with auth_request compiled in. What it
// does, in the order of a request: headers that could pass for ours are dropped; Gatehouse is asked, with the method, the unchanged URI
// and the client's address as nginx saw them; a yes goes to the service with the identity headers overwritten (empty
// where there is none) and the key taken off; a no is answered with its code, 429 and 503 restored from the 403 that auth_request knows.
// When Gatehouse does not answer, the answer is 503, never the service's.
func Nginx(o Options) string {
	gatehouse, upstream := address(o.GatehouseURL), address(o.Upstream)
	fill := o.fill(
		"«gatehouse tls»", gatehouse.tls(verified), "«upstream tls»", upstream.tls(verified), "«upstream»", upstream.hostPort, "«upstream host»", upstream.host, "«upstream scheme»", upstream.scheme,
		"«listen»", or(foreignToHost.ReplaceAllString(o.Listen, ""), "80"), "«server name»", or(foreignToHost.ReplaceAllString(o.ServerName, ""), "_"),
	)
	return fill.Replace(nginxFile)
}

// fill puts what all files hold in the place of its marks, and then what one alone does: pairs of mark and text.
func (o Options) fill(own ...string) *strings.Replacer {
	gatehouse := address(o.GatehouseURL)
	slug := foreignToName.ReplaceAllString(o.APISlug, "")
	environment := "live"
	if o.Environment == "test" {
		environment = "test"
	}
	return strings.NewReplacer(append(own,
		"«slug»", slug, "«env»", environment, "«name»", "gatehouse_"+strings.ReplaceAll(slug, "-", "_")+"_"+environment,
		"«token»", foreignToName.ReplaceAllString(o.Token, ""),
		"«gatehouse»", gatehouse.hostPort, "«gatehouse host»", gatehouse.host, "«gatehouse scheme»", gatehouse.scheme,
	)...)
}

// listen is the address to listen on, "" for all, and the port.
func (o Options) listen() (host, port string) {
	text := or(foreignToHost.ReplaceAllString(o.Listen, ""), "80")
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		return strings.ReplaceAll(text[:i], "*", ""), or(text[i+1:], "80")
	}
	return "", text
}

// serverName is the host to answer for, "" for any.
func (o Options) serverName() string {
	if name := foreignToHost.ReplaceAllString(o.ServerName, ""); name != "_" {
		return name
	}
	return ""
}

type place struct{ scheme, host, hostname, hostPort string }

func address(raw string) place {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return place{"http", "127.0.0.1", "127.0.0.1", "127.0.0.1:80"}
	}
	p := place{scheme: u.Scheme, host: foreignToHost.ReplaceAllString(u.Host, ""), hostname: foreignToHost.ReplaceAllString(u.Hostname(), "")}
	p.hostPort = p.host
	if u.Port() == "" {
		p.hostPort += map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	}
	return p
}

// tls is what an https address needs besides; nothing for http.
func (p place) tls(lines string) string {
	if p.scheme != "https" {
		return ""
	}
	return strings.ReplaceAll(lines, "«hostname»", p.hostname)
}

const verified = "\n    proxy_ssl_server_name on;\n    proxy_ssl_name «hostname»;" +
	"\n    # For a certificate of your own authority, name the file of that.\n    proxy_ssl_verify on;\n    proxy_ssl_verify_depth 3;" +
	"\n    proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;"

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Fits reports whether s can stand as ServerName or Listen as it is: nothing of it would be left out.
func Fits(s string) bool { return len(s) <= 253 && !foreignToHost.MatchString(s) }
