package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/openid"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

const chosen = "umbrella quiet mountain tide"

// mallory is somebody with an account of their own at the provider, which showed a second factor or did not.
func mallory(factor bool) openid.Identity {
	return openid.Identity{Issuer: issuer, Subject: "sub-mallory", Address: "ada@northwind.example", Factor: factor}
}

func (w *world) factor(u account.User, kind string) db.ID {
	w.Helper()
	id := db.NewID()
	w.must(w.d.Tx(w.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, ?, 'One', ?, ?)", id, u.ID, kind, tx.Now, tx.Now)
		return err
	}))
	return id
}

func (w *world) identities(u account.User) int64 {
	return w.count("SELECT COUNT(*) FROM identities WHERE user_id = ?", u.ID)
}

// linkIn is the token of the link in the newest mail to an address.
func (w *world) linkIn(to string) string {
	w.Helper()
	_, token, _ := strings.Cut(w.mail(to).URL, "token=")
	return token
}

// words are all lines of a letter, with what stands in them.
func words(l outbox.Letter) string {
	var all []string
	for _, line := range append(l.Lines, l.After...) {
		all = append(all, line.Key+" "+strings.Join(line.Args, " "))
	}
	for _, link := range l.Links {
		all = append(all, link.URL)
	}
	return strings.Join(all, "\n")
}

// A13, A14, A15: who reads somebody's mail and has an account elsewhere that showed a factor of its own has shown none of theirs.
func TestAMailStandsForNoSecondFactorAndLinksNothingBeforeOne(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@northwind.example")
		w.factor(u, "totp")

		for _, theirs := range []bool{true, false} {
			visit := w.visit(mallory(theirs))
			w.must(w.store.SendLink(t.Context(), visitor(), visit))
			out, err := w.store.Prove(t.Context(), visitor(), visit, w.linkIn(u.Email), agent)
			w.must(err)
			v, err := w.store.ByToken(t.Context(), visit)
			w.must(err)

			if !out.Session.Pending() || w.identities(u) != 0 || !v.Verified || !v.HasAccount {
				t.Errorf("factor there %v: pending %v, %d identities, %+v", theirs, out.Session.Pending(), w.identities(u), v)
			}
		}
	})
}

// A14: with the factor shown, the same visit goes on and is linked. A mail is no fresh proof: the page asks for one before it links.
func TestAProvenVisitIsLinkedOnceTheFactorWasShown(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@northwind.example")
		w.factor(u, "totp")
		visit := w.visit(ada(func(i *openid.Identity) { i.Verified = false }))
		w.must(w.store.SendLink(t.Context(), visitor(), visit))
		out, err := w.store.Prove(t.Context(), visitor(), visit, w.linkIn(u.Email), agent)
		w.must(err)

		var whole account.Session
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
			_, whole, err = account.ShowFactor(tx, as(u, out.Session), account.ShownApp)
			return err
		}))
		_, err = w.store.Link(t.Context(), as(u, whole), visit)

		w.must(err)
		if whole.Fresh(w.clock.Now()) || w.identities(u) != 1 || w.mail(u.Email).Kind != "provider_linked" {
			t.Error(whole, w.identities(u))
		}
	})
}

// A15: of who has no factor, what the provider says of one does not count in the step that links.
func TestTheStepThatLinksByMailTakesNoFactorFromElsewhere(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@northwind.example")
		visit := w.visit(mallory(true))
		w.must(w.store.SendLink(t.Context(), visitor(), visit))

		out, err := w.store.Prove(t.Context(), visitor(), visit, w.linkIn(u.Email), agent)

		w.must(err)
		if out.Session.Pending() || out.Session.FactorAt != nil || w.identities(u) != 1 {
			t.Error(out.Session, w.identities(u))
		}
	})
}

// A13: a new password is the owner's way back, so nobody whom an intruder linked comes in any more; the mail tells which, and which passkeys there are.
func TestAResetUnlinksProvidersAndTellsOfPasskeys(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@northwind.example")
		a, _ := w.in(u)
		intruder := openid.Identity{Issuer: issuer, Subject: "sub-mallory", Address: "m@evil.example", Verified: true}
		_, err := w.store.Link(t.Context(), a, w.visit(intruder))
		w.must(err)
		w.factor(u, "passkey")
		w.must(w.accounts.RequestReset(t.Context(), visitor(), u.Email))

		done, err := w.accounts.Reset(t.Context(), visitor(), w.linkIn(u.Email), chosen)

		w.must(err)
		out, err := w.arrive(visitor(), intruder)
		w.must(err)
		if out.Token != "" || w.identities(u) != 0 {
			t.Error("who was linked comes back", out)
		}
		if done.UserID != u.ID || len(done.Unlinked) != 1 || done.Unlinked[0] != issuer || done.Passkeys != 1 {
			t.Errorf("%+v", done)
		}
		l := w.mail(u.Email)
		for _, part := range []string{"m@evil.example", "login.northwind.example", "passkey", "/console/account/security", "/console/account/providers"} {
			if !strings.Contains(words(l), part) {
				t.Errorf("%s does not tell %q: %s", l.Kind, part, words(l))
			}
		}
		if w.count("SELECT COUNT(*) FROM audit_events WHERE act = 'provider.unlinked'") != 1 || w.count("SELECT COUNT(*) FROM factors WHERE user_id = ?", u.ID) != 1 {
			t.Error("the unlinking is not recorded, or a mail took a factor away")
		}
	})
}

// A14: taking the address back takes away what was added since, and nothing of before: a mail alone never removes the owner's own factor.
func TestTakingAnAddressBackEndsTheWaysInThatWereMadeSince(t *testing.T) {
	each(t, func(w *world) {
		u := w.person("ada@northwind.example")
		before := w.factor(u, "totp")
		w.clock.Advance(48 * time.Hour)
		a, _ := w.in(u)
		w.factor(u, "passkey") // just before, in the same session
		w.must(w.accounts.RequestEmail(t.Context(), a, "m@evil.example", good))
		w.must(w.accounts.ConfirmEmail(t.Context(), a, w.linkIn("m@evil.example")))
		undo := w.linkIn(u.Email)
		w.clock.Advance(time.Hour)
		intruder := openid.Identity{Issuer: issuer, Subject: "sub-mallory", Address: "m@evil.example", Verified: true}
		_, err := w.store.Link(t.Context(), a, w.visit(intruder))
		w.must(err)
		w.factor(u, "passkey")
		w.must(w.d.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO recovery_codes (user_id, digest, created_at) VALUES (?, ?, ?)", u.ID, []byte("one"), tx.Now)
			return err
		}))

		w.must(w.accounts.UndoEmail(t.Context(), visitor(), undo))

		out, err := w.arrive(visitor(), intruder)
		w.must(err)
		left := w.count("SELECT COUNT(*) FROM factors WHERE user_id = ? AND id <> ?", u.ID, before)
		kept := w.count("SELECT COUNT(*) FROM factors WHERE id = ?", before)
		if out.Token != "" || w.identities(u) != 0 || left != 0 || kept != 1 || w.count("SELECT COUNT(*) FROM recovery_codes WHERE user_id = ?", u.ID) != 0 {
			t.Error("a way in is left, or the owner's factor is gone:", out.Token != "", w.identities(u), left, kept)
		}
		if w.count("SELECT COUNT(*) FROM audit_events WHERE act IN ('provider.unlinked', 'factor.removed')") != 3 {
			t.Error("what was taken away is not recorded")
		}
		if l := w.mail(u.Email); l.Kind != "reset_password" || !strings.Contains(words(l), "m@evil.example") || !strings.Contains(words(l), "second factor") {
			t.Error(l.Kind, words(l))
		}
		w.is(w.accounts.UndoEmail(t.Context(), visitor(), undo), fault.NotFound)
	})
}
