package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/spool"
)

var began = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

func open(t *testing.T, dir, boot string, size int64) *spool.Spool {
	t.Helper()
	s, err := spool.Open(spool.Options{Dir: dir, Size: size, Replica: "host/1", Boot: boot, Now: func() time.Time { return began }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// add counts n calls of what text names.
func add(t *testing.T, s *spool.Segment, text string, n int64) {
	t.Helper()
	slot, _ := s.Add(1, []byte(text))
	if slot == nil {
		t.Fatal("no room")
	}
	slot.Calls, slot.Last, slot.Cost = n, n*10, n*100
}

// contents are the records that wait, in order: "boot.seq text=calls".
func contents(t *testing.T, s *spool.Spool) (all []string) {
	t.Helper()
	for w := s.Head(); w != nil; w = s.Head() {
		_, err := s.Read(w, func(r spool.Record) {
			all = append(all, fmt.Sprintf("%s %s.%d %s=%d/%d/%d", w.Replica, w.Boot, w.Seq, r.Data, r.Calls, r.Last, r.Cost))
		})
		if err := errors.Join(err, s.Done(w)); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestMain is, with arguments of its own, a process that counts until it is killed.
func TestMain(m *testing.M) {
	dir := os.Getenv("SPOOL_TEST_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := spool.Open(spool.Options{Dir: dir, Size: 64 << 20, Replica: "host/9", Boot: "dead", Now: func() time.Time { return began }})
	if err != nil {
		panic(err)
	}
	slot, _ := s.Live().Add(1, []byte("first"))
	slot.Calls = 41
	if _, err := s.Seal(); err != nil {
		panic(err)
	}
	slot.Calls++ // by whoever had hold of it still
	for i := 1; ; i++ {
		if slot, _ = s.Live().Add(1, fmt.Appendf(nil, "n%d", i)); slot == nil {
			fmt.Println("full")
			select {}
		}
		slot.Calls = int64(i)
		fmt.Println(i)
	}
}

// REL-3: what was counted before a process was killed is there, each number that it told of.
func TestKilledProcessLosesNothing(t *testing.T) {
	dir := t.TempDir()
	for round := range 5 {
		child := exec.Command(os.Args[0]) //nolint:gosec // this very test
		child.Env = append(os.Environ(), "SPOOL_TEST_DIR="+dir)
		told, err := child.StdoutPipe()
		if err := errors.Join(err, child.Start()); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		if _, err := io.CopyN(&said, told, int64(100+997*round)); err != nil {
			t.Fatal(err)
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(&said, told)
		_ = child.Wait()

		got := contents(t, open(t, dir, fmt.Sprint("next", round), 1<<20))

		lines := strings.Fields(said.String())
		if !strings.HasSuffix(said.String(), "\n") {
			lines = lines[:len(lines)-1]
		}
		if len(got) < 1+len(lines) || len(got) > 2+len(lines) || got[0] != "host/9 dead.1 first=42/0/0" {
			t.Fatalf("%d records of %d told", len(got), len(lines))
		}
		for i := range lines {
			if want := fmt.Sprintf("host/9 dead.2 n%d=%d/0/0", i+1, i+1); got[i+1] != want {
				t.Fatalf("got %s, want %s", got[i+1], want)
			}
		}
	}
}

func TestSegmentsKeepTheirNamesAndOrder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, "one", 4<<20)
	for i := range 4 {
		add(t, s.Live(), fmt.Sprint("r", i), int64(i+1))
		if _, err := s.Seal(); err != nil {
			t.Fatal(err)
		}
	}
	add(t, s.Live(), "last", 9)
	waiting := s.Stats()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	got := contents(t, open(t, dir, "two", 4<<20))

	same(t, got, "host/1 one.1 r0=1/10/100", "host/1 one.2 r1=2/20/200", "host/1 one.3 r2=3/30/300", "host/1 one.4 r3=4/40/400", "host/1 one.5 last=9/90/900")
	if waiting.Waiting != 4 || waiting.Bytes == 0 {
		t.Errorf("%+v", waiting)
	}
}

// Two processes never share a place; what one leaves the next takes over, while the other goes on.
func TestProcessesDoNotShareAPlace(t *testing.T) {
	dir := t.TempDir()
	one, two := open(t, dir, "one", 1<<20), open(t, dir, "two", 1<<20)
	add(t, one.Live(), "of one", 1)
	add(t, two.Live(), "of two", 2)
	nothing := one.Head() == nil && two.Head() == nil && one.Adopt() == nil && one.Head() == nil
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}

	err := one.Adopt()

	if got := contents(t, one); err != nil || !nothing {
		t.Error(err, nothing, got)
	} else {
		same(t, got, "host/1 two.1 of two=2/20/200")
	}
	add(t, one.Live(), "more", 3)
}

func TestAllPlacesHeldIsSaid(t *testing.T) {
	dir := t.TempDir()
	for i := range 64 {
		open(t, dir, fmt.Sprint(i), 1<<20)
	}

	_, err := spool.Open(spool.Options{Dir: dir, Size: 1 << 20, Replica: "host/1", Boot: "one too many", Now: time.Now})

	if err == nil || !strings.Contains(err.Error(), "data folder of its own") {
		t.Fatal(err)
	}
}

// The bound holds, and what can't wait any more is refused, not lost unseen.
func TestWhatWaitsIsBounded(t *testing.T) {
	s := open(t, t.TempDir(), "one", 1<<20)
	full := func() (n int64) {
		for {
			slot, _ := s.Live().Add(1, make([]byte, 1000))
			if slot == nil {
				return n
			}
			slot.Calls, n = 1, n+1
		}
	}
	var added int64
	var err error
	for err == nil {
		added += full()
		_, err = s.Seal()
	}
	bytes := s.Stats().Bytes
	again := full()

	if !errors.Is(err, spool.ErrFull) || bytes > 1<<20 || bytes < 1<<19 || again != 0 {
		t.Fatal(err, bytes, again)
	}
	if n := int64(len(contents(t, s))); n == 0 || n >= added { // the live one is not sealed
		t.Fatal(n, added)
	}
	if _, err := s.Seal(); err != nil {
		t.Fatal("sealing works again once there is room", err)
	}
}

// A power cut may leave the end of a segment torn, or counters that can't be; what is before them counts.
func TestTornEndIsPassedOver(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, "one", 1<<20)
	for i := range 3 {
		add(t, s.Live(), fmt.Sprint("record ", i), 5)
	}
	used := s.Live().Used()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "1", "live-0")
	mem, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	mem[used-3] ^= 0xff // the last record's data
	copy(mem[256+8:], bytes.Repeat([]byte{0xff}, 8))
	if err := os.WriteFile(path, mem, 0o600); err != nil {
		t.Fatal(err)
	}
	next := open(t, dir, "two", 1<<20)

	torn, err := next.Read(next.Head(), func(spool.Record) {})

	if torn == 0 || err != nil {
		t.Error(torn, err)
	}
	same(t, contents(t, next), "host/1 one.1 record 0=0/0/0", "host/1 one.1 record 1=5/50/500")
}

func TestWhatIsNoSegmentIsSetAside(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "1"), 0o700), os.WriteFile(filepath.Join(dir, "1", "x-1.batch"), []byte("what is this?"), 0o600),
		os.WriteFile(filepath.Join(dir, "1", "live-0"), make([]byte, 512), 0o600)); err != nil {
		t.Fatal(err)
	}

	s := open(t, dir, "one", 1<<20)

	if st := s.Stats(); st.Aside != 1 || st.Waiting != 0 {
		t.Errorf("%+v", st)
	}
	add(t, s.Live(), "goes on", 1)
}

func TestSetAsideStaysAside(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, "one", 1<<20)
	add(t, s.Live(), "poison", 1)
	if _, err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	add(t, s.Live(), "good", 2)

	err := s.Aside(s.Head())
	_, sealed := s.Seal()

	if errs := errors.Join(err, sealed); errs != nil {
		t.Fatal(errs)
	}
	same(t, contents(t, s), "host/1 one.2 good=2/20/200")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if st := open(t, dir, "two", 1<<20).Stats(); st.Aside != 1 || st.Waiting != 0 {
		t.Errorf("%+v", st)
	}
}
