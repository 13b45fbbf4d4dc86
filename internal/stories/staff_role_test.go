package stories_test

import "testing"

// Z5, Z6, Z7: who is refused reads what is missing and who can give it; an admin composes a role, gives it, sees who can do what, and narrows it: it holds on the next
// request.
func TestAdminComposesARoleAndItHoldsAtOnce(t *testing.T) {
	t.Parallel()
	const mail, refused = "kim@northwind.example", "Who can give it"
	for name, c := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.dialect)
			admin, kim := newBrowser(t, w.URL, "admin", c.kind), newClerk(t, w.URL, "kim")
			w.setUp(admin)
			w.join(kim, "Kim Keys", mail)
			kim.open("/admin/keys")
			kim.see("Not allowed", "See the facts of all keys", "staff:keys:read", refused)

			admin.open("/admin/roles")
			admin.follow("Compose role")
			admin.fill("Name", "Key desk")
			admin.tick("See the facts of all keys")
			admin.press("Create role")
			admin.see("The role is there", "See all APIs, also drafts", "Nobody has this role.")
			role := admin.path()
			admin.open("/admin/users?q=Kim")
			admin.follow("Kim Keys")
			admin.tick("Key desk", "Staff role")
			admin.press("Save role")
			admin.see("The staff role is saved")

			w.signIn(kim, mail, devPassword)
			kim.open("/admin/keys")
			kim.seeNot(refused)
			kim.follow("Console")
			kim.follow("Permissions")
			kim.see("Staff of this portal", "Your role: Key desk", "staff:keys:read")
			admin.open("/admin/who")
			admin.fill("Permission", "See the facts of all keys")
			admin.press("Show who can")
			admin.see("Kim Keys", "By the role among staff")

			admin.open(role)
			admin.follow("Edit role")
			admin.untick("See the facts of all keys")
			admin.press("Save role")
			admin.see("It holds from the next request on")
			kim.open("/admin/keys")
			kim.see("Not allowed", "staff:keys:read", refused)
			kim.open("/admin/apis")
			kim.seeNot(refused)
		})
	}
}
