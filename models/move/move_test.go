package move_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/demo"
	"github.com/gatehouse-dev/gatehouse/models/move"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// shared holds the demo company, filled once; each test moves a copy of its own.
var shared struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	if os.Getenv(dying) != "" {
		os.Exit(die())
	}
	code := m.Run()
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

func fillShared(ctx context.Context) error {
	var err error
	if shared.dir, err = os.MkdirTemp("", "move"); err != nil {
		return err
	}
	root, err := secret.Parse("nW4s8Tq0ZpL2vB7xKc9RyGm3HdJf6AeU", "")
	if err != nil {
		return err
	}
	d, err := db.Open(ctx, db.Options{URL: "sqlite:" + filepath.Join(shared.dir, "demo.db"), Clock: dbtest.NewClock().Now})
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Migrate(ctx); err != nil {
		return err
	}
	_, err = demo.Fill(ctx, demo.Options{DB: d, Root: root, Brand: "gk", Link: func(p string) string { return "http://127.0.0.1:8080" + p }})
	if err != nil {
		return err
	}
	return d.Backup(ctx, filepath.Join(shared.dir, "copy.db"))
}

// filled is the path of a SQLite database that holds the demo company, not open.
func filled(t *testing.T) string {
	t.Helper()
	shared.once.Do(func() { shared.err = fillShared(context.WithoutCancel(t.Context())) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	b, err := os.ReadFile(filepath.Join(shared.dir, "copy.db"))
	if err == nil {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func source(t *testing.T, path string) *db.DB {
	t.Helper()
	return dbtest.Open(t, "sqlite:"+path, dbtest.NewClock())
}

func quiet(move.Event) {}

// write changes something in the audited way that every store does.
func write(t *testing.T, d *db.DB) error {
	t.Helper()
	return d.Tx(t.Context(), func(tx *db.Tx) error {
		change.Record(tx, change.Setting, db.ID{})
		return setting.Put(tx, "written", db.NewID().String())
	})
}

func mustWrite(t *testing.T, d *db.DB) {
	t.Helper()
	if err := write(t, d); err != nil {
		t.Fatalf("the old database can't be written: %v", err)
	}
}

func mustRefuse(t *testing.T, d *db.DB) {
	t.Helper()
	err := write(t, d)
	if f := fault.As(err); f == nil || f.Kind != fault.Unavailable || f.RetryAfter == 0 || !errors.Is(err, db.ErrReadOnly) {
		t.Fatalf("a write was answered with %v", err)
	}
}

func text(t *testing.T, d *db.DB, query string) string {
	t.Helper()
	var s string
	if err := d.Read(t.Context()).Raw(query).Row().Scan(&s); err != nil {
		t.Fatal(query, err)
	}
	return s
}

// sums is what has to be equal, asked of each database in its own words.
var sums = map[string]string{
	"digests":     "SELECT COUNT(DISTINCT digest) || '/' || COUNT(*) FROM keys",
	"revocations": "SELECT COUNT(*) || ' ' || COALESCE(MIN(CAST(id AS TEXT)), '') || COALESCE(MAX(CAST(id AS TEXT)), '') FROM keys WHERE revoked_at IS NOT NULL",
	"changes":     "SELECT CAST(COUNT(*) AS TEXT) || '/' || CAST(MAX(seq) AS TEXT) FROM changes",
	"usage":       "SELECT CAST(SUM(calls) AS TEXT) FROM usage_days",
	"quotas":      "SELECT CAST(COALESCE(SUM(used), 0) AS TEXT) FROM quota_counters",
	"passwords":   "SELECT MIN(password_sealed) || MAX(password_sealed) FROM users",
	"mails":       "SELECT CAST(COUNT(*) AS TEXT) FROM mails",
	"posts":       "SELECT CAST(COUNT(*) AS TEXT) FROM posts",
}

func TestAMovedInstallationIsEqual(t *testing.T) {
	from := source(t, filled(t))
	url := testenv.Postgres(t)
	var steps []move.Step

	report, err := move.Run(t.Context(), move.Options{From: from, To: url, Tell: func(e move.Event) {
		if len(steps) == 0 || steps[len(steps)-1] != e.Step {
			steps = append(steps, e.Step)
		}
		if e.Step != move.Holding && e.Step != move.Finishing {
			mustRefuse(t, from) // what is copied stays as it is
			if n := text(t, from, sums["mails"]); n == "" {
				t.Error("it is not read meanwhile")
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}

	to := dbtest.Open(t, url, dbtest.NewClock())
	for name, query := range sums {
		if here, there := text(t, from, query), text(t, to, query); here != there || here == "" {
			t.Errorf("%s: %s here, %s there", name, here, there)
		}
	}
	here, err := audit.Verify(t.Context(), from)
	there, err2 := audit.Verify(t.Context(), to)
	if err != nil || err2 != nil || !here.Sound || !there.Sound || !slices.Equal(here.Head, there.Head) || here.Events < 100 {
		t.Error("the audit logs differ", here, there, err, err2)
	}
	want := []move.Step{move.Holding, move.Copying, move.Comparing, move.Verifying, move.Marking, move.Finishing}
	if !slices.Equal(steps, want) || len(report.Tables) < 60 || len(report.Numbers) != 2 {
		t.Error(steps, len(report.Tables), report.Numbers)
	}
	goesOnCounting(t, from, to)
	nothingForgotten(t, from, report)
	mustRefuse(t, from)
	if mark, gone, err := move.Departed(t.Context(), from); err != nil || !gone || mark.ID != report.Mark.ID || strings.Contains(mark.To, "@") {
		t.Error(mark, gone, err)
	}
	if _, arriving, err := move.Arriving(t.Context(), to); err != nil || arriving {
		t.Error("the new database still waits", err)
	}
}

// nothingForgotten: whatever table a migration makes is copied, but for those that the new installation fills itself.
func nothingForgotten(t *testing.T, from *db.DB, report move.Report) {
	t.Helper()
	var there, copied []string
	err := from.Read(t.Context()).Raw(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
		AND name NOT IN ('goose_db_version', 'search_documents', 'search_terms', 'search_public_words', 'search_spellings') AND name NOT LIKE 'search!_index%' ESCAPE '!' AND name NOT LIKE 'search!_vocabulary%' ESCAPE '!' ORDER BY name`).Scan(&there).Error
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range report.Tables {
		copied = append(copied, table.Name)
	}
	slices.Sort(copied)
	if !slices.Equal(there, copied) {
		t.Errorf("copied are %v, there are %v", copied, there)
	}
}

// goesOnCounting: the next change has the next number, so that whoever reads by numbers misses none (D5).
func goesOnCounting(t *testing.T, from, to *db.DB) {
	t.Helper()
	last, err := change.Last(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, to)
	next, err := change.Since(t.Context(), to, last, 10)
	if err != nil || len(next) == 0 || next[0].Seq != last+1 {
		t.Errorf("after %d came %v %v", last, next, err)
	}
}

// Each way of failing leaves the old database whole and writable, and the same move works afterwards.
func TestAFailedMoveLeavesTheOldOneWhole(t *testing.T) {
	path := filled(t)
	from := source(t, path)
	before := map[string]string{}
	for name, query := range sums {
		before[name] = text(t, from, query)
	}
	stop := errors.New("stopped here")
	for _, at := range []move.Event{{Step: move.Holding}, {Step: move.Copying, Table: "keys"}, {Step: move.Copying, Table: "audit_events"}, {Step: move.Comparing, Table: "keys"}, {Step: move.Verifying}, {Step: move.Marking}} {
		t.Run(fmt.Sprint("cut at ", at.Step, " ", at.Table), func(t *testing.T) {
			ctx, cut := context.WithCancelCause(t.Context())
			url := testenv.Postgres(t)

			_, err := move.Run(ctx, move.Options{From: from, To: url, Tell: func(e move.Event) {
				if e == at {
					cut(stop)
				}
			}})

			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			for name, query := range sums {
				if name != "changes" && text(t, from, query) != before[name] {
					t.Errorf("%s changed", name)
				}
			}
			mustWrite(t, from)
			copied := at.Step == move.Verifying || at.Step == move.Marking
			served(t, url, copied)
			if !copied {
				repeat(t, path, url)
			}
		})
	}
}

// served: a copy that was not finished says so to whoever would serve it; one that was rolled back holds nothing.
func served(t *testing.T, url string, copied bool) {
	t.Helper()
	d := dbtest.Open(t, url, dbtest.NewClock())
	_, arriving, err := move.Arriving(t.Context(), d)
	if err != nil || arriving != copied {
		t.Errorf("arriving %v, %v", arriving, err)
	}
	if n := text(t, d, "SELECT CAST(COUNT(*) AS TEXT) FROM keys"); (n == "0") == copied {
		t.Errorf("%s keys", n)
	}
}

// repeat moves a backup of the installation to where a move failed.
func repeat(t *testing.T, path, url string) {
	t.Helper()
	again := filepath.Join(t.TempDir(), "again.db")
	d := source(t, path)
	if err := d.Backup(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if _, err := move.Run(t.Context(), move.Options{From: source(t, again), To: url, Tell: quiet}); err != nil {
		t.Error("it can't be repeated:", err)
	}
}

func TestATargetThatRefusesARowIsNamedAndLeavesNothing(t *testing.T) {
	from := source(t, filled(t))
	url := dbtest.PostgresURL(t)
	execute(t, url, "ALTER TABLE key_grants ADD CONSTRAINT full_disk CHECK (api_id = scope_id)")

	_, err := move.Run(t.Context(), move.Options{From: from, To: url, Tell: quiet})

	if err == nil || !strings.Contains(err.Error(), "table key_grants") {
		t.Fatal(err)
	}
	mustWrite(t, from)
	served(t, url, false)
}

func TestADifferenceFailsTheMoveAndIsNamed(t *testing.T) {
	from := source(t, filled(t))
	url := dbtest.PostgresURL(t)
	execute(t, url, "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.revoked_at := NULL; RETURN NEW; END $$")
	execute(t, url, "CREATE TRIGGER meddle BEFORE INSERT ON keys FOR EACH ROW EXECUTE FUNCTION meddle()")

	_, err := move.Run(t.Context(), move.Options{From: from, To: url, Tell: quiet})

	if err == nil || !strings.Contains(err.Error(), "table keys: 121 rows here, 121 there, and they differ") || !strings.Contains(err.Error(), "revoked keys") {
		t.Fatal(err)
	}
	mustWrite(t, from)
	served(t, url, false)
}

func execute(t *testing.T, url, statement string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(t.Context())) }()
	if _, err := c.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestAMoveCutAtItsLastStepIsFinishedByTheSameCommand(t *testing.T) {
	from := source(t, filled(t))
	url := testenv.Postgres(t)
	ctx, cut := context.WithCancel(t.Context())
	_, err := move.Run(ctx, move.Options{From: from, To: url, Tell: func(e move.Event) {
		if e.Step == move.Finishing {
			cut()
		}
	}})
	if err == nil || !strings.Contains(err.Error(), "run the same command again") {
		t.Fatal(err)
	}
	mustRefuse(t, from)
	served(t, url, true)

	report, err := move.Run(t.Context(), move.Options{From: from, To: url, Tell: quiet})

	if err != nil || !report.Resumed {
		t.Fatal(err)
	}
	if _, arriving, err := move.Arriving(t.Context(), dbtest.Open(t, url, nil)); err != nil || arriving {
		t.Error(arriving, err)
	}
	if again, err := move.Run(t.Context(), move.Options{From: from, To: url, Tell: quiet}); err != nil || !again.Already || again.Resumed || again.Mark != report.Mark {
		t.Errorf("a finished move, repeated: %+v, %v", again, err)
	}
	if _, err := move.Run(t.Context(), move.Options{From: from, To: testenv.Postgres(t), Tell: quiet}); err == nil || !strings.Contains(err.Error(), "already") {
		t.Error("it moved twice:", err)
	}
}

func TestWhatIsNotEmptyOrOfAnotherSchemaIsNoTarget(t *testing.T) {
	from := dbtest.SQLite(t, dbtest.NewClock())
	for name, c := range map[string]struct{ statement, says string }{
		"rows":           {"INSERT INTO settings (name, value, updated_at) VALUES ('x', '1', now())", "not empty: table settings"},
		"foreign table":  {"CREATE TABLE aliens (id bigint)", "aliens"},
		"older schema":   {"DELETE FROM goose_db_version WHERE version_id = (SELECT MAX(version_id) FROM goose_db_version)", "the target has schema version"},
		"another column": {"ALTER TABLE keys ADD COLUMN extra text", "table keys has the columns"},
		"other things":   {"DROP TABLE goose_db_version", "not empty: it has the table"},
	} {
		t.Run(name, func(t *testing.T) {
			url := dbtest.PostgresURL(t)
			execute(t, url, c.statement)

			_, err := move.Run(t.Context(), move.Options{From: from, To: url, Tell: quiet})

			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Error(err)
			}
			mustWrite(t, from)
		})
	}
}

func TestASourceOfAnOlderSchemaIsNotMoved(t *testing.T) {
	from := dbtest.SQLite(t, dbtest.NewClock())
	if _, err := from.Writer().ExecContext(t.Context(), "DELETE FROM goose_db_version WHERE version_id = (SELECT MAX(version_id) FROM goose_db_version)"); err != nil {
		t.Fatal(err)
	}

	_, err := move.Run(t.Context(), move.Options{From: from, To: testenv.Postgres(t), Tell: quiet})

	if err == nil || !strings.Contains(err.Error(), "this installation has schema version") {
		t.Fatal(err)
	}
}

func TestTwoMovesAtOnceAreOne(t *testing.T) {
	from := dbtest.SQLite(t, dbtest.NewClock())
	var second error
	url, other := testenv.Postgres(t), testenv.Postgres(t)

	_, err := move.Run(t.Context(), move.Options{From: from, To: url, Tell: func(e move.Event) {
		if e.Step == move.Verifying {
			_, second = move.Run(t.Context(), move.Options{From: from, To: other, Tell: quiet})
		}
	}})

	if err != nil || !errors.Is(second, db.ErrHeld) {
		t.Fatal(err, second)
	}
}
