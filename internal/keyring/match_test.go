package keyring_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// spelled is an API with a route beside a parameter that needs less, one that costs, one that writes, and a retired version.
func spelled(refuse bool) *situation {
	s := fine()
	s.api.RefuseUndeclared = refuse
	s.api.Rules = []keyring.Rule{
		{Method: "GET", Template: "/v2/orders/{id}", Scope: "orders:read"},
		{Method: "GET", Template: "/v2/orders/export", Scope: "orders:export"},
		{Method: "GET", Template: "/v2/orders/a:dump", Scope: "orders:export"},
		{Method: "GET", Template: "/v2/orders/@all", Scope: "orders:export"},
		{Method: "GET", Template: "/v2/orders/caf%C3%A9", Scope: "orders:export"},
		{Method: "GET", Template: "/v2/orders/Dear", Scope: "orders:read", Cost: 50},
		{Method: "POST", Template: "/v2/orders", Scope: "orders:export"},
		{Method: "GET", Template: "/v1/orders", Scope: "orders:read", Retired: true},
		{Method: "GET", Template: "/V3/A", Scope: "orders:read"},
		{Method: "GET", Template: "/v3/a", Scope: "orders:export"},
	}
	s.facts.Reach.Grants[0].Scopes = []string{"orders:read"}
	return s
}

// D6, D10: whichever way a service reads a path, what it then serves was granted.
func TestAnotherSpellingOfARouteOpensNothing(t *testing.T) {
	for _, refuse := range []bool{true, false} {
		s := spelled(refuse)
		for request, want := range map[[2]string]keyring.Code{
			{"GET", "/v2/orders/7"}:             keyring.Valid,
			{"GET", "/v2/orders/ABC-Def"}:       keyring.Valid,
			{"GET", "/v2/orders/export"}:        keyring.InsufficientScope,
			{"GET", "/v2/orders/Export"}:        keyring.InsufficientScope,
			{"HEAD", "/v2/orders/EXPORT"}:       keyring.InsufficientScope,
			{"GET", "/v2/orders/%65xport"}:      keyring.InsufficientScope,
			{"GET", "/v2/orders/a%3Adump"}:      keyring.InsufficientScope,
			{"GET", "/v2/orders/A%3aDump"}:      keyring.InsufficientScope,
			{"GET", "/v2/orders/%40all"}:        keyring.InsufficientScope,
			{"GET", "/v2/orders/@All"}:          keyring.InsufficientScope,
			{"GET", "/v2/orders/caf%C3%A9"}:     keyring.InsufficientScope,
			{"GET", "/v2/orders/CAF%c3%89"}:     keyring.InsufficientScope,
			{"GET", "/v2/orders/caf%C3%A8"}:     keyring.Valid,
			{"POST", "/v2/orders"}:              keyring.InsufficientScope,
			{"POST", "/V2/Orders"}:              keyring.InsufficientScope,
			{"GET", "/v1/orders"}:               keyring.WrongAPI,
			{"GET", "/V3/A"}:                    keyring.Valid, // declared as it is written
			{"GET", "/v3/a"}:                    keyring.InsufficientScope,
			{"GET", "/V3/a"}:                    keyring.InsufficientScope,
			{"GET", "/v2/orders/exporting"}:     keyring.Valid,
			{"GET", "/v2/orders/export.json"}:   keyring.InsufficientScope, // as Rails and others name a format
			{"GET", "/v2/orders/export.json/"}:  keyring.InsufficientScope,
			{"GET", "/v2/orders/Export.a.b"}:    keyring.InsufficientScope,
			{"GET", "/v2/orders/export."}:       keyring.InsufficientScope,
			{"GET", "/v2/orders/e%78port.js"}:   keyring.InsufficientScope,
			{"GET", "/v2/orders/caf%C3%A9.csv"}: keyring.InsufficientScope,
			{"GET", "/v2/orders/export-1.json"}: keyring.Valid,
			{"GET", "/v2/orders/.export"}:       keyring.Valid,
			{"GET", "/v2/orders/7.json"}:        keyring.Valid,
		} {
			s.req = keyring.Request{Method: request[0], Path: path(t, request[1])}

			got := s.decide(t)

			if got.Code != want {
				t.Errorf("refuse undeclared %v: %s: %v, want %v", refuse, request, got.Code, want)
			}
		}
	}
}

func TestAnotherSpellingOfAnUndeclaredRouteStaysUndeclared(t *testing.T) { // and a retired version retired
	for refuse, want := range map[bool]keyring.Code{true: keyring.InsufficientScope, false: keyring.WrongAPI} {
		s := spelled(refuse)
		s.req = keyring.Request{Method: "GET", Path: path(t, "/V1/Orders")}
		if got := s.decide(t); got.Code != want {
			t.Errorf("retired, refuse undeclared %v: %v", refuse, got.Code)
		}
	}
	for _, where := range []string{"/V2/orders", "/v2/orders.json"} {
		s := spelled(true)
		s.facts.Reach.Grants[0].Scopes = []string{"orders:read", "orders:export"}
		s.req = keyring.Request{Method: "POST", Path: path(t, where)}
		if got := s.decide(t); got.Code != keyring.InsufficientScope || got.Rule != nil {
			t.Errorf("what fits %s alone opened an undeclared route: %v %v", where, got.Code, got.Rule)
		}
	}
	for where, want := range map[string]keyring.Code{"/v2/orders.json": keyring.InsufficientScope, "/v1/orders.xml": keyring.WrongAPI} { // where others may be called
		s := spelled(false)
		s.req = keyring.Request{Method: map[string]string{"/v2/orders.json": "POST", "/v1/orders.xml": "GET"}[where], Path: path(t, where)}
		if got := s.decide(t); got.Code != want {
			t.Errorf("%s: %v", where, got.Code)
		}
	}
}

func TestAnotherSpellingCostsWhatTheRouteCosts(t *testing.T) {
	s := spelled(true)
	for where, cost := range map[string]int{"/v2/orders/Dear": 50, "/v2/orders/dear": 50, "/v2/orders/dear.json": 50, "/v2/orders/dearer": 1} {
		s.req = keyring.Request{Method: "GET", Path: path(t, where), CostByRoute: true}
		if got := s.decide(t); got.Code != keyring.Valid || got.Cost != cost {
			t.Errorf("%s: %v costs %d", where, got.Code, got.Cost)
		}
	}
}

// An earlier version took two rules that are one now: no API stops for that, and both of them hold.
func TestRulesThatHaveBecomeOneBothHold(t *testing.T) {
	s := fine()
	s.api.Rules = []keyring.Rule{{Method: "GET", Template: "/a:b", Scope: "orders:read"}, {Method: "GET", Template: "/a%3Ab", Scope: "orders:export"}}
	if _, err := keyring.NewCatalogue([]*keyring.API{s.api}); err != nil {
		t.Fatal(err)
	}
	s.req = keyring.Request{Method: "GET", Path: path(t, "/a:b")}
	for want, scopes := range map[keyring.Code][]string{keyring.InsufficientScope: {"orders:read"}, keyring.Valid: {"orders:read", "orders:export"}} {
		s.facts.Reach.Grants[0].Scopes = scopes
		if got := keyring.Decide(t.Context(), start, s.facts, s.api, &s.req, keyring.Limits{}); got.Code != want {
			t.Errorf("%v: %v", scopes, got.Code)
		}
	}
}

func TestMatchingAllocatesNothing(t *testing.T) {
	s := spelled(true)
	compiled(t, s.api)
	for _, where := range []string{"/v2/orders/7", "/v2/orders/ABC", "/v2/orders/Export"} {
		p := path(t, where)
		if n := testing.AllocsPerRun(100, func() { _ = s.api.Match("GET", p) }); n != 0 {
			t.Errorf("%s: %v allocations", where, n)
		}
	}
}
