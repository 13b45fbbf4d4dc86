package account_test

import (
	"fmt"
	"net/http"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

var changing = regexp.MustCompile(`nonce="[^"]*"|req_[0-9a-z]{16}|nonce-[^']*`)

// plain is an answer without what differs from request to request: status, headers and body.
func plain(p webtest.Page) string {
	var lines []string
	for name, values := range p.Header {
		if name == "Date" || name == "X-Request-Id" || name == "Content-Length" {
			continue
		}
		for _, v := range values {
			if name == "Set-Cookie" {
				v = regexp.MustCompile(`=[^;]+;`).ReplaceAllString(v, "=…;")
			}
			lines = append(lines, name+": "+v)
		}
	}
	sort.Strings(lines)
	return changing.ReplaceAllString(fmt.Sprint(p.Status, lines, p.Body), "…")
}

func TestSignInLeadsToTheConsoleOrBack(t *testing.T) {
	w := begin(t, "")
	w.member("ada@example.com", "")
	a, b, c := w.Visitor(), w.Visitor(), w.Visitor()

	w.leads(a.Post("/login", form("email", "Ada@example.com", "password", good)), "/console")
	asked := b.Get("/console/account?x=1")
	w.want(asked, 401, "Sign in to see this page.", `name="next" value="/console/account?x=1"`)
	w.leads(b.Post("/login", form("email", "ada@example.com", "password", good, "next", "/console/account?x=1")), "/console/account?x=1")
	w.leads(c.Post("/login", form("email", "ada@example.com", "password", good, "next", "//evil.example")), "/console")

	w.want(a.Get("/console/account"), 200)
}

func TestStaffBeginAtTheOverviewTheyMaySee(t *testing.T) {
	w := begin(t, "")
	for _, role := range []string{"admin", "support", "auditor"} {
		w.member(role+"@example.com", role)

		w.leads(w.Visitor().Post("/login", form("email", role+"@example.com", "password", good)), "/admin")
		w.leads(w.Visitor().Post("/login", form("email", role+"@example.com", "password", good, "next", "/console")), "/console")
		w.leads(w.Visitor().Post("/login", form("email", role+"@example.com", "password", good, "next", "//evil.example")), "/admin")
	}
}

func TestBeforeSetUpThereIsNoFormButAWayOn(t *testing.T) {
	w := begin(t, "")
	w.must(w.DB.Tx(t.Context(), func(tx *db.Tx) error { return setting.Put(tx, setting.PortalName, setting.Portal{Name: "Gatehouse"}) }))
	const words = "This portal is not set up yet. Open the link that the server printed when it started."
	browser := w.Visitor()

	for _, page := range []webtest.Page{
		browser.Get("/login"), browser.Get("/signup"), browser.Get("/console/account"),
		browser.Post("/login", form("email", "ada@example.com", "password", good)), browser.Post("/signup", signUp()),
	} {
		w.want(page, page.Status, words)
		if contains(page.Body, `name="password"`) || page.Status == 303 {
			t.Error(page.Status, page.Body)
		}
	}
	var begun int64
	w.must(w.DB.Read(t.Context()).Raw("SELECT COUNT(*) FROM signups").Scan(&begun).Error)
	if begun != 0 {
		t.Error("an account began")
	}

	w.member("ada@example.com", "")
	w.leads(browser.Post("/login", form("email", "ada@example.com", "password", good)), "/console")
}

// A6
func TestRefusedSignInsAreTheSameToTheByte(t *testing.T) {
	w := begin(t, "")
	admin := webtest.ActorOf(w.member("root@example.com", "admin"))
	w.member("wrong@example.com", "")
	w.member("locked@example.com", "")
	suspended := w.member("stopped@example.com", "")
	w.must(w.store.Suspend(t.Context(), admin, suspended.ID, "Testing", nil))
	w.Visitor().Post("/signup", signUp())
	for range 5 {
		w.Visitor().Post("/login", form("email", "locked@example.com", "password", other))
	}

	want := ""
	for _, email := range []string{"nobody@example.com", "", "ada@example.com", "wrong@example.com", "stopped@example.com", "locked@example.com"} {
		secret := good
		if email == "wrong@example.com" {
			secret = other
		}
		page := w.Visitor().Post("/login", form("email", email, "password", secret, "next", "/console"))
		w.want(page, 401, "don’t fit together, or the address is not verified yet", "even the right password waits 15 minutes")
		got := strings.ReplaceAll(plain(page), `name="email" value="`+email+`"`, "…")
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s differs:\n%s\n%s", email, got, want)
		}
	}
}

// A6
func TestResetRequestsAnswerTheSame(t *testing.T) {
	w := begin(t, "")
	w.member("ada@example.com", "")

	a, b := w.Visitor().Post("/password/forgot", form("email", "ada@example.com")), w.Visitor().Post("/password/forgot", form("email", "nobody@example.com"))

	w.want(a, 200, "If there is an account")
	if strings.ReplaceAll(plain(a), "ada@", "nobody@") != plain(b) {
		t.Errorf("%s\n%s", plain(a), plain(b))
	}
	w.want(w.Visitor().Post("/password/forgot", form("email", "nobody")), 422, "Enter an e-mail address")
}

// A5
func TestNetworkThatGuessesGets429(t *testing.T) {
	w := begin(t, "")
	for i := range 60 {
		w.Visitor().Post("/login", form("email", fmt.Sprintf("user%d@example.com", i), "password", other))
	}

	page := w.Visitor().Post("/login", form("email", "one@example.com", "password", other))

	w.want(page, 429)
	if page.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// A7
func TestBrowserThatSignedInBeforeIsNotLockedOut(t *testing.T) {
	w := begin(t, "")
	w.member("ada@example.com", "")
	browser := w.Visitor()
	in := browser.Post("/login", form("email", "ada@example.com", "password", good))
	w.leads(browser.Post("/logout", form()), "/")
	for range 6 {
		w.want(w.Visitor().Post("/login", form("email", "ada@example.com", "password", other)), 401)
	}

	w.want(w.Visitor().Post("/login", form("email", "ada@example.com", "password", good)), 401)
	w.leads(browser.Post("/login", form("email", "ada@example.com", "password", good)), "/console")

	known := ""
	for _, cookie := range in.Header.Values("Set-Cookie") {
		if strings.HasPrefix(cookie, "gatehouse-known=") {
			known = cookie
		}
	}
	for _, part := range []string{"Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=31536000"} {
		if !strings.Contains(known, part) {
			t.Errorf("%q lacks %s", known, part)
		}
	}
}

// A7
func TestBrowserOfAPasswordResetIsKnown(t *testing.T) {
	w := begin(t, "")
	w.member("ada@example.com", "")
	browser := w.Visitor()
	w.want(browser.Post("/password/forgot", form("email", "ada@example.com")), 200)
	mail, _ := w.last("ada@example.com")
	w.Clock.Advance(time.Minute)
	w.leads(browser.Post("/password/reset", form("token", tokenOf(w.path(mail)), "password", other)), "/login")
	for range 6 {
		w.want(w.Visitor().Post("/login", form("email", "ada@example.com", "password", good)), 401)
	}

	w.leads(browser.Post("/login", form("email", "ada@example.com", "password", other)), "/console")
}

// S1, S2
func TestSignInSetsAGuardedCookieAndSignOutTakesItAway(t *testing.T) {
	w := begin(t, "")
	w.member("ada@example.com", "")
	browser := w.Visitor()

	in := browser.Post("/login", form("email", "ada@example.com", "password", good))
	before := browser.Get("/console/account")
	out := browser.Post("/logout", form())

	cookie := in.Header.Get("Set-Cookie")
	for _, part := range []string{"gatehouse-session=", "Path=/", "HttpOnly", "SameSite=Lax"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("%q lacks %s", cookie, part)
		}
	}
	w.want(before, 200)
	w.leads(out, "/")
	if out.Header.Get("Clear-Site-Data") == "" || before.Header.Get("Cache-Control") != "no-store" { // S5
		t.Error(out.Header, before.Header)
	}
	w.want(browser.Get("/console/account"), 401)
	w.leads(w.Visitor().Post("/logout", form()), "/")
}

// A13
func TestResetByLink(t *testing.T) {
	w := begin(t, "")
	w.member("ada@example.com", "")
	w.Visitor().Post("/password/forgot", form("email", "ada@example.com"))
	mail, _ := w.last("ada@example.com")
	token := tokenOf(w.path(mail))
	browser := w.Visitor()

	shown := browser.Get(w.path(mail))
	w.want(shown, 200, "New password")
	w.want(browser.Post("/password/reset", form("token", token, "password", "short")), 422, "at least 12")
	w.leads(browser.Post("/password/reset", form("token", token, "password", other)), "/login")

	if shown.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Error(shown.Header)
	}
	w.want(browser.Get("/console/account"), 401) // it did not sign in
	w.want(browser.Get(w.path(mail)), 404, "does not work any more")
	w.want(browser.Post("/password/reset", form("token", token, "password", good)), 404)
	w.leads(browser.Post("/login", form("email", "ada@example.com", "password", other)), "/console")
}

// W6: what a client says of hosts appears in no mail.
func TestMailedLinksKeepToTheConfiguredHost(t *testing.T) {
	w := begin(t, "")
	w.member("ada@example.com", "")
	browser := w.Visitor()
	browser.Header = http.Header{"X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"gopher"}, "Forwarded": {"host=evil.example;proto=gopher"}, "X-Host": {"evil.example"}, "X-Original-Host": {"evil.example"}}

	browser.Post("/password/forgot", form("email", "ada@example.com"))

	l, _ := w.last("ada@example.com")
	if !strings.HasPrefix(l.URL, w.URL+"/password/reset?token=") {
		t.Error(l.URL)
	}
}

func TestLanguageIsRememberedForVisitorsAndUsers(t *testing.T) {
	w := begin(t, "")
	visitor, user := w.Visitor(), w.As(w.member("ada@example.com", ""))

	w.leads(visitor.Post("/language", form("language", "de", "next", "/login")), "/login")
	w.leads(user.Post("/language", form("language", "de", "next", "https://evil.example")), "/")

	w.want(visitor.Get("/login"), 200, "Anmelden", `lang="de"`)
	w.want(user.Get("/console/account"), 200, "Konto", `lang="de"`)
	w.want(visitor.Post("/language", form("language", "xx")), 422)
}

// A14
func TestConfirmingThePasswordLeadsBack(t *testing.T) {
	w := begin(t, "")
	admin, target := w.member("root@example.com", "admin"), w.member("ada@example.com", "")
	browser := w.As(admin)
	role := "/admin/users/" + target.ID.Show("user") + "/role"
	w.Clock.Advance(11 * time.Minute)
	browser.Header = http.Header{"Referer": {w.URL + "/admin/users/" + target.ID.Show("user")}}

	stale := browser.Post(role, form("role", "support"))
	w.leads(stale, "/console/account/confirm?next=%2Fadmin%2Fusers%2F"+target.ID.Show("user")+"%3Fasked%3D1")
	w.want(browser.Get(stale.Location), 200, "Confirm that it is you")
	w.want(browser.Post("/console/account/confirm", form("password", other)), 422, "not your current password")
	w.leads(browser.Post("/console/account/confirm", form("password", good, "next", "/admin/users")), "/admin/users")
	w.leads(browser.Post(role, form("role", "support")), "/admin/users/"+target.ID.Show("user"))

	after, err := w.store.ByID(t.Context(), target.ID)
	w.must(err)
	if after.StaffRole != "support" {
		t.Error(account.User{StaffRole: after.StaffRole})
	}
}
