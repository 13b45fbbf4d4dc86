package catalog_test

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// A12, Z7: what is decided about an app is told to who asked while they may read of it, and otherwise to those who manage the organization.
func TestADecisionIsToldToNobodyWhoMayNotReadOfTheApp(t *testing.T) {
	for what, c := range map[string]struct {
		change string
		told   string
	}{
		"nothing happened":      {change: "UPDATE users SET updated_at = created_at WHERE id = ?", told: "dev.patel"},
		"suspended":             {change: "UPDATE users SET suspended_at = created_at WHERE id = ?", told: "nora.north"},
		"no longer suspended":   {change: "UPDATE users SET suspended_at = created_at, suspended_until = created_at WHERE id = ?", told: "dev.patel"},
		"without a factor":      {change: "UPDATE organizations SET factor_from = created_at WHERE id IN (SELECT organization_id FROM members WHERE user_id = ?)", told: "nora.north"},
		"shut out of the app":   {change: "UPDATE apps SET limited = TRUE WHERE organization_id IN (SELECT organization_id FROM members WHERE user_id = ?)", told: "nora.north"},
		"the address not known": {change: "UPDATE users SET email_verified_at = NULL WHERE id = ?", told: "nora.north"},
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(t *testing.T, w *catalogtest.World, clock *dbtest.Clock) {
				dev := w.Person("Dev Patel", "")
				w.Join(w.North, dev, "developer")
				x := w.Request(w.Trusted, w.Read)
				w.Tx(func(tx *db.Tx) error {
					for query, args := range map[string][]any{
						"UPDATE access SET requested_by = ? WHERE id = ?": {dev.UserID, x.ID},
						c.change: {dev.UserID},
						"INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'Phone', ?, ?)": {db.NewID(), w.Owner.UserID, tx.Now, tx.Now},
					} {
						if _, err := tx.Run(query, args...); err != nil {
							return err
						}
					}
					return nil
				})
				clock.Advance(24 * time.Hour)

				err := w.Catalog.Refuse(t.Context(), w.Staff, x.ID, "Tell us more about the data.")

				for _, name := range []string{"dev.patel", "nora.north"} {
					if told := slices.Contains(w.Mails(name+"@example.com"), "access_refused"); err != nil || told != (name == c.told) {
						t.Error(err, name, told)
					}
				}
			})
		})
	}
}
