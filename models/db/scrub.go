package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
)

// Scrub takes what was deleted out of SQLite's write-ahead log, which else keeps it until its room is used again: all of it goes into the file, and the log is cut to
// nothing. Where others read or write all the time nobody waits for it for more than half a second, and it does nothing but tell the log: the next call, of a sweep, may. PostgreSQL keeps house by
// itself.
func (d *DB) Scrub(ctx context.Context) error {
	if d.Dialect != SQLite || d.Moving() {
		return nil
	}
	own, err := sql.Open("sqlite", sqliteDSN(d.Path, false))
	if err != nil {
		return err
	}
	own.SetMaxOpenConns(1)
	_, err = own.ExecContext(ctx, "PRAGMA busy_timeout = 500")
	busy, rest, done := 0, 0, 0
	if err == nil {
		err = own.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &rest, &done)
	}
	if err == nil && busy != 0 {
		slog.InfoContext(ctx, "the write-ahead log was not emptied, as others read it: the next sweep tries again")
	}
	if err = errors.Join(err, own.Close()); err != nil {
		return fmt.Errorf("db: scrub: %w", err)
	}
	return nil
}
