package keyring_test

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	mathrand "math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// many is a database of n keys, ten to an app, fifty to an organization, each
// with a name of its own.
type many struct {
	*world
	byDigest map[keyring.Digest]int
}

func (m *many) LoadKey(_ context.Context, d keyring.Digest) (*keyring.Facts, error) {
	n, ok := m.byDigest[d]
	if !ok {
		return nil, nil
	}
	return numbered(n), nil
}

func uuid(kind, n int) (id keyring.ID) {
	random := mathrand.New(mathrand.NewPCG(uint64(kind), uint64(n)))
	binary.BigEndian.PutUint64(id[:], uint64(n))
	binary.BigEndian.PutUint64(id[8:], random.Uint64())
	return id
}

func numbered(n int) *keyring.Facts {
	scopes := [][]string{{"orders:read", "orders:write"}, {"orders:read"}, {"orders:read", "stock:read"}}
	app, org := n/10, n/50
	f := &keyring.Facts{
		ID: uuid(1, n), Name: fmt.Sprintf("Worker %d", n), Environment: keyring.Live, ExpiresAt: start.AddDate(0, 3, 0).UnixNano(),
		App: &keyring.App{ID: uuid(2, app), Name: fmt.Sprintf("App %d", app), Org: &keyring.Org{ID: uuid(3, org), Name: fmt.Sprintf("Organization %d", org)}},
		Reach: &keyring.Reach{Domain: "customer", Grants: []keyring.Grant{{
			Access: &keyring.Access{
				ID: uuid(4, app), API: id(orderAPI), Publisher: id(publisher), State: keyring.AccessActive,
				Limit: ratelimit.Limit{Requests: 1 << 30, Period: time.Second},
			},
			Scopes: scopes[n%3],
		}}},
	}
	return f
}

func newMany(n int) *many {
	m := &many{world: newWorld(), byDigest: make(map[keyring.Digest]int, n)}
	for i := range n {
		m.byDigest[digest(i)] = i
	}
	return m
}

// TestMemoryOfAHundredThousandKeys holds R6 at a tenth of its size, where tables
// are just as full: 220 MiB a million keys, with names, scopes and limits.
func TestMemoryOfAHundredThousandKeys(t *testing.T) { // R6
	const keys = 100_000
	m := newMany(keys)
	r := keyring.NewRing(m, keyring.Options{TTL: time.Minute, Now: m.clock})
	poll(t, r)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for d := range m.byDigest {
		if f, err := r.Lookup(context.Background(), start, d); f == nil || err != nil {
			t.Fatalf("%v %v", f, err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)

	each := float64(after.HeapAlloc-before.HeapAlloc) / keys
	t.Logf("%.0f bytes a key: %.0f MiB a million", each, each*1e6/(1<<20))
	if each*1e6 > 220<<20 {
		t.Errorf("%.0f bytes a key; R6 allows %.0f", each, float64(220<<20)/1e6)
	}
	runtime.KeepAlive(r)
	runtime.KeepAlive(m)
}

// BenchmarkVerification is R5: digest, look-up, decision with its limit, and
// counting, warm, over 100,000 keys of which 1,000 are in use; and the same with
// the check of the key's shape before it.
func BenchmarkVerification(b *testing.B) {
	m := newMany(0)
	pepper := apikey.NewDigester(apikey.Pepper{Key: make([]byte, 32)})
	texts := make([]string, 1024)
	for i := range 100_000 {
		d := digest(i)
		if i < len(texts) {
			s, err := apikey.Mint("gk", apikey.Live, rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			texts[i] = s.Reveal()
			d = keyring.Digest(pepper.Sum(texts[i]))
		}
		m.byDigest[d] = i
	}
	r := keyring.NewRing(m, keyring.Options{TTL: time.Minute, Now: m.clock})
	poll(b, r)
	for d := range m.byDigest {
		lookup(b, r, m.world, d)
	}
	a := compiled(b, api())
	limits := keyring.Limits{Rates: ratelimit.NewLocal(1 << 20), Quotas: keyring.NewMonthlyQuotas()}
	usage := keyring.NewUsage(0)
	req := keyring.Request{Scopes: []string{"orders:read"}, IP: netip.MustParseAddr("203.0.113.7"), Cost: 1}
	ctx := context.Background()
	verify := func(text string) {
		f, err := r.Lookup(ctx, start, keyring.Digest(pepper.Sum(text)))
		if err != nil {
			b.Fatal(err)
		}
		d := keyring.Decide(ctx, start, f, a, &req, limits)
		usage.Count(start, f, a, &req, &d)
		if !d.Allowed() {
			b.Fatal(d.Code)
		}
	}
	for _, text := range texts {
		verify(text)
	}
	for name, shape := range map[string]bool{"R5": false, "R5 and shape": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				text := texts[n&1023]
				if shape && !apikey.Check("gk", text) {
					b.Fatal("malformed")
				}
				verify(text)
				n++
			}
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	m := newMany(100_000)
	r := keyring.NewRing(m, keyring.Options{TTL: time.Minute, Now: m.clock})
	poll(b, r)
	var ds []keyring.Digest
	for d := range m.byDigest {
		lookup(b, r, m.world, d)
		ds = append(ds, d)
	}
	for name, off := range map[string]byte{"known": 0, "unknown": 1} {
		b.Run(name, func(b *testing.B) {
			in := make([]keyring.Digest, 1024)
			for i := range in {
				in[i] = ds[i]
				in[i][5] ^= off
				lookup(b, r, m.world, in[i])
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				_, _ = r.Lookup(context.Background(), start, in[n&1023])
				n++
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	f, a := numbered(1), compiled(b, api())
	limits := keyring.Limits{Rates: ratelimit.NewLocal(64)}
	req := keyring.Request{Scopes: []string{"orders:read"}, Cost: 1}
	b.ReportAllocs()
	for b.Loop() {
		keyring.Decide(context.Background(), start, f, a, &req, limits)
	}
}

func BenchmarkCount(b *testing.B) {
	f, a, u := numbered(1), compiled(b, api()), keyring.NewUsage(0)
	req := keyring.Request{Scopes: []string{"orders:read"}, IP: netip.MustParseAddr("203.0.113.7"), Cost: 1}
	d := keyring.Decide(context.Background(), start, f, a, &req, keyring.Limits{})
	b.ReportAllocs()
	for b.Loop() {
		u.Count(start, f, a, &req, &d)
	}
}
