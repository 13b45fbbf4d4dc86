package trust

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Rung is a step of the ladder of trust.
type Rung int

// The ladder. Each step asks for the ones before it.
const (
	Unverified  Rung = iota
	New              // the mail address is verified
	Builder          // made an app, or joined an organization that has one
	Called           // one of its keys was used
	Established      // and that account is at least EstablishedAfter old
)

// EstablishedAfter is the age at which an account whose keys are used is no longer limited.
const EstablishedAfter = 7 * 24 * time.Hour

// String names the rung as it is stored nowhere but read in tests and logs.
func (r Rung) String() string {
	return [...]string{"unverified", "new", "builder", "called", "established"}[r]
}

// Standing is what the ladder goes by, of one account.
type Standing struct {
	EmailVerifiedAt      *time.Time
	CreatedAt            time.Time
	DeletedAt            *time.Time
	PostingBlockedAt     *time.Time
	PostingBlockedUntil  *time.Time
	PostingBlockedReason string
	HasApp               bool
	HasCalled            bool
}

// Rung is the step on which the account stands at now.
func (s Standing) Rung(now time.Time) Rung {
	switch {
	case s.EmailVerifiedAt == nil:
		return Unverified
	case s.HasCalled && now.Sub(s.CreatedAt) >= EstablishedAfter:
		return Established
	case s.HasCalled:
		return Called
	case s.HasApp:
		return Builder
	}
	return New
}

// Blocked reports whether staff keep the account from posting at now.
func (s Standing) Blocked(now time.Time) bool {
	return s.PostingBlockedAt != nil && (s.PostingBlockedUntil == nil || now.Before(*s.PostingBlockedUntil))
}

// An app counts for everybody who may make keys in its organization; so does a call with one of its keys.
const standingQuery = `SELECT u.email_verified_at, u.created_at, u.deleted_at, u.posting_blocked_at, u.posting_blocked_until, u.posting_blocked_reason,
	EXISTS (SELECT 1 FROM members m JOIN apps x ON x.organization_id = m.organization_id WHERE m.user_id = u.id AND m.role <> 'viewer' AND x.deleted_at IS NULL) AS has_app,
	EXISTS (SELECT 1 FROM members m JOIN apps x ON x.organization_id = m.organization_id JOIN keys k ON k.app_id = x.id
		WHERE m.user_id = u.id AND m.role <> 'viewer' AND k.last_used_at IS NOT NULL) AS has_called
	FROM users u WHERE u.id = ?`

// EstablishedUser is the condition under which user u stands on the rung Established, for lists. Its argument is the time EstablishedAfter ago.
const EstablishedUser = `(u.email_verified_at IS NOT NULL AND u.deleted_at IS NULL AND u.created_at <= ? AND EXISTS (SELECT 1 FROM members m JOIN apps x ON x.organization_id = m.organization_id
	JOIN keys k ON k.app_id = x.id WHERE m.user_id = u.id AND m.role <> 'viewer' AND k.last_used_at IS NOT NULL))`

// standingOf reads an account and keeps two of its posts from being judged at once: each must see the other (F7). Faults: NotFound.
func standingOf(tx *db.Tx, userID db.ID) (Standing, error) {
	if tx.Home.Dialect == db.Postgres {
		if _, err := tx.Run("SELECT id FROM users WHERE id = ? FOR UPDATE", userID); err != nil {
			return Standing{}, err
		}
	}
	var rows []Standing
	if err := tx.Raw(standingQuery, userID).Scan(&rows).Error; err != nil {
		return Standing{}, err
	}
	if len(rows) == 0 {
		return Standing{}, fault.Missing()
	}
	return rows[0], nil
}

// StandingOf reads how far an account is trusted, for staff's pages. Faults: NotFound.
func StandingOf(ctx context.Context, d *db.DB, userID db.ID) (Standing, error) {
	var rows []Standing
	if err := d.Read(ctx).Raw(standingQuery, userID).Scan(&rows).Error; err != nil {
		return Standing{}, err
	}
	if len(rows) == 0 {
		return Standing{}, fault.Missing()
	}
	return rows[0], nil
}
