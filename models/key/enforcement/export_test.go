package enforcement

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
)

// Steps are what Enforce does.
func (s *Store) Steps() map[string]func(context.Context, time.Time) error {
	return map[string]func(context.Context, time.Time) error{"act": s.act, "warn": s.warn, "remind": s.remind}
}

// TellFirst tells of the first n keys of a change, and no more: as a run does that is killed then.
func (s *Store) TellFirst(ctx context.Context, change db.ID, n int) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		var found []policy.Change
		if err := tx.Raw("SELECT * FROM key_policy_changes WHERE id = ?", change).Scan(&found).Error; err != nil {
			return err
		}
		var all []waiting
		if err := tx.Raw(untold+" ORDER BY k.id LIMIT ?", change, n).Scan(&all).Error; err != nil {
			return err
		}
		return s.tellPart(tx, found[0], idsOf(all))
	})
}
