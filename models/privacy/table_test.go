package privacy_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/privacy"
)

// schema is which columns the tables of a database have. The engine's own tables are left out: they hold the words of search_documents in another form.
func schema(t *testing.T, d *db.DB) map[string][]string {
	t.Helper()
	query := "SELECT m.name AS t, c.name AS c FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
	if d.Dialect == db.Postgres {
		query = `SELECT c.relname AS t, a.attname AS c FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition`
	}
	var rows []struct{ T, C string }
	if err := d.Read(context.Background()).Raw(query).Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, r := range rows {
		if r.T != "goose_db_version" && r.T != "search_vocabulary" && !strings.HasPrefix(r.T, "search_index") && !strings.HasPrefix(r.T, "sqlite_") {
			out[r.T] = append(out[r.T], r.C)
		}
	}
	return out
}

// U8: whatever is kept is declared: why, for how long, and what becomes of it.
func TestEveryColumnOfBothSchemasIsDeclared(t *testing.T) {
	kept := schema(t, dbtest.SQLite(t, nil))
	for table, columns := range schema(t, dbtest.Postgres(t, nil)) {
		kept[table] = append(kept[table], columns...)
	}
	declared := map[string][]string{}
	for _, table := range privacy.Tables() {
		if declared[table.Name] != nil {
			t.Errorf("%s is declared twice", table.Name)
		}
		columns := table.Columns()
		declared[table.Name] = columns
		if twice := len(columns) - len(slices.Compact(slices.Clone(columns))); twice > 0 {
			t.Errorf("%s: %d columns are declared twice", table.Name, twice)
		}
	}
	for table, columns := range kept {
		for _, column := range columns {
			if !slices.Contains(declared[table], column) {
				t.Errorf("%s.%s is not in the table of tables: say in models/privacy what it holds of a person (Shown, Kept, People) or that it holds nothing (Plain)", table, column)
			}
		}
	}
	for table, columns := range declared {
		for _, column := range columns {
			if !slices.Contains(kept[table], column) {
				t.Errorf("%s.%s is in the table of tables and in no schema", table, column)
			}
		}
	}
}

// personal are names of columns that say whom or from where.
var personal = regexp.MustCompile(`(^|_)(email|address|network|user_agent|recipient|user_id|author_id|actor_id|subject_id|visitor|password_sealed|by)$`)

// plainAll are columns so named that are of no person.
var plainAll = []string{"key_policies.subject_id", "key_policy_changes.subject_id", "key_policy_dues.subject_id", "jobs.leased_by", "mails.leased_by"}

func TestNoColumnThatNamesAPersonIsPlain(t *testing.T) {
	for _, table := range privacy.Tables() {
		for _, column := range strings.Fields(table.Plain) {
			if personal.MatchString(column) && !slices.Contains(plainAll, table.Name+"."+column) {
				t.Errorf("%s.%s is said to hold nothing of a person", table.Name, column)
			}
		}
		if table.Record == "" && table.Kept+table.Shown != "" {
			t.Errorf("%s holds something of people, and no record tells of it", table.Name)
		}
		if table.Fate == privacy.Deleted && table.Of+table.Ends == "" {
			t.Errorf("%s: whose rows are deleted is not said", table.Name)
		}
	}
}
