package handover_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
)

func (w *world) requireFactor() {
	w.exec("UPDATE organizations SET factor_from = ? WHERE id = ?", w.clock.Now(), w.North)
}

// Z7: whom the rule of a second factor shuts out reaches nothing, not by a link made before it began either.
func TestALinkOfWhoIsShutOutOpensNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, link := w.link(w.developer, "Deploy")
		w.requireFactor()

		_, peek := w.store.Peek(t.Context(), link.Token.Reveal())
		_, open := w.store.Open(t.Context(), stranger, link.Token.Reveal())
		w.exec("UPDATE organizations SET factor_from = NULL WHERE id = ?", w.North)
		_, again := w.store.Open(t.Context(), stranger, link.Token.Reveal())

		w.expect("looked at", peek, fault.NotFound)
		w.expect("opened", open, fault.NotFound)
		w.ok(again)
	})
}

// A7: nobody needs a second factor to leave; what they answered for is not shown to them.
func TestWhoIsShutOutCanLeave(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.make(w.developer, "Deploy")
		w.requireFactor()

		d, ahead := w.store.Departure(t.Context(), w.developer, w.North, w.developer.UserID)
		_, other := w.store.Departure(t.Context(), w.developer, w.North, w.viewer.UserID)
		left := w.store.Leave(t.Context(), w.developer, w.North)

		w.ok(ahead)
		w.ok(left)
		w.expect("another", other, fault.NotFound)
		if len(d.Keys) != 0 || d.OrganizationName == "" || w.count("SELECT COUNT(*) FROM members WHERE user_id = ?", w.developer.UserID) != 0 {
			t.Errorf("%+v", d)
		}
	})
}
