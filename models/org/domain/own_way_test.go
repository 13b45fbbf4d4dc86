package domain_test

import (
	"context"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

func (w *bound) setRole(a actor.Actor, by actor.Actor, role string) error {
	w.t.Helper()
	return w.Org.SetRole(context.Background(), by, w.North, a.UserID, role)
}

func (w *bound) unfactor(a actor.Actor) error {
	w.t.Helper()
	store := factor.NewStore(factor.Options{
		DB: w.DB, Accounts: w.accounts, Outbox: w.Outbox, Link: func(p string) string { return "https://portal.example" + p }, PortalName: func(context.Context) string { return "Portal" },
	})
	all, err := store.List(context.Background(), a)
	w.ok(err)
	if len(all) == 0 {
		return nil
	}
	return store.Remove(context.Background(), a, all[0].ID)
}

func (w *bound) sessions(a actor.Actor) int {
	w.t.Helper()
	all, err := w.accounts.Sessions(context.Background(), a)
	w.ok(err)
	return len(all)
}

// A7: a provider that is down locks nobody's organization out, whoever goes after the rule was set.
func TestTheLastOwnerWithAWayInNeitherStepsDownNorLosesIt(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		w.bind()
		w.run("UPDATE members SET role = 'owner' WHERE user_id = ? AND organization_id = ?", w.admin.UserID, w.North)

		down, removed := w.setRole(w.Owner, w.admin, "developer"), w.unfactor(w.Owner)
		deleted := w.accounts.Delete(t.Context(), w.Owner, w.address(w.Owner), good)
		w.factor(w.admin)
		w.ok(w.unfactor(w.Owner))

		w.want("the last deletes the account", deleted, fault.Conflict)
		w.want("the last steps down", down, fault.Conflict)
		w.want("the last removes the factor", removed, fault.Conflict)
		w.want("the other is the last now", w.unfactor(w.admin), fault.Conflict)
		w.ok(w.setRole(w.Owner, w.admin, "developer"))
	})
}

// An organization whose people sign in by any means is not asked for factors.
func TestWithoutARuleNoOwnerNeedsAFactor(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		w.factor(w.Owner)
		w.run("UPDATE members SET role = 'owner' WHERE user_id = ? AND organization_id = ?", w.admin.UserID, w.North)

		w.ok(w.unfactor(w.Owner))
		w.ok(w.setRole(w.Owner, w.admin, "developer"))
	})
}

// S4: what began by a way that the rule spares ends with what spared it; what began by the provider goes on.
func TestASparedSessionEndsWithWhatSparedIt(t *testing.T) {
	for name, lose := range map[string]func(w *bound){
		"the factor": func(w *bound) { w.ok(w.unfactor(w.Owner)) },
		"the role":   func(w *bound) { w.ok(w.setRole(w.Owner, w.admin, "admin")) },
	} {
		t.Run(name, func(t *testing.T) {
			eachBound(t, func(t *testing.T, w *bound) {
				w.bind()
				w.run("UPDATE members SET role = 'owner' WHERE user_id = ? AND organization_id = ?", w.admin.UserID, w.North)
				w.factor(w.admin)
				w.ok(w.enter(w.Owner, account.Entry{Means: account.ByPasskey, Factor: true}))
				w.ok(w.enter(w.Owner, by("northwind", "nora@example.com")))
				w.ok(w.enter(w.admin, account.Entry{Means: account.ByPasskey, Factor: true}))

				lose(w)

				if own, other := w.sessions(w.Owner), w.sessions(w.admin); own != 1 || other != 1 {
					t.Error(own, other)
				}
			})
		})
	}
}

// Z5: of two owners who remove their factors at once one keeps it.
func TestOfTwoWaysInThatGoAtOnceOneStays(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		w.bind()
		w.run("UPDATE members SET role = 'owner' WHERE user_id = ? AND organization_id = ?", w.admin.UserID, w.North)
		w.factor(w.admin)
		ends := make(chan error, 2)
		for _, a := range []actor.Actor{w.Owner, w.admin} {
			go func() { ends <- w.unfactor(a) }()
		}

		first, second := <-ends, <-ends

		if (first == nil) == (second == nil) {
			t.Error(first, second)
		}
		n, err := account.OwnWays(w.DB.Read(t.Context()), w.North, db.ID{})
		w.ok(err)
		if n != 1 {
			t.Error(n)
		}
	})
}
