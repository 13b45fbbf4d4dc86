package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

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
	m, err := Trust{Keys: keys, Archive: a.Folder}.marks(ctx, a.DB)
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
		if err := mayTake(a.Folder, c); err != nil {
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
