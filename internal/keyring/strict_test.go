package keyring_test

import (
	"testing"
	"testing/synctest"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// D5 at its strictest: who asks after a key was revoked is not answered from a reading that began before, even one that is not over yet.
func TestAStrictQuestionIsNotAnsweredByAnEarlierReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.keys[digest(1)] = key()
		r := keyring.NewRing(w, keyring.Options{Now: w.clock})
		poll(t, r)
		goOn := make(chan struct{})
		w.afterRead = func() { <-goOn }
		ask := func(into *int64) {
			f, err := r.Lookup(t.Context(), w.clock(), digest(1))
			if err != nil {
				t.Error(err)
				return
			}
			*into = f.RevokedAt
		}
		var before, after int64
		go ask(&before)
		synctest.Wait() // it has read, and is held

		w.mu.Lock()
		w.keys[digest(1)].RevokedAt = 1 // by another process, and not announced yet
		w.mu.Unlock()
		go ask(&after)
		synctest.Wait()
		close(goOn)
		synctest.Wait()

		if before != 0 || after != 1 {
			t.Errorf("before %d, after %d", before, after)
		}
	})
}
