package usage

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// How long counts are kept, by how fine they are, where nothing else is set.
const (
	KeepMinutes = 48 * time.Hour
	KeepHours   = 100 * 24 * time.Hour
	KeepDays    = 3 * 366 * 24 * time.Hour
	keepBatches = 90 * 24 * time.Hour // one row a life of a process
	keepQuotas  = 400 * 24 * time.Hour
	keepToday   = 100 * 24 * time.Hour // quotas by day
)

// Keep says for how long counts are kept. A zero field is as the constant.
type Keep struct{ Minutes, Hours, Days time.Duration }

func (k Keep) or() Keep {
	for _, f := range []struct {
		set *time.Duration
		or  time.Duration
	}{{&k.Minutes, KeepMinutes}, {&k.Hours, KeepHours}, {&k.Days, KeepDays}} {
		if *f.set == 0 {
			*f.set = f.or
		}
	}
	return k
}

// Keeping has the store keep counts for that long.
func (s *Store) Keeping(k Keep) *Store {
	s.keep = k.or()
	return s
}

// Sweep deletes counts that are older than they are kept, on PostgreSQL makes the partitions that the next days need, and adds up anew the totals of the last days. It runs each hour
// (jobs: "usage.retention"), in any number of processes.
func (s *Store) Sweep(ctx context.Context) error {
	if err := s.partition(ctx); err != nil {
		return err
	}
	for _, table := range []struct {
		statement string
		keep      time.Duration
	}{
		{"DELETE FROM usage_minutes WHERE at < ?", s.keep.Minutes},
		{"DELETE FROM usage_hours WHERE at < ?", s.keep.Hours},
		{"DELETE FROM usage_days WHERE at < ?", s.keep.Days},
		{"DELETE FROM usage_api_hours WHERE at < ?", s.keep.Hours},
		{"DELETE FROM usage_api_days WHERE at < ?", s.keep.Days},
		{"DELETE FROM usage_batches WHERE at < ?", keepBatches},
		{"DELETE FROM quota_counters WHERE period_start < ?", keepQuotas},
		{"DELETE FROM quota_days WHERE day < ?", keepToday},
		{"DELETE FROM quota_warnings WHERE period_start < ?", keepQuotas},
	} {
		err := s.db.Tx(ctx, func(tx *db.Tx) error {
			_, err := tx.Run(table.statement, tx.Now.Add(-table.keep))
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.recount(ctx)
}
