package account_test

import (
	"net/netip"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// U8: what was logged about a second factor while nobody was signed in yet goes with the account, also when the factor was removed before.
func TestDeletionErasesWhatWasLoggedOfFactorsThatWereRemoved(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("zoe@example.com", "")
		a, factor := w.in(u, good), db.NewID()
		name := map[string]string{"name": "Zoe's key ring"}
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
			audit.Record(tx, a, audit.Event{Act: audit.FactorAdded, TargetKind: "factor", TargetID: factor, Personal: name})
			audit.Record(tx, actor.Actor{Kind: actor.Anonymous, Address: netip.MustParseAddr("203.0.113.99")}, audit.Event{Act: audit.FactorCountedBack, TargetKind: "factor", TargetID: factor, Personal: name, Result: audit.Refused})
			audit.Record(tx, a, audit.Event{Act: audit.FactorRemoved, TargetKind: "factor", TargetID: factor, Personal: name})
			return nil
		}))

		w.must(w.store.Delete(t.Context(), a, u.Email, good))

		if n := w.count("SELECT COUNT(*) FROM audit_personal WHERE value LIKE 'Zoe%' OR value = '203.0.113.99'"); n != 0 {
			t.Error(n, "values are left")
		}
	})
}
