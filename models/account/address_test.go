package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A14
func TestAddressChangesByPasswordAndLinkAndTheOldOneIsTold(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		a, stranger := w.in(u, good), w.in(w.person("eve@example.com", ""), good)

		wrong := w.store.RequestEmail(t.Context(), a, "new@example.com", other)
		w.must(w.store.RequestEmail(t.Context(), a, "New@Example.com", good))
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE organizations SET technical_email = 'ada@example.com' WHERE personal_user_id = ?", u.ID)
			return err
		}))
		link := token(w.last("new@example.com", "change_address"))
		foreign := w.store.ConfirmEmail(t.Context(), stranger, link)
		before, err := w.store.ByID(t.Context(), u.ID)
		w.must(err)
		w.must(w.store.ConfirmEmail(t.Context(), a, link))

		w.is(wrong, fault.Invalid)
		w.is(foreign, fault.NotFound)
		w.is(w.store.ConfirmEmail(t.Context(), a, link), fault.NotFound)
		after, err := w.store.ByID(t.Context(), u.ID)
		w.must(err)
		if before.Email != "ada@example.com" || after.Email != "new@example.com" {
			t.Error(before.Email, after.Email)
		}
		w.last("ada@example.com", "address_changed")
		if w.count("SELECT COUNT(*) FROM organizations WHERE technical_email = 'new@example.com'") != 1 {
			t.Error("the organization writes to the old address")
		}
	})
}

// A14
func TestUndoRestoresTheAddressAndShutsTheIntruderOut(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		intruder := w.in(u, good)
		w.must(w.store.RequestEmail(t.Context(), intruder, "evil@example.com", good))
		w.must(w.store.ConfirmEmail(t.Context(), intruder, token(w.last("evil@example.com", "change_address"))))
		undo := token(w.last("ada@example.com", "address_changed"))
		w.must(w.store.RequestEmail(t.Context(), intruder, "worse@example.com", good))
		w.must(w.store.ConfirmEmail(t.Context(), intruder, token(w.last("worse@example.com", "change_address"))))
		intrudersUndo := token(w.last("evil@example.com", "address_changed"))
		w.clock.Advance(6 * 24 * time.Hour)
		email, err := w.store.UndoLink(t.Context(), undo)
		w.must(err)

		w.must(w.store.UndoEmail(t.Context(), visitor(), undo))

		after, err := w.store.ByID(t.Context(), u.ID)
		w.must(err)
		if email != "ada@example.com" || after.Email != email || w.count("SELECT COUNT(*) FROM sessions WHERE user_id = ?", u.ID) != 0 {
			t.Error(email, after.Email)
		}
		_, _, knows := w.store.SignIn(t.Context(), visitor(), "ada@example.com", good, firefox)
		w.is(knows, fault.Unauthenticated)
		w.is(w.store.UndoEmail(t.Context(), visitor(), intrudersUndo), fault.NotFound)
		letter := w.last("ada@example.com", "reset_password")
		if last := letter.After[1].Key; !strings.Contains(last, "no password signs in") {
			t.Errorf("the mail says of a password that is gone: %s", last)
		}
		w.must(w.reset(token(letter), other))
		w.in(after, other)
	})
}

// A14: whoever changed the address twice can't make the first change good by undoing the second.
func TestTheOldestUndoLinkWinsWhateverWasUndoneBefore(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		move := func(to, from, password string) string {
			a := w.in(u, password)
			w.must(w.store.RequestEmail(t.Context(), a, to, password))
			w.must(w.store.ConfirmEmail(t.Context(), a, token(w.last(to, "change_address"))))
			u.Email = to
			return token(w.last(from, "address_changed"))
		}
		owners := move("attacker1@example.com", "ada@example.com", good)
		attackers := move("attacker2@example.com", "attacker1@example.com", good)
		w.must(w.store.UndoEmail(t.Context(), visitor(), attackers))
		u.Email = "attacker1@example.com"
		w.must(w.reset(token(w.last(u.Email, "reset_password")), other))
		later := move("attacker3@example.com", "attacker1@example.com", other)

		w.must(w.store.UndoEmail(t.Context(), visitor(), owners))

		after, err := w.store.ByID(t.Context(), u.ID)
		w.must(err)
		if after.Email != "ada@example.com" {
			t.Error(after.Email)
		}
		w.is(w.store.UndoEmail(t.Context(), visitor(), later), fault.NotFound)
		w.is(w.store.UndoEmail(t.Context(), visitor(), attackers), fault.NotFound)
		w.is(w.store.UndoEmail(t.Context(), visitor(), owners), fault.NotFound)
		w.must(w.reset(token(w.last("ada@example.com", "reset_password")), good))
	})
}

// A6
func TestAddressOfAnotherAccountIsTakenBySilenceAndAMail(t *testing.T) {
	each(t, func(w *world) {
		a := w.in(w.person("ada@example.com", ""), good)
		w.person("eve@example.com", "")

		w.must(w.store.RequestEmail(t.Context(), a, "eve@example.com", good))

		if l := w.last("eve@example.com", "address_taken"); token(l) != "" {
			t.Error("a link for somebody else's account", l)
		}
	})
}

func TestAddressThatGotAnAccountMeanwhileIsNotTaken(t *testing.T) {
	each(t, func(w *world) {
		a := w.in(w.person("ada@example.com", ""), good)
		w.must(w.store.RequestEmail(t.Context(), a, "new@example.com", good))
		link := token(w.last("new@example.com", "change_address"))
		w.person("new@example.com", "")

		w.is(w.store.ConfirmEmail(t.Context(), a, link), fault.Conflict)
	})
}
