package stories_test

import (
	"html"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

// The demo fills every list and shows keys, access and suspensions in every state.
func TestEveryPageOfAFullPortalIsSound(t *testing.T) {
	t.Parallel()
	demo, err := rig.StartDemo(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := demo.Stop(); err != nil {
			t.Error(err)
		}
	})
	routes := pageRoutes(t)
	var roles []role
	for _, who := range rig.DemoRoles() {
		most := 1
		if slices.Contains([]string{"developer", "owner", "admin"}, who.Role) {
			most = 2
		}
		roles = append(roles, role{who.Role, who.Email, who.Password, most})
	}
	staff := staffClerk(t, demo.URL)
	others := append(mailedPages(staff), approvedRequest(staff), previewOfRevocation(staff))
	invited := invitation(staff, rig.DemoRoles("developer")[1].Email)
	claimDomain(staff)
	others = append(others, composeRole(staff))
	others = append(others, reviews(staff)...)
	pages, cookies := survey(t, demo.URL, roles, routes, append(others, ownPost(staff)...)...)

	reached(t, routes, pages)
	sights := append(sightsOf(routes, pages), refusals()...)
	sights = append(sights, sight{role: "visitor", path: invited, status: http.StatusOK}, sight{role: "support", path: invited, status: http.StatusForbidden})
	inspect(t, demo.URL, cookies, sights)
}

// staffClerk is the demo's admin.
func staffClerk(t testing.TB, site string) *clerk {
	t.Helper()
	who := rig.DemoRoles("admin")[1]
	c := newClerk(t, site, who.Role)
	if err := c.visitor.SignIn(who.Email, who.Password); err != nil {
		t.Fatal(err)
	}
	return c
}

// approvedRequest is a request that the list leaves out until it is asked for.
func approvedRequest(c *clerk) string {
	c.t.Helper()
	c.open("/admin/requests?state=approved")
	for _, link := range c.page.Links() {
		if strings.HasPrefix(link, "/admin/requests/acc_") {
			return link
		}
	}
	c.t.Fatal(c.describe())
	return ""
}

// mailedPages are the pages to which links in mails about the forum lead. Not every asker gets a mail of an answer: who left the organization that a question is
// for no longer reads it. So support answers until one of them does.
func mailedPages(c *clerk) []string {
	c.t.Helper()
	found := map[string]string{}
	for c.answerWhatWaits() {
		for _, letter := range c.lettersWaiting() {
			opened, err := c.visitor.Post(letter, nil)
			if err != nil {
				c.t.Fatal(err)
			}
			for _, link := range anyLink.FindAllString(opened.Body, -1) {
				link, _, _ = strings.Cut(html.UnescapeString(link), "<")
				link = strings.TrimRight(link, `">`)
				for _, page := range []string{"/unsubscribe?token=", "/solved?token="} {
					if at := strings.Index(link, page); at >= 0 && found[page] == "" {
						found[page] = link[at:]
					}
				}
			}
		}
		if len(found) == 2 {
			return slices.Collect(maps.Values(found))
		}
	}
	c.t.Fatalf("no mail leads to them: %v", found)
	return nil
}

// invitation invites somebody into the company's organization, and is the link of the mail; on their console they find it by themselves.
func invitation(c *clerk, email string) string {
	c.t.Helper()
	c.open("/console/organizations")
	c.follow("Northwind", "Company")
	c.follow("Invite member")
	c.fill("Email", email)
	c.tick("Viewer", "Role")
	c.press("Send invitation")
	c.see("Open invitations", email)
	for _, letter := range c.lettersWaiting() {
		opened, err := c.visitor.Post(letter, nil)
		if err != nil {
			c.t.Fatal(err)
		}
		if at := strings.Index(opened.Body, "/invitation?token="); at >= 0 {
			return opened.Body[at : at+len("/invitation?token=")+32]
		}
	}
	c.t.Fatal("no mail invites them")
	return ""
}

// claimDomain has the company say that a domain is its own.
func claimDomain(c *clerk) {
	c.t.Helper()
	c.open("/console/organizations")
	c.follow("Northwind", "Company")
	c.follow("Manage domains")
	c.fill("Domain", "northwind.example")
	c.press("Add domain")
	c.see("Not proven", "_gatehouse-challenge.northwind.example")
}

// composeRole makes a staff role and is its form: the built-in ones, which come first in the list, have none.
func composeRole(c *clerk) string {
	c.t.Helper()
	c.open("/admin/roles")
	c.follow("Compose role")
	c.fill("Name", "Key desk")
	c.tick("Revoke and suspend all keys")
	c.press("Create role")
	c.see("The role is there", "staff:keys:manage")
	return c.path() + "/edit"
}

var chosenPerson = regexp.MustCompile(`name="person" value="(user_[0-9a-z]{26})"`)

// reviews chooses somebody in the review of the staff and in that of the company's organization, finishes both, and is the questions and the records.
func reviews(c *clerk) (pages []string) {
	c.t.Helper()
	for _, begin := range []func(){
		func() { c.open("/admin/review") },
		func() {
			c.open("/console/organizations")
			c.follow("Northwind", "Company")
			c.follow("Review roles")
		},
	} {
		begin()
		who := chosenPerson.FindStringSubmatch(c.page.Body)
		if who == nil {
			c.t.Fatal("nobody waits at ", c.path())
		}
		pages = append(pages, c.path()+"/decide?act=keep&person="+who[1])
		c.press("Finish review")
		c.see("This is its record")
		pages = append(pages, c.path())
	}
	return pages
}

// answerWhatWaits answers the question that waits longest, if one does: who asked it gets a mail, if they still read it.
func (c *clerk) answerWhatWaits() bool {
	c.t.Helper()
	c.open("/support")
	for _, link := range c.page.Links() {
		if strings.HasPrefix(link, "/support/questions/qst_") {
			c.open(link)
			c.fill("Your answer", "It is mended since this morning.")
			c.press("Post answer")
			return true
		}
	}
	return false
}

var letterOpens = regexp.MustCompile(`/admin/mail/mail_[0-9a-z]{26}/open`)

// lettersWaiting are where the newest letters that wait to be handed out are opened.
func (c *clerk) lettersWaiting() []string {
	c.t.Helper()
	c.open("/admin/mail?state=waiting")
	return letterOpens.FindAllString(c.page.Body, -1)
}

// ownPost comments on a question and changes that: only its author is led to delete it.
func ownPost(c *clerk) []string {
	c.t.Helper()
	c.open("/forum?show=solved")
	for _, link := range c.page.Links() {
		if strings.HasPrefix(link, "/forum/q/qst_") {
			c.open(link)
			break
		}
	}
	c.fill("Comment", "This holds for the test environment, too.")
	c.press("Post comment")
	question := c.path()
	c.follow("Edit", "test environment, too")
	edit := c.path()
	c.fill("Body", "This holds for the test environment, too, since spring.")
	c.press("Save changes")
	post := strings.TrimSuffix(edit, "/edit")
	return []string{question, edit, post + "/delete", post + "/history", post + "/comments"}
}

// previewOfRevocation makes a preview of a mass revocation and returns where it is.
func previewOfRevocation(c *clerk) string {
	c.t.Helper()
	c.open("/admin/keys")
	c.fill("Scope", "orders:read")
	c.press("Apply filter")
	c.press("Act on what this filter finds")
	c.tick("Revoke", "What is done to them")
	c.press("Show what it hits")
	c.see("Used in the last hour")
	return c.path()
}

func TestEveryPageOfAnEmptyPortalIsSound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "SQLite")
	setup := newBrowserFor(t, w.URL, time.Minute)
	setup.open(w.setupLink())
	for _, a := range aspects {
		for _, problem := range inspectAs(setup, a) {
			t.Errorf("set-up: %s", problem)
		}
	}
	w.setUp(newClerk(t, w.URL, "admin"))
	w.join(newClerk(t, w.URL, "developer"), "Dev Patel", devMail)

	routes := pageRoutes(t)
	pages, cookies := survey(t, w.URL, []role{{name: "visitor", most: 1}, {"developer", devMail, devPassword, 1}, {"admin", adminMail, adminPassword, 1}}, routes)
	inspect(t, w.URL, cookies, sightsOf(routes, pages))
}

// byMail are the pages that only a link in a mail, or the one on the terminal, leads to.
var byMail = []string{"/setup", "/invitation", "/password/reset", "/email/undo", "/email/undone", "/console/account/email", "/console/account/confirm", "/login/visit/proof"}

// onward lead to another page, whatever is asked.
var onward = []string{"/forum/q/:id", "/forum/posts/:id", "/login/with/:provider", "/login/with/:provider/callback", "/console/account/providers/:provider/link", "/console/account/providers/:provider/confirm"}

// elsewhere are looked at in stories of their own, which make what they show: a change of policy with its notice, a key handed over, a key without an
// owner; the pages of second factors, of codes by mail, of providers and of directories, which the portals here have none of; and the reference, which the empty portal has too.
var elsewhere = []string{
	"/admin/keys/revocations", "/admin/keys/revocations/:revocation", "/admin/policy/changes/:change", "/handover/:code", "/console/keys/:key/owner", "/apis/:slug/reference",
	"/login/factor", "/login/code", "/console/account/security/totp/:factor", "/console/account/security/factors/:factor", "/login/visit", "/console/account/providers", "/console/organizations/:id/domains/:domain/sign-in",
	"/console/organizations/:id/directory/tokens/new", "/console/organizations/:id/directory/tokens/:token/revoke", "/console/organizations/:id/directory/groups/:group",
	"/console/shares/:share", "/console/shares/:share/end", "/console/shares/:share/keys/:key/rotate",
}

// reached fails for each page that no role comes to by links: such a page might as well not be there.
func reached(t *testing.T, routes []web.Route, pages map[string][]rig.Page) {
	t.Helper()
	all, seen := templates(routes), map[string]bool{}
	for _, found := range pages {
		for _, p := range shown(found) {
			seen[rig.Match(all, p.Path)] = true
		}
	}
	for _, template := range all {
		if !seen[template] && !slices.Contains(byMail, template) && !slices.Contains(onward, template) && !slices.Contains(elsewhere, template) {
			t.Errorf("no link leads anybody to %s", template)
		}
	}
}

// refusals are pages that say no: to who may not, and to forms without an answer.
func refusals() []sight {
	all := []sight{
		{role: "developer", path: "/admin", status: http.StatusForbidden},
		{role: "support", path: "/admin/audit", status: http.StatusForbidden},
		{role: "visitor", path: "/console", status: http.StatusUnauthorized},
		{role: "visitor", path: "/setup?code=wrong", status: http.StatusNotFound},
		{role: "visitor", path: "/verify?token=wrong", status: http.StatusNotFound},
		{role: "visitor", path: "/password/reset?token=wrong", status: http.StatusNotFound},
		{role: "visitor", path: "/login", status: http.StatusUnauthorized, button: "Sign in"},
	}
	for _, form := range []sight{
		{role: "visitor", path: "/signup", button: "Create account"},
		{role: "visitor", path: "/password/forgot", button: "Ask for a link"},
		{role: "developer", path: "/console/apps/new", button: "Create app"},
		{role: "developer", path: "/console/organizations/new", button: "Create organization"},
		{role: "developer", path: "/console/keys/new", button: "Create key"},
		{role: "developer", path: "/console/account", button: "Change password"},
		{role: "developer", path: "/console/account/delete", button: "Delete account"},
		{role: "admin", path: "/admin/apis/new", button: "Add API"},
	} {
		form.status = http.StatusUnprocessableEntity
		all = append(all, form)
	}
	return all
}

// Z1, as links show it: who may not see a page is not led to it.
func TestNobodyIsLedToWhatTheyMayNotSee(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "SQLite")
	w.setUp(newClerk(t, w.URL, "admin"))
	w.join(newClerk(t, w.URL, "developer"), "Dev Patel", devMail)
	all := templates(pageRoutes(t))

	for _, r := range []role{{name: "visitor", most: 3}, {"developer", devMail, devPassword, 3}, {"admin", adminMail, adminPassword, 3}} {
		v, err := rig.NewVisitor(w.URL)
		if err != nil {
			t.Fatal(err)
		}
		if r.email != "" {
			if err := v.SignIn(r.email, r.password); err != nil {
				t.Fatal(err)
			}
		}
		pages, err := v.Crawl([]string{"/", "/console"}, r.most, func(path string) string { return rig.Match(all, path) })
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pages {
			if p.Status >= 400 && p.Status != http.StatusUnauthorized { // a visitor is asked to sign in, and led on
				t.Errorf("%s is led to %s, which answers %d", r.name, p.Path, p.Status)
			}
		}
	}
}
