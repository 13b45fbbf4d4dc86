package provider_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/openid"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/account/provider"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// bindTo has the people of northwind.example sign in by a provider, and notes who lands.
func (w *world) bindTo(name string) (landed map[db.ID]string) {
	landed = map[db.ID]string{}
	w.accounts.BindBy(func(_ *gorm.DB, address string, _ bool) (account.Binding, bool, error) {
		return account.Binding{Domain: "northwind.example", Provider: name, Label: "Northwind"}, strings.HasSuffix(address, "@northwind.example"), nil
	})
	w.store = provider.NewStore(provider.Options{
		DB: w.d, Accounts: w.accounts, Outbox: w.box, Link: func(path string) string { return "https://portal.example" + path }, PortalName: func(context.Context) string { return "Northwind APIs" },
		Providers: []provider.Provider{{Name: "northwind", Label: "Northwind", Issuer: issuer}, {Name: "github", Label: "GitHub", Issuer: openid.GitHubIssuer}},
		Land: func(_ *db.Tx, a actor.Actor, userID db.ID, provider string) error {
			landed[userID] = provider + " by " + a.Name
			return nil
		},
	})
	return landed
}

// A15: the provider's word counts as it is now; that a mail once showed an address lets nobody in whom the provider does not know by it.
func TestAtABoundDomainTheProviderVouchesEachTime(t *testing.T) {
	each(t, func(w *world) {
		landed := w.bindTo("northwind")
		silent := func(id *openid.Identity) { id.Verified = false }
		elsewhere := func(id *openid.Identity) { id.Address = "ada@gmail.example" }

		visit := w.visit(ada(silent))
		w.must(w.store.SendLink(t.Context(), visitor(), visit))
		_, link, _ := strings.Cut(w.mail("ada@northwind.example").URL, "token=")
		_, err := w.store.Prove(t.Context(), visitor(), visit, link, agent)
		w.must(err)
		_, _, made := w.store.Create(t.Context(), visitor(), visit, provider.NewPerson{Name: "Ada", Agent: agent})
		w.is(made, fault.Conflict)
		_, out, err := w.store.Create(t.Context(), visitor(), w.visit(ada()), provider.NewPerson{Name: "Ada", Agent: agent})
		w.must(err)
		for _, who := range []openid.Identity{ada(silent), ada(elsewhere)} {
			_, err := w.arrive(visitor(), who)
			w.is(err, fault.Conflict)
		}
		_, err = w.arrive(visitor(), ada())
		w.must(err)

		if len(landed) != 1 || landed[out.Session.UserID] != "northwind by Ada" || w.count("SELECT COUNT(*) FROM users") != 1 {
			t.Error(landed)
		}
	})
}

func TestWhoHadAnAccountLandsByProvingTheirAddress(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@northwind.example")
		landed := w.bindTo("northwind")
		visit := w.visit(ada())
		_, _, password := w.accounts.SignIn(t.Context(), visitor(), u.Email, good, account.Browser{})
		w.must(w.store.SendLink(t.Context(), visitor(), visit))
		_, link, _ := strings.Cut(w.mail(u.Email).URL, "token=")

		out, err := w.store.Prove(t.Context(), visitor(), visit, link, agent)

		if err != nil || out.Session.UserID != u.ID || landed[u.ID] == "" || !errors.As(password, new(*account.BoundError)) {
			t.Error(err, out, landed, password)
		}
	})
}

func TestAnotherProviderLetsNobodyOfABoundDomainIn(t *testing.T) {
	each(t, func(w *world) {
		_, _, err := w.store.Create(t.Context(), visitor(), w.visit(ada()), provider.NewPerson{Name: "Ada", Agent: agent})
		w.must(err)
		landed := w.bindTo("github")

		_, err = w.arrive(visitor(), ada())

		if !errors.As(err, new(*account.BoundError)) || w.count("SELECT COUNT(*) FROM audit_events WHERE act = 'user.signed_in'") != 1 {
			t.Error(err, landed)
		}
	})
}

// L7: each mail makes a visit longer, but not for ever.
func TestAVisitEndsAnHourAfterItBeganAtTheLatest(t *testing.T) {
	each(t, func(w *world) {
		visit := w.visit(ada())
		for range 5 {
			w.clock.Advance(provider.VisitAge - time.Minute)
			if err := w.store.SendLink(t.Context(), visitor(), visit); err != nil {
				w.is(err, fault.NotFound)
				return
			}
		}
		t.Error("a visit goes on")
	})
}

// A7: a stranger, whose provider does not say that the address is theirs, uses up the mails of nobody whose provider does, nor of a neighbour.
func TestStrangersUseUpNobodysMails(t *testing.T) {
	each(t, func(w *world) {
		mallory := func(n string) openid.Identity {
			return ada(func(id *openid.Identity) { id.Subject, id.Verified = "sub-mallory-"+n, false })
		}
		var refused error
		for _, n := range strings.Split("a b c d e f g h i j", " ") {
			refused = w.store.SendLink(t.Context(), visitor(), w.visit(mallory(n)))
		}
		w.is(refused, fault.RateLimited)

		w.must(w.store.SendLink(t.Context(), visitor(), w.visit(ada())))
		neighbour := visitor()
		neighbour.Address = neighbour.Address.Next()
		w.must(w.store.SendLink(t.Context(), neighbour, w.visit(mallory("k"))))
	})
}
