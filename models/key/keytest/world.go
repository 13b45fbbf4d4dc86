// Package keytest lays out a small company with people of every role, an app and its keys, in a real database, for tests of what is built above
// package key.
package keytest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// Base is where the portal is, in mails.
const Base = "https://portal.example"

// Clock is a clock turned by hand.
type Clock interface {
	Now() time.Time
	Advance(d time.Duration)
	Set(t time.Time)
}

// World is that company. Its people read German in Berlin; the technical address is that of Ops.
type World struct {
	DB     *db.DB
	Clock  Clock
	Outbox *outbox.Outbox
	Keys   *key.Store
	Root   *secret.Root

	Org, App, API, Access, Scope                db.ID
	Owner, Admin, Developer, Other, Ops, Viewer actor.Actor
	Strangers                                   db.ID
	Stranger, Staff                             actor.Actor
	t                                           testing.TB
}

// New lays it out.
func New(t testing.TB, d *db.DB, clock Clock) *World {
	t.Helper()
	root, err := secret.Parse("kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi", "")
	if err != nil {
		t.Fatal(err)
	}
	w := &World{t: t, DB: d, Clock: clock, Root: root, Outbox: outbox.New(root.Sealer(secret.LabelMail))}
	w.Keys = key.NewStore(key.Options{DB: d, Outbox: w.Outbox, Root: root, Brand: "gk", Link: func(p string) string { return Base + p }})
	w.Org, w.Strangers = w.organization("Northwind", "ops@northwind.example"), w.organization("Strangers", "")
	w.Owner, w.Admin, w.Developer, w.Other = w.Person("olga", "owner"), w.Person("ada", "admin"), w.Person("dev", "developer"), w.Person("oth", "developer")
	w.Ops, w.Viewer, w.Staff, w.Stranger = w.Person("ops", "viewer"), w.Person("vic", "viewer"), w.Person("root", ""), w.Person("sam", "")
	w.Staff.StaffRole = "admin"
	w.Join(w.Strangers, w.Stranger, "owner")
	w.catalogue()
	return w
}

func (w *World) catalogue() {
	now := w.Clock.Now()
	w.App, w.API, w.Access, w.Scope = db.NewID(), db.NewID(), db.NewID(), db.NewID()
	company := w.organization("Company", "")
	w.Run("UPDATE organizations SET kind = 'company' WHERE id = ?", company)
	w.Run("INSERT INTO apps (id, organization_id, name, created_at, updated_at) VALUES (?, ?, 'Shop', ?, ?)", w.App, w.Org, now, now)
	w.Run("INSERT INTO apis (id, slug, name, publisher_id, data_domain, is_portal, created_at, updated_at) VALUES (?, 'orders', 'Orders', ?, 'customer', FALSE, ?, ?)", w.API, company, now, now)
	w.Run("INSERT INTO api_versions (id, api_id, name, state, created_at, updated_at) VALUES (?, ?, 'v1', 'live', ?, ?)", db.NewID(), w.API, now, now)
	plan := db.NewID()
	w.Run("INSERT INTO plans (id, api_id, name, rate_requests, rate_period_seconds, burst, needs_approval, created_at, updated_at) VALUES (?, ?, 'Standard', 100, 60, 100, FALSE, ?, ?)", plan, w.API, now, now)
	w.Run("INSERT INTO scopes (id, api_id, name, sentence, created_at) VALUES (?, ?, 'orders:read', 'See orders', ?)", w.Scope, w.API, now)
	w.Run("INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, created_at, updated_at) VALUES (?, ?, ?, ?, 'approved', 'test', ?, ?)", w.Access, w.App, w.API, plan, now, now)
	w.Run("INSERT INTO access_scopes (access_id, scope_id) VALUES (?, ?)", w.Access, w.Scope)
}

// Run executes one statement.
func (w *World) Run(query string, args ...any) {
	w.t.Helper()
	if err := w.DB.Tx(context.Background(), func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *World) organization(name, technical string) db.ID {
	id, now := db.NewID(), w.Clock.Now()
	w.Run("INSERT INTO organizations (id, kind, name, technical_email, created_at, updated_at) VALUES (?, 'ordinary', ?, ?, ?, ?)", id, name, technical, now, now)
	return id
}

// Person adds a user with a verified address, and makes them a member of Org unless role is empty.
func (w *World) Person(name, role string) actor.Actor {
	w.t.Helper()
	id, now := db.NewID(), w.Clock.Now()
	w.Run("INSERT INTO users (id, email, name, display_name, language, time_zone, email_verified_at, approved_at, created_at, updated_at) VALUES (?, ?, ?, ?, 'de', 'Europe/Berlin', ?, ?, ?, ?)",
		id, name+"@northwind.example", name, name, now, now, now, now)
	a := actor.Actor{Kind: actor.User, UserID: id, Name: name, RequestID: "req_test"}
	if role != "" {
		w.Join(w.Org, a, role)
	}
	return a
}

// Join makes somebody a member.
func (w *World) Join(org db.ID, a actor.Actor, role string) {
	w.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", org, a.UserID, role, w.Clock.Now())
}

// Leave makes somebody leave Org.
func (w *World) Leave(a actor.Actor) {
	w.Run("DELETE FROM members WHERE organization_id = ? AND user_id = ?", w.Org, a.UserID)
}

// Make makes a key of App that lives for days.
func (w *World) Make(a actor.Actor, name string, days int) key.Made {
	w.t.Helper()
	made, err := w.Keys.Create(context.Background(), a, key.CreateRequest{
		Token: w.Keys.NewFormToken(a, key.CreatePurpose()), AppID: w.App, Environment: "live", Name: name,
		Pairs: []key.Pair{{API: "orders", Scope: "orders:read"}}, Expiry: key.Expiry{Days: days},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// Rotate rotates a key.
func (w *World) Rotate(a actor.Actor, id db.ID, overlapDays int) key.Made {
	w.t.Helper()
	made, err := w.Keys.Rotate(context.Background(), a, id, key.RotateRequest{Token: w.Keys.NewFormToken(a, key.RotatePurpose(id)), OverlapDays: overlapDays, Expiry: key.Expiry{Days: 90}})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// Use records that a key was used now, from a network.
func (w *World) Use(id db.ID, network string) {
	w.t.Helper()
	at := w.Clock.Now()
	err := w.DB.Tx(context.Background(), func(tx *db.Tx) error {
		return key.RecordUse(tx, []key.Use{{KeyID: id, At: at, Networks: []key.NetworkAt{{Network: network, At: at}}}})
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// Count counts calls with a key at the present minute and hour, answered with code.
func (w *World) Count(id db.ID, code string, calls int) {
	w.t.Helper()
	now := w.Clock.Now()
	w.Run(`INSERT INTO usage_series (key_id, app_id, organization_id, api_id, environment, route_template, code) VALUES (?, ?, ?, ?, 'live', '', ?)
		ON CONFLICT (key_id, api_id, environment, route_template, code) DO NOTHING`, id, w.App, w.Org, w.API, code)
	var series int64
	if err := w.DB.Read(context.Background()).Raw("SELECT id FROM usage_series WHERE key_id = ? AND code = ?", id, code).Row().Scan(&series); err != nil {
		w.t.Fatal(err)
	}
	w.Run("INSERT INTO usage_minutes (series_id, at, calls) VALUES (?, ?, ?) ON CONFLICT (series_id, at) DO UPDATE SET calls = usage_minutes.calls + excluded.calls", series, now.Truncate(time.Minute), calls)
	w.Run("INSERT INTO usage_hours (series_id, at, calls) VALUES (?, ?, ?) ON CONFLICT (series_id, at) DO UPDATE SET calls = usage_hours.calls + excluded.calls", series, now.Truncate(time.Hour), calls)
}

// Row reads a key.
func (w *World) Row(id db.ID) key.Row {
	w.t.Helper()
	d, err := w.Keys.GetAny(context.Background(), w.Staff, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return d.Row
}

// State is what a key is now.
func (w *World) State(id db.ID) key.StateName {
	w.t.Helper()
	return w.Row(id).State(w.Clock.Now()).Name
}

// Changes counts the rows by which verification was told that a key changed.
func (w *World) Changes(id db.ID) int {
	w.t.Helper()
	var n int
	if err := w.DB.Read(context.Background()).Raw("SELECT COUNT(*) FROM changes WHERE subject_id = ?", id).Row().Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// Acts lists the acts on a key, oldest first.
func (w *World) Acts(id db.ID) []string {
	w.t.Helper()
	var acts []string
	if err := w.DB.Read(context.Background()).Raw("SELECT act FROM audit_events WHERE target_id = ? ORDER BY seq", id).Scan(&acts).Error; err != nil {
		w.t.Fatal(err)
	}
	return acts
}

// Mails opens every mail in the order of its making and then of recipients, and empties the outbox.
func (w *World) Mails() []outbox.Letter {
	w.t.Helper()
	var ids []db.ID
	if err := w.DB.Read(context.Background()).Raw("SELECT id FROM mails ORDER BY created_at, recipient, id").Scan(&ids).Error; err != nil {
		w.t.Fatal(err)
	}
	var out []outbox.Letter
	for _, id := range ids {
		_, l, err := w.Outbox.Read(context.Background(), w.DB, id)
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, l)
	}
	w.Run("DELETE FROM mails")
	return out
}

// Names says of letters whom they went to, and their kind: "dev key_expires".
func Names(letters []outbox.Letter) []string {
	var out []string
	for _, l := range letters {
		name, _, _ := strings.Cut(l.To, "@")
		out = append(out, name+" "+l.Kind)
	}
	return out
}

// Words is all that a letter says, untranslated.
func Words(l outbox.Letter) string {
	var b strings.Builder
	for _, line := range append(append([]outbox.Line{l.Subject}, l.Lines...), l.After...) {
		b.WriteString(line.Key + " " + strings.Join(line.Args, " | ") + "\n")
	}
	return b.String()
}
