package account_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
)

// byPassword are the acts that a password proves, each with what refuses one that is not the current one.
var byPassword = map[string]struct {
	act     func(w *world, a actor.Actor) error
	refused fault.Kind
}{
	"another address": {func(w *world, a actor.Actor) error {
		return w.store.RequestEmail(w.t.Context(), a, "mallory@example.com", good)
	}, fault.Invalid},
	"another password": {func(w *world, a actor.Actor) error {
		_, err := w.store.ChangePassword(w.t.Context(), a, good, "a third one that nobody guesses")
		return err
	}, fault.Invalid},
	"the proof anew": {func(w *world, a actor.Actor) error {
		_, err := w.store.Reauthenticate(w.t.Context(), a, good)
		return err
	}, fault.Invalid},
	"the account’s end": {func(w *world, a actor.Actor) error {
		return w.store.Delete(w.t.Context(), a, "ada@example.com", good)
	}, fault.Invalid},
	"signing in": {func(w *world, _ actor.Actor) error {
		_, _, err := w.store.SignIn(w.t.Context(), visitor(), "ada@example.com", good, firefox)
		return err
	}, fault.Unauthenticated},
}

// A13, A14: a password that was right when it was looked at, and is replaced before what it was given for is done, proves nothing, also in the session that goes on.
func TestAPasswordThatIsReplacedMeanwhileProvesNothing(t *testing.T) {
	for what, c := range byPassword {
		t.Run(what, func(t *testing.T) {
			each(t, func(w *world) {
				u := w.person("ada@example.com", "")
				a := w.in(u, good)
				elsewhere := w.open(config.Signup{}) // another replica
				var kept string
				w.aside = func() {
					w.clock.Advance(time.Second)
					var err error
					kept, err = elsewhere.ChangePassword(t.Context(), a, good, other)
					w.must(err)
				}

				err := c.act(w, a)

				w.is(err, c.refused)
				_, is, err := w.store.Resolve(t.Context(), kept)
				if err != nil || is.Email != "ada@example.com" || w.waits(a) != "" || w.count("SELECT COUNT(*) FROM sessions WHERE user_id = ?", u.ID) != 1 {
					t.Error("the owner’s session:", err, is.Email, w.waits(a))
				}
				if _, _, err := w.store.SignIn(t.Context(), visitor(), u.Email, other, firefox); err != nil {
					t.Error("the owner’s password:", err)
				}
			})
		})
	}
}

// A hash that is kept anew at that moment, with stronger parameters, is the same password.
func TestAPasswordThatIsKeptAnewMeanwhileProvesAsEver(t *testing.T) {
	for what, c := range byPassword {
		t.Run(what, func(t *testing.T) {
			each(t, func(w *world) {
				u := w.person("ada@example.com", "")
				a := w.in(u, good)
				stronger := w.params
				stronger.Time++
				w.params = stronger
				elsewhere := w.open(config.Signup{})
				before, err := w.store.ByID(t.Context(), u.ID)
				w.must(err)
				var after account.User
				w.aside = func() {
					_, _, err := elsewhere.SignIn(t.Context(), visitor(), u.Email, good, firefox)
					w.must(err)
					after, err = w.store.ByID(t.Context(), u.ID)
					w.must(err)
				}

				w.must(c.act(w, a))

				if before.PasswordSealed == after.PasswordSealed {
					t.Error("the hash was not kept anew")
				}
			})
		})
	}
}
