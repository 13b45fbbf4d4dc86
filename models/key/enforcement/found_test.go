package enforcement_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/keytest"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// K4: no policy was changed, but another plan has a shorter lifetime: the key's people are told, then its end is brought forward, once.
func TestKeyThatComesUnderAShorterLifetimeIsFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		short, now := db.NewID(), clock.Now()
		w.Run("INSERT INTO plans (id, api_id, name, rate_requests, rate_period_seconds, burst, needs_approval, created_at, updated_at) VALUES (?, ?, 'Short', 100, 60, 100, FALSE, ?, ?)", short, w.API, now, now)
		if err := w.policies.Save(bg, w.Staff, policy.Source{Kind: policy.Plan, ID: short}, policy.Rules{MaxDays: new(40)}); err != nil {
			t.Fatal(err)
		}
		long, soon := w.Make(w.Developer, "Long", 365).Key.ID, w.Make(w.Developer, "Ends by itself", 39).Key.ID
		before, kept := *w.Row(long).ExpiresAt, *w.Row(soon).ExpiresAt
		if got := w.pass(1); len(got) > 0 || len(w.countdown(long)) > 0 {
			t.Fatal("no rule is broken yet:", got)
		}

		w.Run("UPDATE access SET plan_id = ? WHERE id = ?", short, w.Access)
		clock.Advance(6 * time.Hour)
		if err := w.store.Enforce(bg); err != nil {
			t.Fatal(err)
		}

		letters := w.Mails()
		if diff := cmp.Diff([]string{"dev key_policy_due", "ops key_policy_due"}, keytest.Names(letters)); diff != "" {
			t.Fatal(diff)
		}
		if words := keytest.Words(letters[0]); !strings.Contains(words, "Orders · Short") || !strings.Contains(words, "Long") || strings.Contains(words, "Ends by itself") {
			t.Error(words)
		}
		if c := w.countdown(long); len(c) != 1 || c[0].Rule != policy.Life || !c[0].At.Equal(clock.Now().Add(14*day)) {
			t.Errorf("%+v", c)
		}
		if got := w.pass(13); len(got) > 0 || !w.Row(long).ExpiresAt.Equal(before) {
			t.Error("something became of it during its notice:", got)
		}
		want := map[int][]string{1: {"dev key_policy_shortened", "ops key_policy_shortened"}}
		if diff := cmp.Diff(want, w.pass(20)); diff != "" {
			t.Error(diff)
		}
		end := now.Add(40 * day).Truncate(day).Add(day)
		if r := w.Row(long); !r.ExpiresAt.Equal(end) {
			t.Error(r.ExpiresAt, end)
		}
		if !w.Row(soon).ExpiresAt.Equal(kept) {
			t.Error("it ends soon enough by itself")
		}
	})
}

// K4: a page tells what a noticed tightening will make of a key, even when the key breaks nothing today, and not before the notice and the warning are over.
func TestPlannedRuleIsCountedDownOnKeysThatItDoesNotHitYet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		old := w.Make(w.Developer, "Old", 365).Key.ID
		clock.Advance(60 * day)
		fresh := w.Make(w.Developer, "Fresh", 365).Key.ID
		change, err := w.policies.Propose(bg, w.Staff, w.orders, policy.Rules{RotateDays: new(50)})
		if err != nil || change.IsZero() {
			t.Fatal(change, err)
		}

		if err := w.policies.Confirm(bg, w.Staff, change, 45); err != nil {
			t.Fatal(err)
		}
		if err := w.worker.Step(bg); err != nil {
			t.Fatal(err)
		}

		effective := clock.Now().Add(45 * day)
		if c := w.countdown(old); len(c) != 1 || !c[0].At.Equal(effective) || c[0].Rule != policy.Age {
			t.Errorf("hit today: %+v", c)
		}
		if c := w.countdown(fresh); len(c) != 1 || !c[0].At.Equal(effective.Add(14*day)) || c[0].Value != 50 || c[0].Source.Label() != "Orders" {
			t.Errorf("not hit today: %+v", c)
		}
		w.pass(58)
		if w.State(fresh) != key.Active {
			t.Error("paused before its countdown was over")
		}
		w.pass(2)
		if w.State(fresh) != key.Paused {
			t.Error("not paused when its countdown was over")
		}
	})
}
