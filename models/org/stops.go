package org

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Stops is what would stop working: keys that may work now, how many of them were used lately, and calls counted in the last 24 hours.
type Stops struct {
	Keys     int64
	KeysUsed int64 // in the last 24 hours
	Calls    int64 // in the last 24 hours
}

// AppStops tells what deleting or suspending an app stops. Who may ask is the caller's to check.
func (s *Store) AppStops(ctx context.Context, id db.ID) (Stops, error) {
	return s.stops(ctx, "k.app_id = ?", "s.app_id = ?", id)
}

// Stops tells what deleting or suspending an organization stops. Who may ask is the caller's to check.
func (s *Store) Stops(ctx context.Context, id db.ID) (Stops, error) {
	return s.stops(ctx, "k.app_id IN (SELECT id FROM apps WHERE organization_id = ? AND deleted_at IS NULL)", "s.organization_id = ?", id)
}

func (s *Store) stops(ctx context.Context, keys, series string, id db.ID) (Stops, error) {
	now := s.db.Now()
	day := now.Add(-24 * time.Hour)
	var out Stops
	q := s.db.Read(ctx)
	err := q.Raw("SELECT COUNT(*) AS keys, COALESCE(SUM(CASE WHEN k.last_used_at > ? THEN 1 ELSE 0 END), 0) AS keys_used FROM keys k WHERE "+activeKey+" AND "+keys,
		day, now, now, id).Scan(&out).Error
	if err != nil {
		return out, err
	}
	out.Calls, err = count(q, "SELECT CAST(COALESCE(SUM(h.calls), 0) AS bigint) FROM usage_series s JOIN usage_hours h ON h.series_id = s.id WHERE "+series+" AND h.at >= ?", id, day.Truncate(time.Hour))
	return out, err
}
