package account_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/privacy"
)

// A13, A14: a mail that is sent again brings no link back that was given up, used or ended by another password at the same moment.
func TestAChangeThatEndedIsNotBroughtBackByItsNextMail(t *testing.T) {
	each(t, func(w *world) {
		for i := range 24 {
			to := fmt.Sprintf("new%d@example.com", i)
			u := w.person(fmt.Sprintf("ada%d@example.com", i), "")
			own, resends := w.in(u, good), w.in(u, good)
			w.must(w.store.RequestEmail(t.Context(), own, to, good))
			link := token(w.last(to, "change_address"))
			end, how := func() error { return w.store.GiveUpEmail(t.Context(), own) }, "given up"
			switch i % 3 {
			case 1:
				end, how = func() error { return w.store.ConfirmEmail(t.Context(), own, link) }, "confirmed"
			case 2:
				end, how = func() error { _, err := w.store.ChangePassword(t.Context(), own, good, other); return err }, "ended by a new password"
			}
			var ended, again error
			var both sync.WaitGroup

			both.Go(func() { ended = end() })
			both.Go(func() { again = w.store.ResendEmail(t.Context(), resends) })
			both.Wait()

			if ended == nil && w.waits(own) != "" {
				t.Error(how, "but waits")
			}
			if ended != nil && (how != "confirmed" || fault.KindOf(ended) != fault.NotFound) {
				t.Error(how, ended)
			}
			if again != nil {
				w.is(again, fault.Conflict)
			}
		}
	})
}

// A6: of a change that the person asked for, their download doesn't tell whether the address has an account.
func TestTheDownloadDoesNotTellWhetherAnAddressHasAnAccount(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		a, eve := w.in(u, good), w.person("eve@example.com", "")
		w.must(w.store.RequestEmail(t.Context(), a, "free@example.com", good))
		w.must(w.store.RequestEmail(t.Context(), a, "eve@example.com", good))
		mails := func(p privacy.Person) string {
			var out bytes.Buffer
			w.must(privacy.Write(t.Context(), w.d, p, &out))
			return files(t, out.Bytes())["json/mails.json"]
		}

		asked, owners := mails(privacy.Person{ID: u.ID, Email: u.Email}), mails(privacy.Person{ID: eve.ID, Email: eve.Email})

		if strings.Contains(asked, "eve@") || strings.Contains(asked, "free@") || !strings.Contains(owners, "address_taken") {
			t.Error(asked, owners)
		}
	})
}

// A6: two addresses that the person asked for look alike in their download, also after the account of one is deleted.
func TestTheDownloadDoesNotTellThatTheAccountOfAnAddressWasDeleted(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		a, eve := w.in(u, good), w.person("eve@example.com", "")
		w.must(w.store.RequestEmail(t.Context(), a, "eve@example.com", good))
		w.must(w.store.RequestEmail(t.Context(), a, "free@example.com", good))
		asked := func() (eves, frees int) {
			var out bytes.Buffer
			w.must(privacy.Write(t.Context(), w.d, privacy.Person{ID: u.ID, Email: u.Email}, &out))
			all := files(t, out.Bytes())
			if !strings.Contains(all["json/audit_events.json"], "user.email_change_requested") {
				t.Error("the download does not tell that a change was asked for")
			}
			for _, f := range all {
				eves, frees = eves+strings.Count(f, "eve@example.com"), frees+strings.Count(f, "free@example.com")
			}
			return eves, frees
		}

		w.clock.Advance(25 * time.Hour) // past the links
		w.must(w.store.Sweep(t.Context()))
		eveBefore, freeBefore := asked()
		w.must(w.store.Delete(t.Context(), w.in(eve, good), "eve@example.com", good))
		eveAfter, freeAfter := asked()

		if eveBefore != freeBefore || eveAfter != freeAfter {
			t.Error("before:", eveBefore, freeBefore, "after:", eveAfter, freeAfter)
		}
	})
}
