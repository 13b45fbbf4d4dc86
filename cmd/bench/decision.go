package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/ratelimit"
)

// inMemory is a database that costs nothing.
type inMemory struct {
	keys map[keyring.Digest]*keyring.Facts
	api  *keyring.API
}

func (m *inMemory) LoadKey(_ context.Context, d keyring.Digest) (*keyring.Facts, error) {
	return m.keys[d], nil
}

func (m *inMemory) LoadAPIs(context.Context) ([]*keyring.API, error) {
	return []*keyring.API{m.api}, nil
}

func (m *inMemory) Changes(_ context.Context, _ int64) ([]keyring.Change, int64, error) {
	return nil, 0, nil
}

func numbered(kind, n int) (id keyring.ID) {
	id[0] = byte(kind)
	binary.BigEndian.PutUint64(id[8:], uint64(n)*0x9e3779b97f4a7c15)
	return id
}

// ownCPU is what this process has used so far.
func ownCPU() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// decision is R5: digest, look-up, decision with its limit and counting, warm, over all keys with 1,000 in use; and the same with the check of a
// key's shape before it, as every request has it.
func decision(ctx context.Context, b *bench) error {
	pepper := apikey.NewDigester(apikey.Pepper{Key: make([]byte, 32)})
	now := time.Now()
	ring, texts, err := b.fullRing(ctx, pepper, now)
	if err != nil {
		return err
	}
	catalogue, err := ring.Catalogue(ctx)
	if err != nil {
		return err
	}
	api, usage, limits := catalogue.BySlug("orders"), keyring.NewUsage(0), keyring.Limits{Rates: ratelimit.NewLocal(1 << 20)}
	request := keyring.Request{Scopes: []string{"orders:read"}, IP: netip.MustParseAddr("203.0.113.7"), Cost: 1}
	decide := func(text string) bool {
		f, err := ring.Lookup(ctx, now, keyring.Digest(pepper.Sum(text)))
		d := keyring.Decide(ctx, now, f, api, &request, limits)
		usage.Count(now, f, api, &request, &d)
		return err == nil && d.Allowed()
	}
	if err := b.timed("decision", texts, decide); err != nil {
		return err
	}
	return b.timed("decision with the check of the shape", texts, func(text string) bool { return apikey.Check("gk", text) && decide(text) })
}

// timed prints what one call costs, and what it allocates. Each must be a yes.
func (b *bench) timed(name string, texts []string, yes func(string) bool) error {
	const calls = 500_000
	refused := 0
	call := func(n int) {
		if !yes(texts[n%len(texts)]) {
			refused++
		}
	}
	allocations := testing.AllocsPerRun(inUse, func() { call(0) })
	var times []float64
	for range b.rounds {
		runtime.GC()
		before := ownCPU()
		for n := range calls {
			call(n)
		}
		times = append(times, float64(ownCPU()-before)/calls)
	}
	if refused > 0 {
		return fmt.Errorf("%d were refused", refused)
	}
	slices.Sort(times)
	fmt.Printf("%s in process: %.0f ns of CPU (%.0f-%.0f), %.0f allocations\n", name, times[len(times)/2], times[0], times[len(times)-1], allocations)
	return nil
}

// fullRing is a Ring that has read as many keys as the bench is for, and the texts of those in use.
func (b *bench) fullRing(ctx context.Context, pepper *apikey.Digester, now time.Time) (*keyring.Ring, []string, error) {
	m := &inMemory{keys: make(map[keyring.Digest]*keyring.Facts, b.keys), api: &keyring.API{ID: numbered(1, 1), Slug: "orders", Publisher: numbered(2, 1), Live: true}}
	ring := keyring.NewRing(m, keyring.Options{TTL: time.Minute, StaleMax: time.Hour, Now: func() time.Time { return now }})
	if err := ring.Poll(ctx); err != nil {
		return nil, nil, err
	}
	var texts []string
	for i := range b.keys {
		text, err := apikey.Mint("gk", apikey.Live, rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		if i < inUse {
			texts = append(texts, text.Reveal())
		}
		d := keyring.Digest(pepper.Sum(text.Reveal()))
		m.keys[d] = m.facts(i)
		if _, err := ring.Lookup(ctx, now, d); err != nil {
			return nil, nil, err
		}
	}
	return ring, texts, nil
}

func (m *inMemory) facts(i int) *keyring.Facts {
	app := &keyring.App{ID: numbered(4, i/10), Name: "App", Org: &keyring.Org{ID: numbered(5, i/100), Name: "Organization"}}
	access := &keyring.Access{ID: numbered(6, i/10), API: m.api.ID, Publisher: m.api.Publisher, State: keyring.AccessActive, Limit: ratelimit.Limit{Requests: 1 << 30, Period: time.Second}}
	return &keyring.Facts{ID: numbered(3, i), Name: "Worker", Environment: keyring.Live, App: app, Reach: &keyring.Reach{Grants: []keyring.Grant{{Access: access, Scopes: []string{"orders:read"}}}}}
}
