package stories_test

import (
	"regexp"
	"testing"
)

var eightDigits = regexp.MustCompile(`(?m)^\s*(\d{8})\s*$`)

// A12: who has no second factor signs in with a new browser by a code of a mail, too; the browser is known from then on, and the code is no factor.
func TestANewBrowserTakesACodeByMail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect string
		kind    kind
	}{"with scripts": {"SQLite", kind{}}, "without scripts": {"PostgreSQL", kind{withoutScripts: true}}} {
		t.Run(name, func(t *testing.T) {
			w := &world{house: newHouseWith(t, c.dialect, func(env map[string]string) { env["GATEHOUSE_NEW_DEVICE_CODE"] = "yes" })}
			w.setUp(newClerk(t, w.URL, "admin"))
			w.join(newClerk(t, w.URL, "developer"), "Dev Patel", devMail)
			b := newBrowser(t, w.URL, "developer elsewhere", c.kind)

			w.signIn(b, devMail, devPassword)
			b.see("Code by mail", devMail)
			if !c.kind.withoutScripts {
				soundHere(b)
			}
			b.open("/console/apps")
			b.see("Code by mail")
			first := w.signInCode()
			b.press("Send a new code")
			b.see("The code of the older one doesn’t work any more")
			b.fill("Code", first)
			b.press("Sign in")
			b.see("That is not the code")
			b.quiet("422")
			b.fill("Code", w.signInCode())
			b.press("Sign in")
			b.open("/console/account/security")
			b.see("You have none yet", "It is no second factor")
			w.secrets.keep("session", b.token())
			b.use("summary", "Account menu", "")
			b.press("Sign out")
			w.signIn(b, devMail, devPassword)
			b.see("Create app")
			b.quiet()
		})
	}
}

// signInCode is the code of the newest mail to the developer, whose subject does not show it.
func (w *world) signInCode() string {
	w.t.Helper()
	m := w.mailTo(devMail, "Finish signing in")
	found := eightDigits.FindStringSubmatch(m.Text)
	if found == nil || eightDigits.MatchString(m.Subject) {
		w.t.Fatalf("%q: %s", m.Subject, m.Text)
	}
	return found[1]
}
