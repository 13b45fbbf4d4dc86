package key_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

var bg = context.Background()

// K1, K3
func TestTheTextOfAKeyIsNowhereInTheDatabase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)

		made := w.make(w.developer, "Checkout worker", readOrders, writeOrders)

		text := made.Secret.Reveal()
		if env, ok := apikey.Parse("gk", text); !ok || env != apikey.Live {
			t.Fatalf("no key: %s", made.Secret)
		}
		if made.Key.Hint() != apikey.Hint(text) || strings.Contains(fmt.Sprintf("%+v %#v", made, made), text) {
			t.Fatal("the hint is wrong or the result shows the key")
		}
		for _, table := range []string{"keys", "audit_events", "audit_personal", "form_tokens", "mails", "changes"} {
			var rows []map[string]any
			if err := d.Read(bg).Raw("SELECT * FROM " + table).Scan(&rows).Error; err != nil {
				t.Fatal(err)
			}
			if s := fmt.Sprintf("%s %q", rows, rows); strings.Contains(s, text) || strings.Contains(s, text[9:41]) {
				t.Fatalf("%s holds the key", table)
			}
		}
	})
}

// K2: parallel sends of one form make one key, and one of them has its text
func TestOneFormMakesOneKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		request := key.CreateRequest{Token: w.token(w.developer), AppID: w.app, Environment: "test", Name: "Once", Pairs: []key.Pair{readOrders}}
		made, errs := make([]key.Made, 20), make([]error, 20)

		var all sync.WaitGroup
		for i := range made {
			all.Go(func() { made[i], errs[i] = w.keys.Create(bg, w.developer, request) })
		}
		all.Wait()

		ids, secrets := map[db.ID]bool{}, 0
		for i := range made {
			if errs[i] != nil {
				t.Fatal(errs[i])
			}
			ids[made[i].Key.ID] = true
			if made[i].Secret.Reveal() != "" {
				secrets++
			}
			if made[i].Again != (made[i].Secret.Reveal() == "") {
				t.Error("a repeat and a secret go together")
			}
		}
		page, err := w.keys.List(bg, w.developer, key.Filter{}, db.PageRequest{})
		if err != nil || len(page.Rows) != 1 || len(ids) != 1 || secrets != 1 {
			t.Fatalf("%d keys, %d ids, %d secrets, %v", len(page.Rows), len(ids), secrets, err)
		}
	})
}

func TestAFormOfSomebodyElseOrAnotherPurposeOrTooOldMakesNothing(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, dbtest.NewClock()), dbtest.NewClock())
	old := w.token(w.developer)
	for name, token := range map[string]string{
		"none": "", "garbage": "AAAA", "another's": w.token(w.other), "another purpose": w.keys.NewFormToken(w.developer, key.RotatePurpose(db.NewID())),
		"altered": old[:len(old)-2] + "AA",
	} {
		_, err := w.keys.Create(bg, w.developer, key.CreateRequest{Token: token, AppID: w.app, Environment: "live", Name: "x", Pairs: []key.Pair{readOrders}})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A failed try leaves the form good, so that the person can correct it.
func TestARefusedFormCanBeSentAgain(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	r := key.CreateRequest{Token: w.token(w.developer), AppID: w.app, Environment: "live", Pairs: []key.Pair{readOrders}}

	_, refused := w.keys.Create(bg, w.developer, r)
	r.Name = "Named now"
	made, err := w.keys.Create(bg, w.developer, r)

	if !fault.Is(refused, fault.Invalid) || err != nil || made.Again {
		t.Fatal(refused, err, made.Again)
	}
	clock.Advance(key.FormLife + time.Second)
	if _, err := w.keys.Create(bg, w.developer, r); !fault.Is(err, fault.Invalid) {
		t.Fatal("a day later it still works", err)
	}
}

func TestWhoMayMakeAndManageKeys(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		devs := w.make(w.developer, "Dev’s").Key.ID

		for _, c := range []struct {
			who    string
			actor  actor.Actor
			create fault.Kind
			manage fault.Kind
		}{
			{"owner", w.owner, -1, -1},
			{"admin", w.admin, -1, -1},
			{"developer", w.developer, -1, -1},
			{"other developer", w.other, -1, fault.Forbidden},
			{"viewer", w.viewer, fault.Forbidden, fault.Forbidden},
			{"stranger", w.stranger, fault.NotFound, fault.NotFound},
			{"staff", w.staff, fault.NotFound, fault.NotFound},
			{"nobody", actor.Actor{}, fault.NotFound, fault.NotFound},
		} {
			_, err := w.keys.Create(bg, c.actor, key.CreateRequest{Token: w.token(c.actor), AppID: w.app, Environment: "live", Name: "by " + c.who, Pairs: []key.Pair{readOrders}})
			expect(t, c.who+" create", err, c.create)
			expect(t, c.who+" pause", w.keys.Pause(bg, c.actor, devs), c.manage)
			expect(t, c.who+" resume", w.keys.Resume(bg, c.actor, devs), c.manage)
			expect(t, c.who+" rename", w.keys.Rename(bg, c.actor, devs, "Renamed by "+c.who), c.manage)
			if c.manage != -1 {
				expect(t, c.who+" revoke", w.keys.Revoke(bg, c.actor, devs, ""), c.manage)
				_, err := w.keys.Rotate(bg, c.actor, devs, key.RotateRequest{Token: w.keys.NewFormToken(c.actor, key.RotatePurpose(devs))})
				expect(t, c.who+" rotate", err, c.manage)
			}
		}
		if w.state(devs) != key.Active {
			t.Fatal("somebody changed it")
		}
	})
}

func expect(t *testing.T, what string, err error, kind fault.Kind) {
	t.Helper()
	if kind == -1 && err != nil || kind != -1 && !fault.Is(err, kind) {
		t.Errorf("%s: %v", what, err)
	}
}

// Z2
func TestAForeignKeyIsLikeNone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		theirs, none := w.make(w.developer, "Secret plans").Key.ID, db.NewID()
		before := w.events()

		for act, do := range map[string]func(id db.ID) error{
			"get":    func(id db.ID) error { _, err := w.keys.Get(bg, w.stranger, id); return err },
			"pause":  func(id db.ID) error { return w.keys.Pause(bg, w.stranger, id) },
			"resume": func(id db.ID) error { return w.keys.Resume(bg, w.stranger, id) },
			"rename": func(id db.ID) error { return w.keys.Rename(bg, w.stranger, id, "Mine") },
			"revoke": func(id db.ID) error { return w.keys.Revoke(bg, w.stranger, id, "") },
			"rotate": func(id db.ID) error {
				_, err := w.keys.Rotate(bg, w.stranger, id, key.RotateRequest{Token: w.keys.NewFormToken(w.stranger, key.RotatePurpose(id))})
				return err
			},
		} {
			foreign, absent := do(theirs), do(none)
			if !fault.Is(foreign, fault.NotFound) || foreign.Error() != absent.Error() {
				t.Errorf("%s: %v and %v", act, foreign, absent)
			}
		}
		page, err := w.keys.List(bg, w.stranger, key.Filter{OrganizationID: w.org}, db.PageRequest{})
		if err != nil || len(page.Rows) != 0 || w.events() != before {
			t.Fatal("a stranger sees or changes keys", page.Rows, err)
		}
	})
}

func TestOnlyStaffWithTheRightManageAllKeys(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, dbtest.NewClock()), dbtest.NewClock())
	id := w.make(w.developer, "x").Key.ID

	for _, who := range []actor.Actor{w.support, w.owner, w.stranger, {}} {
		expect(t, who.Name+" suspend", w.keys.Suspend(bg, who, id, "because", nil), fault.Forbidden)
		expect(t, who.Name+" lift", w.keys.Unsuspend(bg, who, id), fault.Forbidden)
		expect(t, who.Name+" revoke", w.keys.RevokeByStaff(bg, who, id, "because"), fault.Forbidden)
		_, err := w.keys.CreateGatewayKey(bg, who, w.orders, "")
		expect(t, who.Name+" gateway", err, fault.Forbidden)
	}
	if _, err := w.keys.GetAny(bg, w.support, id); err != nil {
		t.Error("support can’t read a key", err)
	}
}

// K6, B1-18
func TestAKeyStaysWithinItsAppsAccessAndOneDataDomain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		try := func(app db.ID, pairs ...key.Pair) (key.Made, error) {
			return w.keys.Create(bg, w.admin, key.CreateRequest{Token: w.token(w.admin), AppID: app, Environment: "live", Name: "x", Pairs: pairs})
		}

		_, foreign := try(w.app, key.Pair{API: "orders", Scope: "orders:delete"})
		_, both := try(w.app, readOrders, readPeople)
		_, empty := try(w.app)
		with, withPortal := try(w.app, readOrders, verifyKeys, readOrders)
		_, bare := try(w.bare)
		_, others := try(w.foreignApp, readOrders)

		for what, err := range map[string]error{"not in the access": foreign, "two domains": both, "nothing ticked": empty} {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if withPortal != nil || with.Key.DataDomain != "customer" || bare != nil || !fault.Is(others, fault.NotFound) {
			t.Error(withPortal, with.Key.DataDomain, bare, others)
		}
		if d, err := w.keys.Get(bg, w.admin, with.Key.ID); err != nil || len(d.Grants) != 2 {
			t.Error("grants", d.Grants, err)
		}
	})
}

func TestNoKeyIsMadeInASuspendedOrDeletedApp(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, dbtest.NewClock()), dbtest.NewClock())
	try := func() error {
		_, err := w.keys.Create(bg, w.admin, key.CreateRequest{Token: w.token(w.admin), AppID: w.app, Environment: "live", Name: "x", Pairs: []key.Pair{readOrders}})
		return err
	}

	w.run("UPDATE apps SET suspended_at = ? WHERE id = ?", w.clock.Now(), w.app)
	expect(t, "suspended", try(), fault.Conflict)
	w.run("UPDATE apps SET suspended_at = NULL, deleted_at = ? WHERE id = ?", w.clock.Now(), w.app)
	expect(t, "deleted", try(), fault.NotFound)
}

// U1, K8
func TestEveryChangeOfAKeyIsAuditedAndToldToVerification(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		var seen []db.Change
		d.OnCommit(func(c []db.Change) { seen = append(seen, c...) })
		made := w.make(w.developer, "Life")
		id := made.Key.ID
		until := clock.Now().Add(time.Hour)

		for _, step := range []struct {
			act string
			do  func() error
		}{
			{"key.paused", func() error { return w.keys.Pause(bg, w.developer, id) }},
			{"key.resumed", func() error { return w.keys.Resume(bg, w.developer, id) }},
			{"key.renamed", func() error { return w.keys.Rename(bg, w.developer, id, "Other") }},
			{"key.suspended", func() error { return w.keys.Suspend(bg, w.staff, id, "odd calls", &until) }},
			{"key.unsuspended", func() error { return w.keys.Unsuspend(bg, w.staff, id) }},
			{"key.rotated key.created", func() error {
				_, err := w.keys.Rotate(bg, w.developer, id, key.RotateRequest{Token: w.keys.NewFormToken(w.developer, key.RotatePurpose(id)), OverlapDays: 2})
				return err
			}},
			{"key.revoked", func() error { return w.keys.Revoke(bg, w.developer, id, "") }},
		} {
			before, told := w.events(), len(seen)
			if err := step.do(); err != nil {
				t.Fatal(step.act, err)
			}
			acts := w.acts(before)
			slices.Sort(acts)
			want := strings.Fields(step.act)
			slices.Sort(want)
			if !slices.Equal(acts, want) || len(seen) == told {
				t.Errorf("%s: audited %v, told %v", step.act, acts, seen[told:])
			}
			if again := w.events(); strings.HasPrefix(step.act, "key.revoked") {
				if err := step.do(); err != nil || w.events() != again {
					t.Errorf("%s: a repeat fails or is audited: %v", step.act, err)
				}
			}
		}
		if diff := cmp.Diff([]string{"key.created"}, w.acts(0)[:1]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRevokedAndExpiredAreFinal(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		revoked, expired := w.make(w.developer, "Revoked").Key.ID, w.make(w.developer, "Expired").Key.ID
		if err := w.keys.Revoke(bg, w.developer, revoked, "not needed"); err != nil {
			t.Fatal(err)
		}
		clock.Advance(91 * day)

		for _, id := range []db.ID{revoked, expired} {
			_, rotate := w.keys.Rotate(bg, w.developer, id, key.RotateRequest{Token: w.keys.NewFormToken(w.developer, key.RotatePurpose(id))})
			for act, err := range map[string]error{"pause": w.keys.Pause(bg, w.developer, id), "resume": w.keys.Resume(bg, w.developer, id), "rotate": rotate, "suspend": w.keys.Suspend(bg, w.staff, id, "why", nil)} {
				expect(t, act, err, fault.Conflict)
			}
		}
		if w.state(revoked) != key.Revoked || w.state(expired) != key.Expired {
			t.Fatal(w.state(revoked), w.state(expired))
		}
	})
}

func TestNamesAreBoundedAndOfOneLine(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, dbtest.NewClock()), dbtest.NewClock())
	id := w.make(w.developer, strings.Repeat("ä", key.MaxName)).Key.ID

	for _, bad := range []string{"", "   ", strings.Repeat("a", key.MaxName+1), "two\nlines", "turned \u202e round", "\xff"} {
		expect(t, fmt.Sprintf("%q", bad), w.keys.Rename(bg, w.developer, id, bad), fault.Invalid)
	}
}

// K6: a key outlives its maker's membership, marked for the organization's admins
func TestAKeyOutlivesItsMakersMembership(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		id := w.make(w.developer, "Worker").Key.ID

		w.run("DELETE FROM members WHERE user_id = ?", w.developer.UserID)

		seen, err := w.keys.Get(bg, w.admin, id)
		if err != nil || !seen.Orphaned || seen.State(clock.Now()).Name != key.Active {
			t.Fatal(seen.Orphaned, err)
		}
		expect(t, "Z7: the leaver manages it", w.keys.Revoke(bg, w.developer, id, ""), fault.NotFound)
	})
}
