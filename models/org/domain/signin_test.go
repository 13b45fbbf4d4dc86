package domain_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/netip"
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
)

const good = "correct horse battery staple"

var northwind = domain.Provider{Name: "northwind", Label: "Northwind", Domains: []string{"example.com"}}

// bound is a world in which people sign in, and the provider northwind speaks for example.com, which Northwind has proven.
type bound struct {
	*world
	accounts *account.Store
	d        domain.Domain
}

func eachBound(t *testing.T, body func(t *testing.T, w *bound)) {
	t.Helper()
	each(t, func(t *testing.T, w *world) {
		root, err := secret.Parse("vT3kQ9xWm2ZpL8rYc5NbH7sJd4Gf6AuE", "")
		w.ok(err)
		hasher, err := password.NewHasher(password.Default, password.GateOptions{}, func(plain, salt []byte, _ password.Params, n uint32) []byte { // the real one is tested in its own package
			sum := sha256.Sum256(append(append([]byte{}, salt...), plain...))
			return sum[:n]
		})
		w.ok(err)
		b := &bound{world: w}
		b.accounts = account.NewStore(account.Options{
			DB: w.DB, Hasher: hasher, Sealer: root.Sealer(secret.LabelPassword), Signer: root.Signer(secret.LabelSession), Outbox: w.Outbox, Link: func(p string) string { return "https://portal.example" + p }, Floor: -1,
		})
		b.offer(northwind, domain.Provider{Name: "google", Label: "Google", Domains: []string{"*"}})
		b.d = w.proven("example.com")
		for _, a := range []actor.Actor{w.Owner, w.admin, w.vera, w.Staff} {
			b.password(a)
		}
		body(t, b)
	})
}

// offer opens the store of domains anew, under other settings.
func (w *bound) offer(all ...domain.Provider) {
	w.store = domain.NewStore(domain.Options{DB: w.DB, Outbox: w.Outbox, Link: func(p string) string { return "https://portal.example" + p }, DNS: domain.DNS{Server: w.dns.Addr}, Providers: all})
	w.accounts.BindBy(w.store.Binding)
}

func (w *bound) password(a actor.Actor) {
	w.t.Helper()
	sealed, err := w.accounts.HashPassword(context.Background(), a.UserID, good)
	w.ok(err)
	w.run("UPDATE users SET password_sealed = ?, password_changed_at = created_at WHERE id = ?", sealed, a.UserID)
}

func (w *bound) factor(a actor.Actor) {
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'Phone', ?, ?)", db.NewID(), a.UserID, tx.Now, tx.Now)
		return err
	})
}

// bind has the people of example.com sign in by northwind; the owner has a second factor from then on.
func (w *bound) bind() {
	w.t.Helper()
	w.factor(w.Owner)
	w.ok(w.store.SetProvider(context.Background(), w.Owner, w.North, w.d.ID, "northwind", "developer"))
}

func (w *bound) address(a actor.Actor) (address string) {
	w.t.Helper()
	w.ok(w.DB.Read(context.Background()).Raw("SELECT email FROM users WHERE id = ?", a.UserID).Scan(&address).Error)
	return address
}

func stranger() actor.Actor {
	return actor.Actor{Kind: actor.Anonymous, Address: netip.MustParseAddr("203.0.113.7")}
}

func (w *bound) signIn(a actor.Actor) (account.Session, error) {
	w.t.Helper()
	_, s, err := w.accounts.SignIn(context.Background(), stranger(), w.address(a), good, account.Browser{})
	return s, err
}

func (w *bound) enter(a actor.Actor, e account.Entry) error {
	w.t.Helper()
	u, err := w.accounts.ByID(context.Background(), a.UserID)
	w.ok(err)
	return w.DB.Tx(context.Background(), func(tx *db.Tx) error {
		_, _, err := w.accounts.EnterTx(tx, stranger(), u, e)
		return err
	})
}

func isBound(err error) bool { return errors.As(err, new(*account.BoundError)) }

func by(name, vouched string) account.Entry {
	return account.Entry{Means: account.ByProvider, Provider: name, By: name, Vouched: vouched}
}

func TestPeopleOfADomainSignInByItsProviderAlone(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		elsewhere := w.Person("Eve Elsewhere", "")
		w.run("UPDATE users SET email = 'eve@sub.example.com' WHERE id = ?", elsewhere.UserID)
		w.ok(w.enter(w.vera, account.Entry{Means: account.ByPassword}))
		w.bind()

		for name, e := range map[string]account.Entry{
			"password": {Means: account.ByPassword}, "passkey": {Means: account.ByPasskey, Factor: true}, "link": {Means: account.ByLink},
			"another provider": by("google", "vera@example.com"),
		} {
			if err := w.enter(w.vera, e); !isBound(err) {
				t.Errorf("%s: %v", name, err)
			}
			w.ok(w.enter(elsewhere, e))
		}
		for name, vouched := range map[string]string{"nothing": "", "an address elsewhere": "vera@gmail.example", "of a sub-domain": "vera@sub.example.com"} {
			w.want("the provider vouches for "+name, w.enter(w.vera, by("northwind", vouched)), fault.Conflict)
		}
		w.ok(w.enter(w.vera, by("northwind", "someone@example.com")))
	})
}

func TestOwnersAndAdminsWithAFactorKeepTheirWayIn(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		w.bind()
		w.factor(w.vera)
		w.factor(w.admin)

		owner, err := w.signIn(w.Owner)
		w.ok(err)
		_, admin := w.signIn(w.admin)
		_, person := w.signIn(w.vera)
		_, without := w.signIn(w.Staff)
		w.factor(w.Staff)
		staff, err := w.signIn(w.Staff)
		w.ok(err)
		w.ok(w.enter(w.Owner, account.Entry{Means: account.ByPasskey, Factor: true}))
		w.run("UPDATE members SET role = 'admin' WHERE user_id = ? AND organization_id = ?", w.Owner.UserID, w.North)
		_, former := w.signIn(w.Owner)

		if !owner.Pending() || !staff.Pending() || !isBound(admin) || !isBound(person) || !isBound(without) || !isBound(former) {
			t.Error(owner.Pending(), staff.Pending(), admin, person, without, former)
		}
	})
}

// A6
func TestTheRuleOfADomainTellsNobodyWhoHasAnAccount(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		w.bind()
		owner, vera := w.address(w.Owner), w.address(w.vera)
		suspended := w.Person("Sue Suspended", "")
		w.run("UPDATE users SET suspended_at = '2026-01-01' WHERE id = ?", suspended.UserID)
		for _, address := range []string{vera, owner, "nobody@example.com", w.address(suspended), "NOBODY@Example.com"} {
			_, _, signIn := w.accounts.SignIn(t.Context(), stranger(), address, "wrong horse battery staple", account.Browser{})
			reset := w.accounts.RequestReset(t.Context(), stranger(), address)
			_, signUp := w.accounts.SignUp(t.Context(), stranger(), account.NewAccount{Name: "X", Email: address, Password: "umbrella quiet mountain tide"})
			for what, err := range map[string]error{"sign-in": signIn, "reset": reset, "sign-up": signUp} {
				if f := fault.As(err); f == nil || !isBound(err) || f.Key != "People with an address at %s sign in by %s." || f.Args[0] != "example.com" || f.Args[1] != "Northwind" {
					t.Errorf("%s of %s: %v", what, address, err)
				}
			}
		}
		_, right := w.signIn(w.vera)

		if !isBound(right) || w.mails("reset_password") != 1 || w.mails("verify_address") != 0 { // the owner's
			t.Error(right, w.mails("reset_password"))
		}
	})
}

// S4
func TestSessionsEndWhereTheRuleBegins(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		elsewhere := w.Person("Eve Elsewhere", "")
		w.run("UPDATE users SET email = 'eve@elsewhere.example' WHERE id = ?", elsewhere.UserID)
		w.password(elsewhere)
		people := []actor.Actor{w.Owner, w.vera, elsewhere}
		var sessions []account.Session
		for _, a := range people {
			s, err := w.signIn(a)
			w.ok(err)
			sessions = append(sessions, s)
		}
		acting := w.Owner
		acting.SessionID = sessions[0].ID
		w.factor(w.Owner)
		w.ok(w.store.SetProvider(t.Context(), acting, w.North, w.d.ID, "northwind", "viewer"))

		for i, want := range []int{1, 0, 1} {
			left, err := w.accounts.Sessions(t.Context(), people[i])
			w.ok(err)
			if len(left) != want {
				t.Errorf("%s has %d sessions", people[i].Name, len(left))
			}
		}
		if w.mails("domain_provider") != 2 {
			t.Error("owner and admin are not told")
		}
		w.ok(w.store.SetProvider(t.Context(), acting, w.North, w.d.ID, "northwind", "developer"))
		if w.mails("domain_provider") != 2 {
			t.Error("told of another role")
		}
	})
}

func TestNoSessionBegunMeanwhileOutlivesTheRule(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				if i == 4 {
					w.bind()
					return
				}
				if err := w.enter(w.vera, account.Entry{Means: account.ByPassword}); err != nil && !isBound(err) {
					w.t.Error(err)
				}
			})
		}
		wait.Wait()

		left, err := w.accounts.Sessions(t.Context(), w.vera)
		if err != nil || len(left) != 0 {
			t.Error(err, len(left))
		}
	})
}

func TestOneOwnerAtLeastKeepsAWayIn(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		set := func() error {
			return w.store.SetProvider(t.Context(), w.Owner, w.North, w.d.ID, "northwind", "developer")
		}
		none := set()
		_, free, err := w.store.Binding(w.DB.Read(t.Context()), "vera@example.com", false)
		w.ok(err)
		w.run("UPDATE users SET email = 'nora@elsewhere.example' WHERE id = ?", w.Owner.UserID)
		elsewhere := set()
		w.ok(w.store.SetProvider(t.Context(), w.Owner, w.North, w.d.ID, "", ""))
		w.run("UPDATE users SET email = 'nora@example.com', password_sealed = NULL WHERE id = ?", w.Owner.UserID)
		w.factor(w.Owner)
		factorAlone := set()
		w.run("UPDATE factors SET kind = 'passkey' WHERE user_id = ?", w.Owner.UserID)

		w.want("no owner has a factor", none, fault.Conflict)
		w.want("a factor without a password", factorAlone, fault.Conflict)
		w.ok(elsewhere)
		w.ok(set())
		if free {
			t.Error("bound all the same")
		}
	})
}

func TestOnlyAProviderThatTheOperatorListsForTheDomainBinds(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		w.factor(w.Owner)
		other := w.proven("example.org")
		for what, err := range map[string]error{
			"speaks for all":     w.store.SetProvider(t.Context(), w.Owner, w.North, w.d.ID, "google", "developer"),
			"not there":          w.store.SetProvider(t.Context(), w.Owner, w.North, w.d.ID, "contoso", "developer"),
			"of another domain":  w.store.SetProvider(t.Context(), w.Owner, w.North, other.ID, "northwind", "developer"),
			"a role of managers": w.store.SetProvider(t.Context(), w.Owner, w.North, w.d.ID, "northwind", "admin"),
			"no role":            w.store.SetProvider(t.Context(), w.Owner, w.North, w.d.ID, "northwind", ""),
		} {
			w.want(what, err, fault.Invalid)
		}
		unproven := w.claim(w.Owner, w.North, "example.net")
		w.want("not proven", w.store.SetProvider(t.Context(), w.Owner, w.North, unproven.ID, "northwind", "developer"), fault.Conflict)
	})
}

func TestTheRuleFallsAwayWithItsProviderAndItsDomain(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		w.bind()
		w.offer()
		w.ok(w.store.Recheck(t.Context()))
		w.ok(w.store.Recheck(t.Context()))
		_, away := w.signIn(w.vera)
		told := w.mails("domain_provider_away")
		w.offer(northwind)
		w.ok(w.store.Recheck(t.Context()))
		left, err := w.accounts.Sessions(t.Context(), w.vera)
		w.ok(err)
		_, back := w.signIn(w.vera)
		again := w.mails("domain_provider_back")
		w.offer(domain.Provider{Name: "northwind", Label: "Northwind", Domains: []string{"example.org"}})
		_, unlisted := w.signIn(w.vera)
		w.offer(northwind)
		w.ok(w.store.SetProvider(t.Context(), w.Owner, w.North, w.d.ID, "", ""))
		_, ended := w.signIn(w.vera)
		w.ok(w.store.SetProvider(t.Context(), w.Owner, w.North, w.d.ID, "northwind", "viewer"))
		w.ok(w.Org.Delete(t.Context(), w.Owner, w.North, "Northwind"))
		_, deleted := w.signIn(w.vera)

		for what, err := range map[string]error{"not offered": away, "not for the domain": unlisted, "ended by owners": ended, "organization deleted": deleted} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		if told != 2 || again != 2 || len(left) != 0 || !isBound(back) || w.mails("domain_provider_ended") != 2 {
			t.Error(told, again, len(left), back, w.mails("domain_provider_ended"))
		}
	})
}

func TestALostDomainBindsNobody(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		w.bind()
		name, _ := w.d.Record()
		w.dns.Set(name)
		for range 9 {
			w.clock.Advance(domain.Again)
			w.ok(w.store.Recheck(t.Context()))
		}

		_, err := w.signIn(w.vera)
		d, gone := w.store.Get(t.Context(), w.Owner, w.North, w.d.ID)

		if err != nil || gone != nil || d.Provider != "" || d.Proven() {
			t.Error(err, gone, d)
		}
	})
}

func TestWhoSignsInByTheProviderLandsInTheOrganization(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		w.bind()
		removed, other := w.Person("Rem Removed", ""), w.Person("Eve Elsewhere", "")
		w.run("UPDATE users SET email = 'eve@elsewhere.example' WHERE id = ?", other.UserID)
		w.run("INSERT INTO domain_barred (organization_id, user_id, created_at) VALUES (?, ?, '2026-01-01')", w.North, removed.UserID)
		land := func(a actor.Actor, provider string) {
			w.Tx(func(tx *db.Tx) error { return w.store.LandBy(tx, a, a.UserID, provider) })
		}
		land(w.vera, "google")
		before := w.role(w.vera, w.North)
		for _, a := range []actor.Actor{w.vera, w.vera, w.admin, removed, other} {
			land(a, "northwind")
		}

		if before != "" || w.role(w.vera, w.North) != "developer" || w.role(w.admin, w.North) != "admin" || w.role(removed, w.North) != "" || w.role(other, w.North) != "" {
			t.Error(before, w.role(w.vera, w.North), w.role(w.admin, w.North), w.role(removed, w.North), w.role(other, w.North))
		}
	})
}

func TestNobodyLeavesTheRuleByAnotherAddress(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		in := func(a actor.Actor) actor.Actor {
			s, err := w.signIn(a)
			w.ok(err)
			a.SessionID, a.Address = s.ID, stranger().Address
			return a
		}
		vera := in(w.vera)
		w.ok(w.accounts.RequestEmail(t.Context(), vera, "vera@elsewhere.example", good))
		_, l, err := w.Outbox.Read(t.Context(), w.DB, w.lastMail("change_address"))
		w.ok(err)
		w.bind()

		asked := w.accounts.RequestEmail(t.Context(), vera, "vera@elsewhere.example", good)
		confirmed := w.accounts.ConfirmEmail(t.Context(), vera, l.URL[len("https://portal.example/console/account/email?token="):])

		w.want("asked for", asked, fault.Invalid)
		w.want("asked for before", confirmed, fault.Conflict)
		if w.address(w.vera) != w.address(vera) || w.address(vera) == "vera@elsewhere.example" {
			t.Error("moved")
		}
	})
}

func (w *bound) lastMail(kind string) db.ID {
	w.t.Helper()
	var ids []db.ID
	w.ok(w.DB.Read(context.Background()).Raw("SELECT id FROM mails WHERE kind = ? ORDER BY id DESC LIMIT 1", kind).Scan(&ids).Error)
	if len(ids) == 0 {
		w.t.Fatal("no mail")
	}
	return ids[0]
}
