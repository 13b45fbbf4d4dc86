package testenv

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"time"
)

// Standby starts a second server that follows this one, over a copy of its data. From then on this one acknowledges a commit when the standby has it too. It ends
// with the test.
func (s *PostgresServer) Standby() *PostgresServer {
	s.t.Helper()
	b := &PostgresServer{t: s.t}
	s.must(s.follow(b))
	s.t.Cleanup(b.remove)
	s.Run("ALTER SYSTEM SET synchronous_standby_names = '*'")
	s.Run("SELECT pg_reload_conf()")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for s.Number("SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatal("the standby does not follow within a minute")
		}
	}
	return b
}

// follow makes b a standby of s.
func (s *PostgresServer) follow(b *PostgresServer) error {
	dir, err := home()
	if err != nil {
		return err
	}
	b.cluster = cluster{dir: filepath.Join(dir, "own-"+random(6)), bin: s.cluster.bin, careful: true}
	if err := b.cluster.prepare(); err != nil {
		return err
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return err
	}
	password, _ := u.User.Password()
	from := fmt.Sprintf("host=127.0.0.1 port=%d user=%s password=%s application_name=standby", s.port, u.User.Username(), password)
	if err := b.cluster.run("pg_basebackup", "--pgdata", filepath.Join(b.cluster.dir, "data"), "--dbname", from, "--write-recovery-conf", "--checkpoint", "fast",
		"--wal-method", "stream", "--no-sync"); err != nil {
		return err
	}
	if b.port, err = freePort(); err != nil {
		return err
	}
	u.Host = fmt.Sprintf("127.0.0.1:%d", b.port)
	b.URL = u.String()
	b.Start()
	return nil
}

// Promote makes a standby a server of its own: it follows nobody any more, and takes writes.
func (s *PostgresServer) Promote() {
	s.t.Helper()
	s.must(s.cluster.run("pg_ctl", "promote", "--wait", "--timeout", "60", "--pgdata", filepath.Join(s.cluster.dir, "data")))
	s.Run("ALTER SYSTEM RESET synchronous_standby_names") // a copy of what the first one was told
	s.Run("SELECT pg_reload_conf()")
}
