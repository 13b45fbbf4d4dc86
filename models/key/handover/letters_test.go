package handover_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Z2, Z7: who is kept out of a limited app reads nothing of it in a mail: not as the technical address of its organization, and not as an admin of another that hears of it.
func TestMailsAboutALimitedAppDoNotReachWhoIsKeptOutOfIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const vic = "vic.view@example.com"
		w.exec("UPDATE organizations SET technical_email = ? WHERE id = ?", vic, w.North)
		w.ok(w.Org.LimitApp(t.Context(), w.admin, w.Shop, true, []db.ID{w.developer.UserID}))
		w.Join(w.Contoso, w.viewer, "admin")
		w.Join(w.Contoso, w.Owner, "admin")
		w.make(w.developer, "Secret project")
		w.shares(w.admin)
		w.ok(w.store.Remove(t.Context(), w.Owner, w.North, w.developer.UserID))
		w.ok(w.store.Remove(t.Context(), w.Owner, w.North, w.admin.UserID))
		w.exec("UPDATE access SET state = 'ended'")
		_, err := w.store.Move(t.Context(), w.Owner, w.Shop, w.Contoso)
		w.ok(err)

		for kind, others := range map[string]string{
			"share_offered": "carl.contoso@example.com", "share_accepted": "nora.north@example.com", "keys_unowned": "nora.north@example.com", "shares_remain": "nora.north@example.com",
		} {
			w.written(kind, others, vic)
		}
		// In Contoso, whose it is now, Vic is an admin, and finds it there.
		w.written("app_moved", vic)
		w.written("app_moved", "nora.north@example.com")
	})
}

// Z2: the organization that an app leaves tells nobody of it who was kept out of it there, also when it publishes an API that the app uses.
func TestAMovedAppThatIsLimitedIsNotToldToWhoWasKeptOutOfIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const vic = "vic.view@example.com"
		w.exec("UPDATE organizations SET technical_email = ? WHERE id = ?", vic, w.North)
		w.exec("UPDATE apis SET publisher_id = ?", w.North)
		w.ok(w.Org.LimitApp(t.Context(), w.admin, w.Shop, true, nil))
		w.Join(w.Contoso, w.Owner, "admin")

		_, err := w.store.Move(t.Context(), w.Owner, w.Shop, w.Contoso)

		w.ok(err)
		w.written("app_moved", "ann.admin@example.com", vic)
		w.written("app_moved_publisher", "", vic)
	})
}

// A12, 0017: what stands for a person while they are away asks whether they show a second factor, here or at their provider, and not whether a session did just now.
func TestALinkOfWhoShowsTheFactorAtTheirProviderOpens(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, link := w.link(w.developer, "Deploy")
		w.requireFactor()
		w.exec("INSERT INTO identities (id, user_id, issuer, subject, factor_at, created_at) VALUES (?, ?, 'https://login.example', 'dev', ?, ?)", db.NewID(), w.developer.UserID, w.clock.Now(), w.clock.Now())

		_, opened := w.store.Open(t.Context(), stranger, link.Token.Reveal())

		w.ok(opened)
	})
}

// written wants a letter of a kind to one address, unless it is empty, and none to others.
func (w *world) written(kind, to string, never ...string) {
	w.t.Helper()
	all := w.mails(kind)
	found := to == ""
	for _, m := range all {
		found = found || strings.HasPrefix(m, to+" ")
		for _, n := range never {
			if strings.HasPrefix(m, n+" ") {
				w.t.Error(kind, "reaches", m)
			}
		}
	}
	if !found {
		w.t.Error(kind, "does not reach", to, all)
	}
}
