package key_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

func (w *world) suspend(a actor.Actor, until *time.Time) {
	w.run("UPDATE users SET suspended_at = ?, suspended_until = ? WHERE id = ?", w.clock.Now(), until, a.UserID)
}

// A12, Z7: a letter names keys and apps of the organization. Who is suspended, or kept out for want of a second factor, is told of none, and others are in their place.
func TestWhoCannotReadOfAKeyIsNotToldOfIt(t *testing.T) {
	tomorrow := func(w *world) *time.Time { at := w.clock.Now().Add(24 * time.Hour); return &at }
	for what, c := range map[string]struct {
		change func(w *world)
		want   []string
	}{
		"its maker is suspended":                    {func(w *world) { w.suspend(w.developer, nil) }, []string{"ada key_revoked", "olga key_revoked", "ops key_revoked"}},
		"its maker and an admin are, for some time": {func(w *world) { w.suspend(w.developer, tomorrow(w)); w.suspend(w.admin, tomorrow(w)) }, []string{"olga key_revoked", "ops key_revoked"}},
		"a suspension is over": {func(w *world) {
			w.suspend(w.developer, tomorrow(w))
			w.clock.Advance(24 * time.Hour)
		}, []string{"dev key_revoked", "ops key_revoked"}},
		"the technical address is of somebody suspended": {func(w *world) {
			w.run("UPDATE users SET suspended_at = created_at WHERE email = 'ops@northwind.example'")
		}, []string{"dev key_revoked"}},
		"all but the owner want a second factor": {func(w *world) {
			w.run("UPDATE organizations SET factor_from = ? WHERE id = ?", w.clock.Now(), w.org)
			w.run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'Phone', ?, ?)", db.NewID(), w.owner.UserID, w.clock.Now(), w.clock.Now())
		}, []string{"olga key_revoked"}},
		"the rule of a second factor begins tomorrow": {func(w *world) {
			w.run("UPDATE organizations SET factor_from = ? WHERE id = ?", tomorrow(w), w.org)
		}, []string{"dev key_revoked", "ops key_revoked"}},
	} {
		t.Run(what, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w := newWorld(t, d, clock)
				id := w.make(w.developer, "Worker").Key.ID
				c.change(w)

				if err := w.keys.RevokeByStaff(bg, w.staff, id, "leaked"); err != nil {
					t.Fatal(err)
				}

				if diff := cmp.Diff(c.want, w.mails()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
