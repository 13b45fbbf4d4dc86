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
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// PartEvents is how many events one archived part holds at most: so many are removed in one transaction.
const PartEvents = 5000

// partEvery is how often a part is written that is not full.
const partEvery = 24 * time.Hour

// Archives takes the oldest events out of the database into files (U8). A part is written, taken by the disk and read back before its events are
// removed, in the transaction that keeps its signed closing; the rest of the log verifies from that closing on. A crash at any point leaves the events in the
// database or in a file that is whole; what it left half done the next run removes or does again.
type Archives struct {
	DB     *db.DB
	Signer *Signer
	Folder string                               // made when it is needed, for its owner alone; several replicas share one
	Keep   time.Duration                        // events stay in the database for so long; 0: for ever
	Taken  func(context.Context) (int64, error) // the last event that the collector has taken: none after it is archived; nil where there is no collector

	crash func(point string) error // in tests
	size  int                      // of a part; 0: PartEvents
}

// Run erases from archived parts what is to be erased, and archives what is older than Keep. What fails is tried again by the next run.
func (a *Archives) Run(ctx context.Context) error {
	err := a.begin(ctx)
	if err == nil {
		err = a.erase(ctx)
	}
	if err == nil && a.Keep > 0 {
		err = a.archive(ctx)
	}
	if err != nil {
		return fmt.Errorf("audit: archive: %w", err)
	}
	return nil
}

// begin tidies, where anything is or will be archived.
func (a *Archives) begin(ctx context.Context) error {
	if _, err := os.Lstat(a.Folder); a.Keep == 0 && errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return a.tidy(ctx)
}

func (a *Archives) at(point string) error {
	if a.crash == nil {
		return nil
	}
	return a.crash(point)
}

func (a *Archives) partSize() int {
	if a.size > 0 {
		return a.size
	}
	return PartEvents
}

func (a *Archives) archive(ctx context.Context) error {
	for ctx.Err() == nil {
		parts, err := ArchivedParts(ctx, a.DB)
		if err != nil {
			return err
		}
		if err := a.there(parts); err != nil {
			return err
		}
		rows, err := a.due(ctx, parts)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := a.one(ctx, parts, rows); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// there fails when the folder lacks the last of the parts before: it is not the archive then, but a share that is not mounted, or another disk.
func (a *Archives) there(parts []Archived) error {
	for _, p := range slices.Backward(parts) {
		if p.Released {
			continue
		}
		if c, ok := closingOf(filepath.Join(a.Folder, p.Name())); !ok || c != p.Closing {
			return fmt.Errorf("nothing is archived: %s is not in %s: put it back, or say that it was taken elsewhere by gatehouse audit release", p.Name(), a.Folder)
		}
		return nil
	}
	return nil
}

// due are the events of the next part; none when it can wait.
func (a *Archives) due(ctx context.Context, parts []Archived) ([]Row, error) {
	from, _ := ending(parts)
	upto, before := int64(0), a.DB.Now().Add(-a.Keep)
	if err := a.DB.Read(ctx).Raw("SELECT seq FROM audit_head WHERE id = 1").Scan(&upto).Error; err != nil {
		return nil, err
	}
	upto-- // the last event stays: something must follow a closing
	if a.Taken != nil {
		taken, err := a.Taken(ctx)
		if err != nil {
			return nil, err
		}
		upto = min(upto, taken)
	}
	var rows []Row
	if err := a.DB.Read(ctx).Raw("SELECT * FROM audit_events WHERE seq > ? ORDER BY seq LIMIT ?", from, a.partSize()).Scan(&rows).Error; err != nil {
		return nil, err
	}
	if n := slices.IndexFunc(rows, func(r Row) bool { return r.Seq > upto || !r.At.Before(before) }); n >= 0 {
		rows = rows[:n]
	}
	full := len(rows) == a.partSize()
	late := len(parts) == 0 || a.DB.Now().Sub(parts[len(parts)-1].At) >= partEvery
	worth := slices.ContainsFunc(rows, func(r Row) bool { return r.Act != string(LogArchived) }) // else each part would be for the event of an earlier one
	if !full && (!late || !worth) {
		return nil, nil
	}
	return rows, nil
}

// part is what is archived at once.
type part struct {
	content
	before  *Closing // of the part before it, where there is one
	closing Closing
	began   []byte // hash of the event before the first
	left    int64  // addresses, which are not archived
}

// one archives a part.
func (a *Archives) one(ctx context.Context, parts []Archived, rows []Row) error {
	p, err := a.read(ctx, parts, rows)
	if err != nil {
		return err
	}
	draft, err := p.draft(a.Folder, p.closing, p.before)
	if err != nil {
		return err
	}
	if err := a.at("written"); err != nil {
		return err
	}
	if err := a.swap(ctx, p, draft); err != nil {
		return err
	}
	return a.at("removed")
}

// read puts a part together, and refuses one that is not whole: it would be signed. From where somebody came is not archived: files would outlive the days for which
// addresses are kept.
func (a *Archives) read(ctx context.Context, parts []Archived, rows []Row) (p part, err error) {
	prev, err := a.whole(ctx, parts, rows)
	if err != nil {
		return p, fmt.Errorf("the log is not whole, and nothing of it is archived: %w", err)
	}
	if len(parts) > 0 {
		p.before = &parts[len(parts)-1].Closing
	}
	values, err := personalOf(ctx, a.DB, rows)
	if err != nil {
		return p, err
	}
	points, err := checkpointsOf(ctx, a.DB, rows, true)
	if err != nil {
		return p, err
	}
	for _, r := range rows {
		archived := slices.DeleteFunc(slices.Clone(values[r.ID]), func(v personal) bool { return v.Field == addressField })
		p.events = append(p.events, exported(r, archived))
		p.values += int64(len(archived))
		p.left += int64(len(values[r.ID]) - len(archived))
	}
	for _, c := range points {
		p.checkpoints = append(p.checkpoints, c.checkpoint())
	}
	_, p.began = ending(parts)
	p.closing = a.Signer.Close(rows[0].Seq, rows[len(rows)-1].Seq, p.began, prev, a.DB.Now())
	return p, nil
}

// whole verifies the rows, and returns the hash of the last.
func (a *Archives) whole(ctx context.Context, parts []Archived, rows []Row) (hash []byte, err error) {
	keys, err := KnownKeys(ctx, a.DB, a.Signer)
	if err != nil {
		return nil, err
	}
	if seq, why := joined(parts, keys); why != "" {
		return nil, errPart{seq, why}
	}
	m, err := Trust{Keys: keys}.marks(ctx, a.DB)
	if err != nil {
		return nil, err
	}
	last, prev := ending(parts)
	if seq, why, err := forged(ctx, a.DB, last); err != nil {
		return nil, err
	} else if why != "" {
		return nil, errPart{seq, why}
	}
	for _, r := range rows {
		why := fits(r, last+1, prev)
		if why == "" {
			why = m.fits(r.Seq, r.Hash)
		}
		if why != "" {
			return nil, errPart{last + 1, why}
		}
		last, prev = r.Seq, r.Hash
	}
	bad, err := badPersonal(ctx, a.DB, rows)
	if err == nil && bad != 0 {
		err = errPart{bad, "a personal field differs from its digest"}
	}
	return prev, err
}

// swap puts the file in the place of the events. Of two who try only one gets past the insert, and a personal value that was erased since the file was written makes the
// transaction fail, so that none comes back in the file.
func (a *Archives) swap(ctx context.Context, p part, draft string) error {
	file, err := os.Lstat(draft)
	if err != nil {
		return err
	}
	c := p.closing
	at, err := time.Parse(time.RFC3339, c.At)
	if err != nil {
		return err
	}
	return a.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := lockArchives(tx); err != nil {
			return err
		}
		_, err := tx.Run("INSERT INTO audit_archives (last_seq, first_seq, previous_hash, hash, at, public_key, signature) VALUES (?, ?, ?, ?, ?, ?, ?)",
			c.Last, c.First, p.began, c.hash(), at, c.Key, c.Signature)
		if err != nil {
			return err
		}
		values, err := tx.Run("DELETE FROM audit_personal WHERE event_id IN (SELECT id FROM audit_events WHERE seq >= ? AND seq <= ?)", c.First, c.Last)
		if err != nil {
			return err
		}
		events, err := tx.Run("DELETE FROM audit_events WHERE seq >= ? AND seq <= ?", c.First, c.Last)
		if err != nil {
			return err
		}
		if values != p.values+p.left || events != int64(len(p.events)) {
			return errors.New("something was erased meanwhile: the part is written again by the next run")
		}
		Record(tx, actor.ForSystem(), Event{Act: LogArchived, TargetKind: "audit", Details: map[string]string{
			"first": strconv.FormatInt(c.First, 10), "last": strconv.FormatInt(c.Last, 10), "hash": c.Hash, "file": c.Name(),
		}})
		if err := a.at("taken out"); err != nil {
			return err
		}
		if err := place(file, draft, a.Folder, c.Name()); err != nil {
			return err
		}
		return a.at("named")
	})
}

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
