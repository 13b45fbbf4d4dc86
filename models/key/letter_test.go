package key_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// Where the maker left, the organization's admins and owners are told in their place.
func TestRevocationAndSuspensionAreMailedToWhoeverIsStillThere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		stays, leaves := w.make(w.developer, "Stays").Key.ID, w.make(w.other, "Leaves").Key.ID
		w.run("DELETE FROM members WHERE user_id = ?", w.other.UserID)

		if err := w.keys.Suspend(bg, w.staff, stays, "odd calls", nil); err != nil {
			t.Fatal(err)
		}
		if err := w.keys.RevokeByStaff(bg, w.staff, leaves, "leaked"); err != nil {
			t.Fatal(err)
		}

		want := []string{"ada key_revoked", "dev key_suspended", "olga key_revoked", "ops key_revoked", "ops key_suspended"}
		if diff := cmp.Diff(want, w.mails()); diff != "" {
			t.Error(diff)
		}
	})
}

// L7
func TestManyActsOnKeysAreFewMails(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		if err := w.policy(90, 365, false, 100); err != nil {
			t.Fatal(err)
		}
		revoke := func() {
			t.Helper()
			if err := w.keys.Revoke(bg, w.developer, w.make(w.developer, "Buy now").Key.ID, ""); err != nil {
				t.Fatal(err)
			}
		}
		mails := func(to string) (n int) {
			for _, m := range w.mails() {
				if m == to+" key_revoked" {
					n++
				}
			}
			return n
		}
		before := w.events()

		for range 50 {
			revoke()
		}
		if dev, ops := mails("dev"), mails("ops"); dev != key.MaxMails || ops != key.MaxMails || len(w.acts(before)) != 100 {
			t.Errorf("%d and %d mails, %d acts", dev, ops, len(w.acts(before)))
		}
		clock.Advance(key.MailWindow)
		revoke()
		if dev := mails("dev"); dev != key.MaxMails+1 {
			t.Error("an hour later there is room again:", dev)
		}
		var subjects []string
		if err := d.Read(bg).Raw("SELECT DISTINCT subject FROM mails").Scan(&subjects).Error; err != nil || len(subjects) != 1 || subjects[0] != "The API key %s was revoked" {
			t.Error(subjects, err)
		}
	})
}

func TestTheTechnicalAddressIsToldOnlyWhileItIsAMembers(t *testing.T) {
	for what, change := range map[string]string{
		"left":          "DELETE FROM members WHERE user_id = (SELECT id FROM users WHERE email = 'ops@northwind.example')",
		"is a stranger": "UPDATE organizations SET technical_email = 'victim@elsewhere.example' WHERE name = 'Northwind'",
		"not verified":  "UPDATE users SET email_verified_at = NULL WHERE email = 'ops@northwind.example'",
	} {
		t.Run(what, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w := newWorld(t, d, clock)
				id := w.make(w.developer, "Worker").Key.ID
				w.run(change)

				if err := w.keys.RevokeByStaff(bg, w.staff, id, "leaked"); err != nil {
					t.Fatal(err)
				}

				if diff := cmp.Diff([]string{"dev key_revoked"}, w.mails()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestSweepForgetsOldForms(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.make(w.developer, "Old")
		clock.Advance(25 * time.Hour)

		err := w.keys.Sweep(bg)

		var forms int
		if scan := d.Read(bg).Raw("SELECT COUNT(*) FROM form_tokens").Scan(&forms).Error; err != nil || scan != nil || forms != 0 {
			t.Error("forms", forms, err, scan)
		}
	})
}
