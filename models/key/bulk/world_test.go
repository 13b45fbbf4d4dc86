package bulk_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/job"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/bulk"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

var bg = context.Background()

// world is two organizations with an app each, their people, and staff.
type world struct {
	t              *testing.T
	db             *db.DB
	clock          *dbtest.Clock
	keys           *key.Store
	bulks          *bulk.Store
	worker         *job.Worker
	north, south   db.ID // apps
	ada, dev, sam  actor.Actor
	staff, support actor.Actor
	northOrg       db.ID
	madeKeys       int
}

func newWorld(t *testing.T, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	root, err := secret.Parse("kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi", "")
	if err != nil {
		t.Fatal(err)
	}
	link := func(p string) string { return "https://portal.example" + p }
	box := outbox.New(root.Sealer(secret.LabelMail))
	w := &world{t: t, db: d, clock: clock, keys: key.NewStore(key.Options{DB: d, Outbox: box, Root: root, Brand: "gk", Link: link})}
	w.bulks = bulk.NewStore(bulk.Options{DB: d, Keys: w.keys, Outbox: box, Link: link})
	w.worker = job.NewWorker(d, "one")
	w.worker.HandleUrgent(bulk.JobKind, w.bulks.Job)
	w.ada, w.dev, w.sam = w.user("ada", ""), w.user("dev", ""), w.user("sam", "")
	w.staff, w.support = w.user("root", "admin"), w.user("sue", "support")
	w.northOrg, w.north = w.organization("Northwind", "ops@northwind.example", map[string]actor.Actor{"admin": w.ada, "developer": w.dev})
	w.run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'viewer', ?)", w.northOrg, w.user("ops", "").UserID, clock.Now())
	_, w.south = w.organization("Southwind", "", map[string]actor.Actor{"owner": w.sam})
	return w
}

func (w *world) run(query string, args ...any) {
	w.t.Helper()
	if err := w.db.Tx(bg, func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) user(name, staffRole string) actor.Actor {
	id, now := db.NewID(), w.clock.Now()
	w.run("INSERT INTO users (id, email, name, display_name, language, time_zone, staff_role, email_verified_at, approved_at, created_at, updated_at) VALUES (?, ?, ?, ?, 'de', 'Europe/Berlin', ?, ?, ?, ?, ?)",
		id, name+"@northwind.example", name, name, staffRole, now, now, now, now)
	return actor.Actor{Kind: actor.User, UserID: id, StaffRole: staffRole, Name: name}
}

func (w *world) organization(name, technical string, members map[string]actor.Actor) (org, app db.ID) {
	org, app = db.NewID(), db.NewID()
	now := w.clock.Now()
	w.run("INSERT INTO organizations (id, kind, name, technical_email, created_at, updated_at) VALUES (?, 'ordinary', ?, ?, ?, ?)", org, name, technical, now, now)
	for role, who := range members {
		w.run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", org, who.UserID, role, now)
	}
	w.run("INSERT INTO apps (id, organization_id, name, created_at, updated_at) VALUES (?, ?, ?, ?, ?)", app, org, name+" shop", now, now)
	return org, app
}

// make makes n keys of an app by a person, named by the word and a number.
func (w *world) make(app db.ID, by actor.Actor, word string, n int) []db.ID {
	w.t.Helper()
	var ids []db.ID
	now := w.clock.Now()
	for rest := n; rest > 0; {
		some := min(rest, 200)
		var args []any
		for range some {
			id := db.NewID()
			ids = append(ids, id)
			w.madeKeys++
			args = append(args, id, app, fmt.Sprintf("%s %d", word, w.madeKeys), id[:], by.UserID, now.Add(90*24*3600*1e9), now, now)
		}
		w.run(`INSERT INTO keys (id, app_id, environment, name, prefix, last_four, digest_algorithm, pepper_version, digest, created_by, expires_at, created_at, updated_at) VALUES `+
			strings.TrimSuffix(strings.Repeat("(?, ?, 'live', ?, 'gk_live_', 'abcd', 'hmac-sha256', '1', ?, ?, ?, ?, ?), ", some), ", "), args...)
		rest -= some
	}
	return ids
}

func (w *world) preview(verb key.Verb, f key.Filter) db.ID {
	w.t.Helper()
	id, err := w.bulks.Preview(bg, w.staff, bulk.Wish{Verb: verb, Filter: f, EndsAt: w.clock.Now().Add(5 * 24 * 3600 * 1e9)})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// carryOut starts a preview and has its job done.
func (w *world) carryOut(id db.ID) {
	w.t.Helper()
	if err := w.bulks.Start(bg, w.staff, id, "found in a public repository"); err != nil {
		w.t.Fatal(err)
	}
	w.work()
}

func (w *world) work() {
	w.t.Helper()
	if err := w.worker.Step(bg); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(id db.ID) bulk.Detail {
	w.t.Helper()
	d, err := w.bulks.Get(bg, w.staff, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// states counts the keys of a condition on the table keys.
func (w *world) count(condition string) int {
	w.t.Helper()
	var n int
	if err := w.db.Read(bg).Raw("SELECT COUNT(*) FROM " + condition).Scan(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) acts() []string {
	w.t.Helper()
	var acts []string
	if err := w.db.Read(bg).Raw("SELECT act FROM audit_events ORDER BY seq").Scan(&acts).Error; err != nil {
		w.t.Fatal(err)
	}
	return acts
}

func (w *world) mails() []string {
	w.t.Helper()
	var rows []struct{ Recipient, Kind string }
	if err := w.db.Read(bg).Raw("SELECT recipient, kind FROM mails ORDER BY recipient, kind").Scan(&rows).Error; err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		name, _, _ := strings.Cut(r.Recipient, "@")
		out = append(out, name+" "+r.Kind)
	}
	return out
}

func expect(t *testing.T, what string, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: %v", what, err)
	}
}
