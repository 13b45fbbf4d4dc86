package account_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// enter walks the way of every means.
func (w *world) enter(a actor.Actor, u account.User, e account.Entry) (token string, s account.Session, err error) {
	err = w.d.Tx(w.t.Context(), func(tx *db.Tx) error {
		token, s, err = w.store.EnterTx(tx, a, u, e)
		return err
	})
	return token, s, err
}

// factor gives u a second factor, which nobody shows here.
func (w *world) factor(u account.User) {
	w.t.Helper()
	w.must(w.d.Tx(w.t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'Phone', ?, ?)", db.NewID(), u.ID, tx.Now, tx.Now)
		return err
	}))
}

// S1, S2: whatever the means, there is a new token of 256 bits, its digest alone is kept, and the session before is dead.
func TestEveryWayInMakesANewTokenAndEndsTheSessionBefore(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		for _, means := range []account.Means{account.ByPassword, account.ByPasskey, account.ByProvider, account.BySetup, account.ByLink} {
			first, session, err := w.enter(visitor(), u, account.Entry{Means: means, Agent: agent})
			w.must(err)
			a := visitor()
			a.SessionID = session.ID

			second, _, err := w.enter(a, u, account.Entry{Means: means, Agent: agent, Provider: "Northwind"})

			w.must(err)
			_, _, dead := w.store.Resolve(t.Context(), first)
			w.is(dead, fault.Unauthenticated)
			s, _, err := w.store.Resolve(t.Context(), second)
			w.must(err)
			if first == second || len(second) != 43 || s.Means != means || s.Provider != "Northwind" || s.Pending() || s.Fresh(w.clock.Now()) == (means == account.ByProvider) { // which may have known them for long
				t.Errorf("%s: %q %+v", means, second, s)
			}
			if w.count("SELECT COUNT(*) FROM sessions WHERE CAST(digest AS TEXT) LIKE ?", "%"+second+"%") != 0 {
				t.Error("the token is kept")
			}
		}
		if n := w.count("SELECT COUNT(*) FROM audit_events WHERE act = 'user.signed_in' AND actor_id = ?", u.ID); n != 10 {
			t.Error(n, "sign-ins are noted")
		}
	})
}

// A12: what counts as both factors starts a whole session; all else waits for the factor of who has one.
func TestAWayInWithoutAFactorWaitsForIt(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		w.factor(u)

		_, half, err := w.enter(visitor(), u, account.Entry{Means: account.ByProvider, Provider: "Northwind"})
		w.must(err)
		_, whole, err := w.enter(visitor(), u, account.Entry{Means: account.ByPasskey, Factor: true})
		w.must(err)

		if !half.Pending() || whole.Pending() || !whole.Fresh(w.clock.Now()) || half.ExpiresAt.Sub(w.clock.Now()) != account.PendingAge || whole.ExpiresAt.Sub(w.clock.Now()) != account.SessionAbsolute {
			t.Error(half, whole)
		}
	})
}

// A6: by no means does somebody get in who may not, and what the try wrote is undone.
func TestNoWayInIsOpenToWhoMayNotSignIn(t *testing.T) {
	each(t, func(w *world) {
		admin := w.in(w.person("root@example.com", "admin"), good)
		u := w.person("ada@example.com", "")
		before := w.count("SELECT COUNT(*) FROM sessions")
		w.must(w.store.Suspend(t.Context(), admin, u.ID, "Testing", nil))

		_, _, suspended := w.enter(visitor(), u, account.Entry{Means: account.ByPasskey, Factor: true})
		_, _, unknown := w.enter(visitor(), account.User{ID: db.NewID()}, account.Entry{Means: account.ByProvider})

		w.is(suspended, fault.Unauthenticated)
		w.is(unknown, fault.Unauthenticated)
		after, err := w.store.ByID(t.Context(), u.ID)
		w.must(err)
		if after.LastSignedInAt != nil || w.count("SELECT COUNT(*) FROM sessions") != before {
			t.Error("something was written")
		}
	})
}

// A5: what a try took is given back by one that succeeds.
func TestAGoodWayInGivesItsCountersBack(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		bucket := "test:" + secret.Token(8)
		ok, _, err := w.store.Take(t.Context(), bucket, 5, account.PendingAge)
		w.must(err)

		_, _, err = w.enter(visitor(), u, account.Entry{Means: account.ByPasskey, Factor: true, Buckets: []string{bucket}})

		w.must(err)
		if !ok || w.count("SELECT COALESCE(SUM(taken), 0) FROM throttles") != 0 {
			t.Error("still counted")
		}
	})
}
