package account_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A1
func TestStoredPasswordIsArgon2idSealedForItsUser(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		sealer := w.root.Sealer(secret.LabelPassword)

		phc, err := sealer.Open(u.PasswordSealed, u.ID.String())
		_, moved := sealer.Open(u.PasswordSealed, db.NewID().String())

		w.must(err)
		if !strings.HasPrefix(string(phc), "$argon2id$v=19$m=8192,t=1,p=1$") || moved == nil || strings.Contains(u.PasswordSealed, "argon2id") {
			t.Error(string(phc), moved)
		}
	})
}

// A1
func TestGoodSignInUpgradesWeakParameters(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		w.params.Time = 2
		w.store = w.open(w.store.SignupPolicy())

		w.in(u, good)

		after, err := w.store.ByID(t.Context(), u.ID)
		w.must(err)
		phc, err := w.root.Sealer(secret.LabelPassword).Open(after.PasswordSealed, u.ID.String())
		w.must(err)
		if !strings.Contains(string(phc), "t=2") {
			t.Error(string(phc))
		}
		w.in(u, good)
	})
}

// A1: what somebody wrote into the database is not executed.
func TestParametersOutOfBoundsAreNotExecuted(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		huge := w.root.Sealer(secret.LabelPassword).Seal([]byte("$argon2id$v=19$m=9999999,t=99,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), u.ID.String())
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE users SET password_sealed = ? WHERE id = ?", huge, u.ID)
			return err
		}))

		_, _, err := w.store.SignIn(t.Context(), visitor(), u.Email, good, firefox)

		w.is(err, fault.Unauthenticated)
	})
}

// A5
func TestParallelGuessesNeverOvertakeTheLimit(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		phc, err := w.root.Sealer(secret.LabelPassword).Open(u.PasswordSealed, u.ID.String())
		w.must(err)
		var all sync.WaitGroup
		for i := range 20 {
			all.Add(1)
			go func() {
				defer all.Done()
				spelling := []string{"ada@example.com", "ADA@example.com", " ada@EXAMPLE.com", "ａda@example.com"}[i%4]
				_, _, err := w.store.SignIn(t.Context(), visitor(), spelling, fmt.Sprintf("guess number %d", i), firefox)
				if !fault.Is(err, fault.Unauthenticated) && !fault.Is(err, fault.Unavailable) {
					t.Error(err)
				}
			}()
		}
		all.Wait()

		_, _, locked := w.store.SignIn(t.Context(), visitor(), "ada@example.com", good, firefox)

		evaluated := w.evaluations(string(phc)) - 1 // one made it
		if evaluated > 5 {
			t.Errorf("%d guesses were looked at", evaluated)
		}
		w.is(locked, fault.Unauthenticated)
		w.clock.Advance(15 * time.Minute)
		w.in(u, good)
	})
}

// evaluations is how often the salt of a PHC string was hashed with.
func (w *world) evaluations(phc string) int {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for salt, n := range w.salts {
		if strings.Contains(phc, "$"+encode(salt)+"$") {
			return n
		}
	}
	w.t.Fatal("the salt was never used")
	return 0
}

// A5
func TestGoodSignInsAreNotCounted(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		for range 8 {
			w.in(u, good)
		}

		if n := w.count("SELECT COALESCE(SUM(taken), 0) FROM throttles"); n != 0 {
			t.Error(n, "are still counted")
		}
	})
}

// A5
func TestANetworkThatGuessesIsStopped(t *testing.T) {
	each(t, func(w *world) {
		var err error
		tries := 0
		for ; tries < 100 && (err == nil || fault.Is(err, fault.Unauthenticated)); tries++ {
			_, _, err = w.store.SignIn(t.Context(), visitor(), fmt.Sprintf("user%d@example.com", tries), good, firefox)
		}
		a := visitor()
		a.Address = netip.MustParseAddr("198.51.100.1")
		_, _, elsewhere := w.store.SignIn(t.Context(), a, "user@example.com", good, firefox)

		w.is(err, fault.RateLimited)
		w.is(elsewhere, fault.Unauthenticated)
		if tries != 61 || fault.As(err).RetryAfter <= 0 {
			t.Error(tries, err)
		}
	})
}

// A7: who uses up what a network has at an account keeps that network's strangers out, not the owner.
func TestStrangersCanNotLockAKnownBrowserOut(t *testing.T) {
	each(t, func(w *world) {
		u, eve := w.person("ada@example.com", ""), w.person("eve@example.com", "")
		own := w.known(u)
		for range 40 {
			_, _, err := w.store.SignIn(t.Context(), visitor(), u.Email, other, firefox)
			w.is(err, fault.Unauthenticated)
		}

		_, _, stranger := w.store.SignIn(t.Context(), visitor(), u.Email, good, firefox)
		_, _, foreign := w.store.SignIn(t.Context(), visitor(), u.Email, good, w.known(eve))
		_, _, forged := w.store.SignIn(t.Context(), visitor(), u.Email, good, account.Browser{Known: own.Known + "x"})
		for range 17 { // the network is used up too
			_, _, err := w.store.SignIn(t.Context(), visitor(), u.Email, other, firefox)
			w.is(err, fault.Unauthenticated)
		}
		_, _, owner := w.store.SignIn(t.Context(), visitor(), u.Email, good, own)

		for _, err := range []error{stranger, foreign, forged} {
			w.is(err, fault.Unauthenticated)
		}
		w.must(owner)
	})
}

// A5: a known browser has five tries of its own, also in parallel.
func TestAKnownBrowserGuessesNoMoreThanFiveTimes(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		own := w.known(u)
		phc, err := w.root.Sealer(secret.LabelPassword).Open(u.PasswordSealed, u.ID.String())
		w.must(err)
		before := w.evaluations(string(phc))
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				_, _, err := w.store.SignIn(t.Context(), visitor(), u.Email, other, own)
				if !fault.Is(err, fault.Unauthenticated) && !fault.Is(err, fault.Unavailable) {
					t.Error(err)
				}
			})
		}
		all.Wait()

		_, _, locked := w.store.SignIn(t.Context(), visitor(), u.Email, good, own)

		if n := w.evaluations(string(phc)) - before; n > 5 {
			t.Errorf("%d guesses were looked at", n)
		}
		w.is(locked, fault.Unauthenticated)
	})
}

// A7
func TestAPasswordResetEndsTheLockOut(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		own := w.known(u)
		for range 6 {
			for _, b := range []account.Browser{firefox, own} {
				_, _, err := w.store.SignIn(t.Context(), visitor(), u.Email, other, b)
				w.is(err, fault.Unauthenticated)
			}
		}
		w.clock.Advance(time.Minute)
		w.must(w.store.RequestReset(t.Context(), visitor(), u.Email))
		w.must(w.reset(token(w.last(u.Email, "reset_password")), "a sentence nobody knew before"))

		_, _, fromAnywhere := w.store.SignIn(t.Context(), visitor(), u.Email, "a sentence nobody knew before", firefox)

		w.must(fromAnywhere)
		for range 5 { // what was known ended with the password: it is a stranger's counter
			_, _, err := w.store.SignIn(t.Context(), visitor(), u.Email, other, own)
			w.is(err, fault.Unauthenticated)
		}
		_, _, stranger := w.store.SignIn(t.Context(), visitor(), u.Email, "a sentence nobody knew before", firefox)
		w.is(stranger, fault.Unauthenticated)
		_, _, owner := w.store.SignIn(t.Context(), visitor(), u.Email, "a sentence nobody knew before", w.known(u))
		w.must(owner)
	})
}

// A7: a flood from many networks is told to the operator, and shuts nobody out.
func TestAFloodOfSignInsIsLoggedOnceAMinuteAndRefusesNobody(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		bucket := fmt.Sprintf("%x", sha256.Sum256([]byte("signin:all")))
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO throttles (bucket, taken, resets_at) VALUES (?, 3000, ?)", bucket, tx.Now.Add(time.Hour))
			return err
		}))

		w.in(u, good)
		w.in(u, good)
		once := strings.Count(w.log.String(), "very many sign-ins")
		w.clock.Advance(time.Minute)
		w.in(u, good)

		if twice := strings.Count(w.log.String(), "very many sign-ins"); once != 1 || twice != 2 {
			t.Error(once, twice, w.log.String())
		}
	})
}

// A6
func TestEveryRefusalIsTheSame(t *testing.T) {
	each(t, func(w *world) {
		admin := w.in(w.person("root@example.com", "admin"), good)
		wrong, suspended, locked := w.person("wrong@example.com", ""), w.person("suspended@example.com", ""), w.person("locked@example.com", "")
		w.must(w.store.Suspend(t.Context(), admin, suspended.ID, "Testing", nil))
		for range 5 {
			_, _, err := w.store.SignIn(t.Context(), visitor(), locked.Email, other, firefox)
			w.is(err, fault.Unauthenticated)
		}
		_, err := w.store.SignUp(t.Context(), visitor(), ada())
		w.must(err)

		var texts []string
		for _, try := range [][2]string{{"nobody@example.com", good}, {"ada@example.com", good}, {wrong.Email, other}, {suspended.Email, good}, {locked.Email, good}, {"no address", good}} {
			_, _, err := w.store.SignIn(t.Context(), visitor(), try[0], try[1], firefox)
			texts = append(texts, err.Error())
		}

		for _, text := range texts {
			if text != texts[0] {
				t.Errorf("%q differs from %q", text, texts[0])
			}
		}
	})
}

// A3
func TestBusyHashingIsSaidAndNotCounted(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		enter, leave := make(chan struct{}, 10), make(chan struct{})
		after := make(chan time.Time)
		close(after)
		hasher, err := password.NewHasher(w.params, password.GateOptions{Cores: 1, After: func(time.Duration) <-chan time.Time { return after }}, func(plain, salt []byte, p password.Params, n uint32) []byte {
			enter <- struct{}{}
			<-leave
			return w.hash(plain, salt, p, n)
		})
		w.must(err)
		store := account.NewStore(account.Options{DB: w.d, Hasher: hasher, Sealer: w.root.Sealer(secret.LabelPassword)})
		done := make(chan error)
		go func() {
			_, _, err := store.SignIn(t.Context(), visitor(), u.Email, good, firefox)
			done <- err
		}()
		<-enter

		_, _, busy := store.SignIn(t.Context(), visitor(), u.Email, good, firefox)
		close(leave)

		w.must(<-done)
		w.is(busy, fault.Unavailable)
		if fault.As(busy).RetryAfter <= 0 || !errors.Is(busy, password.ErrBusy) || w.count("SELECT COALESCE(SUM(taken), 0) FROM throttles") != 0 {
			t.Error(busy)
		}
	})
}

// S1, S2
func TestSignInMakesANewTokenAndEndsTheSessionBefore(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		first, session, err := w.store.SignIn(t.Context(), visitor(), u.Email, good, firefox)
		w.must(err)
		a := visitor()
		a.SessionID = session.ID

		second, _, err := w.store.SignIn(t.Context(), a, u.Email, good, firefox)

		w.must(err)
		_, _, dead := w.store.Resolve(t.Context(), first)
		w.is(dead, fault.Unauthenticated)
		if first == second || len(second) != 43 || w.count("SELECT COUNT(*) FROM sessions") != 1 {
			t.Error(first, second)
		}
	})
}

// A14, S2
func TestReenteredPasswordGivesANewToken(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		old, session, err := w.store.SignIn(t.Context(), visitor(), u.Email, good, firefox)
		w.must(err)
		a := visitor()
		a.Kind, a.UserID, a.SessionID = "user", u.ID, session.ID
		w.clock.Advance(30 * time.Minute)

		_, wrong := w.store.Reauthenticate(t.Context(), a, other)
		fresh, err := w.store.Reauthenticate(t.Context(), a, good)

		w.is(wrong, fault.Invalid)
		w.must(err)
		_, _, dead := w.store.Resolve(t.Context(), old)
		w.is(dead, fault.Unauthenticated)
		s, _, err := w.store.Resolve(t.Context(), fresh)
		w.must(err)
		if !s.Fresh(w.clock.Now()) || !s.ExpiresAt.Equal(session.ExpiresAt) {
			t.Error(s)
		}
	})
}

// A5
func TestReenteringIsCountedToo(t *testing.T) {
	each(t, func(w *world) {
		a := w.in(w.person("ada@example.com", ""), good)
		for range 5 {
			_, err := w.store.Reauthenticate(t.Context(), a, other)
			w.is(err, fault.Invalid)
		}

		_, err := w.store.Reauthenticate(t.Context(), a, good)

		w.is(err, fault.RateLimited)
	})
}

// A5, U1: all forms that ask for the password share one counter, count at the door too, and tell the audit log.
func TestWrongPasswordsInsideASessionAreCountedTogetherAndAudited(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		a := w.in(u, good)
		forms := []func(password string) error{
			func(p string) error { _, err := w.store.Reauthenticate(t.Context(), a, p); return err },
			func(p string) error { _, err := w.store.ChangePassword(t.Context(), a, p, other); return err },
			func(p string) error { return w.store.RequestEmail(t.Context(), a, "new@example.com", p) },
			func(p string) error { return w.store.Delete(t.Context(), a, u.Email, p) },
		}
		w.must(forms[0](good))
		for i := range 5 {
			w.is(forms[i%len(forms)](other), fault.Invalid)
		}

		for _, try := range forms {
			w.is(try(good), fault.RateLimited)
		}

		_, _, door := w.store.SignIn(t.Context(), visitor(), u.Email, good, firefox)
		w.is(door, fault.Unauthenticated)
		if n := w.count("SELECT COUNT(*) FROM audit_events WHERE act = 'user.reauthenticated' AND result = 'refused' AND actor_id = ?", u.ID); n != 5 {
			t.Error(n)
		}
	})
}

// A7
func TestStrangersCanNotKeepTheOwnerFromConfirming(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		a := w.in(u, good)
		for range 6 {
			_, _, err := w.store.SignIn(t.Context(), visitor(), u.Email, other, firefox)
			w.is(err, fault.Unauthenticated)
		}

		_, err := w.store.Reauthenticate(t.Context(), a, good)

		w.must(err)
	})
}

// S4
func TestOwnSessionsAreListedAndEndedAndNobodyElses(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		a, b := w.in(u, good), w.in(u, good)
		stranger := w.in(w.person("eve@example.com", ""), good)
		list, err := w.store.Sessions(t.Context(), a)
		w.must(err)

		foreign := w.store.EndSession(t.Context(), stranger, b.SessionID)
		w.must(w.store.EndSession(t.Context(), a, b.SessionID))
		w.in(u, good)
		w.must(w.store.EndOtherSessions(t.Context(), a))

		w.is(foreign, fault.NotFound)
		rest, err := w.store.Sessions(t.Context(), a)
		w.must(err)
		if len(list) != 2 || len(rest) != 1 || rest[0].ID != a.SessionID || rest[0].Network != "203.0.113.0/24" {
			t.Error(list, rest)
		}
	})
}

func TestSweepDeletesWhatIsOver(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		w.in(u, good)
		w.must(w.store.RequestReset(t.Context(), visitor(), u.Email))
		in := ada()
		in.Email = "new@example.com"
		_, err := w.store.SignUp(t.Context(), visitor(), in)
		w.must(err)
		w.must(w.store.Sweep(t.Context()))
		kept := w.count("SELECT (SELECT COUNT(*) FROM sessions) + (SELECT COUNT(*) FROM one_time_links) + (SELECT COUNT(*) FROM signups)")

		w.clock.Advance(25 * time.Hour)
		w.must(w.store.Sweep(t.Context()))

		left := w.count("SELECT (SELECT COUNT(*) FROM sessions) + (SELECT COUNT(*) FROM one_time_links) + (SELECT COUNT(*) FROM signups) + (SELECT COUNT(*) FROM throttles)")
		if kept != 3 || left != 0 {
			t.Error(kept, left)
		}
	})
}

// A5: the counter itself.
func TestThrottleNeverGivesMoreThanItsLimit(t *testing.T) {
	each(t, func(w *world) {
		var mu sync.Mutex
		var all sync.WaitGroup
		given := 0
		for range 30 {
			all.Add(1)
			go func() {
				defer all.Done()
				ok, _, err := w.store.Take(t.Context(), "door", 7, time.Hour)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if ok {
					given++
				}
			}()
		}
		all.Wait()

		_, after, err := w.store.Take(t.Context(), "door", 7, time.Hour)
		w.must(err)
		w.must(w.store.Release(t.Context(), "door"))
		ok, _, err := w.store.Take(t.Context(), "door", 7, time.Hour)

		w.must(err)
		if given != 7 || after != time.Hour || !ok {
			t.Error(given, after, ok)
		}
	})
}
