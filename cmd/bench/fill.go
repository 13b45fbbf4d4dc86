package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// benchSecret is that of a database that lives for a minute.
const benchSecret = "kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi" //nolint:gosec // see above

// filled is a database with keys, and their texts.
type filled struct {
	dir     string
	gateway string
	texts   []string
	unknown []string // keys with the right checksum that nobody has
}

// fill makes a database with n keys, ten to an app and a hundred to an organization, all granted to read orders under a plan with a limit
// that the load does not reach.
func fill(ctx context.Context, dir string, n int) (f filled, err error) {
	d, err := db.Open(ctx, db.Options{URL: "sqlite:" + filepath.Join(dir, "gatehouse.db")})
	if err != nil {
		return f, err
	}
	defer func() { _ = d.Close() }()
	f, err = fillInto(ctx, d, n)
	f.dir = dir
	return f, err
}

func benchDigester() (*apikey.Digester, error) {
	root, err := secret.Parse(benchSecret, "")
	if err != nil {
		return nil, err
	}
	return apikey.NewDigester(apikey.Pepper{Version: root.Version(), Key: root.Key(secret.LabelKeyPepper)}), nil
}

// fillInto is fill of a database that is open and empty.
func fillInto(ctx context.Context, d *db.DB, n int) (f filled, err error) {
	if err := d.Migrate(ctx); err != nil {
		return f, err
	}
	digester, err := benchDigester()
	if err != nil {
		return f, err
	}
	for range inUse {
		text, err := apikey.Mint("gk", apikey.Live, rand.Reader)
		if err != nil {
			return f, err
		}
		f.unknown = append(f.unknown, text.Reveal())
	}
	var orders, read, org, app db.ID
	err = d.Tx(ctx, func(tx *db.Tx) error {
		w := newWriter(tx, digester)
		company, publisher := w.organization("Company", "company"), w.organization("Publisher", "ordinary")
		portal := w.api("portal", company, true)
		verify := w.scope(portal, "keys:verify")
		orders = w.api("orders", publisher, false)
		read = w.scope(orders, "orders:read")
		w.rule(orders, read)
		gateway := w.app(publisher, "Gateway")
		w.access(gateway, portal, verify)
		f.gateway = w.key(gateway, "Gateway", portal, verify)
		return w.err
	})
	for i := 0; i < n && err == nil; { // in parts: a transaction keeps its statements in memory
		err = d.Tx(ctx, func(tx *db.Tx) error {
			w := newWriter(tx, digester)
			for end := min(n, i+fillPart); i < end; i++ {
				if i%100 == 0 {
					org = w.organization(fmt.Sprintf("Organization %d", i/100), "ordinary")
				}
				if i%10 == 0 {
					app = w.app(org, fmt.Sprintf("App %d", i/10))
					w.access(app, orders, read)
				}
				f.texts = append(f.texts, w.key(app, fmt.Sprintf("Worker %d", i), orders, read))
			}
			return w.err
		})
	}
	return f, err
}

const fillPart = 10_000

func newWriter(tx *db.Tx, digester *apikey.Digester) *writer {
	return &writer{tx: tx, digester: digester, expires: tx.Now.Add(90 * 24 * time.Hour)}
}

// writer inserts rows until one fails.
type writer struct {
	tx       *db.Tx
	digester *apikey.Digester
	expires  time.Time
	err      error
}

func (w *writer) run(query string, args ...any) {
	if w.err == nil {
		_, w.err = w.tx.Run(query, args...)
	}
}

func (w *writer) organization(name, kind string) db.ID {
	id := db.NewID()
	w.run("INSERT INTO organizations (id, kind, name, created_at, updated_at) VALUES (?, ?, ?, ?, ?)", id, kind, name, w.tx.Now, w.tx.Now)
	return id
}

func (w *writer) app(org db.ID, name string) db.ID {
	id := db.NewID()
	w.run("INSERT INTO apps (id, organization_id, name, created_at, updated_at) VALUES (?, ?, ?, ?, ?)", id, org, name, w.tx.Now, w.tx.Now)
	return id
}

func (w *writer) api(slug string, publisher db.ID, portal bool) db.ID {
	id := db.NewID()
	w.run("INSERT INTO apis (id, slug, name, publisher_id, is_portal, refuses_undeclared, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", id, slug, slug, publisher, portal, !portal, w.tx.Now, w.tx.Now)
	w.run("INSERT INTO api_versions (id, api_id, name, state, created_at, updated_at) VALUES (?, ?, 'v2', 'live', ?, ?)", db.NewID(), id, w.tx.Now, w.tx.Now)
	w.run("INSERT INTO plans (id, api_id, name, rate_requests, rate_period_seconds, burst, quota_month, needs_approval, created_at, updated_at) VALUES (?, ?, 'Standard', 10000000, 1, 10000000, 1000000000, FALSE, ?, ?)", db.NewID(), id, w.tx.Now, w.tx.Now)
	return id
}

func (w *writer) scope(api db.ID, name string) db.ID {
	id := db.NewID()
	w.run("INSERT INTO scopes (id, api_id, name, sentence, created_at) VALUES (?, ?, ?, ?, ?)", id, api, name, name, w.tx.Now)
	return id
}

func (w *writer) rule(api, scope db.ID) {
	w.run("INSERT INTO route_rules (id, api_id, method, path_template, scope_id, created_at) VALUES (?, ?, 'GET', '/v2/orders/{id}', ?, ?)", db.NewID(), api, scope, w.tx.Now)
}

func (w *writer) access(app, api, scope db.ID) {
	id := db.NewID()
	w.run("INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, created_at, updated_at) SELECT ?, ?, ?, p.id, 'approved', 'bench', ?, ? FROM plans p WHERE p.api_id = ?", id, app, api, w.tx.Now, w.tx.Now, api)
	w.run("INSERT INTO access_scopes (access_id, scope_id) VALUES (?, ?)", id, scope)
}

func (w *writer) key(app db.ID, name string, api, scope db.ID) string {
	secret, err := apikey.Mint("gk", apikey.Live, rand.Reader)
	if err != nil {
		w.err = err
		return ""
	}
	id, text := db.NewID(), secret.Reveal()
	digest := w.digester.Sum(text)
	w.run(`INSERT INTO keys (id, app_id, environment, name, prefix, last_four, digest_algorithm, pepper_version, digest, expires_at, created_at, updated_at)
		VALUES (?, ?, 'live', ?, 'gk_live_', ?, 'hmac-sha256', ?, ?, ?, ?, ?)`, id, app, name, text[len(text)-4:], w.digester.Version(), digest[:], w.expires, w.tx.Now, w.tx.Now)
	w.run("INSERT INTO key_grants (key_id, api_id, scope_id) VALUES (?, ?, ?)", id, api, scope)
	return text
}

// post is a call of verify as bytes.
func post(token, body string) []byte {
	var b strings.Builder
	b.WriteString("POST /v1/keys/verify HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n")
	if token != "" {
		b.WriteString("Authorization: Bearer " + token + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return []byte(b.String())
}

// verifications are calls of verify about texts.
func (f filled) verifications(texts []string) [][]byte {
	all := make([][]byte, 0, len(texts))
	for _, text := range texts {
		all = append(all, post(f.gateway, `{"key":"`+text+`","scopes":["orders:read"],"ip":"203.0.113.7"}`))
	}
	return all
}

// questions are calls of forward-auth about texts.
func (f filled) questions(texts []string) [][]byte {
	all := make([][]byte, 0, len(texts))
	for _, text := range texts {
		all = append(all, []byte("GET /v1/authz?api=orders HTTP/1.1\r\nHost: bench\r\nX-Gatehouse-Token: "+f.gateway+"\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /v2/orders/7\r\nX-Forwarded-For: 203.0.113.7\r\nAuthorization: Bearer "+text+"\r\n\r\n"))
	}
	return all
}
