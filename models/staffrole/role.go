// Package staffrole keeps the staff roles that admins compose out of the table of permissions. A person has one staff role: a built-in one, or one of these.
// What a role allows is read anew for every request, so that a change holds on the next one, in every process. Nobody gives, changes or takes what goes beyond
// their own role (Z5), and the built-in admin, whose last holder always stays, can't be composed away.
package staffrole

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Prefix of the ids that people see.
const Prefix = "role"

// Most is how many roles can be composed.
const Most = 100

// Role is a staff role that admins composed.
type Role struct {
	ID          db.ID
	Name        string
	Description string
	Permissions string // as permission.Join writes them
	CreatedAt   time.Time
	UpdatedAt   time.Time
	People      int64 // that have it and are not deleted
}

// Has are its permissions, in the order of the table.
func (r Role) Has() []permission.Name { return permission.Split(r.Permissions) }

// Full is the role as an actor carries it.
func (r Role) Full() string { return permission.Composed(r.ID.String(), r.Has()) }

// Store keeps roles.
type Store struct{ db *db.DB }

// NewStore makes a Store.
func NewStore(d *db.DB) *Store { return &Store{d} }

const columns = `SELECT r.id, r.name, r.description, r.permissions, r.created_at, r.updated_at,
	(SELECT COUNT(*) FROM users u WHERE u.staff_role = CAST(r.id AS TEXT) AND u.deleted_at IS NULL) AS people FROM staff_roles r`

// List reads all composed roles, by name. Faults: Forbidden.
func (s *Store) List(ctx context.Context, a actor.Actor) ([]Role, error) {
	if err := may(a, permission.StaffUsersRead); err != nil {
		return nil, err
	}
	return All(s.db.Read(ctx))
}

// All is List for those who checked who asks.
func All(q *gorm.DB) ([]Role, error) {
	var rows []Role
	err := q.Raw(columns + " ORDER BY LOWER(r.name), r.id").Scan(&rows).Error
	return rows, err
}

// Get reads one. Faults: Forbidden, NotFound.
func (s *Store) Get(ctx context.Context, a actor.Actor, id db.ID) (Role, error) {
	if err := may(a, permission.StaffUsersRead); err != nil {
		return Role{}, err
	}
	return one(s.db.Read(ctx), id)
}

func one(q *gorm.DB, id db.ID) (Role, error) {
	var rows []Role
	if err := q.Raw(columns+" WHERE r.id = ?", id).Scan(&rows).Error; err != nil {
		return Role{}, err
	}
	if len(rows) == 0 {
		return Role{}, fault.Missing()
	}
	return rows[0], nil
}

// Holder is somebody who has a staff role.
type Holder struct {
	ID   db.ID
	Name string
}

// Holders are those who have a role, given as the name of a built-in one or as an id, by name; at most 200. Faults: Forbidden.
func (s *Store) Holders(ctx context.Context, a actor.Actor, role string) ([]Holder, error) {
	if err := may(a, permission.StaffUsersRead); err != nil {
		return nil, err
	}
	var rows []Holder
	err := s.db.Read(ctx).Raw("SELECT id, name FROM users WHERE staff_role = ? AND staff_role <> '' AND deleted_at IS NULL ORDER BY LOWER(name), id LIMIT 200", role).Scan(&rows).Error
	return rows, err
}

func may(a actor.Actor, p permission.Name) error {
	if a.Trusted() || a.SignedIn() && permission.Staff(a.StaffRole, p) {
		return nil
	}
	return fault.Lacking(string(p), "")
}
