package handover_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/notice"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// held is what somebody holds of their organization by an address alone, and what was noted of them.
type held struct {
	calendar, link string
}

func (w *world) holds(a actor.Actor, notices *notice.Store, name string) held {
	w.t.Helper()
	token, err := notices.MakeCalendar(w.t.Context(), a, w.North, 0)
	w.ok(err)
	made, link := w.link(a, name)
	w.exec("INSERT INTO key_notices_told (user_id, key_id, kind, ends_at, told_at) VALUES (?, ?, '30d', ?, ?)", a.UserID, made.Key.ID, w.clock.Now().Add(30*day), w.clock.Now())
	return held{token, link.Token.Reveal()}
}

// L1, K1: with an account go the addresses that show its organizations' dates, the links that it made and nobody opened, and what was noted of it. Those of
// others stay.
func TestADeletedPersonsAddressesAndNoticesDieWithTheAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, notices := t.Context(), notice.NewStore(w.DB, w.keys, w.box)
		gone, stays := w.holds(w.developer, notices, "Deploy"), w.holds(w.admin, notices, "Nightly")
		own := db.NewID()
		w.exec("INSERT INTO organizations (id, kind, personal_user_id, name, created_at, updated_at) VALUES (?, 'personal', ?, 'Dev Patel', ?, ?)", own, w.developer.UserID, w.clock.Now(), w.clock.Now())
		w.Join(own, w.developer, "owner")
		app, err := w.Org.CreateApp(ctx, w.developer, own, org.AppInput{Name: "Toy"})
		w.ok(err)
		toy := w.make(w.developer, "Toy key").Key.ID
		w.exec("UPDATE keys SET app_id = ? WHERE id = ?", app.ID, toy)
		shared := w.make(w.developer, "Shared").Key.ID
		for _, id := range []db.ID{toy, shared} {
			w.exec("INSERT INTO key_policy_dues (key_id, rule, subject_kind, subject_id, days, due_at, told, created_at) VALUES (?, 'idle', 'api', ?, 30, ?, 1, ?)", id, w.API, w.clock.Now().Add(7*day), w.clock.Now())
		}
		for _, h := range []held{gone, stays} {
			_, err := notices.ReadCalendar(ctx, h.calendar)
			w.ok(err)
		}

		w.ok(w.DB.Tx(ctx, func(tx *db.Tx) error { // as account.Store.Delete does
			for _, query := range []string{"UPDATE organizations SET deleted_at = created_at WHERE personal_user_id = ?", "UPDATE users SET deleted_at = created_at WHERE id = ?", "DELETE FROM members WHERE user_id = ?"} {
				if _, err := tx.Run(query, w.developer.UserID); err != nil {
					return err
				}
			}
			return w.store.Gone(tx, account.Gone{UserID: w.developer.UserID})
		}))

		_, read := notices.ReadCalendar(ctx, gone.calendar)
		w.expect("the calendar", read, fault.NotFound)
		_, opened := w.store.Open(ctx, actor.Actor{}, gone.link)
		w.expect("the link", opened, fault.NotFound)
		for what, query := range map[string]string{
			"calendars": "SELECT COUNT(*) FROM key_calendars WHERE user_id = ?", "texts under links": "SELECT COUNT(*) FROM key_handovers WHERE sealed IS NOT NULL AND made_by = ?",
			"notices": "SELECT COUNT(*) FROM key_notices_told WHERE user_id = ?",
		} {
			if n := w.count(query, w.developer.UserID); n != 0 {
				t.Errorf("%s of the deleted person: %d", what, n)
			}
			if n := w.count(query, w.admin.UserID); n != 1 {
				t.Errorf("%s of somebody else: %d", what, n)
			}
		}
		if toys, others := w.count("SELECT COUNT(*) FROM key_policy_dues WHERE key_id = ?", toy), w.count("SELECT COUNT(*) FROM key_policy_dues WHERE key_id = ?", shared); toys != 0 || others != 1 {
			t.Error("due of the personal organization’s keys, and of the organization’s:", toys, others)
		}
		_, err = notices.ReadCalendar(ctx, stays.calendar)
		w.ok(err)
		if _, err = w.store.Open(ctx, actor.Actor{}, stays.link); err != nil {
			t.Error("the link of who stays:", err)
		}
	})
}

// accounts deletes accounts, as the program does; the person's password is theirs.
func (w *world) accounts(a actor.Actor) *account.Store {
	w.t.Helper()
	hasher, err := password.NewHasher(password.Default, password.GateOptions{}, func(plain, salt []byte, _ password.Params, n uint32) []byte { // the real one is tested in its own package
		sum := sha256.Sum256(append(append([]byte{}, salt...), plain...))
		return sum[:n]
	})
	w.ok(err)
	s := account.NewStore(account.Options{
		DB: w.DB, Hasher: hasher, Sealer: w.root.Sealer(secret.LabelPassword), Signer: w.root.Signer(secret.LabelSession), Outbox: w.box, Link: func(p string) string { return "https://portal.example" + p }, Floor: -1,
	})
	s.OnDelete(w.store.Gone)
	sealed, err := s.HashPassword(w.t.Context(), a.UserID, good)
	w.ok(err)
	w.exec("UPDATE users SET password_sealed = ?, password_changed_at = created_at WHERE id = ?", sealed, a.UserID)
	return s
}

const good = "correct horse battery staple"

// Z7, K6: whoever goes by deleting the account goes: the others are told what stays shared, if they could share it.
func TestWhoDeletesTheirAccountLeavesWordOfWhatIsShared(t *testing.T) {
	for name, told := range map[string]int{"ann.admin@example.com": 1, "dev.patel@example.com": 0} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.shares(w.admin)
				who := map[string]actor.Actor{"ann.admin@example.com": w.admin, "dev.patel@example.com": w.developer}[name]

				w.ok(w.accounts(who).Delete(t.Context(), who, name, good))

				if mails := w.mails("shares_remain"); len(mails) != told || told > 0 && (!strings.Contains(mails[0], "nora.north@") || !strings.Contains(mails[0], "Shop")) {
					t.Error(mails)
				}
			})
		})
	}
}
