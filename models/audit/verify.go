package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Verdict is what Verify found. Sound is true when every event is whole, in order, and the head row agrees.
type Verdict struct {
	Events   int64
	Archived int64 // so many of them, from the first on, are archived
	Unread   int64 // so many of these are in files that were released and are not there
	Sound    bool
	FirstBad int64  // sequence number of the first event that does not fit; 0 when sound
	Why      string // in English, for the operator
	Head     []byte // hash of the last event

	Checkpoints int   // how many the log was compared with
	Signed      int64 // the last event that one of them covers
	Outside     int64 // the last event that one from outside covers: what came after it, who owns the database can have made anew
}

const verifyBatch = 1000

// Verify reads the whole chain and recomputes it (U3): an edited, deleted, inserted or reordered event breaks a hash or
// a number; a cut tail disagrees with the head row; a personal value that was changed disagrees with its digest (an erased one is
// fine). Cost: one pass over the table. It trusts no signature; VerifyWith does.
func Verify(ctx context.Context, d *db.DB) (Verdict, error) {
	return VerifyWith(ctx, d, Trust{})
}

// VerifyWith is Verify that also compares the log with signed checkpoints: those in the database, and those that were kept outside. A log that was made
// anew from some event on, hashes, head row and all, differs from each later checkpoint: nobody signs another one without the root secret. Without
// the ones outside it finds nothing when the checkpoints in the database are deleted too. Of archived parts it reads the files where t names their folder, and compares the
// log with what is signed in all that are there; else it begins at the signed closing of the last.
func VerifyWith(ctx context.Context, d *db.DB, t Trust) (Verdict, error) {
	for {
		parts, err := ArchivedParts(ctx, d)
		if err != nil {
			return Verdict{}, err
		}
		v, err := verifyFrom(ctx, d, t, parts)
		if err != nil || v.Sound {
			return v, err
		}
		again, err := ArchivedParts(ctx, d)
		if err != nil || sameEnding(parts, again) {
			return v, err
		} // a part was archived while it was read
	}
}

func verifyFrom(ctx context.Context, d *db.DB, t Trust, parts []Archived) (v Verdict, err error) {
	marks, err := t.marks(ctx, d)
	if err != nil {
		return v, err
	}
	if v.FirstBad, v.Why = joined(parts, t.Keys); v.Why != "" {
		return v, nil
	}
	if v.FirstBad, v.Why, err = t.archived(parts, marks); err != nil || v.Why != "" {
		return v, err
	}
	last, prev := ending(parts)
	if v.FirstBad, v.Why, err = forged(ctx, d, last); err != nil || v.Why != "" {
		return v, err
	}
	v.Events, v.Archived = last, last
	if prev, err = v.live(ctx, d, marks, prev); err != nil || v.Why != "" {
		return v, err
	}
	if v.Unread, v.FirstBad, v.Why = marks.unread(); v.Why != "" {
		return v, nil
	}
	v.Checkpoints, v.Signed, v.Outside = marks.passed, marks.last, t.reach()
	if c, ok := marks.beyond(v.Events); ok {
		v.FirstBad, v.Why = v.Events+1, fmt.Sprintf("%s tells of %d events, the log holds %d", c.name(), c.Seq, v.Events)
		return v, nil
	}
	return headAgrees(ctx, d, v, prev)
}

// forged finds an event that stands where none can be: under a number that was archived, or below the first.
func forged(ctx context.Context, d *db.DB, archived int64) (first int64, why string, err error) {
	var seqs []int64
	if err := d.Read(ctx).Raw("SELECT seq FROM audit_events WHERE seq <= ? ORDER BY seq LIMIT 1", archived).Scan(&seqs).Error; err != nil || len(seqs) == 0 {
		return 0, "", err
	}
	if seqs[0] < 1 {
		return 1, fmt.Sprintf("an event stands before it, under number %d", seqs[0]), nil
	}
	return seqs[0], "an event stands under this number, which was archived", nil
}

// live judges the events that are in the database, and returns the hash of the last.
func (v *Verdict) live(ctx context.Context, d *db.DB, marks *marks, prev []byte) ([]byte, error) {
	for {
		var rows []Row
		err := d.Read(ctx).Raw("SELECT * FROM audit_events WHERE seq > ? ORDER BY seq LIMIT ?", v.Events, verifyBatch).Scan(&rows).Error
		if err != nil {
			return prev, fmt.Errorf("audit: verify: %w", err)
		}
		for _, r := range rows {
			v.Why = fits(r, v.Events+1, prev)
			if v.Why == "" {
				v.Why = marks.fits(r.Seq, r.Hash)
			}
			if v.Why != "" {
				v.FirstBad = v.Events + 1
				return prev, nil
			}
			marks.note(r)
			v.Events, prev = r.Seq, r.Hash
		}
		bad, err := badPersonal(ctx, d, rows)
		if err == nil && bad != 0 {
			v.FirstBad, v.Why = bad, "a personal field differs from its digest"
		}
		if err != nil || bad != 0 || len(rows) < verifyBatch {
			return prev, err
		}
	}
}

// archived judges the parts: by their files where their folder is named, else by what is signed of them alone.
func (t Trust) archived(parts []Archived, m *marks) (first int64, why string, err error) {
	for i, p := range parts {
		if t.Archive == "" {
			if why := m.fits(p.Last, p.hash()); why != "" {
				return p.Last, why, nil
			}
			continue
		}
		var before *Closing
		if i > 0 {
			before = &parts[i-1].Closing
		}
		found, err := readPart(filepath.Join(t.Archive, p.Name()), p.Closing, before)
		var bad errPart
		switch {
		case errors.Is(err, fs.ErrNotExist) && p.Released:
			m.away = append(m.away, p)
			continue
		case errors.Is(err, fs.ErrNotExist):
			return p.First, "its archived part " + p.Name() + " is not in " + t.Archive, nil
		case errors.As(err, &bad):
			return bad.seq, bad.why + " (" + p.Name() + ")", nil
		case err != nil:
			return 0, "", fmt.Errorf("audit: verify: %w", err)
		}
		for _, e := range found.events {
			r, _ := e.row() // was read
			if why := m.fits(e.Seq, r.Hash); why != "" {
				return e.Seq, why, nil
			}
			m.note(r)
		}
		if len(t.Keys) == 0 {
			continue
		}
		for _, c := range found.checkpoints {
			if err := c.Check(t.Keys); err != nil {
				return c.Seq, "the checkpoint of " + c.At + " in " + p.Name() + " is not signed by a key of this installation", nil //nolint:nilerr // that is the answer
			}
		}
	}
	return 0, "", nil
}

func fits(r Row, seq int64, prev []byte) string {
	switch {
	case r.Seq != seq:
		return fmt.Sprintf("event %d is missing", seq)
	case !bytes.Equal(r.PreviousHash, prev):
		return "it does not follow the event before it"
	case !bytes.Equal(r.Sum(), r.Hash):
		return "its content differs from its hash"
	}
	return ""
}

func headAgrees(ctx context.Context, d *db.DB, v Verdict, prev []byte) (Verdict, error) {
	var head struct {
		Seq, Events int64
		Hash        []byte
	}
	res := d.Read(ctx).Raw("SELECT seq, events, hash FROM audit_head WHERE id = 1").Scan(&head)
	if res.Error != nil {
		return v, fmt.Errorf("audit: verify: %w", res.Error)
	}
	if res.RowsAffected != 1 || head.Seq != v.Events || head.Events != v.Events || !bytes.Equal(head.Hash, prev) {
		v.FirstBad, v.Why = v.Events+1, fmt.Sprintf("the head row tells of %d events, the log holds %d", head.Events, v.Events)
		return v, nil
	}
	v.Sound, v.Head = true, prev
	return v, nil
}
