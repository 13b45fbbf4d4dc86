package spool_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/spool"
)

// REL-8: a live segment that was restored with holes is filled before anything is counted in it.
func TestAFileWithHolesIsFilled(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "1", "live-0")
	open := func() {
		s, err := spool.Open(spool.Options{Dir: dir, Size: 1 << 20, Replica: "a", Boot: "b", Now: func() time.Time { return time.Unix(1, 0) }})
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	open()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()); err != nil {
		t.Fatal(err)
	}

	open()

	var stat syscall.Stat_t
	if err := syscall.Stat(path, &stat); err != nil || stat.Blocks*512 < info.Size() {
		t.Error(err, stat.Blocks*512, info.Size())
	}
}
