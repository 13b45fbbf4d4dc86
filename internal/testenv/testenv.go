// Package testenv gives tests the real things they talk to: PostgreSQL, Redis, nginx, Chromium, axe-core and an SMTP
// server.
//
// Each is found (an address in the environment), else started from what is installed, else installed as root from
// Debian's packages and then started. When none of that is possible the test fails with one sentence that names what is
// missing: a test that quietly skips proves nothing.
//
// PostgreSQL is one server for all test packages of a machine and user, since a cluster takes a second to make; it
// stops itself some minutes after its last use. Redis, nginx and the SMTP server belong to one test, Chromium to one
// test process. Whatever way a test process ends, what it started ends too.
//
// It is for tests only; nothing of Gatehouse imports it.
package testenv

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// errMissing is the sentence for something that is neither installed nor installable here.
type errMissing struct{ what, how string }

func (e errMissing) Error() string {
	return fmt.Sprintf("this test needs %s, which is not installed and could not be installed: %s", e.what, e.how)
}

// home is the folder that all test processes of this user share. It holds locks, the PostgreSQL cluster and notes on
// what is running. Others may walk through it but not write: PostgreSQL runs as a user of its own when we are root.
//
// It fails when the folder belongs to somebody else, who could otherwise choose which programs our tests talk to.
func home() (string, error) {
	dir := filepath.Join(fastest(), fmt.Sprintf("gatehouse-testenv-%d", os.Getuid()))
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(owner.Uid) != os.Getuid() {
		return "", fmt.Errorf("%s belongs to somebody else: remove it", dir)
	}
	// A umask may have taken bits away.
	return dir, os.Chmod(dir, 0o711) //nolint:gosec // the postgres user has to walk through it
}

// memory is where Linux keeps files in memory, and enough is how much room it must have in all for us to use it: a container may have given it 64 MiB.
const (
	memory = "/dev/shm"
	enough = 2 << 30 // bytes
)

// fastest is the folder for what need not outlive the machine: in memory where there is room. PostgreSQL copies a thousand files for each test's
// database; on a disk that took seconds after some hundred of them, in memory it takes 30 ms.
func fastest() string {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(memory, &disk); err != nil || disk.Type != tmpfs || disk.Blocks*uint64(disk.Bsize) < enough || !isWritable(memory) {
		return os.TempDir()
	}
	return memory
}

// tmpfs is the kernel's number for file systems in memory (statfs(2)).
const tmpfs = 0x01021994

// isWritable reports whether files can be made in dir: access(2) with W_OK and X_OK.
func isWritable(dir string) bool { return syscall.Access(dir, 0o2|0o1) == nil }

// cache is the folder for things that are costly to fetch and never change: it outlives the tests.
func cache() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	dir := filepath.Join(base, "gatehouse")
	return dir, os.MkdirAll(dir, 0o700)
}

// random returns n random bytes as hexadecimal digits.
func random(n int) string {
	text := make([]byte, n)
	rand.Read(text)
	return hex.EncodeToString(text)
}
