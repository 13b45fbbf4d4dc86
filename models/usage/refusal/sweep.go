package refusal

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

const sweptAtOnce = 5_000 // rows of one transaction

// Sweep deletes what one organization has beyond MostRowsOfOrg, what is older than Keep, and what is more than MostRows, the oldest first, in parts.
func (s *Store) Sweep(ctx context.Context) error { return s.sweep(ctx, MostRowsOfOrg, MostRows) }

func (s *Store) sweep(ctx context.Context, mostOfOrg, most int) error {
	if err := s.sweepOrgs(ctx, mostOfOrg); err != nil {
		return err
	}
	before := s.db.Now().Add(-Keep)
	var beyond []moment
	err := s.db.Read(ctx).Raw("SELECT at FROM refusals ORDER BY at DESC, id DESC LIMIT 1 OFFSET ?", most).Scan(&beyond).Error
	if err != nil {
		return err
	}
	if after := rightAfter(beyond); after.After(before) {
		before = after
	}
	err = s.inParts(ctx, func(tx *db.Tx) (int64, error) {
		return tx.Run("DELETE FROM refusals WHERE id IN (SELECT id FROM refusals WHERE at < ? ORDER BY at, id LIMIT ?)", before, sweptAtOnce)
	})
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Run("DELETE FROM refusals_left_out WHERE minute < ?", tx.Now.Add(-Keep))
		return err
	})
}

// sweepOrgs deletes what each organization has beyond its part.
func (s *Store) sweepOrgs(ctx context.Context, most int) error {
	var crowded []db.ID
	err := s.db.Read(ctx).Raw("SELECT organization_id FROM refusals GROUP BY organization_id HAVING COUNT(*) > ? ORDER BY organization_id", most).Scan(&crowded).Error
	if err != nil {
		return err
	}
	for _, id := range crowded {
		var beyond []moment
		err := s.db.Read(ctx).Raw("SELECT at FROM refusals WHERE organization_id = ? ORDER BY at DESC, id DESC LIMIT 1 OFFSET ?", id, most).Scan(&beyond).Error
		if err != nil {
			return err
		}
		before := rightAfter(beyond)
		err = s.inParts(ctx, func(tx *db.Tx) (int64, error) {
			return tx.Run("DELETE FROM refusals WHERE id IN (SELECT id FROM refusals WHERE organization_id = ? AND at < ? ORDER BY at, id LIMIT ?)", id, before, sweptAtOnce)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

type moment struct{ At time.Time }

// rightAfter is after the newest that has to go, so that all that came in the same moment goes with it; the zero time when none has to.
func rightAfter(newest []moment) time.Time {
	if len(newest) == 0 {
		return time.Time{}
	}
	return newest[0].At.Add(time.Microsecond)
}

// inParts runs a statement that deletes sweptAtOnce rows at most, each time in a transaction of its own, until there are no more.
func (s *Store) inParts(ctx context.Context, part func(tx *db.Tx) (int64, error)) error {
	for gone := int64(sweptAtOnce); gone == sweptAtOnce; {
		err := s.db.Tx(ctx, func(tx *db.Tx) (err error) {
			gone, err = part(tx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
