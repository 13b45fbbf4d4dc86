package keyring_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

func TestEachCauseStopsTheKeyAtOnceHereAndByPollingElsewhere(t *testing.T) { // K6, K7, D5
	for name, cause := range causes() {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.keys[digest(1)] = key()
			here, there := ring(t, w, keyring.Options{}), ring(t, w, keyring.Options{})
			var scopes []string
			if cause.scope != "" {
				scopes = []string{cause.scope}
			}
			for _, r := range []*keyring.Ring{here, there} {
				if got := code(t, r, w, digest(1), scopes...); got != keyring.Valid {
					t.Fatalf("before: %v", got)
				}
			}

			w.commit(func() { cause.alter(w.keys[digest(1)]) }, cause.change)
			here.Apply(cause.change)
			atOnce := code(t, here, w, digest(1), scopes...)
			poll(t, there)
			polled := code(t, there, w, digest(1), scopes...)

			if atOnce != cause.want || polled != cause.want {
				t.Errorf("here %v, there %v; want %v", atOnce, polled, cause.want)
			}
		})
	}
}

func TestRetiredVersionStopsAtOnce(t *testing.T) { // K7
	w := newWorld()
	w.keys[digest(1)] = key()
	r := ring(t, w, keyring.Options{})
	ask := func() keyring.Code {
		c, err := r.Catalogue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		req := keyring.Request{Method: "GET", Path: path(t, "/v2/orders")}
		return keyring.Decide(t.Context(), start, lookup(t, r, w, digest(1)), c.Resolve(id(publisher), ""), &req, keyring.Limits{}).Code
	}
	before := ask()
	change := keyring.Change{Kind: keyring.KindAPI, ID: id(orderAPI)}
	w.commit(func() {
		w.apis[0] = func() *keyring.API {
			a := api()
			a.Rules[0].Retired = true
			return a
		}
	}, change)
	r.Apply(change)

	if after := ask(); before != keyring.Valid || after != keyring.WrongAPI {
		t.Errorf("before %v, after %v", before, after)
	}
}

func TestWarmLookupReadsNothing(t *testing.T) {
	w := newWorld()
	w.keys[digest(1)] = key()
	r := ring(t, w, keyring.Options{})
	lookup(t, r, w, digest(1))
	r.Apply(keyring.Change{Kind: keyring.KindApp, ID: id(999)}, keyring.Change{Kind: keyring.KindKey, ID: id(998)})

	for range 100 {
		if lookup(t, r, w, digest(1)) == nil {
			t.Fatal("lost")
		}
	}

	if n := w.loaded(); n != 1 {
		t.Errorf("%d loads, want 1: others' changes cost nothing", n)
	}
}

func TestFillCannotResurrectARevokedKey(t *testing.T) { // D5
	w := newWorld()
	w.keys[digest(1)] = key()
	r := ring(t, w, keyring.Options{})
	revoke := keyring.Change{Kind: keyring.KindKey, ID: id(keyID)}
	var once sync.Once
	// The load has read the living key; before it returns, the key is revoked and
	// the revocation answered.
	w.afterRead = func() {
		once.Do(func() {
			w.commit(func() { w.keys[digest(1)].RevokedAt = start.UnixNano() }, revoke)
			r.Apply(revoke)
		})
	}

	during := code(t, r, w, digest(1))
	after := code(t, r, w, digest(1))

	if during != keyring.Revoked || after != keyring.Revoked {
		t.Errorf("during %v, after %v: the fill overwrote the revocation", during, after)
	}
}

func TestNobodyJoinsALoadThatIsOlderThanTheRevocation(t *testing.T) { // D5
	w := newWorld()
	w.keys[digest(1)] = key()
	r := ring(t, w, keyring.Options{})
	read, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.afterRead = func() { once.Do(func() { close(read); <-goOn }) }
	first := make(chan *keyring.Facts, 1)
	go func() {
		f, _ := r.Lookup(context.Background(), start, digest(1))
		first <- f
	}()
	<-read
	revoke := keyring.Change{Kind: keyring.KindKey, ID: id(keyID)}
	w.commit(func() { w.keys[digest(1)].RevokedAt = start.UnixNano() }, revoke)
	r.Apply(revoke)
	joined := make(chan *keyring.Facts, 1)
	go func() {
		f, _ := r.Lookup(context.Background(), start, digest(1))
		joined <- f
	}()
	close(goOn)

	if f := <-joined; f == nil || f.RevokedAt == 0 {
		t.Error("a request after the revocation was given facts from before it")
	}
	if f := <-first; f == nil || f.RevokedAt == 0 {
		t.Error("the overtaken load was believed")
	}
}

func TestLoadOvertakenWithoutEndIsUnavailable(t *testing.T) { // C13
	w := newWorld()
	w.keys[digest(1)] = key()
	r := ring(t, w, keyring.Options{})
	w.afterRead = func() { r.Apply(keyring.Change{Kind: keyring.KindAll}) }

	if _, err := r.Lookup(t.Context(), start, digest(1)); !errors.Is(err, keyring.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestUnknownKeysAreRememberedUntilAKeyIsMade(t *testing.T) { // R7
	w := newWorld()
	r := ring(t, w, keyring.Options{})
	for range 10 {
		if lookup(t, r, w, digest(1)) != nil {
			t.Fatal("found what is not there")
		}
	}
	remembered := w.loaded()
	made := keyring.Change{Kind: keyring.KindKey, ID: id(keyID)}
	w.commit(func() { w.keys[digest(1)] = key() }, made)
	r.Apply(made)
	found := lookup(t, r, w, digest(1))
	lookup(t, r, w, digest(2))
	w.advance(6 * time.Second)
	poll(t, r)
	before := w.loaded()
	lookup(t, r, w, digest(2))

	if remembered != 1 {
		t.Errorf("%d loads of one unknown key", remembered)
	}
	if found == nil {
		t.Error("a new key is unknown although its making was announced")
	}
	if w.loaded() != before+1 {
		t.Error("unknown keys are remembered for more than five seconds")
	}
}

func TestUnknownCannotOutliveAKeyMadeMeanwhile(t *testing.T) {
	w := newWorld()
	r := ring(t, w, keyring.Options{})
	made := keyring.Change{Kind: keyring.KindKey, ID: id(keyID)}
	var once sync.Once
	w.afterRead = func() {
		once.Do(func() {
			w.commit(func() { w.keys[digest(1)] = key() }, made)
			r.Apply(made)
		})
	}

	if lookup(t, r, w, digest(1)) == nil {
		t.Error("the load overlooked the key made while it ran")
	}
}

func TestSilentFeedMakesTheRingUnavailable(t *testing.T) { // D5, product.md: 503, never 401
	w := newWorld()
	w.keys[digest(1)] = key()
	unpolled := keyring.NewRing(w, keyring.Options{TTL: time.Minute, Now: w.clock})
	if _, err := unpolled.Lookup(t.Context(), start, digest(1)); !errors.Is(err, keyring.ErrUnavailable) {
		t.Errorf("before the first poll: %v", err)
	}
	r := ring(t, w, keyring.Options{TTL: time.Minute, StaleMax: 10 * time.Second})
	lookup(t, r, w, digest(1))
	lookup(t, r, w, digest(2))
	w.fail = errDatabase
	w.advance(10 * time.Second)
	if err := r.Poll(t.Context()); !errors.Is(err, errDatabase) {
		t.Errorf("poll: %v", err)
	}
	if lookup(t, r, w, digest(1)) == nil {
		t.Error("within the bound, what is warm must answer")
	}
	w.advance(1)

	for n := range 3 {
		if f, err := r.Lookup(t.Context(), w.clock(), digest(n)); f != nil || !errors.Is(err, keyring.ErrUnavailable) {
			t.Errorf("key %d beyond the bound: %v, %v", n, f, err)
		}
	}
	if _, err := r.Catalogue(t.Context()); !errors.Is(err, keyring.ErrUnavailable) {
		t.Errorf("catalogue: %v", err)
	}
	w.fail = nil
	poll(t, r)
	if lookup(t, r, w, digest(1)) == nil || r.Age(w.clock()) != 0 {
		t.Error("it does not recover")
	}
}

func TestDatabaseErrorsAreUnavailableNotUnknown(t *testing.T) { // C13
	w := newWorld()
	w.keys[digest(1)] = key()
	r := ring(t, w, keyring.Options{})
	w.fail = errDatabase
	for range 2 {
		if f, err := r.Lookup(t.Context(), start, digest(1)); f != nil || !errors.Is(err, keyring.ErrUnavailable) || !errors.Is(err, errDatabase) {
			t.Errorf("%v, %v", f, err)
		}
		if _, err := r.Catalogue(t.Context()); !errors.Is(err, keyring.ErrUnavailable) {
			t.Errorf("catalogue: %v", err)
		}
	}
	w.fail = nil
	w.afterRead = func() { panic("driver") }
	if _, err := r.Lookup(t.Context(), start, digest(1)); !errors.Is(err, keyring.ErrUnavailable) {
		t.Errorf("panic: %v", err)
	}
	w.afterRead = nil

	if got := code(t, r, w, digest(1)); got != keyring.Valid {
		t.Errorf("afterwards: %v", got)
	}
}

func TestFactsAreAskedForAgainAfterTheirTime(t *testing.T) { // D5: never longer than the TTL
	w := newWorld()
	w.keys[digest(1)] = key()
	r, strict := ring(t, w, keyring.Options{TTL: 10 * time.Second}), keyring.NewRing(w, keyring.Options{Now: w.clock})
	poll(t, strict)
	lookup(t, r, w, digest(1))
	w.keys[digest(1)].RevokedAt = 1 // and nobody announces it
	w.advance(7 * time.Second)
	poll(t, r)
	believed := code(t, r, w, digest(1))
	w.advance(3 * time.Second)
	poll(t, r)
	asked := code(t, r, w, digest(1))
	before := w.loaded()
	lookup(t, strict, w, digest(1))
	lookup(t, strict, w, digest(1))

	if believed != keyring.Valid || asked != keyring.Revoked {
		t.Errorf("believed %v, then %v", believed, asked)
	}
	if n := w.loaded() - before; n != 2 {
		t.Errorf("strict: %d loads for two lookups", n)
	}
}

func TestManyWhoAskAtOnceLoadOnce(t *testing.T) {
	w := newWorld()
	w.keys[digest(1)] = key()
	r := ring(t, w, keyring.Options{})
	entered, goOn := make(chan struct{}, 1), make(chan struct{})
	w.afterRead = func() { entered <- struct{}{}; <-goOn }
	var all sync.WaitGroup
	ask := func() {
		if f, err := r.Lookup(context.Background(), start, digest(1)); f == nil || err != nil {
			t.Errorf("%v %v", f, err)
		}
	}
	all.Go(ask)
	<-entered
	left, leave := context.WithCancel(context.Background())
	leave()
	if _, err := r.Lookup(left, start, digest(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("who leaves: %v", err)
	}
	for range 50 {
		all.Go(ask)
	}
	close(goOn)
	all.Wait()

	if n := w.loaded(); n != 1 {
		t.Errorf("%d loads", n)
	}
}

// REL-19, L7: texts that nobody has can't queue up in front of a known key that must be read anew.
func TestFloodOfUnknownKeysIsTurnedAwayAndKnownKeysAreStillRead(t *testing.T) {
	w := newWorld()
	w.keys[digest(1)] = key()
	r := ring(t, w, keyring.Options{TTL: time.Minute})
	if f, err := r.Lookup(context.Background(), start, digest(1)); f == nil || err != nil {
		t.Fatal(f, err)
	}
	entered, goOn := make(chan struct{}, 1000), make(chan struct{})
	w.afterRead = func() { entered <- struct{}{}; <-goOn }
	var all sync.WaitGroup
	for i := range 256 {
		all.Go(func() { _, _ = r.Lookup(context.Background(), start, digest(1000+i)) })
	}
	for range 256 {
		<-entered
	}

	_, tooMany := r.Lookup(context.Background(), start, digest(5000))
	r.Apply(keyring.Change{Kind: keyring.KindKey, ID: id(keyID)})
	known := make(chan error, 1)
	go func() { _, err := r.Lookup(context.Background(), start, digest(1)); known <- err }()
	<-entered // the known key is being read, flood or not
	close(goOn)
	all.Wait()

	if !errors.Is(tooMany, keyring.ErrUnavailable) {
		t.Error("one more unknown key was looked up", tooMany)
	}
	if err := <-known; err != nil {
		t.Error("a known key was turned away", err)
	}
	if _, err := r.Lookup(context.Background(), start, digest(6000)); err != nil {
		t.Error("when the flood is over, unknown keys are looked up again", err)
	}
}

func TestMemoryIsBoundedByEviction(t *testing.T) {
	w := newWorld()
	r := ring(t, w, keyring.Options{MaxKeys: 100, MaxUnknown: 100})
	for n := range 1000 {
		f := key()
		f.ID = id(1000 + n)
		w.keys[digest(n)] = f
	}
	for n := range 2000 {
		if f := lookup(t, r, w, digest(n)); (f != nil) != (n < 1000) {
			t.Fatalf("key %d: %v", n, f)
		}
	}

	if n := r.Len(); n != 100 {
		t.Errorf("%d keys kept, want 100", n)
	}
	for n := range 1000 {
		if f := lookup(t, r, w, digest(n)); f == nil || f.ID != id(1000+n) {
			t.Fatalf("key %d gives %v", n, f)
		}
	}
}

func TestKeyThatVanishedIsForgotten(t *testing.T) {
	w := newWorld()
	w.keys[digest(1)] = key()
	r := ring(t, w, keyring.Options{})
	lookup(t, r, w, digest(1))
	gone := keyring.Change{Kind: keyring.KindKey, ID: id(keyID)}
	w.commit(func() { delete(w.keys, digest(1)) }, gone)
	r.Apply(gone)

	if lookup(t, r, w, digest(1)) != nil || r.Len() != 0 {
		t.Error("still there")
	}
}

func TestKeysShareWhatIsEqualAndNothingElse(t *testing.T) { // R6
	w := newWorld()
	other := key()
	other.ID, other.App.Name = id(77), "renamed"
	w.keys[digest(1)], w.keys[digest(2)], w.keys[digest(3)] = key(), key(), other
	w.keys[digest(2)].ID = id(76)
	r := ring(t, w, keyring.Options{})
	a, b, c := lookup(t, r, w, digest(1)), lookup(t, r, w, digest(2)), lookup(t, r, w, digest(3))

	if a.App != b.App || a.Reach != b.Reach || a.ID == b.ID {
		t.Error("equal facts are kept twice")
	}
	if c.App.Name != "renamed" || a.App.Name != "Northwind shop" || c.App.Org != a.App.Org {
		t.Error("different facts were mixed up")
	}
}

func TestReadersNeverSeeARevokedKeyRevive(t *testing.T) { // D5, under the race detector
	w := newWorld()
	w.keys[digest(1)] = key()
	r := ring(t, w, keyring.Options{})
	change := keyring.Change{Kind: keyring.KindKey, ID: id(keyID)}
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				r.Apply(keyring.Change{Kind: keyring.KindApp, ID: id(10_000 + n)})
				lookup(t, r, w, digest(1))
			}
		}
	})
	for n := range int64(2000) {
		w.commit(func() { w.keys[digest(1)].RevokedAt = n }, change)
		r.Apply(change)
		if got := lookup(t, r, w, digest(1)).RevokedAt; got != n {
			t.Fatalf("round %d: facts of round %d", n, got)
		}
	}
	close(stop)
	all.Wait()
}

func TestRunPollsUntilItsContextEnds(t *testing.T) {
	w := newWorld()
	w.keys[digest(1)] = key()
	w.fail = errDatabase
	r := keyring.NewRing(w, keyring.Options{TTL: time.Second, Now: w.clock})
	reports := make(chan error, 10)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { r.Run(ctx, func(err error) { reports <- err }); close(done) }()

	first := <-reports
	w.mu.Lock()
	w.fail = nil
	w.mu.Unlock()
	second := <-reports
	stop()
	<-done

	if !errors.Is(first, errDatabase) || second != nil {
		t.Errorf("reports %v, %v", first, second)
	}
	if lookup(t, r, w, digest(1)) == nil {
		t.Error("not polled")
	}
}

// REL-12: a clock that is set back makes no silence shorter.
func TestAClockThatIsSetBackKeepsNobodyGoing(t *testing.T) {
	now, w := start, newWorld()
	w.keys[digest(1)] = key()
	r := keyring.NewRing(w, keyring.Options{TTL: time.Minute, StaleMax: 10 * time.Second, Now: func() time.Time { return now }})
	look := func() error {
		_ = r.Poll(t.Context())
		_, err := r.Lookup(t.Context(), now, digest(1))
		return err
	}
	if err := look(); err != nil {
		t.Fatal("control", err)
	}
	w.fail = errDatabase

	now = start.Add(-time.Hour)

	for _, after := range []time.Duration{0, 30 * time.Minute, 59 * time.Minute} {
		now = start.Add(-time.Hour + after)
		if err := look(); !errors.Is(err, keyring.ErrUnavailable) || r.Age(now) < time.Minute {
			t.Errorf("%v later: %v, %v old", after, err, r.Age(now))
		}
	}
	w.fail = nil
	w.keys[digest(1)].RevokedAt = 1 // and the change was not told of: nobody knows what was swept meanwhile
	if err := look(); err != nil {
		t.Error("the database is back:", err)
	}
	if f, _ := r.Lookup(t.Context(), now, digest(1)); f.RevokedAt == 0 {
		t.Error("what was known before is believed")
	}
}
