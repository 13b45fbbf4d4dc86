package handover_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// The target's number of keys an app is not got round by moving: what is missing is said before and with the refusal.
func TestAnAppWithMoreKeysThanTheTargetAllowsStays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.both()
		first := w.make(w.developer, "One").Key.ID
		w.make(w.developer, "Two")
		w.make(w.developer, "Three")
		w.ok(policy.NewStore(w.DB).Save(t.Context(), w.Staff, policy.Source{Kind: policy.Organization, ID: w.Contoso}, policy.Rules{KeysPerApp: new(2)}))

		ahead, err := w.store.PreviewMove(t.Context(), w.admin, w.Shop, w.Contoso)
		w.ok(err)
		_, refused := w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)
		w.ok(w.keys.Revoke(t.Context(), w.developer, first, ""))
		_, moved := w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)

		if ahead.Movable() || ahead.TooMany() != 1 || ahead.Most != 2 {
			t.Error("ahead:", ahead.Movable(), ahead.TooMany(), ahead.Most)
		}
		w.expect("too many", refused, fault.Conflict)
		if refused == nil || !strings.Contains(fault.As(refused).Key, "allows an app %[2]d keys") {
			t.Error("it does not say why:", refused)
		}
		if moved != nil {
			t.Error("as many as are allowed:", moved)
		}
	})
}

// What the source agreed to does not bind the target: who moves the app agrees for it to the terms as they are now, which the audit log says with all that travelled.
func TestTermsAreAgreedToForTheTargetAndTheLogSaysWhatTravelled(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.both()
		w.make(w.developer, "Deploy")
		w.strict(w.Contoso)
		w.exec("UPDATE apis SET terms = 'Be kind.', terms_version = 3 WHERE id = ?", w.API)

		ahead, err := w.store.PreviewMove(t.Context(), w.admin, w.Shop, w.Contoso)
		w.ok(err)
		_, err = w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)
		w.ok(err)

		if len(ahead.Access) != 1 || ahead.Access[0].TermsVersion != 3 || ahead.Access[0].PlanName == "" || ahead.Access[0].Anew {
			t.Fatalf("ahead: %+v", ahead.Access)
		}
		if n := w.count("SELECT COUNT(*) FROM access WHERE app_id = ? AND state = 'approved' AND terms_version = 3 AND terms_agreed_by = ? AND terms_agreed_at IS NOT NULL", w.Shop, w.admin.UserID); n != 1 {
			t.Error("agreed:", n)
		}
		var details []string
		w.ok(w.DB.Read(t.Context()).Raw("SELECT details FROM audit_events WHERE act = 'app.moved'").Scan(&details).Error)
		for _, words := range []string{"Orders (" + ahead.Access[0].PlanName + ")", "Orders v3", `"keys"`, "networks 1"} {
			if len(details) != 2 || !strings.Contains(details[0], words) || !strings.Contains(details[1], words) {
				t.Errorf("the log lacks %q: %v", words, details)
			}
		}
	})
}

// Whose API the app uses learns by mail that another organization does from now on; nobody is told twice, and no publisher of an API that it does not use.
func TestPublishersLearnWhoseAppUsesTheirAPI(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.both()
		w.make(w.developer, "Deploy")
		publisher, other := db.NewID(), w.Person("Paula Publisher", "")
		now := w.clock.Now()
		w.exec("INSERT INTO organizations (id, kind, name, created_at, updated_at) VALUES (?, 'ordinary', 'Publishing', ?, ?)", publisher, now, now)
		w.Join(publisher, other, "admin")
		w.Join(publisher, w.Owner, "owner") // of the source too
		w.exec("UPDATE apis SET publisher_id = ? WHERE id = ?", publisher, w.API)

		_, err := w.store.Move(t.Context(), w.admin, w.Shop, w.Contoso)
		w.ok(err)

		mails := w.mails("app_moved_publisher")
		if len(mails) != 1 || !strings.HasPrefix(mails[0], "paula.publisher@") || !strings.Contains(mails[0], "Orders") || !strings.Contains(mails[0], "Contoso") {
			t.Error(mails)
		}
		told := map[string]int{}
		for _, m := range append(w.mails("app_moved"), mails...) {
			who, _, _ := strings.Cut(m, " ")
			told[who]++
		}
		for who, n := range told {
			if n != 1 {
				t.Errorf("%s is told %d times", who, n)
			}
		}
	})
}
