package faults_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Figures of A3. What one hash takes is of the floor that every installation has (GATEHOUSE_PASSWORD_PASSES says how often it goes over it).
const (
	guesses    = 200
	hashMemory = 19 << 20 // bytes
	headroom   = 64 << 20 // bytes
	surplusIn  = 2500 * time.Millisecond
)

// A3, A4, REL-11: however many guess passwords at once, and whether they wait for the answer or not, memory stays bounded, what is too much is told so soon and costs
// no hash, keys are verified meanwhile, and who knows their password gets in afterwards.
func TestLoginFloodIsBoundedInMemoryAndWork(t *testing.T) {
	for name, hangUp := range map[string]time.Duration{"A3 who wait for the answer": 0, "A4 who hang up at once": 30 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			bounded(t)
			c := newCompany(t, "sqlite")
			p := c.start(map[string]string{"GATEHOUSE_TRUSTED_PROXIES": "127.0.0.1/32", "GATEHOUSE_PASSWORD_PASSES": "4"})
			flood := &guessing{client: callers(), site: p.URL}
			t.Cleanup(flood.client.CloseIdleConnections)
			flood.send(0) // starts the process that hashes
			family := familyOf(t, p.Pid())
			one := cheapest(t, family, func() { flood.send(0) })
			flood.answers = answers{}
			l := c.load(p)
			base, worked := family.peak(t), family.worked(t)

			for range amount(1, 3) {
				flood.all(hangUp)
			}
			for left := hangUp; left > 0 && family.worked(t) == worked && left < patience; left *= 2 {
				flood.all(left) // on a slow machine none was begun before they hung up
			}

			grown := family.peakSince(t) - base
			l.end()
			settled(t, family)
			hashes := float64(family.worked(t)-worked) / float64(one)
			report(t, "REL-11", "%s: %d guesses: %s; memory grew by %d MiB; processor time of %.1f hashes; verifications %s", name, flood.sent, flood, grown>>20, hashes, &l.good)

			l.honest(t)
			if bound := int64(runtime.GOMAXPROCS(0)+1)*hashMemory + headroom; grown > bound {
				t.Errorf("memory grew by %d MiB, of %d that it may", grown>>20, bound>>20)
			}
			if n := flood.of("500", "200", "303"); n > 0 {
				t.Errorf("guesses were answered %s", flood)
			}
			flood.judge(t, hangUp, hashes)
			if status := flood.try(context.Background(), c.admin.Email, adminPassword); status != "303" {
				t.Errorf("who knows the password is answered %s after the flood", status)
			}
		})
	}
}

// judge holds the answers against the work. Work is counted by processor time, which the load beside it makes a little dearer, so there is some room.
func (g *guessing) judge(t *testing.T, hangUp time.Duration, hashes float64) {
	t.Helper()
	if hangUp > 0 {
		if hashes == 0 || hashes > float64(g.sent)/2 {
			t.Errorf("those who hung up had %.1f hashes computed for %d guesses: there are to be some, and few", hashes, g.sent)
		}
		return
	}
	refused, busy := g.of("401"), g.of("503")
	if busy == 0 || refused == 0 || refused+busy != g.sent {
		t.Errorf("guesses were answered %s: there is to be some 401, some 503 with Retry-After, and nothing else", g)
	}
	if hashes > 2*float64(refused+1) {
		t.Errorf("%d were refused and %d told to wait, and the work was that of %.1f hashes", refused, busy, hashes)
	}
	if slow := g.surplus.within(.5); *long && slow > surplusIn {
		t.Errorf("half of those who were told to come back waited longer than %s for it", slow)
	}
}

// guessing tries wrong passwords, each of another person and from another address, so that no throttle ends it.
type guessing struct {
	answers
	surplus answers // those that were 503
	client  *http.Client
	site    string
	number  int
	mu      sync.Mutex
}

// all guesses 200 times at once; a patience of 0 waits for the answers.
func (g *guessing) all(patience time.Duration) {
	var every sync.WaitGroup
	for range guesses {
		every.Go(func() { g.send(patience) })
	}
	every.Wait()
}

func (g *guessing) send(patience time.Duration) {
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if patience > 0 {
		ctx, cancel = context.WithTimeout(ctx, patience)
	}
	defer cancel()
	g.mu.Lock()
	g.number++
	n := g.number
	g.mu.Unlock()
	began := time.Now()
	status := g.try(ctx, fmt.Sprintf("nobody%d@northwind.example", n), "a wrong sentence")
	g.add(status, time.Since(began))
	if status == "503" {
		g.surplus.add(status, time.Since(began))
	}
}

// try signs in and returns the status.
func (g *guessing) try(ctx context.Context, email, password string) string {
	return g.post(ctx, "/login", url.Values{"email": {email}, "password": {password}}, g.network())
}

// network is an address from which nothing was sent before.
func (g *guessing) network() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.number++
	return fmt.Sprintf("11.%d.%d.1", g.number/250, g.number%250)
}

// post sends a form from a network and returns the status; that of a 503 without Retry-After says so.
func (g *guessing) post(ctx context.Context, path string, form url.Values, network string) string {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.site+path, strings.NewReader(form.Encode()))
	if err != nil {
		return lost
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", g.site)
	r.Header.Set("X-Forwarded-For", network)
	answer, err := g.client.Transport.RoundTrip(r)
	if err != nil {
		return lost
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return lost
	}
	if answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") == "" {
		return "503 without Retry-After"
	}
	return strconv.Itoa(answer.StatusCode)
}

// A family is the processes of one portal: itself and the one that hashes.
type family []int

func familyOf(t testing.TB, pid int) family {
	t.Helper()
	all := family{pid}
	children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range children {
		said, _ := os.ReadFile(path) // a thread may have ended meanwhile
		for _, child := range strings.Fields(string(said)) {
			n, err := strconv.Atoi(child)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, n)
		}
	}
	if len(all) != 2 {
		t.Fatalf("processes of the portal: %v; there is to be one that hashes, too", all)
	}
	return all
}

// peak forgets the most memory that was held, and returns what is held now, in bytes.
func (f family) peak(t testing.TB) int64 {
	t.Helper()
	for _, pid := range f {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil { // proc(5): the peak becomes what is held now
			t.Fatal(err)
		}
	}
	return f.peakSince(t)
}

// peakSince is the most memory that was held since peak, in bytes, each process at its own worst moment.
func (f family) peakSince(t testing.TB) (sum int64) {
	t.Helper()
	for _, pid := range f {
		said, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(said), "VmHWM:")
		kib, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += kib << 10
	}
	return sum
}

// worked is the processor time that the process that hashes has used, in ticks of 10 ms.
func (f family) worked(t testing.TB) int64 {
	t.Helper()
	said, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", f[1]))
	if err != nil {
		t.Fatal(err)
	}
	// The name, in parentheses, may hold spaces; user and system time are the 12th and 13th fields after it.
	fields := strings.Fields(string(said[strings.LastIndexByte(string(said), ')')+1:]))
	var sum int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// cheapest is the least processor time that do took of three times, in ticks; at least one.
func cheapest(t testing.TB, f family, do func()) int64 {
	t.Helper()
	least := int64(0)
	for range 3 {
		before := f.worked(t)
		do()
		if took := f.worked(t) - before; least == 0 || took < least {
			least = took
		}
	}
	return max(1, least)
}

// settled waits until the process that hashes has nothing left to do.
func settled(t testing.TB, f family) {
	t.Helper()
	last, quiet := f.worked(t), 0
	eventually(t, "no more hashes", func() bool {
		now := f.worked(t)
		if quiet++; now != last {
			quiet = 0
		}
		last = now
		return quiet >= 25 // half a second
	})
}
