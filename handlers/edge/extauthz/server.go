package extauthz

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/gatehouse-dev/gatehouse/internal/crowd"
)

// Bounds on what a caller may send (L3). A question that has not come whole is held in memory: of all together, that is mostQuestions * mostMessage, 250 MiB.
const (
	mostMessage     = 64 << 10 // of headers
	mostStreams     = 100      // questions at once on a connection
	mostHeaders     = 8 << 10  // metadata of the call itself
	mostWait        = 5 * time.Second
	mostQuestions   = 4_000
	questionsOfOne  = mostQuestions / 10 // of one address that is not trusted
	mostConnections = 2_000
	ofOne           = mostConnections / 10
	buffers         = 16 << 10 // of a connection, in each direction
)

// Options are what a Server is made of. All but Trusted and Wait are required.
type Options struct {
	Edge http.Handler // of edge.AuthzPath
	// Plausible tells a text that may be the token of a gateway from one that can't be. It must not block.
	Plausible func(token string) bool
	// Trusted tells addresses that may have as much as there is room for: the gateways that are known by address.
	Trusted func(netip.Addr) bool
	Now     func() time.Time // the machine's clock
	// Wait is how long a question may take from its first byte to its answer; 0: as long as mostWait.
	Wait time.Duration
}

// Server is a listener's server of gRPC, of the check and of health (grpc.health.v1): by that it says that it leaves.
type Server struct {
	grpc   *grpc.Server
	health *health.Server
	door   *door
	now    func() time.Time
}

// NewServer returns a server.
func NewServer(o Options) *Server {
	if o.Wait == 0 {
		o.Wait = mostWait
	}
	d := &door{Options: o, questions: crowd.NewCount(crowd.Bounds{Total: mostQuestions, PerPeer: questionsOfOne, Reserve: questionsOfOne, Trusted: o.Trusted})}
	s := &Server{health: health.NewServer(), door: d, now: o.Now, grpc: grpc.NewServer(
		grpc.MaxRecvMsgSize(mostMessage), grpc.MaxConcurrentStreams(mostStreams), grpc.MaxHeaderListSize(mostHeaders), grpc.ConnectionTimeout(mostWait),
		grpc.StaticStreamWindowSize(mostMessage), grpc.StaticConnWindowSize(16*mostMessage), grpc.ReadBufferSize(buffers), grpc.WriteBufferSize(buffers),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 5 * time.Minute, Time: time.Minute, Timeout: mostWait}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.InTapHandle(d.enter), grpc.UnaryInterceptor(surviving),
	)}
	auth.RegisterAuthorizationServer(s.grpc, &service{edge: o.Edge})
	grpc_health_v1.RegisterHealthServer(s.grpc, s.health)
	return s
}

// surviving fails a call that panics: Envoy denies then (C13, REL-14).
func surviving(ctx context.Context, in any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (out any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			slog.Error("panic", "path", "ext_authz", "panic", cause, "stack", string(debug.Stack()))
			out, err = nil, status.Error(codes.Unavailable, "the check failed here")
		}
	}()
	return next(ctx, in)
}

// Serve answers at l until Shutdown; it returns http.ErrServerClosed then, as servers of net/http do.
func (s *Server) Serve(l net.Listener) error {
	bounds := crowd.Bounds{Total: mostConnections, PerPeer: ofOne, Reserve: ofOne, Trusted: s.door.Trusted}
	if err := s.grpc.Serve(crowd.NewListener(l, bounds, s.now)); err != nil {
		return err
	}
	return http.ErrServerClosed
}

// Drain says in health that others should be asked from now on. All are answered as before.
func (s *Server) Drain() { s.health.Shutdown() }

// Shutdown lets open questions finish, as long as ctx lasts.
func (s *Server) Shutdown(ctx context.Context) error {
	s.health.Shutdown()
	done := make(chan struct{})
	go func() {
		s.grpc.GracefulStop()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.grpc.Stop()
		return ctx.Err()
	}
}
