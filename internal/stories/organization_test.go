package stories_test

import (
	"strings"
	"testing"
)

// Z5, Z7, Z8: an owner invites by mail; only who has the address gets in; they take over; the former owner goes; it is deleted and comes back.
func TestAnOrganizationGrowsAndOutlivesItsMaker(t *testing.T) {
	t.Parallel()
	const ownerMail, guestMail, strangerMail = "olga@fabrikam.example", "gus@fabrikam.example", "sam@elsewhere.example"
	for name, c := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.dialect)
			w.setUp(newClerk(t, w.URL, "admin"))
			owner, guest, stranger := newBrowser(t, w.URL, "owner", c.kind), newClerk(t, w.URL, "guest"), newClerk(t, w.URL, "stranger")
			w.join(owner, "Olga Owner", ownerMail)
			w.join(stranger, "Sam Stranger", strangerMail)

			owner.open("/console/organizations/new")
			owner.fill("Name", "Fabrikam")
			owner.press("Create organization")
			page := owner.path()
			owner.follow("Invite member")
			owner.fill("Email", guestMail)
			owner.tick("Admin", "Role")
			owner.press("Send invitation")
			owner.see("Open invitations", guestMail, "Waits until")

			link := strings.TrimPrefix(w.linkMailedTo(guestMail, "You are invited"), w.URL)
			stranger.open(link)
			stranger.see("This invitation is for another address", "Sign out")
			guest.open(link)
			guest.see("Fabrikam", "g…@fabrikam.example", "Create account")
			w.join(guest, "Gus Guest", guestMail)
			guest.open("/console/organizations")
			guest.follow("Fabrikam", "Invitations to you")
			guest.press("Accept invitation")
			guest.see("You are a member of Fabrikam now", "Olga Owner")
			guest.open(link)
			guest.see("This invitation does not work any more")

			owner.open(page)
			owner.seeNot("Open invitations")
			owner.follow("Transfer ownership")
			owner.fill("New owner", "Gus Guest · "+guestMail)
			owner.press("Transfer ownership")
			owner.see("You are an admin of it")
			if told := w.linkMailedTo(guestMail, "Your role"); !strings.Contains(told, page) {
				t.Errorf("the mail leads to %s", told)
			}
			guest.open(page)
			guest.follow("Remove", "Olga Owner")
			guest.press("Remove from organization")
			owner.open(page)
			if owner.status() != 404 {
				t.Errorf("who was removed gets %d", owner.status())
			}

			guest.open(page)
			guest.follow("Delete organization")
			guest.fill("Name", "Fabrikam")
			guest.press("Delete organization")
			guest.see("Deleted organizations")
			guest.press("Restore", "Fabrikam")
			guest.see("The organization Fabrikam is back")
		})
	}
}
