package testenv

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// locked runs f while no other process of this user holds the lock of that name. The kernel lets go of the lock when
// a process dies, so that a killed test never blocks the next.
func locked(name string, f func() error) error {
	file, err := lockFile(name, syscall.LOCK_EX)
	if err != nil {
		return err
	}
	defer file.Close()
	return f()
}

// lockFile opens the lock and takes it, waiting for it. Closing the file, or dying, gives it back.
func lockFile(name string, how int) (*os.File, error) {
	dir, err := home()
	if err != nil {
		return nil, err
	}
	path := dir + "/" + name + ".lock"
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return file, nil
}
