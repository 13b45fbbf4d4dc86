package factor_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	"github.com/gatehouse-dev/gatehouse/models/actor"
)

// S2, A12: the token that knew the password alone is dead once a factor was shown, and the session goes on for its day.
func TestShowingAFactorGivesANewToken(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		p, _ := w.enrol(a, "Phone")
		w.clock.Advance(time.Minute)
		b, before, pending := w.in(w.ada)

		shown, err := w.store.Show(w.Context(), b, p.now())
		w.must(err)

		_, _, dead := w.accounts.Resolve(w.Context(), before)
		alive, _, err := w.accounts.Resolve(w.Context(), shown.Token)
		w.must(err)
		w.is(dead, fault.Unauthenticated)
		if !pending.Pending() || alive.Pending() || !alive.Fresh(w.clock.Now()) || !alive.ExpiresAt.Equal(pending.CreatedAt.Add(24*time.Hour)) {
			w.Errorf("%+v\n%+v", pending, alive)
		}
		if pending.ExpiresAt.Sub(pending.CreatedAt) != 10*time.Minute {
			w.Error("a session that waits for its factor lives as long as others")
		}
	})
}

// Sessions from before the first factor was added have to show it, too; the one in which it was added has.
func TestOtherSessionsAreAskedOnceAFactorIsAdded(t *testing.T) {
	each(t, func(w *world) {
		_, elsewhere, _ := w.in(w.ada)
		a, old, _ := w.in(w.ada)

		_, added := w.enrol(a, "Phone")

		other, _, err := w.accounts.Resolve(w.Context(), elsewhere)
		w.must(err)
		mine, _, err := w.accounts.Resolve(w.Context(), added.Token)
		w.must(err)
		_, _, dead := w.accounts.Resolve(w.Context(), old)
		w.is(dead, fault.Unauthenticated)
		if !other.Pending() || mine.Pending() {
			w.Error(other.Pending(), mine.Pending())
		}
	})
}

// A14: a proof is fresh for ten minutes, and of who has a factor it takes both.
func TestAProofTakesTheFactorToo(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		p, _ := w.enrol(a, "Phone")
		w.clock.Advance(11 * time.Minute)
		token, err := w.accounts.Reauthenticate(w.Context(), a, good)
		w.must(err)
		half, _, err := w.accounts.Resolve(w.Context(), token)
		w.must(err)

		shown, err := w.store.Show(w.Context(), a, p.now())
		w.must(err)

		whole, _, err := w.accounts.Resolve(w.Context(), shown.Token)
		w.must(err)
		if now := w.clock.Now(); half.Fresh(now) || !half.PasswordFresh(now) || !whole.Fresh(now) {
			w.Errorf("%+v\n%+v", half, whole)
		}
	})
}

// A8: five tries in a quarter of an hour, however many come at once, and the right password gives none back.
func TestGuessingCodesIsBounded(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		p, _ := w.enrol(a, "Phone")
		w.clock.Advance(time.Minute)
		wrong := p.wrong()

		var all sync.WaitGroup
		var judged, refused atomic.Int32
		for range 20 {
			all.Go(func() {
				_, err := w.store.Show(w.Context(), a, wrong)
				switch {
				case fault.Is(err, fault.Invalid):
					judged.Add(1)
				case fault.Is(err, fault.RateLimited):
					refused.Add(1)
				default:
					w.Error(err)
				}
			})
		}
		all.Wait()
		b, _, _ := w.in(w.ada)
		_, right := w.store.Show(w.Context(), b, p.now())
		w.clock.Advance(16 * time.Minute)
		c, _, _ := w.in(w.ada)
		_, later := w.store.Show(w.Context(), c, p.now())

		if judged.Load() != 5 || refused.Load() != 15 {
			w.Errorf("%d judged, %d refused", judged.Load(), refused.Load())
		}
		w.is(right, fault.RateLimited)
		w.must(later)
		if w.acts("factor.failed") != 5 {
			w.Error("failures are not in the audit log")
		}
	})
}

// A8: after a hundred in a row, codes of apps are worth nothing until a recovery code was used.
func TestAHundredWrongCodesForceRecovery(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		p, added := w.enrol(a, "Phone")
		for range 20 {
			w.clock.Advance(16 * time.Minute)
			a, _, _ = w.in(w.ada)
			for range 5 {
				_, err := w.store.Show(w.Context(), a, p.wrong())
				w.is(err, fault.Invalid)
			}
		}
		w.clock.Advance(16 * time.Minute)
		a, _, _ = w.in(w.ada)

		_, right := w.store.Show(w.Context(), a, p.now())
		_, recovered := w.store.Show(w.Context(), a, added.Codes[0])
		w.clock.Advance(time.Minute)
		_, after := w.store.Show(w.Context(), a, p.now())

		w.is(right, fault.Invalid)
		w.must(recovered)
		w.must(after)
	})
}

// A10: a recovery code works once, however it is typed and however many show it at once; that is mailed.
func TestARecoveryCodeWorksOnce(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		_, added := w.enrol(a, "Phone")
		_, second := w.replica(w.d)
		code := added.Codes[3]
		spellings := []string{code, " " + code[:6] + code[7:], code, code}

		var in sync.WaitGroup
		failures := make([]error, len(spellings))
		for i, store := range []*factor.Store{w.store, second, w.store, second} {
			in.Go(func() { _, failures[i] = store.Show(w.Context(), a, spellings[i]) })
		}
		in.Wait()

		passed := 0
		for _, err := range failures {
			if err == nil {
				passed++
			}
		}
		r, err := w.store.Recovery(w.Context(), a)
		w.must(err)
		if passed != 1 || r.Unused != 9 {
			w.Errorf("%d got in, %d left: %v", passed, r.Unused, failures)
		}
		w.last("recovery_code_used")
	})
}

// A10: a new set ends the one before, and none of them is readable in the database.
func TestNewRecoveryCodesEndThoseBefore(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		_, added := w.enrol(a, "Phone")

		codes, err := w.store.NewCodes(w.Context(), a)
		w.must(err)
		w.last("recovery_codes_made")

		_, old := w.store.Show(w.Context(), a, added.Codes[0])
		_, young := w.store.Show(w.Context(), a, codes[0])
		w.is(old, fault.Invalid)
		w.must(young)
		seen := map[string]bool{}
		for _, c := range codes {
			seen[c] = true
		}
		if len(seen) != 10 || len(codes[0]) != 27 || w.count("SELECT COUNT(*) FROM recovery_codes") != 10 {
			w.Error(codes)
		}
	})
}

// Z2: a recovery code is its owner's alone.
func TestARecoveryCodeOfSomebodyElseIsWorthNothing(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		_, added := w.enrol(a, "Phone")
		b, _, _ := w.in(w.person("bob@example.com"))
		w.enrol(b, "Phone")

		_, err := w.store.Show(w.Context(), b, added.Codes[0])

		w.is(err, fault.Invalid)
	})
}

// Removing mails the owner; with the last factor the recovery codes go, and the password alone signs in again.
func TestRemovingTheLastFactorEndsRecoveryCodes(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		p, _ := w.enrol(a, "Phone")
		q, more := w.enrol(a, "Tablet")

		w.must(w.store.Remove(w.Context(), a, p.id))
		left, err := w.store.Recovery(w.Context(), a)
		w.must(err)
		w.must(w.store.Remove(w.Context(), a, q.id))
		none, err := w.store.Recovery(w.Context(), a)
		w.must(err)

		_, _, session := w.in(w.ada)
		if left.Unused != 10 || none.Unused != 0 || len(more.Codes) != 0 || session.Pending() {
			w.Error(left, none, more.Codes, session.Pending())
		}
		w.last("factor_removed")
		_, err = w.store.NewCodes(w.Context(), a)
		w.is(err, fault.Conflict)
	})
}

// An operator lets in who has lost everything: told in the audit log and by mail, every session over.
func TestAnOperatorTakesFactorsAway(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		_, added := w.enrol(a, "Phone")

		denied := w.store.Reset(w.Context(), a, w.ada.Email)
		nobody := w.store.Reset(w.Context(), actor.ForOperator(), "nobody@example.com")
		w.must(w.store.Reset(w.Context(), actor.ForOperator(), " ADA@example.com"))
		again := w.store.Reset(w.Context(), actor.ForOperator(), w.ada.Email)

		w.is(denied, fault.Forbidden)
		w.is(nobody, fault.NotFound)
		w.is(again, fault.Conflict)
		_, _, over := w.accounts.Resolve(w.Context(), added.Token)
		w.is(over, fault.Unauthenticated)
		_, _, session := w.in(w.ada)
		if session.Pending() || w.acts("factor.all_reset") != 1 || w.count("SELECT COUNT(*) FROM recovery_codes") != 0 {
			w.Error("not all is gone")
		}
		w.last("factors_reset")
	})
}

// Names are as people want them, within bounds, and without keys.
func TestAFactorIsRenamed(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		p, _ := w.enrol(a, "Phone")

		w.must(w.store.Rename(w.Context(), a, p.id, "  Blue phone "))
		empty := w.store.Rename(w.Context(), a, p.id, " ")

		all, err := w.store.List(w.Context(), a)
		w.must(err)
		w.is(empty, fault.Invalid)
		if len(all) != 1 || all[0].Name != "Blue phone" || all[0].LastUsedAt == nil {
			w.Errorf("%+v", all)
		}
	})
}
