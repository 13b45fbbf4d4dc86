package keyring_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

func count(u *keyring.Usage, at time.Time, f *keyring.Facts, a *keyring.API, req keyring.Request) keyring.Decision {
	d := keyring.Decide(context.Background(), at, f, a, &req, keyring.Limits{})
	u.Count(at, f, a, &req, &d)
	return d
}

func TestEachVerificationIsCountedOnce(t *testing.T) { // L5, REL-3
	u, a, f := keyring.NewUsage(0), compiled(t, api()), key()
	again := key() // the same key, loaded anew
	get := keyring.Request{Method: "GET", Path: path(t, "/v2/orders/42")}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				count(u, start, f, a, get)
				count(u, start, again, a, get)
			}
		})
	}
	drained := keyring.Batch{}
	for range 10 {
		drained.Merge(u.Drain())
	}
	all.Wait()
	count(u, start.Add(time.Minute), f, a, get)
	count(u, start, f, a, keyring.Request{Scopes: []string{"orders:delete"}})
	drained.Merge(u.Drain())

	row := keyring.Series{
		Key: id(keyID), App: id(appID), Org: id(orgID), API: id(orderAPI), Environment: keyring.Live,
		Template: "/v2/orders/{id}", Code: keyring.Valid, Minute: start,
	}
	if got := drained.Counts[row]; got != 16_000 {
		t.Errorf("%d counted, want 16000", got)
	}
	row.Minute = start.Add(time.Minute)
	if drained.Counts[row] != 1 {
		t.Errorf("minutes are mixed up: %v", drained.Counts)
	}
	row.Minute, row.Template, row.Code = start, "", keyring.InsufficientScope
	if drained.Counts[row] != 1 || len(drained.Counts) != 3 || drained.Empty() {
		t.Errorf("counts: %v", drained.Counts)
	}
	if rest := u.Drain(); !rest.Empty() {
		t.Errorf("drained twice: %v", rest.Counts)
	}
}

func TestLastUseIsOfGoodCallsOnly(t *testing.T) { // K12
	u, a, f := keyring.NewUsage(0), compiled(t, api()), key()
	ip := netip.MustParseAddr("203.0.113.77")
	count(u, start, f, a, keyring.Request{Method: "GET", Path: path(t, "/v2/orders"), IP: ip})
	count(u, start.Add(time.Second), f, a, keyring.Request{Scopes: []string{"orders:write"}, IP: netip.MustParseAddr("2001:db8:1:2::3")})
	count(u, start.Add(2*time.Second), f, a, keyring.Request{Scopes: []string{"orders:read", "orders:delete"}, IP: netip.MustParseAddr("198.51.100.1")})
	f.Paused = true
	count(u, start.Add(3*time.Second), f, a, keyring.Request{Scopes: []string{"orders:read"}})
	b := u.Drain()

	if len(b.Keys) != 1 || !b.Keys[id(keyID)].Equal(start.Add(time.Second)) {
		t.Errorf("keys: %v", b.Keys)
	}
	read := keyring.ScopeUse{Key: id(keyID), API: id(orderAPI), Scope: "orders:read"}
	write := keyring.ScopeUse{Key: id(keyID), API: id(orderAPI), Scope: "orders:write"}
	if len(b.Scopes) != 2 || !b.Scopes[read].Equal(start) || !b.Scopes[write].Equal(start.Add(time.Second)) {
		t.Errorf("scopes: %v", b.Scopes)
	}
	for _, network := range []string{"203.0.113.0/24", "2001:db8:1::/48"} {
		if _, ok := b.Networks[keyring.NetworkUse{Key: id(keyID), Network: netip.MustParsePrefix(network)}]; !ok || len(b.Networks) != 2 {
			t.Errorf("networks: %v", b.Networks)
		}
	}
}

func TestUnknownAndForeignKeysAreCountedWithoutName(t *testing.T) { // D3
	u, a, foreign := keyring.NewUsage(0), compiled(t, api()), key()
	foreign.Reach.Grants[0].Access.Publisher = id(stranger)
	count(u, start, nil, a, keyring.Request{})
	count(u, start, foreign, a, keyring.Request{})
	b := u.Drain()

	if got := b.Counts[keyring.Series{API: id(orderAPI), Code: keyring.NotFound, Minute: start}]; got != 2 || len(b.Counts) != 1 {
		t.Errorf("counts: %v", b.Counts)
	}
}

func TestUsageIsBounded(t *testing.T) {
	u, a := keyring.NewUsage(320), compiled(t, api())
	for n := range 5000 {
		f := key()
		f.ID = id(n)
		count(u, start, f, a, keyring.Request{})
	}
	first := u.Drain()
	count(u, start, key(), a, keyring.Request{})
	second := u.Drain()

	if len(first.Counts) > 320 || int64(len(first.Counts))+first.Dropped != 5000 {
		t.Errorf("%d series, %d dropped", len(first.Counts), first.Dropped)
	}
	if len(second.Counts) != 1 || second.Dropped != 0 {
		t.Errorf("after a drain: %v", second)
	}
}

func TestNotesBesideACountAreBounded(t *testing.T) {
	u, a, f := keyring.NewUsage(0), compiled(t, api()), key()
	for n := range 200 {
		count(u, start, f, a, keyring.Request{IP: netip.AddrFrom4([4]byte{10, byte(n), 0, 1})})
	}

	if n := len(u.Drain().Networks); n != 8 {
		t.Errorf("%d networks", n)
	}
}

func TestWarmCountAllocatesNothing(t *testing.T) { // R5
	u, a, f := keyring.NewUsage(0), compiled(t, api()), key()
	req := keyring.Request{Method: "GET", Path: path(t, "/v2/orders"), Scopes: []string{"orders:read"}, IP: netip.MustParseAddr("203.0.113.7")}
	d := keyring.Decide(t.Context(), start, f, a, &req, keyring.Limits{})
	for range 2 {
		u.Count(start, f, a, &req, &d)
		u.Drain()
	}

	if n := testing.AllocsPerRun(200, func() { u.Count(start, f, a, &req, &d) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
