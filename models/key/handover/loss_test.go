package handover_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// manages is each act by which members manage keys, apps and members. The developer made the key, and is an admin for those that ask for one.
var manages = []struct {
	name  string
	admin bool // a developer may not
	act   func(ctx context.Context, w *world, a actor.Actor, id, link db.ID) error
}{
	{"make a key", false, func(_ context.Context, w *world, a actor.Actor, _, _ db.ID) error {
		_, err := w.create(a, "Another", nil)
		return err
	}},
	{"rotate it", false, func(ctx context.Context, w *world, a actor.Actor, id, _ db.ID) error {
		_, err := w.keys.Rotate(ctx, a, id, key.RotateRequest{Token: w.keys.NewFormToken(a, key.RotatePurpose(id)), OverlapDays: 1})
		return err
	}},
	{"pause it", false, func(ctx context.Context, w *world, a actor.Actor, id, _ db.ID) error { return w.keys.Pause(ctx, a, id) }},
	{"resume it", false, func(ctx context.Context, w *world, a actor.Actor, id, _ db.ID) error {
		return w.keys.Resume(ctx, a, id)
	}},
	{"rename it", false, func(ctx context.Context, w *world, a actor.Actor, id, _ db.ID) error {
		return w.keys.Rename(ctx, a, id, "Other")
	}},
	{"bind it", false, func(ctx context.Context, w *world, a actor.Actor, id, _ db.ID) error {
		return w.keys.SetBounds(ctx, a, id, key.BoundsForm{Networks: "203.0.113.0/24", RatePeriod: "60"}, true)
	}},
	{"take a scope away", false, func(ctx context.Context, w *world, a actor.Actor, id, _ db.ID) error {
		return w.keys.TakeScope(ctx, a, id, key.Pair{API: "orders", Scope: "orders:write"})
	}},
	{"cancel its link", false, func(ctx context.Context, w *world, a actor.Actor, id, link db.ID) error {
		return w.store.Cancel(ctx, a, id, link)
	}},
	{"say who answers for it", true, func(ctx context.Context, w *world, a actor.Actor, id, _ db.ID) error {
		return w.store.Confirm(ctx, a, id, w.admin.UserID)
	}},
	{"change the app", true, func(ctx context.Context, w *world, a actor.Actor, _, _ db.ID) error {
		return w.Org.ChangeApp(ctx, a, w.Shop, org.AppInput{Name: "Shop"})
	}},
	{"request access", true, func(ctx context.Context, w *world, a actor.Actor, _, _ db.ID) error {
		_, err := w.Catalog.Request(ctx, a, "orders", catalog.RequestInput{AppID: w.Shop, PlanID: w.Open, ScopeIDs: []db.ID{w.Read}, Purpose: "More."})
		return err
	}},
	{"move the app", true, func(ctx context.Context, w *world, a actor.Actor, _, _ db.ID) error {
		_, err := w.store.Move(ctx, a, w.Shop, w.Contoso)
		return err
	}},
	{"remove a member", true, func(ctx context.Context, w *world, a actor.Actor, _, _ db.ID) error {
		return w.store.Remove(ctx, a, w.North, w.admin.UserID)
	}},
	{"change the organization", true, func(ctx context.Context, w *world, a actor.Actor, _, _ db.ID) error {
		return w.Org.Change(ctx, a, w.North, org.Input{Name: "Northwind"})
	}},
	{"revoke it", false, func(ctx context.Context, w *world, a actor.Actor, id, _ db.ID) error {
		return w.keys.Revoke(ctx, a, id, "")
	}},
}

// Z7: whoever loses membership or role can do none of this on the next request, and could before.
func TestLossOfMembershipOrRoleHoldsForEachActAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made, link := w.link(w.developer, "Deploy")
		w.Join(w.Contoso, w.developer, "admin")
		try := func(who string, kind fault.Kind) {
			t.Helper()
			for _, m := range manages {
				if err := m.act(t.Context(), w, w.developer, made.Key.ID, link.ID); !fault.Is(err, kind) {
					t.Errorf("%s: %s: %v", who, m.name, err)
				}
			}
		}

		w.exec("UPDATE members SET role = 'viewer' WHERE user_id = ? AND organization_id = ?", w.developer.UserID, w.North)
		try("a viewer", fault.Forbidden)
		w.ok(w.store.Leave(t.Context(), w.developer, w.North))
		try("no member", fault.NotFound)

		w.Join(w.North, w.developer, "developer")
		for _, m := range manages {
			if m.admin {
				w.expect("a developer: "+m.name, m.act(t.Context(), w, w.developer, made.Key.ID, link.ID), fault.Forbidden)
			} else if err := m.act(t.Context(), w, w.developer, made.Key.ID, link.ID); fault.Is(err, fault.Forbidden) || fault.Is(err, fault.NotFound) {
				t.Errorf("a developer again: %s: %v", m.name, err)
			}
		}
		w.clock.Advance(time.Minute)
	})
}
