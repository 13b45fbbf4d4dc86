package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers"
	"github.com/gatehouse-dev/gatehouse/handlers/edge"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

type serveCommand struct{}

// Limits of the server (L3), and how long it takes to stop.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	finishTimeout = 20 * time.Second
)

// Run serves until a signal ends it.
func (serveCommand) Run(w *world) error {
	slog.SetDefault(slog.New(slog.NewJSONHandler(w.stderr, nil)))
	warnUnknown(w)
	o, err := open(w)
	if err != nil {
		return err
	}
	return closing(serve(w, o), o)
}

func warnUnknown(w *world) {
	for _, name := range config.Unknown(os.Environ()) {
		_, _ = fmt.Fprintf(w.stderr, "gatehouse: %s is not a setting; see gatehouse serve --help\n", name)
	}
}

// beside opens what a command serves beside the portal, which listens at the address. What it opened before it fails it closes.
type beside func(w *world, o *opened, house *handlers.House, portal net.Addr) ([]server, error)

// serve runs the house over an open installation until w's context ends.
func serve(w *world, o *opened, others ...beside) error {
	house, err := handlers.Build(w.ctx, handlers.Options{DB: o.db, Root: o.root, Settings: o.settings, Replica: replicaName(), Version: versionText()})
	if err != nil {
		return err
	}
	servers, err := listen(o.settings, house)
	if err != nil {
		return err
	}
	for _, open := range others {
		more, err := open(w, o, house, servers[0].listener.Addr())
		if err != nil {
			return errors.Join(err, closeAll(servers))
		}
		servers = append(servers, more...)
	}
	if err := announce(w, o.settings, house); err != nil {
		return errors.Join(err, closeAll(servers))
	}
	// Background work outlives the signal until the last request is answered.
	work, stopWork := context.WithCancel(context.WithoutCancel(w.ctx))
	var running sync.WaitGroup
	for _, loop := range house.Loops() {
		running.Go(func() { loop(work) })
	}
	failed := make(chan error, len(servers))
	for _, s := range servers {
		go func() { failed <- s.serve() }()
	}
	select {
	case <-w.ctx.Done():
	case err = <-failed:
	}
	house.Leave()
	drain(w.ctx, o.settings.Drain, servers)
	err = errors.Join(err, shutdown(servers))
	stopWork()
	running.Wait()
	return errors.Join(err, house.Close(context.WithoutCancel(w.ctx)))
}

// announce prints where the portal is, and on the first start how to set it up.
func announce(w *world, s config.Settings, house *handlers.House) error {
	code, err := house.SetupCode(w.ctx)
	if err != nil {
		return err
	}
	if code != "" {
		_, err = fmt.Fprintf(w.stdout, "Setup: %s/setup?code=%s\n", s.BaseURL, code)
	}
	if err == nil {
		_, err = fmt.Fprintf(w.stdout, "Gatehouse serves %s\n", s.BaseURL)
	}
	return err
}

// carrier is what answers at a listener.
type carrier interface {
	Serve(l net.Listener) error
	// Drain has each answer from now on end its connection.
	Drain()
	Shutdown(ctx context.Context) error
}

type server struct {
	carrier
	listener net.Listener
}

func (s server) serve() error {
	if err := s.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// listen opens the portal's listener and, where they are set, those of the edge and of metrics. Nothing is served yet.
func listen(s config.Settings, house *handlers.House) ([]server, error) {
	h1 := []string{"http/1.1"}
	addresses := []struct {
		addr      string
		carrier   carrier
		protocols []string // of TLS
	}{
		{s.Addr, newServer(house.Portal), []string{"h2", "http/1.1"}},
		{s.EdgeAddr, edge.NewListenerServer(house.Edge, db.SystemClock), h1}, // fasthttp speaks no other
		{s.MetricsAddr, newServer(house.Metrics), h1},
	}
	var all []server
	for _, a := range addresses {
		if a.addr == "" {
			continue
		}
		l, err := openListener(s, a.addr, a.protocols)
		if err != nil {
			return nil, errors.Join(err, closeAll(all))
		}
		all = append(all, server{a.carrier, l})
	}
	return all, nil
}

// closeAll closes the listeners of servers that do not serve yet.
func closeAll(servers []server) error {
	var err error
	for _, s := range servers {
		err = errors.Join(err, s.listener.Close())
	}
	return err
}

func openListener(s config.Settings, addr string, protocols []string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if s.TLSCert == "" {
		return l, nil
	}
	cert, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("TLS: %w", err), l.Close())
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: protocols}), nil
}

// netHTTP is a server of net/http that can be drained.
type netHTTP struct {
	*http.Server
	leaving atomic.Bool
}

// Drain implements carrier.
func (n *netHTTP) Drain() { n.leaving.Store(true) }

func newServer(h http.Handler) *netHTTP {
	n := &netHTTP{}
	leave := func(w http.ResponseWriter, r *http.Request) {
		if n.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	}
	n.Server = &http.Server{
		Handler: http.HandlerFunc(leave), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
		DisableGeneralOptionsHandler: true, // net/http's own answer to OPTIONS * is a 200 that nobody decided (D6)
	}
	return n
}

// drain gives those who send requests here time to see that readiness is red and to go elsewhere (REL-5): everything is still answered, and
// each answer ends its connection. Who is stopped by hand has nobody who would take over, and need not wait.
func drain(ctx context.Context, d time.Duration, servers []server) {
	if !errors.Is(context.Cause(ctx), errTerminated) || d <= 0 {
		return
	}
	for _, s := range servers {
		s.Drain()
	}
	<-time.After(d)
}

// shutdown lets open requests finish.
func shutdown(servers []server) error {
	ctx, cancel := context.WithTimeout(context.Background(), finishTimeout)
	defer cancel()
	var err error
	for _, s := range servers {
		err = errors.Join(err, s.Shutdown(ctx))
	}
	return err
}

// replicaName names this process among its peers: host and process id.
func replicaName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

var _ io.Closer = (*opened)(nil)
