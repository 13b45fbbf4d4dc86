package worker_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/password/worker"
)

// TestMain is the worker as well: the tests start this very program.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "hash-worker" {
		if err := worker.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// cheap is the least that is taken.
var cheap = password.Params{MemoryKiB: 7 * 1024, Time: 1, Threads: 1}

// started is what a client started.
type started struct {
	mu       sync.Mutex
	commands []*exec.Cmd
}

func (s *started) command() *exec.Cmd {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &exec.Cmd{Path: os.Args[0], Args: []string{os.Args[0], "hash-worker"}}
	s.commands = append(s.commands, c)
	return c
}

// running are the processes that were started and have not ended, by their number.
func (s *started) running(t *testing.T) (pids []int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.commands {
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(c.Process.Pid), "stat"))
		if err == nil && !strings.Contains(string(stat), ") Z ") {
			pids = append(pids, c.Process.Pid)
		}
	}
	return pids
}

func client(t *testing.T, rest time.Duration) (*worker.Client, *started, *bytes.Buffer) {
	t.Helper()
	var s started
	var log bytes.Buffer
	c := worker.NewClient(s.command, rest, slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(c.Close)
	return c, &s, &log
}

func hash(c *worker.Client, plain string) []byte {
	return c.Hash([]byte(plain), []byte("salt of sixteen."), cheap, 32)
}

func here(plain string) []byte {
	return password.Argon2id([]byte(plain), []byte("salt of sixteen."), cheap, 32)
}

func TestWorkerComputesWhatThisProcessWould(t *testing.T) { // A1
	c, s, log := client(t, time.Minute)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			plain := fmt.Sprintf("пароль %d\x00\"", i)
			if got := hash(c, plain); !bytes.Equal(got, here(plain)) {
				t.Errorf("%q: %x", plain, got)
			}
		})
	}
	all.Wait()

	if pids := s.running(t); len(pids) != 1 || log.Len() != 0 {
		t.Errorf("%d workers, log %s", len(pids), log)
	}
}

func TestWorkerGivesWayAndKnowsNoSecret(t *testing.T) { // A3
	t.Setenv("GATEHOUSE_SECRET", "0123456789")
	c, s, _ := client(t, time.Minute)
	hash(c, "x")

	pid := s.running(t)[0]
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil || len(tasks) == 0 {
		t.Fatal(tasks, err)
	}
	for _, task := range tasks {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/stat", pid, task.Name()))
		if err != nil {
			t.Fatal(err)
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))
		if got, err := strconv.Atoi(fields[16]); err != nil || got < worker.Niceness { // proc_pid_stat(5), field 19
			t.Errorf("thread %s has niceness %d, %v", task.Name(), got, err)
		}
	}
	if environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err != nil || len(environ) != 0 {
		t.Errorf("its environment is %q, %v", environ, err)
	}
}

func TestStartingAWorkerLeavesThisProcessAsFastAsItWas(t *testing.T) { // A3
	before, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		c, _, _ := client(t, time.Minute)
		hash(c, "x")
		c.Close()
	}

	threads := runtime.GOMAXPROCS(0) * 8
	var all, ready sync.WaitGroup
	ready.Add(threads)
	for range threads {
		all.Go(func() {
			runtime.LockOSThread() // as long as all hold one, each has another
			defer runtime.UnlockOSThread()
			ready.Done()
			ready.Wait()
			if got, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0); err != nil || got != before {
				t.Errorf("a thread that runs Go has priority %d, it was %d, %v", got, before, err)
			}
		})
	}
	all.Wait()
}

func TestWorkerThatDiesKeepsNobodyOut(t *testing.T) { // A3
	c, s, log := client(t, time.Minute)
	hash(c, "x")
	first := s.running(t)[0]
	slow := make(chan []byte)
	go func() {
		slow <- c.Hash([]byte("y"), []byte("salt of sixteen."), password.Params{MemoryKiB: 128 * 1024, Time: 10, Threads: 1}, 32)
	}()
	p, err := os.FindProcess(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}

	if got := hash(c, "z"); !bytes.Equal(got, here("z")) {
		t.Errorf("after its death: %x", got)
	}
	want := password.Argon2id([]byte("y"), []byte("salt of sixteen."), password.Params{MemoryKiB: 128 * 1024, Time: 10, Threads: 1}, 32)
	if got := <-slow; !bytes.Equal(got, want) {
		t.Errorf("at work while it died: %x", got)
	}
	hash(c, "again")
	if pids := s.running(t); len(pids) != 1 || pids[0] == first {
		t.Errorf("running %v, the dead one was %d; log %s", pids, first, log)
	}
}

func TestNoWorkerToBeHadKeepsNobodyOut(t *testing.T) { // A3
	var log bytes.Buffer
	c := worker.NewClient(func() *exec.Cmd { return &exec.Cmd{Path: "/nonexistent"} }, time.Minute, slog.New(slog.NewTextHandler(&log, nil)))
	for range 3 {
		if got := hash(c, "x"); !bytes.Equal(got, here("x")) {
			t.Errorf("%x", got)
		}
	}
	if strings.Count(log.String(), "level=WARN") != 1 {
		t.Errorf("told more or less than once: %s", &log)
	}
}

func TestWorkerWithoutWorkEnds(t *testing.T) {
	c, s, _ := client(t, time.Millisecond)
	for range 2 {
		if got := hash(c, "x"); !bytes.Equal(got, here("x")) {
			t.Errorf("%x", got)
		}
		for len(s.running(t)) > 0 {
			if t.Context().Err() != nil {
				t.Fatal("it never ended")
			}
		}
	}
	if c.Close(); !bytes.Equal(hash(c, "after the end"), here("after the end")) {
		t.Error("nothing is computed after the end")
	}
	if pids := s.running(t); len(pids) != 0 {
		t.Errorf("running after Close: %v", pids)
	}
}
