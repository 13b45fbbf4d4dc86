package db_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

func settings(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	if err := d.Read(t.Context()).Raw("SELECT COUNT(*) FROM settings").Row().Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const putOne = "INSERT INTO settings (name, value, updated_at) VALUES ('x', '1', ?)"

func TestALookAheadChangesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		before := settings(t, d)
		err := d.View(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Run(putOne, tx.Now)
			return err
		})
		if (err == nil) != (d.Dialect == db.Postgres) || settings(t, d) != before {
			t.Error(err, settings(t, d), before)
		}
	})
}

func TestAHeldDatabaseIsReadAndNotWritten(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	hold, err := d.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	err = d.Tx(t.Context(), func(*db.Tx) error { t.Error("it began"); return nil })
	looked := d.View(t.Context(), func(tx *db.Tx) error { return tx.Exec("SELECT 1 FROM settings").Error })

	if f := fault.As(err); f == nil || f.Kind != fault.Unavailable || f.RetryAfter == 0 || !errors.Is(err, db.ErrReadOnly) || !d.Moving() {
		t.Error(err)
	}
	if looked != nil {
		t.Error(looked)
	}
	if err := hold.Release(); err != nil {
		t.Fatal(err)
	}
	if err := d.Tx(t.Context(), func(tx *db.Tx) error { _, err := tx.Run(putOne, tx.Now); return err }); err != nil || d.Moving() {
		t.Error("what was given back is not written:", err)
	}
}

// K8
func TestADatabaseThatWasMovedIsLeftAtOnce(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	hold, err := d.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	err = hold.Finish(t.Context(), time.Time{})
	gone := d.Left(t.Context())
	clock.Advance(-time.Hour)
	before := d.Left(t.Context())

	if err != nil || !errors.Is(gone, db.ErrLeft) || !errors.Is(before, db.ErrLeft) {
		t.Error(err, gone, before)
	}
}

func TestADatabaseThatWasMovedWithGraceIsLeftAfterIt(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	hold, err := d.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	never := d.Left(t.Context())
	if err := hold.Finish(t.Context(), clock.Now().Add(15*time.Minute)); err != nil {
		t.Fatal(err)
	}

	now := d.Left(t.Context())
	clock.Advance(14 * time.Minute)
	atLast := d.Left(t.Context())
	clock.Advance(time.Minute)
	gone := d.Left(t.Context())

	if never != nil || now != nil || atLast != nil || !errors.Is(gone, db.ErrLeft) {
		t.Error(never, now, atLast, gone)
	}
}
