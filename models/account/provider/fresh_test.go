package provider_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/openid"
	"github.com/gatehouse-dev/gatehouse/models/account/provider"
)

// A14: a provider that knew somebody from a browser that was left open makes no session fresh; one that has just had them sign in anew does.
func TestOnlyAProviderThatAskedAnewMakesASessionFresh(t *testing.T) {
	each(t, func(w *world) {
		anew := func(id *openid.Identity) { id.Anew = true }
		factor := func(id *openid.Identity) { id.Factor = true }
		_, out, err := w.store.Create(t.Context(), visitor(), w.visit(ada()), provider.NewPerson{Name: "Ada", Agent: agent})
		w.must(err)
		if now := w.d.Now(); out.Session.Fresh(now) {
			t.Error("a new account by an old sign-in is fresh")
		}
		for name, c := range map[string]struct {
			who   openid.Identity
			fresh bool
		}{"old": {ada(), false}, "old, factor and all": {ada(factor), false}, "anew": {ada(anew), true}, "anew, factor and all": {ada(anew, factor), true}} {
			in, err := w.arrive(visitor(), c.who)
			w.must(err)
			if got := in.Session.Fresh(w.d.Now()); got != c.fresh || in.Session.Pending() {
				t.Errorf("%s: fresh %v, pending %v", name, got, in.Session.Pending())
			}
		}

		u, err := w.accounts.ByID(t.Context(), out.Session.UserID)
		w.must(err)
		in, err := w.arrive(visitor(), ada())
		w.must(err)
		_, old := w.store.Again(t.Context(), as(u, in.Session), provider.Came{Provider: "northwind", Who: ada(), Agent: agent})
		w.is(old, fault.Conflict)
		again, err := w.store.Again(t.Context(), as(u, in.Session), provider.Came{Provider: "northwind", Who: ada(anew), Agent: agent})
		w.must(err)
		if !again.Session.Fresh(w.d.Now()) {
			t.Error("who signed in anew is not fresh")
		}
	})
}
