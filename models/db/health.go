package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/migrations"
)

// Health is how a database stands, for who operates it.
type Health struct {
	Version  string // as it names itself, such as 15.8
	Major    int    // of PostgreSQL, such as 15
	ReadOnly bool   // PostgreSQL that follows another, or whose transactions are read only by default

	Schema, Target int64 // migrations that it has, 0 for none; and those of this program

	Now time.Time // by its own clock; for SQLite this machine's

	Journal  string // of SQLite: wal
	WALBytes int64  // of SQLite

	MaxConns, UsedConns int // of PostgreSQL: all that it takes, of everybody
}

// Health asks. It changes nothing.
func (d *DB) Health(ctx context.Context) (h Health, err error) {
	if h.Target, err = d.target(); err != nil {
		return h, err
	}
	if d.Dialect == SQLite {
		err = d.healthOfSQLite(ctx, &h)
	} else {
		err = d.healthOfPostgres(ctx, &h)
	}
	if err != nil {
		return h, fmt.Errorf("db: health: %w", err)
	}
	return h, nil
}

// target is the newest migration of this program, read from its file's name.
func (d *DB) target() (newest int64, err error) {
	names, err := fs.Glob(migrations.FS, path.Join(string(d.Dialect), "*.sql"))
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("db: migration %s: %w", name, err)
		}
		newest = max(newest, n)
	}
	return newest, nil
}

func (d *DB) healthOfSQLite(ctx context.Context, h *Health) error {
	h.Now = d.Now()
	var tables int
	err := errors.Join(
		d.readerPool.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&h.Version),
		d.readerPool.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&h.Journal),
		d.readerPool.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'").Scan(&tables),
	)
	if info, bad := os.Stat(d.Path + "-wal"); bad == nil {
		h.WALBytes = info.Size()
	}
	return errors.Join(err, d.schema(ctx, h, tables > 0))
}

func (d *DB) healthOfPostgres(ctx context.Context, h *Health) error {
	var number, readOnly string
	var follows, there bool
	err := errors.Join(
		d.readerPool.QueryRowContext(ctx, "SHOW server_version_num").Scan(&number),
		d.readerPool.QueryRowContext(ctx, "SHOW server_version").Scan(&h.Version),
		d.readerPool.QueryRowContext(ctx, "SHOW default_transaction_read_only").Scan(&readOnly),
		d.readerPool.QueryRowContext(ctx, "SELECT pg_is_in_recovery(), clock_timestamp(), to_regclass('goose_db_version') IS NOT NULL").Scan(&follows, &h.Now, &there),
		d.readerPool.QueryRowContext(ctx, "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int, COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend'").
			Scan(&h.MaxConns, &h.UsedConns),
	)
	if n, bad := strconv.Atoi(number); bad == nil {
		h.Major = n / 10000
	}
	h.Version, _, _ = strings.Cut(h.Version, " ")
	h.ReadOnly, h.Now = follows || readOnly == "on", h.Now.UTC()
	return errors.Join(err, d.schema(ctx, h, there))
}

func (d *DB) schema(ctx context.Context, h *Health, there bool) error {
	if !there {
		return nil
	}
	return d.readerPool.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version").Scan(&h.Schema)
}

// errUndo ends a transaction that was only to show that it is possible.
var errUndo = errors.New("db: undone on purpose")

// CheckWritable fails when nothing can be written. It makes a table and takes it back before anybody sees it; it needs the rights that migrations need,
// and waits for who is writing as every transaction does.
func (d *DB) CheckWritable(ctx context.Context) error {
	err := d.Tx(ctx, func(tx *Tx) error {
		if _, err := tx.Run("CREATE TABLE gatehouse_doctor (probe INTEGER)"); err != nil {
			return err
		}
		if _, err := tx.Run("INSERT INTO gatehouse_doctor (probe) VALUES (1)"); err != nil {
			return err
		}
		return errUndo
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return err
}
