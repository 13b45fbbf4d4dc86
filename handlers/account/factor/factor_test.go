package factor_test

import (
	"context"
	"crypto/sha256"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/pquerna/otp/totp"

	"github.com/gatehouse-dev/gatehouse/handlers/account"
	handlers "github.com/gatehouse-dev/gatehouse/handlers/account/factor"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	accounts "github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

const good = "correct horse battery staple"

// world is a site with the pages of accounts and of second factors, and one person.
type world struct {
	*webtest.Site
	t        *testing.T
	accounts *accounts.Store
	ada      accounts.User
	origin   *url.URL // of passkeys; nil: there are none
}

func begin(t *testing.T) *world {
	t.Helper()
	return beginAt(t, &url.URL{Scheme: "https", Host: "portal.example"})
}

func beginAt(t *testing.T, origin *url.URL) *world {
	t.Helper()
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	root, err := secret.Parse("vT3kQ9xWm2ZpL8rYc5NbH7sJd4Gf6AuE", "")
	w := &world{t: t, origin: origin}
	w.must(err)
	quick := func(plain, salt []byte, _ password.Params, n uint32) []byte { // the real one is tested in its own package
		sum := sha256.Sum256(append(append([]byte{}, salt...), plain...))
		return sum[:n]
	}
	hasher, err := password.NewHasher(password.Default, password.GateOptions{}, quick)
	w.must(err)
	box := outbox.New(root.Sealer(secret.LabelMail))
	w.Site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		w.accounts = accounts.NewStore(accounts.Options{DB: d, Hasher: hasher, Sealer: root.Sealer(secret.LabelPassword), Signer: root.Signer(secret.LabelSession), Outbox: box, Link: k.Link, Floor: -1})
		k.Accounts = w.accounts
		people := account.New(k, w.accounts, true)
		people.Factors = factor.NewStore(factor.Options{DB: d, Accounts: w.accounts, Sealer: root.Sealer(secret.LabelFactor), Outbox: box, Link: k.Link, PortalName: func(context.Context) string { return "Gatehouse" }, BaseURL: w.origin})
		people.Routes(r)
		(&handlers.Handler{Kit: k, Accounts: people, Store: people.Factors}).Routes(r)
		r.Get("/console", web.SignedIn(), func(c echo.Context) error { return c.String(200, "console") })
		r.Post("/fresh", web.SignedIn().Fresh(), func(c echo.Context) error { return c.String(200, "fresh") })
	})
	w.must(d.Tx(t.Context(), func(tx *db.Tx) error {
		return setting.Put(tx, setting.PortalName, setting.Portal{Name: "Gatehouse", SetUpAt: &tx.Now})
	}))
	w.ada = w.person("ada@example.com")
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) person(email string) accounts.User {
	w.t.Helper()
	id := db.NewID()
	sealed, err := w.accounts.HashPassword(w.t.Context(), id, good)
	w.must(err)
	var u accounts.User
	w.must(w.DB.Tx(w.t.Context(), func(tx *db.Tx) error {
		u, err = w.accounts.AddUser(tx, accounts.NewUser{ID: id, Email: email, Name: "Ada Lovelace", PasswordSealed: sealed})
		return err
	}))
	return u
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// signIn is a browser in which ada entered her password, and where that led.
func (w *world) signIn() (*webtest.Client, webtest.Page) {
	w.t.Helper()
	c := w.Visitor()
	return c, c.Post("/login", form("email", w.ada.Email, "password", good, "next", "/console/account"))
}

func (w *world) leads(p webtest.Page, to string) {
	w.t.Helper()
	if p.Status != 303 || p.Location != to {
		w.t.Fatalf("%d %s, want 303 %s: %s", p.Status, p.Location, to, p.Body)
	}
}

func (w *world) want(p webtest.Page, status int, parts ...string) {
	w.t.Helper()
	for _, part := range parts {
		if p.Status != status || !strings.Contains(html.UnescapeString(p.Body), part) {
			w.t.Fatalf("%d, want %d with %q: %s", p.Status, status, part, p.Body)
		}
	}
	if p.Status != status {
		w.t.Fatalf("%d, want %d: %s", p.Status, status, p.Body)
	}
}

var (
	seedShown  = regexp.MustCompile(`secret=([A-Z2-7]{32})&`)
	codesShown = regexp.MustCompile(`name="codes" value="([0-9a-z-]{27})"`)
)

// enrol sets an app up in c and returns its seed and the recovery codes, if any were shown.
func (w *world) enrol(c *webtest.Client) (seed string, codes []string) {
	w.t.Helper()
	begun := c.Post("/console/account/security/totp", form("name", "Phone"))
	page := c.Get(begun.Location)
	w.want(page, 200, "Set up your authenticator app", "<svg", "viewBox", `href="otpauth://totp/Gatehouse:ada@example.com?secret=`)
	seed = seedShown.FindStringSubmatch(html.UnescapeString(page.Body))[1]
	shown := c.Post(begun.Location, form("code", w.code(seed)))
	for _, m := range codesShown.FindAllStringSubmatch(shown.Body, -1) {
		codes = append(codes, m[1])
	}
	return seed, codes
}

// code is what the app of a seed shows now.
func (w *world) code(seed string) string {
	w.t.Helper()
	code, err := totp.GenerateCode(seed, w.Clock.Now())
	w.must(err)
	return code
}

// The whole way without scripts: set up, sign in by code, sign in by recovery code, get new ones, remove.
func TestSigningInAsksForTheCodeOfAnApp(t *testing.T) {
	w := begin(t)
	first, plain := w.signIn()
	w.leads(plain, "/console/account")
	w.want(first.Get("/console/account/security"), 200, "You have none yet", "Set up app")
	seed, codes := w.enrol(first)
	if len(codes) != 10 {
		t.Fatalf("%d recovery codes", len(codes))
	}
	w.Clock.Advance(time.Minute)

	c, asked := w.signIn()
	w.leads(asked, "/login/factor?next=%2Fconsole%2Faccount")
	pending := c.Cookie("gatehouse-session")
	w.want(c.Get(asked.Location), 200, "Second factor", `autocomplete="one-time-code"`)
	w.leads(c.Get("/console/account"), "/login/factor?next=%2Fconsole%2Faccount")
	w.want(c.Post("/login/factor", form("code", "12345")), 422, "That is not a code that works now")
	w.leads(c.Post("/login/factor", form("code", w.code(seed), "next", "/console/account")), "/console/account")
	w.want(c.Get("/console/account"), 200, "Second factors", "Password and app")
	if c.Cookie("gatehouse-session") == pending || c.Cookie("gatehouse-known") == "" {
		t.Error("S2: the token is the one from before, or the browser is not known")
	}

	again, _ := w.signIn()
	w.leads(again.Post("/login/factor", form("code", codes[0])), "/console")
	w.want(again.Get("/console/account/security"), 200, "Rename or remove", "Not used yet: 9 of 10", "Codes that still work: 9", "Phone")
	w.want(again.Get("/console/account"), 200, "Password and recovery code")
	w.want(again.Post("/console/account/security/codes", form()), 200, "Each works once")
	list := again.Get("/console/account/security")
	one := regexp.MustCompile(`/console/account/security/factors/factor_[0-9a-z]{26}`).FindString(list.Body)
	w.leads(again.Post(one, form("name", "Blue phone")), "/console/account/security")
	w.want(again.Get(one), 200, "Blue phone", "It is your only one")
	w.leads(again.Post(one+"/remove", form()), "/console/account/security")
	_, without := w.signIn()
	w.leads(without, "/console/account")
}

// A14: what matters asks for password and code again after ten minutes; of a right password and a wrong code, only the code.
func TestWhatMattersAsksForTheFactorAgain(t *testing.T) {
	w := begin(t)
	c, _ := w.signIn()
	seed, _ := w.enrol(c)
	w.want(c.Post("/fresh", form()), 200, "fresh")
	w.Clock.Advance(11 * time.Minute)

	for path, sent := range map[string]url.Values{
		"/fresh": form(), "/console/account/password": form("current_password", good, "new_password", "another quite long one"), "/console/account/address": form("new_email", "x@example.com", "email_password", good),
		"/console/account/delete": form("email", w.ada.Email, "password", good), "/console/account/security/totp": form("name", "Second"), "/console/account/security/codes": form(),
	} {
		if p := c.Post(path, sent); p.Status != 303 || !strings.HasPrefix(p.Location, "/console/account/confirm") {
			t.Errorf("%s: %d %s", path, p.Status, p.Location)
		}
	}
	w.want(c.Get("/console/account/confirm"), 200, `name="password"`, `name="code"`)
	half := c.Post("/console/account/confirm", form("password", good, "code", "000"))
	w.want(half, 422, "That is not a code that works now", `name="code"`)
	if strings.Contains(half.Body, `name="password"`) {
		t.Error("the right password is asked for again")
	}
	w.want(c.Post("/fresh", form()), 303)
	w.leads(c.Post("/console/account/confirm", form("code", w.code(seed), "next", "/console/account")), "/console/account")
	w.want(c.Post("/fresh", form()), 200, "fresh")
}

// A12: whoever knows the password alone can neither add a factor nor end what is theirs, and may give up.
func TestThePasswordAloneAddsNoFactor(t *testing.T) {
	w := begin(t)
	owner, _ := w.signIn()
	w.enrol(owner)
	thief, _ := w.signIn()

	for _, path := range []string{"/console/account/security/totp", "/console/account/security/codes", "/console/account/password", "/console/account/address", "/console/account/confirm"} {
		if p := thief.Post(path, form("name", "Mine", "password", good)); p.Status != 401 {
			t.Errorf("%s: %d %s", path, p.Status, p.Location)
		}
	}
	w.leads(thief.Post("/logout", form()), "/")
	w.leads(thief.Get("/login/factor"), "/login")
	w.leads(owner.Get("/login/factor"), "/console")
}

// The file holds codes of one's own that work, and nothing else that was sent.
func TestTheFileHoldsOwnCodesAlone(t *testing.T) {
	w := begin(t)
	c, _ := w.signIn()
	_, codes := w.enrol(c)

	file := c.Post("/console/account/security/codes/file", url.Values{"codes": {codes[0], "<script>", "000000-000000-000000-000000", codes[1]}})
	none := c.Post("/console/account/security/codes/file", url.Values{"codes": {"<script>"}})

	w.want(file, 200, codes[0]+"\n"+codes[1]+"\n", "ada@example.com")
	if strings.Contains(file.Body, "script") || strings.Contains(file.Body, "000000") || file.Header.Get("Content-Disposition") != `attachment; filename="recovery-codes.txt"` || file.Header.Get("Cache-Control") != "no-store" {
		t.Error(file.Body, file.Header)
	}
	w.want(none, 404)
}

// Forms that are wrong come back with what was entered, and say what is wrong.
func TestFormsOfFactorsSayWhatIsWrong(t *testing.T) {
	w := begin(t)
	c, _ := w.signIn()
	begun := c.Post("/console/account/security/totp", form("name", "Phone"))

	w.want(c.Post("/console/account/security/totp", form("name", "")), 422, "Enter a name.")
	w.want(c.Post("/console/account/security/totp", form("name", strings.Repeat("x", 61))), 422, "Use at most 60 characters.")
	w.want(c.Post(begun.Location, form("code", "12 34")), 422, "That is not the code that the app shows now", "<svg")
	w.want(c.Post("/console/account/security/codes", form()), 409, "Add one first.")
	w.want(c.Post(strings.Replace(begun.Location, "/totp/", "/factors/", 1)+"/remove", form()), 404)
	for _, path := range []string{"/console/account/security/totp", begun.Location, "/console/account/security/codes", "/login/factor"} {
		if p := c.CrossSite(path, form("name", "Phone", "code", "1")); p.Status != 403 {
			t.Errorf("W1: %s answers %d to another site", path, p.Status)
		}
	}
}
