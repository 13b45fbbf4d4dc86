package db_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

func TestHealthTellsHowADatabaseStandsAndChangesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		before, beforeErr := d.Health(t.Context())

		writable := d.CheckWritable(t.Context())
		again := d.CheckWritable(t.Context())
		after, afterErr := d.Health(t.Context())

		if err := errors.Join(beforeErr, writable, again, afterErr); err != nil {
			t.Fatal(err)
		}
		if before.Schema != before.Target || before.Target < 23 || after.Schema != before.Schema || before.ReadOnly || before.Version == "" || before.Now.IsZero() {
			t.Errorf("%+v, then %+v", before, after)
		}
		if d.Dialect == db.SQLite && (before.Journal != "wal" || !before.Now.Equal(clock.Now())) || d.Dialect == db.Postgres && (before.Major < 12 || before.MaxConns < 2 || before.UsedConns < 1) {
			t.Errorf("%+v", before)
		}
	})
}

func TestDatabaseThatIsReadOnlyIsFoundOut(t *testing.T) {
	d := dbtest.Postgres(t, dbtest.NewClock())
	if _, err := d.Writer().ExecContext(t.Context(), "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || quote_ident(current_database()) || ' SET default_transaction_read_only = on'; END $$"); err != nil {
		t.Fatal(err)
	}
	own, err := d.Writer().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = own.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	if err == nil {
		_, err = own.ExecContext(t.Context(), "SELECT pg_terminate_backend(pg_backend_pid())")
	}
	_ = err // the connection is gone: that is what was asked for
	_ = own.Close()

	h, err := d.Health(context.Background())
	wrong := d.CheckWritable(context.Background())

	if err != nil || !h.ReadOnly || wrong == nil {
		t.Errorf("%+v %v %v", h, err, wrong)
	}
}
