package edge

import (
	"net/http"
	"net/netip"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// keep hands a decision that refuses over to be explained later, as far as there is room. Nothing of it is done for a call that is allowed.
func (e *Edge) keep(x *exchange, door refusal.Door, f *keyring.Facts, api *keyring.API, req *keyring.Request, d *keyring.Decision) {
	x.kept = true
	s := refusal.Subject{API: api.ID, Publisher: api.Publisher, Code: d.Code.String()}
	environment := req.Environment
	if environment == 0 {
		environment = keyring.Live
	}
	if f != nil && d.Code != keyring.NotFound { // else the asker could count that the key is one, elsewhere (D3)
		s.App, s.Org, environment = f.App.ID, f.App.Org.ID, f.Environment
	}
	if !e.Refusals.Wants(x.now, &s) {
		return
	}
	r := refusal.Record{
		RequestID: x.id(), At: x.now, App: s.App, Org: s.Org, API: s.API, Publisher: s.Publisher, Environment: environment, Door: door, Code: s.Code, Status: statusOf(d.Code),
		Method: req.Method, Path: req.Path.String(), Address: told(req.IP, d.Code), Origin: req.Origin,
	}
	if door == refusal.Verify || x.status == http.StatusOK { // the latter in report-only mode
		r.Status = http.StatusOK
	}
	if f != nil {
		r.Key = f.ID // of one that is not found, for staff alone
	}
	if n := x.now.UnixNano(); d.Code > keyring.Valid { // no key was judged
		r.Detail = x.said
	} else {
		r.Cause, r.Seen = keyring.CauseOf(n, f, api, req, d), keyring.SeenBy(n, f, api, req, d)
	}
	e.Refusals.Put(r)
}

// told is what is kept of an address: its network, and all of it only where it is the address that was refused.
func told(ip netip.Addr, code keyring.Code) string {
	if code == keyring.ForbiddenIP && ip.IsValid() {
		return ip.Unmap().WithZone("").String()
	}
	return actor.Network(ip)
}

// keepUnjudged hands over a refusal before any key was judged: of a question that can't be read or that nobody may ask. It is told to whoever asked, as far
// as that is known. A path that is none of ours is not a question.
func (e *Edge) keepUnjudged(x *exchange) {
	if x.refusedAs == "" || x.kept || e.Refusals == nil || x.refusedAs == codeNothingHere {
		return
	}
	s := refusal.Subject{Code: x.refusedAs}
	r := refusal.Record{Detail: x.said, Status: x.status, Door: doorOf(x.path)}
	if x.called != nil {
		s.API = x.called.ID
	}
	if g := x.asker; g != nil {
		s.Publisher = g.App.Org.ID
		switch x.refusedAs {
		case codeGateway, codeUnauthenticated, codeForbidden: // the asker's own key is what was refused
			s.App, s.Org, r.Key, r.Environment = g.App.ID, g.App.Org.ID, g.ID, g.Environment
		}
	}
	if !e.Refusals.Wants(x.now, &s) {
		return
	}
	r.Address = actor.Network(e.caller(x))
	if x.path == AuthzPath && x.asker != nil && r.Key == (keyring.ID{}) { // of a gateway that is one: else no forwarded header is believed (D7)
		if o, wrong := e.originalOf(x); wrong == "" {
			r.Method, r.Path, r.Origin, r.Address = o.method, o.path.String(), o.origin, actor.Network(o.ip)
		}
	}
	r.RequestID, r.At, r.App, r.Org, r.API, r.Publisher, r.Code = x.id(), x.now, s.App, s.Org, s.API, s.Publisher, s.Code
	e.Refusals.Put(r)
}

func doorOf(path string) refusal.Door {
	switch path {
	case VerifyPath:
		return refusal.Verify
	case WhoamiPath:
		return refusal.Whoami
	case AuthzPath:
		return refusal.Authz
	}
	return refusal.Portal
}
