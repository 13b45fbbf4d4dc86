package extauthz

import (
	"context"
	"net"
	"net/netip"
	"time"

	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"github.com/gatehouse-dev/gatehouse/internal/crowd"
)

// door lets questions in, by their metadata alone: what a stranger sends behind it is never held (L3).
type door struct {
	Options
	questions *crowd.Count
}

// Refusals of a call, before its message. Envoy denies the request for each of them.
var (
	errNoToken  = status.Error(codes.Unauthenticated, "GATEWAY_UNAUTHENTICATED: the metadata of the call holds no x-gatehouse-token that is one, or more than one of them")
	errNoMethod = status.Error(codes.Unimplemented, "the check and a single check of health are answered here")
	errTooMany  = status.Error(codes.ResourceExhausted, "too many questions at once from this address, or in all")
)

// enter counts a question until it is answered, and ends it when its time is over, wherever it stands then: also while its message is on its way.
func (d *door) enter(ctx context.Context, info *tap.Info) (context.Context, error) {
	if err := d.judge(info); err != nil {
		return d.ended(ctx, err)
	}
	from := peerAddr(ctx)
	if !d.questions.Enter(from) {
		return d.ended(ctx, errTooMany)
	}
	context.AfterFunc(ctx, func() { d.questions.Leave(from) })
	return within(ctx, d.Wait), nil
}

// ended refuses a call. grpc lets the timer of one that names a far deadline run on when it is refused here, so that one is ended inside instead.
func (d *door) ended(ctx context.Context, err error) (context.Context, error) {
	if end, set := ctx.Deadline(); !set || end.Sub(d.Now()) < time.Minute {
		return ctx, err
	}
	return within(ctx, time.Millisecond), nil
}

// within is ctx for so long. Its timer ends with the stream, as grpc ends ctx then.
func within(ctx context.Context, long time.Duration) context.Context {
	timed, cancel := context.WithTimeout(ctx, long)
	context.AfterFunc(ctx, cancel)
	return timed
}

func (d *door) judge(info *tap.Info) error {
	switch info.FullMethodName {
	case grpc_health_v1.Health_Check_FullMethodName:
		return nil
	case auth.Authorization_Check_FullMethodName:
		if told := info.Header.Get(token); len(told) != 1 || !d.Plausible(told[0]) {
			return errNoToken
		}
		return nil
	}
	return errNoMethod
}

// peerAddr is the address that a call comes from; zero when it has none.
func peerAddr(ctx context.Context) netip.Addr {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return netip.Addr{}
	}
	at, ok := from.Addr.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return at.AddrPort().Addr().Unmap()
}
