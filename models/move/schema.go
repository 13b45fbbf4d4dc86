package move

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// kind is what a column holds, as the PostgreSQL side declares it.
type kind string

const (
	kindID      kind = "uuid"
	kindInteger kind = "bigint"
	kindBoolean kind = "boolean"
	kindTime    kind = "timestamp with time zone"
	kindText    kind = "text"
	kindBytes   kind = "bytea"
)

var kinds = map[string]kind{
	"uuid": kindID, "bigint": kindInteger, "integer": kindInteger, "smallint": kindInteger, "boolean": kindBoolean,
	"timestamp with time zone": kindTime, "text": kindText, "bytea": kindBytes,
}

type column struct {
	name string
	kind kind
}

// table is one whose rows are copied. where leaves rows out, in both databases; serial is its column that is numbered by the database, if any.
type table struct {
	name    string
	columns []column // by name
	serial  string
	where   string
}

// made is what the new installation makes itself: the migrations their own table, and the program the search index, which PostgreSQL keeps in another form.
var made = []string{"goose_db_version", "search_documents", "search_index", "search_vocabulary", "search_terms", "search_public_words", "search_spellings"}

// left are rows that belong to what is made anew: the new installation sees that its search index was never made, and makes it at its first start; and marks of moves.
var left = map[string]string{
	"settings": "name NOT IN ('search.built', '" + ArrivalName + "', '" + movedName + "')",
	"jobs":     "kind <> 'guide.search.rebuild'",
	"replicas": "1 = 0", // the servers of the old database are none of the new one
}

// columnQuery lists the columns of all tables, without parts of others. A type that kinds lacks is an error: nothing is copied by guess.
const columnQuery = `SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attidentity <> ''
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname, a.attname`

const referenceQuery = `SELECT DISTINCT c.relname, r.relname FROM pg_constraint f
JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class r ON r.oid = f.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
WHERE f.contype = 'f' AND c.oid <> r.oid AND NOT c.relispartition`

// tables reads which tables the target has, and orders them so that each comes after those to which it refers.
func tables(ctx context.Context, to *pgx.Conn) ([]table, error) {
	rows, err := to.Query(ctx, columnQuery)
	if err != nil {
		return nil, err
	}
	var all []table
	var name, col, typ string
	var identity bool
	_, err = pgx.ForEachRow(rows, []any{&name, &col, &typ, &identity}, func() error {
		if slices.Contains(made, name) {
			return nil
		}
		k, ok := kinds[typ]
		if !ok {
			return fmt.Errorf("%s.%s: a move knows no type %s", name, col, typ)
		}
		if len(all) == 0 || all[len(all)-1].name != name {
			all = append(all, table{name: name, where: left[name]})
		}
		t := &all[len(all)-1]
		t.columns = append(t.columns, column{col, k})
		if identity {
			t.serial = col
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	rows, err = to.Query(ctx, referenceQuery)
	if err != nil {
		return nil, err
	}
	needs := map[string][]string{}
	var needed string
	_, err = pgx.ForEachRow(rows, []any{&name, &needed}, func() error {
		needs[name] = append(needs[name], needed)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return order(all, needs)
}

func order(all []table, needs map[string][]string) ([]table, error) {
	var done []table
	placed := map[string]bool{}
	for len(done) < len(all) {
		before := len(done)
		for _, t := range all {
			ready := !placed[t.name] && !slices.ContainsFunc(needs[t.name], func(n string) bool { return !placed[n] })
			if ready {
				placed[t.name] = true
				done = append(done, t)
			}
		}
		if len(done) == before {
			return nil, fmt.Errorf("tables refer to one another in a circle: %d of %d can't be ordered", len(all)-before, len(all))
		}
	}
	return done, nil
}

// sourceQuery lists the columns of all SQLite tables but those of its search engine, which have shadows of their own.
const sourceQuery = `SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' AND m.name NOT LIKE 'search!_index%' ESCAPE '!' ORDER BY m.name, p.name`

// same fails unless the source has the same tables with the same columns, no more and no fewer.
func same(ctx context.Context, from *db.Hold, all []table) error {
	rows, err := from.Query(ctx, sourceQuery)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	have := map[string][]string{}
	for rows.Next() {
		var name, col string
		if err := rows.Scan(&name, &col); err != nil {
			return err
		}
		if !slices.Contains(made, name) {
			have[name] = append(have[name], col)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, t := range all {
		if got, want := have[t.name], t.names(); !slices.Equal(got, want) {
			return fmt.Errorf("table %s has the columns %s here and %s in PostgreSQL", t.name, strings.Join(got, ", "), strings.Join(want, ", "))
		}
		delete(have, t.name)
	}
	for name := range have {
		return fmt.Errorf("PostgreSQL has no table %s", name)
	}
	return nil
}

func (t table) names() []string {
	var names []string
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	return names
}

// query reads the rows that are copied. Names come from the catalogues of the databases, never from input; they are quoted all the same.
func (t table) query(columns string) string {
	q := "SELECT " + columns + " FROM " + pgx.Identifier{t.name}.Sanitize()
	if t.where != "" {
		q += " WHERE " + t.where
	}
	return q
}

func (t table) list() string {
	var quoted []string
	for _, c := range t.columns {
		quoted = append(quoted, pgx.Identifier{c.name}.Sanitize())
	}
	return strings.Join(quoted, ", ")
}

// number is the last number that the source gave in a column that counts by itself; 0 when it never gave one.
func (t table) number(ctx context.Context, from *db.Hold) (int64, error) {
	rows, err := from.Query(ctx, "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = ?", t.name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	return one[int64](rows)
}

func one[T any](rows *sql.Rows) (v T, err error) {
	if !rows.Next() {
		return v, rows.Err()
	}
	err = rows.Scan(&v)
	return v, err
}
