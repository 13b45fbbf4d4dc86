// Package stories holds the stories that prove Gatehouse: people in real browsers, on real databases, behind a real gateway, against the
// built program. And what holds for each page there is: generated from the route table and the links on the pages.
package stories_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
)

func TestMain(m *testing.M) {
	code := m.Run()
	rig.RemoveBinary()
	os.Exit(code)
}

// A house is a running Gatehouse with its mail. It is stopped at the end of the test, and must then end well and have logged no error.
type house struct {
	*rig.Process
	t     testing.TB
	inbox *testenv.Inbox
	env   map[string]string
	dir   string
	logs  []string // of processes that ended
	read  map[string]bool
}

// dialects run a story on each database that Gatehouse knows.
var dialects = []string{"SQLite", "PostgreSQL"}

func newHouse(t testing.TB, dialect string) *house {
	t.Helper()
	return newHouseWith(t, dialect, func(map[string]string) {})
}

// newHouseWith is newHouse with settings changed.
func newHouseWith(t testing.TB, dialect string, change func(env map[string]string)) *house {
	t.Helper()
	h := &house{t: t, read: map[string]bool{}, inbox: testenv.SMTP(t), dir: t.TempDir()}
	h.env = map[string]string{"GATEHOUSE_DATA_DIR": h.dir, "GATEHOUSE_SMTP_URL": h.inbox.URL, "GATEHOUSE_MAIL_FROM": "Portal <portal@northwind.example>"}
	if dialect == "PostgreSQL" {
		h.env["GATEHOUSE_DATABASE_URL"] = testenv.Postgres(t)
	}
	change(h.env)
	h.start()
	t.Cleanup(func() {
		if h.Running() {
			h.stop()
		}
		h.checkLogs()
	})
	return h
}

// start starts the program, at the address where it was before.
func (h *house) start() {
	h.t.Helper()
	p, err := rig.Start(rig.Options{Env: h.env})
	if err != nil {
		h.t.Fatal(err)
	}
	h.Process = p
	h.env["GATEHOUSE_ADDR"] = strings.TrimPrefix(p.URL, "http://")
}

// stop asks the program to end; it must do so with code 0.
func (h *house) stop() {
	h.t.Helper()
	if err := h.Stop(); err != nil {
		h.t.Error(err)
	}
	h.keepLog()
}

func (h *house) kill() {
	h.Kill()
	h.keepLog()
}

func (h *house) keepLog() {
	out, log := h.Said()
	h.logs = append(h.logs, out, log)
}

// twin is a second process over the same database, secret and mail.
func (h *house) twin() *house {
	h.t.Helper()
	other := &house{t: h.t, read: map[string]bool{}, inbox: h.inbox, dir: h.t.TempDir(), env: maps.Clone(h.env)}
	secret, err := os.ReadFile(filepath.Join(h.dir, "secret"))
	if err != nil {
		h.t.Fatal(err)
	}
	other.env["GATEHOUSE_SECRET"], other.env["GATEHOUSE_DATA_DIR"] = strings.TrimSpace(string(secret)), other.dir
	delete(other.env, "GATEHOUSE_ADDR")
	other.start()
	h.t.Cleanup(func() {
		if other.Running() {
			other.stop()
		}
		other.checkLogs()
	})
	return other
}

// checkLogs fails when the program logged an error or a panic.
func (h *house) checkLogs() {
	for _, log := range h.logs {
		for line := range strings.Lines(log) {
			if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, "panic") || strings.Contains(line, "[error]") {
				h.t.Errorf("in the log: %s", line)
			}
		}
	}
}

// setupLink is what the program printed at its first start.
func (h *house) setupLink() string {
	h.t.Helper()
	link := ""
	printed := await(context.Background(), func() bool {
		line, ok := h.Line("Setup: ")
		link = line
		return ok
	})
	if !printed {
		out, log := h.Said()
		h.t.Fatalf("no set-up link was printed: %s%s", out, log)
	}
	return link
}

// run runs another command of the program over the same installation.
func (h *house) run(arguments ...string) string {
	h.t.Helper()
	said, err := rig.RunOnce(context.Background(), h.env, arguments...)
	if err != nil {
		h.t.Fatalf("gatehouse %s: %v: %s", strings.Join(arguments, " "), err, said)
	}
	return said
}

// mailTo waits for a mail to an address whose subject or text has these words, and returns it: the newest that no story has read.
func (h *house) mailTo(address, words string) testenv.Mail {
	h.t.Helper()
	m := h.inbox.AwaitMatch(h.t, fmt.Sprintf("to %s about %q", address, words), func(m testenv.Mail) bool {
		return !h.read[m.Raw] && len(m.To) > 0 && strings.EqualFold(m.To[0], address) && (strings.Contains(m.Subject, words) || strings.Contains(m.Text, words))
	})
	h.read[m.Raw] = true
	return m
}
