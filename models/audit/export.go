package audit

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// An export is lines of JSON: one that begins it, the events with all that their hashes are made of, the checkpoints at their places, and a checkpoint that
// closes it. Where the oldest events are archived, the signed closing of the last archived part comes first. Whoever holds it and the public key can verify it without this program: docs/verify-audit does.
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

// Export writes the events that fit as lines of JSON, the oldest first, and returns how many they were. Who may read them is the caller's to check.
func Export(ctx context.Context, d *db.DB, f Filter, s *Signer, w io.Writer) (int, error) {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	where, _ := f.where()
	whole := where == everything
	if err := out.Encode(exportHead{"export", 1, whole, d.Now().UTC().Format(time.RFC3339)}); err != nil {
		return 0, err
	}
	var last Row
	var checkpoints []checkpointRow
	n := 0
	err := eachBatch(ctx, d, f, func(rows []Row) error {
		if whole && len(rows) > 0 {
			if err := opens(ctx, d, last.Seq, rows[0].Seq, out); err != nil {
				return err
			}
		}
		personal, err := personalOf(ctx, d, rows)
		if err != nil {
			return err
		}
		if checkpoints, err = checkpointsOf(ctx, d, rows, whole); err != nil {
			return err
		}
		for _, r := range rows {
			if err := out.Encode(exported(r, personal[r.ID])); err != nil {
				return err
			}
			if len(checkpoints) > 0 && checkpoints[0].Seq == r.Seq {
				if err := out.Encode(checkpoints[0].checkpoint()); err != nil {
					return err
				}
				checkpoints = checkpoints[1:]
			}
			last = r
			n++
		}
		return nil
	})
	if err != nil || !whole || n == 0 {
		return n, err
	}
	return n, out.Encode(s.Sign(last.Seq, last.Hash, d.Now()))
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
