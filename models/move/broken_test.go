package move_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/move"
)

// dying names the database that a child of a test moves; it is killed so long after it begins to mark the old one.
const (
	dying      = "MOVE_TEST_DYING"
	dyingTo    = "MOVE_TEST_DYING_TO"
	dyingAfter = "MOVE_TEST_DYING_AFTER"
)

// die moves, and ends as kill -9 ends a program.
func die() int {
	after, err := time.ParseDuration(os.Getenv(dyingAfter))
	if err != nil {
		return 2
	}
	d, err := db.Open(context.Background(), db.Options{URL: "sqlite:" + os.Getenv(dying), Clock: dbtest.NewClock().Now})
	if err != nil {
		return 2
	}
	kill := func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) }
	_, _ = move.Run(context.Background(), move.Options{From: d, To: os.Getenv(dyingTo), Tell: func(e move.Event) {
		switch {
		case e.Step != move.Marking:
		case after == 0:
			kill()
		default:
			time.AfterFunc(after, kill)
		}
	}})
	time.AfterFunc(0, kill) // it was faster than that
	select {}
}

// Killed at the very step that marks the old database, whenever within it: either the old one is whole and written again, or the same command finishes the move.
func TestAMoveKilledAtTheMarkIsEitherUndoneOrFinished(t *testing.T) {
	for _, after := range []time.Duration{0, 300 * time.Microsecond, 2 * time.Millisecond} {
		t.Run(fmt.Sprint("after ", after), func(t *testing.T) {
			path, url := filled(t), testenv.Postgres(t)
			child := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this test itself
			child.Env = append(os.Environ(), dying+"="+path, dyingTo+"="+url, dyingAfter+"="+after.String())

			err := child.Run()

			var killed *exec.ExitError
			if !errors.As(err, &killed) || killed.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatal(err)
			}
			from := source(t, path)
			_, moved, err := move.Departed(t.Context(), from)
			if err != nil || after == 0 && moved {
				t.Fatal("moved:", moved, err)
			}
			if !moved {
				mustWrite(t, from)
				served(t, url, true)
				return
			}
			mustRefuse(t, from)
			report, err := move.Run(t.Context(), move.Options{From: from, To: url, Tell: quiet})
			if err != nil || !report.Resumed && !report.Already {
				t.Errorf("%+v %v", report, err)
			}
		})
	}
}

// The disk of the new database fills up in the midst of the copy: the old one is whole and written again, the new one holds nothing, and with room it goes.
func TestAFullDiskOfTheTargetLeavesTheOldOneWhole(t *testing.T) {
	path := filled(t)
	from := source(t, path)
	server := testenv.OwnPostgres(t)
	disk := smallTablespace(t, server)
	filler := filepath.Join(disk, "filler")

	_, err := move.Run(t.Context(), move.Options{From: from, To: server.URL, Tell: func(e move.Event) {
		if e == (move.Event{Step: move.Copying, Table: "keys"}) {
			fill(t, filler)
		}
	}})

	if err == nil || !strings.Contains(err.Error(), "No space left on device") {
		t.Fatal(err)
	}
	mustWrite(t, from)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	served(t, server.URL, false)
	repeat(t, path, server.URL)
}

// smallTablespace puts the server's database on a disk of its own, and returns where that is.
func smallTablespace(t *testing.T, server *testenv.PostgresServer) string {
	t.Helper()
	c, err := pgx.Connect(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	var data string
	err = c.QueryRow(t.Context(), "SHOW data_directory").Scan(&data)
	if err = errors.Join(err, c.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	owner, err := os.Stat(data)
	if err != nil {
		t.Fatal(err)
	}
	who := owner.Sys().(*syscall.Stat_t) //nolint:forcetypeassert // on Linux
	disk := filepath.Join(filepath.Dir(data), "small")
	err = os.Mkdir(disk, 0o755) //nolint:gosec // PostgreSQL is another user
	if err == nil {
		err = syscall.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("size=192m,mode=0700,uid=%d,gid=%d", who.Uid, who.Gid))
	}
	if err != nil {
		t.Fatalf("this test needs to mount a small file system, as root can: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	server.Run("CREATE TABLESPACE small LOCATION '" + disk + "'")
	server.Run("ALTER DATABASE gatehouse SET TABLESPACE small")
	return disk
}

// fill writes until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path) //nolint:gosec // a path of the test
	if err != nil {
		t.Error(err)
		return
	}
	for size := 1 << 20; size >= 1; {
		if _, err = f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
