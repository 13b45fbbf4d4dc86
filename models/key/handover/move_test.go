package handover_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// both makes the admin of Northwind an owner of it, and an admin of Contoso too.
func (w *world) both() {
	w.exec("UPDATE members SET role = 'owner' WHERE organization_id = ? AND user_id = ?", w.North, w.admin.UserID)
	w.Join(w.Contoso, w.admin, "admin")
}

func TestAnAppMovesWithKeysAccessAndUsage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.both()
		k := w.make(w.developer, "Deploy").Key
		w.exec("INSERT INTO usage_series (key_id, app_id, organization_id, api_id, environment, route_template, code) VALUES (?, ?, ?, ?, 'live', '/v2/orders', 'VALID')", k.ID, w.Shop, w.North, w.API)

		ahead, aheadErr := w.store.PreviewMove(t.Context(), w.admin, w.Shop, w.Contoso)
		m, err := w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)

		if aheadErr != nil || !ahead.Movable() || ahead.Keys != 1 || ahead.Unowned != 1 || len(ahead.Access) != 1 || ahead.To.Name != "Contoso" {
			t.Fatal(aheadErr, ahead)
		}
		if err != nil || m.From.ID != w.North {
			t.Fatal(err, m)
		}
		d, err := w.keys.Get(t.Context(), w.Other, k.ID)
		if err != nil || d.OrganizationID != w.Contoso || !d.State(w.clock.Now()).Works() || !d.Orphaned {
			t.Error("in the target:", err, d.OrganizationName, d.Orphaned)
		}
		_, lost := w.keys.Get(t.Context(), w.developer, k.ID)
		_, lostApp := w.Org.App(t.Context(), w.Owner, w.Shop)
		w.expect("Z7: members of the source see the key", lost, fault.NotFound)
		w.expect("Z7: and the app", lostApp, fault.NotFound)
		if n := w.count("SELECT COUNT(*) FROM usage_series WHERE organization_id = ?", w.Contoso); n != 1 {
			t.Error("its usage stayed behind")
		}
		for _, o := range []db.ID{w.North, w.Contoso} {
			if n := w.count("SELECT COUNT(*) FROM audit_events WHERE act = 'app.moved' AND organization_id = ?", o); n != 1 {
				t.Error("audited:", n)
			}
		}
		if n := w.count("SELECT COUNT(*) FROM changes WHERE kind = 'app' AND subject_id = ?", w.Shop); n == 0 {
			t.Error("verification is not told")
		}
		mails := strings.Join(w.mails("app_moved"), " ")
		for _, to := range []string{"nora.north@", "carl.contoso@"} {
			if !strings.Contains(mails, to) {
				t.Error("not told:", to)
			}
		}
	})
}

// Z2, Z5: who moves an app is an owner of its organization and an admin of the target.
func TestAnOwnerHereWhoIsAdminThereMovesAnApp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		move := func(a actor.Actor) error {
			_, err := w.store.Move(t.Context(), a, w.Shop, w.Contoso)
			return err
		}
		w.expect("a developer", move(w.developer), fault.Forbidden)
		w.expect("an owner of the source alone", move(w.Owner), fault.NotFound)
		w.expect("an owner of the target alone", move(w.Other), fault.NotFound)
		w.Join(w.Contoso, w.admin, "owner")
		w.expect("an admin here and owner there", move(w.admin), fault.Forbidden)
		_, none := w.store.Targets(t.Context(), w.admin, w.Shop)
		w.expect("targets of an admin", none, fault.Forbidden)
		w.Join(w.Contoso, w.Owner, "developer")
		w.expect("an owner here and developer there", move(w.Owner), fault.Forbidden)

		targets, err := w.store.Targets(t.Context(), w.Owner, w.Shop)
		if err != nil || len(targets) != 0 {
			t.Error(targets, err)
		}
		_, same := w.store.Move(t.Context(), w.Owner, w.Shop, w.North)
		w.expect("to where it is", same, fault.Conflict)
		w.exec("UPDATE members SET role = 'admin' WHERE organization_id = ? AND user_id = ?", w.Contoso, w.Owner.UserID)
		if err := move(w.Owner); err != nil {
			t.Error("an owner here and admin there:", err)
		}
	})
}

func TestWhatTheTargetMayNotSeeKeepsAnAppBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.both()
		w.exec("UPDATE apis SET visibility = 'invited' WHERE id = ?", w.API)

		ahead, err := w.store.PreviewMove(t.Context(), w.admin, w.Shop, w.Contoso)
		_, refused := w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)
		w.exec("INSERT INTO api_organizations (api_id, organization_id, created_at) VALUES (?, ?, ?)", w.API, w.Contoso, w.clock.Now())
		_, moved := w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)

		if err != nil || ahead.Movable() || !ahead.Access[0].Hidden || ahead.Access[0].APIName != "Orders" {
			t.Error(err, ahead.Access)
		}
		w.expect("not invited", refused, fault.Conflict)
		if moved != nil {
			t.Error("invited:", moved)
		}
	})
}

// A suspension is not evaded by moving, and a gateway's app keeps asking about the APIs of its own organization.
func TestSuspendedAndGatewaysAppsStay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.both()
		w.ok(w.Org.SuspendApp(t.Context(), w.Staff, w.Shop, org.Suspension{Reason: "odd"}))
		_, app := w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)
		w.ok(w.Org.UnsuspendApp(t.Context(), w.Staff, w.Shop))
		w.ok(w.Org.SuspendOrganization(t.Context(), w.Staff, w.North, org.Suspension{Reason: "odd"}))
		_, source := w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)
		w.ok(w.Org.UnsuspendOrganization(t.Context(), w.Staff, w.North))
		w.exec(`INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, created_at, updated_at)
			SELECT ?, ?, p.id, n.id, 'approved', 'test', ?, ? FROM apis p JOIN plans n ON n.api_id = p.id WHERE p.is_portal LIMIT 1`, db.NewID(), w.Shop, w.clock.Now(), w.clock.Now())
		w.exec(`INSERT INTO access_scopes (access_id, scope_id) SELECT x.id, s.id FROM access x JOIN scopes s ON s.api_id = x.api_id JOIN apis p ON p.id = x.api_id WHERE p.is_portal AND s.name = ? AND x.app_id = ?`, key.VerifyScope, w.Shop)
		_, gateway := w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)

		for what, err := range map[string]error{"a suspended app": app, "out of a suspended organization": source, "a gateway’s": gateway} {
			w.expect(what, err, fault.Conflict)
		}
	})
}

// An app of one's own goes to an organization, and the stricter policy of that one is told of first.
func TestAPersonalAppMovesAndMeetsAStricterPolicy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		own := db.NewID()
		w.exec("INSERT INTO organizations (id, kind, personal_user_id, name, created_at, updated_at) VALUES (?, 'personal', ?, 'Dev Patel', ?, ?)", own, w.developer.UserID, w.clock.Now(), w.clock.Now())
		w.Join(own, w.developer, "owner")
		app, err := w.Org.CreateApp(t.Context(), w.developer, own, org.AppInput{Name: "Toy"})
		w.ok(err)
		_, err = w.Catalog.Request(t.Context(), w.developer, "orders", catalog.RequestInput{AppID: app.ID, PlanID: w.Open, ScopeIDs: []db.ID{w.Read}, Purpose: "To play."})
		w.ok(err)
		_, err = w.keys.Create(t.Context(), w.developer, key.CreateRequest{
			Token: w.keys.NewFormToken(w.developer, key.CreatePurpose()), AppID: app.ID, Environment: "live", Name: "Toy key", Pairs: []key.Pair{{API: "orders", Scope: "orders:read"}}, Expiry: key.Expiry{Days: 90},
		})
		w.ok(err)
		w.exec("UPDATE members SET role = 'admin' WHERE organization_id = ? AND user_id = ?", w.North, w.developer.UserID)
		w.strict(w.North)

		ahead, err := w.store.PreviewMove(t.Context(), w.developer, app.ID, w.North)
		_, moved := w.store.Move(t.Context(), w.developer, app.ID, w.North)

		var rules []string
		for _, b := range ahead.Breaks {
			rules = append(rules, string(b.Rule)+" "+b.Key.Name)
		}
		if err != nil || !slices.Contains(rules, "lifetime Toy key") || !slices.Contains(rules, "networks Toy key") || ahead.Unowned != 0 {
			t.Error(err, rules, ahead.Unowned)
		}
		if moved != nil {
			t.Error(moved)
		}
	})
}
