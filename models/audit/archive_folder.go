package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// tidy makes the folder, and removes what an earlier run left in it unfinished: drafts, and files of parts that were never committed, whose events are all
// still in the database. Any other file stays; one that this installation signed, or that would be in the way of the next part, is an error. It waits for who is about to commit a part.
func (a *Archives) tidy(ctx context.Context) error {
	if err := os.MkdirAll(a.Folder, 0o700); err != nil {
		return err
	}
	keys, err := KnownKeys(ctx, a.DB, a.Signer)
	if err != nil {
		return err
	}
	return a.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := lockArchives(tx); err != nil {
			return err
		}
		last := int64(0)
		if err := tx.Raw("SELECT COALESCE(MAX(last_seq), 0) FROM audit_archives").Scan(&last).Error; err != nil {
			return err
		}
		left, err := filepath.Glob(filepath.Join(a.Folder, drafts))
		if err != nil {
			return err
		}
		for _, path := range left {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		return a.strays(tx, last, keys)
	})
}

// partFiles are the files of parts in the folder.
func partFiles(folder string) ([]string, error) {
	return filepath.Glob(filepath.Join(folder, "audit-*-*.jsonl"))
}

// strays takes out of the way files of parts that the database knows nothing of and has all events of.
func (a *Archives) strays(tx *db.Tx, last int64, keys []string) error {
	files, err := partFiles(a.Folder)
	if err != nil {
		return err
	}
	for _, path := range files {
		var first, end int64
		if _, err := fmt.Sscanf(filepath.Base(path), "audit-%d-%d.jsonl", &first, &end); err != nil || first <= last {
			continue // an archived part, or nothing of ours
		}
		c, ok := closingOf(path)
		ours := ok && c.Name() == filepath.Base(path) && c.Check(keys) == nil
		held := false
		if ours {
			if held, err = holds(tx, c); err != nil {
				return err
			}
		}
		switch {
		case held:
			err = setAside(path, c)
		case ours:
			err = fmt.Errorf("this installation archived %s, and the database holds neither that it did nor the events: nothing is archived. Was a backup restored, or the log changed? Run gatehouse audit verify, and keep the file elsewhere", path)
		case first == last+1:
			err = fmt.Errorf("%s is there already, and holds other events: take it out of the folder", path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// asideTail ends the name of what is left of a file that was set aside.
const asideTail = ".closing"

// setAside removes a file whose events are in the database, but for its signed closing: whoever owns the database has no file removed without a trace of what was in it.
func setAside(path string, c Closing) error {
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path+asideTail, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close(), syncFolder(filepath.Dir(path))); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// closingsIn are the closings of all files in a folder, and of those that were set aside, that keys signed. They prove what the log held, whatever the database says.
func closingsIn(folder string, keys []string) (found []Closing, err error) {
	files, err := partFiles(folder)
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		if c, ok := closingOf(path); ok && c.Check(keys) == nil {
			found = append(found, c)
		}
	}
	aside, err := filepath.Glob(filepath.Join(folder, "audit-*-*.jsonl"+asideTail))
	if err != nil {
		return nil, err
	}
	for _, path := range aside {
		text, err := os.ReadFile(path) //nolint:gosec // the operator's own path
		if err != nil {
			return nil, err
		}
		for line := range nonEmptyLines(text) {
			var c Closing
			if json.Unmarshal(line, &c) == nil && c.Type == closingType && c.Check(keys) == nil {
				found = append(found, c)
			}
		}
	}
	return found, nil
}

// holds reports whether the database has the events that a closing was signed of: each is hashed anew, since who owns the database writes any hash into it.
func holds(tx *db.Tx, c Closing) (bool, error) {
	prev, err := hex.DecodeString(c.Previous)
	if err != nil {
		return false, nil //nolint:nilerr // a closing that can’t be read is none of an event
	}
	var rows []Row
	if err := tx.Raw("SELECT * FROM audit_events WHERE seq >= ? AND seq <= ? ORDER BY seq", c.First, c.Last).Scan(&rows).Error; err != nil {
		return false, err
	}
	next := c.First
	for _, r := range rows {
		if fits(r, next, prev) != "" {
			return false, nil
		}
		next, prev = r.Seq+1, r.Hash
	}
	return next == c.Last+1 && hex.EncodeToString(prev) == c.Hash, nil
}

// archiveLock is the PostgreSQL advisory lock under which files of the archive are named, removed and made anew: each replica that does so must see what another
// has just done.
const archiveLock = 7411056

func lockArchives(tx *db.Tx) error {
	if tx.Home.Dialect != db.Postgres {
		return nil // one writer at a time
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(?)", archiveLock).Error
}

// closingOf reads the last line of a file.
func closingOf(path string) (c Closing, ok bool) {
	f, err := os.Open(path) //nolint:gosec // the operator's own path
	if err != nil {
		return c, false
	}
	defer func() { _ = f.Close() }()
	const longest = 2048
	info, err := f.Stat()
	if err != nil {
		return c, false
	}
	tail := make([]byte, min(longest, info.Size()))
	if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil {
		return c, false
	}
	lines := slices.Collect(nonEmptyLines(tail))
	if len(lines) == 0 || json.Unmarshal(lines[len(lines)-1], &c) != nil {
		return c, false
	}
	return c, c.Type == closingType
}

func nonEmptyLines(text []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) > 0 && !yield(line) {
				return
			}
		}
	}
}
