package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// parted is a world that reads keys in parts.
type parted struct {
	*world
	parts     int
	afterPart func()
}

func (p *parted) LoadPart(_ context.Context, after keyring.ID, limit int) ([]keyring.Loaded, error) {
	p.mu.Lock()
	var all []keyring.Loaded
	for d, f := range p.keys {
		if f.RevokedAt == 0 && bytes.Compare(f.ID[:], after[:]) > 0 {
			all = append(all, keyring.Loaded{Digest: d, Facts: deepCopy(f)})
		}
	}
	slices.SortFunc(all, func(a, b keyring.Loaded) int { return bytes.Compare(a.Facts.ID[:], b.Facts.ID[:]) })
	p.parts++
	err, hook := p.fail, p.afterPart
	p.mu.Unlock()
	if hook != nil {
		hook()
	}
	return all[:min(limit, len(all))], err
}

func withKeys(n int) *parted {
	p := &parted{world: newWorld()}
	for i := range n {
		f := key()
		f.ID = uuid(1, i+1)
		p.keys[digest(i)] = f
	}
	return p
}

func wholeRing(t *testing.T, p *parted) *keyring.Ring {
	t.Helper()
	r := keyring.NewRing(p, keyring.Options{TTL: keyring.MaxTTL, Now: p.clock})
	poll(t, r)
	return r
}

func TestKeysReadWholeNeedNoDatabaseWhenTheyAreUsed(t *testing.T) {
	p := withKeys(1201) // three parts
	r := wholeRing(t, p)
	before := r.Whole()

	n, err := r.LoadWhole(t.Context())

	if before || err != nil || n != 1201 || !r.Whole() || r.Len() != 1201 || p.parts != 3 {
		t.Fatalf("%d of 1201 keys in %d parts, whole %v: %v", n, p.parts, r.Whole(), err)
	}
	for i := range 1201 {
		if f := lookup(t, r, p.world, digest(i)); f == nil || f.ID != uuid(1, i+1) {
			t.Fatalf("key %d: %v", i, f)
		}
	}
	if p.loaded() != 0 {
		t.Errorf("%d of them were read once more", p.loaded())
	}
}

// D5: the part holds the key as it was; it is revoked before the part is kept.
func TestPartCannotResurrectAKeyRevokedWhileItWasRead(t *testing.T) {
	p := withKeys(3)
	r := wholeRing(t, p)
	revoke := keyring.Change{Kind: keyring.KindKey, ID: uuid(1, 2)}
	p.afterPart = func() {
		p.commit(func() { p.keys[digest(1)].RevokedAt = 1 }, revoke)
		r.Apply(revoke)
	}
	if _, err := r.LoadWhole(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.afterPart = nil

	if f := lookup(t, r, p.world, digest(1)); f == nil || f.RevokedAt == 0 {
		t.Error("the part overwrote the revocation")
	}
	if f := lookup(t, r, p.world, digest(0)); f == nil || p.loaded() != 1 {
		t.Errorf("the others are kept: %d loads", p.loaded())
	}
}

func TestRingKeptWholeIsReadAnewBeforeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := withKeys(1201)
		r := keyring.NewRing(p, keyring.Options{TTL: keyring.MaxTTL})
		p.fail = errDatabase
		ctx, stop := context.WithCancel(context.Background())
		reports := make(chan error, 100)
		go r.KeepWhole(ctx, func(_ int, err error) { reports <- err })
		synctest.Wait()
		failed := <-reports
		first := r.Whole()
		p.commit(func() { p.fail = nil })
		<-time.After(2 * time.Second)
		synctest.Wait()
		worked := <-reports

		if !errors.Is(failed, errDatabase) || first || worked != nil || !r.Whole() {
			t.Errorf("%v, whole %v; then %v, whole %v", failed, first, worked, r.Whole())
		}
		for range 30 { // five minutes, in which nobody waits for a key
			<-time.After(10 * time.Second)
			if err := r.Poll(ctx); err != nil {
				t.Fatal(err)
			}
			for i := range 1201 {
				if f, err := r.Lookup(ctx, time.Now(), digest(i)); f == nil || err != nil {
					t.Fatal(f, err)
				}
			}
		}
		if p.loaded() != 0 || len(reports) != 0 {
			t.Errorf("%d keys were read when they were used; %d reports more", p.loaded(), len(reports))
		}
		stop()
		synctest.Wait()
	})
}

func TestMoreKeysThanThereIsRoomForAreReadWhenTheyAreUsed(t *testing.T) {
	p := withKeys(1600)
	r := keyring.NewRing(p, keyring.Options{TTL: time.Minute, MaxKeys: 1000, Now: p.clock})
	poll(t, r)

	n, err := r.LoadWhole(t.Context())

	if err != nil || n != 1000 || r.Len() != 1000 || !r.Whole() {
		t.Errorf("%d read, %d kept: %v", n, r.Len(), err)
	}
	if f := lookup(t, r, p.world, digest(1599)); f == nil {
		t.Error("one of the others is unknown")
	}
}

// REL-19: many keys, nothing in memory, many at once for each: never two reads of one key at a time.
func TestEmptiedRingReadsEachKeyOnceAtATime(t *testing.T) {
	w := newWorld()
	const keys, callers = 20, 50
	for i := range keys {
		f := key()
		f.ID = uuid(1, i+1)
		w.keys[digest(i)] = f
	}
	r := ring(t, w, keyring.Options{TTL: time.Minute})
	for round := range 5 {
		r.Apply(keyring.Change{Kind: keyring.KindAll})
		entered, goOn, done := make(chan struct{}, keys*callers), make(chan struct{}), make(chan error, keys*callers)
		w.mu.Lock()
		w.afterRead = func() { entered <- struct{}{}; <-goOn }
		w.mu.Unlock()
		for i := range keys * callers {
			go func() { _, err := r.Lookup(context.Background(), start, digest(i%keys)); done <- err }()
		}
		for range keys {
			<-entered // each key is being read, and held there
		}
		before := w.loaded()
		close(goOn)
		for range keys * callers {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}

		if n := w.loaded(); n != before || n != keys*(round+1) {
			t.Fatalf("round %d: %d reads in all, want %d", round, n, keys*(round+1))
		}
	}
}
