package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// factor gives u a second factor that was last used at.
func (w *world) factor(u account.User, kind, name string, at *time.Time) {
	w.t.Helper()
	w.must(w.DB.Tx(w.t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, last_used_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)", db.NewID(), u.ID, kind, name, tx.Now, at, tx.Now)
		return err
	}))
}

// U8, A12: staff who read users see which kinds of second factors somebody has and when one was used, and never what they are called.
func TestStaffSeeKindsOfSecondFactorsAndNoNames(t *testing.T) {
	w := begin(t, "")
	u := w.member("ada@example.com", "")
	support := w.As(w.member("support@example.com", "support"))
	path := "/admin/users/" + u.ID.Show("user")
	none := support.Get(path)
	early, late := w.Clock.Now().Add(-72*time.Hour), w.Clock.Now().Add(-48*time.Hour)
	w.factor(u, "totp", "Ada’s Pixel 9", &early)
	w.factor(u, "passkey", "Ada’s YubiKey", &late)
	w.factor(u, "passkey", "Ada’s laptop", nil)

	page := support.Get(path)

	w.want(none, 200, "Second factors", "None", "Not required")
	w.want(page, 200, "Passkey: 2 · Authenticator app: 1", "Second factor last used", `datetime="`+late.Format(time.RFC3339)+`"`)
	for _, word := range []string{"Pixel", "YubiKey", "laptop", "Shut out"} {
		if strings.Contains(page.Body, word) {
			t.Errorf("the page holds %q", word)
		}
	}
	if facts, lists := strings.Index(page.Body, "<dt>Staff role"), strings.Index(page.Body, `id="organizations"`); facts < 0 || facts > lists {
		t.Error("on a phone the facts come last")
	}
	w.want(w.As(u).Get(path), 403)
}

// A12, Z4: an organization that shares an app asks a second factor of the people of the other one, too, and of nobody else.
func TestStaffSeeWhichSharesTheLackOfASecondFactorShuts(t *testing.T) {
	w := begin(t, "")
	u, lender := w.member("ada@example.com", ""), w.member("lena@example.com", "")
	admin := w.As(w.member("root@example.com", "admin"))
	run := func(sql string, args ...any) {
		w.must(w.DB.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run(sql, args...)
			return err
		}))
	}
	now, app := w.Clock.Now(), db.NewID()
	const own = "SELECT id FROM organizations WHERE personal_user_id = ?"
	run("INSERT INTO apps (id, organization_id, name, created_at, updated_at) SELECT ?, o.id, 'Till', o.created_at, o.created_at FROM organizations o WHERE o.personal_user_id = ?", app, lender.ID)
	run("INSERT INTO app_shares (id, app_id, lender_id, receiver_id, usage_read, keys_read, reason, ends_at, accepted_at, created_at) VALUES (?, ?, ("+own+"), ("+own+"), TRUE, TRUE, 'x', ?, ?, ?)",
		db.NewID(), app, lender.ID, u.ID, now.Add(48*time.Hour), now, now)
	rule := func(from time.Time) {
		run("UPDATE organizations SET name = 'Kestrel', factor_from = ? WHERE personal_user_id = ?", from, lender.ID)
	}
	page := func(of account.User) webtest.Page { return admin.Get("/admin/users/" + of.ID.Show("user")) }
	rule(now.Add(time.Hour))
	soon := page(u)
	rule(now)
	shut, stranger := page(u), page(w.member("sam@example.com", ""))
	run("UPDATE app_shares SET ended_at = ?", now)

	ended := page(u)

	w.want(soon, 200, "for what Kestrel shares, from 21 Nov 2026, 13:00 UTC on")
	w.want(shut, 200, "for what Kestrel shares", "What Kestrel shares with their organization is shut to them")
	if n := strings.Count(shut.Body, "for what Kestrel shares"); n != 1 {
		t.Errorf("told %d times", n)
	}
	for name, page := range map[string]string{"before its day": soon.Body, "somebody else": stranger.Body, "ended": ended.Body} {
		if strings.Contains(page, "is shut to them") {
			t.Errorf("%s: said to be shut", name)
		}
	}
}

// A12: whom a rule shuts out until they have a second factor stands on their page, and by whose rule.
func TestStaffSeeWhomTheLackOfASecondFactorShutsOut(t *testing.T) {
	w := begin(t, "")
	u, colleague := w.member("ada@example.com", ""), w.member("support@example.com", "support")
	admin := w.As(w.member("root@example.com", "admin"))
	path, others := "/admin/users/"+u.ID.Show("user"), "/admin/users/"+colleague.ID.Show("user")
	rule := func(from time.Time) {
		w.must(w.DB.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("UPDATE organizations SET name = 'Kestrel', factor_from = ? WHERE personal_user_id = ?", from, u.ID)
			return err
		}))
	}
	rule(w.Clock.Now().Add(time.Hour))
	soon := admin.Get(path)
	rule(w.Clock.Now())
	now, free := admin.Get(path), admin.Get(others)
	w.Kit.StaffFactor = true
	staff := admin.Get(others)
	w.factor(u, "totp", "App", nil)
	w.As(colleague) // in a session in which a provider saw a factor
	away := w.member("away@example.com", "support")
	w.must(w.DB.Tx(t.Context(), func(tx *db.Tx) error { // whose provider saw one yesterday
		_, err := tx.Run("INSERT INTO identities (id, user_id, issuer, subject, factor_at, created_at) VALUES (?, ?, 'https://login.example', 'away', ?, ?)", db.NewID(), away.ID, tx.Now, tx.Now)
		return err
	}))

	has, vouched, between := admin.Get(path), admin.Get(others), admin.Get("/admin/users/"+away.ID.Show("user"))

	w.want(soon, 200, "by Kestrel from 21 Nov 2026, 13:00 UTC on")
	w.want(now, 200, "by Kestrel", "Shut out for want of a second factor", "They reach nothing of Kestrel")
	w.want(staff, 200, "by this portal, of its staff", "They reach nothing but the page on which they add one")
	for name, page := range map[string]string{"before its day": soon.Body, "nobody requires one": free.Body, "has one": has.Body, "provider": vouched.Body, "between two sessions": between.Body} {
		if strings.Contains(page, "Shut out") {
			t.Errorf("%s: said to be shut out", name)
		}
	}
}
