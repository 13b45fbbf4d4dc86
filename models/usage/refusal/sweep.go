package refusal

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

const sweptAtOnce = 5_000 // rows of one transaction

// Sweep deletes what one owner has beyond MostRowsOfOrg, or beyond less where all together have more than MostRows, and what is older than Keep, the oldest first, in parts.
func (s *Store) Sweep(ctx context.Context) error { return s.sweep(ctx, MostRowsOfOrg, MostRows) }

func (s *Store) sweep(ctx context.Context, mostOfOrg, most int) error {
	if err := s.sweepOwners(ctx, mostOfOrg, most); err != nil {
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

// holding is how many rows an owner has, see Subject.owner.
type holding struct {
	ID    db.ID
	Kept  int
	Where string `gorm:"-"` // what tells its rows; takes args
	args  []any
}

// sweepOwners deletes what each owner has beyond its part.
func (s *Store) sweepOwners(ctx context.Context, mostOfOrg, most int) error {
	all, err := s.holdings(ctx)
	if err != nil {
		return err
	}
	part := min(mostOfOrg, partOf(all, most))
	for _, h := range all {
		if h.Kept <= part {
			continue
		}
		var beyond []moment
		err := s.db.Read(ctx).Raw("SELECT at FROM refusals WHERE "+h.Where+" ORDER BY at DESC, id DESC LIMIT 1 OFFSET ?", slices.Concat(h.args, []any{part})...).Scan(&beyond).Error
		if err != nil {
			return err
		}
		before := rightAfter(beyond)
		err = s.inParts(ctx, func(tx *db.Tx) (int64, error) {
			return tx.Run("DELETE FROM refusals WHERE id IN (SELECT id FROM refusals WHERE "+h.Where+" AND at < ? ORDER BY at, id LIMIT ?)", slices.Concat(h.args, []any{before, sweptAtOnce})...)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// holdings are what all owners have.
func (s *Store) holdings(ctx context.Context) (all []holding, err error) {
	for _, kind := range []struct{ column, rows, where string }{
		{"organization_id", "organization_id <> ?", "organization_id <> ? AND organization_id = ?"},
		{"publisher_id", "organization_id = ?", "organization_id = ? AND publisher_id = ?"},
	} {
		var found []holding
		query := "SELECT " + kind.column + " AS id, COUNT(*) AS kept FROM refusals WHERE " + kind.rows + " GROUP BY " + kind.column + " ORDER BY " + kind.column
		if err := s.db.Read(ctx).Raw(query, db.ID{}).Scan(&found).Error; err != nil {
			return nil, err
		}
		for _, h := range found {
			h.Where, h.args = kind.where, []any{db.ID{}, h.ID}
			all = append(all, h)
		}
	}
	return all, nil
}

// partOf is how many rows each owner may have so that all have most together, and those who have fewer keep theirs.
func partOf(all []holding, most int) int {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b holding) int { return cmp.Compare(a.Kept, b.Kept) })
	for i, h := range sorted {
		if part := max(most, 0) / (len(sorted) - i); h.Kept > part {
			return part
		}
		most -= h.Kept
	}
	return math.MaxInt
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
