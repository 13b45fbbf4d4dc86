package key_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// world is a small company: people of every role, an organization with an app that may use three APIs, and one of strangers.
type world struct {
	t     *testing.T
	db    *db.DB
	clock *dbtest.Clock
	root  *secret.Root
	keys  *key.Store

	company, org, foreignOrg                                         db.ID
	app, bare, foreignApp                                            db.ID
	orders, people, portal                                           db.ID
	ordersAccess                                                     db.ID
	ordersRead                                                       db.ID
	owner, admin, developer, other, viewer, stranger, staff, support actor.Actor
}

var (
	readOrders  = key.Pair{API: "orders", Scope: "orders:read"}
	writeOrders = key.Pair{API: "orders", Scope: "orders:write"}
	readPeople  = key.Pair{API: "people", Scope: "people:read"}
	verifyKeys  = key.Pair{API: "portal", Scope: "keys:verify"}
)

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	root, err := secret.Parse("kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi", "")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: d, clock: clock, root: root}
	w.keys = key.NewStore(key.Options{DB: d, Outbox: outbox.New(root.Sealer(secret.LabelMail)), Root: root, Brand: "gk", Link: func(p string) string { return "https://portal.example" + p }})
	w.crowd()
	w.catalogue()
	return w
}

func (w *world) crowd() {
	w.company, w.org, w.foreignOrg = w.organization("Company", "company", ""), w.organization("Northwind", "ordinary", "ops@northwind.example"), w.organization("Strangers", "ordinary", "")
	w.owner, w.admin, w.developer, w.other = w.user("olga", ""), w.user("ada", ""), w.user("dev", ""), w.user("oth", "")
	w.viewer, w.stranger, w.staff, w.support = w.user("vic", ""), w.user("sam", ""), w.user("root", "admin"), w.user("sue", "support")
	for role, who := range map[string]actor.Actor{"owner": w.owner, "admin": w.admin, "viewer": w.viewer} {
		w.member(w.org, who, role)
	}
	w.member(w.org, w.developer, "developer")
	w.member(w.org, w.user("ops", ""), "viewer")
	w.member(w.org, w.other, "developer")
	w.member(w.foreignOrg, w.stranger, "owner")
	w.app, w.bare, w.foreignApp = w.application(w.org, "Shop"), w.application(w.org, "Bare"), w.application(w.foreignOrg, "Theirs")
}

func (w *world) catalogue() {
	w.orders, w.people, w.portal = w.api("orders", "Orders", "customer", false), w.api("people", "People", "employee", false), w.api("portal", "Portal", "", true)
	w.ordersRead = w.scope(w.orders, "orders:read")
	w.ordersAccess = w.access(w.app, w.orders, w.ordersRead, w.scope(w.orders, "orders:write"))
	w.access(w.app, w.people, w.scope(w.people, "people:read"))
	w.access(w.app, w.portal, w.scope(w.portal, "keys:verify"))
}

func (w *world) run(query string, args ...any) {
	w.t.Helper()
	if err := w.db.Tx(context.Background(), func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) organization(name, kind, technical string) db.ID {
	id := db.NewID()
	w.run("INSERT INTO organizations (id, kind, name, technical_email, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)", id, kind, name, technical, w.clock.Now(), w.clock.Now())
	return id
}

func (w *world) user(name, staffRole string) actor.Actor {
	id, now := db.NewID(), w.clock.Now()
	w.run("INSERT INTO users (id, email, name, display_name, language, time_zone, staff_role, email_verified_at, approved_at, created_at, updated_at) VALUES (?, ?, ?, ?, 'de', 'Europe/Berlin', ?, ?, ?, ?, ?)",
		id, name+"@northwind.example", name, name, staffRole, now, now, now, now)
	return actor.Actor{Kind: actor.User, UserID: id, StaffRole: staffRole, Name: name, RequestID: "req_test"}
}

func (w *world) member(org db.ID, who actor.Actor, role string) {
	w.run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", org, who.UserID, role, w.clock.Now())
}

func (w *world) application(org db.ID, name string) db.ID {
	id := db.NewID()
	w.run("INSERT INTO apps (id, organization_id, name, created_at, updated_at) VALUES (?, ?, ?, ?, ?)", id, org, name, w.clock.Now(), w.clock.Now())
	return id
}

func (w *world) api(slug, name, domain string, portal bool) db.ID {
	id, now := db.NewID(), w.clock.Now()
	w.run("INSERT INTO apis (id, slug, name, publisher_id, data_domain, is_portal, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", id, slug, name, w.company, domain, portal, now, now)
	w.run("INSERT INTO api_versions (id, api_id, name, state, created_at, updated_at) VALUES (?, ?, 'v1', 'live', ?, ?)", db.NewID(), id, now, now)
	w.run("INSERT INTO plans (id, api_id, name, rate_requests, rate_period_seconds, burst, needs_approval, created_at, updated_at) VALUES (?, ?, 'Standard', 100, 60, 100, FALSE, ?, ?)", db.NewID(), id, now, now)
	return id
}

func (w *world) scope(api db.ID, name string) db.ID {
	id := db.NewID()
	w.run("INSERT INTO scopes (id, api_id, name, sentence, created_at) VALUES (?, ?, ?, ?, ?)", id, api, name, "May "+name, w.clock.Now())
	return id
}

func (w *world) access(app, api db.ID, scopes ...db.ID) db.ID {
	id, now := db.NewID(), w.clock.Now()
	w.run("INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, created_at, updated_at) SELECT ?, ?, ?, p.id, 'approved', 'test', ?, ? FROM plans p WHERE p.api_id = ?", id, app, api, now, now, api)
	for _, s := range scopes {
		w.run("INSERT INTO access_scopes (access_id, scope_id) VALUES (?, ?)", id, s)
	}
	return id
}

// policy sets the installation's policy.
func (w *world) policy(days, most int, never bool, keys int) error {
	r := policy.Rules{DefaultDays: &days, MaxDays: &most, NeverAllowed: &never, KeysPerApp: &keys}
	return policy.NewStore(w.db).Save(context.Background(), w.staff, policy.Source{Kind: policy.Installation}, r)
}

// make creates a key as who, with orders:read unless pairs say otherwise.
func (w *world) make(who actor.Actor, name string, pairs ...key.Pair) key.Made {
	w.t.Helper()
	if len(pairs) == 0 {
		pairs = []key.Pair{readOrders}
	}
	made, err := w.keys.Create(context.Background(), who, key.CreateRequest{Token: w.token(who), AppID: w.app, Environment: "live", Name: name, Pairs: pairs})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

func (w *world) token(who actor.Actor) string { return w.keys.NewFormToken(who, key.CreatePurpose()) }

// acts lists the acts of the audit log since it had n events.
func (w *world) acts(after int) []string {
	w.t.Helper()
	var acts []string
	if err := w.db.Read(context.Background()).Raw("SELECT act FROM audit_events WHERE seq > ? ORDER BY seq", after).Scan(&acts).Error; err != nil {
		w.t.Fatal(err)
	}
	return acts
}

func (w *world) events() int {
	w.t.Helper()
	var n int
	if err := w.db.Read(context.Background()).Raw("SELECT seq FROM audit_head").Scan(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}

// mails lists recipient and subject key of every mail, by recipient.
func (w *world) mails() []string {
	w.t.Helper()
	var rows []struct{ Recipient, Kind string }
	if err := w.db.Read(context.Background()).Raw("SELECT recipient, kind FROM mails ORDER BY created_at, recipient, kind").Scan(&rows).Error; err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		name, _, _ := strings.Cut(r.Recipient, "@")
		out = append(out, name+" "+r.Kind)
	}
	return out
}

func (w *world) state(id db.ID) key.StateName {
	w.t.Helper()
	d, err := w.keys.GetAny(context.Background(), w.staff, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return d.State(w.clock.Now()).Name
}

const day = 24 * time.Hour
