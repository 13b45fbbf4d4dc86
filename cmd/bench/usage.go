package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/usage"
)

// usageSection is R11: the usage pages over ten million rows of counts.
func usageSection(ctx context.Context, b *bench) error {
	began := time.Now()
	address, err := freePort()
	if err != nil {
		return err
	}
	dir := filepath.Join(filepath.Dir(b.forum), "usage")
	env := []string{"GATEHOUSE_DATA_DIR=" + dir, "GATEHOUSE_SECRET=" + benchSecret, "GATEHOUSE_ADDR=" + address, "GATEHOUSE_TRUSTED_PROXIES=127.0.0.0/8", "GATEHOUSE_STAFF_FACTOR=optional"}
	source := "sqlite:" + filepath.Join(dir, "gatehouse.db")
	if b.usageURL != "" {
		source, env = b.usageURL, append(env, "GATEHOUSE_DATABASE_URL="+b.usageURL)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := fillUsage(ctx, source)
	if err != nil {
		return err
	}
	fmt.Printf("usage of %d series in %d rows: there after %d s\n", f.series, f.rows, int(time.Since(began).Seconds()))
	p, err := launch(ctx, address, env, b.binary, "serve")
	if err != nil {
		return err
	}
	defer p.stop()
	if err := settle(ctx, p); err != nil {
		return err
	}
	var slow []error
	for _, page := range f.pages() {
		if err := timed(ctx, p, page); err != nil {
			slow = append(slow, err)
		}
	}
	return errors.Join(slow...)
}

// filledUsage is what pages are read of.
type filledUsage struct {
	series, rows     int
	developer, staff string // tokens of sessions
	app, key, api    db.ID
}

type usagePage struct{ name, path, token string }

func (f filledUsage) pages() (all []usagePage) {
	for _, span := range []string{"1h", "24h", "7d", "30d", "90d"} {
		all = append(all,
			usagePage{"developer's usage, " + span, "/console/usage?span=" + span, f.developer},
			usagePage{"staff's usage, " + span, "/admin/usage?span=" + span, f.staff},
			usagePage{"usage of one API, " + span, "/admin/usage?span=" + span + "&api=" + f.api.Show("api"), f.staff})
	}
	return append(all,
		usagePage{"usage of one app, 7d", "/admin/usage?span=7d&app=" + f.app.Show("app"), f.staff},
		usagePage{"usage of one key, 90d", "/admin/usage?span=90d&key=" + f.key.Show("key"), f.staff},
		usagePage{"refusals, 7d", "/admin/usage?span=7d&code=refused", f.staff},
		usagePage{"developer's start", "/console", f.developer},
		usagePage{"staff's start", "/admin", f.staff})
}

const (
	usageLoads = 15
	usageGoal  = 100 * time.Millisecond
)

// timed reads a page several times and prints the median of how long it took, the longest, and the CPU of the program. A median above the goal is an error.
func timed(ctx context.Context, p *program, page usagePage) error {
	if _, err := visit(ctx, p.address, page); err != nil { // warms statements and templates
		return err
	}
	var took []time.Duration
	before := p.cpu()
	for range usageLoads {
		d, err := visit(ctx, p.address, page)
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	used := (p.cpu() - before) / usageLoads
	slices.Sort(took)
	median := took[len(took)/2]
	fmt.Printf("%-28s %6.1f ms (at most %.1f), %.1f ms of CPU\n", page.name, median.Seconds()*1000, took[len(took)-1].Seconds()*1000, used.Seconds()*1000)
	if median > usageGoal {
		return fmt.Errorf("%s takes %s", page.name, median)
	}
	return nil
}

func visit(ctx context.Context, address string, page usagePage) (time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+page.path, nil)
	if err != nil {
		return 0, err
	}
	r.AddCookie(&http.Cookie{Name: "gatehouse-session", Value: page.token}) //nolint:gosec // on loopback
	began := time.Now()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err = io.Copy(io.Discard, answer.Body); err == nil && (answer.StatusCode != http.StatusOK || answer.Request.URL.Path == "/login") {
		err = fmt.Errorf("%s answered %s at %s", page.path, answer.Status, answer.Request.URL.Path)
	}
	return time.Since(began), err
}

// Shape of what is filled in: four series a key, ten keys an app, ten apps an organization; ten APIs. A series is busy in one of up to twenty minutes and hours, and
// on one of up to five days, for as long as counts are kept.
const (
	usageKeys   = 1760
	minuteSteps = 48*60 + 60
	hourSteps   = 100 * 24
	daySteps    = 3 * 366
)

// fillUsage fills an empty database, and leaves one with series in it as it is but for who is signed in.
func fillUsage(ctx context.Context, url string) (f filledUsage, err error) {
	d, err := db.Open(ctx, db.Options{URL: url})
	if err != nil {
		return f, err
	}
	defer func() { _ = d.Close() }()
	if err := d.Migrate(ctx); err != nil {
		return f, err
	}
	if d.Dialect == db.SQLite { // nothing of this has to outlive a power cut
		if _, err := d.Writer().ExecContext(ctx, "PRAGMA synchronous = OFF"); err != nil {
			return f, err
		}
	}
	if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM usage_series").Scan(&f.series).Error; err != nil {
		return f, err
	}
	if f.series == 0 {
		if err := d.Tx(ctx, usageWorld); err != nil {
			return f, err
		}
		if err := writeUsage(ctx, d); err != nil {
			return f, err
		}
	}
	if f.developer, err = usageVisitor(ctx, d, ""); err != nil {
		return f, err
	}
	if f.staff, err = usageVisitor(ctx, d, "admin"); err != nil {
		return f, err
	}
	row := d.Read(ctx).Raw("SELECT app_id, key_id, api_id FROM usage_series ORDER BY id LIMIT 1").Row()
	if err := row.Scan(&f.app, &f.key, &f.api); err != nil {
		return f, err
	}
	return f, d.Read(ctx).Raw("SELECT (SELECT COUNT(*) FROM usage_series), (SELECT COUNT(*) FROM usage_minutes) + (SELECT COUNT(*) FROM usage_hours) + (SELECT COUNT(*) FROM usage_days)").Row().Scan(&f.series, &f.rows)
}

func usageWorld(tx *db.Tx) error {
	w := &writer{tx: tx}
	publisher := w.organization("Publisher", "ordinary")
	var apis []db.ID
	for i := range 10 {
		apis = append(apis, w.api(fmt.Sprintf("api-%d", i), publisher, false))
	}
	var org, app db.ID
	for i := range usageKeys {
		if i%100 == 0 {
			org = w.organization(fmt.Sprintf("Organization %d", i/100), "ordinary")
		}
		if i%10 == 0 {
			app = w.app(org, fmt.Sprintf("App %d", i/10))
		}
		id, digest := db.NewID(), sha256.Sum256(fmt.Appendf(nil, "key %d", i))
		w.run(`INSERT INTO keys (id, app_id, environment, name, prefix, last_four, digest_algorithm, pepper_version, digest, expires_at, created_at, updated_at)
			VALUES (?, ?, 'live', ?, 'gk_live_', '0000', 'hmac-sha256', 'bench', ?, ?, ?, ?)`, id, app, fmt.Sprintf("Worker %d", i), digest[:], tx.Now.Add(1000*time.Hour), tx.Now, tx.Now)
		for _, s := range []struct{ route, code string }{{"/v2/orders", "VALID"}, {"/v2/orders/{id}", "VALID"}, {"/v2/orders", "RATE_LIMITED"}, {"", "INSUFFICIENT_SCOPE"}} {
			w.run("INSERT INTO usage_series (key_id, app_id, organization_id, api_id, environment, route_template, code) VALUES (?, ?, ?, ?, 'live', ?, ?)", id, app, org, apis[i%len(apis)], s.route, s.code)
		}
	}
	return w.err
}

// writeUsage writes the counts in the database itself.
func writeUsage(ctx context.Context, d *db.DB) error {
	now := d.Now().UTC()
	for _, t := range []struct {
		table string
		step  time.Duration
		steps int
		idle  int
	}{{"usage_minutes", time.Minute, minuteSteps, 20}, {"usage_hours", time.Hour, hourSteps, 20}, {"usage_days", 24 * time.Hour, daySteps, 5}} {
		last := now.Truncate(t.step)
		source := fmt.Sprintf(`WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < %d)
			SELECT s.id, %d - n.n * %d, 1 + (s.id * 31 + n.n * 17) %% 100 FROM usage_series s CROSS JOIN n`, t.steps-1, last.UnixMicro(), t.step.Microseconds())
		if d.Dialect == db.Postgres {
			source = fmt.Sprintf(`SELECT s.id, to_timestamp(%d - n.n * %d), 1 + (s.id * 31 + n.n * 17) %% 100 FROM usage_series s CROSS JOIN generate_series(0, %d) AS n(n)`,
				last.Unix(), int(t.step.Seconds()), t.steps-1)
		}
		// The first hundred keys were busy until a day ago, and are silent since.
		statement := fmt.Sprintf("INSERT INTO %s (series_id, at, calls) %s WHERE (s.id * 7919 + n.n * 104729) %% (1 + s.id %% %d) = 0 AND (s.id > 40 OR n.n * %d > 90000)", t.table, source, t.idle, int(t.step.Seconds()))
		if _, err := d.Writer().ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", t.table, err)
		}
	}
	if err := d.Tx(ctx, func(tx *db.Tx) error { return usage.Recount(tx, time.Unix(0, 0)) }); err != nil {
		return err
	}
	_, err := d.Writer().ExecContext(ctx, "ANALYZE")
	if err == nil && d.Dialect == db.Postgres { // as its autovacuum does
		_, err = d.Writer().ExecContext(ctx, "VACUUM ANALYZE")
	}
	return err
}

// usageVisitor signs somebody in who is a member of the first organization, and of the staff when a role is given.
func usageVisitor(ctx context.Context, d *db.DB, role string) (token string, err error) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails, says crypto/rand
	token = hex.EncodeToString(raw)
	digest := sha256.Sum256([]byte(token))
	return token, d.Tx(ctx, func(tx *db.Tx) error {
		w, user := &writer{tx: tx}, db.NewID()
		w.run("INSERT INTO users (id, email, name, display_name, staff_role, email_verified_at, approved_at, created_at, updated_at) VALUES (?, ?, 'Bench', 'Bench', ?, ?, ?, ?, ?)",
			user, user.String()+"@bench.example", role, tx.Now, tx.Now, tx.Now, tx.Now)
		w.run("INSERT INTO members (organization_id, user_id, role, created_at) SELECT id, ?, 'owner', ? FROM organizations WHERE name = 'Organization 0'", user, tx.Now)
		w.run("INSERT INTO sessions (id, digest, user_id, reauthenticated_at, last_seen_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)", db.NewID(), digest[:], user, tx.Now, tx.Now, tx.Now.Add(time.Hour), tx.Now)
		return w.err
	})
}
