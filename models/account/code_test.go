package account_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// coded is each with a store that asks for codes.
func coded(t *testing.T, body func(w *world)) {
	t.Helper()
	each(t, func(w *world) {
		w.store.CodeForNewDevices(true)
		body(w)
	})
}

// asked signs u in where their browser is not known: the session waits for the code that is returned.
func (w *world) asked(from actor.Actor, u account.User) (a actor.Actor, token, code string) {
	w.t.Helper()
	token, session, err := w.store.SignIn(w.t.Context(), from, u.Email, good, firefox)
	w.must(err)
	if !session.Pending() || !session.AwaitsCode() {
		w.t.Fatalf("not asked: %+v", session)
	}
	from.Kind, from.UserID, from.SessionID, from.Name = actor.User, u.ID, session.ID, u.Name
	return from, token, w.last(u.Email, "sign_in_code").Code
}

func (w *world) resolved(token string) account.Session {
	w.t.Helper()
	s, _, err := w.store.Resolve(w.t.Context(), token)
	w.must(err)
	return s
}

// wrongFor is a code that is not this one.
func wrongFor(code string) string {
	last := '0' + (code[7]-'0'+1)%10
	return code[:7] + string(rune(last))
}

// A12, S2: the session that waits is pending until the code is entered; then it goes on under a new token, and no factor was shown in it.
func TestASignInFromANewDeviceWaitsForACodeByMail(t *testing.T) {
	coded(t, func(w *world) {
		u := w.person("ada@example.com", "")
		a, token, code := w.asked(visitor(), u)
		if s := w.resolved(token); !s.AwaitsCode() || !s.Pending() || s.ExpiresAt.Sub(w.clock.Now()) != account.PendingAge {
			t.Errorf("%+v", s)
		}
		l := w.last(u.Email, "sign_in_code")
		if len(code) != 8 || strings.Contains(l.Subject.Key+strings.Join(l.Subject.Args, ""), code) {
			t.Error(l.Subject, code)
		}

		fresh, session, err := w.store.EnterCode(w.t.Context(), a, code[:4]+" "+code[4:])

		w.must(err)
		got := w.resolved(fresh)
		if fresh == token || session.Pending() || got.Pending() || got.FactorAt != nil || got.HasFactor || !got.PasswordFresh(w.clock.Now()) || got.ExpiresAt.Sub(got.CreatedAt) != account.SessionAbsolute {
			t.Errorf("%+v", got)
		}
		_, _, err = w.store.Resolve(w.t.Context(), token)
		w.is(err, fault.Unauthenticated)
		_, _, err = w.store.EnterCode(w.t.Context(), a, code)
		w.is(err, fault.Unauthenticated)
		if w.acts("user.sign_in_code_mailed") != 1 || w.acts("user.sign_in_code_entered") != 1 {
			t.Error("not in the log")
		}
	})
}

// Whoever has a known browser, a factor, or another way in than the password is not asked.
func TestNoCodeIsAskedOfWhoProvesMore(t *testing.T) {
	coded(t, func(w *world) {
		u := w.person("ada@example.com", "")
		_, session, err := w.store.SignIn(w.t.Context(), visitor(), u.Email, good, w.known(u))
		w.must(err)
		if session.Pending() {
			t.Error("a known browser is asked")
		}
		eve := w.person("eve@example.com", "")
		_, session, err = w.store.SignIn(w.t.Context(), visitor(), eve.Email, good, w.known(u))
		w.must(err)
		if !session.AwaitsCode() {
			t.Error("somebody else's browser counts")
		}
		for _, e := range []account.Entry{{Means: account.ByPasskey, Factor: true}, {Means: account.ByProvider, Provider: "Northwind"}, {Means: account.BySetup}, {Means: account.ByLink}} {
			w.must(w.d.Tx(w.t.Context(), func(tx *db.Tx) error {
				_, session, err = w.store.EnterTx(tx, visitor(), u, e)
				return err
			}))
			if session.Pending() {
				t.Error(e.Means)
			}
		}
		w.addFactor(u)
		_, session, err = w.store.SignIn(w.t.Context(), visitor(), u.Email, good, firefox)
		w.must(err)
		if session.AwaitsCode() || !session.Pending() {
			t.Error("who has a factor is asked for a code")
		}
		if w.acts("user.sign_in_code_mailed") != 1 {
			t.Error(w.acts("user.sign_in_code_mailed"))
		}
	})
}

func (w *world) addFactor(u account.User) {
	w.t.Helper()
	w.must(w.d.Tx(w.t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, secret_sealed, confirmed_at, created_at) VALUES (?, ?, 'totp', 'Phone', '', ?, ?)", db.NewID(), u.ID, tx.Now, tx.Now)
		return err
	}))
}

// A mailed link for a new password was a mail already: the browser in which it was used is known, and asked for nothing more.
func TestWhoJustUsedAMailedLinkIsNotMailedACode(t *testing.T) {
	coded(t, func(w *world) {
		u := w.person("ada@example.com", "")
		w.must(w.store.RequestReset(w.t.Context(), visitor(), u.Email))
		back, err := w.store.Reset(w.t.Context(), visitor(), token(w.last(u.Email, "reset_password")), other)
		w.must(err)
		known, err := w.store.KnownBrowser(w.t.Context(), visitor(), back.UserID, firefox)
		w.must(err)

		_, here, err := w.store.SignIn(w.t.Context(), visitor(), u.Email, other, account.Browser{Agent: agent, Known: known})
		w.must(err)
		_, elsewhere, err := w.store.SignIn(w.t.Context(), visitor(), u.Email, other, firefox)
		w.must(err)

		if here.Pending() || !elsewhere.AwaitsCode() {
			t.Errorf("%+v\n%+v", here, elsewhere)
		}
	})
}

// A5: a session bears five tries, whatever is mailed in between; the fifth wrong one ends it.
func TestTheFifthWrongCodeEndsTheSession(t *testing.T) {
	coded(t, func(w *world) {
		u := w.person("ada@example.com", "")
		a, token, code := w.asked(visitor(), u)
		for range 2 {
			_, _, err := w.store.EnterCode(w.t.Context(), a, wrongFor(code))
			w.is(err, fault.Invalid)
		}
		w.must(w.store.ResendCode(w.t.Context(), a))
		newer := w.last(u.Email, "sign_in_code").Code
		_, _, err := w.store.EnterCode(w.t.Context(), a, code)
		w.is(err, fault.Invalid) // the older one is dead
		_, _, err = w.store.EnterCode(w.t.Context(), a, wrongFor(newer))
		w.is(err, fault.Invalid)

		_, _, err = w.store.EnterCode(w.t.Context(), a, strings.Repeat("9", 100_000))

		w.is(err, fault.Unauthenticated)
		_, _, err = w.store.EnterCode(w.t.Context(), a, newer)
		w.is(err, fault.Unauthenticated)
		_, _, err = w.store.Resolve(w.t.Context(), token)
		w.is(err, fault.Unauthenticated)
		if w.acts("user.sign_in_code_failed") != 5 {
			t.Error(w.acts("user.sign_in_code_failed"))
		}
	})
}

// A code fits one session, for ten minutes.
func TestACodeFitsItsSessionAlone(t *testing.T) {
	coded(t, func(w *world) {
		u := w.person("ada@example.com", "")
		first, _, code := w.asked(visitor(), u)
		second, _, newer := w.asked(elsewhere(), u)
		eve := w.person("eve@example.com", "")
		stranger := first
		stranger.UserID = eve.ID

		_, _, err := w.store.EnterCode(w.t.Context(), second, code)
		w.is(err, fault.Invalid)
		_, _, err = w.store.EnterCode(w.t.Context(), first, newer)
		w.is(err, fault.Invalid)
		_, _, err = w.store.EnterCode(w.t.Context(), stranger, code)
		w.is(err, fault.Unauthenticated)
		w.is(w.store.ResendCode(w.t.Context(), stranger), fault.Unauthenticated)
		w.clock.Advance(account.PendingAge)
		_, _, err = w.store.EnterCode(w.t.Context(), first, code)
		w.is(err, fault.Unauthenticated)
		w.is(w.store.ResendCode(w.t.Context(), first), fault.Unauthenticated)
	})
}

// Of parallel tries, also on two replicas, no more than five are looked at, and a code is used once.
func TestParallelCodesAreCounted(t *testing.T) {
	coded(t, func(w *world) {
		u := w.person("ada@example.com", "")
		replica := w.open(config.Signup{})
		try := func(a actor.Actor, codes ...string) (in, wrong int) {
			var mu sync.Mutex
			var all sync.WaitGroup
			for i, code := range codes {
				all.Go(func() {
					_, _, err := []*account.Store{w.store, replica}[i%2].EnterCode(context.Background(), a, code)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						in++
					case fault.Is(err, fault.Invalid):
						wrong++
					case !fault.Is(err, fault.Unauthenticated):
						w.t.Error(err)
					}
				})
			}
			all.Wait()
			return in, wrong
		}
		a, _, code := w.asked(visitor(), u)
		b, _, bad := w.asked(visitor(), u)

		in, _ := try(a, code, code, code, code)
		none, wrong := try(b, slices.Repeat([]string{wrongFor(bad)}, 9)...)

		if in != 1 || none != 0 || wrong != 4 || w.acts("user.sign_in_code_failed") != 5 {
			t.Error(in, none, wrong, w.acts("user.sign_in_code_failed"))
		}
	})
}

// A7, L7: who knows the password and has codes mailed is stopped in their own network; elsewhere, in known browsers and under a new password the owner gets in.
func TestMailsWithCodesAreCountedByNetwork(t *testing.T) {
	coded(t, func(w *world) {
		u := w.person("ada@example.com", "")
		known := w.known(u)
		a, _, _ := w.asked(visitor(), u)
		for range 3 {
			w.must(w.store.ResendCode(w.t.Context(), a))
		}
		w.is(w.store.ResendCode(w.t.Context(), a), fault.RateLimited)
		w.asked(visitor(), u)
		w.asked(visitor(), u)
		before := len(w.letters(u.Email))

		_, _, err := w.store.SignIn(w.t.Context(), visitor(), u.Email, good, firefox)

		w.is(err, fault.RateLimited)
		if len(w.letters(u.Email)) != before {
			t.Error("it was mailed all the same")
		}
		w.asked(elsewhere(), u)
		_, session, err := w.store.SignIn(w.t.Context(), visitor(), u.Email, good, known)
		w.must(err)
		if session.Pending() {
			t.Error("the known browser is asked")
		}
		w.clock.Advance(time.Hour)
		w.asked(visitor(), u)
	})
}

// A factor that was added meanwhile is asked for instead, and the code alone does not stand for it.
func TestACodeNeverStandsForAFactor(t *testing.T) {
	coded(t, func(w *world) {
		u := w.person("ada@example.com", "")
		a, token, code := w.asked(visitor(), u)
		b, other, _ := w.asked(visitor(), u)
		w.addFactor(u)

		if s := w.resolved(token); s.AwaitsCode() || !s.Pending() {
			t.Errorf("%+v", s)
		}
		fresh, session, err := w.store.EnterCode(w.t.Context(), a, code)
		w.must(err)
		if s := w.resolved(fresh); !session.Pending() || !s.Pending() || s.FactorAt != nil {
			t.Errorf("%+v", s)
		}
		w.must(w.d.Tx(w.t.Context(), func(tx *db.Tx) error {
			fresh, session, err = account.ShowFactor(tx, b, account.ShownApp)
			return err
		}))
		if s := w.resolved(fresh); session.Pending() || s.Pending() || s.CodeExpiresAt != nil {
			t.Errorf("%+v", s)
		}
		_, _, err = w.store.Resolve(w.t.Context(), other)
		w.is(err, fault.Unauthenticated)
	})
}

// S4: what ends sessions ends those that wait, too; and nothing of a code is in what is written down or said of a session.
func TestASessionThatWaitsEndsWithTheOthers(t *testing.T) {
	coded(t, func(w *world) {
		u := w.person("ada@example.com", "")
		known := w.known(u)
		a, token, code := w.asked(visitor(), u)
		said, err := json.Marshal(w.resolved(token))
		w.must(err)
		var digest []byte
		w.must(w.d.Read(w.t.Context()).Raw("SELECT code_digest FROM sessions WHERE id = ?", a.SessionID).Row().Scan(&digest))
		_, session, err := w.store.SignIn(w.t.Context(), elsewhere(), u.Email, good, known)
		w.must(err)
		owner := a
		owner.SessionID = session.ID

		w.must(w.store.EndOtherSessions(w.t.Context(), owner))

		_, _, err = w.store.EnterCode(w.t.Context(), a, code)
		w.is(err, fault.Unauthenticated)
		if len(digest) != 32 || bytes.Contains(digest, []byte(code)) || strings.Contains(string(said), "Digest") || w.count("SELECT COUNT(*) FROM audit_events WHERE details LIKE ?", "%"+code+"%") != 0 {
			t.Error(string(said), digest)
		}
	})
}

// No member of staff becomes another by opening their letter.
func TestStaffDoNotOpenOneAnothersCodes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock, config.Signup{})
		admin := w.in(w.person("root@example.com", "admin"), good)
		w.store.CodeForNewDevices(true)
		w.asked(visitor(), w.person("ada@example.com", "admin"))
		var id db.ID
		w.must(d.Read(t.Context()).Raw("SELECT id FROM mails WHERE kind = 'sign_in_code'").Row().Scan(&id))

		_, _, err := w.store.OpenMail(t.Context(), admin, id)

		w.is(err, fault.Forbidden)
	})
}

// Without the setting nobody is asked.
func TestNoCodeIsAskedByDefault(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		_, session, err := w.store.SignIn(w.t.Context(), visitor(), u.Email, good, firefox)
		w.must(err)
		if session.Pending() || len(w.letters(u.Email)) != 0 {
			t.Errorf("%+v", session)
		}
	})
}
