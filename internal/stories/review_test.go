package stories_test

import "testing"

// Z5, Z7: an admin looks through the roles of the staff: who has no second factor waits, is chosen, and loses the role at once; the finished review is a record.
func TestAdminLooksThroughTheRolesOfTheStaff(t *testing.T) {
	const mail = "kim@northwind.example"
	for name, c := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.dialect)
			admin, kim := newBrowser(t, w.URL, "admin", c.kind), newClerk(t, w.URL, "kim")
			w.setUp(admin)
			w.join(kim, "Kim Keys", mail)
			admin.open("/admin/users?q=Kim")
			admin.follow("Kim Keys")
			admin.tick("Support", "Staff role")
			admin.press("Save role")
			admin.see("The staff role is saved")
			w.signIn(kim, mail, devPassword)
			kim.open("/admin/users")
			kim.see(mail)

			admin.open("/admin")
			admin.follow("Review of roles")
			admin.see("Kim Keys", "No second factor", "Nothing is decided in it yet")
			admin.tick("Kim Keys")
			admin.tick("Take the staff role", "What happens to the chosen")
			admin.press("Check decision")
			admin.see("Decide about 1 person", mail)
			admin.fill("Reason", "Works elsewhere now")
			admin.press("Save decision")
			admin.see("The decision is saved", "1 decision is made in it")
			admin.press("Finish review")

			admin.see("This is its record", "Kim Keys", "Removed", "Works elsewhere now", "Finished")
			w.signIn(kim, mail, devPassword)
			kim.open("/admin/users")
			kim.see("Not allowed", "Who can give it")
		})
	}
}
