// Package extauthz answers Envoy's check over gRPC (envoy.service.auth.v3.Authorization) by the edge: the same question, the same decision, the same
// codes as at /v1/authz.
//
// The gateway identifies itself by its key in the initial metadata of the call, x-gatehouse-token, and says there or in the context extensions of the route
// what it asks about: api, env and scope (in metadata x-gatehouse-api, x-gatehouse-env and x-gatehouse-scope). Nothing of that can come from a client.
// Every refusal is an answer with a status of its own, 503 too: what is left of failures of the call itself is Envoy's, which denies them unless it is told
// failure_mode_allow.
package extauthz

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/metadata"

	"github.com/gatehouse-dev/gatehouse/handlers/edge"
)

// service is the check over a handler of edge.AuthzPath.
type service struct {
	auth.UnimplementedAuthorizationServer
	edge http.Handler
}

const token = "X-Gatehouse-Token" //nolint:gosec // a name

// asked are what a gateway may say of its question, as parameters of edge.AuthzPath.
var asked = []string{"api", "env", "scope"}

// judged are the headers of the request that the edge reads, in the form of net/http. Not among them is who the gateway is, and for whom it asks.
var judged = []string{
	"Authorization", "X-Api-Key", "Cookie", "Origin", "X-Forwarded-Method", "X-Forwarded-Uri", "X-Original-Method", "X-Original-Uri", "X-Original-Url",
	"X-Rewrite-Url", "X-Method-Override", "X-Http-Method", "X-Http-Method-Override",
}

// Check implements envoy.service.auth.v3.Authorization.
func (s *service) Check(ctx context.Context, in *auth.CheckRequest) (*auth.CheckResponse, error) {
	sent := in.GetAttributes().GetRequest().GetHttp()
	if sent == nil { // a connection, no request
		return denied(&reply{status: http.StatusForbidden, header: http.Header{"X-Gatehouse-Code": {"BAD_REQUEST"}}}), nil
	}
	named := headersOf(sent)
	header := http.Header{}
	for _, name := range judged {
		if values := named[name]; len(values) > 0 {
			header[name] = values
		}
	}
	for name, values := range named {
		if strings.ContainsAny(name, "_.") && !ours(name) { // the edge tells whether it poses as one of those
			header[name] = values
		}
	}
	header.Add("X-Forwarded-Method", sent.GetMethod())
	header.Add("X-Forwarded-Uri", sent.GetPath())
	if from := addressOf(in.GetAttributes().GetSource()); from != "" {
		header["X-Forwarded-For"] = append(named["X-Forwarded-For"], from)
	}
	said, _ := metadata.FromIncomingContext(ctx)
	header[token] = said.Get(token)
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: edge.AuthzPath, RawQuery: query(said, in.GetAttributes().GetContextExtensions())}, Header: header}
	return s.answer(ctx, r, named), nil
}

// headersOf are the headers of the request that is held back, however Envoy tells them, by the names of net/http.
func headersOf(sent *auth.AttributeContext_HttpRequest) http.Header {
	named := http.Header{}
	for name, value := range sent.GetHeaders() {
		named.Add(name, value)
	}
	for _, h := range sent.GetHeaderMap().GetHeaders() {
		value := h.GetValue()
		if raw := h.GetRawValue(); len(raw) > 0 {
			value = string(raw)
		}
		named.Add(h.GetKey(), value)
	}
	return named
}

// query is what the gateway asks about. What the route says stands in place of what the call says; a name that is none of ours makes it malformed, since a
// misspelt scope must not become a check for nothing.
func query(said metadata.MD, extensions map[string]string) string {
	q := url.Values{}
	for _, name := range asked {
		if values := said.Get("x-gatehouse-" + name); len(values) > 0 {
			q[name] = values
		}
	}
	for name, value := range extensions {
		q[name] = []string{value}
	}
	return q.Encode()
}

func addressOf(p *auth.AttributeContext_Peer) string {
	text := p.GetAddress().GetSocketAddress().GetAddress()
	if _, err := netip.ParseAddr(text); err != nil {
		return ""
	}
	return text
}

// answer asks the edge and puts what it says into Envoy's words. Whatever is no 200 of the edge is a denial.
func (s *service) answer(ctx context.Context, r *http.Request, client http.Header) *auth.CheckResponse {
	r.RemoteAddr = peerOf(ctx)
	w := &reply{header: http.Header{}}
	s.edge.ServeHTTP(w, r.WithContext(ctx))
	if w.status == http.StatusOK && len(w.header.Values(identity[0])) == 1 {
		return allowed(w.header, client)
	}
	return denied(w)
}

// reply is the edge's answer.
type reply struct {
	header http.Header
	status int
	body   strings.Builder
}

// Header implements http.ResponseWriter.
func (r *reply) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *reply) WriteHeader(status int) { r.status = status }

// Write implements http.ResponseWriter.
func (r *reply) Write(b []byte) (int, error) { return r.body.Write(b) }
