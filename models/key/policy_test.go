package key_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// K4
func TestExpiryFollowsThePolicyAndRefusalsNameIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		berlin, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		try := func(e key.Expiry, pairs ...key.Pair) (key.Made, error) {
			return w.keys.Create(bg, w.developer, key.CreateRequest{Token: w.token(w.developer), AppID: w.app, Environment: "live", Name: "x", Pairs: pairs, Expiry: e})
		}

		for _, c := range []struct {
			what   string
			expiry key.Expiry
			want   time.Time
		}{
			{"default", key.Expiry{}, clock.Now().Add(90 * day)},
			{"preset", key.Expiry{Days: 7}, clock.Now().Add(7 * day)},
			{"end of the day in the zone of the user", key.Expiry{Date: "2027-02-19", Zone: berlin}, time.Date(2027, 2, 19, 23, 0, 0, 0, time.UTC)},
			{"today", key.Expiry{Date: "2026-11-21", Zone: berlin}, time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC)},
			{"last allowed day", key.Expiry{Date: "2027-11-21"}, time.Date(2027, 11, 22, 0, 0, 0, 0, time.UTC)},
		} {
			made, err := try(c.expiry, readOrders)
			if err != nil || !made.Key.ExpiresAt.Equal(c.want) {
				t.Errorf("%s: %v %v, want %v", c.what, made.Key.ExpiresAt, err, c.want)
			}
		}
		for what, e := range map[string]key.Expiry{"never": {Never: true}, "too long": {Days: 366}, "too late": {Date: "2027-11-22"}} {
			_, err := try(e, readOrders)
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "policy") || !strings.Contains(err.Error(), "365") {
				t.Errorf("%s: %v", what, err)
			}
		}
		for what, e := range map[string]key.Expiry{"over": {Date: "2026-11-20"}, "no day": {Date: "2027-02-30"}, "words": {Date: "tomorrow"}, "negative": {Days: -1}} {
			if _, err := try(e, readOrders); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if made, err := try(key.Expiry{Never: true}, verifyKeys); err != nil || made.Key.ExpiresAt != nil {
			t.Error("a verifier may be without end", err)
		}
		if err := w.policy(30, 365, true, 20); err != nil {
			t.Fatal(err)
		}
		if made, err := try(key.Expiry{Never: true}, readOrders); err != nil || made.Key.ExpiresAt != nil {
			t.Error("the policy allows never", err)
		}
		if made, err := try(key.Expiry{}, readOrders); err != nil || !made.Key.ExpiresAt.Equal(clock.Now().Add(30*day)) {
			t.Error("the default is the policy’s", err)
		}
	})
}

func TestPolicyBoundsTheKeysOfAnAppAndCountsOnlyLivingOnes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		if err := w.policy(1, 10, false, 3); err != nil {
			t.Fatal(err)
		}
		first := w.make(w.developer, "1").Key.ID
		w.make(w.developer, "2")
		try := func() error {
			_, err := w.keys.Create(bg, w.developer, key.CreateRequest{Token: w.token(w.developer), AppID: w.app, Environment: "live", Name: "n", Pairs: []key.Pair{readOrders}})
			return err
		}

		var all sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			all.Go(func() { errs[i] = try() })
		}
		all.Wait()

		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "policy allows 3 keys") {
				t.Error(err)
			}
		}
		if made != 1 {
			t.Fatalf("%d made where one had room", made)
		}
		if _, err := w.keys.Rotate(bg, w.developer, first, key.RotateRequest{Token: w.keys.NewFormToken(w.developer, key.RotatePurpose(first)), OverlapDays: 5}); err != nil {
			t.Error("a full app can’t rotate", err)
		}
		clock.Advance(25 * time.Hour)
		if err := try(); err != nil {
			t.Error("expired keys still count", err)
		}
	})
}

func TestRotationsDoNotGetAroundThePolicy(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		if err := w.policy(90, 365, false, 2); err != nil {
			t.Fatal(err)
		}
		rotate := func(id db.ID, overlap int) (db.ID, error) {
			made, err := w.keys.Rotate(bg, w.developer, id, key.RotateRequest{Token: w.keys.NewFormToken(w.developer, key.RotatePurpose(id)), OverlapDays: overlap})
			return made.Key.ID, err
		}
		w.make(w.developer, "1")
		second, err := rotate(w.make(w.developer, "2").Key.ID, 7)
		if err != nil {
			t.Fatal("a full app can’t rotate:", err)
		}

		var all sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			all.Go(func() { _, errs[i] = rotate(second, 7) })
		}
		all.Wait()

		for _, err := range errs {
			if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "in their overlap") {
				t.Error("a chain of overlaps:", err)
			}
		}
		_, err = w.keys.Create(bg, w.developer, key.CreateRequest{Token: w.token(w.developer), AppID: w.app, Environment: "live", Name: "n", Pairs: []key.Pair{readOrders}})
		expect(t, "one more", err, fault.Conflict)
		third, err := rotate(second, 0)
		if err != nil {
			t.Error("without overlap there is no more key than before:", err)
		}
		clock.Advance(8 * day)
		if _, err := rotate(third, 7); err != nil {
			t.Error("the overlap is over:", err)
		}
	})
}
