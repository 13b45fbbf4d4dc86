package key_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

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
