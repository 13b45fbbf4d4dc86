package handover_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// world is Northwind with an owner, an admin, a developer and a viewer, its app Shop, and Contoso.
type world struct {
	*catalogtest.World
	t                        *testing.T
	clock                    *dbtest.Clock
	root                     *secret.Root
	keys                     *key.Store
	box                      *outbox.Outbox
	store                    *handover.Store
	admin, developer, viewer actor.Actor
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		root, err := secret.Parse("kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi", "")
		if err != nil {
			t.Fatal(err)
		}
		w := &world{World: catalogtest.New(t, d), t: t, clock: clock, root: root}
		w.box = w.Outbox
		link := func(p string) string { return "https://portal.example" + p }
		w.keys = key.NewStore(key.Options{DB: d, Outbox: w.box, Root: root, Brand: "gk", Link: link})
		w.store = handover.NewStore(handover.Options{DB: d, Outbox: w.box, Keys: w.keys, Link: link})
		w.admin, w.developer, w.viewer = w.Person("Ann Admin", ""), w.Person("Dev Patel", ""), w.Person("Vic View", "")
		w.Join(w.North, w.admin, "admin")
		w.Join(w.North, w.developer, "developer")
		w.Join(w.North, w.viewer, "viewer")
		w.Request(w.Open, w.Read)
		body(t, w)
	})
}

func (w *world) create(a actor.Actor, name string, deliver key.Deliver) (key.Made, error) {
	return w.keys.Create(context.Background(), a, key.CreateRequest{
		Token: w.keys.NewFormToken(a, key.CreatePurpose()), AppID: w.Shop, Environment: "live", Name: name, Pairs: []key.Pair{{API: "orders", Scope: "orders:read"}}, Deliver: deliver,
	})
}

func (w *world) make(a actor.Actor, name string) key.Made {
	w.t.Helper()
	made, err := w.create(a, name, nil)
	w.ok(err)
	return made
}

// link makes a key that is handed over by a link of an hour.
func (w *world) link(a actor.Actor, name string) (key.Made, *handover.MadeLink) {
	w.t.Helper()
	link, deliver := w.store.ByLink(time.Hour)
	made, err := w.create(a, name, deliver)
	w.ok(err)
	if made.Secret.Reveal() != "" || link.Token.Reveal() == "" {
		w.t.Fatal("the text came in the result, or there is no link")
	}
	return made, link
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) expect(what string, err error, kind fault.Kind) {
	w.t.Helper()
	if !fault.Is(err, kind) {
		w.t.Errorf("%s: %v, want %v", what, err, kind)
	}
}

// mails are the letters of a kind that wait, as text: recipient, subject, lines.
func (w *world) mails(kind string) []string {
	w.t.Helper()
	page, err := outbox.List(context.Background(), w.DB, outbox.Filter{}, db.PageRequest{Size: db.MaxPage})
	w.ok(err)
	var out []string
	for _, m := range page.Rows {
		if m.Kind != kind {
			continue
		}
		_, l, err := w.box.Read(context.Background(), w.DB, m.ID)
		w.ok(err)
		out = append(out, strings.TrimSpace(l.To+" "+fmt.Sprint(l.Subject, l.Lines, l.After, l.URL)))
	}
	return out
}

func (w *world) count(query string, args ...any) int {
	w.t.Helper()
	var n int
	w.ok(w.DB.Read(context.Background()).Raw(query, args...).Scan(&n).Error)
	return n
}

// dump is all that the database holds, as text.
func (w *world) dump() string {
	w.t.Helper()
	names := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if w.DB.Dialect == db.Postgres {
		names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	}
	var tables []string
	w.ok(w.DB.Read(context.Background()).Raw(names).Scan(&tables).Error)
	var b strings.Builder
	for _, t := range tables {
		rows, err := w.DB.Rows(context.Background(), "SELECT * FROM "+t)
		if err != nil { // the index of the search is no table of ours
			continue
		}
		columns, err := rows.Columns()
		w.ok(err)
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			w.ok(rows.Scan(into...))
			for _, v := range values {
				if raw, isBytes := v.([]byte); isBytes {
					v = string(raw)
				}
				fmt.Fprintln(&b, v)
			}
		}
		w.ok(rows.Close())
	}
	return b.String()
}

// openable is a link as somebody holds it.
type openable struct {
	token  string
	linkID db.ID
}

func (o *openable) id() db.ID { return o.linkID }

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	w.Tx(func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err })
}

// strict is a policy of an organization by which keys live at most 30 days and name their networks.
func (w *world) strict(organization db.ID) {
	w.t.Helper()
	w.ok(policy.NewStore(w.DB).Save(w.t.Context(), w.Staff, policy.Source{Kind: policy.Organization, ID: organization}, policy.Rules{MaxDays: new(30), Networks: new(true)}))
}
