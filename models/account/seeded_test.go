package account_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/privacy"
)

// staying are the columns about a person that outlive the account, each for a reason that the records page tells: what they wrote for others, what is of the house or of
// an organization, and what goes by itself within days.
var staying = []string{
	"posts.kind", "posts.body", "posts.html", "posts.state", "posts.hidden_reason", "questions.kind", "questions.title", "questions.visibility", "questions.state", "questions.public_status", "questions.source",
	"questions.closed_reason", "questions.hidden_reason", "post_revisions.title", "post_revisions.body", "post_revisions.state", "post_revisions.html", "post_revisions.tags", "post_revisions.hidden_reason",
	"flags.reason", "flags.state", "notes.body", "notes.html", "tutorial_ticks.tutorial", "tutorial_ticks.step", "tutorial_ticks.how", "search_misses.text",
	"keys.environment", "keys.prefix", "keys.last_four", "keys.networks", "keys.origins", "access.state", "key_bulks.filter", "key_bulks.reason", "key_revocations.filter", "key_revocations.reason", "key_imports.label",
	"scim_tokens.name", "scim_tokens.hint", "audit_erasures.digest", "jobs.payload", "jobs.last_error", "throttles.bucket",
}

// seeded is a person of whom each table holds a row that has their marks in every column about people.
type seeded struct {
	account.User
	actor   actor.Actor
	mark    string // in texts
	network string
	ids     map[string]db.ID // of rows to which others refer, by the name of the column
}

// referred are columns that refer to rows of the person, and the tables of these.
var referred = map[string]string{"app_id": "apps", "key_id": "keys", "incident_id": "leak_incidents", "session_id": "sessions", "download_id": "downloads", "question_id": "questions", "scim_id": "scim_users"}

type seeding struct {
	*world
	pool    *sql.DB
	columns map[string][]seedColumn
	n       int
}

type seedColumn struct {
	name, kind string
	null       bool
}

// eachSeeded runs body with a database that takes rows without what they refer to.
func eachSeeded(t *testing.T, body func(s *seeding)) {
	t.Run("sqlite", func(t *testing.T) {
		clock := dbtest.NewClock()
		d := dbtest.SQLite(t, clock)
		pool := open(t, "sqlite", "file:"+d.Path+"?_pragma=foreign_keys(0)&_pragma=ignore_check_constraints(1)&_pragma=busy_timeout(5000)")
		body(&seeding{newWorld(t, d, clock, config.Signup{}), pool, columnsOf(t, pool, "SELECT m.name, c.name, c.type, c.\"notnull\" = 0 AND c.pk = 0 FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'search_index%'"), 0})
	})
	t.Run("postgres", func(t *testing.T) {
		clock, url := dbtest.NewClock(), dbtest.PostgresURL(t)
		pool := open(t, "pgx", url)
		if _, err := pool.ExecContext(t.Context(), `DO $$ DECLARE r RECORD; BEGIN
			FOR r IN SELECT conrelid::regclass AS t, conname FROM pg_constraint WHERE contype IN ('c', 'f') AND conislocal AND connamespace = current_schema()::regnamespace LOOP
				EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', r.t, r.conname); END LOOP; END $$`); err != nil {
			t.Fatal(err)
		}
		body(&seeding{newWorld(t, dbtest.Open(t, url, clock), clock, config.Signup{}), pool, columnsOf(t, pool, `SELECT table_name, column_name, data_type, is_nullable = 'YES' FROM information_schema.columns WHERE table_schema = current_schema()`), 0})
	})
}

func open(t *testing.T, driver, url string) *sql.DB {
	t.Helper()
	pool, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

func columnsOf(t *testing.T, pool *sql.DB, query string) map[string][]seedColumn {
	t.Helper()
	rows, err := pool.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string][]seedColumn{}
	for rows.Next() {
		var table string
		var c seedColumn
		if err := rows.Scan(&table, &c.name, &c.kind, &c.null); err != nil {
			t.Fatal(err)
		}
		c.kind = strings.ToLower(c.kind)
		out[table] = append(out[table], c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// seed adds a person with an address, a mark and a network, and fills every table with rows of theirs.
func (s *seeding) seed(email, mark string, from netip.Addr) *seeded {
	s.t.Helper()
	p := &seeded{User: s.person(email, ""), mark: mark, network: actor.Network(from), ids: map[string]db.ID{}}
	p.actor = actor.Actor{Kind: actor.User, UserID: p.ID, Name: mark, Address: from}
	for column := range referred {
		p.ids[column] = db.NewID()
	}
	p.ids["caller_id"] = p.ids["key_id"]
	s.must(s.d.Read(s.t.Context()).Raw("SELECT id FROM organizations WHERE personal_user_id = ?", p.ID).Row().Scan(ptr(p.ids, "organization_id")))
	for _, t := range privacy.Tables() {
		switch {
		case t.Name == "audit_personal" || t.Name == "audit_events" || t.Name == "members": // there are some, or will be
		case t.Name == "users" || t.Name == "organizations":
			s.mark(t, p)
		case t.Record != "":
			s.insert(t, p)
		}
	}
	s.must(s.d.Tx(s.t.Context(), func(tx *db.Tx) error {
		audit.Record(tx, p.actor, audit.Event{Act: audit.UserSignedUp, TargetKind: "user", TargetID: p.ID, Personal: map[string]string{"email": email}})
		audit.Record(tx, p.actor, audit.Event{Act: audit.FactorAdded, TargetKind: "factor", TargetID: db.NewID(), Personal: map[string]string{"name": mark}})
		return nil
	}))
	return p
}

// ptr has a map's value written by a scan.
func ptr(m map[string]db.ID, key string) sql.Scanner { return scanner{m, key} }

type scanner struct {
	m   map[string]db.ID
	key string
}

func (s scanner) Scan(src any) error {
	var id db.ID
	err := id.Scan(src)
	s.m[s.key] = id
	return err
}

func (s *seeding) insert(t privacy.Table, p *seeded) {
	s.t.Helper()
	var names, places []string
	var values []any
	for _, c := range s.columns[t.Name] {
		names = append(names, c.name)
		values = append(values, s.value(t, c, p))
		places = append(places, fmt.Sprintf("$%d", len(values)))
	}
	s.run(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", t.Name, strings.Join(names, ", "), strings.Join(places, ", ")), values...)
}

// mark puts the marks into a row that is there.
func (s *seeding) mark(t privacy.Table, p *seeded) {
	s.t.Helper()
	key := map[string]string{"users": "id", "organizations": "personal_user_id"}[t.Name]
	for _, c := range s.columns[t.Name] {
		if about(t, c.name) && text(c.kind) && c.name != "email" && c.name != "password_sealed" && c.name != "language" && c.name != "time_zone" && c.name != "staff_role" {
			s.run(fmt.Sprintf("UPDATE %s SET %s = $1 WHERE %s = $2", t.Name, c.name, key), s.value(t, c, p), p.ID.String())
		}
	}
}

func (s *seeding) run(query string, values ...any) {
	s.t.Helper()
	if _, err := s.pool.ExecContext(s.t.Context(), query, values...); err != nil {
		s.t.Fatal(query, err)
	}
}

func about(t privacy.Table, column string) bool {
	return slices.Contains(strings.Fields(t.Shown+" "+t.Kept), column)
}

func text(kind string) bool { return kind == "text" }

// value is what the person's row has in a column.
func (s *seeding) value(t privacy.Table, c seedColumn, p *seeded) any {
	s.n++
	switch {
	case c.name == "id" && slices.Contains(slices.Collect(maps.Values(referred)), t.Name):
		for column, table := range referred {
			if table == t.Name {
				return p.ids[column].String()
			}
		}
	case slices.Contains(strings.Fields(t.People), c.name):
		return p.ID.String()
	case !p.ids[c.name].IsZero():
		return p.ids[c.name].String()
	case c.name == "metadata":
		return `{"of": "` + p.mark + `"}`
	case about(t, c.name) && text(c.kind):
		return s.words(t, c, p)
	case c.null && !about(t, c.name):
		return nil
	}
	return s.filler(c)
}

// words are what a text about the person is.
func (s *seeding) words(t privacy.Table, c seedColumn, p *seeded) string {
	switch {
	case slices.Contains(staying, t.Name+"."+c.name):
		return fmt.Sprint("words ", s.n)
	case strings.Contains(c.name, "email") || c.name == "recipient" || c.name == "user_name" || t.Name != "refusals" && c.name == "address":
		return p.Email
	case strings.Contains(c.name, "network") || c.name == "address":
		return p.network
	}
	return p.mark
}

// filler is a value of the kind that no other row has, where that is possible.
func (s *seeding) filler(c seedColumn) any {
	switch {
	case strings.Contains(c.kind, "int"):
		return s.n
	case c.kind == "boolean":
		return false
	case strings.Contains(c.kind, "time"):
		return s.clock.Now().Add(time.Hour)
	case c.kind == "blob" || c.kind == "bytea":
		b := make([]byte, 32)
		_, _ = rand.Read(b)
		return b
	case c.kind == "uuid" || c.name == "id" || strings.HasSuffix(c.name, "_id"):
		return db.NewID().String()
	}
	return fmt.Sprint("x", s.n)
}

// everything is each row of each table, as text.
func (s *seeding) everything() string {
	s.t.Helper()
	var out strings.Builder
	for table := range s.columns {
		var rows []map[string]any
		s.must(s.d.Read(context.Background()).Raw("SELECT * FROM " + table).Scan(&rows).Error)
		for _, r := range rows {
			fmt.Fprintf(&out, "%s: %v\n", table, r)
		}
	}
	return out.String()
}
