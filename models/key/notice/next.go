package notice

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// Ending is a key that ends by itself, at EndsAt.
type Ending struct {
	key.Key
	AppName          string
	OrganizationName string
}

const endingColumns = `SELECT k.id, k.app_id, k.environment, k.name, k.prefix, k.last_four, k.expires_at, k.overlap_ends_at, k.rotated_from, k.created_at, k.updated_at,
	a.name AS app_name, o.name AS organization_name FROM keys k JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id`

// endsAt is when a key ends by itself: by its expiry or its overlap, whichever comes first.
const endsAt = "CASE WHEN k.overlap_ends_at IS NOT NULL AND (k.expires_at IS NULL OR k.overlap_ends_at < k.expires_at) THEN k.overlap_ends_at ELSE k.expires_at END"

// Next lists the keys of the actor's organizations that end within span, the next first: at most limit.
func (s *Store) Next(ctx context.Context, a actor.Actor, span time.Duration, limit int) ([]Ending, error) {
	members, who := a.Members()
	now := s.db.Now()
	var out []Ending
	err := s.db.Read(ctx).Raw(endingColumns+" JOIN "+members+" m ON m.organization_id = o.id WHERE a.deleted_at IS NULL AND o.deleted_at IS NULL AND k.revoked_at IS NULL AND "+
		endsAt+" > ? AND "+endsAt+" <= ? ORDER BY "+endsAt+", k.id LIMIT ?", who, now, now.Add(span), limit).Scan(&out).Error
	return out, err
}

// past is for how long a calendar still shows what is over.
const past = 30 * day

// events are what the calendar of an organization shows.
func events(g *gorm.DB, organization db.ID, now time.Time) ([]Ending, error) {
	var out []Ending
	err := g.Raw(endingColumns+" WHERE o.id = ? AND a.deleted_at IS NULL AND k.revoked_at IS NULL AND "+endsAt+" > ? ORDER BY "+endsAt+", k.id LIMIT ?",
		organization, now.Add(-past), MaxEvents).Scan(&out).Error
	return out, err
}
