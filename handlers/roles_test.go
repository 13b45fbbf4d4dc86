package handlers_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// staffed is a person with a composed role of these permissions.
func (w *world) staffed(email string, has ...permission.Name) (account.User, staffrole.Role) {
	w.Helper()
	r, err := staffrole.NewStore(w.db).Create(context.Background(), actor.ForOperator(), staffrole.Input{Name: "Role of " + email, Permissions: has})
	w.ok(err)
	return w.site.Person(email, r.ID.String()), r
}

// real puts ids of what is there into a path of staff, as far as this world has it.
func (w *world) real(path string) string {
	for _, p := range []struct{ under, param, id string }{
		{"/admin/users/", ":user", w.mine.user.ID.Show("user")},
		{"/admin/organizations/", ":id", w.mine.org.Show("org")},
		{"/admin/apps/", ":id", w.mine.app.ID.Show("app")},
		{"/admin/keys/", ":key", w.mine.key.ID.Show("key")},
		{"/admin/requests/", ":id", w.mine.access.Show("acc")},
		{"/admin/apis/", ":slug", "orders"},
		{"/admin/refusals/", ":request", w.mine.refused},
		{"/support/questions/", ":id", w.mine.asked.ID.Show("qst")},
		{"/support/questions/", ":question", w.mine.asked.ID.Show("qst")},
		{"/admin/roles/", ":role", permission.Auditor},
		{"/admin/policy/", ":subject", "installation"},
	} {
		if strings.HasPrefix(path, p.under) {
			path = strings.Replace(path, p.param, p.id, 1)
		}
	}
	return fill(path)
}

// Z6: a role of one permission, with what that needs, opens each page that asks for it, whole, and no other page of staff.
func TestARoleOfOnePermissionOpensWhatAsksForIt(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()

	for _, p := range permission.OfStaff() {
		u, role := w.staffed(strings.ReplaceAll(string(p), ":", ".")+"@company.example", p)
		c := w.site.As(u)
		for _, r := range w.house.Table {
			needs := r.Access.Permission()
			if needs == "" || r.Mutates() {
				continue
			}
			path := w.real(r.Path)
			if got := c.Get(path).Status; (got == http.StatusForbidden) == permission.Staff(role.Full(), needs) || got >= 500 {
				t.Errorf("%s: GET %s, which asks for %s, answers %d", p, path, needs, got)
			}
		}
	}
}

// Each page of staff that refuses says which permission it asks for, who has it and who can give it; names of people only to those who may see them.
func TestARefusalSaysWhichPermissionIsMissing(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	u, _ := w.staffed("lena@company.example", permission.StaffLeaksRead)
	asks, _ := w.staffed("otto@company.example", permission.StaffUsersRead)
	outsider, inside, reader := w.site.As(w.mine.user), w.site.As(u), w.site.As(asks)

	for _, r := range w.house.Table {
		p := r.Access.Permission()
		if p == "" {
			continue
		}
		path := fill(r.Path)
		page := outsider.Get(path)
		if r.Mutates() {
			page = outsider.Post(path, nil)
		}
		if page.Status != http.StatusForbidden || !strings.Contains(page.Body, string(p)) || !strings.Contains(page.Body, "Who can give it") || strings.Contains(page.Body, "Ada Admin") || strings.Contains(page.Body, "Role of ") {
			t.Errorf("%s %s does not say %s rightly: %d", r.Method, r.Path, p, page.Status)
		}
	}
	for _, role := range []string{permission.Support, permission.Auditor} { // who may see all users, and so who can help
		c, refused := w.site.As(w.site.Person(role+"@company.example", role)), 0
		for _, r := range w.house.Table {
			p := r.Access.Permission()
			if p == "" || permission.Staff(role, p) {
				continue
			}
			page := c.Get(fill(r.Path))
			if r.Mutates() {
				page = c.Post(fill(r.Path), nil)
			}
			if refused++; page.Status != http.StatusForbidden || !strings.Contains(page.Body, string(p)) || !strings.Contains(page.Body, "Ada Admin") {
				t.Errorf("%s: %s %s does not say who can give %s: %d", role, r.Method, r.Path, p, page.Status)
			}
		}
		if refused < 20 {
			t.Errorf("%s is refused %d", role, refused)
		}
	}
	if page := inside.Get("/admin/audit"); !strings.Contains(page.Body, "staff:audit:read") || strings.Contains(page.Body, "Ada Admin") {
		t.Error("staff who may not see users read their names")
	}
	if page := reader.Get("/admin/audit"); !strings.Contains(page.Body, "staff:audit:read") || !strings.Contains(page.Body, "Ada Admin") {
		t.Error("staff who may see users are not told who can help")
	}
}

// Z6, A12: staff who reach nothing before they have a second factor are not named as those who can help.
func TestARefusalNamesNobodyWhoIsKeptOut(t *testing.T) {
	clock := dbtest.NewClock()
	w := serveWith(t, dbtest.SQLite(t, clock), clock, map[string]string{"GATEHOUSE_STAFF_FACTOR": "required"})
	w.inhabit()
	asks, _ := w.staffed("otto@company.example", permission.StaffUsersRead)
	named := func() bool {
		t.Helper()
		page := w.site.As(asks).Get("/admin/audit")
		if page.Status != http.StatusForbidden || !strings.Contains(page.Body, "staff:audit:read") {
			t.Fatal(page.Status, page.Body)
		}
		return strings.Contains(page.Body, w.admin.Name)
	}

	without := named()
	w.ok(w.db.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) VALUES (?, ?, 'totp', 'App', ?, ?)", db.NewID(), w.admin.ID, tx.Now, tx.Now)
		return err
	}))
	with := named()

	if without || !with {
		t.Error(without, with)
	}
}

// A member who may not is told which permission of the organization is missing, and who there can give it; a program is told by name.
func TestARefusalInAnOrganizationNamesWhoCanHelp(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	viewer := w.site.Person("vera@example.com", "")
	w.ok(w.db.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'viewer', ?)", w.mine.org, viewer.ID, tx.Now)
		return err
	}))
	c := w.site.As(viewer)

	for path, lacks := range map[string]permission.Name{
		"/console/organizations/" + w.mine.org.Show("org") + "/activity": permission.ActivityRead,
		"/console/keys/" + w.mine.key.ID.Show("key") + "/revoke":         permission.KeysManageAll,
		"/console/organizations/" + w.mine.org.Show("org") + "/invite":   permission.MembersManage,
	} {
		page := c.Get(path)
		if page.Status != http.StatusForbidden || !strings.Contains(page.Body, string(lacks)) || !strings.Contains(page.Body, w.mine.user.Name) {
			t.Errorf("%s: %d\n%s", path, page.Status, page.Body)
		}
	}
	if page := c.Get("/console/organizations/" + w.them.org.Show("org") + "/activity"); page.Status != http.StatusNotFound || strings.Contains(page.Body, "Who can give it") {
		t.Errorf("Z2: a stranger's organization answers %d", page.Status)
	}
}

// Z6: each route that refuses a member of an organization for their role names the permission and who there can give it, and nobody else.
func TestEachRefusalOfARoleNamesWhoCanHelp(t *testing.T) {
	clock := dbtest.NewClock()
	w := serve(t, dbtest.SQLite(t, clock), clock)
	w.inhabit()
	refused := map[string]int{}
	for _, role := range []string{permission.Viewer, permission.Developer, permission.Admin} {
		u := w.site.Person(role+"@example.com", "")
		for _, o := range []db.ID{w.mine.org, w.mine.team} {
			w.run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", o, u.ID, role, clock.Now())
		}
		c := w.site.As(u)
		for _, r := range w.house.Table {
			param, id := w.mine.idFor(r.Path)
			if param == "" || r.Access.Permission() != "" {
				continue
			}
			refs := []string{id}
			if id == w.mine.org.Show("org") {
				refs = append(refs, w.mine.team.Show("org")) // of several people there is more to refuse
			}
			for _, ref := range refs {
				path := fill(strings.Replace(r.Path, param, ref, 1))
				page := c.Get(path)
				if r.Mutates() {
					page = c.Post(path, nil)
				}
				if page.Status != http.StatusForbidden {
					continue
				}
				refused[role]++
				if !strings.Contains(page.Body, "Who can give it") || !strings.Contains(page.Body, w.mine.user.Name+"<") || strings.Contains(page.Body, "Ada Admin") {
					t.Errorf("%s: %s %s does not name who can help: %s", role, r.Method, path, page.Body[strings.Index(page.Body, "<main"):])
				}
			}
		}
	}
	if refused[permission.Viewer] < 20 || refused[permission.Developer] < 15 || refused[permission.Admin] < 3 {
		t.Error("few were refused:", refused)
	}
}
