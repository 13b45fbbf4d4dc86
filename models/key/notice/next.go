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
	LeakAt           *time.Time // when it is revoked because it leaked, unless its people decide otherwise before
	AppName          string
	OrganizationName string
}

// Leaked reports whether the key ends because it leaked, before it would end otherwise.
func (e Ending) Leaked() bool {
	ends := e.Key.EndsAt()
	return e.LeakAt != nil && (ends == nil || e.LeakAt.Before(*ends))
}

// EndsAt is when the key stops by itself: its expiry, the end of its overlap, or of the notice after a leak.
func (e Ending) EndsAt() *time.Time {
	if e.Leaked() {
		return e.LeakAt
	}
	return e.Key.EndsAt()
}

const endingColumns = `SELECT k.id, k.app_id, k.environment, k.name, k.prefix, k.last_four, k.expires_at, k.overlap_ends_at, k.rotated_from, k.created_at, k.updated_at,
	a.name AS app_name, o.name AS organization_name, i.revoke_at AS leak_at FROM keys k JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id
	LEFT JOIN leak_incidents i ON i.key_id = k.id AND i.closed_at IS NULL AND k.paused_cause = 'leak'`

// endsAt is when a key ends by itself: by its expiry, its overlap or the notice after a leak, whichever comes first.
const (
	ownEnd = "CASE WHEN k.overlap_ends_at IS NOT NULL AND (k.expires_at IS NULL OR k.overlap_ends_at < k.expires_at) THEN k.overlap_ends_at ELSE k.expires_at END"
	endsAt = "CASE WHEN i.revoke_at IS NOT NULL AND (" + ownEnd + " IS NULL OR i.revoke_at < " + ownEnd + ") THEN i.revoke_at ELSE " + ownEnd + " END"
)

// Next lists the keys of the actor's organizations that end within span, the next first: at most limit.
func (s *Store) Next(ctx context.Context, a actor.Actor, span time.Duration, limit int) ([]Ending, error) {
	members, who := a.Members()
	unseen, hidden := a.Hidden()
	now := s.db.Now()
	var out []Ending
	err := s.db.Read(ctx).Raw(endingColumns+" JOIN "+members+" m ON m.organization_id = o.id WHERE a.deleted_at IS NULL AND o.deleted_at IS NULL AND k.revoked_at IS NULL AND "+
		endsAt+" > ? AND "+endsAt+" <= ? AND a.id NOT IN "+unseen+" ORDER BY "+endsAt+", k.id LIMIT ?", append(append([]any{who, now, now.Add(span)}, hidden...), limit)...).Scan(&out).Error
	return out, err
}

// past is for how long a calendar still shows what is over.
const past = 30 * day

// events are what the calendar of an organization shows to one of its members.
func events(g *gorm.DB, organization, member db.ID, now time.Time) ([]Ending, error) {
	var out []Ending
	unseen, hidden := actor.Actor{Kind: actor.User, UserID: member}.Hidden()
	err := g.Raw(endingColumns+" WHERE o.id = ? AND a.deleted_at IS NULL AND k.revoked_at IS NULL AND "+endsAt+" > ? AND a.id NOT IN "+unseen+" ORDER BY "+endsAt+", k.id LIMIT ?",
		append(append([]any{organization, now.Add(-past)}, hidden...), MaxEvents)...).Scan(&out).Error
	return out, err
}
