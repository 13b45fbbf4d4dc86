package factor_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account/factor/factortest"
)

const passkeys = "/console/account/security/passkeys"

// add sets a passkey up in c, as the script does.
func (w *world) add(c *webtest.Client, name string) (*factortest.Token, webtest.Page) {
	w.t.Helper()
	k := factortest.New(w.t, "portal.example")
	asked := c.Post(passkeys+"/options", form("name", name))
	w.want(asked, 200, `"challenge"`)
	return k, c.Post(passkeys, form("name", name, "answer", k.Make(asked.Body)))
}

// The way of a script: add, sign in after the password, sign in alone, prove again, remove.
func TestAPasskeySignsInByForms(t *testing.T) {
	w := begin(t)
	first, _ := w.signIn()
	w.want(first.Get("/console/account/security"), 200, `data-passkey="`+passkeys+`/options"`, "Add a passkey")
	k, shown := w.add(first, "Laptop")
	w.want(shown, 200, "Your passkey is set up", `name="codes"`)
	_, second := w.add(first, "Phone")
	w.leads(second, "/console/account/security")

	c, asked := w.signIn()
	w.want(c.Get(asked.Location), 200, "Now use your passkey", `data-passkey="/login/factor/passkey/options"`, "Recovery code")
	pending := c.Cookie("gatehouse-session")
	challenge := c.Post("/login/factor/passkey/options", form())
	w.leads(c.Post("/login/factor/passkey", form("answer", k.Sign(challenge.Body), "next", "/console/account")), "/console/account")
	if c.Cookie("gatehouse-session") == pending || c.Cookie("gatehouse-known") == "" {
		t.Error("S2: the token is the one from before, or the browser is not known")
	}

	alone := w.Visitor()
	w.want(alone.Get("/login"), 200, `data-passkey="/login/passkey/options"`, "data-offered", `autocomplete="username webauthn"`)
	options := alone.Post("/login/passkey/options", form())
	w.leads(alone.Post("/login/passkey", form("answer", k.Sign(options.Body), "next", "https://evil.example")), "/console")
	w.want(alone.Post("/fresh", form()), 200, "fresh")
	if alone.Cookie("gatehouse-passkey") != "" || options.Header.Get("Cache-Control") != "no-store" || strings.Contains(options.Body, "allowCredentials") {
		t.Error("the cookie is left, or the challenge tells of passkeys")
	}

	w.Clock.Advance(11 * time.Minute)
	w.leads(alone.Post(passkeys+"/options", form("name", "Third")), "/console/account/confirm?next=%2F%3Fasked%3D1")
	w.want(alone.Get("/console/account/confirm"), 200, "Confirm with a passkey", `name="password"`, "Recovery code")
	again := alone.Post("/console/account/confirm/passkey/options", form())
	w.leads(alone.Post("/console/account/confirm/passkey", form("answer", k.Sign(again.Body), "next", "/console/account/security")), "/console/account/security")
	w.want(alone.Post("/fresh", form()), 200, "fresh")
}

// What is wrong comes back as a page that says so, and signs nobody in.
func TestPasskeysThatAreNotTakenLeadNowhere(t *testing.T) {
	w := begin(t)
	owner, _ := w.signIn()
	k, _ := w.add(owner, "Laptop")
	c, _ := w.signIn()
	stranger, other := w.Visitor(), w.Visitor()

	w.want(c.Post("/login/factor/passkey", form("answer", "{}")), 422, "That passkey was not taken", "Recovery code")
	w.leads(c.Get("/console/account"), "/login/factor?next=%2Fconsole%2Faccount")
	w.want(stranger.Post("/login/passkey", form("answer", "{}")), 401, "That passkey did not sign you in")
	options := stranger.Post("/login/passkey/options", form())
	w.want(other.Post("/login/passkey", form("answer", k.Sign(options.Body))), 401, "That passkey did not sign you in")
	w.leads(stranger.Post("/login/passkey", form("answer", k.Sign(options.Body))), "/console")
	w.want(owner.Post("/console/account/confirm/passkey", form("answer", "{}")), 422, "That passkey was not taken", `name="password"`)
	w.want(owner.Post(passkeys+"/options", form("name", "")), 422, "Enter a name.")
	w.want(owner.Post(passkeys, form("name", "")), 422, "Enter a name.", `href="#f-passkey_name"`)
	w.want(owner.Post(passkeys, form("name", "Mine", "answer", "{}")), 422, "That passkey was not taken", `value="Mine"`)
	for _, path := range []string{passkeys, passkeys + "/options", "/console/account/confirm/passkey", "/console/account/confirm/passkey/options"} {
		w.want(w.Visitor().Post(path, form("name", "x", "answer", "{}")), 401)
	}
	w.leads(w.Visitor().Post("/login/factor/passkey/options", form()), "/login")
	w.leads(owner.Post("/login/passkey/options", form()), "/console")
	for _, path := range []string{passkeys, passkeys + "/options", "/login/passkey", "/login/passkey/options", "/login/factor/passkey", "/login/factor/passkey/options", "/console/account/confirm/passkey", "/console/account/confirm/passkey/options"} {
		if p := owner.CrossSite(path, form("name", "x", "answer", "{}")); p.Status != 403 {
			t.Errorf("W1: %s answers %d to another site", path, p.Status)
		}
	}
}

// Without scripts each button leads to a page that says what is missing, and to another way.
func TestWithoutScriptsPasskeysLeadToAnotherWay(t *testing.T) {
	w := begin(t)
	owner, _ := w.signIn()
	w.add(owner, "Laptop")
	c, _ := w.signIn()

	for _, x := range []struct {
		p    webtest.Page
		link string
	}{
		{w.Visitor().Post("/login/passkey", form("next", "/console/keys")), `href="/login?next=%2Fconsole%2Fkeys"`},
		{c.Post("/login/factor/passkey", form()), `href="/login/factor"`},
		{owner.Post("/console/account/confirm/passkey", form("next", "/console/keys")), `href="/console/account/confirm?next=%2Fconsole%2Fkeys"`},
		{owner.Post(passkeys, form("name", "Mine")), `href="/console/account/security"`},
	} {
		w.want(x.p, 422, "Passkeys need JavaScript", x.link)
	}
}

// At an IP address no page offers passkeys, and who has one shows a recovery code.
func TestAtAnIPAddressNoPageOffersPasskeys(t *testing.T) {
	w := beginAt(t, &url.URL{Scheme: "http", Host: "127.0.0.1:8080"})
	c, _ := w.signIn()

	page, login := c.Get("/console/account/security"), w.Visitor().Get("/login")
	w.want(page, 200, "Passkeys are not offered here")
	if strings.Contains(page.Body+login.Body, "data-passkey") {
		t.Error("offered")
	}
	w.want(w.Visitor().Post("/login/passkey/options", form()), 409)
	w.want(c.Post(passkeys, form("name", "Mine", "answer", "{}")), 409)
}
