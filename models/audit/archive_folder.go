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

// tidy makes the folder, and removes the drafts that an earlier run left in it. It waits for who is about to commit a part.
func (a *Archives) tidy(ctx context.Context) error {
	if err := os.MkdirAll(a.Folder, 0o700); err != nil {
		return err
	}
	return a.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := lockArchives(tx); err != nil {
			return err
		}
		left, err := filesOf(a.Folder, drafts)
		if err != nil {
			return err
		}
		for _, path := range left {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		return nil
	})
}

// finish archives once more what the folder has a part of, and the database does not know of: a crash left that, or somebody had the database forget it. No such
// file is removed, since whoever owns the database could ask for it, and none is replaced but by the same events, as they are signed in it.
func (a *Archives) finish(ctx context.Context) error {
	keys, err := KnownKeys(ctx, a.DB, a.Signer)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		parts, err := ArchivedParts(ctx, a.DB)
		if err != nil {
			return err
		}
		rows, err := a.unfinished(ctx, parts, keys)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := a.one(ctx, parts, rows); err != nil {
			name := Closing{First: rows[0].Seq, Last: rows[len(rows)-1].Seq}.Name()
			return fmt.Errorf("%s is in the folder, and the database does not know of it: %w", name, err)
		}
	}
	return ctx.Err()
}

// unfinished are the events of the file that follows the parts, none when there is no such file. It waits for who is about to commit a part.
func (a *Archives) unfinished(ctx context.Context, parts []Archived, keys []string) (rows []Row, err error) {
	err = a.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := lockArchives(tx); err != nil {
			return err
		}
		last := int64(0)
		if err := tx.Raw("SELECT COALESCE(MAX(last_seq), 0) FROM audit_archives").Scan(&last).Error; err != nil {
			return err
		}
		before, hash := ending(parts)
		path, err := fileFrom(a.Folder, before+1)
		if err != nil || path == "" || last != before { // another replica has just archived it
			return err
		}
		c, ok := closingOf(path)
		if !ok || c.Check(keys) != nil || c.Name() != filepath.Base(path) || c.Previous != hex.EncodeToString(hash) {
			return inTheWay(path)
		}
		if err := tx.Raw("SELECT * FROM audit_events WHERE seq >= ? AND seq <= ? ORDER BY seq", c.First, c.Last).Scan(&rows).Error; err != nil {
			return err
		}
		if n := len(rows); n == 0 || rows[n-1].Seq != c.Last || !bytes.Equal(rows[n-1].Hash, c.hash()) { // those before are verified by one
			return inTheWay(path)
		}
		return nil
	})
	return rows, err
}

func inTheWay(path string) error {
	return fmt.Errorf("%s is there already, and holds other events: take it out of the folder, and see gatehouse audit verify", path)
}

// mayTake fails when the folder has a file of other events where a part is to be put.
func mayTake(folder string, c Closing) error {
	path, err := fileFrom(folder, c.First)
	if err != nil || path == "" {
		return err
	}
	if there, ok := closingOf(path); !ok || there.Name() != filepath.Base(path) || there.Name() != c.Name() || there.Previous != c.Previous || there.Hash != c.Hash {
		return inTheWay(path)
	}
	return nil
}

// partFiles are the files of a folder that are called as parts are, in their order.
func partFiles(folder string) ([]string, error) { return filesOf(folder, "audit-*-*.jsonl") }

// filesOf are the files of a folder whose names match; none where there is no folder. A folder can be called as no pattern may be.
func filesOf(folder, pattern string) (paths []string, err error) {
	found, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for _, f := range found {
		if is, _ := filepath.Match(pattern, f.Name()); is {
			paths = append(paths, filepath.Join(folder, f.Name()))
		}
	}
	return paths, nil
}

// fileFrom is the file of the part that begins with event first, "" when there is none.
func fileFrom(folder string, first int64) (string, error) {
	paths, err := partFiles(folder)
	for _, path := range paths {
		var from, to int64
		if n, _ := fmt.Sscanf(filepath.Base(path), "audit-%d-%d.jsonl", &from, &to); n == 2 && from == first {
			return path, nil
		}
	}
	return "", err
}

// archiveLock is the PostgreSQL advisory lock under which files of the archive are named and made anew: each replica that does so must see what another
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
