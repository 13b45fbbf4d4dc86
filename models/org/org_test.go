package org_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

func each(t *testing.T, body func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { body(t, catalogtest.New(t, d), clock) })
}

func wantKind(t *testing.T, what string, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: %v, want %v", what, err, kind)
	}
}

func errOf[T any](_ T, err error) error { return err }

func TestMakerOwnsTheOrganization(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		o, err := w.Org.Create(t.Context(), w.Owner, org.Input{Name: "  Second  "})

		mine, listErr := w.Org.Mine(t.Context(), w.Owner)
		if err != nil || listErr != nil || o.Name != "Second" || len(mine) != 2 || mine[1].Role != permission.Owner || mine[1].Members != 1 {
			t.Fatal(err, listErr, o, mine)
		}
		wantKind(t, "somebody else's", errOf(w.Org.Get(t.Context(), w.Other, o.ID)), fault.NotFound)
		wantKind(t, "nobody", errOf(w.Org.Create(t.Context(), actor.Actor{}, org.Input{Name: "x"})), fault.Unauthenticated)
	})
}

// Mail goes to nobody who did not verify that it is theirs
func TestTheTechnicalAddressIsAMembers(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		addressOf := func(a actor.Actor) (email string) {
			t.Helper()
			if err := w.DB.Read(t.Context()).Raw("SELECT email FROM users WHERE id = ?", a.UserID).Scan(&email).Error; err != nil {
				t.Fatal(err)
			}
			return email
		}
		mine, theirs := addressOf(w.Owner), addressOf(w.Other)

		for _, email := range []string{"victim@elsewhere.example", theirs} {
			wantKind(t, "create with "+email, errOf(w.Org.Create(t.Context(), w.Owner, org.Input{Name: "x", TechnicalEmail: email})), fault.Invalid)
			wantKind(t, "change to "+email, w.Org.Change(t.Context(), w.Owner, w.North, org.Input{Name: "x", TechnicalEmail: email}), fault.Invalid)
		}
		if _, err := w.Org.Create(t.Context(), w.Owner, org.Input{Name: "Second", TechnicalEmail: " " + strings.ToUpper(mine)}); err != nil {
			t.Error(err)
		}
		if err := w.Org.Change(t.Context(), w.Owner, w.North, org.Input{Name: "Northwind", TechnicalEmail: mine}); err != nil {
			t.Error(err)
		}
		got, err := w.Org.Get(t.Context(), w.Owner, w.North)
		if err != nil || got.TechnicalEmail != mine {
			t.Error(got.TechnicalEmail, err)
		}
	})
}

func TestInputIsChecked(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t, dbtest.NewClock()))
	for _, name := range []string{"", "   ", strings.Repeat("ä", 81), "two\nlines", "turned\u202earound", "bad\xff"} {
		wantKind(t, name, errOf(w.Org.Create(t.Context(), w.Owner, org.Input{Name: name})), fault.Invalid)
	}
	for _, email := range []string{"nobody", "A <a@b.example>", "a@b.example\r\nBcc: c@d.example"} {
		wantKind(t, email, errOf(w.Org.Create(t.Context(), w.Owner, org.Input{Name: "x", TechnicalEmail: email})), fault.Invalid)
	}
	for _, in := range []org.AppInput{{Name: ""}, {Name: "x", Description: strings.Repeat("x", 1001)}, {Name: "x", HomepageURL: "javascript:alert(1)"}, {Name: "x", HomepageURL: "https://a:b@c.example"}, {Name: "x", HomepageURL: "//x.example"}} {
		wantKind(t, in.HomepageURL, errOf(w.Org.CreateApp(t.Context(), w.Owner, w.North, in)), fault.Invalid)
	}
	if _, err := w.Org.CreateApp(t.Context(), w.Owner, w.North, org.AppInput{Name: strings.Repeat("ä", 80), Description: strings.Repeat("x", 1000), HomepageURL: "http://localhost:3000/x"}); err != nil {
		t.Error(err)
	}
}

// U8: the name of a personal organization is a person's, and stays erasable; that of others is a fact.
func TestNameOfAPersonalOrganizationStaysErasable(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE organizations SET kind = 'personal', personal_user_id = ? WHERE id = ?", w.Owner.UserID, w.North)
			return err
		})

		own, others := w.Org.Change(t.Context(), w.Owner, w.North, org.Input{Name: "Mira Castillo"}), w.Org.Change(t.Context(), w.Other, w.Contoso, org.Input{Name: "Contoso two"})

		var kept []string
		err := w.DB.Read(t.Context()).Raw("SELECT details FROM audit_events WHERE act = 'organization.changed' ORDER BY seq").Scan(&kept).Error
		if own != nil || others != nil || err != nil || len(kept) != 2 || kept[0] != "{}" || !strings.Contains(kept[1], "Contoso two") {
			t.Fatal(own, others, err, kept)
		}
		var names []string
		err = w.DB.Read(t.Context()).Raw("SELECT value FROM audit_personal WHERE field = 'name'").Scan(&names).Error
		if err != nil || len(names) != 1 || names[0] != "Mira Castillo" {
			t.Error(err, names)
		}
	})
}

// Z5, Z6: each method lets in exactly the roles that the table names.
func TestEachMethodAsksForItsPermission(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		ctx := t.Context()
		methods := map[string]struct {
			perm permission.Name
			call func(a actor.Actor, o, app db.ID) error
		}{
			"members": {permission.OrgRead, func(a actor.Actor, o, _ db.ID) error { return errOf(w.Org.Members(ctx, a, o)) }},
			"read":    {permission.OrgRead, func(a actor.Actor, o, _ db.ID) error { return errOf(w.Org.Get(ctx, a, o)) }},
			"app":     {permission.AppsRead, func(a actor.Actor, _, app db.ID) error { return errOf(w.Org.App(ctx, a, app)) }},
			"change":  {permission.OrgChange, func(a actor.Actor, o, _ db.ID) error { return w.Org.Change(ctx, a, o, org.Input{Name: "New name"}) }},
			"create app": {permission.AppsManage, func(a actor.Actor, o, _ db.ID) error {
				return errOf(w.Org.CreateApp(ctx, a, o, org.AppInput{Name: "x"}))
			}},
			"change app": {permission.AppsManage, func(a actor.Actor, _, app db.ID) error {
				return w.Org.ChangeApp(ctx, a, app, org.AppInput{Name: "Shop"})
			}},
			"delete app": {permission.AppsManage, func(a actor.Actor, _, app db.ID) error { return w.Org.DeleteApp(ctx, a, app, "Shop") }},
			"delete":     {permission.OrgDelete, func(a actor.Actor, o, _ db.ID) error { return w.Org.Delete(ctx, a, o, "Doomed") }},
		}
		for name, m := range methods {
			for _, role := range []string{permission.Viewer, permission.Developer, permission.Admin, permission.Owner} {
				o, err := w.Org.Create(ctx, w.Owner, org.Input{Name: "Doomed"})
				if err != nil { // the owner has as many as one may
					w.Tx(func(tx *db.Tx) error {
						_, err := tx.Run("UPDATE organizations SET deleted_at = ? WHERE name IN ('Doomed', 'New name')", tx.Now)
						return err
					})
					o, err = w.Org.Create(ctx, w.Owner, org.Input{Name: "Doomed"})
				}
				if err != nil {
					t.Fatal(err)
				}
				app, err := w.Org.CreateApp(ctx, w.Owner, o.ID, org.AppInput{Name: "Shop"})
				if err != nil {
					t.Fatal(err)
				}
				member := w.Person(name+" "+role, "")
				w.Join(o.ID, member, role)

				got := m.call(member, o.ID, app.ID)

				if may := permission.Org(role, m.perm); may != (got == nil) || (!may && !fault.Is(got, fault.Forbidden)) {
					t.Errorf("%s as %s: %v", name, role, got)
				}
				wantKind(t, name+" by a stranger", m.call(w.Other, o.ID, app.ID), fault.NotFound)
				wantKind(t, name+" of nothing", m.call(member, db.NewID(), db.NewID()), fault.NotFound)
			}
		}
	})
}

// Z5: staff
func TestOnlyStaffWhoMaySuspends(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		ctx, s := t.Context(), org.Suspension{Reason: "x"}
		for who, a := range map[string]actor.Actor{"owner": w.Owner, "support": w.Support, "nobody": {}} {
			wantKind(t, who, w.Org.SuspendOrganization(ctx, a, w.North, s), fault.Forbidden)
			wantKind(t, who, w.Org.UnsuspendOrganization(ctx, a, w.North), fault.Forbidden)
			wantKind(t, who, w.Org.SuspendApp(ctx, a, w.Shop, s), fault.Forbidden)
			wantKind(t, who, w.Org.UnsuspendApp(ctx, a, w.Shop), fault.Forbidden)
		}
		for _, a := range []actor.Actor{w.Owner, {}} {
			_, _, one := w.Org.Any(ctx, a, w.North)
			wantKind(t, "reading one", one, fault.Forbidden)
			wantKind(t, "reading all", errOf(w.Org.All(ctx, a, org.StaffFilter{}, db.PageRequest{})), fault.Forbidden)
			wantKind(t, "reading an app", errOf(w.Org.AnyApp(ctx, a, w.Shop)), fault.Forbidden)
			wantKind(t, "reading apps", errOf(w.Org.AllApps(ctx, a, db.ID{}, org.StaffFilter{}, db.PageRequest{})), fault.Forbidden)
		}
		page, err := w.Org.AllApps(ctx, w.Support, db.ID{}, org.StaffFilter{Search: "north"}, db.PageRequest{})
		if err != nil || len(page.Rows) != 1 || page.Rows[0].Name != "Shop" {
			t.Error(err, page.Rows)
		}
	})
}

// K7: organization and app suspended
func TestSuspensionIsToldAndEnds(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		ctx := t.Context()
		until := clock.Now().Add(time.Hour)
		_, before := w.Changes(0)

		org1 := w.Org.SuspendOrganization(ctx, w.Staff, w.North, org.Suspension{Reason: " Odd traffic. ", Until: &until})
		app1 := w.Org.SuspendApp(ctx, w.Staff, w.Shop, org.Suspension{Reason: "Odd traffic."})

		kinds, _ := w.Changes(before)
		o, err := w.Org.Get(ctx, w.Owner, w.North)
		app, appErr := w.Org.App(ctx, w.Owner, w.Shop)
		if org1 != nil || app1 != nil || err != nil || appErr != nil || !o.Suspended(clock.Now()) || !app.Suspended(clock.Now()) || o.SuspendedReason != "Odd traffic." || kinds["organization"] != 1 || kinds["app"] != 1 {
			t.Fatal(org1, app1, err, appErr, o, kinds)
		}
		if got := w.Mails("nora.north@example.com"); !slices.Equal(got, []string{"organization_suspended", "app_suspended"}) {
			t.Error(got)
		}
		past := clock.Now()
		wantKind(t, "without a reason", w.Org.SuspendApp(ctx, w.Staff, w.Shop, org.Suspension{}), fault.Invalid)
		wantKind(t, "until the past", w.Org.SuspendApp(ctx, w.Staff, w.Shop, org.Suspension{Reason: "x", Until: &past}), fault.Invalid)
		wantKind(t, "the company", w.Org.SuspendOrganization(ctx, w.Staff, w.Company, org.Suspension{Reason: "x"}), fault.Conflict)
		clock.Advance(2 * time.Hour)
		if o.Suspended(clock.Now()) || !app.Suspended(clock.Now()) {
			t.Error("a suspension ends when it says, and no other")
		}
		if err := w.Org.UnsuspendApp(ctx, w.Staff, w.Shop); err != nil {
			t.Error(err)
		}
		wantKind(t, "unsuspending twice", w.Org.UnsuspendApp(ctx, w.Staff, w.Shop), fault.Conflict)
	})
}

// K7: organization and app deleted
func TestDeletionTakesTheExactNameAndTellsVerification(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		ctx := t.Context()
		w.Key(w.Shop, "worker", w.API, w.Read)
		stops, err := w.Org.AppStops(ctx, w.Shop)
		all, err2 := w.Org.Stops(ctx, w.North)
		if err != nil || err2 != nil || stops.Keys != 1 || all.Keys != 1 || stops.Calls != 0 {
			t.Fatal(err, err2, stops, all)
		}
		wantKind(t, "another name", w.Org.DeleteApp(ctx, w.Owner, w.Shop, "shop"), fault.Invalid)
		_, before := w.Changes(0)

		app := w.Org.DeleteApp(ctx, w.Owner, w.Shop, "Shop")
		whole := w.Org.Delete(ctx, w.Owner, w.North, "Northwind")

		kinds, _ := w.Changes(before)
		if app != nil || whole != nil || kinds["app"] != 1 || kinds["organization"] != 1 {
			t.Fatal(app, whole, kinds)
		}
		wantKind(t, "deleted app", errOf(w.Org.App(ctx, w.Owner, w.Shop)), fault.NotFound)
		wantKind(t, "deleted organization", errOf(w.Org.Get(ctx, w.Owner, w.North)), fault.NotFound)
		wantKind(t, "twice", w.Org.Delete(ctx, w.Owner, w.North, "Northwind"), fault.NotFound)
		wantKind(t, "the company", w.Org.Delete(ctx, w.Staff, w.Company, "Fernhill Trading"), fault.Conflict)
	})
}

func TestPublisherIsNotDeleted(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE apis SET publisher_id = ? WHERE id = ?", w.North, w.API)
			return err
		})

		wantKind(t, "a publisher", w.Org.Delete(t.Context(), w.Owner, w.North, "Northwind"), fault.Conflict)
	})
}

// Z7
func TestLostMembershipHoldsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		w.Tx(func(tx *db.Tx) error {
			_, err := tx.Run("DELETE FROM members WHERE organization_id = ? AND user_id = ?", w.North, w.Owner.UserID)
			return err
		})

		wantKind(t, "app", errOf(w.Org.App(t.Context(), w.Owner, w.Shop)), fault.NotFound)
		wantKind(t, "change", w.Org.ChangeApp(t.Context(), w.Owner, w.Shop, org.AppInput{Name: "x"}), fault.NotFound)
		role, err := org.RoleOf(w.DB.Read(t.Context()), w.Owner.UserID, w.North)
		if role != "" || err != nil {
			t.Error(role, err)
		}
	})
}

func TestAppsAreListedByPage(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		for _, name := range []string{"Alpha", "Beta", "Gamma_1"} {
			clock.Advance(time.Minute)
			if _, err := w.Org.CreateApp(t.Context(), w.Owner, w.North, org.AppInput{Name: name}); err != nil {
				t.Fatal(err)
			}
		}
		names := func(p db.Page[org.AppRow]) []string {
			var out []string
			for _, r := range p.Rows {
				out = append(out, r.Name)
			}
			return out
		}

		first, err := w.Org.Apps(t.Context(), w.Owner, org.AppFilter{}, db.PageRequest{Size: 3})
		second, err2 := w.Org.Apps(t.Context(), w.Owner, org.AppFilter{}, db.PageRequest{Size: 3, After: first.Next})
		found, err3 := w.Org.Apps(t.Context(), w.Owner, org.AppFilter{OrganizationID: w.North, Search: "A_1"}, db.PageRequest{Sort: "name"})
		other, err4 := w.Org.Apps(t.Context(), w.Owner, org.AppFilter{OrganizationID: w.Contoso}, db.PageRequest{})
		_, forged := w.Org.Apps(t.Context(), w.Other, org.AppFilter{Search: "x"}, db.PageRequest{After: first.Next})

		if err != nil || err2 != nil || err3 != nil || err4 != nil || !slices.Equal(names(first), []string{"Gamma_1", "Beta", "Alpha"}) || !slices.Equal(names(second), []string{"Shop"}) ||
			!slices.Equal(names(found), []string{"Gamma_1"}) || len(other.Rows) != 0 {
			t.Fatal(err, err2, err3, err4, names(first), names(second), names(found), names(other))
		}
		wantKind(t, "a cursor of another list", forged, fault.Invalid)
	})
}

func TestOrganizationsWithoutEndAreRefused(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, _ *dbtest.Clock) {
		if made := createAtOnce(t, w, 30) + 1; made != org.MaxOwned { // besides Northwind
			t.Errorf("%d organizations", made)
		}
	})
}

// createAtOnce lets the owner make n organizations at the same time and tells how many there came to be.
func createAtOnce(t *testing.T, w *catalogtest.World, n int) int {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_, err := w.Org.Create(context.Background(), w.Owner, org.Input{Name: "One more"})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	return made
}

func TestDayEndsAtMidnightOfItsZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}

	end, err := org.EndOfDay("until", "2026-12-31", berlin)

	if err != nil || !end.Equal(time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)) {
		t.Error(end, err)
	}
	wantKind(t, "no day", errOf(org.EndOfDay("until", "31.12.2026", berlin)), fault.Invalid)
}

// Of changes at once that all go by the same version of an app one is made; the others are told.
func TestOneOfManyChangesByTheSameVersionIsMade(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		app, err := w.Org.CreateApp(t.Context(), w.Owner, w.North, org.AppInput{Name: "Shop"})
		for round := range 10 {
			if err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Second)
			ctx := db.WithVersion(t.Context(), app.UpdatedAt)
			var all sync.WaitGroup
			results, start := make([]error, 8), make(chan struct{})
			for i := range results {
				all.Go(func() {
					<-start
					results[i] = w.Org.ChangeApp(ctx, w.Owner, app.ID, org.AppInput{Name: "Shop " + string(rune('a'+i))})
				})
			}
			close(start)
			all.Wait()

			made := 0
			for _, err := range results {
				if err == nil {
					made++
				} else {
					wantKind(t, "a change by an older version", err, fault.Conflict)
				}
			}
			if made != 1 {
				t.Errorf("round %d: %d changes were made", round, made)
			}
			row, again := w.Org.App(t.Context(), w.Owner, app.ID)
			app, err = row.App, again
		}
	})
}
