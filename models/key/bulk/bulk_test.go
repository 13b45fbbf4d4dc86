package bulk_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/bulk"
)

// K9: by owner, name and window; each key once, in parts; one act in the audit log; one mail a reader.
func TestMassRevocationTakesExactlyItsPreviewOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		const many = 2*bulk.PartSize + 100
		w.make(w.north, w.dev, "Leaked", many)
		w.make(w.south, w.sam, "Leaked", 1)
		fine := w.make(w.north, w.dev, "Fine", 3)
		w.run("UPDATE keys SET last_used_at = ? WHERE id = ?", clock.Now(), fine[0])
		id := w.preview(key.Revoking, key.Filter{Query: "leaked", Owner: "wind"})
		p := w.get(id)
		if p.Keys != many+1 || p.Organizations != 2 || p.Apps != 2 || p.Shares[0].Keys != many || p.Used != 0 || p.Verifiers != 0 {
			t.Fatalf("%+v", p)
		}
		w.make(w.north, w.dev, "Leaked later", 2)

		var all sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			all.Go(func() { errs[i] = w.bulks.Start(bg, w.staff, id, "found on a forum") })
		}
		all.Wait()
		w.work()

		after := w.get(id)
		if err := errors.Join(errs...); err != nil || after.Done != many+1 || after.LeftAlone != 0 || after.FinishedAt == nil || after.ToldAt == nil || after.StartedByName != "root" {
			t.Fatalf("%+v %v", after, err)
		}
		if diff := cmp.Diff([]string{"key.many_previewed", "key.many_revoked", "key.many_finished"}, w.acts()); diff != "" {
			t.Error(diff)
		}
		if n := w.count("keys WHERE revoked_at IS NOT NULL AND revoked_reason = 'found on a forum' AND revoked_by IS NOT NULL"); n != many+1 {
			t.Error(n, "are revoked")
		}
		if diff := cmp.Diff([]string{"dev key_revoked", "ops key_revoked", "sam key_revoked"}, w.mails()); diff != "" {
			t.Error("each person is told once:", diff)
		}
		if changes, err := change.Since(bg, d, 0, 10_000); err != nil || len(changes) != many+1 {
			t.Error("verification is told of each:", len(changes), err)
		}
	})
}

// K9: a process that dies between two parts, and one whose lease ran out while another is at it, cost nothing and act once.
func TestAnActGoesOnAfterARestart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		const many = 3*bulk.PartSize + 1
		w.make(w.north, w.dev, "Leaked", many)
		id := w.preview(key.Revoking, key.Filter{Query: "leaked"})
		if err := w.bulks.Start(bg, w.staff, id, "gone"); err != nil {
			t.Fatal(err)
		}
		dying, die := context.WithCancel(bg)
		parts := 0
		d.OnCommit(func(changes []db.Change) {
			if len(changes) == bulk.PartSize {
				if parts++; parts == 2 {
					die()
				}
			}
		})
		_ = w.worker.Step(dying)
		half := w.get(id)
		if half.Done == 0 || half.Done == many || half.FinishedAt != nil {
			t.Fatalf("it did not stop half way: %+v", half.Bulk)
		}

		clock.Advance(10 * time.Minute)
		w.work()
		w.work()

		after := w.get(id)
		if after.Done != many || after.FinishedAt == nil || w.count("keys WHERE revoked_at IS NULL") != 0 {
			t.Fatalf("%+v", after.Bulk)
		}
		if diff := cmp.Diff([]string{"dev key_revoked", "ops key_revoked"}, w.mails()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnActWhoseJobIsGoneIsTakenUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.make(w.north, w.dev, "Leaked", 2)
		id := w.preview(key.Revoking, key.Filter{Query: "leaked"})
		if err := w.bulks.Start(bg, w.staff, id, "gone"); err != nil {
			t.Fatal(err)
		}
		w.run("DELETE FROM jobs")
		clock.Advance(6 * time.Minute)

		err := w.bulks.Sweep(bg)
		w.work()

		if err != nil || w.get(id).Done != 2 {
			t.Fatal(err, w.get(id).Bulk)
		}
	})
}

func TestStaffStopAnActBetweenTwoParts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		const many = 2 * bulk.PartSize
		w.make(w.north, w.dev, "Leaked", many)
		id := w.preview(key.Revoking, key.Filter{Query: "leaked"})
		expect(t, "a preview", w.bulks.Stop(bg, w.staff, id), fault.Conflict)
		if err := w.bulks.Start(bg, w.staff, id, "gone"); err != nil {
			t.Fatal(err)
		}
		stopped := make(chan error, 1)
		stop := sync.OnceFunc(func() { stopped <- w.bulks.Stop(bg, w.staff, id) })
		d.OnCommit(func(changes []db.Change) {
			if len(changes) == bulk.PartSize {
				stop()
			}
		})

		w.work()

		after := w.get(id)
		if err := <-stopped; err != nil || after.Done != bulk.PartSize || after.FinishedAt == nil || after.StoppedAt == nil || w.count("keys WHERE revoked_at IS NULL") != bulk.PartSize {
			t.Fatalf("%+v %v", after.Bulk, err)
		}
		if len(w.mails()) != 2 {
			t.Error("those whose keys were revoked are told:", w.mails())
		}
	})
}

// Pausing keeps what a person had paused before, and resuming gives that back.
func TestKeysThatWerePausedTogetherAreResumedTogether(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids := w.make(w.north, w.dev, "Odd", 4)
		if err := w.keys.Pause(bg, w.dev, ids[0]); err != nil {
			t.Fatal(err)
		}
		pause := w.preview(key.Pausing, key.Filter{Query: "odd"})
		w.carryOut(pause)
		expect(t, "its maker", w.keys.Resume(bg, w.dev, ids[1]), fault.Conflict)
		if err := w.keys.RevokeByStaff(bg, w.staff, ids[3], "leaked"); err != nil {
			t.Fatal(err)
		}
		if n := w.count("keys WHERE paused_cause = 'bulk'"); n != 4 {
			t.Fatal(n, "are paused")
		}

		resume, err := w.bulks.PreviewResume(bg, w.staff, pause)
		if err != nil {
			t.Fatal(err)
		}
		w.carryOut(resume)

		if d := w.get(resume); d.Keys != 3 || d.Done != 3 {
			t.Fatalf("%+v", d.Bulk)
		}
		if n := w.count("keys WHERE paused_at IS NULL"); n != 2 {
			t.Error(n, "work again")
		}
		if err := w.keys.Resume(bg, w.dev, ids[0]); err != nil {
			t.Error("what its maker had paused, its maker resumes:", err)
		}
		_, again := w.bulks.PreviewResume(bg, w.staff, pause)
		expect(t, "again", again, fault.Invalid)
	})
}

func TestKeysAreGivenAnEarlierEndAndNoLaterOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids := w.make(w.north, w.dev, "Old", 3)
		w.run("UPDATE keys SET expires_at = ? WHERE id = ?", clock.Now().Add(24*time.Hour), ids[0])
		w.run("UPDATE keys SET expires_at = NULL WHERE id = ?", ids[1])

		id := w.preview(key.Shortening, key.Filter{Query: "old"})
		w.carryOut(id)

		if after := w.get(id); after.Keys != 2 || after.Done != 2 || len(w.mails()) != 2 {
			t.Fatalf("%+v %v", after.Bulk, w.mails())
		}
		var later int
		if err := d.Read(bg).Raw("SELECT COUNT(*) FROM keys WHERE expires_at IS NULL OR expires_at > ?", clock.Now().Add(5*24*time.Hour)).Scan(&later).Error; err != nil || later != 0 {
			t.Fatal(later, err)
		}
	})
}

func TestAPreviewIsRefusedWhenItIsEmptyUnboundedOrOld(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	w.make(w.north, w.dev, "Leaked", 1)

	for what, f := range map[string]key.Filter{
		"no filter": {}, "blank": {Query: "  "}, "a state that there is not": {State: "any"}, "such a state beside what narrows": {Query: "leaked", State: "bogus"},
		"an environment that there is not": {Query: "leaked", Environment: "prod"}, "nothing found": {Query: "zzz"}, "only what is over": {State: string(key.Expired)},
	} {
		_, err := w.bulks.Preview(bg, w.staff, bulk.Wish{Verb: key.Revoking, Filter: f})
		expect(t, what, err, fault.Invalid)
	}
	for what, wish := range map[string]bulk.Wish{"a verb that there is not": {Verb: "delete"}, "an end that is over": {Verb: key.Shortening, EndsAt: clock.Now()}, "resuming by filter": {Verb: key.Resuming}} {
		wish.Filter = key.Filter{Query: "leaked"}
		_, err := w.bulks.Preview(bg, w.staff, wish)
		expect(t, what, err, fault.Invalid)
	}
	id := w.preview(key.Revoking, key.Filter{Query: "leaked"})
	expect(t, "no reason", w.bulks.Start(bg, w.staff, id, " "), fault.Invalid)
	expect(t, "unknown", w.bulks.Start(bg, w.staff, db.NewID(), "why"), fault.NotFound)
	clock.Advance(61 * time.Minute)
	expect(t, "old", w.bulks.Start(bg, w.staff, id, "why"), fault.Conflict)
	clock.Advance(time.Hour)
	if err := w.bulks.Sweep(bg); err != nil || w.count("key_bulk_keys") != 0 || w.count("key_bulks") != 0 || w.count("keys WHERE revoked_at IS NOT NULL") != 0 {
		t.Fatal("old previews are swept and do nothing", err)
	}
}

// Z1
func TestOnlyStaffActOnManyKeys(t *testing.T) {
	clock := dbtest.NewClock()
	w := newWorld(t, dbtest.SQLite(t, clock), clock)
	w.make(w.north, w.dev, "Leaked", 1)
	id := w.preview(key.Revoking, key.Filter{Query: "leaked"})

	for _, who := range []actor.Actor{{}, w.ada, w.support} {
		_, preview := w.bulks.Preview(bg, who, bulk.Wish{Verb: key.Revoking, Filter: key.Filter{Query: "leaked"}})
		_, resume := w.bulks.PreviewResume(bg, who, id)
		for what, err := range map[string]error{"preview": preview, "resume": resume, "start": w.bulks.Start(bg, who, id, "why"), "stop": w.bulks.Stop(bg, who, id)} {
			expect(t, who.Name+" "+what, err, fault.Forbidden)
		}
	}
	_, read := w.bulks.Get(bg, w.ada, id)
	_, list := w.bulks.List(bg, w.ada, db.PageRequest{})
	_, keys := w.bulks.Keys(bg, w.ada, id, db.PageRequest{})
	for what, err := range map[string]error{"read": read, "list": list, "keys": keys} {
		expect(t, what, err, fault.Forbidden)
	}
	if _, err := w.bulks.Get(bg, w.support, id); err != nil {
		t.Error("support may read:", err)
	}
}

func TestWhatBecameOfAKeyIsReadWithTheActAndWithTheKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids := w.make(w.north, w.dev, "Leaked", 3)
		id := w.preview(key.Revoking, key.Filter{Query: "leaked"})
		if err := w.keys.Revoke(bg, w.dev, ids[0], ""); err != nil {
			t.Fatal(err)
		}

		w.carryOut(id)

		parts, err := w.bulks.Keys(bg, w.support, id, db.PageRequest{Size: 2})
		rest, restErr := w.bulks.Keys(bg, w.support, id, db.PageRequest{Size: 2, After: parts.Next})
		if err != nil || restErr != nil || len(parts.Rows) != 2 || len(rest.Rows) != 1 || parts.Rows[0].Result != bulk.LeftAlone || parts.Rows[1].Result != bulk.Done || parts.Rows[1].Hint() != "gk_live_…abcd" {
			t.Fatalf("%+v %+v %v %v", parts.Rows, rest.Rows, err, restErr)
		}
		told, err := w.bulks.OfKey(bg, ids[1])
		none, noneErr := w.bulks.OfKey(bg, ids[0])
		if err != nil || noneErr != nil || len(told) != 1 || told[0].BulkID != id || told[0].Keys != 2 || len(none) != 0 {
			t.Fatal(told, none, err, noneErr)
		}
		page, err := w.bulks.List(bg, w.support, db.PageRequest{})
		if err != nil || len(page.Rows) != 1 || page.Rows[0].LeftAlone != 1 {
			t.Fatal(page.Rows, err)
		}
	})
}

func TestAPreviewTakesOnlyKeysThatCouldWorkAndCountsTheirUse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids := w.make(w.north, w.dev, "Leaked", 4)
		w.run("UPDATE keys SET expires_at = ? WHERE id = ?", clock.Now(), ids[1])
		w.run("UPDATE keys SET overlap_ends_at = ? WHERE id = ?", clock.Now(), ids[2])
		w.run("UPDATE keys SET revoked_at = ? WHERE id = ?", clock.Now(), ids[3])
		w.run("UPDATE keys SET last_used_at = ? WHERE id = ?", clock.Now().Add(-time.Minute), ids[0])
		w.run("INSERT INTO usage_series (key_id, app_id, organization_id, api_id, environment, route_template, code) VALUES (?, ?, ?, ?, 'live', '', 'VALID')", ids[0], w.north, w.northOrg, db.NewID())
		w.run("INSERT INTO usage_minutes (series_id, at, calls) SELECT id, ?, 7 FROM usage_series", clock.Now().Add(-time.Minute))
		w.run("INSERT INTO usage_minutes (series_id, at, calls) SELECT id, ?, 90 FROM usage_series", clock.Now().Add(-2*time.Hour))

		p := w.get(w.preview(key.Revoking, key.Filter{Query: "leaked"}))

		if p.Keys != 1 || p.Used != 1 || p.Calls != 7 || p.Shares[0].Calls != 7 || p.Shares[0].Used != 1 {
			t.Fatalf("%+v", p)
		}
	})
}
