package handover_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/enforcement"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

const day = 24 * time.Hour

// K2, Z2: every scope of the portal's own API lets a key act for the organization that it is of: whoever knows its secret in the source must not act for the
// target, where nobody made it. The scopes are those that the program seeds, so that a new one is covered.
func TestAnAppWhoseKeysActAtThePortalStays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.both()
		k := w.make(w.developer, "Deploy").Key
		var scopes []struct {
			ID, APIID db.ID
			Name      string
		}
		w.ok(w.DB.Read(t.Context()).Raw("SELECT s.id, s.api_id, s.name FROM scopes s JOIN apis p ON p.id = s.api_id WHERE p.is_portal").Scan(&scopes).Error)
		if len(scopes) < 9 {
			t.Fatal(scopes)
		}
		for _, s := range scopes {
			w.exec("INSERT INTO key_grants (key_id, api_id, scope_id) VALUES (?, ?, ?)", k.ID, s.APIID, s.ID)

			ahead, err := w.store.PreviewMove(t.Context(), w.admin, w.Shop, w.Contoso)
			_, moved := w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)

			w.ok(err)
			w.expect(s.Name, moved, fault.Conflict)
			if ahead.Movable() || len(ahead.Deputed) != 1 || ahead.Deputed[0].Name != "Deploy" || !slices.Equal(ahead.Deputed[0].Scopes, []string{s.Name}) {
				t.Errorf("%s: %+v", s.Name, ahead.Deputed)
			}
			w.exec("DELETE FROM key_grants WHERE key_id = ? AND scope_id = ?", k.ID, s.ID)
			w.exec("INSERT INTO key_grants_taken (key_id, scope_id, taken_at) VALUES (?, ?, ?)", k.ID, s.ID, w.clock.Now())
		}
		if _, err := w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso); err != nil {
			t.Error("without them:", err)
		}
		if n := w.count("SELECT COUNT(*) FROM key_grants_taken"); n != 0 {
			t.Error("what was taken away can be given back there:", n)
		}
	})
}

func TestARevokedManagementKeyHoldsNoAppBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.both()
		k := w.make(w.developer, "Deploy").Key
		w.exec("INSERT INTO key_grants (key_id, api_id, scope_id) SELECT ?, s.api_id, s.id FROM scopes s JOIN apis p ON p.id = s.api_id WHERE p.is_portal AND s.name = 'keys:write'", k.ID)
		w.exec("UPDATE keys SET revoked_at = ? WHERE id = ?", w.clock.Now(), k.ID)

		_, err := w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)
		if err != nil {
			t.Error(err)
		}
	})
}

// What staff approved for one organization they approve again for another: keys are refused there until then.
func TestWhatStaffApprovedWaitsForThemAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.both()
		x := w.Request(w.Trusted, w.Read, w.Write)
		w.ok(w.Catalog.Approve(t.Context(), w.Staff, x.ID, catalog.Approval{ScopeIDs: []db.ID{w.Read, w.Write}, PlanID: w.Trusted}))
		before := w.InForce()

		ahead, err := w.store.PreviewMove(t.Context(), w.admin, w.Shop, w.Contoso)
		w.ok(err)
		_, err = w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)
		w.ok(err)

		if len(before) != 2 || len(ahead.Access) != 1 || !ahead.Access[0].Anew || len(w.InForce()) != 0 {
			t.Error(before, ahead.Access, w.InForce())
		}
		var next []db.ID
		w.ok(w.DB.Read(t.Context()).Raw("SELECT id FROM access WHERE app_id = ? AND state = 'requested'", w.Shop).Scan(&next).Error)
		if mails := w.mails("access_moved"); len(next) != 1 || len(mails) != 1 || !strings.HasPrefix(mails[0], "ada.admin@") || !strings.Contains(mails[0], "Contoso") {
			t.Fatal(next, mails)
		}
		row, err := w.Catalog.RequestByID(t.Context(), w.Staff, next[0])
		if err != nil || row.OrganizationID != w.Contoso || len(row.Scopes) != 2 {
			t.Error(err, row)
		}
		w.ok(w.Catalog.Approve(t.Context(), w.Staff, next[0], catalog.Approval{ScopeIDs: []db.ID{w.Read, w.Write}, PlanID: w.Trusted}))
		if !slices.Equal(w.InForce(), before) {
			t.Error("approved again:", w.InForce())
		}
	})
}

// A suspension of what staff approved is not got rid of by moving, and a request that waits already takes on what was approved.
func TestASuspendedApprovalStaysAndAWaitingRequestGrows(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.both()
		var open []db.ID
		w.ok(w.DB.Read(t.Context()).Raw("SELECT id FROM access WHERE app_id = ? AND state = 'approved'", w.Shop).Scan(&open).Error)
		w.exec("UPDATE access SET decided_by = ? WHERE id = ?", w.Staff.UserID, open[0])
		w.ok(w.Catalog.Suspend(t.Context(), w.Staff, open[0], org.Suspension{Reason: "odd"}))
		_, stopped := w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)
		w.ok(w.Catalog.Unsuspend(t.Context(), w.Staff, open[0]))
		wider := w.Request(w.Trusted, w.Write)

		_, moved := w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)

		w.expect("suspended", stopped, fault.Conflict)
		row, err := w.Catalog.RequestByID(t.Context(), w.Staff, wider.ID)
		if moved != nil || err != nil || row.State != catalog.Requested || len(row.Scopes) != 2 || len(w.InForce()) != 0 {
			t.Error(moved, err, row, w.InForce())
		}
	})
}

// K4: an organization's policy is not left behind by going out and coming back: what breaks it is told on arrival, and held to it after the notice.
func TestKeysMeetThePolicyOfWhereTheyArrive(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.both()
		w.strict(w.Contoso)
		made, err := w.keys.Create(t.Context(), w.developer, key.CreateRequest{
			Token: w.keys.NewFormToken(w.developer, key.CreatePurpose()), AppID: w.Shop, Environment: "live", Name: "Long", Pairs: []key.Pair{{API: "orders", Scope: "orders:read"}}, Expiry: key.Expiry{Days: 365},
		})
		w.ok(err)

		_, err = w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)
		w.ok(err)

		if mails := w.mails("key_policy_arrived"); len(mails) == 0 || !strings.Contains(mails[0], "30") || !strings.Contains(strings.Join(mails, " "), "carl.contoso@") {
			t.Error(mails)
		}
		if n := w.count("SELECT COUNT(*) FROM key_policy_dues WHERE key_id = ? AND rule IN ('life', 'networks')", made.Key.ID); n != 2 {
			t.Fatal("dues:", n)
		}
		held := enforcement.NewStore(w.DB, w.keys)
		w.clock.Advance(13 * day)
		w.ok(held.Enforce(t.Context()))
		early := w.key(made.Key.ID)
		w.clock.Advance(2 * day)
		w.ok(held.Enforce(t.Context()))
		late := w.key(made.Key.ID)
		if early.PausedAt != nil || early.ExpiresAt.Sub(early.CreatedAt) < 300*day {
			t.Error("before its day:", early.PausedAt, early.ExpiresAt)
		}
		if late.PausedAt == nil || late.ExpiresAt.Sub(late.CreatedAt) > 32*day {
			t.Error("after its day:", late.PausedAt, late.ExpiresAt)
		}
	})
}

func (w *world) key(id db.ID) key.Row {
	w.t.Helper()
	d, err := w.keys.Get(w.t.Context(), w.Other, id)
	w.ok(err)
	return d.Row
}
