// Package smtp hands mail to a mail server (RFC 5321, RFC 6409).
//
// A server is named by one URL. On its way there a mail and the password are always encrypted, by TLS from the first
// byte (smtps) or by STARTTLS, which must succeed (smtp); only a server on this machine is spoken to plainly. Each
// message is sent on a connection of its own, within the time of the context and never longer than a minute.
//
// Nothing that a message carries can become a header of its own: control characters in a subject or a name are replaced
// by spaces, and an address, an id or a link that has any is refused (F4).
package smtp

import (
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// A Server is where mail is handed in. Printing one shows no password.
type Server struct {
	Host string
	Port int

	// Roots are the authorities whose certificates are believed; nil means those of the system.
	Roots *x509.CertPool

	implicitTLS    bool
	user, password string
}

// Parse reads smtp://user:password@host:port or smtps://…. Without a port it is 587, or 465 for smtps; without a user
// there is no sign-in. The error reads on from the name of the setting and repeats nothing of the text.
func Parse(text string) (Server, error) {
	address, err := url.Parse(text)
	if err != nil || address.Scheme != "smtp" && address.Scheme != "smtps" {
		return Server{}, errors.New("is no smtp:// or smtps:// address")
	}
	if address.Hostname() == "" {
		return Server{}, errors.New("names no host")
	}
	if strings.Trim(address.Path, "/") != "" || address.RawQuery != "" || address.Fragment != "" {
		return Server{}, errors.New("has more than user, host and port; a slash, question mark or hash in the password is written %2F, %3F or %23")
	}
	server := Server{Host: address.Hostname(), Port: 587, implicitTLS: address.Scheme == "smtps"}
	if server.implicitTLS {
		server.Port = 465
	}
	if address.Port() != "" {
		port, err := strconv.ParseUint(address.Port(), 10, 16)
		if err != nil || port == 0 {
			return Server{}, errors.New("has a port that is no port")
		}
		server.Port = int(port)
	}
	server.user = address.User.Username()
	server.password, _ = address.User.Password()
	if (server.user == "") != (server.password == "") {
		return Server{}, errors.New("has a user without a password or a password without a user")
	}
	return server, nil
}

// String is the address without user and password.
func (s Server) String() string {
	scheme := "smtp://"
	if s.implicitTLS {
		scheme = "smtps://"
	}
	return scheme + net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
}

// GoString redacts %#v.
func (s Server) GoString() string { return s.String() }

// LogValue redacts structured logs.
func (s Server) LogValue() slog.Value { return slog.StringValue(s.String()) }

// local says whether the server runs on this machine, so that what is sent to it crosses no network.
func (s Server) local() bool {
	if s.Host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(s.Host)
	return err == nil && address.IsLoopback()
}
