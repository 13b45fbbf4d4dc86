package handover_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
)

// unowned are the names of the keys that a list of those that need an owner shows.
func (w *world) unowned(a actor.Actor) []string {
	w.t.Helper()
	page, err := w.keys.List(w.t.Context(), a, key.Filter{State: string(key.Unowned)}, db.PageRequest{})
	w.ok(err)
	var out []string
	for _, r := range page.Rows {
		out = append(out, r.Name)
	}
	return out
}

func (w *world) orphaned(id db.ID) bool {
	w.t.Helper()
	d, err := w.keys.Get(w.t.Context(), w.admin, id)
	w.ok(err)
	return d.Orphaned
}

// K6: removed, left or deleted: the maker's keys live on, marked, and the organization's admins are told of them in one mail.
func TestKeysOfWhoGoesLiveOnMarkedAndAdminsAreTold(t *testing.T) {
	goes := map[string]func(w *world) error{
		"removed": func(w *world) error { return w.store.Remove(w.t.Context(), w.admin, w.North, w.developer.UserID) },
		"left":    func(w *world) error { return w.store.Leave(w.t.Context(), w.developer, w.North) },
		"deleted": func(w *world) error {
			return w.DB.Tx(w.t.Context(), func(tx *db.Tx) error {
				if _, err := tx.Run("DELETE FROM members WHERE user_id = ?", w.developer.UserID); err != nil {
					return err
				}
				return w.store.Gone(tx, account.Gone{UserID: w.developer.UserID})
			})
		},
	}
	for name, leave := range goes {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				first, second := w.make(w.developer, "Deploy").Key, w.make(w.developer, "Nightly").Key
				ours := w.make(w.admin, "Admin’s").Key
				revoked := w.make(w.developer, "Old").Key
				w.ok(w.keys.Revoke(t.Context(), w.developer, revoked.ID, ""))

				w.ok(leave(w))

				if !w.orphaned(first.ID) || !w.orphaned(second.ID) || w.orphaned(ours.ID) || w.orphaned(revoked.ID) {
					t.Error("marked:", w.unowned(w.admin))
				}
				if got := w.unowned(w.admin); len(got) != 2 {
					t.Error("listed:", got)
				}
				desks, err := w.keys.Desks(t.Context(), w.admin)
				if err != nil || desks[w.North].Unowned != 2 {
					t.Error("counted:", desks[w.North].Unowned, err)
				}
				d, err := w.keys.Get(t.Context(), w.admin, first.ID)
				if err != nil || !d.State(w.clock.Now()).Works() {
					t.Error("stopped:", d.State(w.clock.Now()), err)
				}
				mails := strings.Join(w.mails("keys_unowned"), "\n")
				for _, to := range []string{"nora.north@", "ann.admin@"} {
					if strings.Count(mails, to) != 1 {
						t.Errorf("%s is told %d times", to, strings.Count(mails, to))
					}
				}
				if strings.Count(mails, first.Hint()) != 2 || strings.Count(mails, second.Hint()) != 2 || strings.Contains(mails, ours.Hint()) || strings.Contains(mails, revoked.Hint()) {
					t.Error(mails)
				}
				w.expect("Z7: who went manages it", w.keys.Pause(t.Context(), w.developer, first.ID), fault.NotFound)
			})
		})
	}
}

func TestAKeyIsUnmarkedWhenAnAdminConfirmsItOrItIsRotated(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		stays, goes := w.make(w.developer, "Deploy").Key, w.make(w.developer, "Nightly").Key
		second := w.Person("Dora", "")
		w.Join(w.North, second, "developer")
		w.ok(w.store.Leave(t.Context(), w.developer, w.North))

		w.expect("a developer confirms", w.store.Confirm(t.Context(), second, stays.ID, second.UserID), fault.Forbidden)
		w.expect("Z2: a stranger confirms", w.store.Confirm(t.Context(), w.Other, stays.ID, w.Other.UserID), fault.NotFound)
		w.expect("a viewer answers", w.store.Confirm(t.Context(), w.admin, stays.ID, w.viewer.UserID), fault.Invalid)
		w.expect("who went answers", w.store.Confirm(t.Context(), w.admin, stays.ID, w.developer.UserID), fault.Invalid)
		w.ok(w.store.Confirm(t.Context(), w.admin, stays.ID, second.UserID))
		_, err := w.keys.Rotate(t.Context(), w.admin, goes.ID, key.RotateRequest{Token: w.keys.NewFormToken(w.admin, key.RotatePurpose(goes.ID)), OverlapDays: 7})
		w.ok(err)

		if got := w.unowned(w.admin); len(got) != 0 {
			t.Error("still marked:", got)
		}
		d, err := w.keys.Get(t.Context(), second, stays.ID)
		if err != nil || d.ResponsibleName != "Dora" || !d.MayManage || d.ConfirmedAt == nil {
			t.Error("who answers now:", d.ResponsibleName, d.MayManage, err)
		}
		w.ok(w.keys.Revoke(t.Context(), second, stays.ID, ""))
		if mails := w.mails("key_revoked"); len(mails) != 1 || !strings.HasPrefix(mails[0], "dora@") {
			t.Error("the mail goes to:", mails)
		}
	})
}

// An account that is suspended is still a member's: nothing is marked, since a suspension is meant to end.
func TestASuspendedMakerIsStillTheirs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.make(w.developer, "Deploy").Key.ID

		w.exec("UPDATE users SET suspended_at = ? WHERE id = ?", w.clock.Now(), w.developer.UserID)

		if w.orphaned(id) {
			t.Error("marked")
		}
	})
}

// Z5: who may make whom go, and the last owner stays.
func TestWhoMayMakeWhomGo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.expect("a developer removes", w.store.Remove(ctx, w.developer, w.North, w.viewer.UserID), fault.Forbidden)
		w.expect("an admin removes an owner", w.store.Remove(ctx, w.admin, w.North, w.Owner.UserID), fault.Forbidden)
		w.expect("Z2: a stranger removes", w.store.Remove(ctx, w.Other, w.North, w.viewer.UserID), fault.NotFound)
		w.expect("who is no member", w.store.Remove(ctx, w.admin, w.North, w.Other.UserID), fault.NotFound)
		w.expect("the last owner leaves", w.store.Leave(ctx, w.Owner, w.North), fault.Conflict)
		w.expect("nobody leaves", w.store.Leave(ctx, actor.Actor{}, w.North), fault.NotFound)
		_, ahead := w.store.Departure(ctx, w.Owner, w.North, w.Owner.UserID)
		w.expect("the page says so before", ahead, fault.Conflict)

		w.ok(w.store.Remove(ctx, w.admin, w.North, w.viewer.UserID))
		w.Join(w.North, w.viewer, "owner")
		w.ok(w.store.Remove(ctx, w.Owner, w.North, w.viewer.UserID))

		if mails := w.mails("member_removed"); len(mails) != 2 || !strings.HasPrefix(mails[0], "vic.view@") {
			t.Error(mails)
		}
		if n := w.count("SELECT COUNT(*) FROM audit_events WHERE act = 'member.removed'"); n != 2 {
			t.Error("audited:", n)
		}
	})
}

// Z5: also when many try at once.
func TestOneOfTwentyOwnersStays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		owners := []actor.Actor{w.Owner}
		for range 19 {
			o := w.Person("Owner "+db.NewID().String(), "")
			w.Join(w.North, o, "owner")
			owners = append(owners, o)
		}
		var wait sync.WaitGroup
		errs := make([]error, len(owners))

		for i, o := range owners {
			wait.Go(func() {
				if i%2 == 0 {
					errs[i] = w.store.Leave(t.Context(), o, w.North)
				} else {
					errs[i] = w.store.Remove(t.Context(), owners[i-1], w.North, o.UserID)
				}
			})
		}
		wait.Wait()

		if n := w.count("SELECT COUNT(*) FROM members WHERE organization_id = ? AND role = 'owner'", w.North); n < 1 {
			t.Error("no owner is left")
		}
		for _, err := range errs {
			if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
		}
	})
}

// Z5: twenty tries of the two last owners to leave together.
func TestTwoOwnersCannotLeaveTogether(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		second := w.Person("Second Owner", "")
		w.Join(w.North, second, "owner")
		var wait sync.WaitGroup
		for i := range 20 {
			who := []actor.Actor{w.Owner, second}[i%2]
			wait.Go(func() { _ = w.store.Leave(t.Context(), who, w.North) })
		}
		wait.Wait()

		if n := w.count("SELECT COUNT(*) FROM members WHERE organization_id = ? AND role = 'owner'", w.North); n != 1 {
			t.Errorf("%d owners are left", n)
		}
	})
}

func TestThePageBeforeNamesTheKeysThatTheyMade(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.make(w.developer, "Deploy").Key

		d, err := w.store.Departure(t.Context(), w.admin, w.North, w.developer.UserID)

		want := handover.LeftKey{ID: k.ID, Name: "Deploy", Prefix: k.Prefix, LastFour: k.LastFour, AppName: "Shop"}
		if err != nil || d.Name != "Dev Patel" || d.OrganizationName != "Northwind" || d.Self || len(d.Keys) != 1 || d.Keys[0] != want {
			t.Error(err, d)
		}
	})
}

// Z2, Z7: who was shut out of an app and leaves reads nothing of it, also not of the keys there for which they answer.
func TestThePageBeforeLeavingNamesNothingOfALimitedApp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.make(w.developer, "Deploy")
		w.exec("UPDATE apps SET limited = TRUE WHERE id = ?", w.Shop)

		own, err := w.store.Departure(t.Context(), w.developer, w.North, w.developer.UserID)
		admins, adminErr := w.store.Departure(t.Context(), w.admin, w.North, w.developer.UserID)

		if err != nil || !own.Self || len(own.Keys) != 0 {
			t.Errorf("%+v %v", own, err)
		}
		if adminErr != nil || len(admins.Keys) != 1 {
			t.Errorf("an admin: %+v %v", admins, adminErr)
		}
	})
}

// K4: notices of the end go to who answers for the key.
func TestNoticesGoToWhoAnswers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.make(w.developer, "Deploy").Key.ID
		w.ok(w.store.Leave(t.Context(), w.developer, w.North))
		readers := func() (out string) {
			w.Tx(func(tx *db.Tx) error {
				rows, err := key.RowsTx(tx, []db.ID{id})
				w.ok(err)
				found, err := key.ReadersTx(tx, rows)
				for _, r := range found[id] {
					out += r.Email + " "
				}
				return err
			})
			return out
		}
		nobody := readers()
		w.clock.Advance(time.Minute)

		w.ok(w.store.Confirm(t.Context(), w.Owner, id, w.admin.UserID))

		if named := readers(); !strings.Contains(nobody, "nora.north@") || !strings.Contains(nobody, "ann.admin@") || named != "ann.admin@example.com " {
			t.Errorf("before %q, after %q", nobody, named)
		}
	})
}

// Whoever left holds nothing by an address alone: neither the calendar nor the links that they made work on, also when they are invited again.
func TestWhoLeavesHoldsNoAddressThatOpensAnything(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, link := w.link(w.developer, "Deploy")
		_, ours := w.link(w.admin, "Admin’s")
		for n, u := range []actor.Actor{w.developer, w.admin} {
			w.exec("INSERT INTO key_calendars (created_at, organization_id, user_id, digest, generation) VALUES (?, ?, ?, ?, 1)", w.clock.Now(), w.North, u.UserID, []byte{byte(n)})
		}

		w.ok(w.store.Remove(t.Context(), w.admin, w.North, w.developer.UserID))
		w.Join(w.North, w.developer, "developer")

		if w.count("SELECT COUNT(*) FROM key_calendars WHERE user_id = ?", w.developer.UserID) != 0 || w.count("SELECT COUNT(*) FROM key_calendars") != 1 {
			t.Error("the calendar’s old address works again")
		}
		_, err := w.store.Open(t.Context(), actor.Actor{}, link.Token.Reveal())
		w.expect("a link of who left", err, fault.NotFound)
		_, err = w.store.Open(t.Context(), actor.Actor{}, ours.Token.Reveal())
		w.ok(err)
	})
}

// Z5: an owner who is suspended is none who could act.
func TestASuspendedOwnerIsNotTheOneWhoStays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Join(w.North, w.Other, "owner")
		w.exec("UPDATE users SET suspended_at = ? WHERE id = ?", w.clock.Now(), w.Other.UserID)

		w.expect("the last owner who can act", w.store.Leave(t.Context(), w.Owner, w.North), fault.Conflict)

		w.exec("UPDATE users SET suspended_until = ? WHERE id = ?", w.clock.Now().Add(-time.Minute), w.Other.UserID)
		w.ok(w.store.Leave(t.Context(), w.Owner, w.North))
	})
}
