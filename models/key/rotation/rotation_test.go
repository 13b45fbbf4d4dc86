package rotation_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/keytest"
	"github.com/gatehouse-dev/gatehouse/models/key/rotation"
)

const day = 24 * time.Hour

var bg = context.Background()

type world struct {
	*keytest.World
	rotations *rotation.Store
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := keytest.New(t, d, clock)
		body(t, &world{w, rotation.NewStore(d, w.Keys)})
	})
}

// pair makes a key of the developer's and rotates it.
func (w *world) pair(overlap int) (before, after db.ID) {
	before = w.Make(w.Developer, "Worker", 60).Key.ID
	return before, w.Rotate(w.Developer, before, overlap).Key.ID
}

// K10, K8: ended early, for ever, and verification is told.
func TestRetiredKeyStopsAtOnceAndTheNewOneGoesOn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, after := w.pair(7)
		w.Mails()
		changes := w.Changes(before)

		err := w.rotations.Retire(bg, w.Developer, before, nil)

		if err != nil || w.State(before) != key.Expired || w.State(after) != key.Active || w.Changes(before) <= changes {
			t.Fatal(err, w.State(before), w.State(after), w.Changes(before), changes)
		}
		if diff := cmp.Diff([]string{"key.created", "key.rotated", "key.retired"}, w.Acts(before)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"dev key_retired", "ops key_retired"}, keytest.Names(w.Mails())); diff != "" {
			t.Error(diff)
		}
		w.Clock.Advance(8 * day)
		if err := w.rotations.Mails(bg); err != nil || len(w.Mails()) != 0 {
			t.Error("told again that it ended:", err)
		}
		if err := w.rotations.Undo(bg, w.Developer, before, true); !fault.Is(err, fault.Conflict) {
			t.Error("undone after its end:", err)
		}
	})
}

// The button of a page on which the old key was silent does nothing when it was not.
func TestKeyThatWasUsedSinceIsNotRetired(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, _ := w.pair(7)
		looked := w.Clock.Now()
		w.Clock.Advance(time.Hour)
		w.Use(before, "203.0.113.0/24")

		err := w.rotations.Retire(bg, w.Developer, before, &looked)

		if f := fault.As(err); f == nil || f.Code != rotation.UsedSince || w.State(before) != key.Rotated {
			t.Fatal(err, w.State(before))
		}
		now := w.Clock.Now()
		if err := w.rotations.Retire(bg, w.Developer, before, &now); err != nil || w.State(before) != key.Expired {
			t.Error(err)
		}
	})
}

func TestOverlapIsExtendedOnceAndNeverBeyondThirtyDays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, _ := w.pair(20)
		start := w.Clock.Now()
		w.Clock.Advance(day)
		for _, days := range []int{0, -1, 11, 1000} {
			if err := w.rotations.Extend(bg, w.Developer, before, days); !fault.Is(err, fault.Invalid) {
				t.Errorf("%d days: %v", days, err)
			}
		}

		err := w.rotations.Extend(bg, w.Developer, before, 10)

		if row := w.Row(before); err != nil || !row.OverlapEndsAt.Equal(start.AddDate(0, 0, 30)) {
			t.Fatal(err, row.OverlapEndsAt)
		}
		if err := w.rotations.Extend(bg, w.Developer, before, 1); !fault.Is(err, fault.Conflict) {
			t.Error("a second time:", err)
		}
		if diff := cmp.Diff([]string{"key.created", "key.rotated", "key.overlap_extended"}, w.Acts(before)); diff != "" {
			t.Error(diff)
		}
		w.Clock.Set(start.Add(30*day - time.Second))
		if w.State(before) != key.Rotated {
			t.Error("it stopped too soon")
		}
		w.Clock.Set(start.Add(30 * day))
		if w.State(before) != key.Expired {
			t.Error("it works for more than 30 days")
		}
	})
}

func TestOverlapIsNotExtendedPastTheOldKeysOwnExpiry(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		short := w.Make(w.Developer, "Short", 10).Key.ID
		w.Rotate(w.Developer, short, 7)
		if err := w.rotations.Extend(bg, w.Developer, short, 4); !fault.Is(err, fault.Invalid) {
			t.Error("four days more than there are:", err)
		}
		if err := w.rotations.Extend(bg, w.Developer, short, 3); err != nil {
			t.Error(err)
		}
		over := w.Make(w.Developer, "Over", 10).Key.ID
		w.Rotate(w.Developer, over, 14)

		if err := w.rotations.Extend(bg, w.Developer, over, 1); !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
	})
}

// K10: as before, with its old expiry; and it can be rotated again.
func TestUndoneRotationLeavesTheOldKeyAsItWas(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, after := w.pair(7)
		expires := *w.Row(before).ExpiresAt
		if err := w.rotations.Extend(bg, w.Developer, before, 2); err != nil {
			t.Fatal(err)
		}
		w.Mails()
		old, next := w.Changes(before), w.Changes(after)
		w.Clock.Advance(day)

		err := w.rotations.Undo(bg, w.Developer, before, false)

		row := w.Row(before)
		if err != nil || row.State(w.Clock.Now()).Name != key.Active || !row.ExpiresAt.Equal(expires) || row.OverlapExtendedAt != nil || w.State(after) != key.Revoked {
			t.Fatal(err, row, w.State(after))
		}
		if w.Changes(before) <= old || w.Changes(after) <= next {
			t.Error("verification was not told of both")
		}
		if diff := cmp.Diff([]string{"key.created", "key.rotated", "key.overlap_extended", "key.rotation_undone"}, w.Acts(before)); diff != "" {
			t.Error(diff)
		}
		letters := w.Mails()
		if diff := cmp.Diff([]string{"dev key_rotation_undone", "ops key_rotation_undone"}, keytest.Names(letters)); diff != "" {
			t.Error(diff)
		}
		again := w.Rotate(w.Developer, before, 3).Key.ID
		if w.State(before) != key.Rotated || w.State(again) != key.Active {
			t.Error("rotated again:", w.State(before), w.State(again))
		}
		if err := w.rotations.Undo(bg, w.Developer, before, false); err != nil || w.State(again) != key.Revoked || w.State(before) == key.Rotated {
			t.Error("undone again:", err, w.State(again), w.State(before))
		}
		if err := w.rotations.Undo(bg, w.Developer, before, false); !fault.Is(err, fault.Conflict) {
			t.Error("there is nothing to undo:", err)
		}
	})
}

func TestUndoAsksWhenTheNewKeyWasUsed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, after := w.pair(7)
		w.Use(after, "203.0.113.0/24")

		err := w.rotations.Undo(bg, w.Developer, before, false)

		if f := fault.As(err); f == nil || f.Code != rotation.NewKeyInUse || w.State(after) != key.Active {
			t.Fatal(err, w.State(after))
		}
		if err := w.rotations.Undo(bg, w.Developer, before, true); err != nil || w.State(after) != key.Revoked || w.State(before) != key.Active {
			t.Error(err)
		}
	})
}

func TestRotationOfARotatedNewKeyIsNotUndone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, after := w.pair(7)
		third := w.Rotate(w.Developer, after, 7).Key.ID

		err := w.rotations.Undo(bg, w.Developer, before, true)

		if !fault.Is(err, fault.Conflict) || w.State(third) != key.Active || w.State(before) != key.Rotated {
			t.Fatal(err)
		}
		if err := w.rotations.Undo(bg, w.Developer, after, true); err != nil {
			t.Fatal(err)
		}
		if err := w.rotations.Undo(bg, w.Developer, before, true); err != nil || w.State(before) != key.Active {
			t.Error("one after the other:", err)
		}
	})
}

// REL-3: of two at once, one does it.
func TestTwoUndosAtOnceAreOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, after := w.pair(7)
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = w.rotations.Undo(bg, w.Developer, before, false) })
		}
		wg.Wait()

		done := 0
		for _, err := range errs {
			if err == nil {
				done++
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		}
		if done != 1 || w.State(before) != key.Active || w.State(after) != key.Revoked {
			t.Error(done, w.State(before), w.State(after))
		}
	})
}

// Z2: who may not manage the key changes nothing.
func TestOnlyWhoManagesTheKeyChangesItsRotation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, after := w.pair(7)
		for _, c := range []struct {
			who  actor.Actor
			want fault.Kind
		}{{w.Stranger, fault.NotFound}, {actor.Actor{}, fault.NotFound}, {w.Viewer, fault.Forbidden}, {w.Other, fault.Forbidden}} {
			for name, err := range map[string]error{
				"retire": w.rotations.Retire(bg, c.who, before, nil), "extend": w.rotations.Extend(bg, c.who, before, 1), "undo": w.rotations.Undo(bg, c.who, before, true),
			} {
				if !fault.Is(err, c.want) {
					t.Errorf("%s by %s: %v", name, c.who.Name, err)
				}
			}
		}
		if _, err := w.rotations.Progress(bg, w.Stranger, before, time.UTC); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if p, err := w.rotations.Progress(bg, w.Viewer, after, time.UTC); err != nil || p.MayManage {
			t.Error(err)
		}
		if w.State(before) != key.Rotated || w.State(after) != key.Active {
			t.Error("something changed")
		}
	})
}

// A program opens up no key that can do more than its own.
func TestProgramUndoesNoRotationOfAMightierKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, _ := w.pair(7)
		weak := w.Make(w.Developer, "Weak", 30).Key.ID
		w.Run("DELETE FROM key_grants WHERE key_id = ?", weak)
		program := actor.Actor{Kind: actor.Key, KeyID: weak, OrganizationID: w.Org, Environment: "live"}
		strong := actor.Actor{Kind: actor.Key, KeyID: w.Make(w.Developer, "Strong", 60).Key.ID, OrganizationID: w.Org, Environment: "live"}

		extend, undo := w.rotations.Extend(bg, program, before, 1), w.rotations.Undo(bg, program, before, false)

		for _, err := range []error{extend, undo} {
			if f := fault.As(err); f == nil || f.Code != key.BeyondCaller {
				t.Error(err)
			}
		}
		if err := w.rotations.Undo(bg, strong, before, false); err != nil {
			t.Error(err)
		}
	})
}

// K10, K12: both side by side, by hours at first and by the reader's days later.
func TestProgressCountsBothKeysSideBySide(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, after := w.pair(7)
		start := w.Clock.Now()
		w.Count(before, "VALID", 10)
		w.Use(before, "203.0.113.0/24")
		w.Clock.Advance(3 * time.Hour)
		w.Count(before, "INSUFFICIENT_SCOPE", 1)
		w.Count(after, "VALID", 5)

		p, err := w.rotations.Progress(bg, w.Developer, after, time.UTC)

		if err != nil || p.Old.ID != before || p.New.ID != after || p.Step != time.Hour || len(p.Points) != 4 || p.OldCalls != 11 || p.NewCalls != 5 {
			t.Fatal(err, p.Step, p.Points, p.OldCalls, p.NewCalls)
		}
		if diff := cmp.Diff([]rotation.Point{{start, 10, 0}, {start.Add(time.Hour), 0, 0}, {start.Add(2 * time.Hour), 0, 0}, {start.Add(3 * time.Hour), 1, 5}}, p.Points); diff != "" {
			t.Error(diff)
		}
		if !p.SilentSince().Equal(start.Add(3 * time.Hour)) {
			t.Error("a refused call is no silence:", p.SilentSince())
		}
		tokyo := time.FixedZone("Tokyo", 9*3600)
		w.Clock.Set(start.Add(5 * day))
		w.Count(after, "VALID", 2)
		if p, err = w.rotations.Progress(bg, w.Developer, before, tokyo); err != nil || p.Step != day || len(p.Points) != 6 {
			t.Fatal(err, p.Step, p.Points)
		}
		first, second, last := p.Points[0], p.Points[1], p.Points[5]
		if first.Old != 10 || second.Old != 1 || second.New != 5 || last.New != 2 || !first.At.Equal(time.Date(2026, 11, 21, 0, 0, 0, 0, tokyo)) {
			t.Error(p.Points)
		}
		w.Clock.Set(start.Add(8 * day))
		w.Count(before, "EXPIRED", 4)
		if p, err = w.rotations.Progress(bg, w.Developer, before, time.UTC); err != nil || p.TooLate != 4 || p.Runs(w.Clock.Now()) || p.OldCalls != 11 {
			t.Error(err, p.TooLate, p.OldCalls)
		}
	})
}

func TestNetworksOfBeforeTheRotationAreNoneThatStillUseTheOldKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before := w.Make(w.Developer, "Worker", 60).Key.ID
		w.Use(before, "198.51.100.0/24")
		w.Clock.Advance(time.Hour)
		w.Rotate(w.Developer, before, 7)
		w.Clock.Advance(time.Hour)
		w.Use(before, "203.0.113.0/24")

		p, err := w.rotations.Progress(bg, w.Developer, before, time.UTC)

		if err != nil || len(p.Networks) != 1 || p.Networks[0].Network != "203.0.113.0/24" {
			t.Fatal(err, p.Networks)
		}
	})
}

// Once each, whatever the number of runs; with the networks, never a secret.
func TestMailsTellThatTheOldKeyStillWorksADayBeforeAndThatItEnded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before := w.Make(w.Developer, "Buy <now>", 60)
		after := w.Rotate(w.Developer, before.Key.ID, 7)
		start := w.Clock.Now()
		w.Mails()
		at := func(d time.Duration) []string {
			t.Helper()
			w.Clock.Set(start.Add(d))
			for range 3 {
				if err := w.rotations.Mails(bg); err != nil {
					t.Fatal(err)
				}
			}
			letters := w.Mails()
			for _, l := range letters {
				words := keytest.Words(l)
				if strings.Contains(words, before.Secret.Reveal()) || strings.Contains(words, after.Secret.Reveal()) || strings.Contains(l.Subject.Key+strings.Join(l.Subject.Args, " "), "Buy") {
					t.Error(words)
				}
				if d < 7*day && (!strings.Contains(words, "203.0.113.0/24") || !strings.Contains(words, "only the network is kept") || !strings.HasSuffix(l.URL, "/rotation")) {
					t.Error(words, l.URL)
				}
			}
			return keytest.Names(letters)
		}

		quiet := at(5 * day)
		w.Use(before.Key.ID, "203.0.113.0/24")
		soon, between, ended, later := at(6*day), at(6*day+time.Hour), at(7*day), at(8*day)

		if len(quiet)+len(between)+len(later) != 0 {
			t.Error(quiet, between, later)
		}
		if diff := cmp.Diff([]string{"dev key_overlap_ends", "ops key_overlap_ends"}, soon); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"dev key_overlap_ended", "ops key_overlap_ended"}, ended); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNoMailOfAnOverlapThatWasJustChosenOrIsOver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, overlap := range []int{0, 1} {
			w.pair(overlap)
		}
		undone, _ := w.pair(7)
		revoked, _ := w.pair(7)
		if err := w.rotations.Undo(bg, w.Developer, undone, false); err != nil {
			t.Fatal(err)
		}
		if err := w.Keys.Revoke(bg, w.Developer, revoked, ""); err != nil {
			t.Fatal(err)
		}
		w.Mails()
		start := w.Clock.Now()
		var got []string
		for _, d := range []time.Duration{0, time.Hour, 6 * day, 7 * day, 9 * day} {
			w.Clock.Set(start.Add(d))
			if err := w.rotations.Mails(bg); err != nil {
				t.Fatal(err)
			}
			got = append(got, keytest.Names(w.Mails())...)
		}

		if diff := cmp.Diff([]string{"dev key_overlap_ended", "ops key_overlap_ended"}, got); diff != "" {
			t.Error("only that the day is over:", diff)
		}
	})
}

func TestExtendedOverlapIsAnnouncedAnew(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, _ := w.pair(3)
		start := w.Clock.Now()
		w.Mails()
		run := func(d time.Duration) int {
			t.Helper()
			w.Clock.Set(start.Add(d))
			if err := w.rotations.Mails(bg); err != nil {
				t.Fatal(err)
			}
			return len(w.Mails())
		}

		first := run(2*day + time.Hour)
		if err := w.rotations.Extend(bg, w.Developer, before, 5); err != nil {
			t.Fatal(err)
		}
		if still, again := run(4*day), run(7*day); first != 2 || still != 0 || again != 2 {
			t.Error(first, still, again)
		}
	})
}

// The old key's own expiry comes first.
func TestOldKeyThatExpiresBeforeItsOverlapEndsIsAnnouncedByThat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before := w.Make(w.Developer, "Worker", 5).Key.ID
		w.Rotate(w.Developer, before, 14)
		start := w.Clock.Now()
		w.Mails()
		var got []int
		for _, d := range []time.Duration{3 * day, 4*day + time.Hour, 5 * day, 13*day + time.Hour, 14 * day} {
			w.Clock.Set(start.Add(d))
			if err := w.rotations.Mails(bg); err != nil {
				t.Fatal(err)
			}
			got = append(got, len(w.Mails()))
		}

		if diff := cmp.Diff([]int{0, 2, 2, 0, 0}, got); diff != "" {
			t.Error(diff)
		}
	})
}
