package move

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// figures are counts that people ask for first; the digests cover them all.
var figures = []struct{ name, query string }{
	{"keys that are not revoked", "SELECT CAST(COUNT(*) AS TEXT) FROM keys WHERE revoked_at IS NULL"},
	{"revoked keys", "SELECT CAST(COUNT(*) AS TEXT) FROM keys WHERE revoked_at IS NOT NULL"},
	{"last change", "SELECT CAST(COALESCE(MAX(seq), 0) AS TEXT) FROM changes"},
	{"calls of monthly quotas", "SELECT CAST(COALESCE(SUM(used), 0) AS TEXT) FROM quota_counters"},
	{"calls of daily quotas", "SELECT CAST(COALESCE(SUM(used), 0) AS TEXT) FROM quota_days"},
	{"audit events", "SELECT CAST(events AS TEXT) FROM audit_head"},
}

// compare reads the target back. All differences are told at once.
func (m *mover) compare(ctx context.Context, tx pgx.Tx, digests map[string]*Digest) error {
	var wrong []string
	for _, t := range m.tables {
		m.Tell(Event{Step: Comparing, Table: t.name})
		here := digests[t.name]
		there, err := readBack(ctx, tx, t)
		if err != nil {
			return fmt.Errorf("table %s, read back: %w", t.name, err)
		}
		if !here.Equal(there) {
			wrong = append(wrong, fmt.Sprintf("table %s: %d rows here, %d there, and they differ", t.name, here.Rows, there.Rows))
		}
		m.report.Tables = append(m.report.Tables, Table{t.name, here.Rows, here.String()})
	}
	more, err := m.compareNumbers(ctx, tx)
	if err != nil {
		return err
	}
	wrong = append(wrong, more...)
	if more, err = m.compareFigures(ctx, tx); err != nil {
		return err
	}
	if wrong = append(wrong, more...); len(wrong) > 0 {
		return fmt.Errorf("the copy is not equal: %s", strings.Join(wrong, "; "))
	}
	return nil
}

func (m *mover) compareNumbers(ctx context.Context, tx pgx.Tx) (wrong []string, err error) {
	for _, t := range m.tables {
		if t.serial == "" {
			continue
		}
		last, err := t.number(ctx, m.hold)
		if err != nil {
			return nil, err
		}
		next, err := count(ctx, tx, t, last)
		if err != nil {
			return nil, fmt.Errorf("table %s, numbers: %w", t.name, err)
		}
		if next != last+1 {
			wrong = append(wrong, fmt.Sprintf("table %s: the next number is %d here and %d there", t.name, last+1, next))
		}
		m.report.Numbers = append(m.report.Numbers, Number{t.name, next})
	}
	return wrong, nil
}

func (m *mover) compareFigures(ctx context.Context, tx pgx.Tx) (wrong []string, err error) {
	for _, f := range figures {
		here, err := text(m.hold.Query(ctx, f.query))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		var there string
		if err := tx.QueryRow(ctx, f.query).Scan(&there); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		if here != there {
			wrong = append(wrong, fmt.Sprintf("%s: %s here, %s there", f.name, here, there))
		}
		m.report.Figures = append(m.report.Figures, Figure{f.name, here})
	}
	return wrong, nil
}

func text(rows *sql.Rows, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	return one[string](rows)
}

// clear makes sure that nothing but what the migrations put is in the target, and takes that out. Whoever starts a server over it meanwhile waits.
func (m *mover) clear(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "LOCK TABLE settings IN EXCLUSIVE MODE"); err != nil {
		return err
	}
	if err := m.empty(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "DELETE FROM audit_head")
	return err
}

// asked is what one row can be asked of.
type asked interface {
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}

// empty fails when a table of the target holds rows that no migration put there.
func (m *mover) empty(ctx context.Context, to asked) error {
	for _, t := range m.tables {
		query := "SELECT EXISTS (SELECT 1 FROM " + pgx.Identifier{t.name}.Sanitize() + ")"
		if t.name == "audit_head" {
			query = "SELECT EXISTS (SELECT 1 FROM audit_head WHERE seq > 0)"
		}
		var holds bool
		if err := to.QueryRow(ctx, query).Scan(&holds); err != nil {
			return err
		}
		if holds {
			return errTaken(t.name)
		}
	}
	return nil
}

func errTaken(name string) error {
	return fmt.Errorf("the target is not empty: table %s holds rows. Name an empty database; if this is what an interrupted move left, drop it and make it anew", name)
}

// prepare opens the target once as a server would: one without tables is migrated, one of another version refused, and so is one that holds anything. All of that before
// the source is held, from when on nothing can be revoked.
func (m *mover) prepare(ctx context.Context) error {
	target, err := db.Open(ctx, db.Options{URL: m.To, MaxConns: 2})
	if err != nil {
		return fmt.Errorf("move: %w", err)
	}
	defer func() { _ = target.Close() }()
	var there []string
	if err := target.Read(ctx).Raw("SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY table_name").Scan(&there).Error; err != nil {
		return fmt.Errorf("move: %w", err)
	}
	if len(there) == 0 {
		if err := target.Migrate(ctx); err != nil {
			return fmt.Errorf("move: %w", err)
		}
	}
	known := false
	for _, name := range there {
		known = known || name == "goose_db_version"
	}
	if len(there) > 0 && !known {
		return fmt.Errorf("move: the target is not empty: it has the table %s. Name an empty database", there[0])
	}
	if err := current(ctx, target, "the target"); err != nil {
		return err
	}
	if m.tables, err = tables(ctx, m.to); err != nil {
		return fmt.Errorf("move: %w", err)
	}
	if err := m.empty(ctx, m.to); err != nil {
		return fmt.Errorf("move: %w", err)
	}
	return nil
}

func current(ctx context.Context, d *db.DB, whose string) error {
	have, want, err := d.SchemaVersion(ctx)
	if err != nil {
		return fmt.Errorf("move: schema of %s: %w", whose, err)
	}
	if have != want {
		return fmt.Errorf("move: %s has schema version %d, this program works with %d: run gatehouse migrate with the same program first", whose, have, want)
	}
	return nil
}
