package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/demo"
	"github.com/gatehouse-dev/gatehouse/models/move"
)

// installation is a data folder on which commands work.
type installation struct {
	*testing.T
	dir string
}

func (i installation) command(database, addr string, args ...string) *exec.Cmd {
	c := exec.CommandContext(i.Context(), "gatehouse", args...)
	c.Env = append(os.Environ(), "GATEHOUSE_DATA_DIR="+i.dir, "GATEHOUSE_DATABASE_URL="+database, "GATEHOUSE_ADDR="+addr)
	return c
}

// run ends with the exit code and what was printed.
func (i installation) run(database string, args ...string) (code int, stdout, stderr string) {
	i.Helper()
	var out, bad bytes.Buffer
	c := i.command(database, "", args...)
	c.Stdout, c.Stderr = &out, &bad
	var exit *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &exit) {
		i.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String(), bad.String()
}

// must is run of what has to work.
func (i installation) must(args ...string) string {
	i.Helper()
	code, out, bad := i.run("", args...)
	if code != 0 {
		i.Fatalf("gatehouse %v: %d: %s", args, code, bad)
	}
	return out
}

// serve starts a server and waits until it is ready; stop ends it in order.
func (i installation) serve(database, command string) (address string, stop func()) {
	i.Helper()
	addr := "127.0.0.1:" + strconv.Itoa(testenv.FreePort(i.T))
	var said bytes.Buffer
	c := i.command(database, addr, command)
	c.Stderr = &said
	if err := c.Start(); err != nil {
		i.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	stop = func() {
		_ = c.Process.Signal(os.Interrupt)
		<-ended
	}
	i.Cleanup(stop)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		answer, err := http.Get("http://" + addr + "/readyz") //nolint:noctx // a test's own server
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return "http://" + addr, stop
			}
		}
		select {
		case <-tick.C:
		case <-ended:
			i.Fatalf("it ended: %s", said.String())
		}
	}
}

// caller asks with a key again and again, and wants an answer each time.
type caller struct {
	installation
	key   string
	at    atomic.Pointer[string]
	calls atomic.Int64
	wrong atomic.Pointer[string]
	end   chan struct{}
	done  chan struct{}
}

func (i installation) calling(address, key string) *caller {
	c := &caller{installation: i, key: key, end: make(chan struct{}), done: make(chan struct{})}
	c.at.Store(&address)
	go func() {
		defer close(c.done)
		tick := time.NewTicker(1500 * time.Millisecond) // whoami allows 60 calls a minute
		defer tick.Stop()
		for {
			if said := c.ask(key); said != "200" {
				c.wrong.CompareAndSwap(nil, &said)
			}
			c.calls.Add(1)
			select {
			case <-tick.C:
			case <-c.end:
				return
			}
		}
	}()
	return c
}

// ask is the status of whoami.
func (c *caller) ask(key string) string {
	r, err := http.NewRequestWithContext(c.Context(), http.MethodGet, *c.at.Load()+"/v1/whoami", http.NoBody)
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Authorization", "Bearer "+key)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	_ = answer.Body.Close()
	return strconv.Itoa(answer.StatusCode)
}

// goesOn waits for two more answers: one that was asked for from now on.
func (c *caller) goesOn(when string) {
	c.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for before := c.calls.Load(); c.calls.Load() < before+2; {
		<-tick.C
	}
	if said := c.wrong.Load(); said != nil {
		c.Fatalf("%s: the key was answered with %s", when, *said)
	}
}

// blocked is a connection that holds a lock in the target.
func blocked(t *testing.T, target, lock string) (conn *pgx.Conn, tx pgx.Tx) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), target)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
		if tx, err = conn.Begin(t.Context()); err == nil {
			_, err = tx.Exec(t.Context(), lock)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return conn, tx
}

// moving starts a move and returns once it has said the line. What it says later is read, too.
func (i installation) moving(target, line string) (c *exec.Cmd, rest *bytes.Buffer, ended chan error) {
	i.Helper()
	c = i.command("", "", "move", "--verbose", "--grace", "15m", "--to", target)
	said, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		i.Fatal(err)
	}
	i.Cleanup(func() { _ = c.Process.Kill() })
	lines, rest, ended := bufio.NewReader(said), &bytes.Buffer{}, make(chan error, 1)
	for {
		got, err := lines.ReadString('\n')
		rest.WriteString(got)
		if strings.TrimSpace(got) == line {
			break
		}
		if err != nil {
			i.Fatalf("it never said %q: %s", line, rest)
		}
	}
	go func() {
		_, _ = io.Copy(rest, lines)
		ended <- c.Wait()
	}()
	return c, rest, ended
}

// killed ends a move as a machine that loses power would.
func (i installation) killed(target, line string) {
	i.Helper()
	c, _, ended := i.moving(target, line)
	i.kill(c, ended)
}

func (i installation) kill(c *exec.Cmd, ended chan error) {
	i.Helper()
	if err := c.Process.Signal(syscall.SIGKILL); err != nil {
		i.Fatal(err)
	}
	<-ended
}

// writable: the old installation makes keys.
func (i installation) writable() string {
	i.Helper()
	return strings.TrimSpace(i.must("keys", "create", "--app", "Demand forecast", "--name", "Move "+strconv.Itoa(os.Getpid()), "--grant", "catalogue/products:read", "--expires", "30"))
}

// refused wants exit code 1 and the words.
func (i installation) refused(database, words string, args ...string) {
	i.Helper()
	if code, _, bad := i.run(database, args...); code != codeRefused || !strings.Contains(bad, words) {
		i.Errorf("%v: %d: %s", args, code, bad)
	}
}

// An installation that is served goes over to PostgreSQL. Its keys answer at every moment, whatever kills the move leaves the old one whole, and what is
// revoked, signed in and counted is so afterwards.
func TestAServedInstallationMoves(t *testing.T) {
	i := installation{t, filepath.Join(t.TempDir(), "demo")}
	_, stop := installation{t, filepath.Dir(i.dir)}.serve("", "demo")
	stop()
	kept, ended := i.writable(), i.writable()
	old, stopOld := i.serve("", "serve")
	i.revoke(ended)
	browser := i.signedIn(old)
	c := i.calling(old, kept)
	first, second, third := testenv.Postgres(t), testenv.Postgres(t), testenv.Postgres(t)

	t.Run("killed while it copies", func(*testing.T) { i.killedCopying(c, first) })
	t.Run("the target goes away", func(*testing.T) { i.cutOff(c, second) })
	t.Run("killed while it verifies", func(*testing.T) { i.killedVerifying(c, first) })
	t.Run("killed at its last step, and run again", func(*testing.T) { i.killedFinishing(c, third) })
	fresh, stopNew := i.serve(third, "serve")
	c.at.Store(&fresh)
	c.goesOn("at the new server")
	if got := c.ask(ended); got != "401" {
		t.Errorf("the revoked key is answered with %s", got)
	}
	refused := i.turnedAway(old)
	stopOld()
	close(c.end)
	<-c.done
	stopNew() // it takes what the old one counted at its next start
	fresh, _ = i.serve(third, "serve")

	browser(fresh, "/console", http.StatusOK)
	i.signedIn(fresh)
	i.counted(third, kept, c.calls.Load())
	i.opens(third, refused)
	i.refused("", "Stop them first", "move", "--undo", "--to", third)
	i.refused("", "was moved to", "serve")
}

func (i installation) killedCopying(c *caller, target string) {
	i.migrated(target)
	_, tx := blocked(i.T, target, "LOCK TABLE key_grants IN SHARE MODE")
	m, _, ended := i.moving(target, "copying key_grants")
	c.goesOn("while it copies")
	if code, _, bad := i.run("", "keys", "create", "--app", "Demand forecast", "--name", "Refused", "--grant", "catalogue/products:read", "--expires", "30"); code != codeUnavailable || !strings.Contains(bad, "being moved") {
		i.Errorf("a change meanwhile: %d %s", code, bad)
	}
	_, stop := i.serve("", "serve") // a restart meanwhile
	stop()
	i.kill(m, ended)
	i.writable()
	if err := tx.Rollback(i.Context()); err != nil {
		i.Error(err)
	}
}

func (i installation) cutOff(c *caller, target string) {
	i.migrated(target)
	_, _ = blocked(i.T, target, "LOCK TABLE key_grants IN SHARE MODE")
	link, over := testenv.LinkTo(i.T, target)
	_, said, ended := i.moving(over, "copying key_grants")
	link.Cut()
	if err := <-ended; err == nil || !strings.Contains(said.String(), "Nothing has changed in the old database") {
		i.Error(err, said)
	}
	i.writable()
	c.goesOn("after the target went away")
}

func (i installation) killedVerifying(c *caller, target string) {
	_, tx := blocked(i.T, target, "LOCK TABLE search_documents IN SHARE UPDATE EXCLUSIVE MODE") // so ANALYZE waits
	i.killed(target, "verifying the audit log of the copy")
	i.writable()
	if err := tx.Rollback(i.Context()); err != nil {
		i.Error(err)
	}
	i.refused(target, "is not finished", "serve")
	i.refused("", "not empty", "move", "--to", target)
	c.goesOn("after the kill")
}

func (i installation) killedFinishing(c *caller, target string) {
	i.migrated(target)
	_, gate := blocked(i.T, target, "LOCK TABLE key_grants IN SHARE MODE")
	m, _, ended := i.moving(target, "copying key_grants")
	locked := make(chan pgx.Tx, 1)
	conn, err := pgx.Connect(i.Context(), target)
	if err != nil {
		i.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(i.Context())) }()
	go func() { // gets the row as soon as the copy is committed, and keeps it from being opened
		var found string
		tx, err := conn.Begin(i.Context())
		if err == nil {
			err = tx.QueryRow(i.Context(), "SELECT name FROM settings WHERE name = $1 FOR UPDATE", move.ArrivalName).Scan(&found)
		}
		if err != nil {
			i.Error(err)
		}
		locked <- tx
	}()
	i.waiting(target, "settings")
	if err := gate.Rollback(i.Context()); err != nil {
		i.Error(err)
	}
	tx := <-locked
	i.left()
	i.kill(m, ended)
	// What it asked last dies with it, as it does with the network.
	if _, err := tx.Exec(i.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'DELETE FROM settings%'"); err != nil {
		i.Error(err)
	}
	i.refused("", "was moved to", "serve")
	i.refused(target, "is not finished", "serve")
	if err := tx.Rollback(i.Context()); err != nil {
		i.Error(err)
	}
	if said := i.must("move", "--to", target); !strings.Contains(said, "Moved to") || !strings.Contains(said, "answers for keys until") {
		i.Error(said)
	}
	if said := i.must("move", "--to", target); !strings.Contains(said, "nothing is left to do") {
		i.Error(said)
	}
	c.goesOn("at the old server after the move")
}

// left waits until the old database is marked.
func (i installation) left() {
	i.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if code, _, bad := i.run("", "audit", "verify"); code == codeUnavailable && strings.Contains(bad, "was moved to") {
			return
		}
	}
}

// waiting waits until somebody waits for a lock of the table.
func (i installation) waiting(target, table string) {
	i.Helper()
	conn, err := pgx.Connect(i.Context(), target)
	if err != nil {
		i.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(i.Context())) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 0; n == 0; <-tick.C {
		if err := conn.QueryRow(i.Context(), "SELECT COUNT(*) FROM pg_locks WHERE relation = $1::regclass AND NOT granted", table).Scan(&n); err != nil {
			i.Fatal(err)
		}
	}
}

// migrated gives an empty database its tables, so that the test can lock them.
func (i installation) migrated(target string) {
	i.Helper()
	other := installation{i.T, i.TempDir()}
	if code, _, bad := other.run(target, "migrate"); code != 0 {
		i.Fatal(bad)
	}
	conn, err := pgx.Connect(i.Context(), target)
	if err == nil {
		_, err = conn.Exec(i.Context(), "DELETE FROM settings")
	}
	if err != nil {
		i.Fatal(err)
	}
	_ = conn.Close(context.WithoutCancel(i.Context()))
}

func (i installation) revoke(key string) {
	i.Helper()
	hint := key[:len("gk_live_")] + "…" + key[len(key)-4:]
	i.must("keys", "revoke", hint, "--yes", "--reason", "It is not used any more.")
}

// signedIn signs a developer of the demo in, and returns what visits pages as they do.
func (i installation) signedIn(at string) (visit func(at, path string, want int)) {
	i.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		i.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	r, err := http.NewRequestWithContext(i.Context(), http.MethodPost, at+"/login", strings.NewReader(url.Values{"email": {"helen@kestrel.example"}, "password": {demo.Password}}.Encode()))
	if err != nil {
		i.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", at)
	answer, err := client.Do(r)
	if err != nil {
		i.Fatal(err)
	}
	_ = answer.Body.Close()
	visit = func(at, path string, want int) {
		i.Helper()
		r, err := http.NewRequestWithContext(i.Context(), http.MethodGet, at+path, http.NoBody)
		if err != nil {
			i.Fatal(err)
		}
		answer, err := client.Do(r)
		if err != nil {
			i.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want || answer.Request.URL.Path != path {
			i.Errorf("%s: %d at %s", path, answer.StatusCode, answer.Request.URL)
		}
	}
	visit(at, "/console", http.StatusOK)
	return visit
}

// counted waits until the calls of the key are in the new database, no more and no fewer.
func (i installation) counted(target, key string, want int64) {
	i.Helper()
	conn, err := pgx.Connect(i.Context(), target)
	if err != nil {
		i.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(i.Context())) }()
	tick, deadline := time.NewTicker(100*time.Millisecond), time.NewTimer(90*time.Second)
	defer tick.Stop()
	for got := int64(-1); ; {
		err := conn.QueryRow(i.Context(), `SELECT COALESCE(SUM(m.calls), 0) FROM usage_minutes m JOIN usage_series s ON s.id = m.series_id
			JOIN keys k ON k.id = s.key_id WHERE k.last_four = $1 AND k.name LIKE 'Move %'`, key[len(key)-4:]).Scan(&got)
		if err != nil {
			i.Fatal(err)
		}
		if got == want {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			i.Fatalf("%d calls were answered, %d are counted", want, got)
		}
	}
}
