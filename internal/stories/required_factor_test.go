package stories_test

import (
	"strings"
	"testing"
)

// enrolled adds an authenticator app on the page of second factors, where p is.
func (w *world) enrolled(p person) {
	w.t.Helper()
	p.fill("Name", "Pocket phone")
	p.press("Set up app")
	seed := strings.ReplaceAll(p.secret(), " ", "")
	w.secrets.keep("seed", seed)
	p.fill("Code", appCode(w.t, seed, 0))
	p.press("Finish set-up")
	p.see("Each works once")
	w.secrets.keep("session", p.token())
}

// A12, Z7: an owner requires a second factor; a member without one sees who decided that and nothing else, and with one all of it.
func TestAnOrganizationRequiresASecondFactor(t *testing.T) {
	t.Parallel()
	const ownerMail, guestMail = "olga@fabrikam.example", "gus@fabrikam.example"
	for name, c := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.dialect)
			w.setUp(newClerk(t, w.URL, "admin"))
			owner, guest := newBrowser(t, w.URL, "owner", c.kind), newBrowser(t, w.URL, "guest", c.kind)
			w.join(owner, "Olga Owner", ownerMail)
			owner.open("/console/organizations/new")
			owner.fill("Name", "Fabrikam")
			owner.press("Create organization")
			page := owner.path()
			owner.follow("Invite member")
			owner.fill("Email", guestMail)
			owner.tick("Viewer", "Role")
			owner.press("Send invitation")
			w.join(guest, "Gus Guest", guestMail)
			guest.open("/console/organizations")
			guest.follow("Fabrikam", "Invitations to you")
			guest.press("Accept invitation")
			guest.see("You are a member of Fabrikam now")

			owner.open(page)
			owner.follow("Require a second factor")
			owner.see("You have no second factor yourself")
			owner.follow("Add a second factor")
			w.enrolled(owner)
			owner.open(page)
			owner.follow("Require a second factor")
			owner.see("Gus Guest")
			owner.fill("It begins", "At once")
			owner.fill("Reason", "Our auditor asks for it.")
			owner.press("Require a second factor")
			owner.see("The requirement is saved")
			w.mailTo(guestMail, "requires a second factor")

			guest.open(page)
			guest.see("An organization of yours requires a second factor", "Fabrikam", "Olga Owner", "Our auditor asks for it.")
			guest.open("/console/organizations")
			guest.see("Shut until you have a second factor", "Fabrikam")
			guest.open("/console")
			guest.see("You reach nothing of it before you have added one")
			guest.follow("Add a second factor")
			w.enrolled(guest)
			guest.open(page)
			guest.see("Olga Owner", "Since")
			owner.quiet()
			guest.quiet()
		})
	}
}
