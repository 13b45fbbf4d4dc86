package enforcement_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key/enforcement"
	"github.com/gatehouse-dev/gatehouse/models/key/keytest"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// crowd is many keys in organizations of a hundred, ten to an app, each with one member who is told.
func crowd(b *testing.B, w *keytest.World, n int) {
	b.Helper()
	var plan db.ID
	if err := w.DB.Read(bg).Raw("SELECT id FROM plans").Row().Scan(&plan); err != nil {
		b.Fatal(err)
	}
	now, created := w.Clock.Now(), w.Clock.Now().Add(-100*day)
	for at := 0; at < n; at += 1000 {
		t := table{}
		var org, app, maker db.ID
		for i := at; i < at+1000 && i < n; i++ {
			if i%100 == 0 {
				org, maker = db.NewID(), db.NewID()
				t.add("organizations (id, kind, name, created_at, updated_at)", org, "ordinary", fmt.Sprintf("Organization %d", i/100), now, now)
				t.add("users (id, email, name, display_name, email_verified_at, approved_at, created_at, updated_at)", maker, fmt.Sprintf("m%d@crowd.example", i), "m", "m", now, now, now, now)
				t.add("members (organization_id, user_id, role, created_at)", org, maker, "owner", now)
			}
			if i%10 == 0 {
				app = db.NewID()
				access := db.NewID()
				t.add("apps (id, organization_id, name, created_at, updated_at)", app, org, fmt.Sprintf("App %d", i/10), now, now)
				t.add("access (id, app_id, api_id, plan_id, state, purpose, created_at, updated_at)", access, app, w.API, plan, "approved", "bench", now, now)
				t.add("access_scopes (access_id, scope_id)", access, w.Scope)
			}
			id := db.NewID()
			t.add("keys (id, app_id, environment, name, data_domain, prefix, last_four, digest_algorithm, pepper_version, digest, created_by, expires_at, created_at, updated_at)", id, app, "live", fmt.Sprintf("Worker %d", i),
				"customer", "gk_live_", "abcd", "hmac-sha256", "1", fmt.Appendf(nil, "%032d", i), maker, now.Add(300*day), created.Add(time.Duration(i)*time.Millisecond), now)
			t.add("key_grants (key_id, api_id, scope_id)", id, w.API, w.Scope)
		}
		if err := w.DB.Tx(bg, t.write); err != nil {
			b.Fatal(err)
		}
	}
}

// table is rows to insert, by the table and columns that they go to.
type table struct {
	order []string
	rows  map[string][][]any
}

func (t *table) add(into string, row ...any) {
	if t.rows == nil {
		t.rows = map[string][][]any{}
	}
	if t.rows[into] == nil {
		t.order = append(t.order, into)
	}
	t.rows[into] = append(t.rows[into], row)
}

func (t *table) write(tx *db.Tx) error {
	for _, into := range t.order {
		for rows := t.rows[into]; len(rows) > 0; {
			n := min(len(rows), 100)
			one := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(rows[0])), ", ") + "), "
			var args []any
			for _, r := range rows[:n] {
				args = append(args, r...)
			}
			if _, err := tx.Run("INSERT INTO "+into+" VALUES "+strings.TrimSuffix(strings.Repeat(one, n), ", "), args...); err != nil {
				return err
			}
			rows = rows[n:]
		}
	}
	return nil
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEnforce warns of, and then acts on, all keys of a crowd by three rules: how long each takes, and the longest transaction.
// GATEHOUSE_BENCH_KEYS sets their number, else 2,000.
func BenchmarkEnforce(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("GATEHOUSE_BENCH_KEYS"))
	if n == 0 {
		n = 2000
	}
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		b.Run(string(dialect), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				clock := dbtest.NewClock()
				open := dbtest.SQLite
				if dialect == db.Postgres {
					open = dbtest.Postgres
				}
				w := keytest.New(b, open(b, clock), clock)
				crowd(b, w, n)
				clock.Advance(time.Minute)
				w.Run("INSERT INTO key_policies (subject_kind, subject_id, max_days, idle_days, rotate_days, networks, updated_at) VALUES ('api', ?, 250, 30, 60, TRUE, ?)", w.API, clock.Now())
				if dialect == db.Postgres {
					w.Run("ANALYZE")
				}
				b.StartTimer()
				store := enforcement.NewStore(w.DB, w.Keys)
				drain(b, w, store, "warn")
				w.Run(`INSERT INTO key_policy_dues (key_id, rule, subject_kind, subject_id, days, due_at, told, created_at)
					SELECT k.id, 'life', 'api', g.api_id, 250, k.created_at, 1, k.created_at FROM keys k JOIN key_grants g ON g.key_id = k.id WHERE k.created_at < ? ON CONFLICT DO NOTHING`, clock.Now().Add(-50*day))
				clock.Advance(14*day - time.Hour)
				drain(b, w, store, "remind")
				clock.Advance(30 * day)
				drain(b, w, store, "act")
				var waiting, paused, shortened int
				for into, query := range map[*int]string{&waiting: "SELECT COUNT(*) FROM key_policy_dues", &paused: "SELECT COUNT(*) FROM keys WHERE paused_at IS NOT NULL", &shortened: "SELECT COUNT(*) FROM audit_events WHERE act = 'key.shortened'"} {
					if err := w.DB.Read(bg).Raw(query).Row().Scan(into); err != nil {
						b.Fatal(err)
					}
				}
				var mails int
				_ = w.DB.Read(bg).Raw("SELECT COUNT(*) FROM mails").Row().Scan(&mails)
				b.Log("left due", waiting, "paused", paused, "shortened", shortened, "mails", mails)
			}
		})
	}
}

// BenchmarkTighten previews, saves and tells of a change that hits all keys of a crowd, those of one organization being a tenth of them: how long each takes,
// and the longest transaction. GATEHOUSE_BENCH_KEYS sets their number, else 2,000.
func BenchmarkTighten(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("GATEHOUSE_BENCH_KEYS"))
	if n == 0 {
		n = 2000
	}
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		b.Run(string(dialect), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				clock := dbtest.NewClock()
				open := dbtest.SQLite
				if dialect == db.Postgres {
					open = dbtest.Postgres
				}
				w := keytest.New(b, open(b, clock), clock)
				crowd(b, w, n)
				w.Run("UPDATE apps SET organization_id = ? WHERE name LIKE 'App %7'", w.Org)
				clock.Advance(time.Minute)
				if dialect == db.Postgres {
					w.Run("ANALYZE")
				}
				b.StartTimer()
				policies, store := policy.NewStore(w.DB), enforcement.NewStore(w.DB, w.Keys)
				var change db.ID
				measured(b, w, "propose", func() (err error) {
					change, err = policies.Propose(bg, w.Staff, policy.Source{Kind: policy.API, ID: w.API}, policy.Rules{MaxDays: new(30), IdleDays: new(30)})
					return err
				})
				measured(b, w, "confirm", func() error { return policies.Confirm(bg, w.Staff, change, 14) })
				payload, err := json.Marshal(policy.Told{ChangeID: change})
				if err != nil {
					b.Fatal(err)
				}
				measured(b, w, "tell", func() error { return store.Tell(bg, payload) })
				var told, mails int
				_ = w.DB.Read(bg).Raw("SELECT COUNT(*) FROM key_policy_change_keys WHERE told_at IS NOT NULL").Row().Scan(&told)
				_ = w.DB.Read(bg).Raw("SELECT COUNT(*) FROM mails").Row().Scan(&mails)
				b.Log("told", told, "mails", mails)
			}
		})
	}
}

// drain runs a step and tells what it cost; what another writer waits for meanwhile is how long its transactions are.
func drain(b *testing.B, w *keytest.World, store *enforcement.Store, step string) {
	b.Helper()
	measured(b, w, step, func() error { return store.Steps()[step](bg, w.Clock.Now()) })
}

func measured(b *testing.B, w *keytest.World, step string, do func() error) {
	b.Helper()
	begin, was := time.Now(), cpu(b)
	done, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		most := time.Duration(0)
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-done:
				longest <- most
				return
			case <-tick.C:
				at := time.Now()
				_ = w.DB.Tx(bg, func(tx *db.Tx) error {
					_, err := tx.Run("UPDATE settings SET value = value WHERE name = 'no such'")
					return err
				})
				most = max(most, time.Since(at))
			}
		}
	}()
	err := do()
	close(done)
	most := <-longest
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%s: %v, CPU of this process %v; another writer waits %v at most", step, time.Since(begin).Round(time.Millisecond), (cpu(b) - was).Round(time.Millisecond), most.Round(time.Millisecond))
}
