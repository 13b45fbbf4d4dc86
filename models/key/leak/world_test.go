package leak_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

var bg = context.Background()

// world is an organization with an app that may use one API, people of every role in it, a stranger, and staff.
type world struct {
	*testing.T
	db    *db.DB
	clock *dbtest.Clock
	keys  *key.Store
	leaks *leak.Store

	org, app                                                  db.ID
	owner, admin, developer, viewer, stranger, staff, support actor.Actor
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	root, err := secret.Parse("kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi", "")
	if err != nil {
		t.Fatal(err)
	}
	box, link := outbox.New(root.Sealer(secret.LabelMail)), func(p string) string { return "https://portal.example" + p }
	w := &world{T: t, db: d, clock: clock}
	w.keys = key.NewStore(key.Options{DB: d, Outbox: box, Root: root, Brand: "gk", Link: link})
	w.leaks = leak.NewStore(leak.Options{DB: d, Keys: w.keys, Outbox: box, Root: root, Brand: "gk", Link: link})
	w.owner, w.admin, w.developer, w.viewer = w.user("olga", ""), w.user("ada", ""), w.user("dev", ""), w.user("vic", "")
	w.stranger, w.staff, w.support = w.user("sam", ""), w.user("root", "admin"), w.user("sue", "support")
	now := clock.Now()
	w.org, w.app = db.NewID(), db.NewID()
	foreign, company, api := db.NewID(), db.NewID(), db.NewID()
	w.run("INSERT INTO organizations (id, kind, name, technical_email, created_at, updated_at) VALUES (?, 'ordinary', 'Northwind', 'vic@northwind.example', ?, ?), (?, 'ordinary', 'Strangers', '', ?, ?), (?, 'company', 'Company', '', ?, ?)",
		w.org, now, now, foreign, now, now, company, now, now)
	for role, who := range map[string]actor.Actor{"owner": w.owner, "admin": w.admin, "developer": w.developer, "viewer": w.viewer} {
		w.run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", w.org, who.UserID, role, now)
	}
	w.run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'owner', ?)", foreign, w.stranger.UserID, now)
	w.run("INSERT INTO apps (id, organization_id, name, created_at, updated_at) VALUES (?, ?, 'Shop', ?, ?)", w.app, w.org, now, now)
	w.run("INSERT INTO apis (id, slug, name, publisher_id, data_domain, is_portal, created_at, updated_at) VALUES (?, 'orders', 'Orders', ?, 'customer', FALSE, ?, ?)", api, company, now, now)
	w.run("INSERT INTO api_versions (id, api_id, name, state, created_at, updated_at) VALUES (?, ?, 'v1', 'live', ?, ?)", db.NewID(), api, now, now)
	plan, scope, access := db.NewID(), db.NewID(), db.NewID()
	w.run("INSERT INTO plans (id, api_id, name, rate_requests, rate_period_seconds, burst, needs_approval, created_at, updated_at) VALUES (?, ?, 'Standard', 100, 60, 100, FALSE, ?, ?)", plan, api, now, now)
	w.run("INSERT INTO scopes (id, api_id, name, sentence, created_at) VALUES (?, ?, 'orders:read', 'See orders', ?)", scope, api, now)
	w.run("INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, created_at, updated_at) VALUES (?, ?, ?, ?, 'approved', 'test', ?, ?)", access, w.app, api, plan, now, now)
	w.run("INSERT INTO access_scopes (access_id, scope_id) VALUES (?, ?)", access, scope)
	return w
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) run(query string, args ...any) {
	w.Helper()
	w.ok(w.db.Tx(bg, func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err }))
}

func (w *world) user(name, staffRole string) actor.Actor {
	id, now := db.NewID(), w.clock.Now()
	w.run("INSERT INTO users (id, email, name, display_name, language, time_zone, staff_role, email_verified_at, approved_at, created_at, updated_at) VALUES (?, ?, ?, ?, 'en', 'UTC', ?, ?, ?, ?, ?)",
		id, name+"@northwind.example", name, name, staffRole, now, now, now, now)
	return actor.Actor{Kind: actor.User, UserID: id, StaffRole: staffRole, Name: name, RequestID: "req_test"}
}

// make creates a key of the developer's.
func (w *world) make(name, environment string) key.Made {
	w.Helper()
	made, err := w.keys.Create(bg, w.developer, key.CreateRequest{
		Token: w.keys.NewFormToken(w.developer, key.CreatePurpose()), AppID: w.app, Environment: environment, Name: name, Pairs: []key.Pair{{API: "orders", Scope: "orders:read"}},
	})
	w.ok(err)
	return made
}

// invented is a key that this portal never made, but could have.
func (w *world) invented() string {
	w.Helper()
	s, err := apikey.Mint("gk", apikey.Live, rand.Reader)
	w.ok(err)
	return s.Reveal()
}

// handIn hands in keys and does what waits.
func (w *world) handIn(texts ...string) {
	w.Helper()
	_, err := w.leaks.HandIn(bg, actor.Actor{}, leak.Handed{Source: leak.Page, Texts: texts, Place: "a public wiki"})
	w.ok(err)
	w.work()
}

// report hands in a key that was found somewhere.
func (w *world) report(text, place string) {
	w.Helper()
	_, err := w.leaks.HandIn(bg, actor.Actor{}, leak.Handed{Source: leak.Page, Texts: []string{text}, Place: place})
	w.ok(err)
	w.work()
}

// work does the jobs that wait.
func (w *world) work() {
	w.Helper()
	var jobs []string
	w.ok(w.db.Read(bg).Raw("SELECT payload FROM jobs WHERE kind = ? AND finished_at IS NULL ORDER BY created_at, id", leak.JobKind).Scan(&jobs).Error)
	for _, j := range jobs {
		w.ok(w.leaks.Job(bg, json.RawMessage(j)))
	}
	w.run("UPDATE jobs SET finished_at = ?", w.clock.Now())
}

func (w *world) state(id db.ID) key.StateName {
	w.Helper()
	d, err := w.keys.GetAny(bg, w.staff, id)
	w.ok(err)
	return d.State(w.clock.Now()).Name
}

func (w *world) incident(id db.ID) leak.Detail {
	w.Helper()
	d, err := w.leaks.OfKey(bg, w.developer, id)
	w.ok(err)
	return d
}

// mails lists whom each mail of a kind is for.
func (w *world) mails(kind string) string {
	w.Helper()
	var to []string
	w.ok(w.db.Read(bg).Raw("SELECT recipient FROM mails WHERE kind = ?", kind).Scan(&to).Error)
	for i := range to {
		to[i], _, _ = strings.Cut(to[i], "@")
	}
	slices.Sort(to)
	return strings.Join(to, " ")
}

// acts counts the events of an act.
func (w *world) acts(act string) int {
	w.Helper()
	var n int
	w.ok(w.db.Read(bg).Raw("SELECT COUNT(*) FROM audit_events WHERE act = ?", act).Scan(&n).Error)
	return n
}

// dump is all that the database holds, but for binary columns in their text form.
func (w *world) dump() string {
	w.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if w.db.Dialect == db.Postgres {
		query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	}
	var names []string
	w.ok(w.db.Read(bg).Raw(query).Scan(&names).Error)
	var all strings.Builder
	for _, name := range names {
		var rows []map[string]any
		w.ok(w.db.Read(bg).Raw("SELECT * FROM " + name).Scan(&rows).Error)
		for _, row := range rows {
			for _, value := range row {
				if b, ok := value.([]byte); ok {
					value = string(b)
				}
				fmt.Fprintln(&all, value)
			}
		}
	}
	return all.String()
}
