package edge

import (
	"net/http"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// whoamiRule is the route by which its calls are counted.
var whoamiRule = &keyring.Rule{Method: http.MethodGet, Template: WhoamiPath}

// whoamiLimit holds for apps that have no plan of the portal's own API.
var whoamiLimit = ratelimit.Limit{Requests: 60, Period: time.Minute}

// whoami tells any valid key who it is, whatever it was granted: the first call of every tutorial. It counts as a call of the
// portal's own API. A key that does not work is told why, as a gateway would be: whoever asks holds it.
func (e *Edge) whoami(x *exchange) {
	key, ok := e.ownKey(x)
	if !ok {
		return
	}
	facts, err := e.lookup(x.ctx, x.now, key)
	if err != nil {
		e.unavailable(x, err)
		return
	}
	catalogue, portal, err := e.portal(x.ctx)
	if err != nil {
		e.unavailable(x, err)
		return
	}
	from, ok := only(x.all(origin))
	if !ok { // of two none is believed
		from = ""
	}
	request := keyring.Request{Environment: keyring.Any, IP: e.caller(x), Origin: from, Cost: 1, Bare: true}
	d := keyring.Decide(x.ctx, x.now, welcome(facts, portal), portal, &request, e.limits)
	d.Rule = whoamiRule
	e.Counters.Count(x.now, facts, portal, &request, &d)
	if d.Code != keyring.NotFound {
		x.limitHeaders(facts, &d)
	}
	if !d.Allowed() {
		e.keep(x, refusal.Whoami, welcome(facts, portal), portal, &request, &d)
		x.refuseBy(&d)
		return
	}
	b := append(x.body[:0], '{')
	b = appendWho(b, facts, allScopes(facts, catalogue))
	b = appendGrants(b, facts, catalogue)
	b = append(b, `,"request_id":"`...)
	b = append(b, x.request[:]...)
	x.send(http.StatusOK, jsonType, append(b, "\"}\n"...))
}

// welcome returns facts with leave to ask whoami: the access to the portal's API that the app has, or one with a limit of ours. So
// Decide alone says whether the key works.
func welcome(facts *keyring.Facts, portal *keyring.API) *keyring.Facts {
	if facts == nil {
		return nil
	}
	guest := *facts
	grant := keyring.Grant{Access: &keyring.Access{API: portal.ID, Publisher: portal.Publisher, State: keyring.AccessActive, Limit: whoamiLimit}}
	if facts.Reach != nil {
		for _, g := range facts.Reach.Grants {
			if g.Access.API == portal.ID && g.Access.State == keyring.AccessActive {
				grant = g
			}
		}
	}
	guest.Reach = &keyring.Reach{Grants: []keyring.Grant{grant}}
	// A key of either environment may ask who it is, also where the portal's API has only one.
	switch {
	case guest.Environment == keyring.Test && !portal.Test:
		guest.Environment = keyring.Live
	case guest.Environment == keyring.Live && !portal.Live:
		guest.Environment = keyring.Test
	}
	return &guest
}

// genuine reports whether a key works at all, so that whoever calls with it is refused rather than unknown (D1).
func (e *Edge) genuine(x *exchange, facts *keyring.Facts) bool {
	_, portal, err := e.portal(x.ctx)
	if err != nil {
		return false
	}
	ask := keyring.Request{Environment: keyring.Any, IP: e.caller(x), Bare: true}
	d := keyring.Decide(x.ctx, x.now, welcome(facts, portal), portal, &ask, keyring.Limits{})
	return d.Allowed()
}
