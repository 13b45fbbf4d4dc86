package stories_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// A subject is somebody with an app, access and a key of their own, to whom one thing happens.
type subject struct {
	name, email string
	p           person
	org         string // empty: the personal one
	app         string
	key         madeKey
}

// A stop is one cause that stops a key (K7): who does what, and what the answer is from then on.
type stop struct {
	name string
	code string
	do   func(w *world, admin person, s *subject)
}

var stops = []stop{
	{"key revoked", "REVOKED", func(w *world, _ person, s *subject) { s.p.open(s.key.page); w.revoke(s.p, s.key) }},
	{"key paused", "PAUSED", func(_ *world, _ person, s *subject) {
		s.p.open(s.key.page)
		s.p.follow("Pause")
		s.p.press("Pause key")
	}},
	{"key suspended", "SUSPENDED", func(w *world, admin person, s *subject) {
		w.findKeyAsStaff(admin, s.key)
		admin.follow("Suspend")
		admin.fill("Reason", "It looks odd.")
		admin.press("Suspend key")
	}},
	{"app suspended", "SUSPENDED", func(_ *world, admin person, s *subject) { suspendAsStaff(admin, "/admin/apps", s.app, "Suspend app") }},
	{"organization suspended", "SUSPENDED", func(_ *world, admin person, s *subject) {
		suspendAsStaff(admin, "/admin/organizations", s.org, "Suspend organization")
	}},
	{"user suspended", "SUSPENDED", func(_ *world, admin person, s *subject) {
		suspendAsStaff(admin, "/admin/users", s.name, "Suspend")
	}},
	{"access suspended", "SUSPENDED", func(w *world, admin person, s *subject) { w.stopAccess(admin, s.app, "Suspend access") }},
	{"access ended", "WRONG_API", func(w *world, admin person, s *subject) { w.stopAccess(admin, s.app, "End access") }},
	{"app deleted", "REVOKED", func(_ *world, _ person, s *subject) {
		s.p.open("/console/apps")
		s.p.follow(s.app)
		s.p.follow("Delete app")
		s.p.fill("Name", s.app)
		s.p.press("Delete app")
	}},
	{"organization deleted", "REVOKED", func(_ *world, _ person, s *subject) {
		s.p.open("/console/organizations")
		s.p.follow(s.org)
		s.p.follow("Delete organization")
		s.p.fill("Name", s.org)
		s.p.press("Delete organization")
	}},
	{"user deleted", "REVOKED", func(_ *world, _ person, s *subject) {
		s.p.open("/console/account/delete")
		s.p.fill("Type your address to go on", s.email)
		s.p.fill("Password", devPassword)
		s.p.press("Delete account")
	}},
	{"version retired", "WRONG_API", func(_ *world, admin person, _ *subject) {
		admin.open("/admin/apis")
		admin.follow("Returns API")
		admin.follow("Versions")
		admin.follow("Change version v2")
		admin.fill("State", "Retired")
		admin.press("Save version")
	}},
	{"scope withdrawn", "INSUFFICIENT_SCOPE", func(_ *world, admin person, _ *subject) {
		admin.open("/admin/apis")
		admin.follow("Orders API")
		admin.follow("Scopes")
		admin.follow("Withdraw scope orders:write")
		admin.press("Withdraw scope")
	}},
}

// suspendAsStaff finds something in a list of staff and suspends it.
func suspendAsStaff(admin person, list, name, button string) {
	admin.open(list)
	search := "Search"
	if admin.has("field", "Name or address", "") {
		search = "Name or address"
	}
	admin.fill(search, name)
	admin.press("Apply filter")
	admin.follow(name)
	if list != "/admin/users" {
		admin.follow(button)
	}
	admin.fill("Reason", "It looks odd.")
	admin.press(button)
}

func (w *world) stopAccess(admin person, app, button string) {
	admin.open("/admin/requests?state=approved&q=" + strings.ReplaceAll(app, " ", "+"))
	admin.follow(app)
	admin.follow(button)
	admin.fill("Reason", "It looks odd.")
	admin.press(button)
}

// newSubject lets somebody join at one process and get a key that may write orders.
func (w *world) newSubject(n int, cause string, a api) *subject {
	w.t.Helper()
	s := &subject{name: fmt.Sprintf("Person%d Tester", n), email: fmt.Sprintf("person%d@kestrel.example", n), app: fmt.Sprintf("App %d of %s", n, cause)}
	c := newClerk(w.t, w.URL, s.name)
	s.p = c
	w.join(c, s.name, s.email)
	if strings.HasPrefix(cause, "organization") {
		s.org = fmt.Sprintf("Company %d", n)
		c.open("/console/organizations/new")
		c.fill("Name", s.org)
		c.press("Create organization")
	}
	c.open("/console/apps/new")
	c.fill("Name", s.app)
	if s.org != "" {
		c.fill("Organization", s.org)
	}
	c.press("Create app")
	w.request(c, s.app, a, a.openPlan, "orders:read", "orders:write")
	c.see("Approved")
	s.key = w.makeKey(c, s.app, fmt.Sprintf("Worker %d", n), "Live", "orders:read", "orders:write")
	return s
}

// withinOneSecond is how soon the other process must know (K7), with what a busy machine may take to ask it.
const withinOneSecond = 1500 * time.Millisecond

// K7, D5: one process over the same database as another.
func TestWhatStopsAKeyHoldsInTheOtherProcessWithinASecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "PostgreSQL")
	admin := newClerk(t, w.URL, "admin")
	w.setUp(admin)
	other := w.twin()
	a := ordersAPI(newService(t))
	a.plan, a.openPlan, a.terms = "", "Open", ""
	w.publish(admin, a)
	gateway, _ := w.connect(admin, a)
	returns := a
	returns.slug, returns.name, returns.summary = "returns", "Returns API", "Register returns."
	w.publish(admin, returns)

	for n, cause := range stops {
		t.Run(cause.name, func(t *testing.T) {
			w.t, admin.t = t, t
			asked := a
			if cause.name == "version retired" {
				asked = returns // nobody gets access to it any more
			}
			question := map[string]any{"api": asked.slug, "method": "POST", "path": "/v2/orders"}
			s := w.newSubject(n, cause.name, asked)
			if !await(t.Context(), func() bool { return verify(t, other.URL, gateway, s.key.secret, question) == "VALID" }) {
				t.Fatalf("a key made at one process answers %s at the other", verify(t, other.URL, gateway, s.key.secret, question))
			}

			cause.do(w, admin, s)
			done := time.Now()
			here := verify(t, w.URL, gateway, s.key.secret, question)
			known := await(t.Context(), func() bool { return verify(t, other.URL, gateway, s.key.secret, question) == cause.code })
			took := time.Since(done)

			if here != cause.code {
				t.Errorf("the process where it happened says %s, want %s", here, cause.code)
			}
			if !known || took > withinOneSecond {
				t.Errorf("the other process says %s after %s, want %s", verify(t, other.URL, gateway, s.key.secret, question), took, cause.code)
			}
		})
	}
	w.t = t
	onceEach(t, w)
}

// onceEach fails when a mail went out twice, or a job ran twice.
func onceEach(t *testing.T, w *world) {
	t.Helper()
	seen := map[string]int{}
	for _, m := range w.inbox.Mails() {
		seen[m.Header.Get("Message-Id")]++
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("the mail %s arrived %d times", id, n)
		}
	}
	db, err := pgx.Connect(context.Background(), w.env["GATEHOUSE_DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(context.Background()) }()
	for _, check := range []struct {
		what, query string
	}{
		{"mails were tried twice", "SELECT count(*) FROM mails WHERE attempts > 1"},
		{"jobs ran twice, or failed", "SELECT count(*) FROM jobs WHERE attempts > 1 OR failed_at IS NOT NULL"},
		{"jobs of one name are there twice", "SELECT count(*) FROM (SELECT once FROM jobs WHERE once IS NOT NULL GROUP BY once HAVING count(*) > 1) AS x"},
		{"kinds of jobs never ran", "SELECT CASE WHEN count(*) > 0 THEN 0 ELSE 1 END FROM jobs WHERE finished_at IS NOT NULL"},
	} {
		var n int
		if err := db.QueryRow(context.Background(), check.query).Scan(&n); err != nil || n > 0 {
			t.Errorf("%d %s, error %v", n, check.what, err)
		}
	}
}

// REL-1, K7: what was answered stays, whatever happens to the process.
func TestNothingIsLostWhenTheProcessDies(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			w := newWorld(t, dialect)
			admin := newClerk(t, w.URL, "admin")
			w.setUp(admin)
			a := ordersAPI(newService(t))
			a.plan, a.openPlan, a.terms = "", "Open", ""
			w.publish(admin, a)
			gateway, _ := w.connect(admin, a)
			kept, revoked := w.newSubject(1, "kept", a), w.newSubject(2, "revoked", a)
			question := map[string]any{"api": "orders"}

			revoked.p.open(revoked.key.page)
			w.revoke(revoked.p, revoked.key)
			w.kill()
			w.start()

			if code := verify(t, w.URL, gateway, revoked.key.secret, question); code != "REVOKED" {
				t.Errorf("the revoked key is %s", code)
			}
			if code := verify(t, w.URL, gateway, kept.key.secret, question); code != "VALID" {
				t.Errorf("the other key is %s", code)
			}
			w.stop()
			w.start()
			kept.p.open(kept.key.page)
			kept.p.see(kept.key.name)
			if code := verify(t, w.URL, gateway, kept.key.secret, question); code != "VALID" {
				t.Errorf("after a restart the other key is %s", code)
			}
		})
	}
}
