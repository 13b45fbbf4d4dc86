package key_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// hex12 is SQL for the last group of a canonical id, of the number n.
func (w *world) hex12(n string) string {
	if w.db.Dialect == db.Postgres {
		return "LPAD(TO_HEX(" + n + "), 12, '0')"
	}
	return "printf('%012x', " + n + ")"
}

// idOf is SQL for the id of the number n of a table.
func (w *world) idOf(table int, n string) string {
	id := fmt.Sprintf("'0190000%d-0000-7000-8000-' || %s", table, w.hex12(n))
	if w.db.Dialect == db.Postgres {
		return "CAST(" + id + " AS uuid)"
	}
	return id
}

// ago is SQL for the time so many minutes before the clock's.
func (w *world) ago(minutes string) string {
	now := w.clock.Now()
	if w.db.Dialect == db.Postgres {
		return fmt.Sprintf("(TIMESTAMPTZ '%s' - (%s) * INTERVAL '1 minute')", now.UTC().Format(time.RFC3339), minutes)
	}
	return fmt.Sprintf("(%d - (%s) * 60000000)", now.UnixMicro(), minutes)
}

// crowdOfKeys fills the database with keys of which a twentieth belongs to w.org, in apps of fifty keys, as large portals have them: most are active, some
// over, paused or stopped.
func (w *world) crowdOfKeys(keys int) {
	w.t.Helper()
	apps := keys / 50
	series := func(n int) string {
		return fmt.Sprintf("(WITH RECURSIVE s (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < %d) SELECT i FROM s) z", n-1)
	}
	w.run("INSERT INTO organizations (id, kind, name, suspended_at, created_at, updated_at) SELECT " + w.idOf(1, "i") + ", 'ordinary', 'Crowd ' || i, CASE WHEN i = 7 THEN " + w.ago("0") + " END, " + w.ago("0") + ", " + w.ago("0") + " FROM " + series(20))
	w.run("INSERT INTO apps (id, organization_id, name, created_at, updated_at) SELECT "+w.idOf(2, "i")+", CASE WHEN i % 20 = 0 THEN "+w.param()+" ELSE "+w.idOf(1, "i % 20")+" END, 'App ' || i, "+w.ago("i")+", "+w.ago("i")+" FROM "+series(apps), w.org)
	w.run("INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, created_at, updated_at) SELECT "+w.idOf(3, "i")+", "+w.idOf(2, "i")+", "+w.param()+", (SELECT id FROM plans WHERE api_id = ?), CASE WHEN i % 10 = 9 THEN 'ended' ELSE 'approved' END, 'test', "+w.ago("i")+", "+w.ago("i")+" FROM "+series(apps), w.orders, w.orders)
	w.run("INSERT INTO access_scopes (access_id, scope_id) SELECT "+w.idOf(3, "i")+", "+w.param()+" FROM "+series(apps), w.ordersRead)
	digest := "CAST(" + w.hex12("i") + " AS BLOB)"
	if w.db.Dialect == db.Postgres {
		digest = "CONVERT_TO(" + w.hex12("i") + ", 'UTF8')"
	}
	w.run("INSERT INTO keys (id, app_id, environment, name, prefix, last_four, digest_algorithm, pepper_version, digest, created_by, expires_at, paused_at, revoked_at, last_used_at, created_at, updated_at) SELECT "+
		w.idOf(4, "i")+", "+w.idOf(2, fmt.Sprintf("i %% %d", apps))+", 'live', 'Key ' || i, 'gk_live_', SUBSTR('0000' || i, LENGTH('0000' || i) - 3), 'hmac-sha256', '1', "+digest+", "+w.param()+
		", CASE WHEN i % 3 = 0 THEN "+w.ago("i - 40000")+" END, CASE WHEN i % 29 = 1 THEN "+w.ago("1")+" END, CASE WHEN i % 31 = 2 THEN "+w.ago("1")+" END, CASE WHEN i % 4 > 0 THEN "+w.ago("i % 1000")+" END, "+w.ago("i")+", "+w.ago("i")+" FROM "+series(keys), w.developer.UserID)
	w.run("INSERT INTO key_grants (key_id, api_id, scope_id) SELECT "+w.idOf(4, "i")+", "+w.param()+", "+w.param()+" FROM "+series(keys), w.orders, w.ordersRead)
	if w.db.Dialect == db.Postgres { // as its autovacuum does. On SQLite the program counts nothing, on purpose: counted, it begins with apps and sorts what it finds
		if _, err := w.db.Writer().ExecContext(context.Background(), "ANALYZE"); err != nil {
			w.t.Fatal(err)
		}
	}
}

// param is a placeholder for an id among the columns of a SELECT, whose type PostgreSQL can't guess.
func (w *world) param() string {
	if w.db.Dialect == db.Postgres {
		return "CAST(? AS uuid)"
	}
	return "?"
}

// sorts is what a plan says when an index does not give the order: all that fits is read before the first row is known. An incremental sort orders what was made at once.
var sorts = regexp.MustCompile(`TEMP B-TREE FOR ORDER BY|TEMP B-TREE FOR LAST|(?m)^\s*(->\s+)?Sort  \(`)

// scansAll is the table of keys read from its beginning.
var scansAll = regexp.MustCompile(`(?m)SCAN k$|Seq Scan on keys`)

// plans are how the pages of a list were read since last asked.
func plans(t *testing.T, d *db.DB, reads func() []dbtest.Statement) (out []string) {
	t.Helper()
	for _, statement := range reads() {
		if strings.HasSuffix(statement.SQL, "LIMIT 51") {
			out = append(out, dbtest.Plan(t, d, statement))
		}
	}
	return out
}

// L4: staff's list in every order is a walk along an index, from its first page on: nothing sorts all keys before it shows fifty. So are the lists of states that few
// keys have.
func TestListOfAllKeysIsReadInTheOrderOfAnIndex(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.crowdOfKeys(3000)
		reads := dbtest.Reads(t, d)
		for _, c := range []struct {
			sort, index string
			state       key.StateName
		}{
			{"created", "keys_created", ""},
			{"name", "keys_name", ""},
			{"expires", "keys_expiry", ""},
			{"used", "keys_used", ""},
			{"created", "keys_revoked", key.Revoked},
			{"created", "keys_paused", key.Paused},
			{"created", "keys_created|keys_unpaused_created", key.Active},
			{"created", "keys_created|keys_unpaused_created", key.Stopped},
		} {
			for _, sort := range []string{c.sort, "-" + c.sort} {
				t.Run(string(c.state)+"/"+sort, func(t *testing.T) {
					first, err := w.keys.ListAll(bg, w.staff, key.Filter{State: string(c.state)}, db.PageRequest{Sort: sort})
					if err != nil || first.Next == "" {
						t.Fatal(len(first.Rows), err)
					}
					if _, err := w.keys.ListAll(bg, w.staff, key.Filter{State: string(c.state)}, db.PageRequest{Sort: sort, After: first.Next}); err != nil {
						t.Fatal(err)
					}

					pages := plans(t, d, reads)

					if len(pages) != 2 {
						t.Errorf("%d pages were read", len(pages))
					}
					for _, plan := range pages {
						if sorts.MatchString(plan) || scansAll.MatchString(plan) || !regexp.MustCompile(`\b(`+c.index+`)\b`).MatchString(plan) {
							t.Errorf("index %s:\n%s", c.index, plan)
						}
					}
				})
			}
		}
	})
}

// L4: an organization's list is read from its apps, or along an index, and never from all keys of the portal; what is sorted is its own.
func TestListOfAnOrganizationsKeysReadsNoTableWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.crowdOfKeys(3000)
		reads := dbtest.Reads(t, d)
		for _, f := range []key.Filter{{}, {OrganizationID: w.org}, {AppID: w.app}, {State: string(key.Active)}, {State: string(key.Revoked)}, {State: string(key.Stopped)}, {Environment: "live"}} {
			for _, sort := range []string{"-created", "name", "expires", "used"} {
				if _, err := w.keys.List(bg, w.developer, f, db.PageRequest{Sort: sort}); err != nil {
					t.Fatal(err)
				}

				for _, plan := range plans(t, d, reads) {
					if scansAll.MatchString(plan) || !regexp.MustCompile(`\bkeys_\w+\b`).MatchString(plan) {
						t.Errorf("%+v by %s:\n%s", f, sort, plan)
					}
				}
			}
		}
	})
}

// L4: which keys their access stops is found with what access carries read once, and not once for each key.
func TestStoppedKeysAreFoundWithAccessReadOnce(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.Postgres(t, clock)
	w := newWorld(t, d, clock)
	w.crowdOfKeys(3000)
	reads := dbtest.Reads(t, d)

	page, err := w.keys.ListAll(bg, w.staff, key.Filter{State: string(key.Stopped)}, db.PageRequest{})

	if err != nil || len(page.Rows) != 50 {
		t.Fatal(len(page.Rows), err)
	}
	for _, plan := range plans(t, d, reads) {
		if strings.Contains(plan, "app_id = k.app_id") || !regexp.MustCompile(`CASE WHEN .*hashed SubPlan`).MatchString(plan) {
			t.Error(plan)
		}
	}
}
