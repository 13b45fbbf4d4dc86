package dbtest

import (
	"context"
	"fmt"
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
		// Who reads keeps the log from beginning anew, in room of its own that is enough for small transactions.
		reader := d.Read(context.Background()).Begin()
		t.Cleanup(func() { reader.Rollback() })
		var n int
		if err := reader.Raw("SELECT COUNT(*) FROM settings").Scan(&n).Error; err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{256 << 10, 1} { // bytes: by the second what the first left
			for n := 0; !db.Away(d.Tx(t.Context(), grow(size))); n++ {
				if n == 4000 {
					t.Fatal("the disk is not full")
				}
			}
		}
	}
}

// grow writes to a setting that nobody reads.
func grow(size int) func(tx *db.Tx) error {
	return func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO settings (name, value, updated_at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET value = settings.value || excluded.value", fmt.Sprintf("by %d bytes", size), string(make([]byte, size)), tx.Now)
		return err
	}
}
