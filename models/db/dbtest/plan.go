package dbtest

import (
	"context"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Statement is one that a database ran.
type Statement struct {
	SQL  string
	Args []any
}

// Reads remembers the statements that d reads with from now on, outside of transactions. Call it once a database; what it returns gives those since it was last called.
func Reads(t testing.TB, d *db.DB) func() []Statement {
	t.Helper()
	var mu sync.Mutex
	var seen []Statement
	keep := func(g *gorm.DB) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, Statement{g.Statement.SQL.String(), g.Statement.Vars})
	}
	c := d.Read(context.Background()).Callback()
	for _, err := range []error{c.Query().After("*").Register("keep", keep), c.Row().After("*").Register("keep", keep)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return func() []Statement {
		mu.Lock()
		defer mu.Unlock()
		defer func() { seen = nil }()
		return seen
	}
}

// Plan is how the database carries out a statement, a line each step. PostgreSQL plans without regard to how few rows there are: it scans and sorts only where no index serves.
func Plan(t testing.TB, d *db.DB, s Statement) string {
	t.Helper()
	var steps []string
	err := d.Tx(context.Background(), func(tx *db.Tx) error {
		if d.Dialect == db.SQLite {
			var rows []struct{ Detail string }
			err := tx.Raw("EXPLAIN QUERY PLAN "+s.SQL, s.Args...).Scan(&rows).Error
			for _, r := range rows {
				steps = append(steps, r.Detail)
			}
			return err
		}
		for _, set := range []string{"SET LOCAL enable_seqscan = off", "SET LOCAL enable_sort = off", "SET LOCAL enable_bitmapscan = off"} {
			if _, err := tx.Run(set); err != nil {
				return err
			}
		}
		rows, err := tx.Statement.ConnPool.QueryContext(context.Background(), "EXPLAIN "+s.SQL, s.Args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var step string
			if err := rows.Scan(&step); err != nil {
				return err
			}
			steps = append(steps, step)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(steps, "\n")
}
