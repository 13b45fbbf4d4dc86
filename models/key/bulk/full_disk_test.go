package bulk_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// REL-8, 4.5: many keys are revoked and paused by filter although the disk is full, from the preview on; who must know is told when there is room.
func TestManyKeysAreStoppedOnAFullDisk(t *testing.T) {
	clock := dbtest.NewClock()
	d, fill := dbtest.Small(t, clock)
	w := newWorld(t, d, clock)
	w.make(w.north, w.dev, "Leaked", 700)
	w.make(w.north, w.dev, "Odd", 3)
	fill()

	revoking, pausing := w.preview(key.Revoking, key.Filter{Query: "leaked"}), w.preview(key.Pausing, key.Filter{Query: "odd"})
	for _, id := range []db.ID{revoking, pausing} {
		if err := w.bulks.Start(bg, w.staff, id, "found on a forum"); err != nil {
			t.Fatal(err)
		}
	}
	hindered := w.worker.Step(bg)

	if revoked, paused := w.count("keys WHERE revoked_at IS NOT NULL"), w.count("keys WHERE paused_at IS NOT NULL"); revoked != 700 || paused != 3 {
		t.Errorf("%d revoked, %d paused; %v", revoked, paused, hindered)
	}
}
