package stories_test

import (
	"regexp"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

var challenge = regexp.MustCompile(`gatehouse-domain-verification=[A-Za-z0-9_-]+`)

// Z5, Z7: an owner proves a domain by its record; who has an address there joins by themselves, others do not, and who was removed stays out.
func TestAnOrganizationOpensToItsOwnPeople(t *testing.T) {
	t.Parallel()
	const ownerMail, colleagueMail, strangerMail = "olga@fabrikam.example", "cem@fabrikam.example", "sam@elsewhere.example"
	for name, c := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			dns := testenv.StartDNS(t)
			w := &world{house: newHouseWith(t, c.dialect, func(env map[string]string) { env["GATEHOUSE_DNS"] = dns.Addr })}
			w.setUp(newClerk(t, w.URL, "admin"))
			owner, colleague, stranger := newBrowser(t, w.URL, "owner", c.kind), newClerk(t, w.URL, "colleague"), newClerk(t, w.URL, "stranger")
			w.join(owner, "Olga Owner", ownerMail)
			w.join(colleague, "Cem Colleague", colleagueMail)
			w.join(stranger, "Sam Stranger", strangerMail)

			owner.open("/console/organizations/new")
			owner.fill("Name", "Fabrikam")
			owner.press("Create organization")
			page := owner.path()
			owner.follow("Manage domains")
			owner.fill("Domain", "Fabrikam.example")
			owner.press("Add domain")
			owner.see("Not proven", "_gatehouse-challenge.fabrikam.example")
			owner.press("Check record")
			owner.see("The record was not found")
			dns.Set("_gatehouse-challenge.fabrikam.example", challenge.FindString(owner.block("gatehouse-domain-verification=")))
			owner.press("Check record")
			owner.see("The domain fabrikam.example is proven")
			colleague.open("/console/organizations")
			colleague.seeNot("Fabrikam")
			owner.tick("Who has an address there, as viewer", "Who may join")
			owner.press("Save who may join")

			stranger.open("/console/organizations")
			stranger.seeNot("Fabrikam")
			colleague.open("/console/organizations")
			colleague.press("Join organization", "Fabrikam")
			colleague.see("You are a member of Fabrikam now", "Olga Owner")

			owner.open("/console/apps/new")
			owner.fill("Name", "Payroll")
			if owner.has("field", "Organization", "") {
				owner.fill("Organization", "Fabrikam")
			}
			owner.press("Create app")
			app := owner.path()
			colleague.open(app)
			colleague.see("Payroll")
			owner.follow("Choose members")
			owner.tick("Owners, admins and chosen members", "Who reaches this app")
			owner.press("Save members")
			owner.see("It is saved who reaches the app")
			colleague.open(app)
			if colleague.status() != 404 {
				t.Errorf("who is kept out gets %d", colleague.status())
			}
			colleague.open("/console/apps")
			colleague.seeNot("Payroll")
			owner.follow("Choose members")
			owner.tick("Cem Colleague · "+colleagueMail, "Chosen members")
			owner.press("Save members")
			colleague.open(app)
			colleague.see("Payroll", "Owners, admins and chosen members")

			owner.open(page)
			owner.follow("Remove", "Cem Colleague")
			owner.press("Remove from organization")
			colleague.open("/console/organizations")
			colleague.seeNot("Fabrikam")
		})
	}
}
