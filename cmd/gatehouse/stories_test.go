package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gatehouse": main})
}

// TestStories runs testdata/*.txtar: the program from the outside, as an operator meets it. Besides testscript's own commands there are
//
//	exits CODE gatehouse …     the exit code, exactly
//	ready URL                  waits until /readyz answers 200 there
//	mode 600 FILE…             the permissions of files and folders, exactly (C7)
//	terminate WORD             SIGTERM to the background program with that argument, as an init system sends it
//	documented TEXT            runs the line of docs/operating.md that begins with TEXT, as it is written there; /backups is $WORK/backups
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"ADDR", "ADDR2", "ADDR3"} {
				env.Setenv(name, "127.0.0.1:"+strconv.Itoa(testenv.FreePort(t)))
			}
			if strings.HasSuffix(env.WorkDir, "doctor") {
				mail := testenv.SMTP(t).URL
				env.Setenv("SMTP", mail)
				env.Setenv("SMTPWRONG", strings.Replace(mail, ":sink@", ":wrong-password@", 1))
				env.Setenv("REDIS", testenv.Redis(t))
			}
			env.Setenv("POSTGRES", "")
			if strings.Contains(env.WorkDir, "postgres") {
				env.Setenv("POSTGRES", testenv.Postgres(t))
				env.Setenv("POSTGRES2", testenv.Postgres(t))
				env.Setenv("PATH", env.Getenv("PATH")+postgresTools())
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits, "ready": ready, "mode": mode, "terminate": terminate, "documented": documented},
	})
}

// postgresTools is where Debian keeps pg_dump, for a PATH.
func postgresTools() string {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	return strings.Join(append([]string{""}, dirs...), string(filepath.ListSeparator))
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got, err := 0, ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if neg || got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func ready(ts *testscript.TestScript, neg bool, args []string) {
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		answer, err := http.Get(args[0] + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK && !neg {
				return
			}
		} else if neg {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			ts.Fatalf("%s is not ready: %v", args[0], err)
		}
	}
}

func mode(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if got := fmt.Sprintf("%o", info.Mode().Perm()); (got == args[0]) == neg {
			ts.Fatalf("%s has mode %s", name, got)
		}
	}
}

func terminate(ts *testscript.TestScript, neg bool, args []string) {
	for _, c := range ts.BackgroundCmds() {
		if c.Process != nil && c.ProcessState == nil && slices.Contains(c.Args, args[0]) {
			ts.Check(c.Process.Signal(syscall.SIGTERM))
			return
		}
	}
	ts.Fatalf("no %s runs", args[0])
}

func documented(ts *testscript.TestScript, neg bool, args []string) {
	page, err := os.ReadFile(filepath.Join(repository(), "docs", "operating.md"))
	ts.Check(err)
	for line := range strings.Lines(string(page)) {
		command, _, _ := strings.Cut(strings.TrimSpace(line), "  #")
		if !strings.HasPrefix(line, "    ") || !strings.HasPrefix(command, args[0]) {
			continue
		}
		err := ts.Exec("sh", "-c", strings.ReplaceAll(command, "/backups/", ts.Getenv("WORK")+"/backups/"))
		if (err == nil) == neg {
			ts.Fatalf("%s: %v", command, err)
		}
		return
	}
	ts.Fatalf("docs/operating.md has no command that begins with %s", args[0])
}

// repository is the folder of go.mod; tests run in that of their package.
func repository() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return filepath.Dir(filepath.Dir(dir))
}
