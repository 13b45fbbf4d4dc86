package stories_test

import (
	"strings"
	"testing"
	"time"
)

// Z2, Z7, B1-22: an organization lends an agency the usage of its app and the rotation of test keys; the agency accepts, rotates one and sees nothing else; ended, it is gone.
func TestAnAgencyLooksAfterAnAppForATime(t *testing.T) {
	t.Parallel()
	const agencyMail = "agnes@agency.example"
	for name, c := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			s := narrowStage(t, c.dialect, c.kind)
			agency := newBrowser(t, s.URL, "agency", c.kind)
			s.join(agency, "Agnes Agency", agencyMail)
			sound := func(b *browser) {
				t.Helper()
				if !c.kind.withoutScripts {
					soundHere(b)
				}
			}
			agency.open("/console/organizations")
			agency.follow("Agnes Agency")
			id := strings.TrimPrefix(agency.path(), "/console/organizations/")
			test, live := s.makeKey(s.dev, s.app, "Preview", "Test", "orders:read"), s.makeKey(s.dev, s.app, "Checkout", "Live", "orders:read")

			s.dev.open("/console/apps")
			s.dev.follow(s.app)
			app := s.dev.path()
			s.dev.follow("Share app")
			s.dev.fill("Id of the other organization", id)
			s.dev.tick("See usage and refused calls", "What it may do")
			s.dev.tick("Rotate test keys", "What it may do")
			s.dev.fill("Reason", "They look after the preview")
			s.dev.fill("Last day", time.Now().AddDate(0, 0, 60).Format(time.DateOnly))
			s.dev.press("Offer to share")
			s.dev.see("The offer is made", "Offered, waits for an answer until", id)
			s.dev.seeNot("Agnes Agency")

			agency.open(strings.TrimPrefix(s.linkMailedTo(agencyMail, "offers to share an app"), s.URL))
			agency.see(s.app, "They look after the preview", "Rotate test keys")
			agency.seeNot("Preview")
			agency.press("Accept offer")
			agency.see("is shared with your organization", "Usage", "Preview", test.hint(), "Checkout")
			sound(agency)
			share := agency.path()
			agency.open(app)
			if agency.status() != 404 {
				t.Errorf("the app itself answers %d", agency.status())
			}
			agency.open("/console/apps")
			agency.follow(s.app, "Shared with you")
			if n, _ := ask[int](agency, `document.querySelectorAll('a[href$="/rotate"]').length`); n != 1 {
				t.Errorf("%d keys can be rotated", n)
			}
			agency.follow("Rotate", "Preview")
			sound(agency)
			agency.fill("Both keys work for", "Not at all: the old key stops now")
			agency.press("Rotate key")
			agency.see("Copy your key now", "The old key has stopped working")
			next := agency.secret()
			s.secrets.keep("key", next)
			if next == test.secret || !strings.Contains(next, "_test_") {
				t.Error("the page shows no new test key")
			}
			agency.follow("I have copied it: go to the shared app")
			agency.see(next[len(next)-4:])

			s.mailTo(devMail, "was rotated by a share")
			s.dev.open(live.page)
			s.dev.see("Active")
			s.dev.open(app)
			s.dev.follow("Agnes Agency", "Shared with other organizations")
			s.dev.follow("End share")
			sound(s.dev)
			s.dev.press("End share")
			s.dev.see("has ended")
			agency.open(share)
			if agency.status() != 404 {
				t.Errorf("ended, the share answers %d", agency.status())
			}
			agency.open("/console/apps")
			agency.seeNot(s.app)
			agency.quiet("404")
			s.dev.quiet()
		})
	}
}
