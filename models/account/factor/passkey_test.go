package factor_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	"github.com/gatehouse-dev/gatehouse/models/account/factor/factortest"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A passkey finishes a sign-in by password, proves again who is there, and signs in alone; what one replica asked, another one takes.
func TestAPasskeySignsInBesideThePasswordAndAlone(t *testing.T) {
	each(t, func(w *world) {
		first, before, _ := w.in(w.ada)
		k, added := w.add(first, " Blue laptop ")
		mail := w.last("factor_added")
		accounts, other := w.replica(w.d)
		w.clock.Advance(time.Hour)

		pending, half, session := w.in(w.ada)
		asked, err := w.store.Ask(w.Context(), pending)
		w.must(err)
		shown, err := other.ShowPasskey(w.Context(), pending, k.Sign(asked))
		w.must(err)
		w.clock.Advance(11 * time.Minute)
		stale, _, err := accounts.Resolve(w.Context(), shown.Token)
		w.must(err)
		again, err := w.store.Ask(w.Context(), pending)
		w.must(err)
		fresh, err := w.store.ShowPasskey(w.Context(), pending, k.Sign(again))
		w.must(err)
		who, bound := w.stranger("a browser")
		alone, err := w.store.AskToEnter(w.Context(), who, bound)
		w.must(err)
		token, entered, err := other.Enter(w.Context(), who, bound, k.Sign(alone), "Firefox")
		w.must(err)

		if len(added.Codes) != 10 || added.Token == before || added.Session.Pending() || !strings.Contains(fmt.Sprint(mail.Lines), "passkey") {
			t.Errorf("%+v %+v", added, mail)
		}
		if !session.Pending() || shown.Session.Pending() || shown.Token == half || stale.Fresh(w.clock.Now()) || !fresh.Session.Fresh(w.clock.Now()) {
			t.Errorf("S2, A14: %+v %+v %+v", shown.Session, stale, fresh.Session)
		}
		resolved, u, err := w.accounts.Resolve(w.Context(), token)
		w.must(err)
		if u.ID != w.ada.ID || resolved.Pending() || !resolved.Fresh(w.clock.Now()) || entered.Means != account.ByPasskey {
			t.Errorf("%+v %+v", resolved, entered)
		}
		list, err := w.store.List(w.Context(), first)
		w.must(err)
		if len(list) != 1 || list[0].Name != "Blue laptop" || list[0].Kind != factor.Passkey || list[0].SignCount != 4 || list[0].Transports != "internal hybrid" || !list[0].LastUsedAt.Equal(w.clock.Now()) {
			t.Errorf("%+v", list)
		}
		if w.acts("factor.shown") != 3 || w.acts("factor.added") != 1 || w.count("SELECT COUNT(*) FROM ceremonies") != 0 {
			t.Error("acts, or challenges that are left")
		}
	})
}

// wrong are the ceremonies that A11 names, as changes to an authenticator and its browser.
var wrong = map[string]func(k *factortest.Token, other *factortest.Token){
	"another origin":             func(k, _ *factortest.Token) { k.Origin = "https://portal.example.evil.example" },
	"another scheme":             func(k, _ *factortest.Token) { k.Origin = "http://portal.example" },
	"another port":               func(k, _ *factortest.Token) { k.Origin = "https://portal.example:8443" },
	"another relying party":      func(k, _ *factortest.Token) { k.Party = "evil.example" },
	"another type":               func(k, _ *factortest.Token) { k.Kind = "payment.get" },
	"a user who was not there":   func(k, _ *factortest.Token) { k.Flags = factortest.Verified },
	"a user who is not verified": func(k, _ *factortest.Token) { k.Flags = factortest.Present },
	"a frame of another site":    func(k, _ *factortest.Token) { k.CrossOrigin = true },
	"id and rawId differ":        func(k, other *factortest.Token) { k.RawID = other.ID },
}

// wrongShown are those of showing a passkey that is there.
var wrongShown = map[string]func(k *factortest.Token, other *factortest.Token){
	"a wrong signature":           func(k, _ *factortest.Token) { k.Spoiled = true },
	"another key":                 func(k, other *factortest.Token) { k.Private = other.Private },
	"another's passkey":           func(k, other *factortest.Token) { *k = *other },
	"a swapped user handle":       func(k, other *factortest.Token) { k.Handle = other.Handle },
	"a passkey that is not there": func(k, _ *factortest.Token) { k.ID = bytes.Repeat([]byte{7}, 32) },
	"a user handle of nobody":     func(k, _ *factortest.Token) { k.Handle = bytes.Repeat([]byte{7}, 16) },
	"a user handle that is none":  func(k, _ *factortest.Token) { k.Handle = []byte("ada") },
}

// A11: whatever of a ceremony is wrong, nothing comes of it; the right one goes through all the same.
func TestWrongCeremoniesAreRefused(t *testing.T) {
	each(t, func(w *world) {
		grace := w.person("grace@example.com")
		hers, _, _ := w.in(grace)
		other, _ := w.add(hers, "Hers")
		mine, _, _ := w.in(w.ada)
		k, _ := w.add(mine, "Mine")
		pending, _, _ := w.in(w.ada)
		who, bound := w.stranger("a browser")
		for _, set := range []map[string]func(k *factortest.Token, other *factortest.Token){wrong, wrongShown} {
			for name, spoil := range set {
				bad := *k
				spoil(&bad, other)
				asked, err := w.store.Ask(w.Context(), pending)
				w.must(err)
				if _, err := w.store.ShowPasskey(w.Context(), pending, bad.Sign(asked)); !fault.Is(err, fault.Invalid) {
					t.Errorf("showing, %s: %v", name, err)
				}
				bad = *k
				spoil(&bad, other)
				alone, err := w.store.AskToEnter(w.Context(), who, bound)
				w.must(err)
				if token, s, err := w.store.Enter(w.Context(), who, bound, bad.Sign(alone), "x"); !fault.Is(err, fault.Unauthenticated) && (name != "another's passkey" || s.UserID != grace.ID) || name != "another's passkey" && token != "" {
					t.Errorf("entering, %s: %v", name, err)
				}
				if name == "another's passkey" {
					other.Count++ // which has signed her in
				}
				w.clock.Advance(15 * time.Minute) // the session may ask again
				pending, _, _ = w.in(w.ada)
			}
		}
		for name, spoil := range wrong {
			bad := w.token()
			spoil(bad, other)
			asked, err := w.store.AskForNew(w.Context(), mine, "Bad")
			w.must(err)
			if _, err := w.store.AddPasskey(w.Context(), mine, "Bad", bad.Make(asked)); !fault.Is(err, fault.Invalid) {
				t.Errorf("adding, %s: %v", name, err)
			}
		}
		asked, err := w.store.Ask(w.Context(), pending)
		w.must(err)
		k.Count += 1000
		_, err = w.store.ShowPasskey(w.Context(), pending, k.Sign(asked))
		w.must(err)
		if n := w.count("SELECT COUNT(*) FROM factors"); n != 2 {
			t.Errorf("%d factors", n)
		}
	})
}

// A11: a challenge is answered once, in time, in the session and for the end for which it was made.
func TestAChallengeIsForOneAnswerOfOneSession(t *testing.T) {
	each(t, func(w *world) {
		mine, _, _ := w.in(w.ada)
		k, _ := w.add(mine, "Mine")
		pending, _, _ := w.in(w.ada)
		elsewhere, _, _ := w.in(w.ada)
		who, bound := w.stranger("a browser")
		refused := func(name string, err error) {
			t.Helper()
			if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s: %v", name, err)
			}
		}
		show := func(a actor.Actor, answer string) error {
			_, err := w.store.ShowPasskey(w.Context(), a, answer)
			return err
		}
		enter := func(bound, answer string) error {
			_, _, err := w.store.Enter(w.Context(), who, bound, answer, "x")
			return err
		}

		asked, err := w.store.Ask(w.Context(), pending)
		w.must(err)
		refused("another session's", show(elsewhere, k.Sign(asked)))
		refused("for showing, used to enter", enter(bound, k.Sign(asked)))
		refused("for showing, used to enter as that session", enter(pending.SessionID.String(), k.Sign(asked)))
		right := k.Sign(asked)
		w.must(show(pending, right))
		refused("used before", show(pending, right))
		refused("used before, signed anew", show(pending, k.Sign(asked)))
		late, err := w.store.Ask(w.Context(), pending)
		w.must(err)
		alone, err := w.store.AskToEnter(w.Context(), who, bound)
		w.must(err)
		refused("another browser's", enter(factor.BoundTo("another"), k.Sign(alone)))
		refused("for entering, used to show", show(pending, k.Sign(alone)))
		forNew, err := w.store.AskForNew(w.Context(), mine, "New")
		w.must(err)
		w.clock.Advance(5 * time.Minute)
		refused("too old", show(pending, k.Sign(late)))
		refused("too old to enter", enter(bound, k.Sign(alone)))
		_, err = w.store.AddPasskey(w.Context(), mine, "New", w.token().Make(forNew))
		refused("too old to add", err)
		never, err := w.store.Ask(w.Context(), pending)
		w.must(err)
		never.Response.Challenge = bytes.Repeat([]byte{1}, 32)
		refused("never asked", show(pending, k.Sign(never)))
		for _, garbage := range []string{"", "{}", "null", "[", strings.Repeat("x", 20_000), `{"id":"AA","rawId":"AA","type":"public-key","response":{}}`} {
			refused("garbage", show(pending, garbage))
			refused("garbage to enter", enter(bound, garbage))
			_, err := w.store.AddPasskey(w.Context(), mine, "New", garbage)
			refused("garbage to add", err)
		}
		w.must(w.accounts.Sweep(w.Context()))
		if n := w.count("SELECT COUNT(*) FROM ceremonies"); n != 1 {
			t.Errorf("%d challenges are kept, want the one that still counts", n)
		}
	})
}

// A11: of eight who answer one challenge at the same moment, on two replicas, one gets in.
func TestOneOfManyAnswersAtOnceIsTaken(t *testing.T) {
	each(t, func(w *world) {
		mine, _, _ := w.in(w.ada)
		k, _ := w.add(mine, "Mine")
		_, other := w.replica(w.d)
		who, bound := w.stranger("a browser")
		alone, err := w.store.AskToEnter(w.Context(), who, bound)
		w.must(err)
		answer := k.Sign(alone)
		var in sync.Map
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() {
				token, _, err := []*factor.Store{w.store, other}[n%2].Enter(w.Context(), who, bound, answer, "x")
				if err == nil {
					in.Store(token, true)
				}
			})
		}
		all.Wait()

		tokens := 0
		in.Range(func(any, any) bool { tokens++; return true })
		if tokens != 1 {
			t.Errorf("%d got in", tokens)
		}
	})
}

// A count that goes back is refused, noted on the passkey and in the audit log, and mailed once a day; one that does not count is taken each time.
func TestACountThatWentBackIsRefusedAndMailed(t *testing.T) {
	each(t, func(w *world) {
		mine, _, _ := w.in(w.ada)
		k, _ := w.add(mine, "Mine")
		quiet := w.token()
		quiet.Step = 0
		asked, err := w.store.AskForNew(w.Context(), mine, "Quiet")
		w.must(err)
		_, err = w.store.AddPasskey(w.Context(), mine, "Quiet", quiet.Make(asked))
		w.must(err)
		show := func(k *factortest.Token) error {
			asked, err := w.store.Ask(w.Context(), mine)
			w.must(err)
			_, err = w.store.ShowPasskey(w.Context(), mine, k.Sign(asked))
			return err
		}
		cloned := *k
		w.must(show(k))
		w.must(show(k))

		w.is(show(&cloned), fault.Invalid)
		first := w.last("passkey_counted_back")
		w.is(show(&cloned), fault.Invalid)
		w.must(show(quiet))
		w.must(show(quiet))
		w.must(show(k))

		if w.count("SELECT COUNT(*) FROM mails WHERE kind = 'passkey_counted_back'") != 1 || w.acts("factor.counter_went_back") != 2 || !strings.Contains(fmt.Sprint(first.Lines), "counted before") {
			t.Errorf("%+v", first)
		}
		list, err := w.store.List(w.Context(), mine)
		w.must(err)
		if list[0].CountedBackAt == nil || list[0].SignCount != 4 || list[1].CountedBackAt != nil {
			t.Errorf("%+v", list)
		}
	})
}

// Whoever may not sign in does not by a passkey either, and one that was removed opens nothing.
func TestAPasskeyOfWhoMayNotSignInOpensNothing(t *testing.T) {
	each(t, func(w *world) {
		mine, _, _ := w.in(w.ada)
		k, _ := w.add(mine, "Mine")
		who, bound := w.stranger("a browser")
		enter := func() error {
			alone, err := w.store.AskToEnter(w.Context(), who, bound)
			w.must(err)
			_, _, err = w.store.Enter(w.Context(), who, bound, k.Sign(alone), "x")
			return err
		}
		suspend := func(at any) {
			w.must(w.d.Tx(w.Context(), func(tx *db.Tx) error {
				_, err := tx.Run("UPDATE users SET suspended_at = ? WHERE id = ?", at, w.ada.ID)
				return err
			}))
		}
		w.must(enter())

		suspend(w.clock.Now())
		w.is(enter(), fault.Unauthenticated)
		suspend(nil)
		w.must(enter())
		list, err := w.store.List(w.Context(), mine)
		w.must(err)
		w.must(w.store.Remove(w.Context(), mine, list[0].ID))
		w.is(enter(), fault.Unauthenticated)

		if w.last("factor_removed"); w.count("SELECT COUNT(*) FROM recovery_codes") != 0 {
			t.Error("recovery codes are left")
		}
	})
}

// What one may have and ask for is bounded; an authenticator that is there is not set up twice.
func TestPasskeysAreBounded(t *testing.T) {
	each(t, func(w *world) {
		mine, _, _ := w.in(w.ada)
		k, _ := w.add(mine, "First")
		asked, err := w.store.AskForNew(w.Context(), mine, "Again")
		w.must(err)
		_, twice := w.store.AddPasskey(w.Context(), mine, "Again", k.Make(asked))
		_, unnamed := w.store.AskForNew(w.Context(), mine, "  ")
		for n := range 9 {
			w.add(mine, fmt.Sprint("Key ", n))
		}
		_, many := w.store.AskForNew(w.Context(), mine, "One more")
		_, app := w.store.Begin(w.Context(), mine, "One more")
		var flood error
		for range 40 {
			if _, flood = w.store.Ask(w.Context(), mine); flood != nil {
				break
			}
		}

		w.is(twice, fault.Invalid)
		w.is(unnamed, fault.Invalid)
		w.is(many, fault.Conflict)
		w.is(app, fault.Conflict)
		w.is(flood, fault.RateLimited)
		if len(asked.Response.CredentialExcludeList) != 1 || asked.Response.AuthenticatorSelection.UserVerification != "required" || asked.Response.RelyingParty.ID != "portal.example" || asked.Response.RelyingParty.Name != "Northwind: APIs" {
			t.Errorf("%+v", asked.Response)
		}
	})
}

// Browsers tie passkeys to a name: at an IP address none are offered.
func TestAtAnIPAddressThereAreNoPasskeys(t *testing.T) {
	each(t, func(w *world) {
		mine, _, _ := w.in(w.ada)
		who, bound := w.stranger("a browser")
		s := factor.NewStore(factor.Options{DB: w.d, Accounts: w.accounts, Sealer: w.root.Sealer(secret.LabelFactor), Outbox: w.box, BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1:8080"}})
		_, err := s.AskForNew(w.Context(), mine, "Laptop")
		_, _, entered := s.Enter(w.Context(), who, bound, "{}", "x")

		w.is(err, fault.Conflict)
		w.is(entered, fault.Conflict)
		if s.Passkeys() || !w.store.Passkeys() {
			t.Error("offered where they can't be, or not where they can")
		}
	})
}

func (w *world) token() *factortest.Token { return factortest.New(w.T, "portal.example") }

// add sets a passkey up for a.
func (w *world) add(a actor.Actor, name string) (*factortest.Token, factor.Added) {
	w.Helper()
	k := w.token()
	o, err := w.store.AskForNew(w.Context(), a, name)
	w.must(err)
	added, err := w.store.AddPasskey(w.Context(), a, name, k.Make(o))
	w.must(err)
	return k, added
}

// stranger is somebody in a browser where nobody is signed in, and what binds challenges to it.
func (w *world) stranger(browser string) (actor.Actor, string) {
	return actor.Actor{Kind: actor.Anonymous, Address: netip.MustParseAddr("203.0.113.7"), RequestID: "req_test"}, factor.BoundTo(browser)
}
