// Package sample is a small Catalogue API of the demo's company: a few products, their prices and stock. It knows nothing of keys: like any service it asks
// the portal about each request, by forward-auth, and answers the caller as the portal decided.
package sample

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
)

// Options of New. All are required.
type Options struct {
	Authz       string // the portal's /v1/authz, a whole address
	Client      *http.Client
	Token       apikey.Secret // a gateway key of the API's publisher
	API         string        // its slug
	Environment string        // live or test: keys of the other one are refused
}

type guard struct {
	Options
	question string // the address to ask, with its query
	service  http.Handler
}

// New is the API behind its guard. When the portal can't be asked nothing is served: 503.
func New(o Options) http.Handler {
	return &guard{Options: o, question: o.Authz + "?" + url.Values{"api": {o.API}, "env": {o.Environment}}.Encode(), service: newService()}
}

// Of the caller's headers, those by which a key is judged; of the portal's, those which a caller is to see.
var (
	judged = []string{"Authorization", "X-Api-Key", "Origin", "X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "X-Original-Url", "X-Rewrite-Url"}
	always = []string{"Ratelimit", "Ratelimit-Policy", "X-Request-Id"}
	refuse = []string{"X-Gatehouse-Code", "Retry-After", "Www-Authenticate", "Content-Type", "Cache-Control"}
)

// mostProblem is the most bytes of a refusal that are passed on.
const mostProblem = 16 << 10

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	verdict, err := g.ask(r)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			slog.Warn("the sample API can't ask the portal", "error", err)
		}
		problem(w, http.StatusServiceUnavailable, "The portal can’t be asked about this key.")
		return
	}
	defer func() { _ = verdict.Body.Close() }() // read, or not wanted
	pass(w.Header(), verdict.Header, always)
	if verdict.StatusCode == http.StatusOK {
		g.service.ServeHTTP(w, r.WithContext(holding(r.Context(), verdict.Header.Get("X-Gatehouse-Scopes"))))
		return
	}
	pass(w.Header(), verdict.Header, refuse)
	w.WriteHeader(verdict.StatusCode)
	_, _ = io.Copy(w, io.LimitReader(verdict.Body, mostProblem)) // whoever asked has gone away
}

// ask asks the portal about the request.
func (g *guard) ask(r *http.Request) (*http.Response, error) {
	ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, g.question, nil)
	if err != nil {
		return nil, err
	}
	pass(ask.Header, r.Header, judged)
	ask.Header.Set("X-Gatehouse-Token", g.Token.Reveal())
	ask.Header.Set("X-Forwarded-Method", r.Method)
	ask.Header.Set("X-Forwarded-Uri", r.RequestURI)
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		ask.Header.Set("X-Forwarded-For", host)
	}
	return g.Client.Do(ask)
}

func pass(to, from http.Header, names []string) {
	for _, name := range names {
		if values := from[name]; len(values) > 0 {
			to[name] = values
		}
	}
}

type scopesKey struct{}

// holding is ctx with the scopes that the key holds here, parted by spaces.
func holding(ctx context.Context, scopes string) context.Context {
	return context.WithValue(ctx, scopesKey{}, strings.Fields(scopes))
}
