package usage_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/internal/spool"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/usagetest"
)

// smallDisk names a folder for the child of a test, and ownMounts says that it may mount a disk there: nobody else sees it, and it is gone with the child.
const (
	smallDisk = "USAGE_TEST_SMALL_DISK"
	ownMounts = "USAGE_TEST_OWN_MOUNTS"
)

// A disk of a few MiB. Where nothing may be mounted, files that grow are refused in its stead.
type disk struct {
	t       *testing.T
	dir     string
	mounted bool
}

func mountDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{t: t, dir: os.Getenv(smallDisk), mounted: os.Getenv(ownMounts) != ""}
	t.Log("a disk of its own:", d.mounted)
	if !d.mounted {
		return d
	}
	if err := errors.Join(syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""), syscall.Mount("tmpfs", d.dir, "tmpfs", 0, "size=4m")); err != nil {
		t.Fatal(err)
	}
	return d
}

// full leaves no room for another byte.
func (d *disk) full() {
	d.t.Helper()
	if !d.mounted {
		d.limit(16 << 10)
		return
	}
	err := os.WriteFile(filepath.Join(d.dir, "others"), make([]byte, 4<<20), 0o600)
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatal("the disk is not full:", err)
	}
}

func (d *disk) free() {
	d.t.Helper()
	if !d.mounted {
		d.limit(1 << 40)
	} else if err := os.Remove(filepath.Join(d.dir, "others")); err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) limit(size uint64) {
	d.t.Helper()
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: 1 << 40}); err != nil {
		d.t.Fatal(err)
	}
}

// REL-8: the disk is full and the database away. Calls are answered; what finds no room is counted as dropped, and told; when there is room again
// counting goes on, in the same process; and what is stored and what was dropped are what was called.
func TestFullDiskDropsCountsSaysSoAndRecovers(t *testing.T) {
	if os.Getenv(smallDisk) == "" {
		inChild(t)
		return
	}
	clock := dbtest.NewClock()
	w := usagetest.New(t, dbtest.SQLite(t, clock))
	_, text := w.AddKey(w.App, "Worker", w.Orders, w.OrdersRead)
	on := mountDisk(t)
	var said bytes.Buffer
	log, boot := slog.New(slog.NewTextHandler(&said, nil)), usage.NewBoot()
	s, err := spool.Open(spool.Options{Dir: on.dir, Size: 4 << 20, Replica: "one", Boot: boot, Now: w.DB.Clock, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{w: w, t: t, ring: w.Ring(), counters: keyring.NewUsage(0)}
	r.flusher = usage.NewFlusher(usage.FlusherOptions{DB: w.DB, Counters: r.counters, Spool: s, Replica: "one", Boot: boot, Log: log})
	r.flush()
	gone, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	var made int64
	minutes := func(n int, until func(usage.State) bool) usage.State {
		for range n {
			if made += r.busyMinute(text); until(r.flusher.State()) {
				break
			}
			_ = r.flusher.Flush(gone)
			clock.Advance(time.Minute)
		}
		return r.flusher.State()
	}

	on.full()
	full := minutes(3000, func(s usage.State) bool { return s.Dropped > 1000 })
	on.free()
	_ = r.flusher.Flush(gone) // tells of what was dropped until now, and finds room
	freed := r.flusher.State()
	later := minutes(50, func(usage.State) bool { return false })
	r.flush()

	if full.Dropped <= 1000 || freed.Dropped < full.Dropped || later.Dropped != freed.Dropped || later.Waiting <= full.Waiting {
		t.Fatalf("full %+v, freed %+v, later %+v", full, freed, later)
	}
	if got := total(t, w, usage.Week); got.All()+later.Dropped != made {
		t.Errorf("%+v of %d calls, and %d dropped", got, made, later.Dropped)
	}
	if after := r.flusher.State(); after.Waiting != 0 || after.Behind != 0 {
		t.Errorf("%+v", after)
	}
	for _, line := range []string{"verifications were not counted: no room", "the usage spool has no room for more", "usage is stored again"} {
		if !strings.Contains(said.String(), line) {
			t.Errorf("the log does not say %q", line)
		}
	}
	if err := r.flusher.Close(); err != nil {
		t.Error(err)
	}
}

// busyMinute is verified and counted under each code and route; it returns how many calls that was.
func (r *replica) busyMinute(text string) (made int64) {
	r.t.Helper()
	r.poll()
	if code := r.verify(text, target("GET", "/v2/orders")); code != keyring.Valid {
		r.t.Fatalf("with a full disk a good key is %s", code)
	}
	made++
	facts, api := r.w.Facts(r.ring, text), r.w.API(r.ring, "orders")
	for _, path := range []string{"/v2/orders", "/v2/orders/7", "/elsewhere"} {
		req := target("GET", path)
		for code := keyring.Revoked; code < keyring.Valid; code++ {
			r.counters.Count(r.w.DB.Now(), facts, api, &req, &keyring.Decision{Code: code})
			made++
		}
	}
	return made
}

// inChild runs the test once more, in a process that may mount what no other sees.
func inChild(t *testing.T) {
	t.Helper()
	run := func(flags uintptr, may string) ([]byte, error) {
		child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v") //nolint:gosec // this very test
		child.Env = append(os.Environ(), smallDisk+"="+t.TempDir(), ownMounts+"="+may)
		child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
		return child.CombinedOutput()
	}
	out, err := run(syscall.CLONE_NEWNS, "yes")
	if errors.Is(err, syscall.EPERM) {
		out, err = run(0, "")
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%s", out)
}
