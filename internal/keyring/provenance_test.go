package keyring_test

import (
	"context"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// K5
func TestNetworksHoldTheirAddressesAndNoOthers(t *testing.T) {
	list := keyring.NewNetworks(prefixes("2001:db8::/32", "203.0.113.7/24", "203.0.113.64/26", "198.51.100.9/32", "203.0.113.0/24", "::ffff:192.0.2.0/120", "2001:db8:1::/48"))

	if want := prefixes("192.0.2.0/24", "198.51.100.9/32", "203.0.113.0/24", "2001:db8::/32"); !slices.Equal(list, want) {
		t.Error(list)
	}
	for address, want := range map[string]bool{
		"203.0.113.0": true, "203.0.113.255": true, "203.0.114.0": false, "203.0.112.255": false, "198.51.100.9": true, "198.51.100.8": false, "::ffff:203.0.113.7": true,
		"192.0.2.200": true, "2001:db8::1": true, "2001:db8:1::7": true, "2001:db9::": false, "::": false, "255.255.255.255": false, "ffff::": false, "2001:db8::1%eth0": true,
	} {
		if got := list.Contains(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if list.Contains(netip.Addr{}) || keyring.NewNetworks(nil).Contains(netip.MustParseAddr("::1")) || keyring.NewNetworks(nil) != nil {
		t.Error("no address, or no network, is in one")
	}
	if broken := keyring.NewNetworks([]netip.Prefix{{}}); len(broken) != 1 || broken.Contains(netip.MustParseAddr("203.0.113.7")) {
		t.Error("a broken list became an open one")
	}
}

func TestNetworksAgreeWithALookAtEachPrefix(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		// Few bits, so that networks meet.
		address := func(name string) netip.Addr {
			if rapid.Bool().Draw(rt, name+" v4") {
				return netip.AddrFrom4([4]byte{10, 0, byte(rapid.IntRange(0, 3).Draw(rt, name)), byte(rapid.IntRange(0, 255).Draw(rt, name))})
			}
			b := [16]byte{0x20, 1}
			b[14], b[15] = byte(rapid.IntRange(0, 3).Draw(rt, name)), byte(rapid.IntRange(0, 255).Draw(rt, name))
			return netip.AddrFrom16(b)
		}
		var all []netip.Prefix
		for range rapid.IntRange(0, 12).Draw(rt, "networks") {
			a := address("network")
			all = append(all, netip.PrefixFrom(a, rapid.IntRange(a.BitLen()-12, a.BitLen()).Draw(rt, "bits")))
		}
		ip := address("address")
		want := slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(ip) })

		if got := keyring.NewNetworks(all).Contains(ip); got != want {
			rt.Fatalf("%v in %v: %v", ip, all, got)
		}
	})
}

// K5
func TestOriginsAreExactButForOneLeadingLabel(t *testing.T) {
	list := keyring.NewOrigins([]string{"https://shop.example", "https://*.shop.example", "http://localhost:3000", "https://*.kiosk.example:8443", "app://shop"})
	for origin, want := range map[string]bool{
		"https://shop.example": true, "https://a.shop.example": true, "http://localhost:3000": true, "https://x-1.kiosk.example:8443": true, "app://shop": true,
		"": false, "null": false, "http://shop.example": false, "https://shop.example:8443": false, "https://shop.example/": false, "https://Shop.example": false,
		"https://a.b.shop.example": false, "https://.shop.example": false, "https://evilshop.example": false, "https://evil.example/.shop.example": false, "https://evil.example#.shop.example": false,
		"https://user@a.shop.example": false, "https://a.shop.example.evil.example": false, "http://a.shop.example": false, "https://*.shop.example": false, "https://a.kiosk.example": false, "https://kiosk.example:8443": false, "https://a:1.shop.example": false, "localhost:3000": false,
	} {
		if got := list.Allow(origin); got != want {
			t.Errorf("%q: %v", origin, got)
		}
	}
}

func TestOriginsAgreeWithARegularExpression(t *testing.T) {
	hosts := []string{"shop.example", "a.shop.example", "b.a.shop.example", "example", "xshop.example", "a.shop.example.evil", "*.shop.example", ".shop.example"}
	rapid.Check(t, func(rt *rapid.T) {
		origin := func(name string) string {
			return rapid.SampledFrom([]string{"https://", "http://", "https:/", ""}).Draw(rt, name) + rapid.SampledFrom(hosts).Draw(rt, name) + rapid.SampledFrom([]string{"", ":8443", ":80"}).Draw(rt, name)
		}
		var list []string
		want, asked := false, origin("asked")
		for range rapid.IntRange(0, 5).Draw(rt, "origins") {
			allowed := origin("allowed")
			if !strings.Contains(allowed, "://") {
				continue
			}
			list = append(list, allowed)
			pattern := strings.Replace(regexp.QuoteMeta(allowed), `://\*\.`, `://[a-z0-9_-]+\.`, 1)
			want = want || regexp.MustCompile("^"+pattern+"$").MatchString(asked) && !strings.Contains(asked, "*")
		}

		if got := keyring.NewOrigins(list).Allow(asked); got != want {
			rt.Fatalf("%q at %v: %v", asked, list, got)
		}
	})
}

// R5: a key that is bound costs no allocation either, and one that is not pays nothing.
func TestDecidingForABoundKeyAllocatesNothing(t *testing.T) {
	s := fine()
	s.facts.Extra.Networks, s.facts.Extra.Origins = bound()
	s.req.IP, s.req.Origin = netip.MustParseAddr("203.0.113.7"), "https://a.shop.example"
	compiled(t, s.api)
	if d := keyring.Decide(t.Context(), start, s.facts, s.api, &s.req, keyring.Limits{}); !d.Allowed() {
		t.Fatal(d.Code)
	}

	for name, facts := range map[string]*keyring.Facts{"bound": s.facts, "free": key()} {
		if n := testing.AllocsPerRun(100, func() { keyring.Decide(context.Background(), start, facts, s.api, &s.req, keyring.Limits{}) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// bound is 50 networks and 50 origins, of which the last ones let "https://a.shop.example" from 203.0.113.7 in.
func bound() (keyring.Networks, keyring.Origins) {
	var networks []netip.Prefix
	var origins []string
	for i := range byte(49) {
		networks = append(networks, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, i, 0, 0}), 16))
		origins = append(origins, "https://"+string('a'+rune(i%26))+string('a'+rune(i/26))+".kiosk.example")
	}
	return keyring.NewNetworks(append(networks, netip.MustParsePrefix("203.0.113.0/24"))), keyring.NewOrigins(append(origins, "https://*.shop.example"))
}

func BenchmarkDecideBound(b *testing.B) {
	f, a := numbered(1), compiled(b, api())
	f.Extra = &keyring.Extra{}
	f.Extra.Networks, f.Extra.Origins = bound()
	req := keyring.Request{Scopes: []string{"orders:read"}, IP: netip.MustParseAddr("203.0.113.7"), Origin: "https://a.shop.example", Cost: 1}
	b.ReportAllocs()
	for b.Loop() {
		if d := keyring.Decide(context.Background(), start, f, a, &req, keyring.Limits{}); !d.Allowed() {
			b.Fatal(d.Code)
		}
	}
}

// Keys that are bound alike share their lists, and what the loader gave is not kept.
func TestKeysThatAreBoundAlikeShareTheirLists(t *testing.T) {
	w := newWorld()
	for i := range 2 {
		f := key()
		f.ID = id(keyID + 100 + i)
		f.Extra.Networks, f.Extra.Origins = bound()
		w.keys[digest(i)] = f
	}
	r := keyring.NewRing(w, keyring.Options{TTL: time.Minute, Now: w.clock})
	poll(t, r)

	a, b := lookup(t, r, w, digest(0)), lookup(t, r, w, digest(1))

	if &a.Extra.Networks[0] != &b.Extra.Networks[0] || &a.Extra.Origins[0] != &b.Extra.Origins[0] || &a.Extra.Networks[0] == &w.keys[digest(0)].Extra.Networks[0] || len(a.Extra.Networks) != 50 {
		t.Fatal("each keeps its own")
	}
}
