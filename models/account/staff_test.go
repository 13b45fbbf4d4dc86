package account_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// S4, K7: suspension ends sessions and tells verification, at once; it ends by itself.
func TestSuspensionStopsUserAndKeysUntilItEnds(t *testing.T) {
	each(t, func(w *world) {
		admin := w.in(w.person("root@example.com", "admin"), good)
		u := w.person("ada@example.com", "")
		token, _, err := w.store.SignIn(t.Context(), visitor(), u.Email, good, firefox)
		w.must(err)
		until := w.clock.Now().Add(time.Hour)

		w.must(w.store.Suspend(t.Context(), admin, u.ID, "Odd calls\r\nat night", &until))

		_, _, dead := w.store.Resolve(t.Context(), token)
		_, _, refused := w.store.SignIn(t.Context(), visitor(), u.Email, good, firefox)
		w.is(dead, fault.Unauthenticated)
		w.is(refused, fault.Unauthenticated)
		org := w.count("SELECT COUNT(*) FROM changes c JOIN organizations o ON o.id = c.subject_id WHERE c.kind = 'organization' AND o.personal_user_id = ?", u.ID)
		if org != 1 || w.count("SELECT COUNT(*) FROM changes WHERE kind = 'user' AND subject_id = ?", u.ID) != 1 {
			t.Error("verification was not told")
		}
		w.last(u.Email, "account_suspended")
		w.clock.Advance(time.Hour)
		w.in(u, good)
	})
}

func TestUnsuspendLetsInAgain(t *testing.T) {
	each(t, func(w *world) {
		admin := w.in(w.person("root@example.com", "admin"), good)
		u := w.person("ada@example.com", "")
		w.must(w.store.Suspend(t.Context(), admin, u.ID, "Testing", nil))

		w.must(w.store.Unsuspend(t.Context(), admin, u.ID))

		w.in(u, good)
		w.is(w.store.Unsuspend(t.Context(), admin, u.ID), fault.Conflict)
		past := w.clock.Now()
		w.is(w.store.Suspend(t.Context(), admin, u.ID, "", nil), fault.Invalid)
		w.is(w.store.Suspend(t.Context(), admin, u.ID, "Testing", &past), fault.Invalid)
		w.is(w.store.Suspend(t.Context(), admin, admin.UserID, "Testing", nil), fault.Conflict)
		w.is(w.store.Suspend(t.Context(), admin, db.NewID(), "Testing", nil), fault.NotFound)
	})
}

// Z5
func TestOnlyAdminsActOnUsers(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@example.com", "")
		w.person("root@example.com", "admin")
		for _, role := range []string{"", "support", "auditor"} {
			a := w.in(w.person("x"+role+"@example.com", role), good)
			for name, err := range map[string]error{
				"suspend": w.store.Suspend(t.Context(), a, u.ID, "Testing", nil), "unsuspend": w.store.Unsuspend(t.Context(), a, u.ID), "approve": w.store.Approve(t.Context(), a, u.ID),
				"sessions": w.store.EndSessionsOf(t.Context(), a, u.ID), "role": w.store.SetStaffRole(t.Context(), a, a.UserID, "admin"), "test mail": w.store.SendTestMail(t.Context(), a),
				"hand out": w.store.HandOutMail(t.Context(), a, db.NewID()),
			} {
				if !fault.Is(err, fault.Forbidden) {
					t.Errorf("%q may %s: %v", role, name, err)
				}
			}
			_, err := w.store.User(t.Context(), a, u.ID)
			if fault.Is(err, fault.Forbidden) != (role == "") {
				t.Errorf("%q reads users: %v", role, err)
			}
		}
	})
}

// Z5: the last admin stays, also when all of them try to leave at once.
func TestTheLastAdminStays(t *testing.T) {
	each(t, func(w *world) {
		var admins []actor.Actor
		for i := range 20 {
			u := w.person(fmt.Sprintf("root%d@example.com", i), "admin")
			admins = append(admins, actor.Actor{Kind: actor.User, UserID: u.ID, StaffRole: "admin", Name: u.Name})
		}
		var all sync.WaitGroup
		for i, a := range admins {
			all.Add(1)
			go func() {
				defer all.Done()
				var err error
				switch i % 3 {
				case 0:
					err = w.store.SetStaffRole(t.Context(), a, a.UserID, "")
				case 1:
					err = w.store.Delete(t.Context(), a, fmt.Sprintf("root%d@example.com", i), good)
				default:
					err = w.store.Suspend(t.Context(), admins[(i+1)%20], a.UserID, "Testing", nil)
				}
				if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Unavailable) {
					t.Error(err)
				}
			}()
		}
		all.Wait()

		if n := w.count("SELECT COUNT(*) FROM users WHERE staff_role = 'admin' AND deleted_at IS NULL AND suspended_at IS NULL"); n != 1 {
			t.Errorf("%d admins are left", n)
		}
	})
}

// S2
func TestStaffRoleEndsSessions(t *testing.T) {
	each(t, func(w *world) {
		admin := w.in(w.person("root@example.com", "admin"), good)
		u := w.person("ada@example.com", "")
		w.in(u, good)

		w.must(w.store.SetStaffRole(t.Context(), admin, u.ID, "support"))

		d, err := w.store.User(t.Context(), admin, u.ID)
		w.must(err)
		if d.StaffRole != "support" || len(d.Sessions) != 0 || len(d.Memberships) != 1 || d.Memberships[0].Kind != "personal" {
			t.Errorf("%+v", d)
		}
		w.is(w.store.SetStaffRole(t.Context(), admin, u.ID, "emperor"), fault.Invalid)
	})
}

// A13: whoever becomes staff, or is staff no more, is told by mail, once for each change.
func TestWhoseStaffRoleChangesIsToldByMail(t *testing.T) {
	each(t, func(w *world) {
		admin := w.in(w.person("root@example.com", "admin"), good)
		u := w.person("ada@example.com", "")
		begun := len(w.letters(u.Email))
		for _, c := range []struct{ role, says string }{{"support", "You are staff of"}, {"support", ""}, {"auditor", "was changed"}, {"", "not staff of"}} {
			w.must(w.store.SetStaffRole(t.Context(), admin, u.ID, c.role))

			letters := w.letters(u.Email)[begun:]
			begun += len(letters)
			if c.says == "" {
				if len(letters) != 0 {
					t.Error("told of no change", letters)
				}
				continue
			}
			if len(letters) != 1 || letters[0].Kind != "staff_role_changed" || !strings.Contains(letters[0].Lines[1].Key, c.says) {
				t.Errorf("%q: %+v", c.role, letters)
			}
		}
	})
}

func TestUsersAreFoundByNameAddressStateAndRole(t *testing.T) {
	each(t, func(w *world) {
		admin := w.in(w.person("root@example.com", "admin"), good)
		for i := range 3 {
			w.person(fmt.Sprintf("dev%d@percent.example", i), "")
		}
		stopped := w.person("stopped@percent.example", "")
		w.must(w.store.Suspend(t.Context(), admin, stopped.ID, "Testing", nil))
		find := func(f account.UserFilter, r db.PageRequest) string {
			p, err := w.store.Users(t.Context(), admin, f, r)
			w.must(err)
			var emails []string
			for _, u := range p.Rows {
				emails = append(emails, strings.SplitN(u.Email, "@", 2)[0])
			}
			return strings.Join(emails, " ")
		}

		got := []string{
			find(account.UserFilter{Search: "PERCENT"}, db.PageRequest{Sort: "email"}), find(account.UserFilter{Search: "love"}, db.PageRequest{Sort: "-email", Size: 2}),
			find(account.UserFilter{Search: "%"}, db.PageRequest{}), find(account.UserFilter{Role: "admin"}, db.PageRequest{Sort: "-signed_in"}), find(account.UserFilter{State: account.StateSuspended}, db.PageRequest{}),
			find(account.UserFilter{State: account.StateActive, Role: "none"}, db.PageRequest{Sort: "email"}), find(account.UserFilter{State: account.StateWaiting}, db.PageRequest{}), find(account.UserFilter{State: account.StateDeleted}, db.PageRequest{}),
		}

		want := []string{"dev0 dev1 dev2 stopped", "stopped root", "", "root", "stopped", "dev0 dev1 dev2", "", ""}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%d: %q, want %q", i, got[i], want[i])
			}
		}
	})
}

func TestUsersArePagedByKeyset(t *testing.T) {
	each(t, func(w *world) {
		admin := w.in(w.person("root@example.com", "admin"), good)
		for i := range 5 {
			w.person(fmt.Sprintf("dev%d@example.com", i), "")
		}
		for _, sort := range []string{"created", "-name", "signed_in", "-email"} {
			seen := map[string]bool{}
			r := db.PageRequest{Sort: sort, Size: 4}
			for range 3 {
				p, err := w.store.Users(t.Context(), admin, account.UserFilter{}, r)
				w.must(err)
				for _, u := range p.Rows {
					seen[u.Email] = true
				}
				if r.After = p.Next; r.After == "" {
					break
				}
			}
			if len(seen) != 6 {
				t.Errorf("%s: %d of 6", sort, len(seen))
			}
		}
	})
}

func TestAWaitingLetterIsOpenedHandedOutAndAudited(t *testing.T) {
	each(t, func(w *world) {
		admin := w.in(w.person("root@example.com", "admin"), good)
		w.must(w.store.SendTestMail(t.Context(), admin))
		page, err := w.store.Mails(t.Context(), admin, outbox.Filter{State: "waiting"}, db.PageRequest{})
		w.must(err)
		id := page.Rows[0].ID

		_, l, err := w.store.OpenMail(t.Context(), admin, id)
		w.must(err)
		w.must(w.store.HandOutMail(t.Context(), admin, id))

		if l.To != "root@example.com" || l.Kind != "mail_test" || w.acts("mail.read") != 1 || w.acts("mail.handed_out") != 1 {
			t.Error(l)
		}
		_, _, err = w.store.OpenMail(t.Context(), admin, id)
		w.is(err, fault.NotFound)
		w.is(w.store.HandOutMail(t.Context(), admin, id), fault.NotFound)
	})
}

// Z5
func TestClosedMailsAreThoseThatAreNotOpened(t *testing.T) {
	each(t, func(w *world) {
		admin := w.in(w.person("root@example.com", "admin"), good)
		var ids []db.ID
		for email, role := range map[string]string{"root@example.com": "", "second@example.com": "auditor", "ada@example.com": ""} {
			if email != "root@example.com" {
				w.person(email, role)
			}
			w.must(w.store.RequestReset(t.Context(), elsewhere(), email))
		}
		w.must(w.d.Read(t.Context()).Raw("SELECT id FROM mails WHERE kind = 'reset_password'").Scan(&ids).Error)

		closed, err := w.store.ClosedMails(t.Context(), admin, ids)
		w.must(err)

		for _, id := range ids {
			_, l, err := w.store.OpenMail(t.Context(), admin, id)
			if closed[id] != (err != nil) || closed[id] != (l.To == "") {
				t.Error(l.To, closed[id], err)
			}
		}
		if len(ids) != 3 || len(closed) != 1 {
			t.Error(len(ids), closed)
		}
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error { // a letter to a member of staff that does not say to whose account it leads
			return w.box.Queue(tx, outbox.Letter{Kind: "provider_proof", To: "second@example.com"})
		}))
		var proof []db.ID
		w.must(w.d.Read(t.Context()).Raw("SELECT id FROM mails WHERE kind = 'provider_proof'").Scan(&proof).Error)
		if _, _, err := w.store.OpenMail(t.Context(), admin, proof[0]); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a proof that leads into the account of staff: %v", err)
		}
		none, err := w.store.ClosedMails(t.Context(), admin, nil)
		if err != nil || len(none) != 0 {
			t.Error(none, err)
		}
		_, err = w.store.ClosedMails(t.Context(), elsewhere(), ids)
		w.is(err, fault.Forbidden)
	})
}
