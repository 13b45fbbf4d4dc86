// Package edge answers "may this key do this now?" for programs: POST /v1/keys/verify, /v1/authz for forward-auth, and
// GET /v1/whoami. It runs on plain net/http with a short stack of its own (request id, recovery that denies, headers, a bound on
// the body), so that what a check costs is the check.
//
// It decides from the keyring alone: a warm check touches no database. When the keyring can't answer, neither can the edge, and it
// says 503: clients must not throw away good keys. Whatever goes wrong, nothing but a decision ever becomes a 2xx: one of VALID, or one that refuses, of a
// call to an API which its publisher has in report-only mode (C13).
package edge

import (
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// Options are what the edge decides from. All but Recognised, Observe, TrustedProxies, Quotas and Log are required.
type Options struct {
	Ring     *keyring.Ring
	Limiter  ratelimit.Limiter
	Counters *keyring.Usage
	Quotas   keyring.Quotas   // nil: months are not limited
	Clock    func() time.Time // UTC
	Brand    string           // of the keys, see package apikey
	// Digesters are those of the peppers in force, the newest first.
	Digesters []*apikey.Digester
	// Recognised is told, once in a while for the same key, that a key was presented which is kept under the digest of another maker; it must not block.
	Recognised func(id keyring.ID, foreign, own keyring.Digest)
	// Refusals keeps why calls are refused; nil: nobody does.
	Refusals *refusal.Recorder
	// Observe is told of each answer: at which of the edge's paths, with which status, and how long it took; nil: nobody is. It must cost next to nothing.
	Observe func(path string, status int, took time.Duration)
	// TrustedProxies may stand between a client and us: their word on the client's address is believed, nobody else's (C4).
	TrustedProxies []netip.Prefix
	// Docs is the address of the page that explains codes, to which problem documents lead; "" for none.
	Docs string
	Log  *slog.Logger // nil: slog's default
}

// The paths that the edge answers.
const (
	VerifyPath = "/v1/keys/verify"
	AuthzPath  = "/v1/authz"
	WhoamiPath = "/v1/whoami"
	// EnvoyPath is the beginning of the paths at which Envoy asks, see Edge.envoy.
	EnvoyPath = "/v1/authz/envoy/"
)

// Route is a line of the route table, for tests and docs.
type Route struct{ Method, Path, Access string }

// Routes are all routes of the edge. The method of /v1/authz is *: it takes that of the request that it is asked about.
var Routes = []Route{
	{http.MethodPost, VerifyPath, "key with keys:verify"},
	{"*", AuthzPath, "gateway token with keys:verify"},
	{"*", EnvoyPath + "{api}/{environment}/*", "gateway token with keys:verify"},
	{http.MethodGet, WhoamiPath, "any valid key"},
}

// Serves reports whether path is one of the edge's.
func Serves(path string) bool {
	return path == VerifyPath || path == AuthzPath || path == WhoamiPath || strings.HasPrefix(path, EnvoyPath)
}

// InFront sends the edge's paths to edge and all else to next, which never sees them.
func InFront(edge, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if Serves(r.URL.Path) {
			edge.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Edge is the handler. It is safe for concurrent use and keeps nothing of a request.
type Edge struct {
	Options
	limits           keyring.Limits
	logged, grumbled atomic.Int64 // when the last failure, and the last word of a listener, was logged
}

// New returns the handler for the three paths; every other path is 404.
func New(o Options) *Edge {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Edge{Options: o, limits: keyring.Limits{Rates: o.Limiter, Quotas: o.Quotas}}
}

// serve answers x, by a refusal when it fails.
func (e *Edge) serve(x *exchange) {
	x.docs = e.Docs
	if e.Observe != nil {
		defer e.observe(x)
	}
	defer e.keepUnjudged(x)
	defer e.denyOnPanic(x)
	if strings.HasPrefix(x.path, EnvoyPath) {
		e.envoy(x)
		return
	}
	switch x.path {
	case VerifyPath:
		if x.methodIs(http.MethodPost) {
			e.verify(x)
		}
	case AuthzPath:
		e.authz(x)
	case WhoamiPath:
		if x.method == http.MethodHead || x.methodIs(http.MethodGet) {
			e.whoami(x)
		}
	default:
		x.problem(http.StatusNotFound, codeNothingHere, "There is nothing here.", "")
	}
}

func (e *Edge) observe(x *exchange) { e.Observe(x.route(), x.status, max(0, e.Clock().Sub(x.now))) }

// denyOnPanic turns a panic into a refusal (C13, REL-14). The process lives.
func (e *Edge) denyOnPanic(x *exchange) {
	cause := recover()
	if cause == nil {
		return
	}
	e.Log.Error("panic", "request_id", x.id(), "path", x.route(), "panic", cause, "stack", string(debug.Stack()))
	x.standing() // nothing was sent yet, and nothing of it will be
	if x.path == AuthzPath {
		x.refuse(http.StatusServiceUnavailable, codeUnavailable, "The check failed here. Ask again.")
		return
	}
	x.problem(http.StatusInternalServerError, codeInternal, "The check failed here. Ask again.", "")
}

// unavailable says that the question can't be answered now; never 401 (4.5).
func (e *Edge) unavailable(x *exchange, err error) {
	if last, now := e.logged.Load(), x.now.Unix(); now-last >= 10 && e.logged.CompareAndSwap(last, now) && x.ctx.Err() == nil {
		e.Log.Error("verification is not possible", "request_id", x.id(), "error", err)
	}
	x.set("Retry-After", "1")
	if x.path == AuthzPath {
		x.refuse(http.StatusServiceUnavailable, codeUnavailable, "The facts about keys are not at hand. Ask again.")
		return
	}
	x.problem(http.StatusServiceUnavailable, codeUnavailable, "The facts about keys are not at hand. Ask again.", "")
}

// route is the path for the log: one of ours or "other", since a path may hold anything (K1).
func (x *exchange) route() string {
	switch {
	case strings.HasPrefix(x.path, EnvoyPath):
		return EnvoyPath
	case Serves(x.path):
		return x.path
	}
	return "other"
}
