package account_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
)

func at(address string) actor.Actor {
	a := visitor()
	a.Address = netip.MustParseAddr(address)
	return a
}

// guess tries one wrong password.
func (w *world) guess(store *account.Store, a actor.Actor, email string) {
	w.t.Helper()
	if _, _, err := store.SignIn(w.t.Context(), a, email, other, firefox); !fault.Is(err, fault.Unauthenticated) && !fault.Is(err, fault.RateLimited) {
		w.t.Error(err)
	}
}

// phc is what is kept of u's password, opened.
func (w *world) phc(u account.User) string {
	w.t.Helper()
	b, err := w.root.Sealer(secret.LabelPassword).Open(u.PasswordSealed, u.ID.String())
	w.must(err)
	return string(b)
}

// A7: a flood from 200 networks at one account, over two replicas, keeps neither the owner's browser nor a network that did not try yet out; and the more strangers fail, the
// less each network has left (4.3).
func TestAFloodFromManyNetworksLocksNobodyOut(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		_, own := w.signsIn(visitor(), u, firefox)
		second := w.open(w.store.SignupPolicy())
		before := w.evaluations(w.phc(u))
		for i := range 200 {
			for n := range 6 {
				store := w.store
				if n%2 == 1 {
					store = second
				}
				w.guess(store, at(fmt.Sprintf("203.0.113.%d", i+1)), u.Email)
			}
		}
		flood := w.evaluations(w.phc(u)) - before

		_, _, tried := w.store.SignIn(t.Context(), at("203.0.113.9"), u.Email, good, firefox)
		_, _, fresh := second.SignIn(t.Context(), elsewhere(), u.Email, good, firefox)
		_, _, known := w.store.SignIn(t.Context(), at("203.0.113.9"), u.Email, good, own)

		w.is(tried, fault.Unauthenticated)
		w.must(fresh)
		w.must(known)
		// five each until 20 failed, three until 100, two from then on
		if flood < 2*200 || flood > 20+81+2*200 {
			t.Errorf("%d guesses were looked at", flood)
		}
	})
}

// A5: the guesses for which a network has nothing left count at nothing else, or one network could use an account up for all.
func TestOneNetworkUsesUpNothingOfOthers(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		for range 60 {
			w.guess(w.store, visitor(), u.Email)
		}
		before := w.evaluations(w.phc(u))
		for range 5 {
			w.guess(w.store, elsewhere(), u.Email)
		}
		if n := w.evaluations(w.phc(u)) - before; n != 5 {
			t.Errorf("%d guesses were looked at", n)
		}
		_, _, locked := w.store.SignIn(t.Context(), elsewhere(), u.Email, good, firefox)
		_, _, third := w.store.SignIn(t.Context(), at("192.0.2.1"), u.Email, good, firefox)

		w.is(locked, fault.Unauthenticated)
		w.must(third)
	})
}

// A5: all addresses of an IPv6 /64 are one network, and of a /48 not more than twenty guesses are looked at.
func TestNetworksOfIPv6AreCountedAsWhatOneCustomerHas(t *testing.T) {
	each(t, func(w *world) {
		u, bob := w.person("ada@example.com", ""), w.person("bob@example.com", "")
		ada, bobs := w.evaluations(w.phc(u)), w.evaluations(w.phc(bob))
		for i := range 10 {
			w.guess(w.store, at(fmt.Sprintf("2001:db8:0:1::%x", i+1)), u.Email)
		}
		for i := range 40 {
			w.guess(w.store, at(fmt.Sprintf("2001:db8:0:%x::1", i+1)), bob.Email)
		}

		_, _, other := w.store.SignIn(t.Context(), at("2001:db8:1::1"), bob.Email, good, firefox)

		if n, m := w.evaluations(w.phc(u))-ada, w.evaluations(w.phc(bob))-bobs; n != 5 || m != 21 { // one is the good one
			t.Error(n, m)
		}
		w.must(other)
	})
}

// A5: of very many networks that guess at one account at once, over two replicas, a thousand guesses in a quarter of an hour are looked at; the owner's browser still gets in, and a
// new password opens the door again.
func TestNoMoreThanAThousandStrangersGuessAtAnAccount(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		_, own := w.signsIn(visitor(), u, firefox)
		before := w.evaluations(w.phc(u))
		for i := range 990 { // as many as networks with one guess each would leave
			ok, _, err := w.store.Take(t.Context(), "signin:account:"+u.Email, 1000, 15*time.Minute)
			if err != nil || !ok {
				t.Fatal(i, ok, err)
			}
		}
		second := w.open(w.store.SignupPolicy())
		var all sync.WaitGroup
		for i := range 24 {
			store := w.store
			if i%2 == 1 {
				store = second
			}
			all.Go(func() { w.guess(store, at(fmt.Sprintf("10.0.%d.1", i)), u.Email) })
		}
		all.Wait()

		_, _, stranger := w.store.SignIn(t.Context(), elsewhere(), u.Email, good, firefox)
		looked := w.evaluations(w.phc(u)) - before
		_, _, owner := w.store.SignIn(t.Context(), visitor(), u.Email, good, own)
		w.clock.Advance(time.Minute)
		w.must(w.store.RequestReset(t.Context(), visitor(), u.Email))
		w.must(w.reset(token(w.last(u.Email, "reset_password")), "a sentence nobody knew before"))
		_, _, reset := w.store.SignIn(t.Context(), elsewhere(), u.Email, "a sentence nobody knew before", firefox)

		w.is(stranger, fault.Unauthenticated)
		w.must(owner)
		w.must(reset)
		if looked != 10 {
			t.Errorf("%d guesses were looked at", looked)
		}
	})
}

// A6: by what is computed: every refusal costs one hash of the parameters in force, whether there is such an account or not, locked or not, known browser or not, and
// also of those whose hash was made with fewer passes.
func TestEveryRefusalCostsOneHash(t *testing.T) {
	each(t, func(w *world) {
		admin := w.in(w.person("root@example.com", "admin"), good)
		wrong, locked, stopped := w.person("wrong@example.com", ""), w.person("locked@example.com", ""), w.person("stopped@example.com", "")
		_, known := w.signsIn(visitor(), wrong, firefox)
		w.must(w.store.Suspend(t.Context(), admin, stopped.ID, "Testing", nil))
		for range 5 {
			w.guess(w.store, elsewhere(), locked.Email)
		}
		passes := func() int {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.passes
		}
		tries := map[string]struct {
			email, plain string
			from         account.Browser
		}{
			"unknown": {"nobody@example.com", good, firefox}, "no address": {"nobody", good, firefox}, "wrong": {wrong.Email, other, firefox}, "wrong, known": {wrong.Email, other, known},
			"locked": {locked.Email, good, firefox}, "locked, wrong": {locked.Email, other, firefox}, "suspended": {stopped.Email, good, firefox}, "unknown, foreign cookie": {"nobody@example.com", good, known},
		}

		for _, inForce := range []int{1, 3} {
			w.must(w.store.SetPasses(uint32(inForce)))
			for name, try := range tries {
				before := passes()
				_, _, err := w.store.SignIn(t.Context(), elsewhere(), try.email, try.plain, try.from)
				w.is(err, fault.Unauthenticated)
				if n := passes() - before; n != inForce {
					t.Errorf("%s: %d passes of %d", name, n, inForce)
				}
			}
		}
	})
}
