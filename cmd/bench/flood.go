package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The flood of REL-11: wrong passwords, each of another person and from another address, so that no throttle ends it.
const (
	floodCallers = 50
	floodEvery   = 100 * time.Millisecond // of each: 500 a second together
	steadyEvery  = 10 * time.Millisecond  // a verification on each connection
)

// floodSection is R14: how long verifications wait while passwords are guessed, against how long they wait otherwise: asked as fast as the program answers, as
// for all other ratios, and at a steady pace, at which nothing waits unless a processor is taken. What bounds it is the gate of argon2id, which lets few
// guesses be computed at once, and the processor time that those few take from all else.
func floodSection(ctx context.Context, b *bench) error {
	if _, err := b.filled.visitor(ctx); err != nil { // while there is nobody, nobody can sign in
		return err
	}
	p, err := b.another(ctx, b.filled.dir, "GATEHOUSE_TRUSTED_PROXIES=127.0.0.1/32")
	if err != nil {
		return err
	}
	for name, every := range map[string]time.Duration{"verify": 0, "steady-verify": steadyEvery} {
		alone := load{address: p.address, connections: b.connections, requests: b.filled.verifications(b.filled.texts[:inUse]), every: every}
		guesses := &flood{site: "http://" + p.portal, answers: map[int]int{}}
		flooded := alone
		flooded.beside = guesses.begin
		if err := b.against(ctx, contender{name + "-flood", []*program{p}, flooded}, contender{name, []*program{p}, alone}, "p99", "req/s"); err != nil {
			return err
		}
		fmt.Printf("flood: %.0f guesses a second asked, %.0f answered, by status %v\n", floodCallers/floodEvery.Seconds(), float64(guesses.sum())/guesses.lasted.Seconds(), guesses.answers)
	}
	return nil
}

// flood guesses passwords.
type flood struct {
	site string

	mu      sync.Mutex
	answers map[int]int // by status; 0: none came
	lasted  time.Duration
	number  atomic.Int64
}

func (f *flood) sum() (n int) {
	for _, count := range f.answers {
		n += count
	}
	return n
}

// begin floods until stop is called.
func (f *flood) begin(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	client := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: floodCallers},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	began := time.Now()
	var all sync.WaitGroup
	for range floodCallers {
		all.Go(func() {
			tick := time.NewTicker(floodEvery)
			defer tick.Stop()
			for ctx.Err() == nil {
				status := f.guess(ctx, client)
				if ctx.Err() == nil {
					f.mu.Lock()
					f.answers[status]++
					f.mu.Unlock()
				}
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
		client.CloseIdleConnections()
		f.lasted += time.Since(began)
	}
}

func (f *flood) guess(ctx context.Context, client *http.Client) int {
	form := url.Values{"email": {fmt.Sprintf("nobody%d@bench.example", f.number.Add(1))}, "password": {"a wrong sentence"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.site+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", f.site)
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("%d.%d.%d.%d", 11+rand.IntN(80), rand.IntN(256), rand.IntN(256), rand.IntN(256))) //nolint:gosec // any address will do
	answer, err := client.Do(r)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode
}
