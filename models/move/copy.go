package move

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// reader streams the rows of a table from SQLite to COPY, a row in memory at a time, and digests them on the way.
type reader struct {
	ctx    context.Context
	table  table
	rows   *sql.Rows
	raw    []any
	into   []any
	values []any
	digest *Digest
	tell   func(rows int64)
	err    error
}

const tellEvery = 50_000

func newReader(ctx context.Context, from *db.Hold, t table, tell func(int64)) (*reader, error) {
	rows, err := from.Query(ctx, t.query(t.list())) //nolint:rowserrcheck // Err of the reader, which COPY asks
	if err != nil {
		return nil, err
	}
	n := len(t.columns)
	r := &reader{ctx: ctx, table: t, rows: rows, raw: make([]any, n), into: make([]any, n), values: make([]any, n), digest: &Digest{}, tell: tell}
	for i := range r.raw {
		r.into[i] = &r.raw[i]
	}
	return r, nil
}

// Next implements pgx.CopyFromSource.
func (r *reader) Next() bool {
	if r.err != nil || !r.rows.Next() {
		return false
	}
	if r.err = r.rows.Scan(r.into...); r.err != nil {
		return false
	}
	for i, c := range r.table.columns {
		if r.values[i], r.err = c.kind.value(r.raw[i]); r.err != nil {
			r.err = fmt.Errorf("row %d, column %s: %w", r.digest.Rows+1, c.name, r.err)
			return false
		}
	}
	r.digest.add(r.values)
	if r.digest.Rows%tellEvery == 0 {
		r.tell(r.digest.Rows)
	}
	return true
}

// Values implements pgx.CopyFromSource.
func (r *reader) Values() ([]any, error) { return r.values, nil }

// Err implements pgx.CopyFromSource.
func (r *reader) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.rows.Err()
}

// fill copies one table and returns the digest of what was read.
func fill(ctx context.Context, from *db.Hold, to pgx.Tx, t table, tell func(int64)) (*Digest, error) {
	r, err := newReader(ctx, from, t, tell)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.rows.Close() }()
	n, err := to.CopyFrom(ctx, pgx.Identifier{t.name}, t.names(), r)
	if err != nil {
		return nil, err
	}
	if n != r.digest.Rows {
		return nil, fmt.Errorf("%d rows were read, %d arrived", r.digest.Rows, n)
	}
	return r.digest, nil
}

// readBack digests what the target holds now, by its own account.
func readBack(ctx context.Context, to pgx.Tx, t table) (*Digest, error) {
	rows, err := to.Query(ctx, t.query(t.list()))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	d := &Digest{}
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return nil, err
		}
		for i, c := range t.columns {
			if values[i], err = c.kind.value(values[i]); err != nil {
				return nil, fmt.Errorf("column %s: %w", c.name, err)
			}
		}
		d.add(values)
	}
	return d, rows.Err()
}

// count has the numbers of a serial column go on where the source is, and tells the next one that the target will give.
func count(ctx context.Context, to pgx.Tx, t table, last int64) (next int64, err error) {
	err = to.QueryRow(ctx, "SELECT setval(pg_get_serial_sequence($1, $2), GREATEST($3::bigint, 1), $3::bigint > 0)", pgx.Identifier{t.name}.Sanitize(), t.serial, last).Scan(&next)
	if err != nil {
		return 0, err
	}
	var sequence string
	if err := to.QueryRow(ctx, "SELECT pg_get_serial_sequence($1, $2)", pgx.Identifier{t.name}.Sanitize(), t.serial).Scan(&sequence); err != nil {
		return 0, err
	}
	err = to.QueryRow(ctx, "SELECT last_value + CASE WHEN is_called THEN 1 ELSE 0 END FROM "+sequence).Scan(&next) // pg_get_serial_sequence quotes it
	return next, err
}
