package key_test

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/key"
	"github.com/gatehouse-dev/gatehouse/handlers/key/bulk"
	"github.com/gatehouse-dev/gatehouse/handlers/key/handover"
	"github.com/gatehouse-dev/gatehouse/handlers/key/importing"
	"github.com/gatehouse-dev/gatehouse/handlers/key/rotation"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/job"
	keys "github.com/gatehouse-dev/gatehouse/models/key"
	bulks "github.com/gatehouse-dev/gatehouse/models/key/bulk"
	handovers "github.com/gatehouse-dev/gatehouse/models/key/handover"
	imports "github.com/gatehouse-dev/gatehouse/models/key/importing"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	rotations "github.com/gatehouse-dev/gatehouse/models/key/rotation"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

var bg = context.Background()

// world is a portal with one organization of every role, an app with access to two APIs, and strangers.
type world struct {
	*webtest.Site
	t                                         *testing.T
	keys                                      *keys.Store
	worker                                    *job.Worker
	links                                     *handovers.Store
	dev, viewer, stranger, admin, sup         account.User
	devs, viewers, strangers, admins, support *webtest.Client
	org, app, bare                            db.ID
	orders, portal                            db.ID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := dbtest.NewClock()
	return worldOn(t, dbtest.SQLite(t, clock), clock)
}

func worldOn(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	root, err := secret.Parse("kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi", "")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t}
	w.Site = webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
		w.keys = keys.NewStore(keys.Options{DB: d, Outbox: outbox.New(root.Sealer(secret.LabelMail)), Root: root, Brand: "gk", Link: k.Link})
		w.links = handovers.NewStore(handovers.Options{DB: d, Outbox: outbox.New(root.Sealer(secret.LabelMail)), Keys: w.keys, Link: k.Link})
		pages := key.New(k, w.keys, w.links)
		pages.Bulks = bulks.NewStore(bulks.Options{DB: d, Keys: w.keys, Outbox: outbox.New(root.Sealer(secret.LabelMail)), Link: k.Link})
		w.worker = job.NewWorker(d, "test")
		w.worker.Handle(bulks.JobKind, pages.Bulks.Job)
		(&importing.Handler{Kit: k, Store: imports.NewStore(d, w.keys, root.Sealer(secret.LabelImport))}).Routes(r)
		(&bulk.Handler{Kit: k, Keys: w.keys, Bulks: pages.Bulks}).Routes(r)
		pages.Routes(r)
		rotation.New(pages, rotations.NewStore(d, w.keys)).Routes(r)
		(&handover.Handler{Kit: k, Store: w.links, Keys: pages, Orgs: org.NewStore(org.Options{DB: d, Outbox: outbox.New(root.Sealer(secret.LabelMail)), Link: k.Link})}).Routes(r)
	})
	w.dev, w.viewer, w.stranger = w.Person("dev@example.com", ""), w.Person("vic@example.com", ""), w.Person("sam@example.com", "")
	w.admin, w.sup = w.Person("root@example.com", "admin"), w.Person("sue@example.com", "support")
	w.devs, w.viewers, w.strangers, w.admins, w.support = w.As(w.dev), w.As(w.viewer), w.As(w.stranger), w.As(w.admin), w.As(w.sup)
	w.fill()
	return w
}

func (w *world) run(query string, args ...any) {
	w.t.Helper()
	if err := w.DB.Tx(bg, func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err }); err != nil {
		w.t.Fatal(err)
	}
}

// policy sets the installation's policy.
func (w *world) policy(days, most, keys int) error {
	r := policy.Rules{DefaultDays: &days, MaxDays: &most, NeverAllowed: new(false), KeysPerApp: &keys}
	return policy.NewStore(w.DB).Save(bg, webtest.ActorOf(w.admin), policy.Source{Kind: policy.Installation}, r)
}

// work has the jobs done that are due; it is always false, for use in a condition.
func (w *world) work() bool {
	w.t.Helper()
	if err := w.worker.Step(bg); err != nil {
		w.t.Fatal(err)
	}
	return false
}

func (w *world) fill() {
	now := w.Clock.Now()
	w.org = db.NewID()
	w.run("INSERT INTO organizations (id, kind, name, technical_email, created_at, updated_at) VALUES (?, 'ordinary', 'Northwind', 'ops@northwind.example', ?, ?)", w.org, now, now)
	w.run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'admin', ?), (?, ?, 'viewer', ?)", w.org, w.dev.ID, now, w.org, w.viewer.ID, now)
	w.app, w.bare = w.application("Northwind shop"), w.application("Warehouse")
	w.orders = w.api("orders", "Orders", "customer", false)
	w.portal = w.api("portal", "Portal", "", true)
	w.run("INSERT INTO api_environments (api_id, environment, base_url, example_method, example_path) VALUES (?, 'live', 'https://api.northwind.example', 'GET', '/v2/orders?limit=3'), (?, 'test', 'https://test.northwind.example', 'GET', '/v2/orders')", w.orders, w.orders)
	w.access(w.app, w.orders, w.scope(w.orders, "orders:read", "See orders and their lines"), w.scope(w.orders, "orders:write", "Create and cancel orders"))
	w.access(w.app, w.portal, w.scope(w.portal, "keys:verify", "Ask whether a key may do something now"))
}

func (w *world) application(name string) db.ID {
	id, now := db.NewID(), w.Clock.Now()
	w.run("INSERT INTO apps (id, organization_id, name, created_at, updated_at) VALUES (?, ?, ?, ?, ?)", id, w.org, name, now, now)
	return id
}

func (w *world) api(slug, name, domain string, portal bool) db.ID {
	id, now := db.NewID(), w.Clock.Now()
	w.run("INSERT INTO apis (id, slug, name, publisher_id, data_domain, is_portal, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", id, slug, name, w.org, domain, portal, now, now)
	w.run("INSERT INTO plans (id, api_id, name, rate_requests, rate_period_seconds, burst, needs_approval, created_at, updated_at) VALUES (?, ?, 'Standard', 100, 60, 100, FALSE, ?, ?)", db.NewID(), id, now, now)
	return id
}

func (w *world) scope(api db.ID, name, sentence string) db.ID {
	id := db.NewID()
	w.run("INSERT INTO scopes (id, api_id, name, sentence, created_at) VALUES (?, ?, ?, ?, ?)", id, api, name, sentence, w.Clock.Now())
	return id
}

func (w *world) access(app, api db.ID, scopes ...db.ID) {
	id, now := db.NewID(), w.Clock.Now()
	w.run("INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, created_at, updated_at) SELECT ?, ?, ?, p.id, 'approved', 'test', ?, ? FROM plans p WHERE p.api_id = ?", id, app, api, now, now, api)
	for _, s := range scopes {
		w.run("INSERT INTO access_scopes (access_id, scope_id) VALUES (?, ?)", id, s)
	}
}

// key makes a key of the developer's with orders:read, without the pages.
func (w *world) key(name string) keys.Made { w.t.Helper(); return w.keyWith(name, "orders:read") }

func (w *world) keyWith(name string, scopes ...string) keys.Made {
	w.t.Helper()
	who := webtest.ActorOf(w.dev)
	var pairs []keys.Pair
	for _, s := range scopes {
		pairs = append(pairs, keys.Pair{API: "orders", Scope: s})
	}
	made, err := w.keys.Create(bg, who, keys.CreateRequest{Token: w.keys.NewFormToken(who, keys.CreatePurpose()), AppID: w.app, Environment: "live", Name: name, Pairs: pairs})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

func show(r keys.Row) string { return r.ID.Show(keys.IDPrefix) }

var tokenField = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// tokenOf reads the form's token off a page.
func (w *world) tokenOf(p webtest.Page) string {
	w.t.Helper()
	m := tokenField.FindStringSubmatch(p.Body)
	if m == nil {
		w.t.Fatalf("no form token on the page: %d %s", p.Status, p.Body)
	}
	return m[1]
}

// newKeyForm is what a person sends who filled the form in.
func (w *world) newKeyForm(name string) url.Values {
	return url.Values{"form_token": {w.tokenOf(w.devs.Get("/console/keys/new?app=" + w.app.Show("app")))}, "app": {w.app.Show("app")}, "name": {name}, "environment": {"live"}, "grants": {"orders/orders:read"}, "expires": {"90"}}
}

func (w *world) state(id db.ID) keys.StateName {
	w.t.Helper()
	d, err := w.keys.GetAny(bg, webtest.ActorOf(w.admin), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return d.State(w.Clock.Now()).Name
}

func has(t *testing.T, p webtest.Page, status int, words ...string) {
	t.Helper()
	if p.Status != status {
		t.Errorf("status %d, want %d: %s", p.Status, status, p.Body)
	}
	for _, s := range words {
		if !strings.Contains(p.Body, s) {
			t.Errorf("the page does not say %q:\n%s", s, p.Body)
		}
	}
}
