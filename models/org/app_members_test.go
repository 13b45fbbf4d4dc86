package org_test

import (
	"context"
	"slices"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// Z5, Z7
func TestALimitedAppIsReachedByOwnersAdminsAndTheChosen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := catalogtest.New(t, d)
		people := map[string]actor.Actor{"owner": w.Owner, "stranger": w.Other}
		for _, role := range []string{"admin", "developer", "viewer", "chosen"} {
			people[role] = w.Person(role, "")
			w.Join(w.North, people[role], map[string]string{"chosen": "viewer"}[role]+map[bool]string{true: role}[role != "chosen"])
		}
		people["program of another app"] = actor.Actor{Kind: actor.Key, KeyID: db.NewID(), OrganizationID: w.North}
		reach := func(want ...string) {
			t.Helper()
			for name, a := range people {
				_, err := w.Org.App(context.Background(), a, w.Shop)
				list, listErr := w.Org.Apps(context.Background(), a, org.AppFilter{OrganizationID: w.North}, db.PageRequest{})
				mine, mineErr := w.Org.Get(context.Background(), a, w.North)
				if got := err == nil; got != slices.Contains(want, name) || err != nil && !fault.Is(err, fault.NotFound) || listErr != nil || (len(list.Rows) == 1) != got || mineErr == nil && (mine.Apps == 1) != got {
					t.Errorf("%s: %v %v %v %v", name, err, len(list.Rows), mine.Apps, listErr)
				}
			}
		}
		ctx := t.Context()

		reach("owner", "admin", "developer", "viewer", "chosen", "program of another app")
		for name, a := range people {
			if name == "owner" || name == "admin" {
				continue
			}
			if err := w.Org.LimitApp(ctx, a, w.Shop, true, []db.ID{a.UserID}); err == nil && name != "program of another app" {
				t.Errorf("%s limits the app", name)
			}
		}
		if err := w.Org.LimitApp(ctx, w.Owner, w.Shop, true, []db.ID{w.Other.UserID}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a stranger is let in: %v", err)
		}
		if err := w.Org.LimitApp(ctx, people["admin"], w.Shop, true, []db.ID{people["chosen"].UserID}); err != nil {
			t.Fatal(err)
		}
		reach("owner", "admin", "chosen")
		if err := w.Org.LimitApp(ctx, people["developer"], w.Shop, false, nil); !fault.Is(err, fault.NotFound) {
			t.Errorf("who is kept out is told of it: %v", err)
		}
		if err := w.Org.SetRole(ctx, w.Owner, w.North, people["developer"].UserID, "admin"); err != nil {
			t.Fatal(err)
		}
		reach("owner", "admin", "chosen", "developer")
		if err := w.Org.LimitApp(ctx, w.Owner, w.Shop, false, []db.ID{people["chosen"].UserID}); err != nil {
			t.Fatal(err)
		}
		reach("owner", "admin", "developer", "viewer", "chosen", "program of another app")
		var left int
		if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM app_members").Scan(&left).Error; err != nil || left != 0 {
			t.Error(left, err)
		}
	})
}

// U1, U2: the log names the app by its id, since names may look like one; its name stands beside it.
func TestTheLogTellsWhichAppAMemberWasLetIntoByItsID(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		w := catalogtest.New(t, d)
		dev := w.Person("Dana Dev", "")
		w.Join(w.North, dev, "developer")
		for _, inside := range [][]db.ID{{dev.UserID}, nil} {
			if err := w.Org.LimitApp(t.Context(), w.Owner, w.Shop, true, inside); err != nil {
				t.Fatal(err)
			}
		}

		page, err := audit.List(t.Context(), d, audit.Filter{TargetID: dev.UserID}, db.PageRequest{})

		if err != nil || len(page.Rows) != 2 {
			t.Fatal(err, page.Rows)
		}
		for i, act := range []audit.Act{audit.AppMemberRemoved, audit.AppMemberAdded} {
			if e := page.Rows[i]; e.Act != string(act) || e.Facts["app"] != w.Shop.Show(org.AppPrefix) || e.Facts["name"] != "Shop" {
				t.Errorf("%s %v", e.Act, e.Facts)
			}
		}
	})
}
