package db_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// A statement that the writer keeps prepared does what it would do prepared anew: after a failure, while its own rows are still read, when the table has
// changed, and when more texts came than are kept.
func TestKeptStatementsDoWhatTheirTextsSay(t *testing.T) {
	d := dbtest.SQLite(t, dbtest.NewClock())
	const insert, read = "INSERT INTO settings (name, value, updated_at) VALUES (?, ?, ?)", "SELECT name FROM settings WHERE name LIKE 'kept %' ORDER BY name"
	put := func(name string) error {
		return d.Tx(t.Context(), func(tx *db.Tx) error { _, err := tx.Run(insert, name, "{}", tx.Now); return err })
	}
	if err := errors.Join(put("kept 1"), put("kept 2")); err != nil {
		t.Fatal(err)
	}
	if err := put("kept 1"); !db.Duplicate(err) {
		t.Fatal("the same again:", err)
	}
	if err := put("kept 3"); err != nil {
		t.Fatal("after a failure:", err)
	}
	names := func(tx *db.Tx) (all []string, err error) { return all, tx.Raw(read).Scan(&all).Error }
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		outer, err := tx.Raw(read).Rows()
		if err != nil {
			return err
		}
		defer func() { _ = outer.Close() }()
		for n := 1; n < 9 && outer.Next(); n++ {
			var name string
			inner, err := names(tx)
			if err := errors.Join(err, outer.Scan(&name)); err != nil || len(inner) != 3 || name != fmt.Sprint("kept ", n) {
				t.Error("rows within rows:", name, inner, err)
			}
		}
		return outer.Err()
	})
	if err != nil {
		t.Fatal(err)
	}

	err = d.Tx(t.Context(), func(tx *db.Tx) error { _, err := tx.Run("ALTER TABLE settings ADD COLUMN more TEXT"); return err })
	changed := put("kept 4")
	for i := range 600 {
		err = errors.Join(err, d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec(fmt.Sprintf("SELECT %d", i)).Error }))
	}

	if err := errors.Join(err, changed, put("kept 5")); err != nil {
		t.Fatal(err)
	}
	err = d.Tx(t.Context(), func(tx *db.Tx) error {
		all, err := names(tx)
		if fmt.Sprint(all) != "[kept 1 kept 2 kept 3 kept 4 kept 5]" {
			t.Error(all)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
