package key_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// REL-8, 4.5: a key that staff suspend is suspended although the disk is full; what does not stop keys waits.
func TestKeyIsSuspendedOnAFullDisk(t *testing.T) {
	clock := dbtest.NewClock()
	d, fill := dbtest.Small(t, clock)
	w := newWorld(t, d, clock)
	id := w.make(w.owner, "Nightly", readOrders).Key.ID
	fill()

	suspended := w.keys.Suspend(bg, w.staff, id, "odd calls", nil)
	lifted := w.keys.Unsuspend(bg, w.staff, id)

	if suspended != nil || lifted == nil {
		t.Errorf("suspended: %v; lifted: %v", suspended, lifted)
	}
}
