package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/gatehouse-dev/gatehouse/handlers"
	"github.com/gatehouse-dev/gatehouse/handlers/edge"
	"github.com/gatehouse-dev/gatehouse/handlers/edge/extauthz"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// sockets are listening sockets that the process was started with (sd_listen_fds(3)): they are open before it starts and after it has stopped, so that
// who connects in between waits, and is not refused (REL-6).
type sockets []net.Listener

// firstSocket is the descriptor of the first one.
const firstSocket = 3

// inherited returns the sockets that whoever started this process left to it: systemd, or what does as it does.
func inherited(lookupEnv func(string) (string, bool)) (sockets, error) {
	if pid, _ := lookupEnv("LISTEN_PID"); pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	text, _ := lookupEnv("LISTEN_FDS")
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("LISTEN_FDS is %q, which is no number of sockets", text)
	}
	var all sockets
	for fd := firstSocket; fd < firstSocket+n; fd++ {
		syscall.CloseOnExec(fd)
		file := os.NewFile(uintptr(fd), "LISTEN_FD_"+strconv.Itoa(fd))
		l, err := net.FileListener(file) // of its own, so the file can go
		_ = file.Close()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("socket %d that was left to us: %w", fd, err), all.close())
		}
		all = append(all, l)
	}
	return all, nil
}

// take returns the socket for addr, and takes it from those that are left; nil when there is none.
func (s *sockets) take(addr string) net.Listener {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil
	}
	for i, l := range *s {
		at, ok := l.Addr().(*net.TCPAddr)
		if !ok || strconv.Itoa(at.Port) != port || !sameHost(host, at.IP) {
			continue
		}
		*s = append((*s)[:i:i], (*s)[i+1:]...)
		return l
	}
	return nil
}

// sameHost reports whether the host of a setting is where a socket listens. All addresses are written in several ways.
func sameHost(host string, at net.IP) bool {
	if host == "localhost" {
		return at.IsLoopback()
	}
	ip := net.ParseIP(host)
	return at.Equal(ip) || at.IsUnspecified() && (host == "" || ip.IsUnspecified())
}

func (s sockets) close() error {
	var err error
	for _, l := range s {
		err = errors.Join(err, l.Close())
	}
	return err
}

// listen opens the portal's listener and, where they are set, those of the edge, of Envoy and of metrics, or takes them from what was left to the process. Nothing is
// served yet.
func listen(s config.Settings, house *handlers.House, left sockets, certificate *keyPair) ([]server, error) {
	h1 := []string{"http/1.1"}
	addresses := []struct {
		setting   string
		purpose   string
		addr      string
		carrier   carrier
		protocols []string // of TLS
	}{
		{"GATEHOUSE_ADDR", "portal", s.Addr, newServer(house.Portal), []string{"h2", "http/1.1"}},
		{"GATEHOUSE_EDGE_ADDR", "verification", s.EdgeAddr, edge.NewListenerServer(house.Edge, db.SystemClock), h1}, // fasthttp speaks no other
		{"GATEHOUSE_ENVOY_ADDR", "Envoy", s.EnvoyAddr, extauthz.NewServer(extauthz.Options{Edge: house.Edge, Plausible: house.Edge.Plausible, Trusted: house.Edge.Trusts, Now: db.SystemClock}), []string{"h2"}},
		{"GATEHOUSE_METRICS_ADDR", "metrics", s.MetricsAddr, newServer(house.Metrics), h1},
	}
	var all []server
	for _, a := range addresses {
		if a.addr == "" {
			continue
		}
		l := left.take(a.addr)
		if l == nil {
			var err error
			if l, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", a.addr); err != nil {
				return nil, errors.Join(cantListen(a.setting, a.addr, err), closeAll(all), left.close())
			}
		}
		all = append(all, server{a.carrier, guarded(l, house, a.carrier, a.protocols, certificate), a.purpose})
	}
	if len(left) > 0 {
		return nil, errors.Join(fmt.Errorf("a socket at %s was left to us, which no setting names: GATEHOUSE_ADDR, GATEHOUSE_EDGE_ADDR, GATEHOUSE_ENVOY_ADDR and GATEHOUSE_METRICS_ADDR do", left[0].Addr()), closeAll(all), left.close())
	}
	return all, nil
}

// guarded is l behind TLS, where there is a certificate, and with net/http's share of what the other carriers do themselves: it reads requests in one way, from so many.
func guarded(l net.Listener, house *handlers.House, c carrier, protocols []string, certificate *keyPair) net.Listener {
	_, forgiving := c.(*netHTTP)
	if certificate == nil {
		if forgiving {
			return house.Edge.Strict(l, db.SystemClock)
		}
		return l
	}
	config := &tls.Config{GetCertificate: certificate.get, MinVersion: tls.VersionTLS12, NextProtos: protocols}
	if forgiving {
		return house.Edge.StrictTLS(l, config, db.SystemClock)
	}
	return tls.NewListener(l, config)
}

// closeAll closes the listeners of servers that do not serve yet.
func closeAll(servers []server) error {
	var err error
	for _, s := range servers {
		err = errors.Join(err, s.listener.Close())
	}
	return err
}

// keyPair is what TLS shows: the one in the files of the settings, as they were when they were last read.
type keyPair struct {
	cert, key string
	current   atomic.Pointer[tls.Certificate]
}

// openCertificate reads it; nil when the settings name none.
func openCertificate(s config.Settings) (*keyPair, error) {
	if s.TLSCert == "" {
		return nil, nil
	}
	c := &keyPair{cert: s.TLSCert, key: s.TLSKey}
	return c, c.read()
}

func (c *keyPair) read() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	c.current.Store(&pair)
	return nil
}

func (c *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

// follow reads the certificate anew at each SIGHUP until ctx ends: connections that are made from then on see it. One that can't be used changes nothing.
func (c *keyPair) follow(ctx context.Context) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		if c == nil {
			slog.Info("SIGHUP: there is no certificate that could be read anew")
		} else if err := c.read(); err != nil {
			slog.Error("the certificate can't be used; the one before stays", "error", err)
		} else {
			slog.Info("the certificate was read anew")
		}
	}
}

// notify tells systemd how the process stands (sd_notify(3)): READY=1 or STOPPING=1. Without systemd it does nothing.
func notify(lookupEnv func(string) (string, bool), state string) {
	path, ok := lookupEnv("NOTIFY_SOCKET")
	if !ok || path == "" {
		return
	}
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "unixgram", path)
	if err == nil {
		_, err = conn.Write([]byte(state))
		err = errors.Join(err, conn.Close())
	}
	if err != nil {
		slog.Warn("systemd can't be told", "state", state, "error", err)
	}
}
