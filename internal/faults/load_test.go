package faults_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
)

// lost is what an answer that did not come is counted as.
const lost = "lost"

// answers are what callers were told, by code, and how long each waited.
type answers struct {
	mu    sync.Mutex
	sent  int
	count map[string]int
	waits []time.Duration
}

func (a *answers) add(code string, wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count == nil {
		a.count = map[string]int{}
	}
	a.sent++
	a.count[code]++
	if code != lost {
		a.waits = append(a.waits, wait)
	}
}

// of is how many answers were one of the codes.
func (a *answers) of(codes ...string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, code := range codes {
		n += a.count[code]
	}
	return n
}

// others are the codes that there were besides these.
func (a *answers) others(codes ...string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := slices.Sorted(maps.Keys(a.count))
	return slices.DeleteFunc(all, func(code string) bool { return slices.Contains(codes, code) })
}

// within is the wait that the share of all answers did not exceed.
func (a *answers) within(share float64) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waits) == 0 {
		return 0
	}
	slices.Sort(a.waits)
	return a.waits[min(len(a.waits)-1, int(float64(len(a.waits))*share))].Round(10 * time.Microsecond)
}

func (a *answers) String() string {
	a.mu.Lock()
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(a.count)) {
		parts = append(parts, fmt.Sprintf("%s %d", code, a.count[code]))
	}
	a.mu.Unlock()
	return fmt.Sprintf("%s; p50 %s p99 %s most %s", strings.Join(parts, ", "), a.within(.5), a.within(.99), a.within(1))
}

// callers share connections, and give an answer a minute.
func callers() *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
}

// verify asks an edge about a key, once, and returns the code: of the answer, else its status with its code, such as 503 UNAVAILABLE.
func (c *company) verify(client *http.Client, edge, text string) string {
	body := `{"key":"` + text + `","api":"orders","scopes":["orders:read"],"ip":"203.0.113.7"}`
	r, err := http.NewRequest(http.MethodPost, "http://"+edge+"/v1/keys/verify", strings.NewReader(body)) //nolint:noctx // its client has a timeout
	if err != nil {
		return lost
	}
	r.Header.Set("Authorization", "Bearer "+c.gateway)
	r.Header.Set("Content-Type", "application/json")
	r.GetBody = nil // so that the client never sends one again by itself
	answer, err := client.Do(r)
	if err != nil {
		return lost
	}
	said, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		return lost
	}
	_, rest, _ := strings.Cut(string(said), `"code":"`)
	code, _, _ := strings.Cut(rest, `"`)
	if answer.StatusCode != http.StatusOK {
		code = strconv.Itoa(answer.StatusCode) + " " + code
	}
	return code
}

// A load is the steady load under which a fault happens: verifications of a good key, of a revoked one and of one that never was, and pages.
type load struct {
	good, revoked, unknown, pages answers

	stop chan struct{}
	all  sync.WaitGroup
	once sync.Once
}

// Rates of the load, calls a second.
const (
	verifyRate = 200
	pageRate   = 10
)

// load calls processes until its end is called, or the test ends: 200 verifications and 10 pages a second, spread over them.
func (c *company) load(to ...*process) *load {
	c.Helper()
	l := &load{stop: make(chan struct{})}
	var pages []func() string
	for _, p := range to {
		pages = append(pages, c.page(p))
	}
	client := callers()
	ask := func(text string, into *answers) func(n int) {
		return func(n int) {
			began := time.Now()
			code := c.verify(client, to[n%len(to)].edge, text)
			into.add(code, time.Since(began))
		}
	}
	const callersOfGood = 9
	for range callersOfGood {
		l.each(time.Second*callersOfGood/(verifyRate*9/10), ask(c.key.Secret.Reveal(), &l.good))
	}
	l.each(time.Second/(verifyRate/20), ask(c.revoked, &l.revoked))
	l.each(time.Second/(verifyRate/20), ask(unknownKey, &l.unknown))
	l.each(time.Second/pageRate, func(n int) {
		began := time.Now()
		code := pages[n%len(pages)]()
		l.pages.add(code, time.Since(began))
	})
	c.Cleanup(func() { l.end(); client.CloseIdleConnections() })
	return l
}

// each does something again and again, every so often.
func (l *load) each(every time.Duration, do func(n int)) {
	l.all.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for n := 0; ; n++ {
			do(n)
			select {
			case <-tick.C:
			case <-l.stop:
				return
			}
		}
	})
}

// end stops the load and waits for the last answers.
func (l *load) end() {
	l.once.Do(func() { close(l.stop) })
	l.all.Wait()
}

// honest fails the test when a key was told anything that is not so: a good one that it is bad, a bad one that it is good. Not to know is no lie.
func (l *load) honest(t testing.TB) {
	t.Helper()
	const unknowing = "503 UNAVAILABLE"
	if bad := l.good.others("VALID", unknowing, lost); len(bad) > 0 {
		t.Errorf("a good key was told %v: %s", bad, &l.good)
	}
	if bad := l.revoked.others("REVOKED", unknowing, lost); len(bad) > 0 {
		t.Errorf("a revoked key was told %v: %s", bad, &l.revoked)
	}
	if bad := l.unknown.others("NOT_FOUND", unknowing, lost); len(bad) > 0 {
		t.Errorf("a key that never was, was told %v: %s", bad, &l.unknown)
	}
}

func (l *load) String() string {
	return fmt.Sprintf("good key: %s; pages: %s", &l.good, &l.pages)
}

// page returns what visits the list of keys as the customer, signed in, and tells the status.
func (c *company) page(p *process) func() string {
	c.Helper()
	token := webtest.Visit(c, p.URL, c.db, nil).As(c.ownerIs).Cookie("gatehouse-session")
	client := callers()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return func() string {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, p.URL+"/console/keys", nil)
		if err != nil {
			return lost
		}
		r.Header.Set("Cookie", "gatehouse-session="+token)
		answer, err := client.Do(r)
		if err != nil {
			return lost
		}
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			return lost
		}
		return strconv.Itoa(answer.StatusCode)
	}
}
