package extauthz

import (
	"context"
	"net/http"
	"slices"
	"strings"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	types "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
)

// identity are the headers by which the service learns who calls.
var identity = []string{"X-Gatehouse-Key-Id", "X-Gatehouse-App-Id", "X-Gatehouse-Organization-Id", "X-Gatehouse-Scopes", "X-Gatehouse-Environment"}

const wouldRefuse = "X-Gatehouse-Would-Refuse"

// told are the headers of the edge's answer that a client gets: of a refusal, and of a yes those that tell the limits.
var (
	limits = []string{"Ratelimit", "Ratelimit-Policy", "X-Gatehouse-Quota-Warning"}
	told   = append([]string{"Content-Type", "X-Gatehouse-Code", "X-Request-Id", "Www-Authenticate", "Retry-After"}, limits...)
)

// allowed has Envoy let the request through: with identity as the edge says, each header of it overwritten or, where it is empty, taken off (D8); without
// any other header of the client that can be read as one of ours (D9); and without its key, but in report-only mode, where what would have been refused
// goes on with the credentials that it came with.
func allowed(said, client http.Header) *auth.CheckResponse {
	ok := &auth.OkHttpResponse{}
	set := func(name string) {
		if value := said.Get(name); value != "" {
			ok.Headers = append(ok.Headers, pair(name, value))
			return
		}
		ok.HeadersToRemove = append(ok.HeadersToRemove, strings.ToLower(name))
	}
	for _, name := range identity {
		set(name)
	}
	set(wouldRefuse)
	if said.Get(wouldRefuse) == "" {
		ok.HeadersToRemove = append(ok.HeadersToRemove, "authorization", "x-api-key")
	}
	for name := range client {
		if ours(name) && !slices.Contains(identity, name) && name != wouldRefuse {
			ok.HeadersToRemove = append(ok.HeadersToRemove, strings.ToLower(name))
		}
	}
	for _, name := range limits {
		if value := said.Get(name); value != "" {
			ok.ResponseHeadersToAdd = append(ok.ResponseHeadersToAdd, pair(name, value))
		}
	}
	return &auth.CheckResponse{Status: &status.Status{Code: int32(codes.OK)}, HttpResponse: &auth.CheckResponse_OkResponse{OkResponse: ok}}
}

// ours reports whether another program could read the name as one of ours: those of identity, or the gateway's own.
func ours(name string) bool {
	plain := strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
	return strings.HasPrefix(plain, "x-gatehouse-")
}

// denied has Envoy refuse the request as the edge does; without an answer of the edge's, with 503.
func denied(w *reply) *auth.CheckResponse {
	no := &auth.DeniedHttpResponse{Body: w.body.String()}
	code := w.status
	if code < http.StatusBadRequest {
		code, no.Body = http.StatusServiceUnavailable, ""
	}
	no.Status = &types.HttpStatus{Code: types.StatusCode(code)} //nolint:gosec // three digits
	for _, name := range told {
		if value := w.header.Get(name); value != "" {
			no.Headers = append(no.Headers, pair(name, value))
		}
	}
	return &auth.CheckResponse{Status: &status.Status{Code: int32(codeOf(code))}, HttpResponse: &auth.CheckResponse_DeniedResponse{DeniedResponse: no}}
}

func codeOf(httpStatus int) codes.Code {
	switch httpStatus {
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusTooManyRequests:
		return codes.ResourceExhausted
	case http.StatusServiceUnavailable:
		return codes.Unavailable
	}
	return codes.PermissionDenied
}

// peerOf is the address of who called us, as net/http writes it.
func peerOf(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		return p.Addr.String()
	}
	return ""
}

func pair(name, value string) *core.HeaderValueOption {
	return &core.HeaderValueOption{
		Header:       &core.HeaderValue{Key: strings.ToLower(name), Value: value},
		AppendAction: core.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
	}
}
