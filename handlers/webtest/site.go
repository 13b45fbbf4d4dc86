// Package webtest serves routes over a real database to tests, and visits them as a browser would: with cookies, same-origin headers and
// forms, without JavaScript.
package webtest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// Site is a running portal with some routes.
type Site struct {
	URL   string
	Kit   *web.Kit
	DB    *db.DB
	Clock *dbtest.Clock
	Table []web.Route
	// Handler is what the site serves, for benchmarks that leave the network out.
	Handler http.Handler
	t       testing.TB
}

// New serves the routes that register adds. Kit.Accounts is a store with nothing but the database, unless register replaces it.
func New(t testing.TB, d *db.DB, clock *dbtest.Clock, register func(k *web.Kit, r *web.Registrar)) *Site {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	base, err := url.Parse("http://" + server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	k := &web.Kit{DB: d, BaseURL: base, Accounts: account.NewStore(account.Options{DB: d})}
	e := k.NewEcho()
	r := web.NewRegistrar(k, e)
	register(k, r)
	server.Config.Handler = k.Handler(e)
	server.Start()
	t.Cleanup(server.Close)
	return &Site{URL: base.String(), Kit: k, DB: d, Clock: clock, Table: r.Routes(), Handler: server.Config.Handler, t: t}
}

// Visit is a Site that somebody else serves at url, over d.
func Visit(t testing.TB, url string, d *db.DB, clock *dbtest.Clock) *Site {
	return &Site{URL: url, DB: d, Clock: clock, t: t}
}

// Person adds a verified user with a personal organization, directly in the database. staffRole is "" for outsiders.
func (s *Site) Person(email, staffRole string) account.User {
	s.t.Helper()
	return Person(s.t, s.DB, email, staffRole)
}

// Person is Site.Person for tests without a site.
func Person(t testing.TB, d *db.DB, email, staffRole string) account.User {
	t.Helper()
	id, org := db.NewID(), db.NewID()
	name := strings.SplitN(email, "@", 2)[0]
	err := d.Tx(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO users (id, email, name, display_name, staff_role, email_verified_at, approved_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			id, email, name, name, staffRole, tx.Now, tx.Now, tx.Now, tx.Now)
		if err != nil {
			return err
		}
		if _, err = tx.Run("INSERT INTO organizations (id, kind, personal_user_id, name, created_at, updated_at) VALUES (?, 'personal', ?, ?, ?, ?)", org, id, name, tx.Now, tx.Now); err != nil {
			return err
		}
		_, err = tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'owner', ?)", org, id, tx.Now)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := account.NewStore(account.Options{DB: d}).ByID(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// PersonalOrg is the id of a person's own organization.
func PersonalOrg(t testing.TB, d *db.DB, userID db.ID) db.ID {
	t.Helper()
	var id db.ID
	if err := d.Read(context.Background()).Raw("SELECT id FROM organizations WHERE personal_user_id = ?", userID).Row().Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// ActorOf is a person as an actor, for calls to stores.
func ActorOf(u account.User) actor.Actor {
	return actor.Actor{Kind: actor.User, UserID: u.ID, StaffRole: u.StaffRole, Name: u.Name, RequestID: "req_test"}
}

// Visitor is a browser of somebody who is not signed in.
func (s *Site) Visitor() *Client {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &Client{site: s, http: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, Header: http.Header{}}
}

// As is a browser in which u is signed in, the password entered just now, and a second factor shown if u has one.
func (s *Site) As(u account.User) *Client {
	s.t.Helper()
	now := s.DB.Now()
	return s.in(u, &now, nil)
}

// ByPassword is a browser in which u, who has no second factor, has signed in by the password.
func (s *Site) ByPassword(u account.User) *Client {
	s.t.Helper()
	return s.in(u, nil, nil)
}

// AsPending is a browser in which u, who has a second factor, has entered the password and nothing more.
func (s *Site) AsPending(u account.User) *Client {
	s.t.Helper()
	return s.in(u, nil, nil)
}

// AsCoding is a browser in which u, who has no second factor, has entered the password and not the code by mail.
func (s *Site) AsCoding(u account.User) *Client {
	s.t.Helper()
	until := s.DB.Now().Add(account.PendingAge)
	return s.in(u, nil, &until)
}

func (s *Site) in(u account.User, factorAt, codeUntil *time.Time) *Client {
	s.t.Helper()
	c := s.Visitor()
	token := base64.RawURLEncoding.EncodeToString([]byte(db.NewID().String()))
	sum := sha256.Sum256([]byte(token))
	err := s.DB.Tx(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO sessions (id, digest, user_id, reauthenticated_at, factor_at, code_expires_at, last_seen_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			db.NewID(), sum[:], u.ID, tx.Now, factorAt, codeUntil, tx.Now, tx.Now.Add(account.SessionAbsolute), tx.Now)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	base, err := url.Parse(s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	//nolint:gosec // a cookie in the test client’s own jar
	c.http.Jar.SetCookies(base, []*http.Cookie{{Name: "gatehouse-session", Value: token, Path: "/"}})
	return c
}

// Client visits a Site. Header is sent with every request; setting Origin or Sec-Fetch-Site there makes it another site's.
type Client struct {
	site   *Site
	http   *http.Client
	Header http.Header
}

// Page is an answer.
type Page struct {
	Status   int
	Body     string
	Location string // of a redirect
	Header   http.Header
}

// Cookie is the value of a cookie that the site set; "" for none.
func (c *Client) Cookie(name string) string {
	base, err := url.Parse(c.site.URL)
	if err != nil {
		c.site.t.Fatal(err)
	}
	for _, cookie := range c.http.Jar.Cookies(base) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// Get visits path; redirects are not followed.
func (c *Client) Get(path string) Page {
	c.site.t.Helper()
	return c.send(http.MethodGet, path, nil)
}

// Post sends a form as the site's own page would.
func (c *Client) Post(path string, form url.Values) Page {
	c.site.t.Helper()
	return c.send(http.MethodPost, path, form)
}

// CrossSite sends the same form as another site's page would make the browser send it.
func (c *Client) CrossSite(path string, form url.Values) Page {
	c.site.t.Helper()
	c.Header.Set("Origin", "https://evil.example")
	c.Header.Set("Sec-Fetch-Site", "cross-site")
	defer func() { c.Header.Del("Origin"); c.Header.Del("Sec-Fetch-Site") }()
	return c.send(http.MethodPost, path, form)
}

func (c *Client) send(method, path string, form url.Values) Page {
	c.site.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(context.Background(), method, c.site.URL+path, body)
	if err != nil {
		c.site.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", c.site.URL)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, values := range c.Header {
		r.Header[name] = values
	}
	answer, err := c.http.Do(r)
	if err != nil {
		c.site.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		c.site.t.Fatal(err)
	}
	return Page{answer.StatusCode, string(b), answer.Header.Get("Location"), answer.Header}
}
