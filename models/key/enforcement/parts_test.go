package enforcement_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key/keytest"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// many makes keys of one maker in the shop, that live for 300 days.
func (w *world) many(n int) {
	w.t.Helper()
	t, now := table{}, w.Clock.Now()
	for i := range n {
		id := db.NewID()
		t.add("keys (id, app_id, environment, name, data_domain, prefix, last_four, digest_algorithm, pepper_version, digest, created_by, expires_at, created_at, updated_at)", id, w.App, "live", fmt.Sprintf("Worker %d", i),
			"customer", "gk_live_", "abcd", "hmac-sha256", "1", fmt.Appendf(nil, "%032d", i), w.Developer.UserID, now.Add(300*day), now.Add(-day), now)
		t.add("key_grants (key_id, api_id, scope_id)", id, w.API, w.Scope)
	}
	if err := w.DB.Tx(bg, t.write); err != nil {
		w.t.Fatal(err)
	}
}

// K4, REL-23: a change that hits many keys of one organization is told in parts. Cut between two of them it goes on where it stopped: each key has its day
// once, and each reader one letter.
func TestTellingThatWasCutGoesOnAndTellsNobodyTwice(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		const many = 700
		w.many(many)
		change, err := w.policies.Propose(bg, w.Staff, w.orders, policy.Rules{MaxDays: new(30)})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.policies.Confirm(bg, w.Staff, change, 10); err != nil {
			t.Fatal(err)
		}
		told := func() (n int) {
			if err := d.Read(bg).Raw("SELECT COUNT(*) FROM key_policy_change_keys WHERE told_at IS NOT NULL").Row().Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		payload, _ := json.Marshal(policy.Told{ChangeID: change})

		first := w.store.TellFirst(bg, change, 250)
		partly := told()
		again := w.store.Tell(bg, payload)
		once := w.store.Tell(bg, payload)

		if partly != 250 {
			t.Fatal("the first run was not cut in between:", first, partly)
		}
		if err := errors.Join(first, again, once); err != nil || told() != many {
			t.Fatal(err, told())
		}
		letters := w.Mails()
		if names := strings.Join(keytest.Names(letters), ", "); names != "dev key_policy_changed, ops key_policy_changed" {
			t.Error(names)
		}
		var dues int
		if err := d.Read(bg).Raw("SELECT COUNT(*) FROM key_policy_dues WHERE rule = 'life' AND told = 1").Row().Scan(&dues); err != nil || dues != many {
			t.Error("days written down:", dues, err)
		}
		if len(letters) > 0 && !strings.Contains(keytest.Words(letters[0]), "… and others") {
			t.Error("the letter does not say that there are others")
		}
	})
}

// K4: a preview that a kill cut short does not know all that it hits, so nobody saves it; what was said holds on, and a new one can be made.
func TestPreviewThatWasCutShortIsNotSaved(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.many(3)
		change, err := w.policies.Propose(bg, w.Staff, w.orders, policy.Rules{MaxDays: new(30)})
		if err != nil {
			t.Fatal(err)
		}
		w.Run("UPDATE key_policy_changes SET keys = 0 WHERE id = ?", change) // as it is until all keys are in

		cut := w.policies.Confirm(bg, w.Staff, change, 10)
		again, err := w.policies.Propose(bg, w.Staff, w.orders, policy.Rules{MaxDays: new(30)})

		if !fault.Is(cut, fault.Conflict) {
			t.Error("it was saved:", cut)
		}
		if err != nil || again.IsZero() || w.policies.Confirm(bg, w.Staff, again, 10) != nil {
			t.Error("no new one:", err)
		}
	})
}

// K4: keys that were made by the old rules while somebody read the preview are hit, too, whatever the change is for; keys that it is not for are not.
func TestKeysMadeSinceThePreviewAreHitToo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		var plan db.ID
		if err := d.Read(bg).Raw("SELECT id FROM plans WHERE api_id = ?", w.API).Row().Scan(&plan); err != nil {
			t.Fatal(err)
		}
		w.Make(w.Developer, "There before", 300)
		clock.Advance(time.Minute)
		subjects := []policy.Source{{Kind: policy.Installation}, w.orders, {Kind: policy.Plan, ID: plan}, {Kind: policy.Scope, ID: w.Scope}, {Kind: policy.Organization, ID: w.Org}}
		changes := map[policy.Kind]db.ID{}
		for _, s := range subjects {
			rules := policy.Rules{MaxDays: new(30)}
			if s.Kind == policy.Installation {
				rules.DefaultDays, rules.KeysPerApp = new(30), new(1000)
			}
			id, err := w.policies.Propose(bg, w.Staff, s, rules)
			if err != nil || id.IsZero() {
				t.Fatal(s.Kind, id, err)
			}
			changes[s.Kind] = id
		}
		clock.Advance(time.Minute)
		w.Make(w.Developer, "Made since", 300)
		app, now := db.NewID(), clock.Now()
		w.Run("INSERT INTO apps (id, organization_id, name, created_at, updated_at) VALUES (?, ?, 'Elsewhere', ?, ?)", app, w.Strangers, now, now)
		w.Run(`INSERT INTO keys (id, app_id, environment, name, prefix, last_four, digest_algorithm, pepper_version, digest, created_at, updated_at)
			VALUES (?, ?, 'live', 'Elsewhere', 'gk_live_', 'abcd', 'hmac-sha256', '1', ?, ?, ?)`, db.NewID(), app, []byte("elsewhere"), now, now)

		for _, s := range subjects {
			if err := w.policies.Confirm(bg, w.Staff, changes[s.Kind], 10); err != nil {
				t.Fatal(s.Kind, err)
			}
			var hit, counted int
			if err := d.Read(bg).Raw("SELECT COUNT(z.key_id), c.keys FROM key_policy_changes c JOIN key_policy_change_keys z ON z.change_id = c.id WHERE c.id = ? GROUP BY c.keys", changes[s.Kind]).Row().Scan(&hit, &counted); err != nil {
				t.Fatal(err)
			}
			want := 2
			if s.Kind == policy.Installation {
				want = 3
			}
			if hit != want || counted != want {
				t.Errorf("%s: %d keys are hit, %d counted, want %d", s.Kind, hit, counted, want)
			}
		}
	})
}
