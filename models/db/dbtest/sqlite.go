package dbtest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// SQLite opens a migrated SQLite database in the test's folder.
func SQLite(t testing.TB, c *Clock) *db.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	migrated, err := template()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, migrated, 0o600); err != nil {
		t.Fatal(err)
	}
	return Open(t, "sqlite:"+path, c)
}

// template is the file of an empty migrated database: what each test would otherwise spend more time on than on its promise.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "gatehouse-template-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "gatehouse.db")
	d, err := db.Open(context.Background(), db.Options{URL: "sqlite:" + path})
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(context.Background()); err != nil {
		_ = d.Close()
		return nil, err
	}
	// Closing moves what is in the log into the file.
	if err := d.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
