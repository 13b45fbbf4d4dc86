package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Backup writes a whole copy of a SQLite database to path as of one instant, while others read and write (REL-16). The copy is
// 0600 and must not exist yet. It leaves nothing behind when it fails.
func (d *DB) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("backup: %s is there already", path)
	}
	draft := path + ".part"
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := d.vacuumInto(ctx, draft); err != nil {
		return errors.Join(fmt.Errorf("backup: %w", err), os.Remove(draft))
	}
	if err := errors.Join(os.Chmod(draft, 0o600), os.Rename(draft, path)); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// vacuumInto uses a connection of its own: the readers may not write, not even another file, and the one writer must stay free.
func (d *DB) vacuumInto(ctx context.Context, path string) error {
	own, err := sql.Open("sqlite", sqliteDSN(d.Path, false))
	if err != nil {
		return err
	}
	_, err = own.ExecContext(ctx, "VACUUM INTO ?", path)
	return errors.Join(err, own.Close())
}

// RestoreFile puts the backup at file in the place of the database at target, which must not be in use. The backup is checked first;
// a database that is there is moved to target.before-restore when force says so, else it is left and the restore fails.
func RestoreFile(ctx context.Context, file, target string, force bool) error {
	if err := CheckFile(ctx, file); err != nil {
		return err
	}
	if _, err := os.Lstat(target); err == nil {
		if !force {
			return fmt.Errorf("restore: %s is there already; stop the server and use --force to replace it", target)
		}
		for _, tail := range []string{"", "-wal", "-shm"} {
			if err := os.Rename(target+tail, target+".before-restore"+tail); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("restore: %w", err)
			}
		}
	}
	return copyFile(file, target)
}

// CheckFile fails unless the file is a whole SQLite database.
func CheckFile(ctx context.Context, file string) error {
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	copied := filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".check")
	if err := copyFile(file, copied); err != nil { // opening it would switch its journal mode: check a copy
		return err
	}
	defer func() {
		for _, tail := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(copied + tail)
		}
	}()
	d, err := Open(ctx, Options{URL: "sqlite:" + copied})
	if err != nil {
		return fmt.Errorf("restore: %s is not a database: %w", file, err)
	}
	defer func() { _ = d.Close() }()
	var verdict string
	if err := d.Read(ctx).Raw("PRAGMA integrity_check(1)").Row().Scan(&verdict); err != nil || verdict != "ok" {
		return fmt.Errorf("restore: %s is damaged: %s %w", file, verdict, err)
	}
	return nil
}

func copyFile(from, to string) error {
	src, err := os.Open(from) //nolint:gosec // the operator's own path
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() { _ = src.Close() }()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Sync(), dst.Close())
}
