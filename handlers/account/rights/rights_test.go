package rights_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/account/rights"
	pages "github.com/gatehouse-dev/gatehouse/handlers/org"
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
		(&rights.Handler{Kit: k, Orgs: org.NewStore(org.Options{DB: k.DB}), Shared: none, Shut: none}).Routes(r)
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

func none(echo.Context) (*views.Part, error) { return nil, nil }

// A12: what is shut to the reader without a second factor is named, with what opens it, whether they have a role elsewhere or not.
func TestMyPermissionsNameWhatIsShut(t *testing.T) {
	clock := dbtest.NewClock()
	s := webtest.New(t, dbtest.SQLite(t, clock), clock, func(k *web.Kit, r *web.Registrar) {
		orgs := org.NewStore(org.Options{DB: k.DB})
		(&rights.Handler{Kit: k, Orgs: orgs, Shared: none, Shut: (&pages.Handler{Kit: k, Store: orgs}).ShutOrganizations}).Routes(r)
	})
	owner := s.Person("olga@example.com", "")
	home := webtest.PersonalOrg(t, s.DB, owner.ID)
	member := func(email string, alone bool) webtest.Page {
		t.Helper()
		u := s.Person(email, "")
		err := s.DB.Tx(t.Context(), func(tx *db.Tx) error {
			if alone {
				if _, err := tx.Run("DELETE FROM members WHERE user_id = ?", u.ID); err != nil {
					return err
				}
			}
			_, err := tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", home, u.ID, permission.Viewer, tx.Now)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return s.ByPassword(u).Get("/me/permissions")
	}
	before := member("early@example.com", false)
	err := s.DB.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE organizations SET name = 'Corner Shop', factor_from = ?, factor_set_by = ? WHERE id = ?", tx.Now, owner.ID, home)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	for email, alone := range map[string]bool{"ada@example.com": false, "bob@example.com": true} {
		page := member(email, alone)
		if page.Status != http.StatusOK || !strings.Contains(page.Body, "Shut until you have a second factor") || !strings.Contains(page.Body, "Corner Shop") || strings.Contains(page.Body, home.Show("org")) {
			t.Error(email, page.Status, page.Body)
		}
		if strings.Contains(page.Body, "You belong to no organization") || strings.Contains(page.Body, "Where you have a role") == alone {
			t.Error(email, page.Body)
		}
	}
	if strings.Contains(before.Body, "Shut until") || !strings.Contains(before.Body, home.Show("org")) {
		t.Error(before.Body)
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
