package stories_test

import (
	"testing"
)

const (
	devMail   = "dev@kestrel.example"
	adminMail = "ada@northwind.example"
)

// A13-A15: the mail is opened on another device, which asks for the password that was chosen on the first.
func TestSignUpIsFinishedOnAnotherDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "SQLite")
	w.setUp(newClerk(t, w.URL, "admin"))
	desk, phone := newBrowser(t, w.URL, "developer", kind{}), newBrowser(t, w.URL, "phone", kind{withoutScripts: true})

	w.signUp(desk, "Dev Patel", devMail)
	phone.open(w.linkMailedTo(devMail, "Verify your address"))
	phone.fill("Password", "some other password here")
	phone.press("Verify")
	phone.see("That is not the password")
	phone.fill("Password", devPassword)
	phone.press("Verify")
	phone.see("Your account is ready")

	desk.open("/console")
	desk.see("Sign in to see this page")
	w.signIn(desk, devMail, devPassword)
	desk.see("Create app")
	desk.quiet("422", "401")
}

// A13, S4
func TestForgottenPasswordEndsAllSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "SQLite")
	w.setUp(newClerk(t, w.URL, "admin"))
	b, elsewhere := newBrowser(t, w.URL, "developer", kind{}), newClerk(t, w.URL, "developer elsewhere")
	w.join(elsewhere, "Dev Patel", devMail)
	const better = "wild geese cross at noon 7"
	w.secrets.keep("password", better)

	b.open("/login")
	b.follow("I forgot my password")
	b.fill("Email", devMail)
	b.press("Send link")
	b.open(w.linkMailedTo(devMail, "Choose a new password"))
	b.fill("New password", better)
	b.press("Set password")
	b.see("Your password is set")
	w.signIn(b, devMail, better)
	b.see("Create app")

	elsewhere.open("/console")
	elsewhere.see("Sign in to see this page")
	w.signIn(elsewhere, devMail, devPassword)
	elsewhere.see("don’t fit together")
	w.mailTo(devMail, "was changed")
	b.quiet()
}

// A13: the new address is proved before it counts, and the old one can take it back.
func TestAddressChangesAndIsTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "SQLite")
	w.setUp(newClerk(t, w.URL, "admin"))
	b, other := newBrowser(t, w.URL, "developer", kind{}), newBrowser(t, w.URL, "owner of the old address", kind{})
	w.join(b, "Dev Patel", devMail)
	const newMail = "dev.patel@kestrel.example"

	b.open("/console/account")
	b.fill("New address", newMail)
	b.fill("Your current password", devPassword)
	b.press("Change address")
	b.see("A mail is on its way to the new address")
	b.open(w.linkMailedTo(newMail, "Confirm your new address"))
	b.press("Confirm address")
	b.see("Your address is changed", newMail)
	other.open(w.linkMailedTo(devMail, "was changed"))
	other.see(devMail)
	other.press("Take the address back")
	other.see("Your address is back", "All browsers are signed out", "Open the mail with a link to choose a new password")
	for _, a := range aspects {
		for _, problem := range inspectAs(other, a) {
			t.Errorf("address taken back: %s", problem)
		}
	}
	other.follow("Look at your browsers")
	other.see("Sign in to see this page")

	b.open("/console")
	b.see("Sign in to see this page")
	b.quiet("401")
}

// A13, U8
func TestDeletedAccountIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "SQLite")
	w.setUp(newClerk(t, w.URL, "admin"))
	b := newBrowser(t, w.URL, "developer", kind{})
	w.join(b, "Dev Patel", devMail)

	b.open("/console/account")
	b.follow("Delete account")
	b.fill("Type your address to go on", devMail)
	b.fill("Password", devPassword)
	b.press("Delete account")

	b.open("/console")
	b.see("Sign in to see this page")
	w.signIn(b, devMail, devPassword)
	b.see("don’t fit together")
	again := newClerk(t, w.URL, "developer again")
	w.join(again, "Dev Patel", devMail)
	again.see("Create app")
}

// S3, S4
func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "SQLite")
	w.setUp(newClerk(t, w.URL, "admin"))
	b, lost := newBrowser(t, w.URL, "developer", kind{}), newBrowser(t, w.URL, "lost laptop", kind{})
	w.join(lost, "Dev Patel", devMail)
	w.signIn(b, devMail, devPassword)

	b.open("/console/account")
	b.see("This browser")
	b.press("End all other sessions")
	b.see("All other sessions are ended")

	lost.open("/console")
	lost.see("Sign in to see this page")
	b.open("/")
	b.use("summary", "Account menu", "")
	b.press("Sign out")
	b.open("/console")
	b.see("Sign in to see this page")
	b.quiet("401")
}

// With no SMTP server an admin hands out the mail, and it says so to whoever waits for it.
func TestAdminHandsOutMailWhenThereIsNoMailServer(t *testing.T) {
	t.Parallel()
	w := &world{house: newHouseWith(t, "SQLite", func(env map[string]string) { delete(env, "GATEHOUSE_SMTP_URL") })}
	admin, dev := newBrowser(t, w.URL, "admin", kind{}), newBrowser(t, w.URL, "developer", kind{})
	w.setUp(admin)
	w.signUp(dev, "Dev Patel", devMail)
	dev.see("An admin hands it to you")

	admin.open("/admin/mail")
	admin.press("Open letter", devMail)
	admin.see("Whoever has this link or code can act for its recipient")
	code := sixDigits.FindStringSubmatch(admin.block("Hello"))
	if code == nil {
		t.Fatal(admin.describe())
	}
	dev.fill("Code", code[1])
	dev.press("Verify")

	dev.see("Your account is ready")
	admin.quiet()
	dev.quiet()
}
