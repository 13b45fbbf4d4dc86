package demo_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/demo"
)

// K1, K2, A1
func holdsNoSecret(t *testing.T, d *db.DB) {
	whole := regexp.MustCompile(`gk_(live|test)_[0-9A-Za-z]{10,}|\$argon2id\$|` + regexp.QuoteMeta(demo.Password))
	for _, table := range tables(t, d) {
		rows, err := d.Writer().QueryContext(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, places := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				places[i] = &values[i]
			}
			if err := rows.Scan(places...); err != nil {
				t.Fatal(err)
			}
			if found := whole.FindString(fmt.Sprint(text(values)...)); found != "" {
				t.Fatalf("%s holds a secret", table)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func text(values []any) []any {
	out := make([]any, len(values))
	for i, v := range values {
		if b, ok := v.([]byte); ok {
			v = string(bytes.ToValidUTF8(b, nil))
		}
		out[i] = v
	}
	return out
}

func tables(t *testing.T, d *db.DB) []string {
	t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if d.Dialect == db.Postgres {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
	}
	var names []string
	if err := d.Read(t.Context()).Raw(query).Scan(&names).Error; err != nil {
		t.Fatal(err)
	}
	// Counts hold numbers alone, and many of them.
	return slices.DeleteFunc(names, func(n string) bool { return slices.Contains([]string{"usage_hours", "usage_minutes", "usage_days"}, n) })
}
