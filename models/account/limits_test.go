package account_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// session is a new one of u, and its token.
func (w *world) session(u account.User) (string, account.Session) {
	w.t.Helper()
	token, s, err := w.store.SignIn(w.t.Context(), visitor(), u.Email, good, firefox)
	w.must(err)
	return token, s
}

// alive reports whether a token opens a session at a replica.
func (w *world) alive(store *account.Store, token string) bool {
	w.t.Helper()
	_, _, err := store.Resolve(w.t.Context(), token)
	if err != nil {
		w.is(err, fault.Unauthenticated)
	}
	return err == nil
}

// S3: as it is built, an hour without a request ends a session, and a day whatever happens.
func TestASessionEndsAfterAnHourIdleAndADay(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		idle, _ := w.session(u)
		w.clock.Advance(time.Hour)
		kept := w.alive(w.store, idle)
		w.clock.Advance(time.Hour + time.Second)
		gone := w.alive(w.store, idle)

		busy, _ := w.session(u)
		hours := 0
		for ; hours < 30 && w.alive(w.store, busy); hours++ {
			w.clock.Advance(time.Hour)
		}

		if !kept || gone || hours != 24 {
			t.Error(kept, gone, hours)
		}
	})
}

// S3: shorter limits hold on the next request, at every replica, for sessions that have begun, on the list too; longer ones don't prolong what began.
func TestNewLimitsHoldOnTheNextRequestEverywhere(t *testing.T) {
	each(t, func(w *world) {
		admin, u := w.in(w.person("root@example.com", "admin"), good), w.person("ada@example.com", "")
		token, s := w.session(u)
		second := w.open(w.store.SignupPolicy())
		w.clock.Advance(10 * time.Minute)
		before := w.alive(second, token)
		w.clock.Advance(6 * time.Minute)

		w.must(w.store.SetSessionLimits(t.Context(), admin, account.Limits{IdleMinutes: 5, AbsoluteMinutes: 60}))
		idle := w.alive(second, token)
		list, err := second.Sessions(t.Context(), actor.Actor{Kind: actor.User, UserID: u.ID})
		w.must(err)
		w.must(w.store.SetSessionLimits(t.Context(), admin, account.Limits{IdleMinutes: 60, AbsoluteMinutes: 60}))
		back := w.alive(second, token)
		w.clock.Advance(44 * time.Minute)
		old := w.alive(second, token)
		short, made := w.session(u)
		w.must(w.store.SetSessionLimits(t.Context(), admin, account.Limits{IdleMinutes: 60, AbsoluteMinutes: 24 * 60}))
		w.clock.Advance(59 * time.Minute)
		almost := w.alive(second, short)
		w.clock.Advance(time.Minute)
		late := w.alive(second, short)

		if !before || idle || len(list) != 0 || !back || old || !almost || late {
			t.Error(before, idle, len(list), back, old, almost, late)
		}
		if s.ExpiresAt.Sub(s.CreatedAt) != 24*time.Hour || made.ExpiresAt.Sub(made.CreatedAt) != time.Hour {
			t.Error(s, made)
		}
		if w.acts("portal.changed") != 3 {
			t.Error(w.acts("portal.changed"))
		}
	})
}

// S3: nobody sets limits beyond the standard's, nor does what somebody wrote into the database.
func TestLimitsStayWithinTheStandard(t *testing.T) {
	each(t, func(w *world) {
		admin := w.in(w.person("root@example.com", "admin"), good)
		auditor := w.in(w.person("eye@example.com", "auditor"), good)
		token, _ := w.session(w.person("ada@example.com", ""))

		for _, l := range []account.Limits{{IdleMinutes: 61, AbsoluteMinutes: 60}, {IdleMinutes: 60, AbsoluteMinutes: 25 * 60}, {}, {IdleMinutes: -5, AbsoluteMinutes: -60}} {
			w.is(w.store.SetSessionLimits(t.Context(), admin, l), fault.Invalid)
		}
		w.is(w.store.SetSessionLimits(t.Context(), auditor, account.Limits{IdleMinutes: 5, AbsoluteMinutes: 60}), fault.Forbidden)
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
			return setting.Put(tx, "session_limits", account.Limits{IdleMinutes: 100000, AbsoluteMinutes: 100000})
		}))
		w.clock.Advance(time.Hour + time.Second)

		l, err := w.store.SessionLimits(t.Context())
		w.must(err)
		if w.alive(w.store, token) || l.Idle() != account.SessionIdle || l.Absolute() != account.SessionAbsolute {
			t.Error(l)
		}
	})
}
