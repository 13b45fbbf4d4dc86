package edge

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// asked is what a gateway's file says of the requests that it asks about: the query of /v1/authz.
type asked struct {
	api         string
	environment keyring.Environment
	scopes      []string
	nginx       bool
}

// parseAsked reads the query. A parameter that is unknown, doubled or empty fails: a misspelt scope= must not become a check for
// nothing. Scope may be there several times, or hold several, parted by spaces or commas.
func parseAsked(query string) (a asked, ok bool) {
	ok = true
	for rest := query; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		name, value, _ := strings.Cut(pair, "=")
		if strings.ContainsAny(value, "%+") {
			plain, err := url.QueryUnescape(value)
			if err != nil {
				ok = false
				continue
			}
			value = plain
		}
		ok = a.set(name, value) && ok
	}
	return a, ok
}

func (a *asked) set(name, value string) bool {
	switch name {
	case "api":
		first := a.api == ""
		a.api = value
		return first && value != ""
	case "env":
		first := a.environment == 0
		var known bool
		a.environment, known = keyring.ParseEnvironment(value)
		return first && known
	case "scope":
		named := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ',' })
		a.scopes = append(a.scopes, named...)
		return len(named) > 0 && len(a.scopes) <= mostScopes
	case "nginx":
		a.nginx = value == "1"
		return value == "1" || value == "0"
	}
	return false
}

const (
	sayGateway = "The gateway did not identify itself: X-Gatehouse-Token must be a key with keys:verify, of the organization that publishes the API."
	sayAsked   = "The query of /v1/authz is not as documented: api, env, scope and nginx, each once (scope may repeat)."
	sayNoAPI   = "The gateway's organization publishes no such API, or several, and the gateway does not say which."
	sayNoRoute = "The gateway asks for no route and no scope, and this API has rules for its routes."
	sayNoKey   = "Send a key, as Authorization: Bearer or as X-API-Key."
)

// authz answers a gateway about the request that it holds back. The order is: who is the gateway; is the question sound; what of the
// key. Before the first is settled nothing of the others is told, and no forwarded header is believed (D7).
func (e *Edge) authz(x *exchange) {
	a, sound := parseAsked(x.query)
	x.nginx = a.nginx
	token, ok := only(x.all(gatewayToken))
	if !ok || token == "" {
		x.refuse(http.StatusServiceUnavailable, codeGateway, sayGateway)
		return
	}
	gateway, code, catalogue, err := e.identify(x, token, x.peer)
	x.asker = gateway
	switch {
	case err != nil:
		e.unavailable(x, err)
		return
	case gateway == nil || code != keyring.Valid:
		x.refuse(http.StatusServiceUnavailable, codeGateway, sayGateway)
		return
	}
	api, request, wrong := e.question(x, a, sound, catalogue, gateway)
	key, ok := presented(x)
	if wrong == "" && !ok {
		wrong = sayTwoKeys
	}
	switch {
	case wrong != "":
		e.unjudged(x, api, &request, keyring.BadRequest, http.StatusForbidden, wrong)
	case key == "":
		e.unjudged(x, api, &request, keyring.MissingKey, http.StatusUnauthorized, sayNoKey)
	default:
		e.judge(x, key, api, &request)
	}
}

// question puts together what is asked; wrong says why it can't be. The API is nil where that is not even known.
func (e *Edge) question(x *exchange, a asked, sound bool, c *keyring.Catalogue, gateway *keyring.Facts) (*keyring.API, keyring.Request, string) {
	var api *keyring.API
	if sound {
		api = c.Resolve(gateway.App.Org.ID, a.api)
	}
	switch {
	case leaked(x):
		return api, keyring.Request{Environment: a.environment}, sayLeaked
	case !sound:
		return nil, keyring.Request{}, sayAsked
	case api == nil:
		return nil, keyring.Request{}, sayNoAPI
	}
	o, wrong := e.originalOf(x)
	if wrong == "" && !o.named && len(a.scopes) == 0 && (api.RefuseUndeclared || len(api.Rules) > 0) {
		wrong = sayNoRoute // else a gateway that loses its headers opens every route (C13)
	}
	return api, keyring.Request{
		Environment: a.environment, Scopes: a.scopes, IP: o.ip, Origin: o.origin, Method: o.method, Path: o.path, Cost: 1, CostByRoute: true,
	}, wrong
}

// judge decides, counts and answers.
func (e *Edge) judge(x *exchange, key string, api *keyring.API, request *keyring.Request) {
	facts, err := e.lookup(x.ctx, x.now, key)
	if err != nil {
		e.unavailable(x, err)
		return
	}
	d := keyring.Decide(x.ctx, x.now, facts, api, request, e.limits)
	if !d.Allowed() && e.passedOver(x, facts, api, request, &d) {
		return
	}
	e.Counters.Count(x.now, facts, api, request, &d)
	x.limitHeaders(facts, &d)
	if !d.Allowed() {
		e.keep(x, refusal.Authz, facts, api, request, &d)
		x.refuseBy(&d)
		return
	}
	x.identityHeaders(facts, d.Grant)
	x.status = http.StatusOK
}

// statusOf is the status by which a code goes to a gateway and to the holder of the key.
func statusOf(code keyring.Code) int {
	switch code {
	case keyring.Valid:
		return http.StatusOK
	case keyring.NotFound, keyring.Revoked, keyring.Expired, keyring.Paused:
		return http.StatusUnauthorized
	case keyring.QuotaExceeded, keyring.RateLimited:
		return http.StatusTooManyRequests
	}
	return http.StatusForbidden
}

var sayCode = [...]string{
	keyring.NotFound:          "This key is not known here.",
	keyring.Revoked:           "This key was revoked.",
	keyring.Expired:           "This key has expired.",
	keyring.Paused:            "This key is paused.",
	keyring.Suspended:         "This key, its app, its organization or its access is suspended.",
	keyring.ForbiddenIP:       "This key may not be used from this network.",
	keyring.ForbiddenOrigin:   "This key may not be used from this origin.",
	keyring.WrongEnvironment:  "This key is for another environment.",
	keyring.WrongAPI:          "This key has no access to this API.",
	keyring.InsufficientScope: "This key lacks a scope that the request needs, or the route is not declared.",
	keyring.QuotaExceeded:     "The calls of this month are used up.",
	keyring.RateLimited:       "Too many calls. Slow down.",
}

// detailOf says why a decision is not VALID; of quotas, which one.
func detailOf(d *keyring.Decision) string {
	switch {
	case d.TooCostly:
		return "This call costs " + strconv.Itoa(d.Cost) + ": more than the limit holds when nothing is used. It never passes."
	case d.Quotas.Elsewhere:
		return "What is left of the quota is held for other calls of this moment. Ask again."
	case d.Code == keyring.QuotaExceeded && d.ByDay:
		return "The calls of this day are used up."
	case int(d.Code) < len(sayCode):
		return sayCode[d.Code]
	}
	return ""
}

// refuseBy answers with the code of a decision that is not VALID.
func (x *exchange) refuseBy(d *keyring.Decision) {
	if d.RetryAfter > 0 {
		from := len(x.values)
		x.values = strconv.AppendInt(x.values, seconds(d.RetryAfter), 10)
		x.setFrom("Retry-After", from)
	}
	x.refuse(statusOf(d.Code), d.Code.String(), detailOf(d))
}
