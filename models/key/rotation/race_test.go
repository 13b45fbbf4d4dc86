package rotation_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// sec4b F6 (K10): a retired key stays refused, also when an undoing or a longer overlap began a moment before, or where a clock is behind.
func TestRetiredKeyIsNotTakenBackByAClockThatIsBehind(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, after := w.pair(7)
		w.Clock.Advance(day)
		if err := w.rotations.Retire(bg, w.Developer, before, nil); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(-time.Minute)

		undone, extended := w.rotations.Undo(bg, w.Developer, before, true), w.rotations.Extend(bg, w.Developer, before, 1)

		w.Clock.Advance(time.Minute)
		if !fault.Is(undone, fault.Conflict) || !fault.Is(extended, fault.Conflict) || w.State(before) != key.Expired || w.State(after) != key.Active {
			t.Error(undone, extended, w.State(before), w.State(after))
		}
	})
}

// sec4b F8 (K9, K10): a key that expires before its overlap would end takes its own rotation back no more than another.
func TestRotatedKeyThatExpiresSoonDoesNotUndoThatItself(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before := w.Make(w.Developer, "Worker", 3).Key.ID
		after := w.Rotate(w.Developer, before, 7).Key.ID
		r, err := w.Keys.Get(bg, w.Developer, before)
		if err != nil {
			t.Fatal(err)
		}
		a := actor.Actor{Kind: actor.Key, KeyID: before, OrganizationID: r.OrganizationID, Environment: r.Environment, RequestID: "req_test"}

		undone := w.rotations.Undo(bg, a, before, true)

		if !fault.Is(undone, fault.Forbidden) || w.State(after) != key.Active || w.State(before) == key.Active {
			t.Error(undone, w.State(before), w.State(after))
		}
	})
}

// sec4b F6: an act that waits for a key's lock goes by the time at which it has it.
func TestUndoThatWaitedForARetirementComesTooLate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before, after := w.pair(7)
		held, free, done, undone := make(chan bool), make(chan bool), make(chan error, 1), make(chan error, 1)
		go func() {
			done <- w.DB.Tx(bg, func(tx *db.Tx) error {
				if _, err := tx.Run("UPDATE keys SET overlap_ends_at = ? WHERE id = ?", tx.Now.Add(time.Second), before); err != nil {
					return err
				}
				close(held)
				<-free
				return nil
			})
		}()
		<-held
		go func() { undone <- w.rotations.Undo(bg, w.Developer, before, true) }()
		for n := 0; n == 0 && w.DB.Dialect == db.Postgres; {
			if err := w.DB.Read(bg).Raw("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&n).Error; err != nil {
				t.Fatal(err)
			}
		}
		w.Clock.Advance(2 * time.Second)
		close(free)

		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := <-undone; !fault.Is(err, fault.Conflict) || w.State(after) != key.Active {
			t.Error(err, w.State(before), w.State(after))
		}
	})
}
