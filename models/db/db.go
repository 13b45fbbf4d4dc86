// Package db opens the database (SQLite or PostgreSQL), runs transactions, and holds what every noun needs: ids, the clock, keyset
// pages. It knows no noun of the house.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the "pgx" driver
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Dialect is which database this is.
type Dialect string

// The two dialects.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// DB is an open database. SQLite has one writing connection and several that can only read; PostgreSQL one pool for both. Safe for
// concurrent use.
type DB struct {
	Dialect Dialect
	Clock   Clock
	Path    string // the file, of SQLite

	writer, reader         *gorm.DB
	writerPool, readerPool *sql.DB
	cursorKey              []byte

	mu        sync.RWMutex
	listeners []func([]Change)

	ballast ballast
	machine Clock     // of this machine, or the one given to Open
	follows *follower // nil: Clock is the machine's
}

// Options of Open.
type Options struct {
	URL       string // sqlite:PATH or postgres://…
	Clock     Clock  // nil: PostgreSQL's own, and SystemClock with SQLite
	CursorKey []byte // MAC key of page cursors; required before List is used
	MaxConns  int    // PostgreSQL pool or SQLite readers; 0: 16 or 4
}

// Open connects; it neither creates nor changes the schema (Migrate does). A SQLite file is made 0600 (C7).
func Open(ctx context.Context, o Options) (*DB, error) {
	d := &DB{Clock: o.Clock, cursorKey: o.CursorKey}
	follows := d.Clock == nil
	if follows {
		d.Clock = SystemClock
	}
	d.machine = d.Clock
	var err error
	if path, ok := strings.CutPrefix(o.URL, "sqlite:"); ok {
		err = d.openSQLite(ctx, path, or(o.MaxConns, 4))
	} else if strings.HasPrefix(o.URL, "postgres://") || strings.HasPrefix(o.URL, "postgresql://") {
		if err = d.openPostgres(ctx, o.URL, or(o.MaxConns, 16)); err == nil && follows {
			err = d.follow(ctx)
		}
	} else {
		err = errors.New("db: the database URL begins with sqlite: or postgres://")
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

func or(n, other int) int {
	if n > 0 {
		return n
	}
	return other
}

// gormConfig: errors told apart, and no logging by gorm: its log would hold values of rows. Statements are prepared by gorm only for the readers of SQLite.
// Those of its writer are kept by the connection, since gorm prepares anew within each transaction. For PostgreSQL pgx prepares them on each connection by itself,
// and gorm's own store of them would stop the process for good: whoever prepares outside a transaction holds its lock while waiting for a connection,
// and every connection may be held by a transaction that waits for that lock.
func gormConfig(prepare bool) *gorm.Config {
	return &gorm.Config{TranslateError: true, PrepareStmt: prepare, SkipDefaultTransaction: true, Logger: logger.Discard, NowFunc: SystemClock}
}

func (d *DB) openSQLite(ctx context.Context, path string, readers int) error {
	d.Dialect, d.Path = SQLite, path
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return fmt.Errorf("db: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return fmt.Errorf("db: %w", err)
	}
	if d.writerPool, d.readerPool, err = openSQLite(ctx, path, readers); err != nil {
		return err
	}
	if d.writer, err = gorm.Open(sqliteDialect{d.writerPool}, gormConfig(false)); err != nil {
		return err
	}
	d.reader, err = gorm.Open(sqliteDialect{d.readerPool}, gormConfig(true))
	return err
}

func (d *DB) openPostgres(ctx context.Context, url string, conns int) error {
	d.Dialect = Postgres
	pool, err := sql.Open("pgx", url)
	if err != nil {
		return fmt.Errorf("db: %w", err)
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxLifetime(30 * time.Minute)
	if err := pool.PingContext(ctx); err != nil {
		return errors.Join(fmt.Errorf("db: PostgreSQL does not answer: %w", err), pool.Close())
	}
	d.writerPool, d.readerPool = pool, pool
	if d.writer, err = gorm.Open(postgres.New(postgres.Config{Conn: pool}), gormConfig(false)); err != nil {
		return err
	}
	d.reader = d.writer
	return nil
}

// Close ends all connections.
func (d *DB) Close() error {
	if d.Dialect == Postgres {
		return d.writerPool.Close()
	}
	return errors.Join(d.readerPool.Close(), d.writerPool.Close())
}

// Now is the time by the database's clock setting.
func (d *DB) Now() time.Time { return d.Clock() }

// Read is for queries outside a transaction. With SQLite it can't write.
func (d *DB) Read(ctx context.Context) *gorm.DB { return d.reader.WithContext(ctx) }

// Writer is the pool that may write: for migrations, backups and health checks, not for stores.
func (d *DB) Writer() *sql.DB { return d.writerPool }

// Ping fails when the database does not answer.
func (d *DB) Ping(ctx context.Context) error { return d.readerPool.PingContext(ctx) }

// OnCommit registers fn to be called with the changes of each committed transaction, before Tx returns. fn must not
// block. Other processes see the same rows by polling.
func (d *DB) OnCommit(fn func([]Change)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listeners = append(d.listeners, fn)
}

func (d *DB) notify(changes []Change) {
	if len(changes) == 0 {
		return
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, fn := range d.listeners {
		fn(changes)
	}
}

// logRollback is told when a rollback itself fails: rare, harmless, worth a line. Where the context of the transaction is over, nothing is said: then pgx has
// closed the connection in the middle of a statement, which PostgreSQL takes for a rollback, and there is none left to ask for one.
func logRollback(ctx context.Context, err error) {
	if err != nil && !errors.Is(err, sql.ErrTxDone) && ctx.Err() == nil {
		slog.Warn("rollback failed", "error", err)
	}
}
