package factor_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A14: the last passkey of who has neither a password nor a provider that is offered is not removed.
func TestTheLastWayIntoAnAccountIsNotRemoved(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		w.add(a, "Laptop")
		w.add(a, "Phone")
		own, err := w.store.List(w.Context(), a)
		w.must(err)
		w.must(w.d.Tx(w.Context(), func(tx *db.Tx) error {
			if _, err := tx.Run("UPDATE users SET password_sealed = '' WHERE id = ?", w.ada.ID); err != nil {
				return err
			}
			_, err := tx.Run("INSERT INTO identities (id, user_id, issuer, subject, created_at) VALUES (?, ?, 'https://gone.example', 'ada', ?)", db.NewID(), w.ada.ID, tx.Now)
			return err
		}))

		w.must(w.store.Remove(w.Context(), a, own[0].ID))
		last := w.store.Remove(w.Context(), a, own[1].ID)
		left := w.count("SELECT COUNT(*) FROM factors WHERE user_id = ?", w.ada.ID)
		w.must(w.d.Tx(w.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE identities SET issuer = ? WHERE user_id = ?", offered, w.ada.ID)
			return err
		}))

		w.is(last, fault.Conflict)
		if left != 1 {
			t.Error(left, "factors are left")
		}
		w.must(w.store.Remove(w.Context(), a, own[1].ID))
	})
}

// A7, A14: whoever had the factors of somebody whose factors are reset may have had their browser, too.
func TestWhenFactorsAreResetBrowsersAreStrangers(t *testing.T) {
	each(t, func(w *world) {
		a, _, session := w.in(w.ada)
		_, err := w.accounts.Remember(w.Context(), a, session, firefox)
		w.must(err)
		w.enrol(a, "Phone")
		grace := w.person("grace@example.com")
		_, err = w.accounts.KnownBrowser(w.Context(), a, grace.ID, account.Browser{Agent: firefox.Agent})
		w.must(err)
		known := w.count("SELECT COUNT(*) FROM devices WHERE user_id = ?", w.ada.ID)

		w.must(w.store.Reset(w.Context(), actor.ForOperator(), w.ada.Email))

		if left, others := w.count("SELECT COUNT(*) FROM devices WHERE user_id = ?", w.ada.ID), w.count("SELECT COUNT(*) FROM devices"); known != 1 || left != 0 || others != 1 {
			t.Error(known, left, others)
		}
	})
}

// A12: what asks for a factor, of staff or of members, asks again in the very session in which the last one was removed.
func TestASessionForgetsAFactorThatIsGone(t *testing.T) {
	each(t, func(w *world) {
		a, _, _ := w.in(w.ada)
		w.enrol(a, "Phone")
		own, err := w.store.List(w.Context(), a)
		w.must(err)
		shown := w.count("SELECT COUNT(*) FROM sessions WHERE user_id = ? AND factor_at IS NOT NULL", w.ada.ID)

		w.must(w.store.Remove(w.Context(), a, own[0].ID))

		if still := w.count("SELECT COUNT(*) FROM sessions WHERE user_id = ? AND factor_at IS NOT NULL", w.ada.ID); shown != 1 || still != 0 {
			t.Error(shown, still)
		}
	})
}
