package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// checkFolder looks at the data folder: who may enter it (C7), whether it can be written, and what room is left on its disk.
func (d *doctor) checkFolder(context.Context) {
	dir := d.settings.DataDir
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		d.warn("folder", dir+" is not there yet", "The first start makes it; if there was one already, mend GATEHOUSE_DATA_DIR")
		d.checkRoom(existing(dir))
		return
	}
	if d.isFolder("folder", "GATEHOUSE_DATA_DIR", dir, info, err) {
		d.checkAccess("folder", dir, info)
		d.checkRoom(dir)
	}
}

// isFolder reports whether what was found at dir is a folder, and tells what else it is.
func (d *doctor) isFolder(check, setting, dir string, info fs.FileInfo, err error) bool {
	switch {
	case err != nil:
		d.fail(check, err.Error(), "Let Gatehouse's user read it")
	case !info.IsDir():
		d.fail(check, dir+" is no folder", "Mend "+setting)
	default:
		return true
	}
	return false
}

// checkAccess looks who may enter a folder that is for Gatehouse alone, and whether it can be written.
func (d *doctor) checkAccess(check, dir string, info fs.FileInfo) {
	probe, err := os.CreateTemp(dir, ".doctor-*")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	switch {
	case err != nil:
		d.fail(check, dir+" can't be written: "+err.Error(), "Let Gatehouse's user write there")
	case within(dir, d.settings.ContentDir):
		d.fail(check, dir+" is in the folder of the portal's own pages, "+d.settings.ContentDir, "Move one of them: what is in there is for everybody")
	case info.Mode().Perm()&0o077 != 0:
		d.warn(check, fmt.Sprintf("others on this machine may enter %s (mode %o)", dir, info.Mode().Perm()), "Run chmod 700 "+dir)
	case known && int(owner.Uid) != os.Geteuid():
		d.warn(check, fmt.Sprintf("%s belongs to user %d, and this is user %d", dir, owner.Uid, os.Geteuid()), "Run the doctor as the user of the server, or what it says of permissions means little")
	default:
		d.ok(check, dir+" is ours alone and can be written")
	}
}

// within reports whether a folder is another one, or lies in it, wherever links lead.
func within(dir, outer string) bool {
	if outer == "" {
		return false
	}
	var real [2]string
	for i, path := range []string{outer, dir} {
		whole, err := filepath.Abs(path)
		if err != nil {
			return false
		}
		if real[i], err = filepath.EvalSymlinks(whole); err != nil {
			return false
		}
	}
	between, err := filepath.Rel(real[0], real[1])
	return err == nil && filepath.IsLocal(between)
}

// existing is the nearest folder above that there is.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// Room below which something is wrong, and which should be left on the disk beside what the usage spool may take.
const (
	leastRoom  = 100 << 20
	enoughRoom = 1 << 30
)

func (d *doctor) checkRoom(dir string) {
	free, noFiles, err := roomOf(dir)
	if err != nil {
		d.warn("room", "the disk of "+dir+" can't be asked: "+err.Error(), "Look with df")
		return
	}
	d.add(judgeRoom(dir, free, d.settings.UsageSpool.Size, noFiles))
}

// roomOf is how many bytes are free on the disk of a folder, and whether it takes no more files.
func roomOf(dir string) (free int64, noFiles bool, err error) {
	var s syscall.Statfs_t
	err = syscall.Statfs(dir, &s)
	return int64(s.Bavail) * s.Bsize, s.Files > 0 && s.Ffree < 1000, err
}

// judgeRoom judges the free bytes of a disk.
func judgeRoom(dir string, free, spool int64, noFiles bool) finding {
	says := fmt.Sprintf("%d MiB are free on the disk of %s", free>>20, dir)
	switch {
	case noFiles:
		return finding{"room", stateFail, "the disk of " + dir + " takes no more files", "Remove files that nobody needs"}
	case free < leastRoom:
		return finding{"room", stateFail, says, "Make room: when the disk is full nothing can be changed, not even a key revoked"}
	case free < enoughRoom+spool:
		return finding{"room", stateWarn, says, fmt.Sprintf("Make room: the usage spool alone may take %d MiB while the database is away", spool>>20)}
	}
	return finding{"room", stateOK, says, ""}
}

// checkSecret finds the root secret as open does, without making one, and compares it with the canary in the database (REL-17).
func (d *doctor) checkSecret(ctx context.Context) {
	var stored string
	known := false
	if d.db != nil {
		known, _ = setting.Get(ctx, d.db, canaryName, &stored) // what the database says of itself is another line
	}
	root, place, ok := d.readSecret(known)
	if !ok {
		return
	}
	if !known {
		d.ok("secret", place+" can be used; there is nothing yet to compare it with")
		return
	}
	switch root.CheckCanary(stored) {
	case secret.CanaryCurrent:
		d.ok("secret", place+" is the one that this database was made with")
	case secret.CanaryPrevious:
		d.warn("secret", "the database knows the previous secret", "Start every replica with the new one; then GATEHOUSE_SECRET_PREVIOUS is still needed for keys and passwords made before")
	default:
		d.fail("secret", place+" is not the one that this database was made with: no key and no password would match", "Put the right one back, or name the old one in GATEHOUSE_SECRET_PREVIOUS")
	}
}

func (d *doctor) readSecret(known bool) (root *secret.Root, place string, ok bool) {
	if s := d.settings; s.Secret.IsSet() {
		root, err := secret.Parse(s.Secret.Reveal(), s.SecretPrevious.Reveal())
		if err != nil {
			d.fail("secret", err.Error(), "Make one with: openssl rand -base64 48")
		}
		return root, "the value of GATEHOUSE_SECRET", err == nil
	}
	place = filepath.Join(d.settings.DataDir, "secret")
	root, err := secret.Load(place, d.settings.SecretPrevious.Reveal())
	switch {
	case err == nil:
		return root, place, true
	case errors.Is(err, fs.ErrNotExist) && known:
		d.fail("secret", "this database was made with a secret that is not here", "Put it at "+place+" or in GATEHOUSE_SECRET; without it no key and no password matches")
	case errors.Is(err, fs.ErrNotExist):
		d.ok("secret", "there is none yet; the first start makes it at "+place)
	case errors.Is(err, secret.ErrExposed):
		d.fail("secret", "everybody on this machine can read "+place, "Run chmod 600 "+place+", and change the secret if others have accounts here")
	default:
		d.fail("secret", err.Error(), "Put back the one that was made at the first start")
	}
	return nil, place, false
}
