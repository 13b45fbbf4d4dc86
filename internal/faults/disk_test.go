package faults_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a file system of its own for the test, so large, and returns where.
func smallDisk(t testing.TB, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatalf("this test needs to mount a small file system, as root can: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes into a file until the disk is full, and returns its size.
func fill(t testing.TB, path string) int64 {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for size := 64 << 10; size >= 1; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
	n, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// REL-8: the disk of the data folder is full. Keys are verified all the same, what can't be written is 503, and when there is room again all goes on, without a restart.
func TestFullDiskStopsNoVerification(t *testing.T) {
	disk := smallDisk(t, "size=48m")
	c := companyAt(t, "sqlite:"+filepath.Join(disk, "gatehouse.db"), disk)
	env := c.env(map[string]string{"GATEHOUSE_DATA_DIR": disk, "GATEHOUSE_USAGE_SPOOL_MB": "8"})
	p := c.startIn(env)
	t.Cleanup(p.Kill)
	l := c.load(p)
	client := callers()
	defer client.CloseIdleConnections()
	known := c.worker("Known")
	c.knows(known, p)
	eventually(t, "keys are verified", func() bool { return l.good.of("VALID") > 50 })
	eventually(t, "room is kept aside", func() bool { _, err := os.Stat(c.db.Path + ".ballast"); return err == nil })
	filler := filepath.Join(disk, "filler")
	size := fill(t, filler)
	var writes answers
	made := 0
	eventually(t, "writes are refused", func() bool {
		size = fill(t, filler)
		began := time.Now()
		status, _ := c.call(client, p, http.MethodPost, "/v1/keys", c.newKey("Made"))
		writes.add(http.StatusText(status), time.Since(began))
		if status == http.StatusCreated {
			made++
		}
		return status != http.StatusCreated
	})
	pass(amount(2*time.Second, 10*time.Second))
	var revocation int
	revocation, _ = c.call(client, p, http.MethodPost, "/v1/keys/"+known.Key.ID.Show("key")+"/revoke", "")
	full := c.says(p, known)
	valid := l.good.of("VALID")
	eventually(t, "keys are verified on a full disk", func() bool { return l.good.of("VALID") > valid+50 })
	c.must(os.Remove(filler))
	room := eventually(t, "keys are made again", func() bool {
		status, _ := c.call(client, p, http.MethodPost, "/v1/keys", c.newKey("Made"))
		if status == http.StatusCreated {
			made++
		}
		return status == http.StatusCreated
	})
	l.end()
	c.stopped(p)

	l.honest(t)
	if bad := writes.others(http.StatusText(http.StatusCreated), http.StatusText(http.StatusServiceUnavailable)); len(bad) > 0 {
		t.Errorf("writes were %v", bad)
	}
	if bad := l.good.others("VALID"); len(bad) > 0 {
		t.Errorf("a good key was told %s", &l.good)
	}
	if revocation != http.StatusOK || full != "REVOKED" {
		t.Errorf("a revocation was answered %d, and the key is %s", revocation, full)
	}
	if there := c.number("SELECT COUNT(*) FROM keys WHERE name = 'Made'"); there != int64(made) {
		t.Errorf("%d keys are there, %d were acknowledged", there, made)
	}
	gone := c.exact(c.key.Key.ID, &l.good)
	c.sound()
	report(t, "REL-8", "disk filled with %d kB: writes %s; a revocation on the full disk: %d; %s; counts lost %d; written again %s after there was room", size>>10, &writes, revocation, l, gone, room.Round(time.Millisecond))
}
