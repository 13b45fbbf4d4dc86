package stories_test

import "testing"

// K4, U1: an admin makes the policy of an API stricter: sees whom it hits, gives a notice; the key's people are mailed and see the countdown, new keys go by it
// at once, and each refusal names whose policy it is.
func TestStricterPolicyIsToldBeforeItHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect string
		kind    kind
	}{"with scripts": {"SQLite", kind{}}, "without scripts": {"PostgreSQL", kind{withoutScripts: true}}} {
		t.Run(name, func(t *testing.T) {
			s := narrowStage(t, c.dialect, c.kind)
			k := s.makeKey(s.dev, s.app, "Nightly export", "Live", "orders:read")

			s.admin.open("/admin/policy")
			s.admin.see("All keys of this portal", "A key lives at most 365 days.")
			s.admin.follow(s.api.name)
			s.admin.fill("Longest lifetime, days", "7")
			s.admin.press("Save policy")
			s.admin.see("A stricter policy", "Nightly export", "It lives longer")
			s.admin.fill("Notice, days", "0")
			s.admin.press("Save policy with this notice")
			s.admin.see("A notice is 1 to 365 days")
			s.admin.fill("Notice, days", "14")
			s.admin.press("Save policy with this notice")
			s.admin.see("The policy is saved")

			s.linkMailedTo(devMail, "becomes stricter on")
			s.dev.open("/console/keys")
			s.dev.see("Gets an earlier end on", "policy of "+s.api.name)
			s.dev.follow("Nightly export")
			s.dev.see("Gets an earlier end on")
			s.answers(t, k, 200, "")

			s.dev.open("/console/apps")
			s.dev.follow(s.app)
			s.dev.follow("Create key")
			s.dev.fill("Name", "Too long")
			s.dev.tick("orders:read")
			s.dev.press("Create key")
			s.dev.see(s.api.name+" allows 7 days at most.", "A key lives at most 7 days.")
			s.dev.press("Create key")
			s.dev.see("Copy your key now")
			s.dev.open("/console")
			s.dev.follow("Policy")
			s.dev.see(s.api.name, "A key lives at most 7 days.")
		})
	}
}
