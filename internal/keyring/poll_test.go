package keyring_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// polled counts polls of a world.
type polled struct {
	*world
	polls atomic.Int64
}

func (p *polled) Changes(ctx context.Context, seq int64) ([]keyring.Change, int64, error) {
	p.polls.Add(1)
	return p.world.Changes(ctx, seq)
}

// running runs a ring in a bubble, whose time passes only when all wait.
func running(t *testing.T, body func(p *polled, r *keyring.Ring)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &polled{world: newWorld()}
		p.keys[digest(1)] = key()
		r := keyring.NewRing(p, keyring.Options{TTL: time.Minute})
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx, nil) }()
		synctest.Wait()
		body(p, r)
		stop()
		<-done
	})
}

var revokeKey = keyring.Change{Kind: keyring.KindKey, ID: id(keyID)}

func (p *polled) revoke() {
	p.commit(func() { p.keys[digest(1)].RevokedAt = 1 }, revokeKey)
}

func standsRevoked(t *testing.T, r *keyring.Ring) bool {
	t.Helper()
	f, err := r.Lookup(context.Background(), time.Now(), digest(1))
	if err != nil || f == nil {
		t.Fatal(f, err)
	}
	return f.RevokedAt != 0
}

func TestHintHasTheRingLookAtOnce(t *testing.T) { // R13
	running(t, func(p *polled, r *keyring.Ring) {
		<-time.After(keyring.PollInterval + 100*time.Millisecond)
		before := standsRevoked(t, r)
		p.revoke()
		r.Hint()
		<-time.After(time.Millisecond)
		synctest.Wait()

		if before || !standsRevoked(t, r) {
			t.Error("a millisecond after the hint the revocation is not seen")
		}
	})
}

func TestWithoutHintsPollingAloneSeesARevocation(t *testing.T) { // D5: the guarantee
	running(t, func(p *polled, r *keyring.Ring) {
		_ = standsRevoked(t, r)
		p.revoke()
		<-time.After(keyring.PollInterval)
		synctest.Wait()

		if !standsRevoked(t, r) {
			t.Error("a poll later it is not seen")
		}
	})
}

func TestBurstOfHintsIsAPollOrTwo(t *testing.T) { // 4.4: who forges hints gains nothing
	running(t, func(p *polled, r *keyring.Ring) {
		<-time.After(keyring.PollInterval + 100*time.Millisecond)
		synctest.Wait()
		before := p.polls.Load()
		for range 10_000 {
			r.Hint()
		}
		<-time.After(100 * time.Millisecond)
		synctest.Wait()
		burst := p.polls.Load() - before
		for range 1000 { // one a millisecond
			r.Hint()
			<-time.After(time.Millisecond)
		}
		synctest.Wait()

		if burst > 2 { // one may begin before the last of them
			t.Errorf("10,000 hints at once were %d polls", burst)
		}
		if flood := p.polls.Load() - before - burst; flood > 105 {
			t.Errorf("a second of hints was %d polls", flood)
		}
	})
}

// REL-2: what was known before a long silence is asked for again, even where the feed has nothing to tell of it.
func TestNothingIsBelievedFromBeforeALongSilence(t *testing.T) {
	w := newWorld()
	w.keys[digest(1)] = key()
	r := ring(t, w, keyring.Options{TTL: time.Minute, StaleMax: 10 * time.Second})
	lookup(t, r, w, digest(1))
	w.keys[digest(1)].RevokedAt = 1 // and its row of the feed was swept meanwhile
	w.advance(10 * time.Second)
	poll(t, r)
	short := code(t, r, w, digest(1))
	w.advance(10*time.Second + 1)
	poll(t, r)

	if long := code(t, r, w, digest(1)); short != keyring.Valid || long != keyring.Revoked {
		t.Errorf("after a short silence %v, after a long one %v", short, long)
	}
}

func TestStatsTellLookupsAndThoseThatWaited(t *testing.T) {
	w := newWorld()
	w.keys[digest(1)] = key()
	r := ring(t, w, keyring.Options{})
	for range 5 {
		lookup(t, r, w, digest(1))
		lookup(t, r, w, digest(2))
	}

	if got := r.Stats(); got != (keyring.Stats{Lookups: 10, Misses: 2}) {
		t.Errorf("%+v", got)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = r.Lookup(context.Background(), start, digest(1)) }); n > 1 { // digest() has one
		t.Errorf("%v allocations a warm lookup", n)
	}
}

// slowForms is a world whose forms never come.
type slowForms struct{ *polled }

func (slowForms) LoadForms(ctx context.Context) ([]apikey.Form, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestARevocationDoesNotWaitForForms(t *testing.T) { // R13
	synctest.Test(t, func(t *testing.T) {
		p := slowForms{&polled{world: newWorld()}}
		p.keys[digest(1)] = key()
		r := keyring.NewRing(p, keyring.Options{TTL: time.Minute})
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx, nil) }()
		synctest.Wait()
		before := standsRevoked(t, r)

		p.revoke()
		<-time.After(keyring.PollInterval + 100*time.Millisecond)

		if before || !standsRevoked(t, r) {
			t.Error("the revocation was not heard of while forms were read")
		}
		stop()
		<-done
		<-time.After(time.Minute) // what it still reads ends by itself
	})
}
