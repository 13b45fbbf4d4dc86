package extauthz

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
)

// Bounds on what a caller may send (L3).
const (
	mostMessage = 128 << 10 // of headers: as many as the other listeners take
	mostStreams = 1000      // questions at once on a connection
	mostHeaders = 16 << 10  // metadata of the call itself
	mostWait    = 10 * time.Second
)

// Server is a listener's server of gRPC, of the check and of health (grpc.health.v1): by that it says that it leaves.
type Server struct {
	grpc   *grpc.Server
	health *health.Server
}

// NewServer returns a server over edge, the handler of edge.AuthzPath.
func NewServer(edge http.Handler) *Server {
	s := &Server{health: health.NewServer(), grpc: grpc.NewServer(
		grpc.MaxRecvMsgSize(mostMessage), grpc.MaxConcurrentStreams(mostStreams), grpc.MaxHeaderListSize(mostHeaders), grpc.ConnectionTimeout(mostWait),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 15 * time.Minute, Time: time.Minute, Timeout: mostWait}),
		grpc.UnaryInterceptor(bounded),
	)}
	auth.RegisterAuthorizationServer(s.grpc, &service{edge: edge})
	grpc_health_v1.RegisterHealthServer(s.grpc, s.health)
	return s
}

// bounded ends a call that takes too long, and fails one that panics: Envoy denies then (C13, REL-14).
func bounded(ctx context.Context, in any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (out any, err error) {
	ctx, cancel := context.WithTimeout(ctx, mostWait)
	defer cancel()
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
	if err := s.grpc.Serve(l); err != nil {
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
