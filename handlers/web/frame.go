package web

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/views/layout"
)

// place is a link of a side bar; perm, when set, hides it from staff without it.
type place struct {
	label, href string
	perm        permission.Name
}

type room struct {
	title  string
	places []place
}

var consoleRooms = []room{
	{"", []place{{text.N("Overview"), "/console", ""}}},
	{text.N("Build"), []place{
		{text.N("Apps"), "/console/apps", ""},
		{text.N("Keys"), "/console/keys", ""},
		{text.N("Access"), "/console/access", ""},
		{text.N("Usage"), "/console/usage", ""},
		{text.N("Refusals"), "/console/refusals", ""},
	}},
	{text.N("You"), []place{{text.N("Organizations"), "/console/organizations", ""}, {text.N("Account"), "/console/account", ""}, {text.N("Permissions"), "/me/permissions", ""}}},
}

var adminRooms = []room{
	{"", []place{{text.N("Overview"), "/admin", permission.StaffUsersRead}}},
	{text.N("People"), []place{
		{text.N("Users"), "/admin/users", permission.StaffUsersRead},
		{text.N("Roles"), "/admin/roles", permission.StaffUsersRead},
		{text.N("Who can do this?"), "/admin/who", permission.StaffUsersRead},
		{text.N("Review of roles"), "/admin/review", permission.StaffRolesManage},
		{text.N("Organizations"), "/admin/organizations", permission.StaffOrgsRead},
		{text.N("Apps"), "/admin/apps", permission.StaffOrgsRead},
	}},
	{text.N("Access"), []place{
		{text.N("APIs"), "/admin/apis", permission.StaffAPIsRead},
		{text.N("Keys"), "/admin/keys", permission.StaffKeysRead},
		{text.N("Requests"), "/admin/requests", permission.StaffRequestsRead},
	}},
	{text.N("Watch"), []place{
		{text.N("Usage"), "/admin/usage", permission.StaffUsageRead},
		{text.N("Refusals"), "/admin/refusals", permission.StaffUsageRead},
		{text.N("Leaked keys"), "/admin/leaks", permission.StaffLeaksRead},
		{text.N("Audit log"), "/admin/audit", permission.StaffAuditRead},
		{text.N("Replicas"), "/admin/replicas", permission.StaffReplicasRead},
	}},
	{text.N("Settings"), []place{
		{text.N("Policy"), "/admin/policy", permission.StaffPolicyRead},
		{text.N("Permissions"), "/admin/permissions", permission.StaffUsersRead},
		{text.N("Portal"), "/admin/portal", permission.StaffPolicyRead},
		{text.N("Sessions"), "/admin/sessions", permission.StaffPolicyRead},
		{text.N("Retention"), "/admin/retention", permission.StaffPolicyRead},
		{text.N("Mail"), "/admin/mail", permission.StaffMailManage},
	}},
}

var supportRooms = []room{
	{"", []place{{text.N("Queue"), "/support", permission.StaffQuestionsRead}}},
	{text.N("Moderation"), []place{
		{text.N("Flags"), "/support/flags", permission.StaffQuestionsRead}, {text.N("Pending"), "/support/pending", permission.StaffQuestionsRead},
	}},
	{text.N("Gaps"), []place{
		{text.N("Searches"), "/support/searches", permission.StaffQuestionsRead}, {text.N("Pages"), "/support/pages", permission.StaffQuestionsRead},
	}},
	{text.N("Desk"), []place{
		{text.N("Canned replies"), "/support/replies", permission.StaffQuestionsRead},
		{text.N("Teams"), "/support/teams", permission.StaffQuestionsRead},
		{text.N("Reply times"), "/support/policy", permission.StaffQuestionsRead},
		{text.N("Reports"), "/support/reports", permission.StaffQuestionsRead},
	}},
}

// Frame is what surrounds a page with this title: navigation for whoever reads, the mark of where they are, and the sentence that the
// last act left.
func (k *Kit) Frame(c echo.Context, title string) layout.Frame {
	s := stateOf(c)
	path := c.Request().URL.Path
	f := layout.Frame{
		PortalName: s.portal.Name, BrandHue: s.portal.Hue, Title: title, Nonce: s.nonce, Lang: string(text.Of(Ctx(c)).Language),
		Nav: []layout.Link{{Label: T(c, "APIs"), Href: "/apis", Current: under(path, "/apis")}, {Label: T(c, "Guides"), Href: "/guides", Current: under(path, "/guides") || under(path, "/tutorials")}, {Label: T(c, "Forum"), Href: "/forum", Current: under(path, "/forum")}}, Flash: cmp.Or(k.takeFlash(c), k.tellUndone(c)), Notice: k.standing(c),
		Search: &layout.Link{Label: T(c, "Search"), Href: "/search", Current: path == "/search"},
		Footer: layout.Footer{Text: s.portal.Footer, Links: []layout.Link{{Label: T(c, "I found a key"), Href: "/found-a-key"}, {Label: T(c, "What is kept"), Href: "/privacy/records"}}}, Languages: languageMenu(c),
	}
	if s.user == nil {
		next := onward(c)
		f.SignIn = &layout.Link{Label: T(c, "Sign in"), Href: "/login" + next, Current: path == "/login"}
		f.SignUp = &layout.Link{Label: T(c, "Create account"), Href: "/signup" + next, Current: path == "/signup"}
	} else {
		f.NoIndex = true
		k.forUser(c, s, &f)
		if k.Shut != nil && ownLists[path] {
			f.Told = k.Shut(c)
		}
	}
	return f
}

// ownLists are the pages that list things of one's organizations and leave out those that are shut.
var ownLists = map[string]bool{"/console/apps": true, "/console/keys": true, "/console/access": true, "/console/usage": true}

// standing is the sentence above every page while nothing can be changed; "" in ordinary times.
func (k *Kit) standing(c echo.Context) string {
	if k.DB.Moving() {
		return T(c, "This portal is being moved to another database. Until that is done you can read everything and change nothing; keys work as before.")
	}
	if _, moved, err := k.DB.Moved(Ctx(c)); err == nil && moved {
		return T(c, "This portal was moved to another database. In the old one nothing can be changed.")
	}
	return ""
}

// onward is the query by which who signs in from this page comes back to it. The pages of the entrance pass on their own; from the
// home page one goes to the console; an address that holds a token or a key is not carried further.
func onward(c echo.Context) string {
	path, next := c.Request().URL.Path, c.Request().URL.RequestURI()
	if m := c.Request().Method; (m != http.MethodGet && m != http.MethodHead) || c.QueryParam("token") != "" || holdsKey(next) {
		return ""
	}
	switch path {
	case "/", "/verify", "/logout", "/setup":
		return ""
	case "/login", "/signup":
		next = c.QueryParam("next")
	}
	if strings.HasPrefix(path, "/password/") || strings.HasPrefix(path, "/email/") || SafeNext(next, "") == "" || len(next) > 500 {
		return ""
	}
	return "?next=" + queryEscape(next)
}

func (k *Kit) forUser(c echo.Context, s *state, f *layout.Frame) {
	path := c.Request().URL.Path
	f.Nav = append(f.Nav, layout.Link{Label: T(c, "Console"), Href: "/console", Current: under(path, "/console")})
	if permission.Staff(s.user.StaffRole, permission.StaffQuestionsRead) {
		f.Nav = append(f.Nav, layout.Link{Label: T(c, "Support"), Href: "/support", Current: under(path, "/support")})
	}
	if begin := AdminHome(s.user.StaffRole); begin != "" {
		f.Nav = append(f.Nav, layout.Link{Label: T(c, "Admin"), Href: begin, Current: under(path, "/admin")})
	}
	f.User = &layout.UserMenu{Name: s.user.Name, Email: s.user.Email, Links: []layout.Link{{Label: T(c, "Account"), Href: "/console/account"}}}
	switch {
	case under(path, "/console") || under(path, "/me"):
		f.Side, f.SideLabel = side(c, consoleRooms, ""), T(c, "Console")
	case under(path, "/support") && s.user.StaffRole != "":
		f.Side, f.SideLabel = side(c, supportRooms, s.user.StaffRole), T(c, "Support")
	case under(path, "/admin") && s.user.StaffRole != "":
		f.Side, f.SideLabel = side(c, adminRooms, s.user.StaffRole), T(c, "Admin")
	}
}

// AdminHome is the first page of /admin that a staff role opens; "" for one that opens none.
func AdminHome(role string) string {
	for _, r := range adminRooms {
		for _, p := range r.places {
			if permission.Staff(role, p.perm) {
				return p.href
			}
		}
	}
	return ""
}

// side makes the side bar; the current page is the longest link that the path stands under.
func side(c echo.Context, rooms []room, role string) []layout.Group {
	path, best := c.Request().URL.Path, ""
	if under(path, "/console/incidents") || under(path, "/console/policies") {
		path = "/console/keys" // of which these pages tell
	}
	if under(path, "/console/shares") {
		path = "/console/apps" // which others share
	}
	if under(path, "/admin/reviews") {
		path = "/admin/review" // of which these are the records
	}
	if under(path, "/console/invitations") {
		path = "/console/organizations" // into which they invite
	}
	for _, r := range rooms {
		for _, p := range r.places {
			if under(path, p.href) && len(p.href) > len(best) {
				best = p.href
			}
		}
	}
	var groups []layout.Group
	for _, r := range rooms {
		g := layout.Group{}
		if r.title != "" {
			g.Title = T(c, r.title)
		}
		for _, p := range r.places {
			if p.perm == "" || permission.Staff(role, p.perm) {
				g.Links = append(g.Links, layout.Link{Label: T(c, p.label), Href: p.href, Current: p.href == best})
			}
		}
		if len(g.Links) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

func under(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

func languageMenu(c echo.Context) *layout.LanguageMenu {
	m := &layout.LanguageMenu{Action: "/language", Next: c.Request().URL.RequestURI()}
	if holdsKey(m.Next) || holdsToken(c.Request().URL.Path) { // it is shown in the page (K1)
		m.Next = "/"
	}
	now := text.Of(Ctx(c)).Language
	for _, l := range text.Languages() {
		m.Choices = append(m.Choices, layout.LanguageChoice{Tag: string(l.Language), Name: l.Name, Current: l.Language == now})
	}
	return m
}
