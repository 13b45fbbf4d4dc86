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
// still in the database. Any other file stays; one that would be in the way of the next part is an error. It waits for who is about to commit a part.
func (a *Archives) tidy(ctx context.Context) error {
	if err := os.MkdirAll(a.Folder, 0o700); err != nil {
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
		strays, err := a.strays(tx, last)
		if err != nil {
			return err
		}
		for _, path := range append(left, strays...) {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		return nil
	})
}

// strays are files of parts that the database knows nothing of and has all events of.
func (a *Archives) strays(tx *db.Tx, last int64) (found []string, err error) {
	files, err := filepath.Glob(filepath.Join(a.Folder, "audit-*-*.jsonl"))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		var first, end int64
		if _, err := fmt.Sscanf(filepath.Base(path), "audit-%d-%d.jsonl", &first, &end); err != nil || first <= last {
			continue // an archived part, or nothing of ours
		}
		held, err := holds(tx, path)
		switch {
		case err != nil:
			return nil, err
		case held:
			found = append(found, path)
		case first == last+1:
			return nil, fmt.Errorf("%s is there already, and holds other events: take it out of the folder", path)
		}
	}
	return found, nil
}

// holds reports whether the database still has the events of a file: the hash of the last stands for all before it.
func holds(tx *db.Tx, path string) (bool, error) {
	c, ok := closingOf(path)
	if !ok {
		return false, nil
	}
	var found []struct {
		Seq  int64
		Hash []byte
	}
	var n int64
	err := tx.Raw("SELECT seq, hash FROM audit_events WHERE seq = ?", c.Last).Scan(&found).Error
	if err == nil {
		err = tx.Raw("SELECT COUNT(*) FROM audit_events WHERE seq >= ? AND seq <= ?", c.First, c.Last).Scan(&n).Error
	}
	return err == nil && len(found) == 1 && hex.EncodeToString(found[0].Hash) == c.Hash && n == c.Last-c.First+1, err
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
