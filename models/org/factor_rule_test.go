package org_test

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// withFactor gives somebody a second factor.
func withFactor(t *testing.T, w *catalogtest.World, a actor.Actor) {
	t.Helper()
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'Phone', ?, ?)", db.NewID(), a.UserID, tx.Now, tx.Now)
		return err
	})
}

// at is somebody who asks at the time of the clock.
func at(a actor.Actor, clock *dbtest.Clock) actor.Actor {
	a.At = clock.Now()
	return a
}

// A12, Z7: by each way in which a membership is read, from the day on and not before.
func TestWhoHasNoSecondFactorReachesNothingOfAnOrganizationThatRequiresOne(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		ann, bob := w.Person("Ann Admin", ""), w.Person("Bob Both", "")
		w.Join(w.North, ann, permission.Admin)
		w.Join(w.North, bob, permission.Viewer)
		w.Join(w.Contoso, ann, permission.Viewer)
		withFactor(t, w, w.Owner)
		withFactor(t, w, bob)
		if err := w.Org.RequireFactor(t.Context(), at(w.Owner, clock), w.North, 7, "Our auditor asks for it."); err != nil {
			t.Fatal(err)
		}
		reaches := func(a actor.Actor) (n int) {
			a = at(a, clock)
			ask := func(err error) {
				t.Helper()
				if err == nil {
					n++
				} else if !fault.Is(err, fault.NotFound) {
					t.Error(err)
				}
			}
			mine, err := w.Org.Mine(t.Context(), a)
			if err != nil {
				t.Error(err)
			}
			if slices.ContainsFunc(mine, func(o org.Mine) bool { return o.ID == w.North }) {
				n++
			}
			ask(errOf(w.Org.Get(t.Context(), a, w.North)))
			ask(errOf(w.Org.App(t.Context(), a, w.Shop)))
			ask(errOf(w.Org.Members(t.Context(), a, w.North)))
			ask(errOf(org.Require(w.DB.Read(t.Context()), a, w.North, permission.OrgRead)))
			_, _, err = org.AppFor(w.DB.Read(t.Context()), a, w.Shop, permission.AppsRead)
			ask(err)
			return n
		}

		beforeAnn, beforeBob := reaches(ann), reaches(bob)
		clock.Advance(7*24*time.Hour - time.Second)
		lastSecond := reaches(ann)
		clock.Advance(time.Second)

		program := actor.Actor{Kind: actor.Key, KeyID: db.NewID(), OrganizationID: w.North}
		if beforeAnn != 6 || beforeBob != 6 || lastSecond != 6 {
			t.Error("before it begins", beforeAnn, beforeBob, lastSecond)
		}
		if a, b, o := reaches(ann), reaches(bob), reaches(w.Owner); a != 0 || b != 6 || o != 6 {
			t.Error("from then on", a, b, o)
		}
		if _, err := w.Org.Get(t.Context(), at(ann, clock), w.Contoso); err != nil {
			t.Error("another organization of hers", err)
		}
		if _, err := w.Org.Get(t.Context(), program, w.North); err != nil {
			t.Error("a key of it", err)
		}
		withFactor(t, w, ann)
		if a := reaches(ann); a != 6 {
			t.Error("with a factor", a)
		}
	})
}

// Whoever makes an actor and forgets the time shuts out, and lets nobody in.
func TestAnActorWithoutATimeIsKeptOut(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		ann := w.Person("Ann Admin", "")
		w.Join(w.North, ann, permission.Admin)
		withFactor(t, w, w.Owner)
		if err := w.Org.RequireFactor(t.Context(), w.Owner, w.North, 90, ""); err != nil {
			t.Fatal(err)
		}

		_, err := w.Org.Get(t.Context(), ann, w.North)

		wantKind(t, "without a time", err, fault.NotFound)
		if _, err := w.Org.Get(t.Context(), at(ann, clock), w.North); err != nil {
			t.Error("with one", err)
		}
	})
}

// What an organization alone sees of the catalogue is not for who is shut out of it.
func TestAnInvitedAPIIsShutWithItsOrganization(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		ann := w.Person("Ann Admin", "")
		w.Join(w.North, ann, permission.Viewer)
		withFactor(t, w, w.Owner)
		w.AddAPI("secret", catalog.Input{Name: "Secret", Summary: "For some.", DataDomain: "customer", Visibility: catalog.Invited})
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO api_organizations (api_id, organization_id, created_at) SELECT id, ?, ? FROM apis WHERE slug = 'secret'", w.North, tx.Now)
			return err
		})
		_, before := w.Catalog.BySlug(t.Context(), at(ann, clock), "secret")

		if err := w.Org.RequireFactor(t.Context(), w.Owner, w.North, 0, ""); err != nil {
			t.Fatal(err)
		}

		_, after := w.Catalog.BySlug(t.Context(), at(ann, clock), "secret")
		_, owners := w.Catalog.BySlug(t.Context(), at(w.Owner, clock), "secret")
		if before != nil || owners != nil {
			t.Error(before, owners)
		}
		wantKind(t, "shut out", after, fault.NotFound)
	})
}

func TestOwnersWithAFactorOfTheirOwnAloneRequireOne(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		ann := w.Person("Ann Admin", "")
		w.Join(w.North, ann, permission.Admin)
		withFactor(t, w, ann)
		set := func(a actor.Actor, id db.ID, days int) error {
			return w.Org.RequireFactor(t.Context(), at(a, clock), id, days, "")
		}

		wantKind(t, "an owner without one", set(w.Owner, w.North, 7), fault.Conflict)
		withFactor(t, w, w.Owner)
		wantKind(t, "an admin", set(ann, w.North, 7), fault.Forbidden)
		wantKind(t, "a stranger", set(w.Other, w.North, 7), fault.NotFound)
		wantKind(t, "a day that is not offered", set(w.Owner, w.North, 3), fault.Invalid)
		wantKind(t, "a program", set(actor.Actor{Kind: actor.Key, KeyID: db.NewID(), OrganizationID: w.North}, w.North, 7), fault.Forbidden)
		wantKind(t, "nothing to end", w.Org.ReleaseFactor(t.Context(), w.Owner, w.North), fault.Conflict)
		for range 5 {
			if err := set(w.Owner, w.North, 0); err != nil {
				t.Fatal(err)
			}
		}
		wantKind(t, "the sixth time in a day", set(w.Owner, w.North, 0), fault.RateLimited)
		wantKind(t, "ended by a stranger", w.Org.ReleaseFactor(t.Context(), w.Other, w.North), fault.NotFound)
		wantKind(t, "ended by an admin", w.Org.ReleaseFactor(t.Context(), at(ann, clock), w.North), fault.Forbidden)
		if err := w.Org.ReleaseFactor(t.Context(), at(w.Owner, clock), w.North); err != nil {
			t.Error(err)
		}
		rules, err := w.Org.FactorRules(t.Context(), at(ann, clock))
		if err != nil || len(rules) != 0 {
			t.Error(err, rules)
		}
	})
}

func TestMembersWithoutAFactorAreToldTwice(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		ann, bob, zoe := w.Person("Ann Admin", ""), w.Person("Bob Both", ""), w.Person("Zoe Suspended", "")
		w.Join(w.North, ann, permission.Admin)
		w.Join(w.North, bob, permission.Viewer)
		w.Join(w.North, zoe, permission.Viewer)
		withFactor(t, w, w.Owner)
		withFactor(t, w, bob)
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE users SET suspended_at = ? WHERE id = ?", tx.Now, zoe.UserID)
			return err
		})
		if err := w.Org.RequireFactor(t.Context(), at(w.Owner, clock), w.North, 7, "Our auditor asks for it."); err != nil {
			t.Fatal(err)
		}
		tick := func() {
			t.Helper()
			if err := w.Org.RemindOfFactors(t.Context()); err != nil {
				t.Fatal(err)
			}
		}

		tick()
		first := len(w.Mails("ann.admin@example.com"))
		clock.Advance(6 * 24 * time.Hour)
		tick()
		tick()

		rules, err := w.Org.FactorRules(t.Context(), ann)
		if err != nil || len(rules) != 1 || rules[0].ByName != "Nora North" || rules[0].FactorReason != "Our auditor asks for it." || rules[0].Begun(clock.Now()) {
			t.Error(err, rules)
		}
		if m := w.Mails("ann.admin@example.com"); first != 1 || !slices.Equal(m, []string{"factor_required", "factor_required"}) {
			t.Error(first, m)
		}
		if m := append(w.Mails("bob.both@example.com"), w.Mails("nora.north@example.com")...); len(m) != 0 {
			t.Error("who has one was written to", m)
		}
		if m := w.Mails("zoe.suspended@example.com"); len(m) != 0 {
			t.Error("who can’t sign in was written to", m)
		}
	})
}
