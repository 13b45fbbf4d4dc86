package account_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// A7, L7: codes and links for which somebody sits before a page come before all that waits, and what tells of somebody's own account before letters to many.
func TestCodesAndLinksAreSentBeforeLettersToMany(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		for range 3 {
			w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
				return w.box.Queue(tx, outbox.Letter{Kind: "many", To: u.Email, UserID: u.ID, Subject: outbox.L("Your role in an organization changed")})
			}))
			w.clock.Advance(time.Second)
		}
		a := w.in(u, good) // with a browser that is new
		w.store.CodeForNewDevices(true)
		_, _, err := w.store.SignIn(t.Context(), elsewhere(), u.Email, good, account.Browser{Agent: agent})
		w.must(err)
		w.must(w.store.RequestReset(t.Context(), visitor(), u.Email))
		w.must(w.store.RequestEmail(t.Context(), a, "new@example.com", good))
		_, err = w.store.SignUp(t.Context(), visitor(), account.NewAccount{Name: "New Person", Email: "person@example.com", Password: good})
		w.must(err)
		var sent []string

		w.must(outbox.NewSender(w.d, w.box, "a", func(_ context.Context, _ string, l outbox.Letter) (bool, error) {
			sent = append(sent, l.Kind)
			return false, nil
		}).Step(t.Context()))

		first := slices.Sorted(slices.Values(sent[:min(4, len(sent))]))
		if !slices.Equal(first, []string{"change_address", "reset_password", "sign_in_code", "verify_address"}) || !slices.Equal(sent[len(sent)-3:], []string{"many", "many", "many"}) {
			t.Error(sent)
		}
	})
}
