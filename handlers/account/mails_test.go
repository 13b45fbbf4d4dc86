package account_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// A letter whose link was used, or replaced by a newer one, says so in the list and when it is opened; its link is not offered any more.
func TestALetterWhoseLinkIsOverSaysSo(t *testing.T) {
	w := begin(t, "")
	admin := w.As(w.member("root@example.com", "admin"))
	w.member("vera@example.com", "")
	browser := w.Visitor()
	browser.Post("/signup", signUp())
	used, usedID := w.last("ada@example.com")
	w.must(w.store.RequestReset(t.Context(), actor.Actor{}, "vera@example.com"))
	_, olderID := w.last("vera@example.com")
	before := admin.Get("/admin/mail")

	w.leads(browser.Post("/verify", form("code", used.Code)), "/console")
	w.must(w.store.RequestReset(t.Context(), actor.Actor{}, "vera@example.com"))
	_, newerID := w.last("vera@example.com")
	list := admin.Get("/admin/mail")
	dead, older, alive := admin.Post("/admin/mail/"+usedID+"/open", nil), admin.Post("/admin/mail/"+olderID+"/open", nil), admin.Post("/admin/mail/"+newerID+"/open", nil)

	const over = "Its link does not work any more"
	if contains(before.Body, over) || strings.Count(list.Body, over) != 2 {
		t.Errorf("before: %t, after: %d letters", contains(before.Body, over), strings.Count(list.Body, over))
	}
	for _, p := range []string{dead.Body, older.Body} {
		if !contains(p, "The link of this letter does not work any more") || contains(p, "Whoever has this link") || contains(p, "seless after") || contains(p, `id="link"`) {
			t.Error(p)
		}
	}
	w.want(alive, 200, "Whoever has this link or code can act for its recipient.", "Useless after", `id="link"`)
}

// The warning stands over what acts for its recipient, and over nothing else.
func TestTheWarningStandsOverLettersThatActAlone(t *testing.T) {
	w := begin(t, "")
	admin := w.As(w.member("root@example.com", "admin"))
	button := outbox.L("Open the console")
	open := func(l outbox.Letter) string {
		l.To, l.Subject = "ada@example.com", outbox.L("Your organization is suspended")
		w.must(w.DB.Tx(t.Context(), func(tx *db.Tx) error { return w.box.Queue(tx, l) }))
		_, id := w.last("ada@example.com")
		return admin.Post("/admin/mail/"+id+"/open", nil).Body
	}

	for name, l := range map[string]outbox.Letter{
		"nothing": {Kind: "account_deleted"}, "a page": {Kind: "organization_suspended", Button: &button, URL: w.URL + "/console"},
	} {
		if p := open(l); contains(p, "can act for its recipient") || !contains(p, "nothing in it acts for its recipient") {
			t.Errorf("%s: %s", name, p)
		}
	}
	for name, l := range map[string]outbox.Letter{
		"a code": {Kind: "sign_in_code", Code: "123 456"}, "a link": {Kind: "provider_proof", Button: &button, URL: w.URL + "/login/visit/proof?token=abc"},
		"a lesser link": {Kind: "answer", Button: &button, URL: w.URL + "/console", Links: []outbox.Link{{Label: button, URL: w.URL + "/solved?token=abc"}}},
	} {
		if p := open(l); !contains(p, "can act for its recipient") || contains(p, "nothing in it acts") {
			t.Errorf("%s: %s", name, p)
		}
	}
}

// An admin finds the letters to somebody by a part of the address, in any case, and signs of patterns are none.
func TestLettersAreFoundByTheirRecipient(t *testing.T) {
	w := begin(t, "")
	admin := w.As(w.member("root@example.com", "admin"))
	for _, to := range []string{"ada@example.com", "vera_view@example.org"} {
		w.must(w.DB.Tx(t.Context(), func(tx *db.Tx) error {
			return w.box.Queue(tx, outbox.Letter{Kind: "told", To: to, Subject: outbox.L("Your organization is suspended")})
		}))
	}

	one, none, sent := admin.Get("/admin/mail?to=VERA_"), admin.Get("/admin/mail?to=a%25e"), admin.Get("/admin/mail?state=sent&to=vera")

	if !contains(one.Body, "vera_view@example.org") || contains(one.Body, "ada@example.com") || !contains(one.Body, `href="/admin/mail?state=waiting&amp;to=VERA_"`) {
		t.Error(one.Body)
	}
	for _, p := range []string{none.Body, sent.Body} {
		if !contains(p, "No mail to such an address here.") {
			t.Error(p)
		}
	}
}
