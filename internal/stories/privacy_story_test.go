package stories_test

import "testing"

// U8, B1-3, F6: somebody reads what is kept, gets everything about themselves, and is erased; what they were is found nowhere.
func TestPeopleGetTheirDataAndAreErased(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect string
		kind    kind
	}{"with scripts": {"SQLite", kind{}}, "without scripts": {"PostgreSQL", kind{withoutScripts: true}}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.dialect)
			admin := newClerk(t, w.URL, "admin")
			w.setUp(admin)
			dev := newBrowser(t, w.URL, "developer", c.kind)
			w.join(dev, "Dev Patel", devMail)

			dev.open("/privacy/records")
			dev.see("What is kept", "180 days")
			dev.open("/console/account/privacy")
			dev.press("Put your data together")
			w.mailTo(devMail, "is ready")
			dev.open("/console/account/privacy")
			dev.see("Download your data", "Deleted here")

			dev.open("/console/account/delete")
			dev.see("without your name")
			dev.fill("Type your address to go on", devMail)
			dev.fill("Password", devPassword)
			dev.press("Delete account")
			w.signIn(dev, devMail, devPassword)
			dev.see("don’t fit together")
			dev.quiet("401", "422")
			admin.open("/admin/users?q=" + devMail)
			admin.seeNot("Dev Patel")
		})
	}
}
