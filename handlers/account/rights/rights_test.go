package rights_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/account/rights"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	views "github.com/gatehouse-dev/gatehouse/views/org"
)

// Z6: what the page lists as allowed is what the table of permissions gives the role, in every place, for every role.
func TestMyPermissionsAreThoseOfTheTable(t *testing.T) {
	clock := dbtest.NewClock()
	s := webtest.New(t, dbtest.SQLite(t, clock), clock, func(k *web.Kit, r *web.Registrar) {
		(&rights.Handler{Kit: k, Orgs: org.NewStore(org.Options{DB: k.DB}), Shared: func(echo.Context) (*views.Part, error) { return nil, nil }}).Routes(r)
	})
	owner := s.Person("olga@example.com", "")
	home := webtest.PersonalOrg(t, s.DB, owner.ID)
	for _, role := range []string{permission.Viewer, permission.Developer, permission.Admin} {
		u := s.Person(role+"@example.com", "")
		err := s.DB.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", home, u.ID, role, tx.Now)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		page := s.As(u).Get("/me/permissions?in=" + home.Show("org"))
		check(t, page, role, permission.OfOrganizations(), func(n permission.Name) bool { return permission.Org(role, n) })
		if !strings.Contains(page.Body, "olga") {
			t.Errorf("%s is not told who can give more", role)
		}
	}
	for _, role := range permission.BuiltIn {
		check(t, s.As(s.Person(role+"@company.example", role)).Get("/me/permissions"), role, permission.OfStaff(), func(n permission.Name) bool { return permission.Staff(role, n) })
	}
	if got := s.Visitor().Get("/me/permissions").Status; got != http.StatusUnauthorized {
		t.Error("a visitor:", got)
	}
	if other := s.As(s.Person("stranger@example.com", "")).Get("/me/permissions?in=" + home.Show("org")); strings.Contains(other.Body, `organizations/`+home.Show("org")) || strings.Contains(other.Body, "olga") {
		t.Error("Z2: a stranger sees another organization")
	}
}

func check(t *testing.T, page webtest.Page, role string, all []permission.Name, has func(permission.Name) bool) {
	t.Helper()
	may, not, _ := strings.Cut(page.Body, `id="may-not"`)
	for _, n := range all {
		code := ">" + string(n) + "<"
		if page.Status != 200 || strings.Contains(may, code) != has(n) || strings.Contains(not, code) == has(n) {
			t.Errorf("%s: %s (%d)", role, n, page.Status)
		}
	}
}
