package review

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Waiting are the people about whom somebody should decide, by name; at most 1000. Faults: NotFound for no member, Forbidden.
func (s *Store) Waiting(ctx context.Context, a actor.Actor, scope Scope) ([]Line, error) {
	q := s.db.Read(ctx)
	if err := may(q, a, scope); err != nil {
		return nil, err
	}
	return due(q, scope, s.db.Now())
}

// Review is one review: what is decided until somebody finishes it.
type Review struct {
	ID         db.ID
	OpenedBy   string // the name of who decided first
	OpenedAt   time.Time
	FinishedBy string     // a name; empty while it is open
	FinishedAt *time.Time // nil while it is open
	LeftOpen   int64      // people who still waited when it was finished
	Decided    int64
}

const reviews = `SELECT r.id, o.name AS opened_by, r.opened_at, COALESCE(f.name, '') AS finished_by, r.finished_at, r.left_open, (SELECT COUNT(*) FROM review_decisions d WHERE d.review_id = r.id) AS decided
	FROM reviews r JOIN users o ON o.id = r.opened_by LEFT JOIN users f ON f.id = r.finished_by WHERE r.scope = ?`

// Reviews are the newest first; at most 40. Faults: NotFound for no member, Forbidden.
func (s *Store) Reviews(ctx context.Context, a actor.Actor, scope Scope) ([]Review, error) {
	q := s.db.Read(ctx)
	if err := may(q, a, scope); err != nil {
		return nil, err
	}
	var rows []Review
	err := q.Raw(reviews+" ORDER BY r.id DESC LIMIT 40", scope.String()).Scan(&rows).Error
	return rows, err
}

// Decision is what was decided about somebody.
type Decision struct {
	UserID     db.ID
	Name       string // as they are called now; of a deleted account what stands in its place
	Role       string // that they had
	Unused     bool
	Factorless bool
	UsedAt     *time.Time
	Act        string
	ToRole     string
	Note       string
	DecidedBy  string
	DecidedAt  time.Time
}

// Record reads one review with its decisions, the first first; at most 2000. Faults: NotFound, Forbidden.
func (s *Store) Record(ctx context.Context, a actor.Actor, scope Scope, id db.ID) (Review, []Decision, error) {
	q := s.db.Read(ctx)
	if err := may(q, a, scope); err != nil {
		return Review{}, nil, err
	}
	var rows []Review
	if err := q.Raw(reviews+" AND r.id = ?", scope.String(), id).Scan(&rows).Error; err != nil {
		return Review{}, nil, err
	}
	if len(rows) == 0 {
		return Review{}, nil, fault.Missing()
	}
	var decided []Decision
	err := q.Raw(`SELECT d.user_id, u.name, d.role, d.unused, d.factorless, d.used_at, d.act, d.to_role, d.note, b.name AS decided_by, d.decided_at
		FROM review_decisions d JOIN users u ON u.id = d.user_id JOIN users b ON b.id = d.decided_by WHERE d.review_id = ? ORDER BY d.id LIMIT 2000`, id).Scan(&decided).Error
	return rows[0], decided, err
}
