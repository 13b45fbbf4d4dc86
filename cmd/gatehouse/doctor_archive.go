package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gatehouse-dev/gatehouse/models/audit"
)

// checkArchive looks at the folder of the audit log's archive, where there is or will be one: who may enter it, since it names people (U8), whether it can be written,
// whether it holds what was archived, and what room is left where it has a disk of its own.
func (d *doctor) checkArchive(ctx context.Context) {
	dir, parts := d.settings.AuditArchive, d.keptParts(ctx)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(parts) > 0:
		d.fail("archive", fmt.Sprintf("%s is not there, and should hold archived files of the audit log: %d", dir, len(parts)), putBack)
		return
	case errors.Is(err, fs.ErrNotExist) && d.settings.AuditKeep > 0:
		d.ok("archive", dir+" is not there yet; it is made when the first events are archived")
	case errors.Is(err, fs.ErrNotExist):
		return // nothing is archived, nor will be
	case !d.isFolder("archive", "GATEHOUSE_AUDIT_ARCHIVE", dir, info, err):
		return
	default:
		d.checkAccess("archive", dir, info)
		d.checkParts(dir, parts)
	}
	if near := existing(dir); !sameDisk(near, existing(d.settings.DataDir)) {
		d.checkArchiveRoom(near)
	}
}

const putBack = "Mount or put it back, or mend GATEHOUSE_AUDIT_ARCHIVE; until then nothing is archived and the audit log can't be verified whole"

// keptParts are those whose files should be in the folder; none where no database tells.
func (d *doctor) keptParts(ctx context.Context) (kept []audit.Archived) {
	if d.db == nil {
		return nil
	}
	parts, _ := audit.ArchivedParts(ctx, d.db) // what the database says of itself is another line
	for _, p := range parts {
		if !p.Released {
			kept = append(kept, p)
		}
	}
	return kept
}

// checkParts looks whether the files are there; what is in them is for gatehouse audit verify to judge.
func (d *doctor) checkParts(dir string, parts []audit.Archived) {
	missing, first := 0, ""
	for _, p := range parts {
		if _, err := os.Stat(filepath.Join(dir, p.Name())); err != nil {
			if missing++; first == "" {
				first = p.Name()
			}
		}
	}
	if missing > 0 {
		d.fail("archive", fmt.Sprintf("archived files of the audit log are not in %s: %d of %d, the first of them %s", dir, missing, len(parts), first), putBack+". What you took elsewhere for good: gatehouse audit release")
	}
}

func sameDisk(a, b string) bool {
	var one, other syscall.Stat_t
	return syscall.Stat(a, &one) == nil && syscall.Stat(b, &other) == nil && one.Dev == other.Dev
}

func (d *doctor) checkArchiveRoom(dir string) {
	free, noFiles, err := roomOf(dir)
	if err != nil {
		d.warn("archive", "the disk of "+dir+" can't be asked: "+err.Error(), "Look with df")
		return
	}
	d.add(judgeArchiveRoom(dir, free, noFiles))
}

// judgeArchiveRoom judges the free bytes of a disk that only the archive is on.
func judgeArchiveRoom(dir string, free int64, noFiles bool) finding {
	const wait = "Make room: until then events stay in the database however old they are"
	says := fmt.Sprintf("%d MiB are free on the disk of %s", free>>20, dir)
	switch {
	case noFiles:
		return finding{"archive", stateFail, "the disk of " + dir + " takes no more files", wait}
	case free < leastRoom:
		return finding{"archive", stateFail, says, wait}
	case free < enoughRoom:
		return finding{"archive", stateWarn, says, wait}
	}
	return finding{"archive", stateOK, says, ""}
}
