package org_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

func TestADeletedOrganizationComesBackWithAllItHad(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		admin := w.Person("Ann Admin", "")
		w.Join(w.North, admin, "admin")
		ok := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		ok(w.Org.Delete(t.Context(), w.Owner, w.North, "Northwind"))
		_, seq := w.Changes(0)
		clock.Advance(org.Grace - time.Second)
		ok(w.Org.Purge(t.Context()))

		hers, err := w.Org.Restorable(t.Context(), w.Owner)
		ok(err)
		admins, err := w.Org.Restorable(t.Context(), admin)
		ok(err)
		_, byAdmin := w.Org.Restore(t.Context(), admin, w.North)
		_, byOther := w.Org.Restore(t.Context(), w.Other, w.North)
		o, err := w.Org.Restore(t.Context(), w.Owner, w.North)
		ok(err)

		wantKind(t, "by an admin", byAdmin, fault.NotFound)
		wantKind(t, "by a stranger", byOther, fault.NotFound)
		kinds, _ := w.Changes(seq)
		app, appErr := w.Org.App(t.Context(), admin, w.Shop)
		if len(hers) != 1 || hers[0].Name != "Northwind" || len(admins) != 0 || o.DeletedAt != nil || appErr != nil || app.Role != "admin" || kinds[string(change.Organization)] != 1 {
			t.Error(hers, admins, o, appErr, app.Role, kinds)
		}
		if m := fmt.Sprint(w.Mails("ann.admin@example.com")); m != "[organization_deleted organization_restored]" {
			t.Error(m)
		}
		_, again := w.Org.Restore(t.Context(), w.Owner, w.North)
		wantKind(t, "what is not deleted", again, fault.NotFound)
	})
}

func TestAfterItsGraceAnOrganizationIsGoneForGood(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		if err := w.Org.Delete(t.Context(), w.Owner, w.North, "Northwind"); err != nil {
			t.Fatal(err)
		}
		clock.Advance(org.Grace)

		_, tooLate := w.Org.Restore(t.Context(), w.Owner, w.North)
		if err := w.Org.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}

		wantKind(t, "too late", tooLate, fault.NotFound)
		for query, want := range map[string]int64{
			"SELECT COUNT(*) FROM members WHERE organization_id = ?":                                0,
			"SELECT COUNT(*) FROM apps WHERE organization_id = ? AND deleted_at IS NULL":            0,
			"SELECT COUNT(*) FROM audit_events WHERE act = 'organization.purged' AND target_id = ?": 1,
		} {
			var n int64
			if err := w.DB.Read(t.Context()).Raw(query, w.North).Scan(&n).Error; err != nil || n != want {
				t.Errorf("%s: %d, %v", query, n, err)
			}
		}
		if err := w.Org.Purge(t.Context()); err != nil { // once
			t.Error(err)
		}
		if _, err := w.Org.App(t.Context(), w.Other, w.Foreign); err != nil {
			t.Error("somebody else’s app", err)
		}
	})
}

// What comes back at the very end of its grace is whole, or it is gone; never half.
func TestRestoringAndPurgingAtOnceIsOneOfBoth(t *testing.T) {
	each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
		if err := w.Org.Delete(t.Context(), w.Owner, w.North, "Northwind"); err != nil {
			t.Fatal(err)
		}
		clock.Advance(org.Grace - time.Nanosecond)
		var all sync.WaitGroup
		start := make(chan struct{})
		for n := range 10 {
			all.Go(func() {
				<-start
				if n%2 == 0 {
					clock.Advance(time.Nanosecond)
					if err := w.Org.Purge(context.Background()); err != nil {
						t.Error(err)
					}
				} else if _, err := w.Org.Restore(context.Background(), w.Owner, w.North); err != nil && !fault.Is(err, fault.NotFound) {
					t.Error(err)
				}
			})
		}
		close(start)
		all.Wait()

		_, app := w.Org.App(t.Context(), w.Owner, w.Shop)
		_, whole := w.Org.Get(t.Context(), w.Owner, w.North)
		if (app == nil) != (whole == nil) {
			t.Error(app, whole)
		}
	})
}
