package account_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// concrete fills the parameters of a route's path.
func concrete(path string, user, other db.ID) string {
	return strings.NewReplacer(":session", other.Show("session"), ":user", user.Show("user"), ":mail", other.Show("mail")).Replace(path)
}

// W1, Z1: each mutating route refuses other sites, and whoever may not.
func TestMutatingRoutesRefuseOtherSitesVisitorsAndForeignRoles(t *testing.T) {
	w := begin(t, "")
	dev, admin, target := w.member("dev@example.com", ""), w.member("root@example.com", "admin"), w.member("ada@example.com", "")
	auditor := w.member("auditor@example.com", "auditor")

	for _, r := range w.Table {
		if !r.Mutates() {
			continue
		}
		path := concrete(r.Path, target.ID, db.NewID())
		asker := admin
		if r.Access.IsVisitor() {
			if got := w.Visitor().CrossSite(path, signUp()).Status; got != 403 {
				t.Errorf("cross-site %s: %d", r.Path, got)
			}
			continue
		}
		if got := w.As(asker).CrossSite(path, form("role", "support", "reason", "x", "language", "de")).Status; got != 403 {
			t.Errorf("cross-site %s: %d", r.Path, got)
		}
		if r.Access.NeedsUser() {
			if got := w.Visitor().Post(path, form()).Status; got != 401 {
				t.Errorf("visitor %s: %d", r.Path, got)
			}
		}
		if r.Access.Permission() != "" {
			for _, u := range []account.User{dev, auditor} {
				if got := w.As(u).Post(path, form()).Status; got != 403 {
					t.Errorf("%s %s: %d", u.Email, r.Path, got)
				}
			}
		}
	}
	after, err := w.store.ByID(t.Context(), target.ID)
	w.must(err)
	if after.StaffRole != "" || after.SuspendedAt != nil {
		t.Error("something was done all the same")
	}
}

// S5: every page of the area renders, and none may be stored.
func TestPagesOfTheAreaRenderForWhoMaySeeThem(t *testing.T) {
	w := begin(t, "")
	admin, target := w.member("root@example.com", "admin"), w.member("ada@example.com", "")

	for _, r := range w.Table {
		if r.Mutates() {
			continue
		}
		path := concrete(r.Path, target.ID, db.NewID())
		browser := w.Visitor()
		if r.Access.NeedsUser() {
			browser = w.As(admin)
		}
		if r.Path == "/login/code" {
			browser = w.AsCoding(target)
		}
		page := browser.Get(path)
		linkless := strings.HasSuffix(r.Path, "/reset") || strings.HasSuffix(r.Path, "/email") || strings.HasSuffix(r.Path, "/undo")
		if want := map[bool]int{true: 404, false: 200}[linkless]; page.Status != want {
			t.Errorf("%s: %d", r.Path, page.Status)
		}
		if page.Header.Get("Cache-Control") != "no-store" { // S5
			t.Errorf("%s may be stored", r.Path)
		}
	}
}

func TestProfileIsSavedAndWrongInputKept(t *testing.T) {
	w := begin(t, "")
	browser := w.As(w.member("ada@example.com", ""))

	wrong := browser.Post("/console/account/profile", form("name", "", "display_name", "Countess", "language", "en", "time_zone", "Mars/Olympus"))
	right := browser.Post("/console/account/profile", form("name", "Augusta", "display_name", "Countess", "language", "de", "time_zone", "Europe/Berlin", "email", "evil@example.com", "staff_role", "admin"))

	w.want(wrong, 422, "Enter a name.", "Choose a time zone", `value="Countess"`)
	w.leads(right, "/console/account")
	w.want(browser.Get("/console/account"), 200, `value="Augusta"`, "ada@example.com", `lang="de"`)
	w.want(browser.Get("/admin/users"), 403) // Z3
}

func TestPasswordChangeKeepsThisBrowserSignedIn(t *testing.T) {
	w := begin(t, "")
	u := w.member("ada@example.com", "")
	here, there := w.As(u), w.As(u)

	w.want(here.Post("/console/account/password", form("current_password", other, "new_password", other)), 422, "not your current password")
	w.leads(here.Post("/console/account/password", form("current_password", good, "new_password", other)), "/console/account")

	w.want(here.Get("/console/account"), 200, "Your password is changed.")
	w.want(there.Get("/console/account"), 401)
}

// A14
func TestAddressChangeConfirmAndUndo(t *testing.T) {
	w := begin(t, "")
	u := w.member("ada@example.com", "")
	browser, stranger := w.As(u), w.As(w.member("eve@example.com", ""))
	w.want(browser.Post("/console/account/address", form("new_email", "nobody", "email_password", good)), 422, "Enter an e-mail address", `value="nobody"`)
	w.leads(browser.Post("/console/account/address", form("new_email", "new@example.com", "email_password", good)), "/console/account")
	mail, _ := w.last("new@example.com")
	link := w.path(mail)

	w.want(w.Visitor().Get(link), 401, "Sign in to see this page.")
	w.want(stranger.Get(link), 404)
	w.want(stranger.Post("/console/account/email", form("token", tokenOf(link))), 404)
	w.want(browser.Get(link), 200, "new@example.com", "Confirm address")
	w.leads(browser.Post("/console/account/email", form("token", tokenOf(link))), "/console/account")
	mail, _ = w.last("ada@example.com")
	undo := w.path(mail)
	w.want(w.Visitor().Get(undo), 200, "ada@example.com", "Take the address back")
	owner := w.Visitor()
	w.leads(owner.Post("/email/undo", form("token", tokenOf(undo))), "/email/undone")
	w.want(owner.Get("/email/undone"), 200, "Your address is back.", "All browsers are signed out", "Ask an admin of this portal for the mail", "/console/account#browsers", "/console/account/security", "/password/forgot")
	if again := owner.Get("/email/undone"); again.Status != 200 || strings.Contains(again.Body, "Your address is back.") || strings.Contains(again.Body, "ada@example.com") {
		t.Error("read again, it tells of somebody:", again.Status, again.Body)
	}

	w.want(browser.Get("/console/account"), 401)
	w.want(w.Visitor().Post("/email/undo", form("token", tokenOf(undo))), 404, "/password/forgot", "Go to your account")
	after, err := w.store.ByID(t.Context(), u.ID)
	w.must(err)
	if after.Email != "ada@example.com" {
		t.Error(after.Email)
	}
}

// S4
func TestSessionsShowTheirDeviceAndEnd(t *testing.T) {
	w := begin(t, "")
	u := w.member("ada@example.com", "")
	there := w.Visitor()
	there.Header = http.Header{"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"}}
	there.Post("/login", form("email", u.Email, "password", good))
	list, err := w.store.Sessions(t.Context(), actorOf(u))
	w.must(err)
	here, stranger := w.As(u), w.As(w.member("eve@example.com", ""))
	end := "/console/account/sessions/" + list[0].ID.Show("session") + "/end"

	w.want(here.Get("/console/account"), 200, "Firefox on Linux", "End session", "End all other sessions")
	w.want(stranger.Post(end, form()), 404)
	w.want(there.Get("/console/account"), 200)
	w.leads(here.Post(end, form()), "/console/account#sessions")
	w.want(there.Get("/console/account"), 401)
	w.want(here.Post("/console/account/sessions/nonsense/end", form()), 404)

	third := w.As(u)
	w.leads(here.Post("/console/account/sessions/end-others", form()), "/console/account#sessions")
	w.want(third.Get("/console/account"), 401)
	list, err = w.store.Sessions(t.Context(), actorOf(u))
	w.must(err)
	w.leads(here.Post("/console/account/sessions/"+list[0].ID.Show("session")+"/end", form()), "/")
	w.want(here.Get("/console/account"), 401)
}

func TestAccountIsDeletedByAddressAndPassword(t *testing.T) {
	w := begin(t, "")
	browser, eva := w.As(w.member("ada@example.com", "")), w.As(w.member("eva@example.com", ""))
	var words []bool
	w.store.LeaveBy(func(_ *db.Tx, _ db.ID, all bool) error { words = append(words, all); return nil })
	w.want(browser.Get("/console/account/delete"), 200, "can’t be undone", "Download your data first", `value="keep" checked`)

	w.want(browser.Post("/console/account/delete", form("email", "ada@example.com", "password", other, "words", "delete")), 422, "not your current password", `value="ada@example.com"`, `value="delete" checked`)
	w.want(browser.Post("/console/account/delete", form("email", "eve@example.com", "password", good)), 422, "Type the address of this account.")
	done := browser.Post("/console/account/delete", form("email", "ada@example.com", "password", good))
	w.leads(eva.Post("/console/account/delete", form("email", "eva@example.com", "password", good, "words", "delete")), "/")

	w.leads(done, "/")
	w.want(browser.Get("/console/account"), 401)
	w.want(w.Visitor().Post("/login", form("email", "ada@example.com", "password", good)), 401)
	if !slices.Equal(words, []bool{false, true}) { // U8: what they wrote goes for who said so alone
		t.Error(words)
	}
}

// Z5
func TestTheLastAdminIsToldWhyTheAccountStays(t *testing.T) {
	w := begin(t, "")
	u := w.member("root@example.com", "admin")
	browser := w.As(u)

	w.want(browser.Get("/console/account/delete"), 200, "last admin of the portal")
	w.want(browser.Post("/console/account/delete", form("email", "root@example.com", "password", good)), 409, "last admin of the portal")
	w.want(browser.Post("/admin/users/"+u.ID.Show("user")+"/role", form("role", "support")), 409, "last admin of the portal")
}
