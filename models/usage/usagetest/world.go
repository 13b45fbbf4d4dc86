// Package usagetest lays out a small company in a real database for tests of verification and usage: a publisher with two APIs, its gateway,
// and a customer whose app may use them.
package usagetest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// Secret is what its keys are digested with: GATEHOUSE_SECRET of a program over the database.
const Secret = "kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi" //nolint:gosec // of tests alone

// World is that company. IDs are of rows that exist.
type World struct {
	DB   *db.DB
	Root *secret.Root

	Company, Publisher, Org                         db.ID // Org is Person's personal organization
	Person, Stranger, Staff                         actor.Actor
	App, GatewayApp                                 db.ID
	Portal, Orders, People                          db.ID
	OrdersVersion, OrdersPlan, OrdersAccess         db.ID
	OrdersRead, OrdersWrite, PeopleRead, KeysVerify db.ID
	Gateway                                         string // text of a key with keys:verify of the publisher
	Digester                                        *apikey.Digester
	t                                               testing.TB
}

// New lays it out.
func New(t testing.TB, d *db.DB) *World {
	t.Helper()
	root, err := secret.Parse(Secret, "")
	if err != nil {
		t.Fatal(err)
	}
	w := &World{DB: d, Root: root, t: t, Digester: apikey.NewDigester(apikey.Pepper{Version: root.Version(), Key: root.Key(secret.LabelKeyPepper)})}
	w.Company, w.Publisher = w.organization("Company", "company", db.ID{}), w.organization("Publisher", "ordinary", db.ID{})
	w.Person, w.Stranger, w.Staff = w.AddPerson("mira", ""), w.AddPerson("sam", ""), w.AddPerson("root", "admin")
	w.Org = w.organization("Northwind", "personal", w.Person.UserID)
	w.member(w.Org, w.Person)
	w.member(w.organization("Strangers", "personal", w.Stranger.UserID), w.Stranger)
	w.App, w.GatewayApp = w.AddApp(w.Org, "Northwind shop"), w.AddApp(w.Publisher, "Gateway")
	w.Portal, _, _ = w.api("portal", "Portal", "", w.Company, true)
	w.Orders, w.OrdersVersion, w.OrdersPlan = w.api("orders", "Orders", "customer", w.Publisher, false)
	w.People, _, _ = w.api("people", "People", "employee", w.Publisher, false)
	w.KeysVerify, w.PeopleRead = w.scope(w.Portal, "keys:verify"), w.scope(w.People, "people:read")
	w.OrdersRead, w.OrdersWrite = w.scope(w.Orders, "orders:read"), w.scope(w.Orders, "orders:write")
	w.rule("GET", "/v2/orders", w.OrdersRead)
	w.rule("GET", "/v2/orders/{id}", w.OrdersRead)
	w.rule("POST", "/v2/orders", w.OrdersWrite)
	w.AddAccess(w.GatewayApp, w.Portal, w.KeysVerify)
	w.OrdersAccess = w.AddAccess(w.App, w.Orders, w.OrdersRead, w.OrdersWrite)
	_, w.Gateway = w.AddKey(w.GatewayApp, "Gateway", w.Portal, w.KeysVerify)
	return w
}

// Run executes one statement.
func (w *World) Run(query string, args ...any) {
	w.t.Helper()
	if err := w.DB.Tx(context.Background(), func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *World) organization(name, kind string, person db.ID) db.ID {
	id, now := db.NewID(), w.DB.Now()
	w.Run("INSERT INTO organizations (id, kind, personal_user_id, name, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)", id, kind, person.Ref(), name, now, now)
	return id
}

// AddPerson adds a user; staffRole is "" for outsiders.
func (w *World) AddPerson(name, staffRole string) actor.Actor {
	id, now := db.NewID(), w.DB.Now()
	w.Run("INSERT INTO users (id, email, name, display_name, staff_role, email_verified_at, approved_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		id, name+"@example.com", name, name, staffRole, now, now, now, now)
	return actor.Actor{Kind: actor.User, UserID: id, StaffRole: staffRole, Name: name, RequestID: "req_test"}
}

func (w *World) member(org db.ID, who actor.Actor) {
	w.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'owner', ?)", org, who.UserID, w.DB.Now())
}

// AddApp adds an app.
func (w *World) AddApp(org db.ID, name string) db.ID {
	id, now := db.NewID(), w.DB.Now()
	w.Run("INSERT INTO apps (id, organization_id, name, created_at, updated_at) VALUES (?, ?, ?, ?, ?)", id, org, name, now, now)
	return id
}

func (w *World) api(slug, name, domain string, publisher db.ID, portal bool) (id, version, plan db.ID) {
	now := w.DB.Now()
	id, version, plan = db.NewID(), db.NewID(), db.NewID()
	w.Run("INSERT INTO apis (id, slug, name, publisher_id, data_domain, is_portal, refuses_undeclared, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", id, slug, name, publisher, domain, portal, slug == "orders", now, now)
	w.Run("INSERT INTO api_versions (id, api_id, name, state, created_at, updated_at) VALUES (?, ?, 'v2', 'live', ?, ?)", version, id, now, now)
	w.Run("INSERT INTO plans (id, api_id, name, rate_requests, rate_period_seconds, burst, needs_approval, created_at, updated_at) VALUES (?, ?, 'Standard', 100000, 1, 100000, FALSE, ?, ?)", plan, id, now, now)
	return id, version, plan
}

func (w *World) scope(api db.ID, name string) db.ID {
	id := db.NewID()
	w.Run("INSERT INTO scopes (id, api_id, name, sentence, created_at) VALUES (?, ?, ?, ?, ?)", id, api, name, "May "+name, w.DB.Now())
	return id
}

func (w *World) rule(method, template string, scope db.ID) {
	w.Run("INSERT INTO route_rules (id, api_id, version_id, method, path_template, scope_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)", db.NewID(), w.Orders, w.OrdersVersion, method, template, scope, w.DB.Now())
}

// AddAccess grants an app access to an API with scopes.
func (w *World) AddAccess(app, api db.ID, scopes ...db.ID) db.ID {
	id, now := db.NewID(), w.DB.Now()
	w.Run("INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, created_at, updated_at) SELECT ?, ?, ?, p.id, 'approved', 'test', ?, ? FROM plans p WHERE p.api_id = ?", id, app, api, now, now, api)
	for _, s := range scopes {
		w.Run("INSERT INTO access_scopes (access_id, scope_id) VALUES (?, ?)", id, s)
	}
	return id
}

// AddKey adds a live key and returns its text.
func (w *World) AddKey(app db.ID, name string, api db.ID, scopes ...db.ID) (db.ID, string) {
	w.t.Helper()
	text, err := apikey.Mint("gk", apikey.Live, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	id, now, digest := db.NewID(), w.DB.Now(), w.Digester.Sum(text.Reveal())
	w.Run(`INSERT INTO keys (id, app_id, environment, name, data_domain, prefix, last_four, digest_algorithm, pepper_version, digest, created_at, updated_at)
		SELECT ?, ?, 'live', ?, p.data_domain, 'gk_live_', ?, 'hmac-sha256', ?, ?, ?, ? FROM apis p WHERE p.id = ?`,
		id, app, name, text.Reveal()[len(text.Reveal())-4:], w.Digester.Version(), digest[:], now, now, api)
	for _, s := range scopes {
		w.Run("INSERT INTO key_grants (key_id, api_id, scope_id) VALUES (?, ?, ?)", id, api, s)
	}
	return id, text.Reveal()
}

// Ring returns a Ring over the database as another process would have one: it hears of changes by Poll alone.
func (w *World) Ring() *keyring.Ring {
	w.t.Helper()
	ring := keyring.NewRing(key.NewLoader(w.DB, w.Root.Versions()), keyring.Options{TTL: keyring.DefaultTTL, Now: w.DB.Clock})
	if err := ring.Poll(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	return ring
}

// OwnRing is Ring with the hook of this process: a change holds before whoever made it is answered (K8).
func (w *World) OwnRing() *keyring.Ring {
	ring := w.Ring()
	w.DB.OnCommit(func(changes []db.Change) { ring.Apply(key.RingChanges(changes)...) })
	return ring
}

// Facts are those of the key with that text.
func (w *World) Facts(ring *keyring.Ring, text string) *keyring.Facts {
	w.t.Helper()
	f, err := ring.Lookup(context.Background(), w.DB.Now(), keyring.Digest(w.Digester.Sum(text)))
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// API is that of the slug.
func (w *World) API(ring *keyring.Ring, slug string) *keyring.API {
	w.t.Helper()
	c, err := ring.Catalogue(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return c.BySlug(slug)
}

// Seed writes n verifications of a series at a time, into all tables, as flushes would have.
func (w *World) Seed(keyID, app, org, api db.ID, template, code string, at time.Time, n int64) {
	w.t.Helper()
	err := w.DB.Tx(context.Background(), func(tx *db.Tx) error {
		var id int64
		err := tx.Raw(`INSERT INTO usage_series (key_id, app_id, organization_id, api_id, environment, route_template, code) VALUES (?, ?, ?, ?, 'live', ?, ?)
			ON CONFLICT (key_id, api_id, environment, route_template, code) DO UPDATE SET app_id = excluded.app_id RETURNING id`, keyID, app, org, api, template, code).Row().Scan(&id)
		if err != nil {
			return err
		}
		for _, s := range []struct {
			insert string
			step   time.Duration
		}{
			{"INSERT INTO usage_minutes (series_id, at, calls) VALUES (?, ?, ?) ON CONFLICT (series_id, at) DO UPDATE SET calls = usage_minutes.calls + excluded.calls", time.Minute},
			{"INSERT INTO usage_hours (series_id, at, calls) VALUES (?, ?, ?) ON CONFLICT (series_id, at) DO UPDATE SET calls = usage_hours.calls + excluded.calls", time.Hour},
			{"INSERT INTO usage_days (series_id, at, calls) VALUES (?, ?, ?) ON CONFLICT (series_id, at) DO UPDATE SET calls = usage_days.calls + excluded.calls", 24 * time.Hour},
		} {
			if _, err := tx.Run(s.insert, id, at.UTC().Truncate(s.step), n); err != nil {
				return err
			}
		}
		for _, total := range []struct {
			insert string
			step   time.Duration
		}{
			{"INSERT INTO usage_api_hours (at, api_id, environment, code, calls) VALUES (?, ?, 'live', ?, ?) ON CONFLICT (at, api_id, environment, code) DO UPDATE SET calls = usage_api_hours.calls + excluded.calls", time.Hour},
			{"INSERT INTO usage_api_days (at, api_id, environment, code, calls) VALUES (?, ?, 'live', ?, ?) ON CONFLICT (at, api_id, environment, code) DO UPDATE SET calls = usage_api_days.calls + excluded.calls", 24 * time.Hour},
		} {
			if _, err := tx.Run(total.insert, at.UTC().Truncate(total.step), api, code, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
