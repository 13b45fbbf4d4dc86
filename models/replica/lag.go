package replica

import (
	"context"
	"time"
)

// Lag is what the rows say of usage that the database has not taken yet.
type Lag struct {
	UpTo    time.Time // when a process was last heard of that nobody hears any more: what it counted since may wait with it; zero: all are heard
	Waiting bool      // a living process has batches that wait
}

// Lag reads it. Who only started anew under its name is heard: it takes over what it left.
func (s *Store) Lag(ctx context.Context) (lag Lag, err error) {
	now, err := s.now(ctx)
	if err != nil {
		return lag, err
	}
	alive, g := now.Add(-LivesFor), s.db.Read(ctx)
	var lost []struct{ SeenAt time.Time }
	err = g.Raw(`SELECT r.seen_at FROM replicas r WHERE r.seen_at > ? AND r.seen_at <= ? AND NOT EXISTS (SELECT 1 FROM replicas l WHERE l.name = r.name AND l.seen_at > ?)
		ORDER BY r.seen_at LIMIT 1`, now.Add(-Remembered), alive, alive).Scan(&lost).Error
	if err != nil {
		return lag, err
	}
	if len(lost) > 0 {
		lag.UpTo = lost[0].SeenAt
	}
	// One batch is on its way at any time.
	return lag, g.Raw("SELECT EXISTS (SELECT 1 FROM replicas WHERE seen_at > ? AND spooled > 1)", alive).Scan(&lag.Waiting).Error
}
