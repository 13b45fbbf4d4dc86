package edge

import (
	"net/http"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// wouldRefuse is the header of a 200 at an API in report-only mode: the code of the refusal that was passed over.
const wouldRefuse = "X-Gatehouse-Would-Refuse"

// passedOver lets a request through that d refuses when api is in report-only mode in the environment of the request, and counts it apart; false when the refusal stands. The answer is a
// 200 that says so and names nobody: all identity headers are there and empty (D8), so that the service behind takes the call for what it is, one of
// nobody known. A key that somebody stopped stays stopped. What can't be judged for want of facts is no refusal, and is never passed over (C13).
func (e *Edge) passedOver(x *exchange, facts *keyring.Facts, api *keyring.API, request *keyring.Request, d *keyring.Decision) bool {
	if !api.ReportsOnly(x.now, request.Environment) || !d.Code.MayPass() {
		return false
	}
	e.Counters.CountPassed(x.now, facts, api, request, d)
	for _, name := range identityNames {
		x.set(name, "")
	}
	x.set(wouldRefuse, d.Code.String())
	x.status = http.StatusOK
	e.keep(x, refusal.Authz, facts, api, request, d)
	return true
}

// unjudged answers a request that is not judged, for the reason code: it is refused with status and text, or let through as passedOver does. Where it is known
// which API was called, it is counted there. A header that poses as one of ours is never let through: the service behind would believe it.
func (e *Edge) unjudged(x *exchange, api *keyring.API, request *keyring.Request, code keyring.Code, status int, text string) {
	if x.called = api; api != nil {
		x.said = text // is kept with it, also when it is let through
		d := &keyring.Decision{Code: code, Rule: api.RuleOf(request)}
		if !x.posed && e.passedOver(x, nil, api, request, d) {
			return
		}
		e.Counters.Count(x.now, nil, api, request, d)
	}
	x.refuse(status, code.String(), text)
}
