package account_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
)

func (w *world) waits(a actor.Actor) string {
	w.t.Helper()
	waiting, err := w.store.WaitingEmail(w.t.Context(), a)
	w.must(err)
	return waiting.Email
}

// A13, A14
func TestTheLinkOfAChangeThatWasGivenUpWorksNoMore(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		a, stranger := w.in(u, good), w.in(w.person("eve@example.com", ""), good)
		w.must(w.store.RequestEmail(t.Context(), a, "new@example.com", good))
		link := token(w.last("new@example.com", "change_address"))

		foreign := w.store.GiveUpEmail(t.Context(), stranger)
		before := w.waits(a)
		w.must(w.store.GiveUpEmail(t.Context(), a))

		w.is(foreign, fault.Conflict)
		w.is(w.store.ConfirmEmail(t.Context(), a, link), fault.NotFound)
		w.is(w.store.GiveUpEmail(t.Context(), a), fault.Conflict)
		w.is(w.store.ResendEmail(t.Context(), a), fault.Conflict)
		if before != "new@example.com" || w.waits(a) != "" || w.acts(string(audit.UserEmailGivenUp)) != 1 {
			t.Error(before, w.waits(a))
		}
	})
}

// A13, L7: sent again, the newest link alone works, and the mails are counted like the first one.
func TestAChangeIsMailedAgainToItsAddressWithinTheLimits(t *testing.T) {
	each(t, func(w *world) {
		a := w.in(w.person("ada@example.com", ""), good)
		stranger := w.in(w.person("eve@example.com", ""), good)
		w.must(w.store.RequestEmail(t.Context(), a, "new@example.com", good))
		first := token(w.last("new@example.com", "change_address"))
		w.clock.Advance(23 * time.Hour)
		for range 6 {
			w.must(w.store.ResendEmail(t.Context(), a))
		}
		w.is(w.store.ResendEmail(t.Context(), a), fault.RateLimited)
		w.is(w.store.ResendEmail(t.Context(), stranger), fault.Conflict)
		w.clock.Advance(30 * time.Minute)

		second := token(w.last("new@example.com", "change_address"))

		w.is(w.store.ConfirmEmail(t.Context(), a, first), fault.NotFound)
		w.must(w.store.ConfirmEmail(t.Context(), a, second))
		if w.waits(a) != "" {
			t.Error("what is confirmed waits")
		}
	})
}

// A14: the password was given for a day; mails that follow without it make that no longer.
func TestAChangeThatIsMailedAgainEndsWhenItsFirstLinkWouldHave(t *testing.T) {
	each(t, func(w *world) {
		a := w.in(w.person("ada@example.com", ""), good)
		w.must(w.store.RequestEmail(t.Context(), a, "new@example.com", good))
		first, err := w.store.WaitingEmail(t.Context(), a)
		w.must(err)
		w.clock.Advance(23 * time.Hour)
		w.must(w.store.ResendEmail(t.Context(), a))
		again, err := w.store.WaitingEmail(t.Context(), a)
		w.must(err)
		letter := w.last("new@example.com", "change_address")

		w.clock.Advance(time.Hour)

		w.is(w.store.ConfirmEmail(t.Context(), a, token(letter)), fault.NotFound)
		w.is(w.store.ResendEmail(t.Context(), a), fault.Conflict)
		mails := w.count("SELECT COUNT(*) FROM mails WHERE kind = 'change_address' AND expires_at = ?", first.ExpiresAt)
		if !again.ExpiresAt.Equal(first.ExpiresAt) || mails != 2 || w.waits(a) != "" {
			t.Error(first, again, mails)
		}
	})
}

func TestAChangeThatNobodyConfirmedWaitsNoMoreAfterItsEnd(t *testing.T) {
	each(t, func(w *world) {
		a := w.in(w.person("ada@example.com", ""), good)
		w.must(w.store.RequestEmail(t.Context(), a, "new@example.com", good))
		w.clock.Advance(24 * time.Hour)

		if w.waits(a) != "" {
			t.Error("it waits")
		}
		w.is(w.store.GiveUpEmail(t.Context(), a), fault.Conflict)
	})
}

// A6: what waits tells nobody that an address has an account, nor that it had one: it ends with its day, not with that account.
func TestAChangeToATakenAddressWaitsLikeAnyOther(t *testing.T) {
	each(t, func(w *world) {
		a := w.in(w.person("ada@example.com", ""), good)
		eve := w.in(w.person("eve@example.com", ""), good)
		w.must(w.store.RequestEmail(t.Context(), a, "eve@example.com", good))
		waiting := w.waits(a)
		w.must(w.store.ResendEmail(t.Context(), a))
		w.last("eve@example.com", "address_taken")

		w.must(w.store.Delete(t.Context(), eve, "eve@example.com", good))

		if waiting != "eve@example.com" || w.waits(a) != waiting {
			t.Error(waiting, w.waits(a))
		}
		w.clock.Advance(24 * time.Hour)
		w.must(w.store.Sweep(t.Context())) // U8
		if n := w.count("SELECT COUNT(*) FROM one_time_links WHERE email = 'eve@example.com'"); n != 0 {
			t.Error(n, "links know the address")
		}
	})
}
