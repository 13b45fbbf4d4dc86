package account_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// REL-8, 4.5: on a full disk who is signed in stays so, sessions end and accounts are suspended; what stops nobody waits.
func TestSessionsEndAndAccountsAreSuspendedOnAFullDisk(t *testing.T) {
	clock := dbtest.NewClock()
	d, fill := dbtest.Small(t, clock)
	w := newWorld(t, d, clock, config.Signup{Policy: config.SignupOpen})
	ada, bob, root := w.person("ada@example.com", ""), w.person("bob@example.com", ""), w.person("root@example.com", "admin")
	token, session, err := w.store.SignIn(t.Context(), visitor(), ada.Email, good, firefox)
	w.must(err)
	own, second, staff := w.in(ada, good), w.in(ada, good), w.in(root, good)
	w.in(bob, good)
	fill()
	clock.Advance(2 * time.Minute) // a request notes that by now

	_, _, there := w.store.Resolve(t.Context(), token)
	ended := w.store.EndSession(t.Context(), own, session.ID)
	_, _, gone := w.store.Resolve(t.Context(), token)
	others, out := w.store.EndOtherSessions(t.Context(), own), w.store.SignOut(t.Context(), second)
	suspended, everywhere := w.store.Suspend(t.Context(), staff, bob.ID, "Odd calls.", nil), w.store.EndSessionsOf(t.Context(), staff, ada.ID)
	lifted := w.store.Unsuspend(t.Context(), staff, bob.ID)

	if there != nil || ended != nil || others != nil || out != nil || suspended != nil || everywhere != nil || !db.Full(lifted) {
		t.Errorf("signed in: %v; ended: %v, %v, %v; suspended: %v; signed out everywhere: %v; lifted: %v", there, ended, others, out, suspended, everywhere, lifted)
	}
	w.is(gone, fault.Unauthenticated)
	if n := w.count("SELECT COUNT(*) FROM sessions WHERE user_id <> ?", root.ID); n != 0 {
		t.Error(n, "sessions are there")
	}
}

// REL-8: ending what has ended writes nothing, so that nobody uses up the room that is kept for what is urgent.
func TestEndingSessionsOverAndOverWritesOnce(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		here, _ := w.in(u, good), w.in(u, good)
		for range 5 {
			w.must(w.store.EndOtherSessions(t.Context(), here))
		}
		if n := w.acts("session.all_ended"); n != 1 {
			t.Errorf("%d acts, want 1", n)
		}
	})
}
