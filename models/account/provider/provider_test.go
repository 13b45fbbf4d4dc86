package provider_test

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/openid"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/account/provider"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

const (
	good   = "correct horse battery staple"
	issuer = "https://login.northwind.example"
	agent  = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
)

type world struct {
	*testing.T
	d        *db.DB
	clock    *dbtest.Clock
	root     *secret.Root
	box      *outbox.Outbox
	accounts *account.Store
	store    *provider.Store
}

func each(t *testing.T, body func(w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		root, err := secret.Parse("vT3kQ9xWm2ZpL8rYc5NbH7sJd4Gf6AuE", "")
		if err != nil {
			t.Fatal(err)
		}
		w := &world{T: t, d: d, clock: clock, root: root, box: outbox.New(root.Sealer(secret.LabelMail))}
		w.open(config.Signup{}, provider.Provider{Name: "northwind", Label: "Northwind", Issuer: issuer}, provider.Provider{Name: "github", Label: "GitHub", Issuer: openid.GitHubIssuer})
		body(w)
	})
}

// open makes the stores anew, under other settings.
func (w *world) open(policy config.Signup, known ...provider.Provider) {
	w.Helper()
	quick := func(plain, salt []byte, _ password.Params, n uint32) []byte { // the real one is tested in its own package
		sum := sha256.Sum256(append(append([]byte{}, salt...), plain...))
		return sum[:n]
	}
	hasher, err := password.NewHasher(password.Default, password.GateOptions{}, quick)
	w.must(err)
	link := func(path string) string { return "https://portal.example" + path }
	w.accounts = account.NewStore(account.Options{
		DB: w.d, Hasher: hasher, Sealer: w.root.Sealer(secret.LabelPassword), Signer: w.root.Signer(secret.LabelSession), Outbox: w.box, Link: link, Signup: policy, Floor: -1,
	})
	w.store = provider.NewStore(provider.Options{
		DB: w.d, Accounts: w.accounts, Outbox: w.box, Link: link, PortalName: func(context.Context) string { return "Northwind APIs" }, Providers: known,
	})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) is(err error, k fault.Kind) {
	w.Helper()
	if !fault.Is(err, k) {
		w.Fatalf("got %v, want %v", err, k)
	}
}

func (w *world) person(email string) account.User {
	w.Helper()
	id := db.NewID()
	sealed, err := w.accounts.HashPassword(w.Context(), id, good)
	w.must(err)
	var u account.User
	w.must(w.d.Tx(w.Context(), func(tx *db.Tx) error {
		u, err = w.accounts.AddUser(tx, account.NewUser{ID: id, Email: email, Name: "Ada Lovelace", PasswordSealed: sealed})
		return err
	}))
	return u
}

func visitor() actor.Actor {
	return actor.Actor{Kind: actor.Anonymous, Address: netip.MustParseAddr("203.0.113.7"), RequestID: "req_test"}
}

// in is u as an actor, signed in by the password.
func (w *world) in(u account.User) (actor.Actor, string) {
	w.Helper()
	token, session, err := w.accounts.SignIn(w.Context(), visitor(), u.Email, good, account.Browser{Agent: agent})
	w.must(err)
	return as(u, session), token
}

func as(u account.User, s account.Session) actor.Actor {
	a := visitor()
	a.Kind, a.UserID, a.SessionID, a.Name = actor.User, u.ID, s.ID, u.Name
	return a
}

// ada is whom Northwind knows.
func ada(change ...func(*openid.Identity)) openid.Identity {
	id := openid.Identity{Issuer: issuer, Subject: "sub-ada", Address: "Ada@Northwind.example", Verified: true, Name: "Ada Lovelace", SessionID: "there-1"}
	for _, c := range change {
		c(&id)
	}
	return id
}

func (w *world) arrive(a actor.Actor, who openid.Identity) (provider.Arrival, error) {
	return w.store.Arrive(w.Context(), a, provider.Came{Provider: "northwind", Who: who, Agent: agent, Next: "/console/keys"})
}

func (w *world) visit(who openid.Identity) string {
	w.Helper()
	out, err := w.arrive(visitor(), who)
	w.must(err)
	if out.Visit == "" || out.Token != "" {
		w.Fatalf("%+v", out)
	}
	return out.Visit
}

// mail is the newest letter to an address.
func (w *world) mail(to string) outbox.Letter {
	w.Helper()
	var ids []db.ID
	w.must(w.d.Read(w.Context()).Raw("SELECT id FROM mails WHERE recipient = ? ORDER BY id DESC", to).Scan(&ids).Error)
	if len(ids) == 0 {
		return outbox.Letter{}
	}
	_, l, err := w.box.Read(w.Context(), w.d, ids[0])
	w.must(err)
	return l
}

func (w *world) count(query string, args ...any) int64 {
	w.Helper()
	var n int64
	w.must(w.d.Read(w.Context()).Raw(query, args...).Row().Scan(&n))
	return n
}

func (w *world) signedIn(token string) bool {
	_, _, err := w.accounts.Resolve(w.Context(), token)
	return err == nil
}

func TestWhoCameFromAProviderGetsAnAccountAndSignsInByIt(t *testing.T) {
	each(t, func(w *world) {
		visit := w.visit(ada())
		v, err := w.store.ByToken(t.Context(), visit)
		w.must(err)

		_, out, err := w.store.Create(t.Context(), visitor(), visit, provider.NewPerson{Name: v.Name, Language: "de", TimeZone: "Europe/Berlin", Agent: agent})
		w.must(err)
		again, err := w.arrive(visitor(), ada())
		w.must(err)

		s, u, err := w.accounts.Resolve(t.Context(), again.Token)
		w.must(err)
		if v.HasAccount || v.NextPath != "/console/keys" || !w.signedIn(out.Token) || u.Email != "ada@northwind.example" || u.Language != "de" || u.PasswordSealed != "" || s.Means != account.ByProvider || s.Provider != "Northwind" {
			t.Errorf("%+v %+v %+v", v, s, u)
		}
		if _, err := w.store.ByToken(t.Context(), visit); !fault.Is(err, fault.NotFound) {
			t.Error("a visit can be used twice:", err)
		}
		if l := w.mail(u.Email); l.Kind != "provider_linked" {
			t.Error(l.Kind)
		}
		if w.count("SELECT COUNT(*) FROM audit_events WHERE act IN ('user.signed_up', 'provider.linked')") != 2 {
			t.Error("the acts are not recorded")
		}
	})
}

func TestAnAddressAloneNeverOpensAnAccount(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@northwind.example")
		mine, other := w.visit(ada()), w.visit(ada(func(i *openid.Identity) { i.Subject = "sub-eve" }))
		v, err := w.store.ByToken(t.Context(), mine)
		w.must(err)
		_, _, made := w.store.Create(t.Context(), visitor(), mine, provider.NewPerson{Name: "Ada"})
		w.must(w.store.SendLink(t.Context(), visitor(), mine))
		_, link, _ := strings.Cut(w.mail(u.Email).URL, "token=")

		_, elsewhere := w.store.Prove(t.Context(), visitor(), other, link, agent)
		_, madeUp := w.store.Prove(t.Context(), visitor(), mine, "made up", agent)
		before := w.count("SELECT COUNT(*) FROM identities")
		out, err := w.store.Prove(t.Context(), visitor(), mine, link, agent)

		w.must(err)
		w.is(made, fault.Conflict)
		w.is(elsewhere, fault.NotFound) // the mail was opened in the browser of whoever did not ask for it, or the other way round
		w.is(madeUp, fault.NotFound)
		if !v.HasAccount || before != 0 || !w.signedIn(out.Token) {
			t.Error(v, before, out)
		}
		if _, err := w.store.Prove(t.Context(), visitor(), mine, link, agent); !fault.Is(err, fault.NotFound) {
			t.Error("a link works twice:", err)
		}
	})
}

// A15.
func TestAnAddressThatNobodyVerifiedHoldsNoRight(t *testing.T) {
	each(t, func(w *world) {
		w.person("ada@northwind.example")
		unverified := func(i *openid.Identity) { i.Verified = false }
		taken := w.visit(ada(unverified))
		free := w.visit(ada(unverified, func(i *openid.Identity) { i.Subject, i.Address = "sub-bob", "bob@northwind.example" }))
		none := w.visit(ada(func(i *openid.Identity) { i.Subject, i.Address = "sub-carl", "" }))
		_, err := w.accounts.SignUp(t.Context(), visitor(), account.NewAccount{Name: "Eve", Email: "bob@northwind.example", Password: good})
		w.must(err)
		_, prepared, _ := strings.Cut(w.mail("bob@northwind.example").URL, "token=")

		v, err := w.store.ByToken(t.Context(), taken)
		w.must(err)
		_, _, early := w.store.Create(t.Context(), visitor(), free, provider.NewPerson{Name: "Bob"})
		noMail := w.store.SendLink(t.Context(), visitor(), none)
		w.must(w.store.SendLink(t.Context(), visitor(), free))
		_, link, _ := strings.Cut(w.mail("bob@northwind.example").URL, "token=")
		out, err := w.store.Prove(t.Context(), visitor(), free, link, agent)
		w.must(err)
		_, made, err := w.store.Create(t.Context(), visitor(), free, provider.NewPerson{Name: "Bob"})
		w.must(err)

		w.is(early, fault.Conflict)
		w.is(noMail, fault.Conflict)
		if v.HasAccount {
			t.Error("it tells whether an address has an account to whoever claims it")
		}
		if out.Token != "" || !w.signedIn(made.Token) {
			t.Error(out, made)
		}
		if _, err := w.accounts.VerifyLink(t.Context(), visitor(), prepared, "", good, agent); !fault.Is(err, fault.NotFound) {
			t.Error("what a stranger prepared with the address came to life:", err)
		}
	})
}

func TestTheSignUpSettingHoldsForProvidersToo(t *testing.T) {
	each(t, func(w *world) {
		known := w.store.Providers()
		create := func(policy config.Signup) (provider.Arrival, error) {
			w.open(policy, known...)
			_, out, err := w.store.Create(t.Context(), visitor(), w.visit(ada()), provider.NewPerson{Name: "Ada"})
			return out, err
		}

		_, closed := create(config.Signup{Policy: config.SignupClosed})
		_, elsewhere := create(config.Signup{Policy: config.SignupDomains, Domains: []string{"other.example"}})
		waiting, err := create(config.Signup{Policy: config.SignupApproval})
		w.must(err)
		_, unapproved := w.arrive(visitor(), ada())

		w.is(closed, fault.Forbidden)
		w.is(elsewhere, fault.Forbidden)
		w.is(unapproved, fault.Unauthenticated)
		if waiting.Token != "" {
			t.Error("who waits for approval is signed in")
		}
	})
}

func TestTheLastWayIntoAnAccountIsNotUnlinked(t *testing.T) {
	each(t, func(w *world) {
		_, out, err := w.store.Create(t.Context(), visitor(), w.visit(ada()), provider.NewPerson{Name: "Ada"})
		w.must(err)
		_, u, err := w.accounts.Resolve(t.Context(), out.Token)
		w.must(err)
		a := as(u, out.Session)
		elsewhere, err := w.arrive(visitor(), ada())
		w.must(err)
		own, err := w.store.List(t.Context(), a)
		w.must(err)

		last := w.store.Unlink(t.Context(), a, own[0].ID)
		github := ada(func(i *openid.Identity) { i.Issuer, i.Subject = openid.GitHubIssuer, "583231" })
		came, err := w.store.Arrive(t.Context(), a, provider.Came{Provider: "github", Who: github, Linking: true})
		w.must(err)
		_, err = w.store.Link(t.Context(), a, came.Visit)
		w.must(err)
		eve := w.person("eve@example.com")
		stranger, _ := w.in(eve)
		others := w.store.Unlink(t.Context(), stranger, own[0].ID)
		w.must(w.store.Unlink(t.Context(), a, own[0].ID))

		w.is(last, fault.Conflict)
		w.is(others, fault.NotFound)
		if !w.signedIn(out.Token) || w.signedIn(elsewhere.Token) {
			t.Error("unlinking ends the other sessions that the provider began, and keeps this one")
		}
		if l := w.mail(u.Email); l.Kind != "provider_unlinked" {
			t.Error(l.Kind)
		}
		own, err = w.store.List(t.Context(), a)
		w.must(err)
		w.open(config.Signup{}, provider.Provider{Name: "northwind", Label: "Northwind", Issuer: issuer}) // GitHub is not offered any more
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO identities (id, user_id, issuer, subject, created_at) VALUES (?, ?, ?, 'sub-other', ?)", db.NewID(), u.ID, issuer, tx.Now)
			return err
		}))
		w.must(w.store.Unlink(t.Context(), a, own[0].ID))
		rest, err := w.store.List(t.Context(), a)
		w.must(err)
		w.is(w.store.Unlink(t.Context(), a, rest[0].ID), fault.Conflict)
	})
}

func TestOnlyOneAccountIsLinkedToOneIdentity(t *testing.T) {
	each(t, func(w *world) {
		a, _ := w.in(w.person("ada@example.com"))
		b, _ := w.in(w.person("bob@example.com"))
		first, second := w.visit(ada()), w.visit(ada())
		_, err := w.store.Link(t.Context(), a, first)
		w.must(err)

		_, taken := w.store.Link(t.Context(), b, second)
		linking := func(who actor.Actor) error {
			_, err := w.store.Arrive(t.Context(), who, provider.Came{Provider: "northwind", Who: ada(), Linking: true})
			return err
		}

		w.is(taken, fault.Conflict)
		w.is(linking(a), fault.Conflict)
		w.is(linking(b), fault.Conflict)
		_, other := w.arrive(visitor(), ada(func(i *openid.Identity) { i.Issuer = "https://evil.example" }))
		w.is(other, fault.NotFound) // an identity of another issuer than the provider's
	})
}

// A12, S2.
func TestAProviderCountsAsThePasswordDoes(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@northwind.example")
		a, before := w.in(u)
		_, err := w.store.Link(t.Context(), a, w.visit(ada()))
		w.must(err)
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'Phone', ?, ?)", db.NewID(), u.ID, tx.Now, tx.Now)
			return err
		}))

		half, err := w.arrive(a, ada())
		w.must(err)
		whole, err := w.arrive(visitor(), ada(func(i *openid.Identity) { i.Factor = true }))
		w.must(err)

		if !half.Session.Pending() || whole.Session.Pending() || w.signedIn(before) {
			t.Error(half.Session, whole.Session)
		}
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE users SET suspended_at = ? WHERE id = ?", tx.Now, u.ID)
			return err
		}))
		_, suspended := w.arrive(visitor(), ada())
		w.is(suspended, fault.Unauthenticated)
	})
}

func TestVisitsEndAndMailsAreFew(t *testing.T) {
	each(t, func(w *world) {
		visit := w.visit(ada(func(i *openid.Identity) { i.Verified = false }))
		for range 3 {
			w.must(w.store.SendLink(t.Context(), visitor(), visit))
		}
		w.is(w.store.SendLink(t.Context(), visitor(), visit), fault.RateLimited)
		known := w.store.Providers()

		w.open(config.Signup{}, known[1:]...)
		_, unknown := w.store.ByToken(t.Context(), visit)
		w.open(config.Signup{}, known...)
		w.clock.Advance(provider.VisitAge + time.Minute)
		_, over := w.store.ByToken(t.Context(), visit)
		w.must(w.store.Sweep(t.Context()))

		w.is(unknown, fault.NotFound)
		w.is(over, fault.NotFound)
		if n := w.count("SELECT COUNT(*) FROM provider_visits"); n != 0 {
			t.Error(n, "visits are left")
		}
	})
}

// Z4: what providers told goes with the account.
func TestDeletedAccountsAreUnlinked(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@northwind.example")
		a, _ := w.in(u)
		_, err := w.store.Link(t.Context(), a, w.visit(ada()))
		w.must(err)
		w.visit(ada(func(i *openid.Identity) { i.Subject = "another" }))

		w.must(w.accounts.Delete(t.Context(), a, u.Email, good))

		if w.count("SELECT (SELECT COUNT(*) FROM identities) + (SELECT COUNT(*) FROM provider_visits) + (SELECT COUNT(*) FROM provider_sessions)") != 0 {
			t.Error("something is left")
		}
		if w.count("SELECT COUNT(*) FROM audit_personal WHERE value LIKE '%northwind%'") != 0 {
			t.Error("the audit log holds the address")
		}
	})
}

func (w *world) logout(change func(*openid.Logout)) error {
	l := openid.Logout{Issuer: issuer, Subject: "sub-ada", TokenID: db.NewID().String(), ExpiresAt: w.clock.Now().Add(time.Minute)}
	change(&l)
	return w.store.Logout(w.Context(), actor.ForSystem(), "northwind", l)
}

// S4: what the provider ends is over at once, for whoever asks the database, and nothing else is.
func TestSessionsEndWhenTheProviderSaysSo(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@northwind.example")
		a, byPassword := w.in(u)
		_, err := w.store.Link(t.Context(), a, w.visit(ada()))
		w.must(err)
		in := func(sid string) string {
			out, err := w.arrive(visitor(), ada(func(i *openid.Identity) { i.SessionID = sid }))
			w.must(err)
			return out.Token
		}
		first, second, third := in("there-1"), in("there-2"), in("")
		begun := w.visit(ada(func(i *openid.Identity) { i.Subject, i.SessionID = "sub-bob", "bobs" }))

		otherPerson := w.logout(func(l *openid.Logout) { l.Subject, l.SessionID = "sub-eve", "there-1" })
		untouched := w.signedIn(first) && w.signedIn(second) && w.signedIn(third)
		one := w.logout(func(l *openid.Logout) { l.SessionID = "there-1" })
		afterOne := !w.signedIn(first) && w.signedIn(second) && w.signedIn(third)
		bySession := w.logout(func(l *openid.Logout) { l.Subject, l.SessionID = "", "there-2" })
		afterTwo := !w.signedIn(second) && w.signedIn(third)
		all := w.logout(func(l *openid.Logout) { l.TokenID = "once" })
		again := in("there-3")
		replayed := w.logout(func(l *openid.Logout) { l.TokenID = "once" })
		bob := w.logout(func(l *openid.Logout) { l.Subject, l.SessionID = "", "bobs" })

		w.must(otherPerson)
		w.must(one)
		w.must(bySession)
		w.must(all)
		w.must(bob)
		w.is(replayed, fault.Invalid)
		if !untouched || !afterOne || !afterTwo || w.signedIn(third) || !w.signedIn(again) || !w.signedIn(byPassword) {
			t.Error(untouched, afterOne, afterTwo, w.signedIn(third), w.signedIn(again), w.signedIn(byPassword))
		}
		if _, err := w.store.ByToken(t.Context(), begun); !fault.Is(err, fault.NotFound) {
			t.Error("what was begun goes on:", err)
		}
		if n := w.count("SELECT COUNT(*) FROM audit_events WHERE act = 'provider.logged_out'"); n != 3 {
			t.Error(n, "ends are recorded")
		}
		w.is(w.logout(func(l *openid.Logout) { l.Issuer = "https://evil.example" }), fault.NotFound)
		w.clock.Advance(2 * time.Minute)
		w.must(w.store.Sweep(t.Context()))
		if n := w.count("SELECT COUNT(*) FROM provider_logouts"); n != 0 {
			t.Error(n, "tokens are remembered for ever")
		}
	})
}

// A12, 0017: of each link it is known whether its provider showed a second factor at the last sign-in, so that letters reach who does so between two sessions.
func TestALinkKnowsWhetherItsProviderShowedAFactorLast(t *testing.T) {
	each(t, func(w *world) {
		_, _, err := w.store.Create(t.Context(), visitor(), w.visit(ada()), provider.NewPerson{Name: "Ada Lovelace"})
		w.must(err)
		known := func(shown bool) int64 {
			w.Helper()
			_, err := w.arrive(visitor(), ada(func(i *openid.Identity) { i.Factor = shown }))
			w.must(err)
			w.clock.Advance(48 * time.Hour)
			return w.count("SELECT COUNT(*) FROM users u WHERE " + actor.ShowsFactor)
		}

		never, shown, no := known(false), known(true), known(false)

		if never != 0 || shown != 1 || no != 0 {
			w.Error(never, shown, no)
		}
	})
}
