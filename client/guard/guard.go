// Package guard is middleware for net/http that lets a request through when a Gatehouse portal says that its key may make it. It needs
// the standard library alone.
//
//	g, err := guard.New(guard.Options{Gatehouse: "https://portal.example", Key: os.Getenv("GATEWAY_KEY"), API: "orders"})
//	if err != nil {
//		return err
//	}
//	mux.Handle("/v2/", g.Protect(orders)) // guard.From(r.Context()) says who calls
//
// It fails closed: what the portal does not answer with a clear yes is refused, with 503 when nobody knows.
//
// Unless Keep is set, each request asks. With Keep, a yes is good for that long, for the same key, method, path, address and origin, and costs
// this: a key that was revoked, paused or suspended goes on for at most Keep, and calls that are answered from memory count for no limit, no quota
// and no usage. Refusals are never kept, and no yes is used after its time, also when the portal is away.
package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// LongestKeep is the longest time for which a yes may be kept. The portal itself goes on for no longer without news of its keys.
const LongestKeep = 10 * time.Second

// defaultMost is how many yeses are kept, unless Options say.
const defaultMost = 10_000

// Options are how to ask. Gatehouse, Key and API are required.
type Options struct {
	Gatehouse   string // address of the portal, or of its edge listener; over http only within a network that is yours alone
	Key         string // a gateway key: one with keys:verify
	API         string // slug of the API
	Environment string // live, test or any; "" is live

	Keep time.Duration // how long a yes is kept, at most LongestKeep; 0: not at all
	Most int           // how many are kept; 0: 10,000

	// Address returns the caller's address. Nil takes that of the socket: behind a proxy, return what the proxy says.
	Address func(*http.Request) netip.Addr
	Client  *http.Client     // nil: one of its own that waits for two seconds
	Now     func() time.Time // nil: the machine's clock
}

// Caller is who makes a request, as the portal says.
type Caller struct {
	KeyID, KeyName, Environment      string
	Scopes                           []string
	AppID, AppName                   string
	OrganizationID, OrganizationName string
}

// Guard asks about requests. It is safe for concurrent use.
type Guard struct {
	o    Options
	url  string
	kept kept
}

// New returns a Guard. The error says which option can't be.
func New(o Options) (*Guard, error) {
	u, err := url.Parse(o.Gatehouse)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("guard: %q is no address such as https://portal.example", o.Gatehouse)
	case o.Key == "" || o.API == "":
		return nil, errors.New("guard: Key and API must be set")
	case o.Keep < 0 || o.Keep > LongestKeep:
		return nil, fmt.Errorf("guard: Keep is %v: it must be from 0 to %v", o.Keep, LongestKeep)
	}
	client := http.Client{Timeout: 2 * time.Second}
	if o.Client != nil {
		client = *o.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the key is for one address alone
	o.Client = &client
	if o.Most <= 0 {
		o.Most = defaultMost
	}
	if o.Address == nil {
		o.Address = socket
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Guard{o: o, url: strings.TrimRight(o.Gatehouse, "/") + "/v1/keys/verify", kept: kept{most: o.Most}}, nil
}

func socket(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}

type contextKey struct{}

// From returns who makes the request of that context; false outside of Protect.
func From(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(contextKey{}).(Caller)
	return c, ok
}

// Protect lets requests through to next whose key may make them. Next does not see the key, nor any header or trailer of the client whose name could be
// taken for one of Gatehouse's.
func (g *Guard) Protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, no := g.judge(r)
		if no != nil {
			no.answer(w)
			return
		}
		passed := r.WithContext(context.WithValue(r.Context(), contextKey{}, caller))
		passed.Header = without(r.Header.Clone())
		withoutTrailers(r, passed)
		next.ServeHTTP(w, passed)
	})
}

// judge returns who calls, or why the call is refused.
func (g *Guard) judge(r *http.Request) (Caller, *refusal) {
	key, ok := presented(r.Header)
	switch {
	case !ok || overridden(r):
		return Caller{}, &refusal{status: http.StatusBadRequest, code: "BAD_REQUEST", detail: sayBadRequest}
	case key == "":
		return Caller{}, &refusal{status: http.StatusUnauthorized, code: "MISSING_KEY", detail: sayNoKey}
	}
	q := question{Key: key, API: g.o.API, Environment: g.o.Environment, Method: r.Method, Path: r.URL.EscapedPath(), Origin: r.Header.Get("Origin")}
	if addr := g.o.Address(r); addr.IsValid() {
		q.IP = addr.String()
	}
	now := g.o.Now()
	if caller, found := g.kept.find(q.digest(), now); found {
		return caller, nil
	}
	v, no := g.ask(r.Context(), &q)
	if no != nil {
		return Caller{}, no
	}
	if g.o.Keep > 0 {
		until := now.Add(g.o.Keep)
		if v.Key.ExpiresAt != nil && v.Key.ExpiresAt.Before(until) {
			until = *v.Key.ExpiresAt
		}
		g.kept.add(q.digest(), v.caller(), now, until)
	}
	return v.caller(), nil
}

// presented returns the one key of a request, "" for none; ok is false for two that differ.
func presented(h http.Header) (key string, ok bool) {
	for _, value := range h.Values("Authorization") {
		scheme, text, _ := strings.Cut(value, " ")
		if strings.EqualFold(scheme, "Bearer") {
			if key, ok = another(key, text); !ok {
				return "", false
			}
		}
	}
	for _, value := range h.Values("X-Api-Key") {
		if key, ok = another(key, value); !ok {
			return "", false
		}
	}
	return key, true
}

func another(key, next string) (string, bool) {
	next = strings.TrimSpace(next)
	if key == "" {
		return next, true
	}
	return key, next == "" || next == key
}

// overridden reports whether the request asks the service for another method or route than the one that is judged, or names two origins. Services take
// the method from headers, and from _method in the query; where yours takes it from a form too, switch that off.
func overridden(r *http.Request) bool {
	for _, name := range []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"} {
		for _, method := range r.Header.Values(name) {
			if method != r.Method {
				return true
			}
		}
	}
	for _, name := range []string{"X-Original-Url", "X-Rewrite-Url"} {
		for _, target := range r.Header.Values(name) {
			if target != r.URL.RequestURI() {
				return true
			}
		}
	}
	return len(r.Header.Values("Origin")) > 1 || overriddenInQuery(r)
}

// overriddenInQuery looks for _method, also as PHP reads it: a dot and a space are underscores there.
func overriddenInQuery(r *http.Request) bool {
	for pair := range strings.FieldsFuncSeq(r.URL.RawQuery, func(c rune) bool { return c == '&' || c == ';' || c == '?' }) {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil || !strings.EqualFold(underscores.Replace(strings.TrimLeft(name, " ")), "_method") {
			continue
		}
		if method, err := url.QueryUnescape(value); err != nil || !strings.EqualFold(method, r.Method) {
			return true
		}
	}
	return false
}

var underscores = strings.NewReplacer(".", "_", " ", "_")

// refusal is an answer that is no yes.
type refusal struct {
	status          int
	code            string
	wait            time.Duration
	detail, request string // request is the id by which the portal knows the call; "" when it was not asked
}

func (no *refusal) answer(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Gatehouse-Code", no.code)
	if no.status == http.StatusUnauthorized {
		h.Set("Www-Authenticate", `Bearer realm="Gatehouse"`)
	}
	if no.wait > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((no.wait+time.Second-1)/time.Second), 10))
	}
	problem := map[string]any{"type": "about:blank", "title": http.StatusText(no.status), "status": no.status, "code": no.code, "detail": no.detail}
	if no.request != "" {
		h.Set("X-Request-Id", no.request)
		problem["request_id"] = no.request
	}
	w.WriteHeader(no.status)
	_ = json.NewEncoder(w).Encode(problem)
}
