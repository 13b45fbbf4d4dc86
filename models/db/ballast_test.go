package db_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// REL-8: on a full disk what is urgent is written, and what is not leaves the room to it.
func TestFullDiskTakesWhatIsUrgent(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=40m"); err != nil {
		t.Fatalf("this test needs to mount a small file system, as root can: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	clock := dbtest.NewClock()
	d := dbtest.Open(t, "sqlite:"+filepath.Join(disk, "gatehouse.db"), clock)
	write := func(tx *db.Tx) error {
		_, err := tx.Run("INSERT INTO settings (name, value, updated_at) VALUES ('big', ?, ?) ON CONFLICT (name) DO UPDATE SET value = settings.value || excluded.value", string(make([]byte, 256<<10)), tx.Now)
		return err
	}
	if err := d.KeepBallast(); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(disk, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	_ = f.Close()
	var common error
	for range 100 { // until the log's own room is used up
		if common = d.Tx(t.Context(), write); common != nil {
			break
		}
	}
	urgent := d.Tx(db.Urgent(t.Context()), write)
	after := d.Tx(t.Context(), write)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	clock.Advance(2 * time.Second)
	again := d.Tx(t.Context(), write)

	if !db.Away(common) || urgent != nil || !errors.Is(after, db.ErrFull) || again != nil {
		t.Errorf("on a full disk: %v; urgent: %v; after that: %v; with room again: %v", common, urgent, after, again)
	}
	if info, err := os.Stat(d.Path + ".ballast"); err != nil || info.Size() == 0 {
		t.Error("no room is kept aside anew", err)
	}
}
