package domain_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
)

// in signs somebody in by their password, and is them.
func (w *bound) in(a actor.Actor) actor.Actor {
	w.t.Helper()
	s, err := w.signIn(a)
	w.ok(err)
	a.SessionID, a.Address = s.ID, stranger().Address
	return a
}

// S4: while an organization is deleted its rule holds for nobody; it ends the sessions that began meanwhile when it holds again.
func TestARestoredOrganizationsRuleEndsSessions(t *testing.T) {
	for name, c := range map[string]struct {
		factor bool // of the owner who restores it
		left   int
	}{"by a spared owner": {true, 1}, "by one who is not": {false, 0}} {
		t.Run(name, func(t *testing.T) {
			eachBound(t, func(t *testing.T, w *bound) {
				elsewhere := w.Person("Eve Elsewhere", "")
				w.elsewhere(elsewhere, "eve@elsewhere.example")
				w.password(elsewhere)
				w.bind()
				w.ok(w.Org.Delete(t.Context(), w.Owner, w.North, "Northwind"))
				if !c.factor {
					w.run("DELETE FROM factors WHERE user_id = ?", w.Owner.UserID)
				}
				w.in(w.vera)
				w.in(elsewhere)
				w.in(w.Owner)
				owner := w.in(w.Owner)

				_, err := w.Org.Restore(t.Context(), owner, w.North)

				w.ok(err)
				if v, e, o := w.sessions(w.vera), w.sessions(elsewhere), w.sessions(w.Owner); v != 0 || e != 1 || o != c.left {
					t.Error("sessions of a person, of one elsewhere, of the owner:", v, e, o)
				}
			})
		})
	}
}

// S4
func TestNoSessionBegunMeanwhileOutlivesARestoredRule(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		w.bind()
		for range 3 {
			w.ok(w.Org.Delete(t.Context(), w.Owner, w.North, "Northwind"))
			var wait sync.WaitGroup
			for i := range 8 {
				wait.Go(func() {
					if i == 4 {
						if _, err := w.Org.Restore(context.Background(), w.Owner, w.North); err != nil {
							w.t.Error(err)
						}
						return
					}
					if err := w.enter(w.vera, account.Entry{Means: account.ByPassword}); err != nil && !isBound(err) {
						w.t.Error(err)
					}
				})
			}
			wait.Wait()

			if n := w.sessions(w.vera); n != 0 {
				t.Fatal(n, "sessions")
			}
		}
	})
}

// S4: whether by the job, by the owners' form or by a program that starts: a rule that holds again ends the sessions that began while it did not.
func TestAProviderThatIsBackEndsSessionsByWhateverItIsNoticed(t *testing.T) {
	for name, back := range map[string]func(w *bound) error{
		"the job": func(w *bound) error { return w.store.Recheck(context.Background()) },
		"the form": func(w *bound) error {
			return w.store.SetProvider(context.Background(), w.Owner, w.North, w.d.ID, "northwind", "developer")
		},
		"the start": func(w *bound) error { return w.store.NoteProviders(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			eachBound(t, func(t *testing.T, w *bound) {
				w.bind()
				w.offer()
				w.ok(w.store.NoteProviders(t.Context())) // the program starts without it
				w.in(w.vera)
				letters := w.mails("domain_provider") + w.mails("domain_provider_back")
				w.offer(northwind)

				w.ok(back(w))

				if n, more := w.sessions(w.vera), w.mails("domain_provider")+w.mails("domain_provider_back")-letters; n != 0 || more != 2 {
					t.Error(n, "sessions,", more, "letters")
				}
			})
		})
	}
}

// L7: each rule that begins writes to all who manage the organization. That one ends is never held up.
func TestARuleIsSetToAndFroSoOften(t *testing.T) {
	eachBound(t, func(t *testing.T, w *bound) {
		w.bind()
		set := func(provider string) error {
			return w.store.SetProvider(t.Context(), w.Owner, w.North, w.d.ID, provider, "developer")
		}
		for range 9 {
			w.ok(set(""))
			w.ok(set("northwind"))
		}

		w.ok(set("northwind")) // the same, which ends and mails nothing
		w.ok(set(""))
		w.want("once more", set("northwind"), fault.RateLimited)
		w.clock.Advance(24 * time.Hour)
		w.ok(set("northwind"))
	})
}
