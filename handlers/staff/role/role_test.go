package role_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/staff/role"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

func site(t *testing.T) *webtest.Site {
	t.Helper()
	clock := dbtest.NewClock()
	return webtest.New(t, dbtest.SQLite(t, clock), clock, func(k *web.Kit, r *web.Registrar) {
		(&role.Handler{Kit: k, Roles: staffrole.NewStore(k.DB)}).Routes(r)
	})
}

func form(name string, has ...string) url.Values {
	return url.Values{"name": {name}, "description": {"Looks after keys"}, "permission": has}
}

// A role is copied from a built-in one, composed, given, changed and, when nobody has it, deleted.
func TestAnAdminComposesARole(t *testing.T) {
	s := site(t)
	admin := s.As(s.Person("root@company.example", permission.StaffAdmin))

	copied := admin.Get("/admin/roles/new?from=auditor")
	made := admin.Post("/admin/roles/new", form("Key desk", "staff:keys:read", "staff:users:read"))
	id := made.Location
	kim := s.As(s.Person("kim@company.example", roleOf(t, id)))
	seen := kim.Get("/admin/roles")
	held := admin.Get(id)
	busy := admin.Post(id+"/delete", url.Values{})
	changed := admin.Post(id+"/edit", form("Key desk", "staff:keys:read"))
	lost := kim.Get("/admin/roles")

	if strings.Count(copied.Body, " checked") != len(permission.Of(permission.Auditor)) {
		t.Errorf("the copy has %d permissions", strings.Count(copied.Body, " checked"))
	}
	if made.Status != http.StatusSeeOther || seen.Status != 200 || !strings.Contains(seen.Body, "Key desk") || strings.Contains(seen.Body, "Compose role") {
		t.Error(made.Status, seen.Status)
	}
	if held.Status != 200 || !strings.Contains(held.Body, "kim") || !strings.Contains(held.Body, "staff:apis:read") || busy.Status != http.StatusConflict {
		t.Error(held.Status, busy.Status, held.Body)
	}
	if changed.Status != http.StatusSeeOther || lost.Status != http.StatusForbidden {
		t.Error(changed.Status, lost.Status)
	}

	made = admin.Post("/admin/roles/new", form("Nobody’s", "staff:keys:read"))
	if gone := admin.Post(made.Location+"/delete", url.Values{}); gone.Location != "/admin/roles" || admin.Get(made.Location).Status != http.StatusNotFound {
		t.Error(gone.Status, gone.Location)
	}
}

// U2: the form says which permissions bring others along, and what was saved says which came so: also of one that was not ticked any more, and stays.
func TestWhatComesAlongIsSaid(t *testing.T) {
	s := site(t)
	admin := s.As(s.Person("root@company.example", permission.StaffAdmin))

	blank := admin.Get("/admin/roles/new")
	made := admin.Post("/admin/roles/new", form("Key desk", "staff:keys:manage", "staff:audit:read"))
	after := admin.Get(made.Location)
	admin.Post(made.Location+"/edit", form("Key desk", "staff:keys:manage"))
	unticked := admin.Get(made.Location)
	admin.Post(made.Location+"/edit", form("Key desk", "staff:audit:read"))
	alone := admin.Get(made.Location)

	row, _ := permission.Known("staff:keys:read")
	manage, _ := permission.Known("staff:keys:manage")
	comes := "“" + row.Sentence + "” comes with “" + manage.Sentence + "”"
	if !strings.Contains(blank.Body, "Brings along: “"+row.Sentence+"”") || strings.Count(blank.Body, "Brings along") == len(permission.OfStaff()) {
		t.Error("the form does not say what brings what along")
	}
	if !strings.Contains(after.Body, comes) || !strings.Contains(unticked.Body, comes) || strings.Contains(alone.Body, "more than you ticked") {
		t.Error("what came along is not said", made.Status)
	}
}

// roleOf is the text under which users have the role of a page.
func roleOf(t *testing.T, path string) string {
	t.Helper()
	id, err := parse(strings.TrimPrefix(path, "/admin/roles/"))
	if err != nil {
		t.Fatal(path, err)
	}
	return id
}

// Z5, W1: each route that changes something refuses what is wrong, strangers, other sites, and who lacks the permission or what would be given.
func TestRolesAreComposedByNobodyElse(t *testing.T) {
	s := site(t)
	root := s.Person("root@company.example", permission.StaffAdmin)
	admin, auditor, dev := s.As(root), s.As(s.Person("a@company.example", permission.Auditor)), s.As(s.Person("dev@example.com", ""))
	id := admin.Post("/admin/roles/new", form("Key desk", "staff:keys:read")).Location
	clerk := s.As(s.Person("c@company.example", roleOf(t, admin.Post("/admin/roles/new", form("Clerk", "staff:roles:manage")).Location)))

	for path, wrong := range map[string]url.Values{"/admin/roles/new": form("", "staff:keys:read"), id + "/edit": form("Key desk"), id + "/delete": nil} {
		right := form("Another", "staff:keys:read")
		for who, got := range map[string]int{
			"signed out": s.Visitor().Post(path, right).Status - http.StatusUnauthorized, "auditor": auditor.Post(path, right).Status - http.StatusForbidden,
			"developer": dev.Post(path, right).Status - http.StatusForbidden, "another site": admin.CrossSite(path, right).Status - http.StatusForbidden,
			"who lacks it": clerk.Post(path, right).Status - http.StatusForbidden,
		} {
			if got != 0 {
				t.Errorf("%s %s: %d off", path, who, got)
			}
		}
		if wrong != nil {
			if page := admin.Post(path, wrong); page.Status != http.StatusUnprocessableEntity || !strings.Contains(page.Body, "Looks after keys") {
				t.Errorf("%s: %d", path, page.Status)
			}
		}
	}
	if page := admin.Get(id); !strings.Contains(page.Body, "Key desk") || strings.Contains(page.Body, "Another") {
		t.Error("something changed")
	}
}

func parse(shown string) (string, error) {
	id, err := db.ParseID(staffrole.Prefix, shown)
	return id.String(), err
}
