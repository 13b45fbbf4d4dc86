package stories_test

import "testing"

// S4, A7: somebody who signed in elsewhere is mailed and ended, guesses don't keep the owner's browser out, and all sessions are ended from one of them.
func TestSessionsAreSeenAndEnded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect string
		kind    kind
	}{"with scripts": {"SQLite", kind{}}, "without scripts": {"PostgreSQL", kind{withoutScripts: true}}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.dialect)
			w.setUp(newClerk(t, w.URL, "admin"))
			desk, phone := newBrowser(t, w.URL, "developer", c.kind), newClerk(t, w.URL, "developer elsewhere")
			w.join(desk, "Dev Patel", devMail)

			w.signIn(phone, devMail, devPassword)
			w.mailTo(devMail, "New sign-in to your account")
			desk.open("/console/account")
			desk.see("Code from a mail", "Password")
			desk.press("End all other sessions")
			desk.see("All other sessions are ended")
			phone.open("/console")
			phone.see("Sign in to see this page")

			for range 5 {
				w.signIn(phone, devMail, adminPassword)
			}
			w.signIn(phone, devMail, devPassword)
			phone.see("don’t fit together")
			desk.use("summary", "Account menu", "")
			desk.press("Sign out")
			w.signIn(desk, devMail, devPassword)
			desk.see("Create app")

			desk.open("/console/account")
			desk.press("End all sessions")
			desk.see("All your sessions are ended")
			desk.open("/console")
			desk.see("Sign in to see this page")
			desk.quiet("401")
		})
	}
}
