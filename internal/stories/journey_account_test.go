package stories_test

import (
	"regexp"
	"testing"
)

// Passwords of the people of the stories.
const (
	adminPassword = "harbour lights over kelp 41"
	devPassword   = "nine quiet otters at dawn"
)

// A world is a house with what its stories share: the names of its APIs, and all that must stay secret.
type world struct {
	*house
	secrets ledger
}

func newWorld(t testing.TB, dialect string) *world {
	t.Helper()
	w := &world{house: newHouse(t, dialect)}
	w.secrets.keep("password", adminPassword)
	w.secrets.keep("password", devPassword)
	return w
}

// setUp makes the first admin and the company by the link that the server printed.
func (w *world) setUp(p person) {
	w.t.Helper()
	p.open(w.setupLink())
	p.fill("Name of the portal", "Northwind Developers")
	p.fill("Company", "Northwind")
	p.fill("Name", "Ada Admin")
	p.fill("Email", "ada@northwind.example")
	p.fill("Password", adminPassword)
	p.press("Set up portal")
	p.see("The portal is set up")
	w.secrets.keep("session", p.token())
}

// signUp begins an account; the page then asks for the code of the mail.
func (w *world) signUp(p person, name, email string) {
	w.t.Helper()
	p.open("/")
	p.follow("Create account")
	p.fill("Name", name)
	p.fill("Email", email)
	p.fill("Password", devPassword)
	p.press("Create account")
	p.see("Verify your address")
}

// join signs up and verifies by the code of the mail.
func (w *world) join(p person, name, email string) {
	w.t.Helper()
	w.signUp(p, name, email)
	p.fill("Code", w.codeMailedTo(email))
	p.press("Verify")
	p.see("Your account is ready")
	w.secrets.keep("session", p.token())
}

var (
	sixDigits = regexp.MustCompile(`(?m)^\s*(\d{6})\s*$`)
	anyLink   = regexp.MustCompile(`http://\S+`)
)

func (w *world) codeMailedTo(email string) string {
	w.t.Helper()
	found := sixDigits.FindStringSubmatch(w.mailTo(email, "Verify your address").Text)
	if found == nil {
		w.t.Fatalf("no code in the mail to %s", email)
	}
	return found[1]
}

// linkMailedTo is the link of the newest mail to an address about something.
func (w *world) linkMailedTo(email, about string) string {
	w.t.Helper()
	link := anyLink.FindString(w.mailTo(email, about).Text)
	if link == "" {
		w.t.Fatalf("no link in the mail to %s about %q", email, about)
	}
	return link
}

func (w *world) signIn(p person, email, password string) {
	w.t.Helper()
	p.open("/login")
	p.fill("Email", email)
	p.fill("Password", password)
	p.press("Sign in")
	w.secrets.keep("session", p.token())
}
