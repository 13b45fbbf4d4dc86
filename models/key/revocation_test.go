package key_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// K9
func TestMassRevocationTakesExactlyItsPreviewOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		a, b, other := w.make(w.developer, "Leaked A").Key.ID, w.make(w.admin, "Leaked B").Key.ID, w.make(w.developer, "Fine").Key.ID
		id, err := w.keys.PreviewRevocation(bg, w.staff, key.Filter{Query: "leaked", Owner: "north"})
		if err != nil {
			t.Fatal(err)
		}
		after := w.make(w.developer, "Leaked later").Key.ID
		if err := w.keys.Rename(bg, w.admin, b, "Renamed meanwhile"); err != nil {
			t.Fatal(err)
		}
		p, err := w.keys.Revocation(bg, w.staff, id)
		if err != nil || p.Keys != 2 || p.Organizations != 1 || len(p.Shares) != 1 || p.Shares[0].AppName != "Shop" {
			t.Fatalf("%+v %v", p, err)
		}
		before := w.events()

		var all sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			all.Go(func() { errs[i] = w.keys.RevokeMany(bg, w.staff, id, "found on a forum") })
		}
		all.Wait()

		for _, err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		if diff := cmp.Diff([]string{"key.many_revoked", "key.revoked", "key.revoked"}, w.acts(before)); diff != "" {
			t.Error(diff)
		}
		got, want := []key.StateName{w.state(a), w.state(b), w.state(other), w.state(after)}, []key.StateName{key.Revoked, key.Revoked, key.Active, key.Active}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"ada key_revoked", "dev key_revoked", "ops key_revoked"}, w.mails()); diff != "" {
			t.Error("each person is told once:", diff)
		}
	})
}

func TestAPreviewIsRefusedWhenItIsEmptyUnboundedOrOld(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, dbtest.NewClock()), dbtest.NewClock())
	w.make(w.developer, "Leaked")

	for what, f := range map[string]key.Filter{
		"no filter": {}, "blank": {Query: "  "}, "a state that there is not": {State: "any"}, "such a state beside what narrows": {Query: "leaked", State: "bogus"},
		"an environment that there is not": {Query: "leaked", Environment: "prod"}, "nothing found": {Query: "zzz"},
	} {
		_, err := w.keys.PreviewRevocation(bg, w.staff, f)
		expect(t, what, err, fault.Invalid)
	}
	clock := dbtest.NewClock()
	w = newWorld(t, dbtest.SQLite(t, clock), clock)
	id := w.make(w.developer, "Leaked").Key.ID
	preview, err := w.keys.PreviewRevocation(bg, w.staff, key.Filter{Query: "leaked"})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "no reason", w.keys.RevokeMany(bg, w.staff, preview, " "), fault.Invalid)
	expect(t, "unknown", w.keys.RevokeMany(bg, w.staff, db.NewID(), "why"), fault.NotFound)
	clock.Advance(61 * time.Minute)
	expect(t, "old", w.keys.RevokeMany(bg, w.staff, preview, "why"), fault.Conflict)
	if w.state(id) != key.Active {
		t.Fatal("an old preview was carried out")
	}
}

func TestAGatewayKeyIsMadeWithItsAppAndAccessAndNeverEnds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		token := w.keys.NewFormToken(w.staff, key.GatewayPurpose(w.orders))

		first, err := w.keys.CreateGatewayKey(bg, w.staff, w.orders, token)
		again, errAgain := w.keys.CreateGatewayKey(bg, w.staff, w.orders, token)
		second, errSecond := w.keys.CreateGatewayKey(bg, w.staff, w.people, w.keys.NewFormToken(w.staff, key.GatewayPurpose(w.people)))

		if err != nil || errAgain != nil || errSecond != nil {
			t.Fatal(err, errAgain, errSecond)
		}
		if first.Secret.Reveal() == "" || !again.Again || again.Key.ID != first.Key.ID || first.Key.ExpiresAt != nil || first.Key.AppName != key.GatewayApp || second.Key.AppID != first.Key.AppID || first.Key.OrganizationID != w.company {
			t.Fatalf("%+v %+v", first.Key, second.Key)
		}
		facts, err := w.keys.Loader().LoadKey(bg, w.digest(first))
		if err != nil || len(facts.Reach.Grants) != 1 || facts.Reach.Grants[0].Scopes[0] != key.VerifyScope {
			t.Fatal(facts, err)
		}
		_, err = w.keys.CreateGatewayKey(bg, w.staff, db.NewID(), w.keys.NewFormToken(w.staff, key.GatewayPurpose(w.orders)))
		expect(t, "another API’s form", err, fault.Invalid)
	})
}
