package testenv

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// A PostgresServer belongs to one test alone, which may stop it, freeze it and fill it up.
type PostgresServer struct {
	// URL is that of an empty database of it.
	URL string

	t       testing.TB
	cluster cluster
	port    int
	dog     io.WriteCloser
	frozen  []int
}

// OwnPostgres starts a server of the test's own; it ends with the test. That takes two seconds, so Postgres serves who means it no harm.
func OwnPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	s := &PostgresServer{t: t}
	s.must(s.make())
	t.Cleanup(s.remove)
	return s
}

func (s *PostgresServer) remove() {
	s.Thaw()
	s.Kill()
	if err := os.RemoveAll(s.cluster.dir); err != nil {
		s.t.Error(err)
	}
}

func (s *PostgresServer) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("a PostgreSQL of this test’s own: %v", err)
	}
}

func (s *PostgresServer) make() error {
	dir, err := home()
	if err != nil {
		return err
	}
	initdb, err := program("PostgreSQL", "postgresql", "/usr/lib/postgresql/*/bin/initdb", "initdb")
	if err != nil {
		return err
	}
	s.cluster = cluster{dir: filepath.Join(dir, "own-"+random(6)), bin: filepath.Dir(initdb), careful: true}
	address, err := s.cluster.start()
	if err != nil {
		return err
	}
	if err := s.guard(); err != nil {
		return err
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return err
	}
	s.port, s.URL = int(config.Port), withDatabase(address, "gatehouse")
	return onServer(address, "CREATE DATABASE gatehouse TEMPLATE template0")
}

// Run runs a statement as the database's superuser, over a connection of its own.
func (s *PostgresServer) Run(statement string) {
	s.t.Helper()
	s.must(onServer(withDatabase(s.URL, "postgres"), statement))
}

// Number is what a query for one number gives.
func (s *PostgresServer) Number(query string) (n int64) {
	s.t.Helper()
	s.must(withServer(withDatabase(s.URL, "postgres"), func(ctx context.Context, c *pgx.Conn) error { return c.QueryRow(ctx, query).Scan(&n) }))
	return n
}

// Kill ends the server as a crash does: connections break off, and the next start has to recover. It may be called twice.
func (s *PostgresServer) Kill() {
	s.t.Helper()
	if s.dog == nil {
		return
	}
	s.must(s.cluster.run("pg_ctl", "stop", "--mode", "immediate", "--wait", "--pgdata", filepath.Join(s.cluster.dir, "data")))
	_, _ = io.WriteString(s.dog, "orderly\n")
	_ = s.dog.Close()
	s.dog = nil
}

// Start starts the killed server again, at the address that it had.
func (s *PostgresServer) Start() {
	s.t.Helper()
	s.must(s.cluster.up(s.port))
	s.must(s.guard())
}

// Freeze stops the server and all its processes in the midst of what they do: connections stay, and nothing answers.
func (s *PostgresServer) Freeze() {
	s.t.Helper()
	pid, err := s.pid()
	s.must(err)
	s.frozen = append(children(pid), pid)
	for _, p := range s.frozen {
		_ = syscall.Kill(p, syscall.SIGSTOP) // one that ended meanwhile needs none
	}
}

// Thaw lets a frozen server go on.
func (s *PostgresServer) Thaw() {
	for _, p := range s.frozen {
		_ = syscall.Kill(p, syscall.SIGCONT)
	}
	s.frozen = nil
}

func (s *PostgresServer) pid() (int, error) {
	said, err := os.ReadFile(filepath.Join(s.cluster.dir, "data", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(said), "\n")
	return strconv.Atoi(first)
}

// children are the processes that a process started.
func children(pid int) (all []int) {
	said, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	for _, word := range strings.Fields(string(said)) {
		if p, err := strconv.Atoi(word); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// guard has the server killed, and its folder removed, should this process end before it.
func (s *PostgresServer) guard() error {
	pid, err := s.pid()
	if err != nil {
		return err
	}
	dog := exec.Command("sh", "-c", `if read -r orderly; then exit; fi
kill -CONT "$1"
kill -QUIT "$1"
sleep 2
rm -rf "$2"`, "sh", strconv.Itoa(pid), s.cluster.dir)
	dog.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := dog.StdinPipe()
	if err != nil {
		return err
	}
	if err := dog.Start(); err != nil {
		return err
	}
	s.dog = pipe
	go func() { _ = dog.Wait() }()
	return nil
}
