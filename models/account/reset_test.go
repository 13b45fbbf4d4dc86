package account_test

import (
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

// A13
func TestResetSetsThePasswordOnceAndEndsAllSessions(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		a := w.in(u, good)
		w.must(w.store.RequestReset(t.Context(), visitor(), "ADA@example.com"))
		link := token(w.last(u.Email, "reset_password"))
		w.must(w.store.ResetLink(t.Context(), link))
		w.must(w.store.ResetLink(t.Context(), link)) // looking uses nothing up

		weak := w.reset(link, "short")
		w.must(w.reset(link, other))

		w.is(weak, fault.Invalid)
		w.is(w.reset(link, other), fault.NotFound)
		if n := w.count("SELECT COUNT(*) FROM sessions WHERE user_id = ?", a.UserID); n != 0 {
			t.Error("sessions live on, or the link signed in")
		}
		_, _, old := w.store.SignIn(t.Context(), visitor(), u.Email, good, firefox)
		w.is(old, fault.Unauthenticated)
		w.in(u, other)
		w.last(u.Email, "password_changed")
		if w.count("SELECT COUNT(*) FROM one_time_links WHERE purpose = 'reset_password'") != 0 || w.acts("user.password_reset") != 1 {
			t.Error("links are left")
		}
	})
}

// A13
func TestResetLinksEndByTimeAndByNewerOnes(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		w.must(w.store.RequestReset(t.Context(), visitor(), u.Email))
		first := token(w.last(u.Email, "reset_password"))
		w.must(w.store.RequestReset(t.Context(), visitor(), u.Email))
		second := token(w.last(u.Email, "reset_password"))

		replaced := w.reset(first, other)
		w.clock.Advance(30 * time.Minute)
		late := w.reset(second, other)

		w.is(replaced, fault.NotFound)
		w.is(late, fault.NotFound)
		if len(second) < 43 {
			t.Error("a short token", second)
		}
	})
}

// A13
func TestParallelResetsByOneLinkGiveOneSuccess(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		w.must(w.store.RequestReset(t.Context(), visitor(), u.Email))
		link := token(w.last(u.Email, "reset_password"))
		var mu sync.Mutex
		var all sync.WaitGroup
		won := 0

		for range 10 {
			all.Add(1)
			go func() {
				defer all.Done()
				err := w.reset(link, other)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Unavailable) {
					t.Error(err)
				}
			}()
		}
		all.Wait()

		if won != 1 {
			t.Error(won)
		}
	})
}

// A6
func TestResetForUnknownAddressesSendsNothingAndSaysNothing(t *testing.T) {
	each(t, func(w *world) {
		w.must(w.store.RequestReset(t.Context(), visitor(), "nobody@example.com"))

		if n := w.count("SELECT COUNT(*) FROM mails"); n != 0 {
			t.Error(n)
		}
	})
}

// L7
func TestResetMailsAreLimited(t *testing.T) {
	each(t, func(w *world) {
		w.person("ada@example.com", "")
		for _, email := range []string{"ada@example.com", "nobody@example.com"} {
			for range 6 {
				w.must(w.store.RequestReset(t.Context(), visitor(), email))
			}
			w.is(w.store.RequestReset(t.Context(), visitor(), email), fault.RateLimited)
		}
	})
}

// S4, A14
func TestPasswordChangeAsksForTheOldOneAndEndsOtherSessions(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		here, there := w.in(u, good), w.in(u, good)
		w.must(w.store.RequestReset(t.Context(), visitor(), u.Email))
		link := token(w.last(u.Email, "reset_password"))

		_, wrong := w.store.ChangePassword(t.Context(), here, other, other)
		_, weak := w.store.ChangePassword(t.Context(), here, good, "lovelace")
		fresh, err := w.store.ChangePassword(t.Context(), here, good, other)

		w.is(wrong, fault.Invalid)
		w.is(weak, fault.Invalid)
		w.must(err)
		s, _, err := w.store.Resolve(t.Context(), fresh)
		w.must(err)
		if s.ID != here.SessionID || w.count("SELECT COUNT(*) FROM sessions WHERE id = ?", there.SessionID) != 0 {
			t.Error("the wrong session lives")
		}
		w.is(w.reset(link, good), fault.NotFound)
		w.last(u.Email, "password_changed")
	})
}
