package audit

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// An export is lines of JSON: one that begins it, the events with all that their hashes are made of, the checkpoints at their places, and a
// signed end. Where the oldest events are archived, the signed closing of the last archived part comes first. Whoever holds it and the public key can verify it without this program: docs/verify-audit does.
type (
	exportHead struct {
		Type    string `json:"type"` // export
		Version int    `json:"version"`
		Whole   bool   `json:"whole"` // every event from the first on; else a choice, whose gaps are no fault
		At      string `json:"at"`
	}
	exportEvent struct {
		Type           string                    `json:"type"` // event
		Seq            int64                     `json:"seq"`
		ID             string                    `json:"id"`
		At             string                    `json:"at"`
		ActorKind      string                    `json:"actor_kind"`
		ActorID        string                    `json:"actor_id"` // here and below: all zeros for none, as it is hashed
		Act            string                    `json:"act"`
		TargetKind     string                    `json:"target_kind"`
		TargetID       string                    `json:"target_id"`
		OrganizationID string                    `json:"organization_id"`
		Result         string                    `json:"result"`
		RequestID      string                    `json:"request_id"`
		Details        string                    `json:"details"`  // JSON, as it is hashed
		Personal       string                    `json:"personal"` // JSON of field to digest, as it is hashed
		PreviousHash   string                    `json:"previous_hash"`
		Hash           string                    `json:"hash"`
		Who            map[string]exportPersonal `json:"who,omitempty"` // what personal fields hold; one that was erased is missing
	}
	exportPersonal struct {
		Salt  string `json:"salt"` // base64
		Value string `json:"value"`
	}
)

// Export writes the events that fit as lines of JSON, the oldest first, and returns how many they were. Who may read them is the caller's to check. The whole log is
// closed by its signed end where it reaches as far as is known of it, and fails without one where that is missing. Fault: Conflict where nothing was recorded yet.
func Export(ctx context.Context, d *db.DB, f Filter, s *Signer, w io.Writer) (int, error) {
	e := export{d: d, out: json.NewEncoder(w), whole: f.whole()}
	e.out.SetEscapeHTML(false)
	if e.whole {
		var err error
		if e.known, err = extentOf(ctx, d); err != nil {
			return 0, err
		}
		if e.known.empty() {
			return 0, fault.New(fault.Conflict, "Nothing was recorded yet: there is no log to export.")
		}
	}
	if err := e.out.Encode(exportHead{"export", 1, e.whole, d.Now().UTC().Format(time.RFC3339)}); err != nil {
		return 0, err
	}
	if err := eachBatch(ctx, d, f, func(rows []Row) error { return e.batch(ctx, rows) }); err != nil || !e.whole {
		return e.n, err
	}
	if err := e.known.reached(e.last.Seq); err != nil {
		return e.n, err
	}
	return e.n, e.out.Encode(s.End(e.last.Seq, e.last.Hash, d.Now()))
}

// export is one that is being written.
type export struct {
	d     *db.DB
	out   *json.Encoder
	whole bool
	known extent // where it is whole
	last  Row
	n     int
}

func (e *export) batch(ctx context.Context, rows []Row) error {
	if e.whole && len(rows) > 0 {
		if err := opens(ctx, e.d, e.last.Seq, rows[0].Seq, e.out); err != nil {
			return err
		}
	}
	personal, err := personalOf(ctx, e.d, rows)
	if err != nil {
		return err
	}
	checkpoints, err := checkpointsOf(ctx, e.d, rows, e.whole)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if e.whole && e.known.differs(r) {
			return fmt.Errorf("audit: export: event %d is not the one that the head row tells of: run gatehouse audit verify", r.Seq)
		}
		if err := e.out.Encode(exported(r, personal[r.ID])); err != nil {
			return err
		}
		if len(checkpoints) > 0 && checkpoints[0].Seq == r.Seq {
			if err := e.out.Encode(checkpoints[0].checkpoint()); err != nil {
				return err
			}
			checkpoints = checkpoints[1:]
		}
		e.last = r
		e.n++
	}
	return nil
}

// extent is how far the log goes, by what stands beside its events. It is read before them: what is recorded meanwhile only makes them more.
type extent struct {
	Seq      int64 // of the head row
	Hash     []byte
	Signed   int64 // by the last checkpoint
	Archived int64
}

func extentOf(ctx context.Context, d *db.DB) (found extent, err error) {
	err = d.Read(ctx).Raw(`SELECT COALESCE((SELECT seq FROM audit_head WHERE id = 1), 0) AS seq, (SELECT hash FROM audit_head WHERE id = 1) AS hash,
		COALESCE((SELECT MAX(seq) FROM audit_checkpoints), 0) AS signed, COALESCE((SELECT MAX(last_seq) FROM audit_archives), 0) AS archived`).Scan(&found).Error
	if err != nil {
		return found, fmt.Errorf("audit: head: %w", err)
	}
	return found, nil
}

func (x extent) empty() bool { return max(x.Seq, x.Signed, x.Archived) == 0 }

func (x extent) differs(r Row) bool { return r.Seq == x.Seq && !bytes.Equal(r.Hash, x.Hash) }

// reached fails for a log that ends before.
func (x extent) reached(last int64) error {
	if x.Seq == 0 {
		return errors.New("audit: export: the head row is missing: run gatehouse audit verify")
	}
	if upto := max(x.Seq, x.Signed); last < upto {
		return fmt.Errorf("audit: export: the log ends with event %d, and event %d was recorded: run gatehouse audit verify", last, upto)
	}
	return nil
}

// opens writes the closing of what was archived before the first event of an export.
func opens(ctx context.Context, d *db.DB, last, next int64, out *json.Encoder) error {
	if next == last+1 {
		return nil
	}
	parts, err := ArchivedParts(ctx, d)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(parts, func(p Archived) bool { return p.Last == next-1 })
	if i < 0 || last > 0 {
		return fmt.Errorf("audit: export: event %d is missing; where events were archived meanwhile, begin again", last+1)
	}
	return out.Encode(parts[i].Closing)
}

func checkpointsOf(ctx context.Context, d *db.DB, rows []Row, whole bool) (found []checkpointRow, err error) {
	if !whole || len(rows) == 0 {
		return nil, nil
	}
	err = d.Read(ctx).Raw("SELECT seq, hash, at, public_key, signature FROM audit_checkpoints WHERE seq >= ? AND seq <= ? ORDER BY seq", rows[0].Seq, rows[len(rows)-1].Seq).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("audit: checkpoints: %w", err)
	}
	return found, nil
}

func exported(r Row, values []personal) exportEvent {
	e := exportEvent{
		Type: "event", Seq: r.Seq, ID: r.ID.String(), At: r.At.UTC().Format(time.RFC3339Nano), ActorKind: r.ActorKind, ActorID: db.Deref(r.ActorID).String(), Act: r.Act,
		TargetKind: r.TargetKind, TargetID: db.Deref(r.TargetID).String(), OrganizationID: db.Deref(r.OrganizationID).String(), Result: r.Result, RequestID: r.RequestID,
		Details: r.Details, Personal: r.Personal, PreviousHash: hex.EncodeToString(r.PreviousHash), Hash: hex.EncodeToString(r.Hash),
	}
	for _, p := range values {
		if e.Who == nil {
			e.Who = map[string]exportPersonal{}
		}
		e.Who[p.Field] = exportPersonal{base64.StdEncoding.EncodeToString(p.Salt), p.Value}
	}
	return e
}
