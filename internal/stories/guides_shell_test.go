package stories_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// A shell is a terminal in which somebody follows a page: one bash, in a folder of its own. All that it started ends with the test.
type shell struct {
	t      testing.TB
	dir    string
	in     io.WriteCloser
	out    *bufio.Reader
	errors *lockedText
	env    map[string]string
	blocks int
}

// lockedText is what a process writes while a test may read.
type lockedText struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// newShell starts bash with nothing in its environment but these variables, a PATH and a HOME without secrets.
func newShell(t testing.TB, env map[string]string) *shell {
	t.Helper()
	for _, tool := range []string{"curl", "git"} {
		testenv.Tool(t, tool)
	}
	s := &shell{t: t, dir: t.TempDir(), errors: &lockedText{}, env: env}
	bash := exec.Command(testenv.Tool(t, "bash"), "--noprofile", "--norc")
	bash.Dir, bash.Stderr = s.dir, s.errors
	bash.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "LC_ALL=C.UTF-8"}
	for name, value := range env {
		bash.Env = append(bash.Env, name+"="+value)
	}
	bash.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := bash.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := bash.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := bash.Start(); err != nil {
		t.Fatal(err)
	}
	s.in, s.out = in, bufio.NewReader(out)
	t.Cleanup(func() {
		_ = syscall.Kill(-bash.Process.Pid, syscall.SIGKILL)
		_ = bash.Wait() // killed
	})
	return s
}

// set gives a variable to all commands that follow, as export does.
func (s *shell) set(name, value string) {
	s.t.Helper()
	s.env[name] = value
	s.run("export " + name + "='" + value + "'")
}

// run runs commands and returns what they printed; they must end with code 0.
func (s *shell) run(commands string) string {
	s.t.Helper()
	s.blocks++
	file, mark := filepath.Join(s.t.TempDir(), "block.sh"), fmt.Sprintf("end-of-block-%d:", s.blocks)
	if err := os.WriteFile(file, []byte(commands), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(s.in, ". '%s' < /dev/null\nprintf '\\n%s%%d\\n' \"$?\"\n", file, mark); err != nil {
		s.t.Fatalf("the shell is gone: %v: %s", err, s.errors)
	}
	var printed strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if code, ended := strings.CutPrefix(line, mark); ended {
			if strings.TrimSpace(code) != "0" {
				s.t.Fatalf("%s\nended with code %s%s\n%s", commands, code, printed.String(), s.errors)
			}
			return printed.String()
		}
		printed.WriteString(line)
		if err != nil {
			s.t.Fatalf("%s\nended the shell: %v\n%s\n%s", commands, err, printed.String(), s.errors)
		}
	}
}

// start starts a program that stays, and waits until it has printed something.
func (s *shell) start(command string) {
	s.t.Helper()
	s.run(strings.TrimSpace(command) + " > started.log &\nuntil [ -s started.log ] || ! kill -0 $!; do sleep 0.05; done; kill -0 $!")
}

// save writes a file where the commands run.
func (s *shell) save(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, filepath.Base(name)), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// follow does what a page says in its blocks, and compares what is printed with what the page shows.
func (s *shell) follow(name string, blocks []fence) {
	s.t.Helper()
	printed := ""
	for _, f := range blocks {
		f.text = strings.NewReplacer("{{base}}", s.env["GATEHOUSE_URL"], "{{brand}}", "gk").Replace(f.text)
		switch {
		case f.is("background"):
			s.start(f.text)
		case f.is("run"):
			printed = s.run(f.text)
		case f.is("shows"):
			if wrong := unlike(f, printed); wrong != "" {
				s.t.Errorf("%s: %s", name, wrong)
			}
		case f.title() != "":
			s.save(f.title(), f.text)
		}
	}
}
