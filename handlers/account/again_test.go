package account_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// A14: an act that was to be confirmed first is not done by that: the page to which one comes back says so, for a minute, and a link with the mark alone says nothing.
func TestAfterTheProofThePageSaysWhatIsNotDoneYet(t *testing.T) {
	w := begin(t, "")
	admin := w.As(w.member("root@example.com", "admin"))
	w.Visitor().Post("/signup", signUp())
	_, id := w.last("ada@example.com")
	w.Clock.Advance(11 * time.Minute)
	const told = "What you asked for is not done yet: ask for it again."
	admin.Header = http.Header{"Referer": {w.URL + "/admin/mail?state=waiting"}}

	stale := admin.Post("/admin/mail/"+id+"/open", nil)
	const back = "/admin/mail?asked=1&state=waiting"
	w.leads(stale, "/console/account/confirm?next=%2Fadmin%2Fmail%3Fasked%3D1%26state%3Dwaiting")
	early := admin.Get(back)
	w.leads(admin.Post("/console/account/confirm", form("password", good, "next", back)), back)
	just, plain := admin.Get(back), admin.Get("/admin/mail?state=waiting")
	w.Clock.Advance(2 * time.Minute)
	late := admin.Get(back)

	w.want(just, 200, told)
	if contains(early.Body, told) || contains(plain.Body, told) || contains(late.Body, told) || contains(w.Visitor().Get("/login?asked=1").Body, told) {
		t.Error("it is told where nothing was asked for just now")
	}
}

// Signing out says that it is done, and leads to where somebody else is to sign in, here and nowhere else (W4).
func TestSigningOutLeadsOn(t *testing.T) {
	w := begin(t, "")
	ada := w.member("ada@example.com", "")
	here := w.As(ada)
	const next = "/login?next=%2Fconsole%2Finvitations%2Finv_1"

	w.leads(here.Post("/logout", form("next", next)), next)
	w.want(here.Get(next), 200, "You are signed out.", `name="next" value="/console/invitations/inv_1"`)
	w.leads(w.As(ada).Post("/logout", form("next", "//evil.example/")), "/")
}

// Who read in German goes on in German where they are signed out; what was chosen in the browser stays as well.
func TestTheLanguageStaysWhenSessionsEnd(t *testing.T) {
	w := begin(t, "")
	ada := w.member("ada@example.com", "")
	w.must(w.DB.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE users SET language = 'de' WHERE id = ?", ada.ID)
		return err
	}))
	german, chosen := w.As(ada), w.Visitor()

	german.Post("/console/account/sessions/end-all", nil)
	chosen.Post("/language", form("language", "de", "next", "/login"))
	chosen.Post("/login", form("email", "ada@example.com", "password", good))
	chosen.Post("/logout", nil)

	w.want(german.Get("/login"), 200, `lang="de"`, "Alle Ihre Sitzungen sind beendet.")
	w.want(chosen.Get("/login"), 200, `lang="de"`)
}

// Who mistyped their address begins anew from the page that waits for the code.
func TestAMistypedAddressHasAWayOut(t *testing.T) {
	w := begin(t, "")
	browser := w.Visitor()
	browser.Post("/signup", signUp())

	page := browser.Get("/verify?next=/console/keys")

	w.want(page, 200, "Is the address mistyped?", `href="/signup?next=%2Fconsole%2Fkeys"`)
	w.want(browser.Get("/signup"), 200, "Create account")
}

// The account's page says what was proven when each session began.
func TestSessionsSayWhatWasProven(t *testing.T) {
	w := begin(t, "")
	byCode := w.Visitor()
	byCode.Post("/signup", signUp())
	letter, _ := w.last("ada@example.com")

	w.leads(byCode.Post("/verify", form("code", letter.Code)), "/console")

	w.want(byCode.Get("/console/account"), 200, "Code from a mail")
}
