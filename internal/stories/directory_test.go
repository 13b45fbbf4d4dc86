package stories_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

var bearerText = regexp.MustCompile(`[a-z0-9]+_live_[0-9A-Za-z]{38}`)

// directory is a company's own directory, which knows its address and its token.
type directory struct {
	t          testing.TB
	url, token string
}

// say sends one call, wants that status, and is the id of what was answered.
func (d directory) say(status int, method, path, body string) string {
	d.t.Helper()
	q, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+d.token)
	q.Header.Set("Content-Type", "application/scim+json")
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status {
		d.t.Fatal(method, path, answer.StatusCode, string(text), err)
	}
	var out struct{ ID string }
	if err := json.Unmarshal(text, &out); err != nil && len(text) > 0 {
		d.t.Fatal(string(text), err)
	}
	return out.ID
}

// Z5, Z7, S4: an owner lets the company's directory in; it brings two people and a group, whose role the owner chooses; one is taken out, and is out at once.
func TestACompanysDirectoryBringsItsPeopleAndTakesThemOut(t *testing.T) {
	const ownerMail, colleagueMail = "olga@elsewhere.example", "cem@kestrel.example"
	for name, c := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			dns := testenv.StartDNS(t)
			w := &world{house: newHouseWith(t, c.dialect, func(env map[string]string) { env["GATEHOUSE_DNS"] = dns.Addr })}
			w.setUp(newClerk(t, w.URL, "admin"))
			owner, colleague := newBrowser(t, w.URL, "owner", c.kind), newClerk(t, w.URL, "colleague")
			w.join(owner, "Olga Owner", ownerMail)
			w.join(colleague, "Cem Colleague", colleagueMail)
			sound := func() {
				t.Helper()
				if !c.kind.withoutScripts {
					soundHere(owner)
				}
			}

			owner.open("/console/organizations/new")
			owner.fill("Name", "Kestrel")
			owner.press("Create organization")
			page := owner.path()
			owner.follow("Manage directory")
			owner.see("No domain is proven")
			owner.follow("Manage domains")
			owner.fill("Domain", "kestrel.example")
			owner.press("Add domain")
			dns.Set("_gatehouse-challenge.kestrel.example", challenge.FindString(owner.block("gatehouse-domain-verification=")))
			owner.press("Check record")
			owner.open(page)
			owner.follow("Manage directory")
			owner.follow("Create token")
			owner.fill("Name", "Okta")
			sound()
			owner.press("Create token")
			owner.see("It is shown this once")
			okta := directory{t, w.URL + "/scim/v2", bearerText.FindString(owner.secret())}
			w.secrets.keep("directory token", okta.token)

			cem := okta.say(201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+colleagueMail+`"}`)
			dana := okta.say(201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"dana@kestrel.example","name":{"givenName":"Dana","familyName":"Designer"}}`)
			okta.say(201, "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Engineering","members":[{"value":"`+cem+`"},{"value":"`+dana+`"}]}`)
			owner.follow("Go to the directory")
			owner.see("2, of them 2 active", "Engineering", "No role")
			sound()
			owner.follow("Engineering")
			owner.see(colleagueMail)
			sound()
			owner.tick("Developer", "Role of this group")
			owner.press("Save role")
			owner.see("The role of the group Engineering is saved")
			colleague.open("/console/organizations")
			colleague.see("Kestrel", "Developer")

			okta.say(200, "PATCH", "/Users/"+cem, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`)
			colleague.open("/console/organizations")
			colleague.see("Sign in to see this page")
			owner.open(page)
			owner.see("Dana Designer")
			owner.seeNot("Cem Colleague")
			owner.follow("Manage directory")
			owner.follow("Revoke", "Okta")
			sound()
			owner.press("Revoke token")
			owner.see("The token is revoked")
			okta.say(401, "GET", "/Users", "")
			owner.quiet()
		})
	}
}
