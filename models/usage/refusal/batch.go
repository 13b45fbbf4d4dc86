package refusal

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// batch is what is written in one transaction, or in one with others. It may be written any number of times.
type batch struct {
	id      db.ID
	minute  int64 // since 1970, in which it was taken
	rows    []entry
	left    map[missed]int64
	spilled bool // it is in the file
}

// entry is a refusal as it is stored, without a secret: ids and words as text.
type entry struct {
	RequestID   string    `json:"request_id"`
	At          time.Time `json:"at"`
	Key         string    `json:"key"`
	App         string    `json:"app"`
	Org         string    `json:"organization"`
	API         string    `json:"api"`
	Publisher   string    `json:"publisher"`
	Environment string    `json:"environment"`
	Door        string    `json:"door"`
	Code        string    `json:"code"`
	Cause       string    `json:"cause"`
	Detail      string    `json:"detail"`
	Status      int       `json:"status"`
	Method      string    `json:"method"`
	Path        string    `json:"path"`
	Address     string    `json:"address"`
	Origin      string    `json:"origin"`
	Seen        string    `json:"seen"`
}

func entriesOf(records []Record) []entry {
	rows := make([]entry, 0, len(records))
	for i := range records {
		rec := &records[i]
		seen, err := json.Marshal(rec.Seen)
		if err != nil { // it holds text and numbers alone
			seen = []byte("{}")
		}
		rows = append(rows, entry{
			RequestID: rec.RequestID, At: rec.At.UTC(), Key: db.ID(rec.Key).String(), App: db.ID(rec.App).String(), Org: db.ID(rec.Org).String(), API: db.ID(rec.API).String(),
			Publisher: db.ID(rec.Publisher).String(), Environment: rec.Environment.String(), Door: string(rec.Door), Code: rec.Code, Cause: rec.Cause.String(),
			Detail: clean(rec.Detail, longestText), Status: rec.Status, Method: clean(rec.Method, 32), Path: clean(rec.Path, longestPath), Address: rec.Address,
			Origin: clean(rec.Origin, longestText), Seen: apikey.Mask(string(seen)),
		})
	}
	return rows
}

const mostTogether = 2_000 // rows of one transaction, unless one batch has more

// together are the first batches of a queue that one transaction writes: one of them at most has numbers of what was left out, so that row locks are taken in order.
func together(queue []*batch) []*batch {
	rows, left := 0, false
	for i, b := range queue {
		rows += len(b.rows)
		if i > 0 && (rows > mostTogether || left && len(b.left) > 0) {
			return queue[:i]
		}
		left = left || len(b.left) > 0
	}
	return queue
}

func writeAll(ctx context.Context, d *db.DB, part []*batch) error {
	return d.Tx(ctx, func(tx *db.Tx) error {
		for _, b := range part {
			if err := b.write(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *batch) write(tx *db.Tx) error {
	for part := range slices.Chunk(b.rows, atOnce) {
		if err := write(tx, part); err != nil {
			return err
		}
	}
	return b.writeLeft(tx)
}

const columnsWritten = 19

func write(tx *db.Tx, part []entry) error {
	args := make([]any, 0, len(part)*columnsWritten)
	for i := range part {
		r := &part[i]
		args = append(args, db.NewID(), r.RequestID, r.At, r.Key, r.App, r.Org, r.API, r.Publisher, r.Environment, r.Door, r.Code, r.Cause, r.Detail, r.Status,
			r.Method, r.Path, r.Address, r.Origin, r.Seen)
	}
	_, err := tx.Run(`INSERT INTO refusals (id, request_id, at, key_id, app_id, organization_id, api_id, publisher_id, environment, door, code, cause, detail, status,
		method, path, address, origin, seen) VALUES `+db.Rows(columnsWritten, len(part))+" ON CONFLICT (request_id) DO NOTHING", args...)
	return err
}

// writeLeft adds up what was left out, in one order, so that two replicas take row locks alike. A row that counts nothing says that the batch is written, so
// that one whose commit went well and whose answer was lost does not count twice. It goes with the others after their days.
func (b *batch) writeLeft(tx *db.Tx) error {
	left := b.left
	if len(left) == 0 {
		return nil
	}
	done, err := tx.Run(`INSERT INTO refusals_left_out (minute, app_id, organization_id, api_id, publisher_id, code, refusals) VALUES (?, ?, ?, ?, ?, '', 0)
		ON CONFLICT DO NOTHING`, time.Unix(b.minute*60, 0).UTC(), b.id, db.ID{}, db.ID{}, db.ID{})
	if err != nil || done == 0 {
		return err
	}
	all := make([]missed, 0, len(left))
	for m := range left {
		all = append(all, m)
	}
	slices.SortFunc(all, missed.compare)
	for part := range slices.Chunk(all, atOnce) {
		var args []any
		for _, m := range part {
			args = append(args, time.Unix(m.minute*60, 0).UTC(), db.ID(m.App), db.ID(m.Org), db.ID(m.API), db.ID(m.Publisher), m.Code, left[m])
		}
		_, err := tx.Run(`INSERT INTO refusals_left_out (minute, app_id, organization_id, api_id, publisher_id, code, refusals) VALUES `+db.Rows(7, len(part))+
			` ON CONFLICT (minute, app_id, api_id, code, organization_id, publisher_id) DO UPDATE SET refusals = refusals_left_out.refusals + excluded.refusals`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}
