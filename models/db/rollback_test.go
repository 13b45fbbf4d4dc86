package db_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// Whoever gives a transaction up, as background work does when the process ends, reads of no failure.
func TestATransactionThatIsGivenUpIsNoFailure(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		var said bytes.Buffer
		before := slog.Default()
		slog.SetDefault(slog.New(slog.NewTextHandler(&said, nil)))
		defer slog.SetDefault(before)
		for range 20 {
			ctx, end := context.WithCancel(t.Context())
			err := d.Tx(ctx, func(tx *db.Tx) error {
				end()
				_, err := tx.Run("DELETE FROM settings WHERE name = 'nothing'")
				return err
			})
			if err == nil {
				t.Fatal("it was committed")
			}
		}
		if strings.Contains(said.String(), "rollback failed") {
			t.Error(said.String())
		}
	})
}
