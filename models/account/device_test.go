package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
)

// signsIn signs u in with a browser, which is then known; it returns u as an actor, and the browser with its cookie.
func (w *world) signsIn(a actor.Actor, u account.User, from account.Browser) (actor.Actor, account.Browser) {
	w.t.Helper()
	_, session, err := w.store.SignIn(w.t.Context(), a, u.Email, good, from)
	w.must(err)
	from.Known, err = w.store.Remember(w.t.Context(), a, session, from)
	w.must(err)
	a.Kind, a.UserID, a.SessionID, a.StaffRole, a.Name = actor.User, u.ID, session.ID, u.StaffRole, u.Name
	return a, from
}

// notices are the mails to u that tell of a new browser.
func (w *world) notices(u account.User) int {
	w.t.Helper()
	n := 0
	for _, l := range w.letters(u.Email) {
		if l.Kind == "new_device" {
			n++
		}
	}
	return n
}

// U1: a browser that nobody used before is mailed, once, with where, when, by what, and what to do.
func TestANewBrowserIsMailedOnce(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		_, first := w.signsIn(visitor(), u, firefox)
		atFirst := w.notices(u)
		_, first = w.signsIn(elsewhere(), u, first)
		again := w.notices(u)

		_, second := w.signsIn(elsewhere(), u, account.Browser{Agent: "Call +1 555 0100 at once/1.0"})
		_, _ = w.signsIn(elsewhere(), u, second)
		_, _ = w.signsIn(visitor(), u, first)

		l := w.last(u.Email, "new_device")
		if atFirst != 0 || again != 0 || w.notices(u) != 1 {
			t.Error(atFirst, again, w.notices(u))
		}
		words := ""
		for _, line := range l.Lines {
			words += strings.Join(line.Args, " ") + "\n"
		}
		if !strings.Contains(words, "198.51.100.0/24") || !strings.Contains(words, "Unknown browser") || !strings.Contains(words, "Password") || strings.Contains(words, "555") {
			t.Error(words)
		}
		if l.URL != "https://portal.example/console/account#sessions" || len(l.Links) != 1 || l.Links[0].URL != "https://portal.example/password/forgot" || len(l.After) != 2 {
			t.Errorf("%+v", l)
		}
	})
}

// The first browser of an account is no news on the day it was made; later it is.
func TestTheFirstBrowserOfAnOldAccountIsMailed(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		w.clock.Advance(25 * time.Hour)

		w.signsIn(visitor(), u, firefox)

		if w.notices(u) != 1 {
			t.Error(w.notices(u))
		}
	})
}

func TestABrowserWithoutCookiesIsMailedTenTimesADayAtMost(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		for range 15 {
			w.signsIn(visitor(), u, firefox)
		}

		if w.notices(u) != 10 {
			t.Error(w.notices(u))
		}
	})
}

// S1: what proves a browser is in its cookie alone, and a copy of it is worth nothing after the next sign-in.
func TestACopiedCookieOfABrowserDies(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		_, first := w.signsIn(visitor(), u, firefox)
		copied := first
		_, second := w.signsIn(visitor(), u, first)

		_, thief := w.signsIn(elsewhere(), u, copied)

		if first.Known == second.Known || len(second.Known) != 43 || w.notices(u) != 1 {
			t.Error(first, second, thief, w.notices(u))
		}
		if w.count("SELECT COUNT(*) FROM devices WHERE CAST(digest AS TEXT) LIKE ?", "%"+second.Known+"%") != 0 {
			t.Error("the value of a cookie is kept")
		}
	})
}

// Of several people in one browser each is known there, and the database does not tell who they share it with.
func TestSeveralPeopleAreKnownInOneBrowser(t *testing.T) {
	each(t, func(w *world) {
		ada, bob := w.person("ada@example.com", ""), w.person("bob@example.com", "")
		_, shared := w.signsIn(visitor(), ada, firefox)
		_, shared = w.signsIn(visitor(), bob, shared)
		_, shared = w.signsIn(visitor(), ada, shared)
		_, shared = w.signsIn(visitor(), bob, shared)
		for i := range 5 {
			_, shared = w.signsIn(visitor(), w.person(string(rune('c'+i))+"@example.com", ""), shared)
		}

		w.signsIn(visitor(), ada, shared)

		if w.notices(ada) != 1 || w.notices(bob) != 0 || len(shared.Known) > 220 { // ada was the sixth
			t.Error(w.notices(ada), w.notices(bob), len(shared.Known))
		}
	})
}

// S4: an ended session of another browser, and a new password, make browsers strangers; signing out does not.
func TestEndingASessionElsewhereMakesItsBrowserAStranger(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		here, own := w.signsIn(visitor(), u, firefox)
		there, others := w.signsIn(elsewhere(), u, firefox)
		before := w.notices(u)
		w.must(w.store.SignOut(t.Context(), there))
		there, others = w.signsIn(elsewhere(), u, others)
		signedOut := w.notices(u)

		w.must(w.store.EndSession(t.Context(), here, there.SessionID))
		_, others = w.signsIn(elsewhere(), u, others)
		ended := w.notices(u)
		w.must(w.store.EndOtherSessions(t.Context(), here))
		_, _ = w.signsIn(elsewhere(), u, others)
		all := w.notices(u)
		here, _ = w.signsIn(visitor(), u, own)
		mine := w.notices(u)
		_, err := w.store.ChangePassword(t.Context(), here, good, other)
		w.must(err)

		if before != 1 || signedOut != 1 || ended != 2 || all != 3 || mine != 3 {
			t.Error(before, signedOut, ended, all, mine)
		}
		if n := w.count("SELECT COUNT(*) FROM devices WHERE user_id = ?", u.ID); n != 1 {
			t.Error(n, "browsers are known with the new password")
		}
	})
}

// S4
func TestAllSessionsEndAtOnce(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		token, session, err := w.store.SignIn(t.Context(), visitor(), u.Email, good, firefox)
		w.must(err)
		a := visitor()
		a.Kind, a.UserID, a.SessionID = actor.User, u.ID, session.ID
		w.in(u, good)
		eve, _ := w.signsIn(visitor(), w.person("eve@example.com", ""), firefox)
		replica := w.open(w.store.SignupPolicy())
		_, _, alive := replica.Resolve(t.Context(), token)

		w.must(w.store.EndAllSessions(t.Context(), a))

		_, _, dead := replica.Resolve(t.Context(), token)
		w.must(alive)
		w.is(dead, fault.Unauthenticated)
		if w.count("SELECT COUNT(*) FROM sessions WHERE user_id = ?", u.ID) != 0 || w.count("SELECT COUNT(*) FROM sessions WHERE user_id = ?", eve.UserID) != 1 || w.acts("session.all_ended") != 1 {
			t.Error("not all, or too many")
		}
	})
}

// Z2: nobody makes a browser known in the name of a session that is over, or pending after it was ended.
func TestASessionThatIsOverMakesNoBrowserKnown(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		_, session, err := w.store.SignIn(t.Context(), visitor(), u.Email, good, firefox)
		w.must(err)
		a := visitor()
		a.Kind, a.UserID, a.SessionID = actor.User, u.ID, session.ID
		w.must(w.store.SignOut(t.Context(), a))

		_, err = w.store.Remember(t.Context(), visitor(), session, firefox)

		w.is(err, fault.Unauthenticated)
		if w.count("SELECT COUNT(*) FROM devices") != 0 {
			t.Error("a browser is known")
		}
	})
}

// U7: a browser where nobody signed in for a year is forgotten, and before it is deleted it counts no more.
func TestABrowserIsForgottenAfterAYear(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		_, own := w.signsIn(visitor(), u, firefox)
		w.clock.Advance(account.KnownAge)

		w.signsIn(visitor(), u, own)
		w.must(w.store.Sweep(t.Context()))

		if w.notices(u) != 1 || w.count("SELECT COUNT(*) FROM devices") != 1 {
			t.Error(w.notices(u))
		}
	})
}

// U8
func TestADeletedAccountLeavesNoBrowsers(t *testing.T) {
	each(t, func(w *world) {
		a, _ := w.signsIn(visitor(), w.person("ada@example.com", ""), firefox)

		w.must(w.store.Delete(t.Context(), a, "ada@example.com", good))

		if w.count("SELECT COUNT(*) FROM devices") != 0 {
			t.Error("browsers are left")
		}
	})
}

// L7: a browser that keeps no cookies is another one each time, and does not fill the table.
func TestOnlyTheNewestBrowsersOfAPersonAreKept(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		_, first := w.signsIn(visitor(), u, firefox)
		for range 55 {
			w.clock.Advance(time.Minute)
			w.signsIn(visitor(), u, firefox)
		}
		if n := w.count("SELECT COUNT(*) FROM devices"); n != 50 {
			t.Errorf("%d browsers are kept", n)
		}
		before := w.notices(u)
		w.clock.Advance(24 * time.Hour)
		w.signsIn(visitor(), u, first)
		if w.notices(u) != before+1 {
			t.Error("the browser of long ago is still known")
		}
	})
}
