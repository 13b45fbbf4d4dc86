package testenv

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// A cluster is the PostgreSQL server that all test processes of this user share. Its folder holds data/, log and url;
// url is written last, so that whoever reads it may connect.
type cluster struct {
	dir, bin string
	owner    *syscall.Credential // nil: ourselves
	careful  bool                // what is committed survives a crash of the server, and can be sent to a standby
}

// sharedCluster returns the URL of the running cluster, starting one where there is none. The shared lock that it
// takes and never gives back tells the watchman that this process may still need the server.
func sharedCluster() (address string, err error) {
	dir, err := home()
	if err != nil {
		return "", err
	}
	initdb, err := program("PostgreSQL", "postgresql", "/usr/lib/postgresql/*/bin/initdb", "initdb")
	if err != nil {
		return "", err
	}
	c := cluster{dir: filepath.Join(dir, "postgres"), bin: filepath.Dir(initdb)}
	err = locked("postgres", func() error {
		// Never closed: it is held as long as this process lives.
		if using, err = lockFile("postgres-users", syscall.LOCK_SH); err != nil {
			return err
		}
		// The time of this write is what the watchman goes by between two processes.
		if _, err = using.WriteAt([]byte("used"), 0); err != nil {
			return err
		}
		if address = c.running(); address != "" {
			return nil
		}
		if address, err = c.start(); err != nil {
			return err
		}
		return c.watch()
	})
	return address, err
}

// using tells the watchman that this process may still need the server.
var using *os.File

func (c cluster) running() string {
	address, err := os.ReadFile(filepath.Join(c.dir, "url"))
	if err != nil || onServer(string(address), "SELECT 1") != nil {
		return ""
	}
	return string(address)
}

// start makes a new cluster, always from nothing: what an earlier one left behind is of no use to anybody.
func (c *cluster) start() (string, error) {
	if err := c.prepare(); err != nil {
		return "", err
	}
	data, password := filepath.Join(c.dir, "data"), random(16)
	passwordFile := filepath.Join(c.dir, "password")
	if err := os.WriteFile(passwordFile, []byte(password), 0o600); err != nil {
		return "", err
	}
	if err := c.own(passwordFile); err != nil {
		return "", err
	}
	if err := c.run("initdb", "--pgdata", data, "--username", "gatehouse", "--pwfile", passwordFile,
		"--auth", "md5", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"); err != nil {
		return "", err
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	if err := c.up(port); err != nil {
		return "", err
	}
	address := fmt.Sprintf("postgres://gatehouse:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port)
	return address, os.WriteFile(filepath.Join(c.dir, "url"), []byte(address), 0o600)
}

// up starts the server over the data that there is, and waits until it answers.
func (c cluster) up(port int) error {
	return c.run("pg_ctl", "start", "--wait", "--timeout", "60", "--pgdata", filepath.Join(c.dir, "data"), "--log", filepath.Join(c.dir, "log"), "--options", c.settings(port))
}

// settings trades all safety against a power cut for speed, and leaves room for many test packages at once. Of a careful one nothing that was committed is lost when
// the server alone crashes.
func (c cluster) settings(port int) string {
	all := []string{
		"-c listen_addresses=127.0.0.1", "-c port=" + strconv.Itoa(port), "-c unix_socket_directories=" + c.dir,
		"-c fsync=off", "-c full_page_writes=off", "-c max_connections=400", "-c shared_buffers=64MB", "-c autovacuum_naptime=60", "-c log_min_messages=warning",
		"-c timezone=UTC",
	}
	if c.careful {
		return strings.Join(append(all, "-c synchronous_commit=on", "-c wal_level=replica", "-c max_wal_senders=4"), " ")
	}
	return strings.Join(append(all, "-c synchronous_commit=off", "-c wal_level=minimal", "-c max_wal_senders=0"), " ")
}

// prepare makes an empty folder that the user who runs the server owns. PostgreSQL refuses to run as root, so root
// hands it to the user that Debian's package made.
func (c *cluster) prepare() error {
	if err := os.RemoveAll(c.dir); err != nil {
		return err
	}
	if err := os.Mkdir(c.dir, 0o700); err != nil {
		return err
	}
	if os.Getuid() != 0 {
		return nil
	}
	postgres, err := user.Lookup("postgres")
	if err != nil {
		return errMissing{"PostgreSQL", "there is no user postgres to run it as, and it refuses to run as root"}
	}
	uid, err := strconv.ParseUint(postgres.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(postgres.Gid, 10, 32)
	if err != nil {
		return err
	}
	c.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return c.own(c.dir)
}

func (c cluster) own(path string) error {
	if c.owner == nil {
		return nil
	}
	return os.Chown(path, int(c.owner.Uid), int(c.owner.Gid))
}

// run runs one of PostgreSQL's programs to its end. Its output goes to a file: a server that pg_ctl leaves running
// would otherwise hold go test's own output open for as long as it lives.
func (c cluster) run(name string, arguments ...string) error {
	output, err := os.Create(filepath.Join(c.dir, name+".out"))
	if err != nil {
		return err
	}
	defer output.Close()
	command := exec.Command(filepath.Join(c.bin, name), arguments...)
	command.Stdout, command.Stderr, command.Dir = output, output, c.dir
	command.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner, Setsid: true}
	if err := command.Run(); err != nil {
		said, _ := os.ReadFile(output.Name())
		log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
		return fmt.Errorf("PostgreSQL's %s failed: %w: %s %s", name, err, lastLine(said), lastLine(log))
	}
	return nil
}

// watchman stops the server when no test process has used it for some minutes. It looks under the same lock under
// which a test process asks whether the server runs, so that nobody is given a server that is about to stop.
const watchman = `
while sleep 60; do
	exec 8>>"$1/postgres.lock" 9>>"$1/postgres-users.lock"
	[ "$(cat "$2/url" 2>/dev/null)" = "$3" ] || exit 0
	if flock -x 8 && flock -n -x 9 && [ -z "$(find "$1/postgres-users.lock" -mmin -3)" ]; then
		idle=$((idle + 1))
		if [ "$idle" -ge 2 ]; then
			rm -f "$2/url"
			kill -INT "$(head -n 1 "$2/data/postmaster.pid")"
			exit 0
		fi
	else
		idle=0
	fi
	exec 8>&- 9>&-
done`

func (c cluster) watch() error {
	address, err := os.ReadFile(filepath.Join(c.dir, "url"))
	if err != nil {
		return err
	}
	command := exec.Command("sh", "-c", watchman, "sh", filepath.Dir(c.dir), c.dir, string(address))
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return err
	}
	return command.Process.Release()
}

// freePort asks the kernel for a port that nobody listens on. Another program may take it before its user does, so
// whoever starts a program on it tries again.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
