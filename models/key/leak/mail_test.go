package leak_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// second is another developer of the organization.
func (w *world) second() actor.Actor {
	who := w.user("sec", "")
	w.run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'developer', ?)", w.org, who.UserID, w.clock.Now())
	return who
}

// A12, Z7, K9: of a leaked key hears everybody who may read of it and can do something, and nobody else.
func TestALeakIsToldToWhoMayReadOfTheKey(t *testing.T) {
	for what, c := range map[string]struct {
		change func(w *world, id db.ID)
		want   string
	}{
		"its maker is suspended": {func(w *world, _ db.ID) {
			w.run("UPDATE users SET suspended_at = created_at WHERE id = ?", w.developer.UserID)
		}, "ada olga vic"},
		"an admin is suspended": {func(w *world, _ db.ID) {
			w.run("UPDATE users SET suspended_at = created_at WHERE id = ?", w.admin.UserID)
		}, "dev olga vic"},
		"another answers for the key": {func(w *world, id db.ID) {
			w.run("UPDATE keys SET responsible_id = ? WHERE id = ?", w.second().UserID, id)
		}, "ada dev olga sec vic"},
		"the rule of a second factor has begun": {func(w *world, _ db.ID) {
			now := w.clock.Now()
			w.run("UPDATE organizations SET factor_from = ? WHERE id = ?", now, w.org)
			w.run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'Phone', ?, ?)", db.NewID(), w.owner.UserID, now, now)
		}, "olga"},
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(w *world) {
				made := w.make("Worker", "live")
				c.change(w, made.Key.ID)

				w.handIn(made.Secret.Reveal())

				if to := w.mails("key_leaked"); to != c.want {
					t.Errorf("mails to %s", to)
				}
			})
		})
	}
}
