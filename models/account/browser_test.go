package account_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// browsers are the known browsers of a, and which of them is the one in which a is.
func (w *world) browsers(a actor.Actor) (known []account.Device, here db.ID) {
	w.t.Helper()
	known, here, err := w.store.Browsers(w.t.Context(), a)
	w.must(err)
	return known, here
}

// S4, Z2: people see in which browsers they are known, and nobody else's.
func TestPeopleSeeTheirKnownBrowsers(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		begun := w.clock.Now()
		_, others := w.signsIn(elsewhere(), u, account.Browser{Agent: "Other/1.0"})
		w.clock.Advance(time.Hour)
		here, _ := w.signsIn(visitor(), u, firefox)
		w.clock.Advance(time.Hour)
		there, _ := w.signsIn(elsewhere(), u, others)
		eve, _ := w.signsIn(visitor(), w.person("eve@example.com", ""), firefox)

		mine, atHere := w.browsers(here)
		_, atThere := w.browsers(there)
		hers, _ := w.browsers(eve)

		if len(mine) != 2 || len(hers) != 1 || mine[0].UserAgent != "Other/1.0" || mine[1].UserAgent != agent || !mine[0].CreatedAt.Equal(begun) || !mine[0].LastSeenAt.Equal(begun.Add(2*time.Hour)) {
			t.Fatalf("%+v %+v", mine, hers)
		}
		if atHere != mine[1].ID || atThere != mine[0].ID {
			t.Error(atHere, atThere, mine)
		}
		w.clock.Advance(account.KnownAge)
		if gone, _ := w.browsers(here); len(gone) != 0 {
			t.Error("a browser is shown that counts no more")
		}
	})
}

// S4: the next sign-in with a forgotten browser is one with a new browser, and a session there goes on; of others nobody forgets one.
func TestAForgottenBrowserIsAStranger(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		here, own := w.signsIn(visitor(), u, firefox)
		there, others := w.signsIn(elsewhere(), u, firefox)
		eve, _ := w.signsIn(visitor(), w.person("eve@example.com", ""), firefox)
		_, id := w.browsers(there)
		before := w.notices(u)

		foreign := w.store.ForgetBrowser(t.Context(), eve, id)
		w.must(w.store.ForgetBrowser(t.Context(), here, id))
		again := w.store.ForgetBrowser(t.Context(), here, id)

		w.is(foreign, fault.NotFound)
		w.is(again, fault.NotFound)
		if w.acts("browser.forgotten") != 1 || w.count("SELECT COUNT(*) FROM sessions WHERE id = ?", there.SessionID) != 1 {
			t.Error("not told once, or a session ended")
		}
		if _, at := w.browsers(there); !at.IsZero() {
			t.Error("a forgotten browser is known to who is in it", at)
		}
		w.signsIn(elsewhere(), u, others)
		forgotten := w.notices(u)
		w.signsIn(visitor(), u, own)
		if forgotten != before+1 || w.notices(u) != forgotten {
			t.Error(before, forgotten, w.notices(u))
		}
	})
}

// S4
func TestAllOtherBrowsersAreForgottenAtOnce(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		here, own := w.signsIn(visitor(), u, firefox)
		_, others := w.signsIn(elsewhere(), u, firefox)
		w.signsIn(elsewhere(), u, firefox)
		eve, _ := w.signsIn(visitor(), w.person("eve@example.com", ""), firefox)
		before := w.notices(u)

		w.must(w.store.ForgetOtherBrowsers(t.Context(), here))
		w.must(w.store.ForgetOtherBrowsers(t.Context(), here))

		mine, at := w.browsers(here)
		hers, _ := w.browsers(eve)
		if len(mine) != 1 || mine[0].ID != at || len(hers) != 1 || w.acts("browser.others_forgotten") != 1 {
			t.Errorf("%+v %v %+v %d", mine, at, hers, w.acts("browser.others_forgotten"))
		}
		w.signsIn(visitor(), u, own)
		kept := w.notices(u)
		w.signsIn(elsewhere(), u, others)
		if kept != before || w.notices(u) != before+1 {
			t.Error(before, kept, w.notices(u))
		}
	})
}
