package keyring_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// several is a world that reads several keys at once.
type several struct {
	*parted
	rounds, read atomic.Int64
	afterSome    func()
	failing      atomic.Bool
}

func (s *several) LoadSome(_ context.Context, ids []keyring.ID) ([]keyring.Loaded, error) {
	s.rounds.Add(1)
	if s.failing.Load() {
		return nil, errDatabase
	}
	s.mu.Lock()
	var some []keyring.Loaded
	for d, f := range s.keys {
		if slices.Contains(ids, f.ID) {
			some = append(some, keyring.Loaded{Digest: d, Facts: deepCopy(f)})
		}
	}
	hook := s.afterSome
	s.mu.Unlock()
	s.read.Add(int64(len(some)))
	if hook != nil {
		hook()
	}
	return some, nil
}

// inUse runs a Ring that is kept fresh over n keys, polls it, and calls use each 100 ms for as long as that is given.
func inUse(t *testing.T, n int, during time.Duration, use func(*keyring.Ring, *several)) *several {
	s := &several{parted: withKeys(n)}
	r := keyring.NewRing(s, keyring.Options{TTL: keyring.DefaultTTL})
	ctx, stop := context.WithCancel(context.Background())
	go r.KeepFresh(ctx)
	synctest.Wait()
	for began := time.Now(); time.Since(began) < during; {
		if err := r.Poll(ctx); err != nil {
			t.Fatal(err)
		}
		use(r, s)
		<-time.After(100 * time.Millisecond)
	}
	stop()
	synctest.Wait()
	return s
}

func seen(t *testing.T, r *keyring.Ring, d keyring.Digest) *keyring.Facts {
	t.Helper()
	f, err := r.Lookup(context.Background(), time.Now(), d)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestKeysInUseAreReadAnewTogetherBeforeTheirTime(t *testing.T) { // R1
	synctest.Test(t, func(t *testing.T) {
		s := inUse(t, 40, time.Minute, func(r *keyring.Ring, _ *several) {
			for i := range 40 {
				if seen(t, r, digest(i)) == nil {
					t.Fatal("a key is unknown")
				}
			}
		})

		if s.loaded() != 40 {
			t.Errorf("%d keys had to be waited for, of 40", s.loaded())
		}
		if s.read.Load() < 5*40 || s.rounds.Load() > s.read.Load()/2 {
			t.Errorf("%d keys read anew, in %d rounds", s.read.Load(), s.rounds.Load())
		}
	})
}

func TestKeysThatNobodyUsesAreNotReadAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		s := inUse(t, 40, time.Minute, func(r *keyring.Ring, _ *several) {
			for i := range 40 {
				if first || i == 0 {
					seen(t, r, digest(i))
				}
			}
			first = false
		})

		if s.loaded() != 40 || s.read.Load() > 10 {
			t.Errorf("%d keys were waited for, %d read anew", s.loaded(), s.read.Load())
		}
	})
}

// D5: the key is read as it was, revoked, and then kept.
func TestReadingAnewCannotResurrectAKeyRevokedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ring *keyring.Ring
		var revoked bool
		s := inUse(t, 1, 30*time.Second, func(r *keyring.Ring, s *several) {
			ring = r
			s.afterSome = func() {
				if !revoked {
					s.commit(func() { s.keys[digest(0)].RevokedAt = time.Now().UnixNano() }, keyring.Change{Kind: keyring.KindKey, ID: uuid(1, 1)})
					ring.Apply(keyring.Change{Kind: keyring.KindKey, ID: uuid(1, 1)})
					revoked = true
				}
			}
			if f := seen(t, r, digest(0)); revoked && f.RevokedAt == 0 {
				t.Error("a revoked key is back")
			}
		})

		if !revoked || s.read.Load() < 2 {
			t.Errorf("revoked %v, read anew %d times", revoked, s.read.Load())
		}
	})
}

// REL-1: what can't be read anew is asked for when it is used, and is not believed for longer than before.
func TestKeysThatCannotBeReadAnewAreNotBelievedForLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inUse(t, 1, 30*time.Second, func(r *keyring.Ring, s *several) {
			s.failing.Store(true)
			seen(t, r, digest(0))
		})

		if s.loaded() < 3 || s.rounds.Load() < 3 {
			t.Errorf("asked for %d times, tried %d times", s.loaded(), s.rounds.Load())
		}
	})
}

// TTL is a bound even where the feed tells nothing: what changed behind its back is seen no later than by asking.
func TestReadingAnewSeesWhatTheFeedDidNotTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changed time.Time
		inUse(t, 1, 30*time.Second, func(r *keyring.Ring, s *several) {
			f := seen(t, r, digest(0))
			switch {
			case changed.IsZero():
				s.commit(func() { s.keys[digest(0)].Paused = true })
				changed = time.Now()
			case time.Since(changed) > keyring.DefaultTTL && !f.Paused:
				t.Fatal("old facts are believed for longer than TTL")
			}
		})
	})
}

func TestStrictRingReadsNothingAhead(t *testing.T) {
	s := &several{parted: withKeys(1)}
	r := keyring.NewRing(s, keyring.Options{Now: s.clock})

	r.KeepFresh(t.Context()) // returns
	err := r.Read(t.Context(), []keyring.ID{uuid(1, 1)})

	if err != nil || s.rounds.Load() != 0 {
		t.Error("it read", err)
	}
}

func TestKeysReadAheadNeedNoDatabaseWhenTheyAreUsed(t *testing.T) { // R12
	s := &several{parted: withKeys(1201)}
	r := keyring.NewRing(s, keyring.Options{TTL: keyring.DefaultTTL, Now: s.clock})
	poll(t, r)
	var ids []keyring.ID
	for i := range 1200 {
		ids = append(ids, uuid(1, i+1))
	}

	err := r.Read(t.Context(), ids)
	for i := range 1200 {
		if f := lookup(t, r, s.world, digest(i)); f == nil || f.ID != ids[i] {
			t.Fatal(i, f)
		}
	}
	s.failing.Store(true)
	failed := r.Read(t.Context(), ids)

	if err != nil || s.loaded() != 0 || s.rounds.Load() != 4 || !errors.Is(failed, errDatabase) {
		t.Errorf("%v; %d read alone, %d rounds; %v", err, s.loaded(), s.rounds.Load(), failed)
	}
}
