package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
)

type healthcheckCommand struct{}

// Run asks /readyz of the server with the same settings on this machine; for containers without a shell. It fails when the
// answer is not 200 within five seconds.
func (healthcheckCommand) Run(w *world) error {
	settings, err := config.Load(w.lookupEnv)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(w.ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, localURL(settings, settings.Addr)+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := localClient().Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", answer.Status)
	}
	return nil
}

// localURL is how this machine reaches what it serves at a listener's address, which is host:port.
func localURL(s config.Settings, addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	scheme := "http"
	if s.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// localClient is for localURL: the certificate there is made for the public name.
func localClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}} //nolint:gosec // see above
}
