package db_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// REL-16, C7
func TestBackupUnderLoadIsWholeAndRestores(t *testing.T) {
	d := dbtest.SQLite(t, nil)
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
				if err := d.Tx(t.Context(), func(tx *db.Tx) error { return addUser(tx, db.NewID().String()) }); err != nil {
					stopped <- err
					return
				}
			}
		}
	}()
	file, target := filepath.Join(t.TempDir(), "backup.db"), filepath.Join(t.TempDir(), "restored.db")
	if err := d.Tx(t.Context(), func(tx *db.Tx) error { return addUser(tx, "before@example.com") }); err != nil {
		t.Fatal(err)
	}

	err := d.Backup(t.Context(), file)
	close(stop)
	if loadErr := <-stopped; err != nil || loadErr != nil {
		t.Fatal(err, loadErr)
	}
	if err := db.RestoreFile(t.Context(), file, target, false); err != nil {
		t.Fatal(err)
	}

	restored := dbtest.Open(t, "sqlite:"+target, nil)
	var n int64
	if err := restored.Read(t.Context()).Raw("SELECT COUNT(*) FROM users WHERE email = 'before@example.com'").Scan(&n).Error; err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
	if err := db.RestoreFile(t.Context(), file, target, false); err == nil {
		t.Fatal("a restore replaced a database unasked")
	}
}

func TestDamagedBackupIsRefused(t *testing.T) {
	d := dbtest.SQLite(t, nil)
	file := filepath.Join(t.TempDir(), "backup.db")
	if err := d.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 8192; i < 20000; i++ {
		b[i] ^= 0x5a
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}

	err = db.RestoreFile(t.Context(), file, filepath.Join(t.TempDir(), "x.db"), false)

	if err == nil {
		t.Fatal("a damaged backup was restored")
	}
}
