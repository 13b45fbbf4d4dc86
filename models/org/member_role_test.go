package org_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

func roleOf(t *testing.T, w *catalogtest.World, a actor.Actor) string {
	t.Helper()
	role, err := org.RoleOf(w.DB.Read(context.Background()), a.UserID, w.North)
	if err != nil {
		t.Fatal(err)
	}
	return role
}

// Z5: each role tries to give each role to each; nobody gives or takes what is above them.
func TestNobodyGivesOrTakesARoleAboveTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		people, targets := map[string]actor.Actor{}, map[string]actor.Actor{}
		for _, role := range org.Roles {
			people[role], targets[role] = w.Person("Actor "+role, ""), w.Person("Target "+role, "")
			w.Join(w.North, people[role], role)
			w.Join(w.North, targets[role], role)
		}
		may := map[string]map[string]bool{"admin": {"viewer": true, "developer": true, "admin": true}, "owner": {"viewer": true, "developer": true, "admin": true, "owner": true}}

		for _, by := range org.Roles {
			for _, target := range org.Roles {
				for _, to := range org.Roles {
					err := w.Org.SetRole(t.Context(), people[by], w.North, targets[target].UserID, to)
					if may[by][target] && may[by][to] {
						if err != nil || roleOf(t, w, targets[target]) != to {
							t.Errorf("%s makes a %s a %s: %v", by, target, to, err)
						}
					} else if !fault.Is(err, fault.Forbidden) || roleOf(t, w, targets[target]) != target {
						t.Errorf("%s makes a %s a %s: %v", by, target, to, err)
					}
					w.Tx(func(tx *db.Tx) error {
						_, err := tx.Run("UPDATE members SET role = ? WHERE organization_id = ? AND user_id = ?", target, w.North, targets[target].UserID)
						return err
					})
				}
			}
		}
		wantKind(t, "stranger", w.Org.SetRole(t.Context(), w.Other, w.North, targets["viewer"].UserID, "viewer"), fault.NotFound)
		wantKind(t, "no member", w.Org.SetRole(t.Context(), w.Owner, w.North, w.Other.UserID, "viewer"), fault.NotFound)
		wantKind(t, "no role", w.Org.SetRole(t.Context(), w.Owner, w.North, targets["viewer"].UserID, "god"), fault.Invalid)
		wantKind(t, "oneself up", w.Org.SetRole(t.Context(), people["developer"], w.North, people["developer"].UserID, "admin"), fault.Forbidden)
		if err := w.Org.SetRole(t.Context(), people["developer"], w.North, people["developer"].UserID, "viewer"); err != nil {
			t.Error("oneself down", err)
		}
	})
}

// Z5: of twenty owners who step down at once, or demote each other, one stays.
func TestTwentyParallelTriesLeaveAnOwner(t *testing.T) {
	for name, victim := range map[string]func(n int) int{"each themself": func(n int) int { return n }, "each another": func(n int) int { return (n + 7) % 20 }} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
				owners := []actor.Actor{w.Owner}
				for n := range 19 {
					owners = append(owners, w.Person(fmt.Sprintf("Owner %d", n), ""))
					w.Join(w.North, owners[n+1], "owner")
				}
				var all sync.WaitGroup
				start := make(chan struct{})
				for n, o := range owners {
					all.Go(func() {
						<-start
						err := w.Org.SetRole(context.Background(), o, w.North, owners[victim(n)].UserID, "admin")
						if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Forbidden) {
							t.Error(err)
						}
					})
				}
				close(start)
				all.Wait()

				var left int64
				if err := w.DB.Read(t.Context()).Raw("SELECT COUNT(*) FROM members WHERE organization_id = ? AND role = 'owner'", w.North).Scan(&left).Error; err != nil || left < 1 {
					t.Error(left, err)
				}
				for _, o := range owners {
					if roleOf(t, w, o) == "owner" && left == 1 {
						wantKind(t, "the last", w.Org.SetRole(t.Context(), o, w.North, o.UserID, "admin"), fault.Conflict)
					}
				}
			})
		})
	}
}

func TestTransferSwapsOwnership(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		heir := w.Person("Hera Heir", "")
		w.Join(w.North, heir, "viewer")

		wantKind(t, "by who is no owner", w.Org.Transfer(t.Context(), heir, w.North, heir.UserID), fault.Forbidden)
		wantKind(t, "by a stranger", w.Org.Transfer(t.Context(), w.Other, w.North, heir.UserID), fault.NotFound)
		wantKind(t, "to a stranger", w.Org.Transfer(t.Context(), w.Owner, w.North, w.Other.UserID), fault.Invalid)
		wantKind(t, "to oneself", w.Org.Transfer(t.Context(), w.Owner, w.North, w.Owner.UserID), fault.Invalid)
		if err := w.Org.Transfer(t.Context(), w.Owner, w.North, heir.UserID); err != nil {
			t.Fatal(err)
		}

		if roleOf(t, w, heir) != "owner" || roleOf(t, w, w.Owner) != "admin" {
			t.Error(roleOf(t, w, heir), roleOf(t, w, w.Owner))
		}
		if m := w.Mails("hera.heir@example.com"); len(m) != 1 || m[0] != "member_role" {
			t.Error(m)
		}
		wantKind(t, "the former owner deletes", w.Org.Delete(t.Context(), w.Owner, w.North, "Northwind"), fault.Forbidden) // Z7
	})
}

// L7: whoever changes a role to and fro writes no mail without end.
func TestLettersAboutARoleAreCounted(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		ann := w.Person("Ann Admin", "")
		w.Join(w.North, ann, "viewer")
		change := func() {
			t.Helper()
			for i := range 20 {
				if err := w.Org.SetRole(t.Context(), w.Owner, w.North, ann.UserID, []string{"developer", "viewer"}[i%2]); err != nil {
					t.Fatal(err)
				}
			}
		}

		change()
		first := len(w.Mails("ann.admin@example.com"))
		clock.Advance(24 * time.Hour)
		change()

		if all := len(w.Mails("ann.admin@example.com")); first != 10 || all != 20 || roleOf(t, w, ann) != "viewer" {
			t.Error(first, all, roleOf(t, w, ann))
		}
	})
}
