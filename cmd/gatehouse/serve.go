package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/telemetry"
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
	maxStreams    = 100 // of a connection of HTTP/2
	finishTimeout = 20 * time.Second
)

// lastWords bounds how long the end waits for a log that nobody reads.
const lastWords = time.Second

// Run serves until a signal ends it. Its log never holds up what is served (REL-25).
func (serveCommand) Run(w *world) error {
	signal.Ignore(syscall.SIGPIPE) // whoever read the log may have gone: that must not end the process
	logs := telemetry.NewLogs(w.stderr, db.SystemClock)
	defer func() {
		last, cancel := context.WithTimeout(context.Background(), lastWords)
		defer cancel()
		logs.Close(last)
	}()
	slog.SetDefault(slog.New(telemetry.NewLogHandler(logs)))
	warnUnknown(w)
	o, err := openOrMake(w)
	if err != nil {
		return err
	}
	o.logs = logs
	return closing(serve(w, o), o)
}

// beside opens what a command serves beside the portal, which listens at the address. What it opened before it fails it closes.
type beside func(w *world, o *opened, house *handlers.House, portal net.Addr) ([]server, error)

// serve runs the house over an open installation until w's context ends.
func serve(w *world, o *opened, others ...beside) error {
	hash, endWorker := hashing(w)
	defer endWorker()
	house, err := handlers.Build(w.ctx, handlers.Options{
		DB: o.db, Root: o.root, Settings: o.settings, Replica: replicaName(), Version: versionText(), LogsLost: o.logsLost, Hash: hash,
	})
	if err != nil {
		return err
	}
	certificate, err := openCertificate(o.settings)
	if err != nil {
		return err
	}
	servers, err := openServers(w, o, house, certificate, others)
	if err != nil {
		return err
	}
	house.Join(w.ctx)
	// Background work outlives the signal until the last request is answered.
	work, stopWork := context.WithCancel(context.WithoutCancel(w.ctx))
	var running sync.WaitGroup
	for _, loop := range append(house.Loops(), certificate.follow) {
		running.Go(func() { loop(work) })
	}
	failed := make(chan error, len(servers))
	for _, s := range servers {
		go func() { failed <- s.serve() }()
	}
	notify(w.lookupEnv, "READY=1")
	select {
	case <-w.ctx.Done():
	case err = <-failed:
	}
	left := func(error) {}
	if err == nil {
		left = leaving(context.Cause(w.ctx), o.settings.Drain, db.SystemClock, servers)
	}
	notify(w.lookupEnv, "STOPPING=1")
	house.Leave()
	drain(w.ctx, o.settings.Drain, servers)
	err = errors.Join(err, shutdown(servers))
	stopWork()
	running.Wait()
	err = errors.Join(err, house.Close(context.WithoutCancel(w.ctx)))
	left(err)
	return err
}

// openServers opens all listeners and tells where the portal is. What it opened before it fails it closes.
func openServers(w *world, o *opened, house *handlers.House, certificate *keyPair, others []beside) ([]server, error) {
	left, err := inherited(w.lookupEnv)
	if err != nil {
		return nil, err
	}
	servers, err := listen(o.settings, house, left, certificate)
	if err != nil {
		return nil, err
	}
	for _, open := range others {
		more, err := open(w, o, house, servers[0].listener.Addr())
		if err != nil {
			return nil, errors.Join(err, closeAll(servers))
		}
		servers = append(servers, more...)
	}
	if err := announce(w, o.settings, house, servers); err != nil {
		return nil, errors.Join(err, closeAll(servers))
	}
	return servers, nil
}

// announce prints where the portal is and where it listens, and on the first start how to set it up.
func announce(w *world, s config.Settings, house *handlers.House, servers []server) error {
	code, err := house.SetupCode(w.ctx)
	if err != nil {
		return err
	}
	if code != "" {
		_, err = fmt.Fprintf(w.stdout, "Setup: %s/setup?code=%s\n", s.BaseURL, code)
	}
	if err == nil {
		_, err = fmt.Fprintf(w.stdout, "Listens: %s\nGatehouse serves %s\n", listening(servers), s.BaseURL)
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
	purpose  string // what it is for, in a word or two; "" for what stands beside
}

func (s server) serve() error {
	if err := s.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// netHTTP is a server of net/http that can be drained.
type netHTTP struct {
	*http.Server
	leaving atomic.Bool
	drained atomic.Int64
}

// Drain implements carrier.
func (n *netHTTP) Drain() { n.leaving.Store(true) }

// Drained is how many requests came since Drain.
func (n *netHTTP) Drained() int64 { return n.drained.Load() }

func newServer(h http.Handler) *netHTTP {
	n := &netHTTP{}
	leave := func(w http.ResponseWriter, r *http.Request) {
		if n.leaving.Load() {
			n.drained.Add(1)
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	}
	n.Server = &http.Server{
		Handler: http.HandlerFunc(leave), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams}, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
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

// shutdown lets open requests finish, at all servers at once: whoever reads a page slowly takes no time from the edge.
func shutdown(servers []server) error {
	ctx, cancel := context.WithTimeout(context.Background(), finishTimeout)
	defer cancel()
	failed := make([]error, len(servers))
	var ending sync.WaitGroup
	for i, s := range servers {
		ending.Go(func() { failed[i] = s.Shutdown(ctx) })
	}
	ending.Wait()
	return errors.Join(failed...)
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
