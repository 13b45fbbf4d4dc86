package stories_test

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A record is a portal in which two organizations did something, and who reads of it.
type record struct {
	*world
	owner    *browser // of Fabrikam
	admin    *clerk   // of the portal
	guest    *clerk   // who became a developer of Fabrikam
	stranger *clerk   // who owns Contoso
	plain    bool     // the owner's browser runs no scripts
	page     string   // of Fabrikam
	reader   madeKey  // with audit:read
	other    madeKey  // without
}

const olgaMail, gusMail = "olga@fabrikam.example", "gus@fabrikam.example"

func newRecord(t *testing.T, dialect string, k kind) *record {
	t.Helper()
	witness := filepath.Join(t.TempDir(), "witness.jsonl")
	w := &world{house: newHouseWith(t, dialect, func(env map[string]string) { env["GATEHOUSE_AUDIT_CHECKPOINTS"] = witness })}
	r := &record{world: w, plain: k.withoutScripts, owner: newBrowser(t, w.URL, "owner", k), admin: newClerk(t, w.URL, "admin"), guest: newClerk(t, w.URL, "guest"), stranger: newClerk(t, w.URL, "stranger")}
	w.setUp(r.admin)
	w.join(r.stranger, "Sam Stranger", "sam@elsewhere.example")
	r.makes(r.stranger, "Contoso", "rival@elsewhere.example", "Viewer")
	w.join(r.owner, "Olga Owner", olgaMail)
	r.page = r.makes(r.owner, "Fabrikam", gusMail, "Viewer")
	w.linkMailedTo(gusMail, "You are invited")
	w.join(r.guest, "Gus Guest", gusMail)
	r.guest.open("/console/organizations")
	r.guest.follow("Fabrikam", "Invitations to you")
	r.guest.press("Accept invitation")
	r.owner.open(r.page)
	r.owner.follow("Change role", "Gus Guest")
	r.owner.tick("Developer", "Role")
	r.owner.press("Save role")
	r.owner.see("The role is saved")
	r.makesKeys()
	return r
}

// makes makes an organization that invites somebody, and is its page.
func (r *record) makes(p person, name, email, role string) string {
	r.t.Helper()
	p.open("/console/organizations/new")
	p.fill("Name", name)
	p.press("Create organization")
	page := p.path()
	p.follow("Invite member")
	p.fill("Email", email)
	p.tick(role, "Role")
	p.press("Send invitation")
	p.see("Open invitations", email)
	return page
}

func (r *record) makesKeys() {
	r.t.Helper()
	r.owner.open("/console/apps/new")
	r.owner.fill("Name", "Night watch")
	r.owner.fill("Organization", "Fabrikam")
	r.owner.press("Create app")
	r.request(r.owner, "Night watch", api{name: "Portal API", summary: "What this portal itself answers"}, "Standard", "audit:read", "keys:read")
	r.owner.see("Approved")
	r.reader = r.makeKey(r.owner, "Night watch", "Reader of events", "Live", "audit:read")
	r.other = r.makeKey(r.owner, "Night watch", "Lister of keys", "Live", "keys:read")
}

// U1-U4, Z2, Z5: what is done in an organization is read by its admins and their programs alone, all of it by an admin of the portal; and when one row is altered past
// Gatehouse, that is found by it and without it.
func TestTheAuditLogIsReadByWhoMayAndProvesItself(t *testing.T) {
	t.Parallel()
	for name, c := range ownershipKinds {
		t.Run(name, func(t *testing.T) {
			r := newRecord(t, c.dialect, c.kind)

			r.ownerReads()
			r.programReads(r.ownerDownloads())
			r.othersDoNot()
			r.adminReads()
			r.isAltered()

			r.owner.quiet()
		})
	}
}

func (r *record) ownerReads() {
	r.t.Helper()
	r.owner.open(r.page)
	r.owner.follow("Show activity")
	r.owner.see("Key created", "Reader of events", "Member invited", "Member joined", "Gus Guest", "Role changed", "Organization created")
	for _, foreign := range []string{"Contoso", "Sam Stranger", "elsewhere.example"} {
		r.owner.seeNot(foreign)
	}
	r.filter("About", "Members")
	r.owner.see("Member joined")
	r.filter("Who", "Olga Owner")
	r.owner.see("Role changed", "Member invited")
	for _, filtered := range []string{"Key created", "Member joined"} {
		r.owner.seeNot(filtered)
	}
	r.owner.open(r.page + "/activity?to=2020-01-01")
	r.owner.see("Nothing fits this filter.")
	r.owner.follow("Clear filters")
	r.owner.see("Key created")
}

// filter narrows what the owner sees. A script sends the choice at once.
func (r *record) filter(label, value string) {
	r.t.Helper()
	if r.plain {
		r.owner.fill(label, value)
		r.owner.press("Apply filter")
		return
	}
	r.owner.leaving(func() { r.owner.fill(label, value) }, "")
}

// told is a line of the download, or of what programs read.
type told struct {
	ID, Act, Actor, Target string
	ActorID                string `json:"actor_id"`
	TargetID               string `json:"target_id"`
}

func lines(t testing.TB, text string) (all []told) {
	t.Helper()
	for line := range strings.Lines(text) {
		var one told
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, one)
	}
	return all
}

func (r *record) ownerDownloads() []told {
	r.t.Helper()
	c := newClerk(r.t, r.URL, "owner at another window")
	r.signIn(c, olgaMail, devPassword)
	c.open(r.page + "/activity")
	c.follow("Download JSON lines")
	all := lines(r.t, c.page.Body)
	for _, act := range []string{"organization.created", "member.invited", "member.joined", "member.role_changed", "key.created"} {
		if !slices.ContainsFunc(all, func(l told) bool { return l.Act == act }) {
			r.t.Errorf("the download does not tell of %s: %s", act, c.page.Body)
		}
	}
	for _, foreign := range []string{"Contoso", "Sam", "elsewhere.example", r.reader.secret} {
		if strings.Contains(c.page.Body, foreign) {
			r.t.Errorf("the download holds %q", foreign)
		}
	}
	return all
}

var nextPage = regexp.MustCompile(`<([^>]+)>; rel="next"`)

// programReads reads the same, page by page.
func (r *record) programReads(want []told) {
	r.t.Helper()
	var got []told
	pages := 0
	for at := r.URL + "/v1/events?sort=seq&limit=3"; at != "" && pages < 20; pages++ {
		status, header, body := r.events(at, r.reader)
		if status != http.StatusOK {
			r.t.Fatalf("%s: %d %s", at, status, body)
		}
		got, at = append(got, lines(r.t, body)...), ""
		if next := nextPage.FindStringSubmatch(header.Get("Link")); next != nil {
			at = next[1]
		}
	}
	if !slices.Equal(got, want) || pages < 3 {
		r.t.Errorf("%d pages of the API differ from the download:\n%v\n%v", pages, got, want)
	}
	if status, _, body := r.events(r.URL+"/v1/events", r.other); status != http.StatusForbidden || strings.Contains(body, "evt") {
		r.t.Errorf("without audit:read: %d %s", status, body)
	}
	if status, _, body := r.events(r.URL+"/v1/events", madeKey{}); status != http.StatusUnauthorized {
		r.t.Errorf("without a key: %d %s", status, body)
	}
}

func (r *record) events(url string, k madeKey) (int, http.Header, string) {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	q.Header.Set("Accept", "application/jsonl")
	if k.secret != "" {
		q.Header.Set("Authorization", "Bearer "+k.secret)
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(body)
}

func (r *record) othersDoNot() {
	r.t.Helper()
	for _, path := range []string{r.page + "/activity", r.page + "/activity.jsonl"} {
		r.guest.open(path)
		r.stranger.open(path)
		if r.guest.status() != http.StatusForbidden || r.stranger.status() != http.StatusNotFound {
			r.t.Errorf("%s: a developer gets %d, a stranger %d", path, r.guest.status(), r.stranger.status())
		}
	}
	r.guest.open("/admin/audit")
	r.guest.see("staff:audit:read")
}

func (r *record) adminReads() {
	r.t.Helper()
	r.run("audit", "checkpoint")
	r.admin.open("/admin/audit")
	r.admin.see("The chain is whole", "Signed checkpoints agree with it up to event")
	r.admin.fill("Act", "member.invited")
	r.admin.press("Apply filter")
	r.admin.see("Olga Owner", "Sam Stranger", gusMail, "rival@elsewhere.example")
	r.admin.seeNot("Reader of events")
}
