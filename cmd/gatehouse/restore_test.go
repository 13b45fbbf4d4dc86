package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// U3: a backup from which somebody took the beginning of the audit log, and wrote that it was archived, is refused: nobody signed that.
func TestABackupWithoutTheBeginningOfItsLogIsRefused(t *testing.T) {
	whole := installation{t, t.TempDir()}
	_, stop := whole.serve("", "demo")
	stop()
	whole.dir = filepath.Join(whole.dir, "demo")
	backup := filepath.Join(t.TempDir(), "backup.db")
	whole.must("backup", backup)
	d, err := db.Open(context.Background(), db.Options{URL: "sqlite:" + backup})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"INSERT INTO audit_archives (last_seq, first_seq, previous_hash, hash, at, public_key, signature) SELECT 15, 1, zeroblob(32), hash, at, '', '' FROM audit_events WHERE seq = 15",
		"DELETE FROM audit_personal WHERE event_id IN (SELECT id FROM audit_events WHERE seq <= 15)", "DELETE FROM audit_events WHERE seq <= 15",
	} {
		if _, err := d.Writer().Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	elsewhere := installation{t, t.TempDir()}
	secret, err := os.ReadFile(filepath.Join(whole.dir, "secret"))
	if err == nil {
		err = os.WriteFile(filepath.Join(elsewhere.dir, "secret"), secret, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}

	code, out, bad := elsewhere.run("", "restore", backup)

	if code == 0 || !strings.Contains(bad, "not whole") || !strings.Contains(bad, "not signed") {
		t.Error(code, out, bad)
	}
	if _, err := os.Stat(filepath.Join(elsewhere.dir, "gatehouse.db")); !os.IsNotExist(err) {
		t.Error("it was put in place", err)
	}
}
