package handlers_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
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
		{"/admin/users/", ":user", w.mine.user.ID.Show("user")}, {"/admin/organizations/", ":id", w.mine.org.Show("org")}, {"/admin/apps/", ":id", w.mine.app.ID.Show("app")},
		{"/admin/keys/", ":key", w.mine.key.ID.Show("key")}, {"/admin/requests/", ":id", w.mine.access.Show("acc")}, {"/admin/apis/", ":slug", "orders"}, {"/admin/refusals/", ":request", w.mine.refused},
		{"/support/questions/", ":id", w.mine.asked.ID.Show("qst")}, {"/support/questions/", ":question", w.mine.asked.ID.Show("qst")}, {"/admin/roles/", ":role", permission.Auditor}, {"/admin/policy/", ":subject", "installation"},
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
