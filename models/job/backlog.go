package job

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Backlog is how much work waits.
type Backlog struct {
	Due    int64         // jobs whose time has come and that nobody holds
	Behind time.Duration // for how long the one that waits the longest has been due
	Failed int64         // jobs that were given up, until they are swept
}

// BacklogOf counts it, over all replicas.
func BacklogOf(ctx context.Context, d *db.DB) (b Backlog, err error) {
	now, g := d.Now(), d.Read(ctx)
	var oldest []struct{ RunAt time.Time }
	err = g.Raw("SELECT run_at FROM jobs WHERE finished_at IS NULL AND failed_at IS NULL AND run_at <= ? AND (leased_until IS NULL OR leased_until <= ?) ORDER BY run_at LIMIT 1", now, now).Scan(&oldest).Error
	if err == nil && len(oldest) > 0 {
		b.Behind = now.Sub(oldest[0].RunAt)
		err = g.Raw("SELECT COUNT(*) FROM jobs WHERE finished_at IS NULL AND failed_at IS NULL AND run_at <= ? AND (leased_until IS NULL OR leased_until <= ?)", now, now).Scan(&b.Due).Error
	}
	if err == nil {
		err = g.Raw("SELECT COUNT(*) FROM jobs WHERE failed_at IS NOT NULL").Scan(&b.Failed).Error
	}
	if err != nil {
		return b, fmt.Errorf("job: %w", err)
	}
	return b, nil
}
