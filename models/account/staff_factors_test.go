package account_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A9, Z3: a factor that is being set up counts for nothing, and only staff who may read users are told of any.
func TestStaffCountTheSecondFactorsThatCount(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		used := w.clock.Now().Add(-time.Hour)
		add := func(kind string, confirmed, at *time.Time) {
			w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, last_used_at, created_at) VALUES (?, ?, ?, 'x', ?, ?, ?)", db.NewID(), u.ID, kind, confirmed, at, tx.Now)
				return err
			}))
		}
		add("totp", nil, nil)
		support := actor.Actor{Kind: actor.User, UserID: db.NewID(), StaffRole: "support"}
		before, err := w.store.User(t.Context(), support, u.ID)
		w.must(err)
		add("totp", &used, nil)
		add("passkey", &used, nil)
		add("passkey", &used, &used)

		d, err := w.store.User(t.Context(), support, u.ID)
		w.must(err)
		_, denied := w.store.User(t.Context(), actor.Actor{Kind: actor.User, UserID: u.ID}, u.ID)

		w.is(denied, fault.Forbidden)
		if len(before.Factors) != 0 || !before.Bare() || before.FactorLastUsedAt() != nil {
			t.Errorf("%+v", before.Factors)
		}
		if len(d.Factors) != 2 || d.Factors[0].Count != 2 || d.Factors[1].Count != 1 || d.Bare() || d.FactorLastUsedAt() == nil || !d.FactorLastUsedAt().Equal(used) {
			t.Errorf("%+v", d.Factors)
		}
	})
}
