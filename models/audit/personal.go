package audit

import (
	"context"
	"crypto/rand"
	"encoding/json"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// personal is one personal value of an event.
type personal struct {
	EventID db.ID
	Field   string
	Salt    []byte
	Value   string
}

func personalOf(ctx context.Context, d *db.DB, rows []Row) (map[db.ID][]personal, error) {
	ids := make([]db.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	out := map[db.ID][]personal{}
	for len(ids) > 0 {
		n := min(len(ids), 500)
		var found []personal
		if err := d.Read(ctx).Raw("SELECT event_id, field, salt, value FROM audit_personal WHERE event_id IN ?", ids[:n]).Scan(&found).Error; err != nil {
			return nil, err
		}
		for _, p := range found {
			out[p.EventID] = append(out[p.EventID], p)
		}
		ids = ids[n:]
	}
	return out, nil
}

// badPersonal is the number of the first event with a changed personal value, or 0.
func badPersonal(ctx context.Context, d *db.DB, rows []Row) (int64, error) {
	byEvent, err := personalOf(ctx, d, rows)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		var digests map[string]string
		if err := json.Unmarshal([]byte(r.Personal), &digests); err != nil {
			return r.Seq, nil //nolint:nilerr // what can't be read was changed: that is the answer
		}
		for _, p := range byEvent[r.ID] {
			if digests[p.Field] != PersonalDigest(p.Salt, p.Value) {
				return r.Seq, nil
			}
		}
	}
	return 0, nil
}

// ErasePerson deletes the personal values of every event that the user did or that was done to them, now in the database and by the next run of Archives in
// what was archived, with the addresses that were theirs there. The chain stays whole.
func ErasePerson(tx *db.Tx, userID db.ID) error {
	if err := EraseNewcomer(tx, userID); err != nil {
		return err
	}
	return eraseArchived(tx, erasure{PersonID: userID.Ref()})
}

// EraseNewcomer is ErasePerson of somebody who came so lately that nothing of them can be archived, such as a sign-up that nobody verified.
func EraseNewcomer(tx *db.Tx, id db.ID) error {
	_, err := tx.Run("DELETE FROM audit_personal WHERE event_id IN (SELECT id FROM audit_events WHERE actor_id = ? OR target_id = ?)", id, id)
	return err
}

// EraseValue deletes a personal value, such as a person's address, from every event that kept it, whoever did what to whom: now in the database, and by the next run
// of Archives in what was archived.
func EraseValue(tx *db.Tx, value string) error {
	if _, err := tx.Run("DELETE FROM audit_personal WHERE value = ?", Clean(value)); err != nil {
		return err
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails, says crypto/rand
	return eraseArchived(tx, erasure{Salt: salt, Digest: PersonalDigest(salt, Clean(value))})
}
