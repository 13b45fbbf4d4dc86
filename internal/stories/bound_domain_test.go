package stories_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/internal/testenv/idp"
)

// A6, S4: an owner has everybody of their domain sign in by the company's provider; who had an account is signed out, led there, and lands in the organization.
func TestEverybodyOfACompanySignsInByItsProvider(t *testing.T) {
	const ownerMail, colleagueMail = "olga@elsewhere.example", "cem@kestrel.example"
	for name, c := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			dns := testenv.StartDNS(t)
			w, provider := newWorldWithProvider(t, c.dialect, func(env map[string]string) { env["GATEHOUSE_DNS"] = dns.Addr })
			provider.Add(colleagueMail, "Cem", "Colleague", true)
			w.setUp(newClerk(t, w.URL, "admin"))
			owner, colleague, before := newBrowser(t, w.URL, "owner", c.kind), newBrowser(t, w.URL, "colleague", c.kind), newClerk(t, w.URL, "colleague before")
			w.join(owner, "Olga Owner", ownerMail)
			w.join(before, "Cem Colleague", colleagueMail)
			sound := func(b *browser) {
				t.Helper()
				if !c.kind.withoutScripts {
					soundHere(b)
				}
			}

			owner.open("/console/organizations/new")
			owner.fill("Name", "Kestrel")
			owner.press("Create organization")
			owner.follow("Manage domains")
			owner.fill("Domain", "kestrel.example")
			owner.press("Add domain")
			dns.Set("_gatehouse-challenge.kestrel.example", challenge.FindString(owner.block("gatehouse-domain-verification=")))
			owner.press("Check record")
			owner.follow("Choose how people sign in")
			owner.see("What a provider changes")
			sound(owner)
			owner.tick("By Northwind", "People sign in")
			owner.tick("Viewer", "They join as")
			owner.press("Save how people sign in")
			owner.see("Everybody with an address there signs in by Northwind")
			sound(owner)
			w.mailTo(ownerMail, "People of your domain now sign in by a provider")

			before.open("/console/apps")
			before.see("Sign in to see this page")
			colleague.open("/login")
			colleague.fill("Email", colleagueMail)
			colleague.fill("Password", devPassword)
			colleague.press("Sign in")
			colleague.see("People with an address at kestrel.example sign in by Northwind.")
			sound(colleague)
			colleague.quiet("403")
			colleague.follow("Continue with Northwind")
			colleague.fill("Name", strings.TrimSuffix(colleagueMail, "@kestrel.example"))
			colleague.fill("Password", idp.Password)
			colleague.press("Continue")
			colleague.see("There is an account with this address here.")
			sound(colleague)
			colleague.press("Send link")
			colleague.see("A mail with a link is on its way")
			colleague.open(w.linkMailedTo(colleagueMail, "Sign in to"))
			colleague.press("It is mine")
			w.secrets.keep("session", colleague.token())
			colleague.open("/console/organizations")
			colleague.see("Kestrel", "Viewer")
			owner.open("/console/organizations")
			owner.follow("Kestrel")
			owner.see("Cem Colleague", colleagueMail)
			owner.quiet()
			colleague.quiet("favicon.ico") // the provider has none
		})
	}
}
