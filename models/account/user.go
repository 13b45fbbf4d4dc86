package account

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// User is a person who can sign in. Name is for staff and their organizations; DisplayName is public.
type User struct {
	ID                db.ID
	Email             string // canonical
	Name              string
	DisplayName       string
	Language          string
	TimeZone          string
	PasswordSealed    string `json:"-"`
	PasswordChangedAt *time.Time
	EmailVerifiedAt   *time.Time
	ApprovedAt        *time.Time
	StaffRole         string // empty for people outside the company; with its permissions where ByID or Resolve read it, else as permission.Base tells it
	SuspendedAt       *time.Time
	SuspendedUntil    *time.Time // nil while SuspendedAt is set: until a person ends it
	SuspendedReason   string
	DeletedAt         *time.Time
	LastSignedInAt    *time.Time
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// Suspended reports whether the user is stopped at now.
func (u User) Suspended(now time.Time) bool {
	return u.SuspendedAt != nil && (u.SuspendedUntil == nil || now.Before(*u.SuspendedUntil))
}

// Active reports whether the user may sign in at now: verified, approved, neither suspended nor deleted.
func (u User) Active(now time.Time) bool {
	return u.EmailVerifiedAt != nil && u.ApprovedAt != nil && u.DeletedAt == nil && !u.Suspended(now)
}

// Location is the user's time zone; UTC when it can't be loaded.
func (u User) Location() *time.Location {
	loc, err := time.LoadLocation(u.TimeZone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// ByID reads a user, also a suspended or deleted one, with what their staff role allows now. Faults: NotFound.
func (s *Store) ByID(ctx context.Context, id db.ID) (User, error) {
	var rows []User
	if err := s.db.Read(ctx).Raw("SELECT * FROM users WHERE id = ?", id).Scan(&rows).Error; err != nil {
		return User{}, err
	}
	if len(rows) == 0 {
		return User{}, fault.Missing()
	}
	role, err := staffrole.Expand(s.db.Read(ctx), rows[0].StaffRole)
	rows[0].StaffRole = role
	return rows[0], err
}

// Nobody reports whether there is no user at all, as before the portal is set up.
func (s *Store) Nobody(ctx context.Context) (bool, error) {
	var n int64
	err := s.db.Read(ctx).Raw("SELECT COUNT(*) FROM (SELECT id FROM users LIMIT 1) u").Scan(&n).Error
	return n == 0, err
}

// ByAddress reads the user of an address, also a suspended one. Faults: NotFound, also for what is no address.
func (s *Store) ByAddress(ctx context.Context, email string) (User, error) {
	canonical, err := CanonicalEmail(email)
	if err != nil {
		return User{}, fault.Missing()
	}
	u, err := s.byEmail(ctx, canonical)
	if err == nil && u.ID.IsZero() {
		err = fault.Missing()
	}
	return u, err
}
