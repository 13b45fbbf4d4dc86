package scim_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	orgpages "github.com/gatehouse-dev/gatehouse/handlers/org"
	pages "github.com/gatehouse-dev/gatehouse/handlers/scim"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/scim"
	"github.com/gatehouse-dev/gatehouse/models/usage/quota"
)

const rootSecret = "b7Kq2Zx9Lm4Rt8Vw1Ny6Pc3Hd5Jf0GsAeUiOkTzBx"

// world is Northwind, which has proven northwind.example, and Contoso, which has proven contoso.example, each with a token.
type world struct {
	*catalogtest.World
	t       *testing.T
	clock   *dbtest.Clock
	began   time.Time // when the tokens were made, for 365 days
	site    *webtest.Site
	store   *scim.Store
	token   string // of Northwind
	foreign string // of Contoso
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	return newWorldOf(t, d, clock, config.SignupOpen)
}

func inputOf(name string) org.Input { return org.Input{Name: name} }

// newWorldOf is newWorld where the portal lets those make accounts.
func newWorldOf(t *testing.T, d *db.DB, clock *dbtest.Clock, policy config.SignupPolicy) *world {
	t.Helper()
	w := &world{World: catalogtest.New(t, d), t: t, clock: clock, began: clock.Now()}
	root, err := secret.Parse(rootSecret, "")
	if err != nil {
		t.Fatal(err)
	}
	w.site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		accounts := account.NewStore(account.Options{DB: d, Outbox: w.Outbox, Link: k.Link, Signer: root.Signer(secret.LabelSession), Signup: config.Signup{Policy: policy}})
		keys := key.NewStore(key.Options{DB: d, Outbox: w.Outbox, Root: root, Brand: "gk", Link: k.Link})
		orgs := org.NewStore(org.Options{DB: d, Outbox: w.Outbox, Link: k.Link})
		w.store = scim.NewStore(scim.Options{
			DB: d, Accounts: accounts, Orgs: orgs, Outbox: w.Outbox, Root: root, Brand: "gk", Link: k.Link,
			Handover: handover.NewStore(handover.Options{DB: d, Outbox: w.Outbox, Keys: keys, Link: k.Link}),
		})
		directories := pages.New(k, w.store, orgs)
		directories.Routes(r)
		organizations := orgpages.New(k, orgs, w.Catalog, quota.NewStore(d, nil, nil), invitation.NewStore(invitation.Options{DB: d, Outbox: w.Outbox, Link: k.Link}))
		organizations.Directory = directories.OfOrganization
		organizations.Routes(r)
	})
	w.prove(w.North, "northwind.example")
	w.prove(w.Contoso, "contoso.example")
	w.token, w.foreign = w.mint(w.Owner, w.North), w.mint(w.Other, w.Contoso)
	return w
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { body(t, newWorld(t, d, clock)) })
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) run(query string, args ...any) {
	w.t.Helper()
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run(query, args...)
		return err
	})
}

func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	w.ok(w.DB.Read(context.Background()).Raw(query, args...).Scan(&n).Error)
	return n
}

func (w *world) prove(organization db.ID, name string) {
	w.t.Helper()
	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO domains (id, organization_id, name, token, proven_at, checked_at, finding, created_at) VALUES (?, ?, ?, 'x', ?, ?, 'found', ?)", db.NewID(), organization, name, tx.Now, tx.Now, tx.Now)
		return err
	})
}

func (w *world) mint(a actor.Actor, organization db.ID) string {
	w.t.Helper()
	_, text, err := w.store.MakeToken(context.Background(), a, organization, scim.NewToken{Name: "Okta", Days: 365})
	w.ok(err)
	return text.Reveal()
}

// resource is an answer in JSON.
type resource struct {
	t      *testing.T
	Status int
	Header http.Header
	Text   string
	Body   map[string]any
}

// at is what stands under names, and numbers of lists.
func (r resource) at(path ...any) any {
	var v any = r.Body
	for _, p := range path {
		switch p := p.(type) {
		case string:
			o, _ := v.(map[string]any)
			v = o[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (r resource) id() string {
	id, _ := r.at("id").(string)
	return id
}

// is fails the test unless the call was answered so.
func (r resource) is(what string, status int, scimType string) resource {
	r.t.Helper()
	if got, _ := r.at("scimType").(string); r.Status != status || got != scimType {
		r.t.Fatalf("%s: %d %q, want %d %q: %s", what, r.Status, got, status, scimType, r.Text)
	}
	if status >= 400 {
		if r.at("schemas", 0) != "urn:ietf:params:scim:api:messages:2.0:Error" || r.at("status") == "" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/scim+json") {
			r.t.Fatalf("%s: not as RFC 7644 has errors: %s", what, r.Text)
		}
	}
	return r
}

func (w *world) send(token, method, path, body string, header ...string) resource {
	w.t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	q, err := http.NewRequestWithContext(context.Background(), method, w.site.URL+"/scim/v2"+path, in)
	w.ok(err)
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	q.Header.Set("Content-Type", "application/scim+json")
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(q)
	w.ok(err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	w.ok(err)
	r := resource{t: w.t, Status: answer.StatusCode, Header: answer.Header, Text: string(text)}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &r.Body); err != nil {
			w.t.Fatalf("%s %s: %v: %s", method, path, err, text)
		}
	}
	return r
}

func (w *world) get(path string) resource        { return w.send(w.token, "GET", path, "") }
func (w *world) post(path, body string) resource { return w.send(w.token, "POST", path, body) }
func (w *world) put(path, body string) resource  { return w.send(w.token, "PUT", path, body) }
func (w *world) patch(path string, ops string) resource {
	return w.send(w.token, "PATCH", path, patch(ops))
}

func (w *world) remove(path string, h ...string) resource {
	return w.send(w.token, "DELETE", path, "", h...)
}

func patch(operations string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
}

// person has the directory make somebody, and is their id there.
func (w *world) person(address string) string {
	w.t.Helper()
	return w.post("/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+address+`"}`).is("create", 201, "").id()
}

// role is that of the account of an address in Northwind.
func (w *world) role(address string) string {
	w.t.Helper()
	var roles []string
	w.ok(w.DB.Read(context.Background()).Raw("SELECT m.role FROM members m JOIN users u ON u.id = m.user_id WHERE u.email = ? AND m.organization_id = ?", address, w.North).Scan(&roles).Error)
	return strings.Join(roles, " ")
}

func (w *world) user(address string) account.User {
	w.t.Helper()
	u, err := account.NewStore(account.Options{DB: w.DB}).ByAddress(context.Background(), address)
	w.ok(err)
	return u
}

func (w *world) as(a actor.Actor) *webtest.Client {
	w.t.Helper()
	u, err := account.NewStore(account.Options{DB: w.DB}).ByID(context.Background(), a.UserID)
	w.ok(err)
	return w.site.As(u)
}
