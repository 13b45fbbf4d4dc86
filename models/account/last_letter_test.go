package account_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// sends has every waiting letter delivered, or refused for good; it tells to whom.
func (w *world) sends(refused error) (to []string) {
	w.t.Helper()
	w.must(outbox.NewSender(w.d, w.box, "a", func(_ context.Context, _ string, l outbox.Letter) (bool, error) {
		to = append(to, l.Kind+" "+l.To)
		return true, refused
	}).Step(context.Background()))
	return to
}

// A13, U8: whose account is deleted is told by one last letter; of it and of the address nothing is left once it was sent, was refused for good or has expired.
func TestTheLastLetterTellsAndIsForgotten(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"sent": func(w *world) {
			if to := w.sends(nil); len(to) != 1 || to[0] != "account_deleted ada@example.com" {
				w.t.Error(to)
			}
		},
		"refused": func(w *world) { w.sends(errors.New("550 <ada@example.com> is nobody")) },
		"expired": func(w *world) {
			w.clock.Advance(23*time.Hour + time.Minute)
			if to := w.sends(nil); len(to) != 0 {
				w.t.Error("sent too late", to)
			}
			w.must(outbox.Sweep(w.t.Context(), w.d, 30*24*time.Hour))
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(w *world) {
				w.t = t
				u := w.person("ada@example.com", "")
				a := w.in(u, good)
				w.must(w.store.Delete(t.Context(), a, "ada@example.com", good))
				l := w.last("ada@example.com", "account_deleted")
				end(w)

				if l.Subject.Key != "Your account at %s was deleted" || l.Lines[0].Args[0] != u.Name || l.URL != "" {
					t.Error(l)
				}
				if dump := w.dump(); strings.Contains(dump, "ada@example.com") || strings.Contains(dump, "account_deleted") {
					t.Error("something is left of the letter")
				}
			})
		})
	}
}

// A14: whoever changed an address and then deletes the account can't keep it from its owner.
func TestTheLastLetterAlsoGoesToTheAddressBefore(t *testing.T) {
	each(t, func(w *world) {
		a := w.in(w.person("ada@example.com", ""), good)
		w.must(w.store.RequestEmail(t.Context(), a, "evil@example.com", good))
		w.must(w.store.ConfirmEmail(t.Context(), a, token(w.last("evil@example.com", "change_address"))))
		w.sends(nil)
		w.must(w.store.Delete(t.Context(), a, "evil@example.com", good))

		to := w.sends(nil)

		slices.Sort(to)
		if !slices.Equal(to, []string{"account_deleted ada@example.com", "account_deleted evil@example.com"}) {
			t.Error(to)
		}
		if dump := w.dump(); strings.Contains(dump, "ada@example.com") || strings.Contains(dump, "evil@example.com") {
			t.Error("an address is left")
		}
	})
}

// REL-23: while the mail server can't be reached the last letter waits.
func TestTheLastLetterIsTriedAgain(t *testing.T) {
	each(t, func(w *world) {
		a := w.in(w.person("ada@example.com", ""), good)
		w.must(w.store.Delete(t.Context(), a, "ada@example.com", good))
		tries := 0
		sender := outbox.NewSender(w.d, w.box, "a", func(context.Context, string, outbox.Letter) (bool, error) {
			if tries++; tries == 1 {
				return false, errors.New("connection refused")
			}
			return false, nil
		})
		w.must(sender.Step(t.Context()))
		waiting := w.count("SELECT COUNT(*) FROM mails")
		w.clock.Advance(time.Hour)

		w.must(sender.Step(t.Context()))

		if waiting != 1 || tries != 2 || w.count("SELECT COUNT(*) FROM mails") != 0 {
			t.Error(waiting, tries)
		}
	})
}

// U8: an admin who hands it out brings the address back nowhere, in the audit log neither.
func TestALastLetterThatIsHandedOutLeavesNoAddress(t *testing.T) {
	each(t, func(w *world) {
		admin := w.in(w.person("root@example.com", "admin"), good)
		w.must(w.store.Delete(t.Context(), w.in(w.person("ada@example.com", ""), good), "ada@example.com", good))
		var id db.ID
		w.must(w.d.Read(t.Context()).Raw("SELECT id FROM mails WHERE kind = 'account_deleted'").Row().Scan(&id))

		_, l, err := w.store.OpenMail(t.Context(), admin, id)
		w.must(err)
		w.must(w.store.HandOutMail(t.Context(), admin, id))

		w.is(w.store.HandOutMail(t.Context(), admin, id), fault.NotFound)
		if l.To != "ada@example.com" || strings.Contains(w.dump(), "ada@example.com") || w.acts("mail.read")+w.acts("mail.handed_out") != 2 {
			t.Error("the address is left")
		}
	})
}

// Nobody is told whose deletion was refused.
func TestARefusedDeletionWritesNoLetter(t *testing.T) {
	each(t, func(w *world) {
		root := w.in(w.person("root@example.com", "admin"), good)

		w.is(w.store.Delete(t.Context(), root, "root@example.com", good), fault.Conflict)
		w.is(w.store.Delete(t.Context(), actor.Actor{Kind: actor.User, UserID: root.UserID, SessionID: root.SessionID}, "root@example.com", other), fault.Invalid)

		if w.count("SELECT COUNT(*) FROM mails WHERE kind = 'account_deleted'") != 0 {
			t.Error("told")
		}
	})
}
