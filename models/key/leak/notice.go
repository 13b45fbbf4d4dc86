package leak

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

const dueAtOnce = 200

// Due revokes the keys whose notice has ended, and mails their people. Keys that were rotated, revoked or resumed meanwhile are left alone. It is a job: run
// it at least each hour. Doing it again does nothing.
func (s *Store) Due(ctx context.Context) error {
	for {
		n, err := s.dueBatch(ctx)
		if err != nil || n < dueAtOnce {
			return err
		}
	}
}

func (s *Store) dueBatch(ctx context.Context) (int, error) {
	n := 0
	err := s.db.Tx(db.Urgent(ctx), func(tx *db.Tx) error {
		var due []Incident
		if err := tx.Raw("SELECT * FROM leak_incidents WHERE revoke_at <= ? ORDER BY revoke_at, id LIMIT ?"+lock(tx), tx.Now, dueAtOnce).Scan(&due).Error; err != nil {
			return err
		}
		n = len(due)
		if n == 0 {
			return nil
		}
		var ids, keyIDs []db.ID
		for _, i := range due {
			ids, keyIDs = append(ids, i.ID), append(keyIDs, i.KeyID)
		}
		rows, err := key.RowsTx(tx, keyIDs)
		if err != nil {
			return err
		}
		var living []key.Row
		var revoked []db.ID
		for _, r := range rows {
			if !isOver(r, tx.Now) && r.PausedCause == key.PausedLeak {
				living, revoked = append(living, r), append(revoked, r.ID)
			}
		}
		if _, err := tx.Run("UPDATE leak_incidents SET revoke_at = NULL WHERE id IN ?", ids); err != nil {
			return err
		}
		if len(living) == 0 {
			return nil
		}
		if _, err := tx.Run("UPDATE leak_incidents SET done = ? WHERE id IN ? AND key_id IN ?", Revoked, ids, revoked); err != nil {
			return err
		}
		if err := s.keys.RevokeTx(tx, actor.ForSystem(), living, reason, map[string]string{"notice": "ended"}); err != nil {
			return err
		}
		audit.Record(tx, actor.ForSystem(), audit.Event{Act: audit.LeakNoticeEnded, TargetKind: "key", Details: map[string]string{"keys": itoa(len(living))}})
		return s.mail(tx, noticeEnded(living))
	})
	return n, err
}
