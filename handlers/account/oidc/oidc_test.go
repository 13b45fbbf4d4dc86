package oidc_test

import (
	"context"
	"crypto/sha256"
	"html"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/account"
	"github.com/gatehouse-dev/gatehouse/handlers/account/oidc"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/openid"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/testenv/idp"
	accounts "github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/account/provider"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

const good = "correct horse battery staple"

// world is a site with the pages of accounts and of providers, and a provider that runs.
type world struct {
	*webtest.Site
	t        *testing.T
	box      *outbox.Outbox
	accounts *accounts.Store
	idp      *idp.Provider
}

func begin(t *testing.T) *world {
	t.Helper()
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	root, err := secret.Parse("vT3kQ9xWm2ZpL8rYc5NbH7sJd4Gf6AuE", "")
	w := &world{t: t}
	w.must(err)
	quick := func(plain, salt []byte, _ password.Params, n uint32) []byte { // the real one is tested in its own package
		sum := sha256.Sum256(append(append([]byte{}, salt...), plain...))
		return sum[:n]
	}
	hasher, err := password.NewHasher(password.Default, password.GateOptions{}, quick)
	w.must(err)
	w.box = outbox.New(root.Sealer(secret.LabelMail))
	w.Site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		w.accounts = accounts.NewStore(accounts.Options{DB: d, Hasher: hasher, Sealer: root.Sealer(secret.LabelPassword), Signer: root.Signer(secret.LabelSession), Outbox: w.box, Link: k.Link, Floor: -1})
		k.Accounts = w.accounts
		people := account.New(k, w.accounts, true)
		back := k.Link("/login/with/northwind/callback")
		w.idp = idp.Start(t, back)
		client := openid.New(openid.Settings{Name: "northwind", Label: "Northwind", Issuer: w.idp.Issuer, ClientID: idp.ClientID, ClientSecret: secret.NewText(idp.ClientSecret), Domains: []string{"northwind.example"}}, back, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, time.Now)
		people.Providers = provider.NewStore(provider.Options{
			DB: d, Accounts: w.accounts, Outbox: w.box, Link: k.Link, PortalName: func(context.Context) string { return "Gatehouse" },
			Providers: []provider.Provider{{Name: "northwind", Label: "Northwind", Issuer: w.idp.Issuer, Anew: true}},
		})
		people.Routes(r)
		(&oidc.Handler{Kit: k, Accounts: people, Store: people.Providers, Clients: map[string]*openid.Client{"northwind": client}, Sealer: root.Sealer(secret.LabelProvider)}).Routes(r)
		r.Get("/console", web.SignedIn(), func(c echo.Context) error { return c.String(200, "console of "+web.User(c).Email) })
		r.Post("/fresh", web.SignedIn().Fresh(), func(c echo.Context) error { return c.String(200, "fresh") })
	})
	w.must(d.Tx(t.Context(), func(tx *db.Tx) error {
		return setting.Put(tx, setting.PortalName, setting.Portal{Name: "Gatehouse", SetUpAt: &tx.Now})
	}))
	w.idp.Add("ada@northwind.example", "Ada", "Lovelace", true)
	w.idp.Add("bob@northwind.example", "Bob", "Babbage", false)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) person(email string) {
	w.t.Helper()
	id := db.NewID()
	sealed, err := w.accounts.HashPassword(w.t.Context(), id, good)
	w.must(err)
	w.must(w.DB.Tx(w.t.Context(), func(tx *db.Tx) error {
		_, err = w.accounts.AddUser(tx, accounts.NewUser{ID: id, Email: email, Name: "Ada Lovelace", PasswordSealed: sealed})
		return err
	}))
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func (w *world) leads(p webtest.Page, to string) {
	w.t.Helper()
	if p.Status != 303 || p.Location != to {
		w.t.Fatalf("%d %s, want 303 %s: %s", p.Status, p.Location, to, p.Body)
	}
}

func (w *world) want(p webtest.Page, status int, parts ...string) {
	w.t.Helper()
	for _, part := range append(parts, "") {
		if p.Status != status || !strings.Contains(html.UnescapeString(p.Body), part) {
			w.t.Fatalf("%d, want %d with %q: %s", p.Status, status, part, p.Body)
		}
	}
}

// trip sends a browser to the provider, signs the person of that name in there, and brings the browser back.
func (w *world) trip(c *webtest.Client, from, name string) webtest.Page {
	w.t.Helper()
	sent := c.Get(from)
	if sent.Status != 303 || !strings.HasPrefix(sent.Location, w.idp.Issuer) {
		w.t.Fatalf("%d %s %s", sent.Status, sent.Location, sent.Body)
	}
	return c.Get(w.idp.SignIn(w.t, sent.Location, name).RequestURI())
}

func (w *world) mailed(to string) string {
	w.t.Helper()
	var ids []db.ID
	w.must(w.DB.Read(w.t.Context()).Raw("SELECT id FROM mails WHERE recipient = ? ORDER BY id DESC", to).Scan(&ids).Error)
	if len(ids) == 0 {
		w.t.Fatal("no mail")
	}
	_, l, err := w.box.Read(w.t.Context(), w.DB, ids[0])
	w.must(err)
	u, err := url.Parse(l.URL)
	w.must(err)
	return u.RequestURI()
}

func TestAPersonOfAProviderGetsAnAccountAndComesBack(t *testing.T) {
	w := begin(t)
	c := w.Visitor()
	w.want(c.Get("/login"), 200, `href="/login/with/northwind"`, "Continue with Northwind")
	w.want(c.Get("/signup"), 200, `href="/login/with/northwind"`)

	w.leads(w.trip(c, "/login/with/northwind?next=/console/account", "ada"), "/login/visit")
	w.want(c.Get("/login/visit"), 200, "ada@northwind.example", "Create account", `value="Ada Lovelace"`)
	w.want(c.Post("/login/visit/create", form("name", "")), 422, "Enter a name.")
	w.leads(c.Post("/login/visit/create", form("name", "Ada Lovelace", "time_zone", "Europe/Berlin")), "/console/account")

	w.want(c.Get("/console/account"), 200, "See your providers")
	w.want(c.Get("/console/account/providers"), 200, "Northwind", "ada@northwind.example", "Unlink Northwind", "You have no password here")
	again := w.Visitor()
	w.leads(w.trip(again, "/login/with/northwind", "ada"), "/console")
	w.want(again.Get("/console"), 200, "console of ada@northwind.example")
	w.want(again.Get("/login/visit"), 404, "Begin again.")
}

func TestAnAccountIsLinkedOnceItsOwnerShowsThatItIsTheirs(t *testing.T) {
	w := begin(t)
	w.person("ada@northwind.example")
	c := w.Visitor()

	w.leads(w.trip(c, "/login/with/northwind", "ada"), "/login/visit")
	w.want(c.Get("/login/visit"), 200, "There is an account with this address here.", `name="password"`, "Send link")
	w.want(c.Post("/login/visit/create", form("name", "Eve")), 409)
	w.leads(c.Post("/login", form("email", "ada@northwind.example", "password", good, "next", "/login/visit")), "/login/visit")
	w.want(c.Get("/login/visit"), 200, "Link the two")
	w.leads(c.Post("/login/visit/link", nil), "/console/account/providers")

	other := w.Visitor()
	w.leads(w.trip(other, "/login/with/northwind", "ada"), "/console")
	w.want(w.trip(other, "/console/account/providers/northwind/link", "ada"), 409, "Your account is linked to this one at Northwind already.")
}

func TestAMailShowsThatAnAddressIsTheirsInTheSameBrowserAlone(t *testing.T) {
	w := begin(t)
	c, other := w.Visitor(), w.Visitor()

	w.leads(w.trip(c, "/login/with/northwind", "bob"), "/login/visit")
	w.want(c.Get("/login/visit"), 200, "A mail has to show first that the address is yours.")
	w.want(c.Post("/login/visit/create", form("name", "Bob")), 409)
	w.leads(c.Post("/login/visit/mail", nil), "/login/visit")
	w.want(c.Get("/login/visit"), 200, "A mail with a link waits for you.")
	link := w.mailed("bob@northwind.example")
	_, token, _ := strings.Cut(link, "token=")
	w.want(other.Get(link), 404, "Open the link in the browser in which you asked for it")
	w.want(other.Post("/login/visit/proof", form("token", token)), 404)
	w.want(c.Get(link), 200, "It is mine")
	w.want(c.Post("/login/visit/proof", form("token", "made up")), 404, "Links work once")
	w.leads(c.Post("/login/visit/proof", form("token", token)), "/login/visit")
	w.want(c.Get("/login/visit"), 200, "Create account")
	w.leads(c.Post("/login/visit/create", form("name", "Bob")), "/console")

	w.want(c.Get("/console"), 200, "console of bob@northwind.example")
}

// A13, A14, A15: of who has a second factor, a mail opens the form that asks for it, and links nothing.
func TestWhoProvesAnAddressByMailStillShowsTheirFactor(t *testing.T) {
	w := begin(t)
	w.person("bob@northwind.example")
	w.must(w.DB.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO factors (id, user_id, kind, name, confirmed_at, created_at) SELECT ?, id, 'totp', 'Phone', ?, ? FROM users WHERE email = 'bob@northwind.example'", db.NewID(), tx.Now, tx.Now)
		return err
	}))
	c := w.Visitor()
	w.leads(w.trip(c, "/login/with/northwind", "bob"), "/login/visit")
	w.leads(c.Post("/login/visit/mail", nil), "/login/visit")
	_, token, _ := strings.Cut(w.mailed("bob@northwind.example"), "token=")

	w.leads(c.Post("/login/visit/proof", form("token", token)), "/login/factor?next=%2Flogin%2Fvisit")

	w.leads(c.Get("/login/visit"), "/login/factor?next=%2Flogin%2Fvisit")
	if p := c.Post("/login/visit/link", nil); p.Status == 303 && p.Location == "/console/account/providers" {
		t.Error("a session that waits for a factor is linked")
	}
	if p := c.Get("/console"); p.Status == 200 {
		t.Error(p.Body)
	}
	again := w.Visitor()
	w.leads(w.trip(again, "/login/with/northwind", "bob"), "/login/visit")
}

// A13: a new password unlinks, and says so where its owner goes on.
func TestANewPasswordByMailSaysWhatItUnlinked(t *testing.T) {
	w := begin(t)
	w.person("eve@example.com")
	c := w.Visitor()
	c.Post("/login", form("email", "eve@example.com", "password", good))
	w.trip(c, "/console/account/providers/northwind/link", "bob")
	w.leads(c.Post("/login/visit/link", nil), "/console/account/providers")
	owner := w.Visitor()
	owner.Post("/password/forgot", form("email", "eve@example.com"))
	_, token, _ := strings.Cut(w.mailed("eve@example.com"), "token=")

	w.leads(owner.Post("/password/reset", form("token", token, "password", "umbrella quiet mountain tide")), "/login?next=%2Fconsole%2Faccount%2Fproviders")

	w.want(owner.Get("/login?next=%2Fconsole%2Faccount%2Fproviders"), 200, "Unlinked, so that nobody comes back by it: Northwind.")
	w.leads(w.trip(w.Visitor(), "/login/with/northwind", "bob"), "/login/visit")
}

func TestATripBelongsToTheBrowserThatBeganIt(t *testing.T) {
	w := begin(t)
	eve, victim := w.Visitor(), w.Visitor()
	answer := w.idp.SignIn(t, eve.Get("/login/with/northwind").Location, "ada").RequestURI()
	victim.Get("/login/with/northwind")

	w.want(victim.Get(answer), 400, "Begin again.")
	w.want(w.Visitor().Get(answer), 400, "Begin again.")
	w.leads(eve.Get(answer), "/login/visit")
	w.want(eve.Get(answer), 400, "Begin again.")
	w.want(eve.Get("/login/with/northwind/callback?error=access_denied"), 400)
	w.want(eve.Get("/login/with/google"), 404)

	late := w.Visitor()
	answer = w.idp.SignIn(t, late.Get("/login/with/northwind").Location, "ada").RequestURI()
	w.Clock.Advance(16 * time.Minute)
	w.want(late.Get(answer), 400, "more than 15 minutes")
}

func TestWhoSaysNoAtTheProviderIsTold(t *testing.T) {
	w := begin(t)
	c := w.Visitor()
	at, err := url.Parse(c.Get("/login/with/northwind").Location)
	w.must(err)

	p := c.Get("/login/with/northwind/callback?error=access_denied&state=" + url.QueryEscape(at.Query().Get("state")))

	w.want(p, 400, "Northwind says that you or it said no.")
}

// A14: without a password, the provider says that it is still the same person.
func TestWhoHasNoPasswordConfirmsByTheirProvider(t *testing.T) {
	w := begin(t)
	c := w.Visitor()
	w.trip(c, "/login/with/northwind", "ada")
	w.leads(c.Post("/login/visit/create", form("name", "Ada")), "/console")
	w.Clock.Advance(11 * time.Minute)

	w.leads(c.Post("/fresh", nil), "/console/account/confirm?next=%2F%3Fasked%3D1")
	w.want(c.Get("/console/account/confirm?next=/console"), 200, "Confirm with Northwind", "/console/account/providers/northwind/confirm?next=%2Fconsole")
	w.want(w.trip(c, "/console/account/providers/northwind/confirm?next=/console", "bob"), 409, "another account at Northwind")
	w.leads(c.Post("/fresh", nil), "/console/account/confirm?next=%2F%3Fasked%3D1")
	w.leads(w.trip(c, "/console/account/providers/northwind/confirm?next=/console", "ada"), "/console")

	w.want(c.Post("/fresh", nil), 200, "fresh")
}

func TestUnlinkingAndItsBounds(t *testing.T) {
	w := begin(t)
	c := w.Visitor()
	w.trip(c, "/login/with/northwind", "ada")
	w.leads(c.Post("/login/visit/create", form("name", "Ada")), "/console")
	page := c.Get("/console/account/providers")
	_, rest, _ := strings.Cut(page.Body, `action="`)
	for !strings.HasPrefix(rest, "/console/account/identities/") {
		if _, rest, _ = strings.Cut(rest, `action="`); rest == "" {
			t.Fatal(page.Body)
		}
	}
	unlink, _, _ := strings.Cut(rest, `"`)
	w.person("eve@example.com")
	eve := w.Visitor()
	eve.Post("/login", form("email", "eve@example.com", "password", good))
	w.leads(c.Post(unlink, nil), "/console/account/confirm?next=%2F%3Fasked%3D1") // A14
	w.leads(w.trip(c, "/console/account/providers/northwind/confirm?next=/console", "ada"), "/console")

	w.want(c.Post(unlink, nil), 409, "the only way into your account")
	w.want(eve.Post(unlink, nil), 404)
	w.want(w.Visitor().Post(unlink, nil), 401)
	w.want(c.Post("/console/account/identities/none/unlink", nil), 404)
	w.leads(w.trip(eve, "/console/account/providers/northwind/link", "bob"), "/login/visit")
	w.want(eve.Get("/login/visit"), 200, "eve@example.com", "Link the two")
	w.leads(eve.Post("/login/visit/link", nil), "/console/account/providers")
	w.want(w.trip(eve, "/console/account/providers/northwind/link", "ada"), 409, "somebody else’s account here")
}

// S4: no cookie, no key: the token itself proves who says that somebody is signed out.
func TestAProviderEndsTheSessionsThatItBegan(t *testing.T) {
	w := begin(t)
	c, program := w.Visitor(), w.Visitor()
	w.trip(c, "/login/with/northwind", "ada")
	w.leads(c.Post("/login/visit/create", form("name", "Ada")), "/console")
	good := w.idp.LogoutToken(t, "ada", nil)

	for name, token := range map[string]string{
		"none":                "",
		"no token":            "x.y.z",
		"an ID token's nonce": w.idp.LogoutToken(t, "ada", func(m map[string]any) { m["nonce"] = "n" }),
		"no logout":           w.idp.LogoutToken(t, "ada", func(m map[string]any) { delete(m, "events") }),
		"for somebody else":   w.idp.LogoutToken(t, "ada", func(m map[string]any) { m["aud"] = "other" }),
	} {
		if p := program.Post("/login/with/northwind/logout", form("logout_token", token)); p.Status != 400 || !strings.Contains(p.Body, "invalid_request") {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
	}
	w.want(c.Get("/console"), 200)
	w.want(program.Post("/login/with/google/logout", form("logout_token", good)), 404)
	w.want(program.Post("/login/with/northwind/logout", form("logout_token", good)), 200)
	w.want(c.Get("/console"), 401)
	w.want(program.Post("/login/with/northwind/logout", form("logout_token", good)), 400)
}
