package edge

import (
	"net/http"
	"net/netip"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// Call is a call of the portal's own API that is to be judged.
type Call struct {
	RequestID string // of the answer; it is 20 bytes long, as web.NewRequestID makes them
	Path      string // a canonical path of the API, for its route rules
	Scope     string // that the call needs, whatever the route rules say; "" for none
}

// Caller is who may make a call.
type Caller struct {
	Facts   *keyring.Facts
	Address netip.Addr
}

// Admit judges a call of the portal's own API as a gateway judges calls of others: the caller's key, by the API's route rules and the scope, counted and
// limited by the plan. It tells the limits in the answer's headers. A call that is refused has its answer when ok is false. Cookies are not read. It
// fails closed: what can't be judged is refused with 503.
func (e *Edge) Admit(w http.ResponseWriter, r *http.Request, call Call) (caller Caller, ok bool) {
	x := e.carried(r)
	defer x.free()
	defer x.answerTo(w)
	defer e.keepUnjudged(x)
	if len(call.RequestID) == len(x.request) {
		copy(x.request[:], call.RequestID)
		x.standing()
	}
	key, ok := e.ownKey(x)
	if !ok {
		return Caller{}, false
	}
	facts, err := e.lookup(x.ctx, x.now, key)
	if err != nil {
		e.unavailable(x, err)
		return Caller{}, false
	}
	_, portal, err := e.portal(x.ctx)
	if err != nil {
		e.unavailable(x, err)
		return Caller{}, false
	}
	path, err := keyring.Canonical(call.Path)
	if err != nil {
		x.problem(http.StatusBadRequest, codeBadRequest, "This path can be read in two ways, or is none.", "")
		return Caller{}, false
	}
	from, one := only(x.all(origin))
	if !one { // of two none is believed
		from = ""
	}
	caller = Caller{facts, e.caller(x)}
	request := keyring.Request{Environment: keyring.Any, IP: caller.Address, Origin: from, Method: r.Method, Path: path, Cost: 1, CostByRoute: true}
	if call.Scope != "" {
		request.Scopes = []string{call.Scope}
	}
	d := keyring.Decide(x.ctx, x.now, facts, portal, &request, e.limits)
	e.Counters.Count(x.now, facts, portal, &request, &d)
	if d.Code != keyring.NotFound {
		x.limitHeaders(facts, &d)
	}
	if !d.Allowed() {
		e.keep(x, refusal.Portal, facts, portal, &request, &d)
		x.refuseBy(&d)
		return Caller{}, false
	}
	return caller, true
}
