package key

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Month is the span of "calls in 30 days".
const Month = 30 * 24 * time.Hour

// Calls counts the verifications of each key over the last 30 days, let through or not, by UTC days. A key without any is absent.
func (s *Store) Calls(ctx context.Context, ids []db.ID) (map[db.ID]int64, error) {
	out := make(map[db.ID]int64, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var rows []struct {
		KeyID db.ID
		Calls int64
	}
	err := s.db.Read(ctx).Raw(`SELECT s.key_id, SUM(d.calls) AS calls FROM usage_series s JOIN usage_days d ON d.series_id = s.id
		WHERE s.key_id IN ? AND d.at > ? GROUP BY s.key_id`, ids, s.db.Now().Add(-Month)).Scan(&rows).Error
	for _, r := range rows {
		out[r.KeyID] = r.Calls
	}
	return out, err
}

// calls fills what a key's page shows of its use.
func (s *Store) calls(g *gorm.DB, d *Detail) error {
	now := s.db.Now()
	err := g.Raw(`SELECT s.code, SUM(x.calls) AS calls FROM usage_series s JOIN usage_days x ON x.series_id = s.id
		WHERE s.key_id = ? AND x.at > ? GROUP BY s.code ORDER BY SUM(x.calls) DESC, s.code`, d.ID, now.Add(-Month)).Scan(&d.CodesLately).Error
	if err != nil {
		return err
	}
	for _, c := range d.CodesLately {
		d.CallsLastMonth += c.Calls
	}
	return g.Raw(`SELECT COALESCE(SUM(x.calls), 0) FROM usage_series s JOIN usage_hours x ON x.series_id = s.id
		WHERE s.key_id = ? AND x.at > ?`, d.ID, now.Add(-24*time.Hour)).Scan(&d.CallsToday).Error
}
