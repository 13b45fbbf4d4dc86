package dbtest

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Small opens a migrated SQLite database on a file system of its own of 40 MiB, with room kept aside for what is urgent, and returns what fills that
// disk until a common transaction is refused for it. It needs root.
func Small(t testing.TB, c *Clock) (d *db.DB, fill func()) {
	t.Helper()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=40m"); err != nil {
		t.Fatalf("this test needs to mount a small file system, as root can: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	d = Open(t, "sqlite:"+filepath.Join(disk, "gatehouse.db"), c)
	if err := d.KeepBallast(); err != nil {
		t.Fatal(err)
	}
	return d, func() {
		t.Helper()
		f, err := os.Create(filepath.Join(disk, "filler"))
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = f.Write(make([]byte, 4096))
		}
		_ = f.Close()
		for range 400 { // until the log's own room is used up
			if err := d.Tx(t.Context(), grow); db.Away(err) {
				return
			}
		}
		t.Fatal("the disk is not full")
	}
}

// grow writes to a setting that nobody reads.
func grow(tx *db.Tx) error {
	_, err := tx.Run("INSERT INTO settings (name, value, updated_at) VALUES ('big', ?, ?) ON CONFLICT (name) DO UPDATE SET value = settings.value || excluded.value", string(make([]byte, 256<<10)), tx.Now)
	return err
}
