package refusal_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/actor"
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

// Z2, Z7: to who is kept out of a limited app its refusals are not there, also not when their own organization publishes the API that refused.
func TestALimitedAppsRefusalsAreNotThereForThePublishersOwnMember(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		member := w.AddPerson("kept-out", "")
		w.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'developer', ?)", w.Org, member.UserID, w.clock.Now())
		r := w.refused(keyring.NoAccess, keyring.WrongAPI)
		r.Publisher = keyring.ID(w.Org)
		w.hand(r)
		w.flush()
		look := func(a actor.Actor) (rows, codes int, open error) {
			t.Helper()
			said, err := w.store.Codes(bg, refusal.View{Actor: a})
			if err != nil {
				t.Fatal(err)
			}
			_, open = w.store.Open(bg, refusal.View{Actor: a}, r.RequestID)
			return len(w.list(refusal.View{Actor: a})) + len(w.list(refusal.View{Actor: a, App: w.App})), len(said), open
		}
		if rows, codes, open := look(member); rows != 2 || codes != 1 || open != nil {
			t.Fatal("control:", rows, codes, open)
		}

		w.Run("UPDATE apps SET limited = TRUE WHERE id = ?", w.App)

		if rows, codes, open := look(member); rows != 0 || codes != 0 || !fault.Is(open, fault.NotFound) {
			t.Errorf("kept out: %d rows, %d codes, %v", rows, codes, open)
		}
		if rows, codes, open := look(w.Person); rows != 2 || codes != 1 || open != nil {
			t.Errorf("the owner: %d rows, %d codes, %v", rows, codes, open)
		}
		w.Run("INSERT INTO app_members (app_id, user_id, created_at) VALUES (?, ?, ?)", w.App, member.UserID, w.clock.Now())
		if rows, codes, open := look(member); rows != 2 || codes != 1 || open != nil {
			t.Errorf("let in: %d rows, %d codes, %v", rows, codes, open)
		}
	})
}
