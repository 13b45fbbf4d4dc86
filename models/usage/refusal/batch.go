package refusal

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// batch is what one transaction writes. It may be written any number of times.
type batch struct {
	id      db.ID
	minute  int64 // since 1970, in which it was taken
	waiting []Record
	left    map[missed]int64
}

func (b *batch) write(tx *db.Tx) error {
	for part := range slices.Chunk(b.waiting, atOnce) {
		if err := write(tx, part); err != nil {
			return err
		}
	}
	return b.writeLeft(tx)
}

const columnsWritten = 19

func write(tx *db.Tx, part []Record) error {
	args := make([]any, 0, len(part)*columnsWritten)
	for _, rec := range part {
		seen, err := json.Marshal(rec.Seen)
		if err != nil {
			return err
		}
		args = append(args, db.NewID(), rec.RequestID, rec.At, db.ID(rec.Key), db.ID(rec.App), db.ID(rec.Org), db.ID(rec.API), db.ID(rec.Publisher),
			rec.Environment.String(), string(rec.Door), rec.Code, rec.Cause.String(), clean(rec.Detail, longestText), rec.Status,
			clean(rec.Method, 32), clean(rec.Path, longestPath), rec.Address, clean(rec.Origin, longestText), apikey.Mask(string(seen)))
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
