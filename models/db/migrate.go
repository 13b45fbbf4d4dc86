package db

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/gatehouse-dev/gatehouse/migrations"
)

// Migrate brings the schema to this program's version, forward only. Several replicas may call it at once: on PostgreSQL a
// session lock lets one work while the others wait; on SQLite the file lock does.
func (d *DB) Migrate(ctx context.Context) error {
	p, err := d.goose()
	if err != nil {
		return fmt.Errorf("db: migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("db: migrate: %w", err)
	}
	return nil
}

// SchemaVersion tells the version of the database and the one that this program brings.
func (d *DB) SchemaVersion(ctx context.Context) (current, target int64, err error) {
	p, err := d.goose()
	if err != nil {
		return 0, 0, err
	}
	return p.GetVersions(ctx)
}

func (d *DB) goose() (*goose.Provider, error) {
	folder, err := fs.Sub(migrations.FS, string(d.Dialect))
	if err != nil {
		return nil, err
	}
	dialect, opts := goose.DialectSQLite3, []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if d.Dialect == Postgres {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		dialect, opts = goose.DialectPostgres, append(opts, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(dialect, d.writerPool, folder, opts...)
}

// Rows runs a query on the reading pool for callers that scan by hand, such as exports; the caller closes it.
func (d *DB) Rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return d.Read(ctx).Raw(query, args...).Rows()
}
