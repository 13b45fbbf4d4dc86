package enforcement_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/job"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/enforcement"
	"github.com/gatehouse-dev/gatehouse/models/key/keytest"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

var bg = context.Background()

const day = 24 * time.Hour

type world struct {
	*keytest.World
	t        *testing.T
	policies *policy.Store
	store    *enforcement.Store
	worker   *job.Worker
	orders   policy.Source
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	w := &world{World: keytest.New(t, d, clock), t: t, policies: policy.NewStore(d)}
	w.store, w.orders = enforcement.NewStore(d, w.Keys), policy.Source{Kind: policy.API, ID: w.API}
	w.worker = job.NewWorker(d, "test")
	w.worker.Handle(policy.TellJob, w.store.Tell)
	return w
}

func (w *world) save(r policy.Rules) {
	w.t.Helper()
	if err := w.policies.Save(bg, w.Staff, w.orders, r); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) enforce() []string {
	w.t.Helper()
	if err := w.store.Enforce(bg); err != nil {
		w.t.Fatal(err)
	}
	return keytest.Names(w.Mails())
}

// pass lets days pass, with the job run each hour as in life; it gives all letters by the day they went out on.
func (w *world) pass(days int) map[int][]string {
	w.t.Helper()
	out := map[int][]string{}
	for h := range days * 4 {
		w.Clock.Advance(6 * time.Hour)
		if names := w.enforce(); len(names) > 0 {
			out[h/4+1] = append(out[h/4+1], names...)
		}
	}
	return out
}

func (w *world) countdown(id db.ID) []policy.Countdown {
	w.t.Helper()
	d, err := w.Keys.Get(bg, w.Developer, id)
	if err != nil {
		w.t.Fatal(err)
	}
	all, err := w.Keys.Countdowns(bg, []key.Row{d.Row})
	if err != nil {
		w.t.Fatal(err)
	}
	return all[id]
}

// K4: an unused key is paused, after two warnings, in the name of the policy; use saves it, and one button brings it back.
func TestUnusedKeyIsPausedAfterItsWarnings(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.save(policy.Rules{IdleDays: new(30)})
		start := clock.Now()
		idle, used := w.Make(w.Developer, "Idle", 365).Key.ID, w.Make(w.Developer, "Used", 365).Key.ID
		if c := w.countdown(idle); len(c) != 1 || c[0].Rule != policy.Idle || !c[0].At.Equal(start.Add(30*day)) || c[0].Source.Label() != "Orders" {
			t.Errorf("countdown of a new key: %+v", c)
		}

		got := w.pass(22)
		w.Use(used, "203.0.113.0/24")
		for d, names := range w.pass(7) {
			got[d+22] = names
		}
		if w.State(idle) != key.Active {
			t.Fatal("paused too early")
		}
		for d, names := range w.pass(2) {
			got[d+29] = names
		}

		want := map[int][]string{23: {"dev key_policy_due", "ops key_policy_due"}, 29: {"dev key_policy_due", "ops key_policy_due"}, 30: {"dev key_policy_paused", "ops key_policy_paused"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		r := w.Row(idle)
		if r.PausedAt == nil || r.PausedCause != key.PausedIdle || w.State(used) != key.Active {
			t.Fatal(r.PausedAt, r.PausedCause, w.State(used))
		}
		if acts := w.Acts(idle); !slices.Contains(acts, "key.paused") {
			t.Error(acts)
		}
		if err := w.Keys.Resume(bg, w.Developer, idle); err != nil {
			t.Fatal(err)
		}
		if got := w.pass(5); len(got) > 0 || w.State(idle) != key.Active {
			t.Error("a resumed key is idle from its resumption on", got)
		}
	})
}

// K4: a key that is too old is paused after its notice, can be rotated but not resumed, and gateways are left alone.
func TestOldKeyIsPausedUntilItIsRotated(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.save(policy.Rules{RotateDays: new(60)})
		id := w.Make(w.Developer, "Old", 365).Key.ID

		got := w.pass(61)

		want := map[int][]string{46: {"dev key_policy_due", "ops key_policy_due"}, 59: {"dev key_policy_due", "ops key_policy_due"}, 60: {"dev key_policy_paused", "ops key_policy_paused"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if r := w.Row(id); r.PausedCause != key.PausedAge {
			t.Fatal(r.PausedCause)
		}
		if err := w.Keys.Resume(bg, w.Developer, id); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "Orders") {
			t.Error("resumed:", err)
		}
		if next := w.Rotate(w.Developer, id, 0).Key.ID; w.State(next) != key.Active {
			t.Error(w.State(next))
		}
	})
}

// K4: neither a pause over the day on which something is due, nor a rotation that is undone after it, is a way round a policy.
func TestWhatIsDueWaitsForAKeyThatRests(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.save(policy.Rules{RotateDays: new(60)})
		paused, rotated := w.Make(w.Developer, "Paused", 365).Key.ID, w.Make(w.Developer, "Rotated", 365).Key.ID
		w.pass(59)
		if err := w.Keys.Pause(bg, w.Developer, paused); err != nil {
			t.Fatal(err)
		}
		next := w.Rotate(w.Developer, rotated, 20).Key.ID
		if got := w.pass(10); len(got) > 0 {
			t.Error("something became of keys that rest:", got)
		}

		if err := w.Keys.Resume(bg, w.Developer, paused); err != nil {
			t.Fatal(err)
		}
		w.Run("UPDATE keys SET overlap_ends_at = NULL WHERE id = ?", rotated)
		w.Run("UPDATE keys SET revoked_at = ?, rotation_undone_at = ? WHERE id = ?", clock.Now(), clock.Now(), next)
		w.pass(1)

		for name, id := range map[string]db.ID{"paused over the day": paused, "rotated over the day": rotated} {
			if r := w.Row(id); r.PausedCause != key.PausedAge {
				t.Errorf("%s: %q, %s", name, r.PausedCause, w.State(id))
			}
		}
	})
}

// K4, U1: a tightening holds for new keys at once; those that were there go by the old rule until the notice is over, and their people are told once.
func TestTighteningGivesItsNoticeToKeysThatWereThere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		long, short := w.Make(w.Developer, "Long", 365).Key.ID, w.Make(w.Developer, "Short", 20).Key.ID
		clock.Advance(day)
		w.Mails()

		id, err := w.policies.Propose(bg, w.Staff, w.orders, policy.Rules{MaxDays: new(30), Networks: new(true)})
		if err != nil || id.IsZero() {
			t.Fatal(id, err)
		}
		p, err := w.policies.Change(bg, w.Staff, id)
		if err != nil || p.Keys != 2 || p.ByRule[policy.Life] != 1 || p.ByRule[policy.Networks] != 1 || p.EndBefore != 1 || p.Organizations != 1 || p.Shares[0].Keys != 2 {
			t.Fatalf("%+v %v", p, err)
		}
		if made := w.Make(w.Developer, "Before it is saved", 300); made.Key.ExpiresAt == nil {
			t.Error("a preview changes nothing")
		}
		if err := w.policies.Confirm(bg, w.Staff, id, 0); !fault.Is(err, fault.Invalid) {
			t.Error("no notice:", err)
		}
		for range 2 {
			if err := w.policies.Confirm(bg, w.Staff, id, 10); err != nil {
				t.Fatal(err)
			}
		}
		effective := clock.Now().Add(10 * day)
		for range 2 {
			if err := w.worker.Step(bg); err != nil {
				t.Fatal(err)
			}
			payload, _ := json.Marshal(policy.Told{ChangeID: id})
			if err := w.store.Tell(bg, payload); err != nil {
				t.Fatal(err)
			}
		}
		letters := w.Mails()
		if diff := cmp.Diff([]string{"dev key_policy_changed", "ops key_policy_changed"}, keytest.Names(letters)); diff != "" {
			t.Fatal(diff)
		}
		if words := keytest.Words(letters[0]); !strings.Contains(words, "Orders") || !strings.Contains(words, "Before it is saved") || strings.Contains(letters[0].Subject.Key, "Orders") {
			t.Error(words)
		}
		_, err = w.Keys.Create(bg, w.Developer, key.CreateRequest{Token: w.Keys.NewFormToken(w.Developer, key.CreatePurpose()), AppID: w.App, Environment: "live", Name: "New", Pairs: []key.Pair{{API: "orders", Scope: "orders:read"}}, Expiry: key.Expiry{Days: 31}})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "Orders allows 30 days at most") || !strings.Contains(err.Error(), "policy of Orders asks each key to name the networks") {
			t.Error("a new key goes by the new rules:", err)
		}
		if c := w.countdown(long); len(c) != 2 || !c[1].At.Equal(effective) || c[1].Rule != policy.Life || c[1].Value != 30 {
			t.Errorf("%+v", c)
		}

		before := *w.Row(long).ExpiresAt
		if got := w.pass(9); len(got[9]) == 0 || !w.Row(long).ExpiresAt.Equal(before) || w.State(short) == key.Paused {
			t.Error("something became of a key during its notice", got)
		}
		if err := w.Keys.SetBounds(bg, w.Developer, short, key.BoundsForm{Networks: "203.0.113.0/24"}, false); err != nil {
			t.Fatal(err)
		}
		w.pass(2)

		r := w.Row(long)
		if r.PausedCause != key.PausedNetworks || r.ExpiresAt.Before(effective.Add(7*day-time.Hour)) || r.ExpiresAt.After(clock.Now().Add(30*day)) {
			t.Error(r.PausedCause, r.ExpiresAt)
		}
		if w.State(short) == key.Paused {
			t.Error("it names its networks")
		}
		if err := w.Keys.Resume(bg, w.Developer, long); !fault.Is(err, fault.Conflict) {
			t.Error("resumed without networks:", err)
		}
		if err := w.Keys.SetBounds(bg, w.Developer, long, key.BoundsForm{Networks: "203.0.113.0/24"}, false); err != nil {
			t.Fatal(err)
		}
		if err := w.Keys.Resume(bg, w.Developer, long); err != nil {
			t.Error(err)
		}
	})
}

func TestTakingATighteningBackSparesTheKeys(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		id := w.Make(w.Developer, "Long", 365).Key.ID
		change, err := w.policies.Propose(bg, w.Staff, w.orders, policy.Rules{MaxDays: new(30)})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.policies.Confirm(bg, w.Staff, change, 5); err != nil {
			t.Fatal(err)
		}
		if err := w.worker.Step(bg); err != nil {
			t.Fatal(err)
		}
		w.save(policy.Rules{})

		w.pass(7)

		if r := w.Row(id); r.ExpiresAt.Sub(r.CreatedAt) < 300*day || len(w.countdown(id)) > 0 {
			t.Error(r.ExpiresAt, w.countdown(id))
		}
	})
}

func TestStalePreviewsAndChangedPoliciesAreNotSaved(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	w.Make(w.Developer, "Long", 365)
	propose := func(days int) db.ID {
		id, err := w.policies.Propose(bg, w.Staff, w.orders, policy.Rules{MaxDays: &days})
		if err != nil || id.IsZero() {
			t.Fatal(id, err)
		}
		return id
	}
	first, second := propose(30), propose(20)
	if err := w.policies.Confirm(bg, w.Staff, first, 5); err != nil {
		t.Fatal(err)
	}
	if err := w.policies.Confirm(bg, w.Staff, second, 5); !fault.Is(err, fault.Conflict) {
		t.Error("made before the policy was changed:", err)
	}
	third := propose(10)
	clock.Advance(time.Hour)
	if err := w.policies.Confirm(bg, w.Staff, third, 5); !fault.Is(err, fault.Conflict) {
		t.Error("an hour old:", err)
	}
	for _, who := range []struct {
		name string
		err  error
	}{
		{"developer", w.policies.Confirm(bg, w.Developer, third, 5)},
		{"developer saves", w.policies.Save(bg, w.Developer, w.orders, policy.Rules{})},
	} {
		if !fault.Is(who.err, fault.Forbidden) {
			t.Error(who.name, who.err)
		}
	}
	if err := w.policies.Save(bg, w.Staff, policy.Source{Kind: policy.API, ID: db.NewID()}, policy.Rules{MaxDays: new(3)}); !fault.Is(err, fault.NotFound) {
		t.Error("an API that there is not:", err)
	}
	if err := w.policies.Save(bg, w.Staff, w.orders, policy.Rules{MaxDays: new(3), DefaultDays: new(4), IdleDays: new(0)}); !fault.Is(err, fault.Invalid) {
		t.Error("out of range:", err)
	}
	if err := w.policies.Sweep(bg); err != nil {
		t.Fatal(err)
	}
	if _, err := w.policies.Change(bg, w.Staff, third); !fault.Is(err, fault.NotFound) {
		t.Error("an old preview is swept:", err)
	}
	if _, err := w.policies.Change(bg, w.Staff, first); err != nil {
		t.Error("a saved change is not:", err)
	}
}

// Z2
func TestMembersReadTheRulesOfTheirOrganizationAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.save(policy.Rules{IdleDays: new(30)})
		got, err := w.policies.Rules(bg, w.Developer, w.Org)
		if err != nil || len(got.Rules) != 2 || got.Rules[1].Source.Name != "Orders" || got.Always.Max.Value != 365 || got.Always.Idle.Value != 0 {
			t.Errorf("%+v %v", got, err)
		}
		if _, err := w.policies.Rules(bg, w.Stranger, w.Org); !fault.Is(err, fault.NotFound) {
			t.Error("a stranger:", err)
		}
		if got, err := w.policies.Rules(bg, w.Stranger, w.Strangers); err != nil || len(got.Rules) != 1 {
			t.Error("only what can apply to its keys:", got, err)
		}
	})
}
