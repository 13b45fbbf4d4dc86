package stories_test

import (
	"net"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

// newWorldAtAName is newWorld at a host that has a name, as passkeys ask for.
func newWorldAtAName(t testing.TB, dialect, staffFactor string) *world {
	t.Helper()
	addr, err := rig.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	named := "http://localhost:" + port
	w := &world{house: newHouseWith(t, dialect, func(env map[string]string) {
		env["GATEHOUSE_ADDR"], env["GATEHOUSE_BASE_URL"], env["GATEHOUSE_STAFF_FACTOR"] = addr, named, staffFactor
	})}
	w.URL = named
	w.secrets.keep("password", adminPassword)
	w.secrets.keep("password", devPassword)
	return w
}

// authenticator is one that Chromium plays: it keeps passkeys, and has seen its user.
type authenticator struct {
	*browser
	id webauthn.AuthenticatorID
}

func plugIn(b *browser) authenticator {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		b.t.Fatal(err)
	}
	made, err := chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	if err != nil {
		b.t.Fatal(err)
	}
	return authenticator{b, made.AuthenticatorID}
}

// unplug takes it away, with what it keeps.
func (a authenticator) unplug() {
	a.t.Helper()
	if _, err := chromedp.Call(a.ctx, webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: a.id}); err != nil {
		a.t.Fatal(err)
	}
}

// knows says whether the authenticator sees its user.
func (a authenticator) knows(verified bool) {
	a.t.Helper()
	if _, err := chromedp.Call(a.ctx, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: a.id, IsUserVerified: verified}); err != nil {
		a.t.Fatal(err)
	}
}

// A11: a passkey is added, finishes a sign-in by password, signs in alone, and is removed.
func TestAPasskeySignsIn(t *testing.T) {
	t.Parallel()
	w := newWorldAtAName(t, "SQLite", "optional")
	w.setUp(newClerk(t, w.URL, "admin"))
	b := newBrowser(t, w.URL, "developer", kind{})
	w.join(b, "Dev Patel", devMail)
	key := plugIn(b)

	b.open("/console/account/security")
	b.see("You have none yet", "Add a passkey")
	soundHere(b)
	b.fill("Name of the passkey", "Desk laptop")
	b.press("Add passkey")
	b.see("Your passkey is set up")
	w.secrets.keep("session", b.token())
	w.mailTo(devMail, "A second factor was added")
	b.follow("I have kept them")
	b.see("Desk laptop", "10 of 10")

	signOut(b)
	key.knows(false)
	w.signIn(b, devMail, devPassword)
	b.see("Your password is right. Now use your passkey.")
	soundHere(b)
	b.use("button", "Use a passkey", "")
	b.see("No passkey was used.")
	key.knows(true)
	b.press("Use a passkey")
	b.see("Overview", "Console")
	w.secrets.keep("session", b.token())

	key.knows(false)
	signOut(b)
	b.open("/login?next=%2Fconsole%2Faccount%2Fsecurity")
	soundHere(b)
	key.knows(true)
	b.press("Use a passkey")
	b.see("Desk laptop", "10 of 10")
	w.secrets.keep("session", b.token())
	b.follow("Desk laptop")
	soundHere(b)
	b.press("Remove second factor")
	b.see("The second factor is removed.", "You have none yet")
	w.mailTo(devMail, "A second factor was removed")
	key.unplug()                                                                                    // Chromium answers for whoever sits before it, as soon as a page would take an offered passkey
	b.leaving(func() { ask[bool](b, `document.querySelector('form[data-passkey]').submit()`) }, "") // as without scripts
	b.see("Passkeys need JavaScript")
	soundHere(b)
	signOut(b)
	w.signIn(b, devMail, devPassword)
	b.see("Overview")
	b.quiet("422")
}

// Without scripts there are no passkeys, and each page says so and leads on. Staff reach nothing before they have a second factor.
func TestWithoutScriptsAPasskeyLeadsToAnotherWay(t *testing.T) {
	t.Parallel()
	w := newWorldAtAName(t, "PostgreSQL", "required")
	b := newBrowser(t, w.URL, "admin", kind{withoutScripts: true})
	w.setUp(b)

	b.open("/admin/users")
	b.see("Staff need a second factor")
	b.press("Add passkey")
	b.see("Passkeys need JavaScript")
	b.follow("Set up an authenticator app")
	b.fill("Name", "Pocket phone", "Add an authenticator app")
	b.press("Set up app")
	seed := strings.ReplaceAll(b.secret(), " ", "")
	w.secrets.keep("seed", seed)
	b.fill("Code", appCode(t, seed, 0))
	b.press("Finish set-up")
	b.see("Each works once")
	w.secrets.keep("session", b.token())
	b.open("/admin/users")
	b.see("ada@northwind.example")

	guest := newBrowser(t, w.URL, "visitor", kind{withoutScripts: true})
	guest.open("/login")
	guest.press("Use a passkey")
	guest.see("Passkeys need JavaScript")
	guest.follow("Sign in with your password")
	guest.see("I forgot my password")
	b.quiet("422")
	guest.quiet("422")
}

func signOut(b *browser) {
	b.t.Helper()
	b.use("summary", "Account menu", "")
	b.press("Sign out")
	b.see("Sign in")
}
