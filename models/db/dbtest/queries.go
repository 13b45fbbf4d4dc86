package dbtest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// CountQueries counts the statements that d runs from now on, in transactions and outside. Call it once a database.
func CountQueries(t testing.TB, d *db.DB) *atomic.Int64 {
	t.Helper()
	n := &atomic.Int64{}
	count := func(*gorm.DB) { n.Add(1) }
	watch := func(g *gorm.DB) error {
		c := g.Callback()
		return errors.Join(c.Query().Before("*").Register("count", count), c.Row().Before("*").Register("count", count), c.Raw().Before("*").Register("count", count))
	}
	err := watch(d.Read(context.Background()))
	if d.Dialect == db.SQLite { // its writer is apart
		err = errors.Join(err, d.Tx(context.Background(), func(tx *db.Tx) error { return watch(tx.DB) }))
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}
