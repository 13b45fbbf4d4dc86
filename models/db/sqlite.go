package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteDSN sets every pragma in the DSN, since a PRAGMA by Exec would reach one pooled connection only. FULL, not NORMAL: in
// WAL mode NORMAL may lose acknowledged commits at a power cut, and a revocation must not be lost. Times are
// integers (microseconds, UTC), so that they compare and sort as times. The log beside the file is cut back when it begins anew: a long read lets it grow
// (REL-7). What is deleted is overwritten, so that who is erased does not stay readable in free room of the file (U8); of the log Scrub does that.
func sqliteDSN(path string, readOnly bool) string {
	q := url.Values{}
	for _, p := range []string{"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "trusted_schema(0)", "journal_size_limit(33554432)", "secure_delete(1)"} {
		q.Add("_pragma", p)
	}
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	} else {
		q.Set("_txlock", "immediate")
	}
	q.Set("_timezone", "UTC")
	q.Set("_inttotime", "1")
	q.Set("_time_integer_format", "unix_micro")
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// sqliteDialect speaks SQLite to gorm over a ready connection pool. gorm's own dialect is not used: it links a second,
// C-built SQLite and does not understand this driver's errors, so unique violations would go unseen.
type sqliteDialect struct{ pool *sql.DB }

func (sqliteDialect) Name() string { return "sqlite" }

func (d sqliteDialect) Initialize(g *gorm.DB) error {
	g.ConnPool = d.pool
	callbacks.RegisterDefaultCallbacks(g, &callbacks.Config{
		CreateClauses: []string{"INSERT", "VALUES", "ON CONFLICT", "RETURNING"},
		UpdateClauses: []string{"UPDATE", "SET", "FROM", "WHERE", "RETURNING"},
		DeleteClauses: []string{"DELETE", "FROM", "WHERE", "RETURNING"},
	})
	g.ClauseBuilders["FOR"] = func(clause.Clause, clause.Builder) {} // SQLite locks the whole file: no row locks
	return nil
}

func (sqliteDialect) DefaultValueOf(f *schema.Field) clause.Expression {
	if f.AutoIncrement {
		return clause.Expr{SQL: "NULL"}
	}
	return clause.Expr{SQL: "DEFAULT"}
}

func (sqliteDialect) BindVarTo(w clause.Writer, _ *gorm.Statement, _ any) { _ = w.WriteByte('?') }

func (sqliteDialect) QuoteTo(w clause.Writer, name string) {
	for i, part := range strings.Split(name, ".") {
		if i > 0 {
			_ = w.WriteByte('.')
		}
		_, _ = w.WriteString("`" + strings.ReplaceAll(part, "`", "``") + "`")
	}
}

func (sqliteDialect) Explain(sql string, vars ...any) string {
	return logger.ExplainSQL(sql, nil, `"`, vars...)
}

// DataTypeOf and Migrator are asked for by AutoMigrate alone, which this house does not use: SQL owns the schema.
func (sqliteDialect) DataTypeOf(*schema.Field) string      { return "" }
func (sqliteDialect) Migrator(*gorm.DB) gorm.Migrator      { return nil }
func (sqliteDialect) SavePoint(g *gorm.DB, n string) error { return g.Exec("SAVEPOINT " + n).Error }
func (sqliteDialect) RollbackTo(g *gorm.DB, n string) error {
	return g.Exec("ROLLBACK TO SAVEPOINT " + n).Error
}

// Translate maps the driver's extended result codes to gorm's errors.
func (sqliteDialect) Translate(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		return fmt.Errorf("%w: %w", gorm.ErrDuplicatedKey, err)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("%w: %w", gorm.ErrForeignKeyViolated, err)
	case sqlite3.SQLITE_CONSTRAINT_CHECK:
		return fmt.Errorf("%w: %w", gorm.ErrCheckConstraintViolated, err)
	}
	return err
}

func openSQLite(ctx context.Context, path string, readers int) (writer, reader *sql.DB, err error) {
	if path == "" {
		return nil, nil, errors.New("db: SQLite needs a file")
	}
	if writer, err = openPreparing(sqliteDSN(path, false)); err != nil {
		return nil, nil, err
	}
	writer.SetMaxOpenConns(1)
	if err = writer.PingContext(ctx); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("db: open SQLite %s: %w", strconv.Quote(path), err), writer.Close())
	}
	if reader, err = sql.Open("sqlite", sqliteDSN(path, true)); err != nil {
		return nil, nil, errors.Join(err, writer.Close())
	}
	reader.SetMaxOpenConns(readers)
	reader.SetMaxIdleConns(readers)
	return writer, reader, nil
}
