package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Backlog is how much mail waits.
type Backlog struct {
	Waiting int64         // mails that are to be sent, or to be handed out where there is no mail server
	Behind  time.Duration // age of the oldest of them
	Failed  int64         // mails that were given up, until they are swept
}

// BacklogOf counts it, over all replicas.
func BacklogOf(ctx context.Context, d *db.DB) (b Backlog, err error) {
	g := d.Read(ctx)
	var oldest []struct{ CreatedAt time.Time }
	err = g.Raw("SELECT created_at FROM mails WHERE state = 'waiting' ORDER BY created_at LIMIT 1").Scan(&oldest).Error
	if err == nil && len(oldest) > 0 {
		b.Behind = d.Now().Sub(oldest[0].CreatedAt)
	}
	if err == nil {
		err = g.Raw("SELECT COUNT(*) FROM mails WHERE state = 'waiting'").Scan(&b.Waiting).Error
	}
	if err == nil {
		err = g.Raw("SELECT COUNT(*) FROM mails WHERE state = 'failed'").Scan(&b.Failed).Error
	}
	if err != nil {
		return b, fmt.Errorf("outbox: %w", err)
	}
	return b, nil
}
