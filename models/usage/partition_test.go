package usage_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/usage"
)

// A page that reads hours and then series meets the job that drops a part, which locks them the other way round: the job gives way, and comes back.
func TestDroppingAPartFailsNoReader(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.Postgres(t, clock)
	clock.Set(time.Date(2027, 6, 9, 10, 30, 0, 0, time.UTC)) // the migration's parts are old
	reader, err := d.Writer().BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Rollback() }()
	if _, err := reader.ExecContext(t.Context(), "SET LOCAL deadlock_timeout = '700ms'"); err != nil { // it would be the first to find out, and to fail
		t.Fatal(err)
	}
	reads := func(table string) error {
		var n int
		return reader.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n)
	}
	var oldest string
	err = d.Read(t.Context()).Raw("SELECT MIN(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = CAST('usage_hours' AS regclass) AND inhrelid::regclass::text <> 'usage_hours_default'").Row().Scan(&oldest)
	if err != nil || oldest == "" {
		t.Fatal(oldest, err)
	}
	if err := reads(oldest); err != nil {
		t.Fatal(err)
	}
	swept := make(chan error, 1)
	go func() { swept <- usage.NewStore(d).Sweep(t.Context()) }()
	for waiting := 0; waiting == 0; {
		if err := d.Read(t.Context()).Raw("SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation IS NOT NULL AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").Row().Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}

	read := reads("usage_series")
	_ = reader.Rollback()

	if read != nil {
		t.Error("the reader:", read)
	}
	if err := <-swept; err != nil {
		t.Error("the job:", err)
	}
	var parts int
	if err := d.Read(t.Context()).Raw("SELECT COUNT(*) FROM pg_inherits WHERE inhparent = CAST('usage_minutes' AS regclass)").Row().Scan(&parts); err != nil || parts != 9 {
		t.Errorf("%d parts: %v", parts, err)
	}
}
