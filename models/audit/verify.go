package audit

import (
	"bytes"
	"context"
	"fmt"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Verdict is what Verify found. Sound is true when every event is whole, in order, and the head row agrees.
type Verdict struct {
	Events   int64
	Sound    bool
	FirstBad int64  // sequence number of the first event that does not fit; 0 when sound
	Why      string // in English, for the operator
	Head     []byte // hash of the last event

	Checkpoints int   // how many the log was compared with
	Signed      int64 // the last event that one of them covers
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
// the ones outside it finds nothing when the checkpoints in the database are deleted too.
func VerifyWith(ctx context.Context, d *db.DB, t Trust) (Verdict, error) {
	var v Verdict
	marks, err := t.marks(ctx, d)
	if err != nil {
		return v, err
	}
	prev := make([]byte, 32) // the chain begins with zeros
	for {
		var rows []Row
		err := d.Read(ctx).Raw("SELECT * FROM audit_events WHERE seq > ? ORDER BY seq LIMIT ?", v.Events, verifyBatch).Scan(&rows).Error
		if err != nil {
			return v, fmt.Errorf("audit: verify: %w", err)
		}
		for _, r := range rows {
			if why := fits(r, v.Events+1, prev); why != "" {
				v.FirstBad, v.Why = v.Events+1, why
				return v, nil
			}
			if why := marks.fits(r.Seq, r.Hash); why != "" {
				v.FirstBad, v.Why = r.Seq, why
				return v, nil
			}
			v.Events, prev = r.Seq, r.Hash
		}
		if len(rows) > 0 {
			bad, err := badPersonal(ctx, d, rows)
			if err != nil || bad != 0 {
				v.FirstBad, v.Why = bad, "a personal field differs from its digest"
				return v, err
			}
		}
		if len(rows) < verifyBatch {
			break
		}
	}
	v.Checkpoints, v.Signed = marks.passed, marks.last
	if c, ok := marks.beyond(v.Events); ok {
		v.FirstBad, v.Why = v.Events+1, fmt.Sprintf("the checkpoint of %s tells of %d events, the log holds %d", c.At, c.Seq, v.Events)
		return v, nil
	}
	return headAgrees(ctx, d, v, prev)
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
