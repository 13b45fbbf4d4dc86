package refusal_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// Z2: of an API that is hidden from them, holders of a key learn no more than the answer's code.
func TestARefusalTellsNothingOfAHiddenAPI(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.refused(keyring.NoAccess, keyring.WrongAPI)
		r.API, r.Seen.APIDomain = keyring.ID(w.People), "employee"
		w.hand(r)
		w.flush()
		look := func() refusal.Refusal {
			t.Helper()
			rows := w.list(refusal.View{Actor: w.Person})
			if len(rows) != 1 {
				t.Fatal(rows)
			}
			return rows[0]
		}
		about := func(q *refusal.Question) { q.API = w.People }
		open := look()
		_, asked := w.ask(w.Person, about)

		w.Run("UPDATE apis SET visibility = 'invited' WHERE id = ?", w.People)

		hidden := look()
		if open.APISlug == "" || open.Seen.APIDomain == "" || asked != nil {
			t.Errorf("control: %+v, %v", open, asked)
		}
		if hidden.APISlug != "" || hidden.APIName != "" || !hidden.APIID.IsZero() || !hidden.PublisherID.IsZero() || hidden.Seen.APIDomain != "" || hidden.Code != "WRONG_API" {
			t.Errorf("%+v", hidden)
		}
		if _, err := w.ask(w.Person, about); !fault.Is(err, fault.NotFound) {
			t.Error("asked about it:", err)
		}
		if all := w.list(refusal.View{Actor: w.Staff, Everything: true}); len(all) != 1 || all[0].APISlug == "" {
			t.Errorf("staff see %+v", all)
		}
	})
}
