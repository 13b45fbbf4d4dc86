package org

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Kinds of organization.
const (
	Personal = "personal" // made with its user; can't be deleted apart from them
	Ordinary = "ordinary"
	Company  = "company" // the one that runs the portal
)

// Prefix of the ids that people see.
const (
	Prefix    = "org"
	AppPrefix = "app"
)

// Organization owns apps, keys and access.
type Organization struct {
	ID              db.ID
	Kind            string
	PersonalUserID  *db.ID
	Name            string
	TechnicalEmail  string // told about keys and suspensions while it is the verified address of a member; may be empty
	SuspendedAt     *time.Time
	SuspendedUntil  *time.Time // nil while SuspendedAt is set: until a person ends it
	SuspendedReason string
	FactorFrom      *time.Time // from when on members need a second factor; nil: they don’t
	FactorReason    string
	DeletedAt       *time.Time
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// Suspended reports whether the organization is stopped at now.
func (o Organization) Suspended(now time.Time) bool {
	return suspended(o.SuspendedAt, o.SuspendedUntil, now)
}

func suspended(at, until *time.Time, now time.Time) bool {
	return at != nil && (until == nil || now.Before(*until))
}

// Mine is an organization as one of its members sees it.
type Mine struct {
	Organization
	Role    string
	Members int64
	Apps    int64
}

// from selects organizations o of the actor with their role as member m, up to a WHERE, and its arguments.
func from(a actor.Actor) (query string, args []any) {
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	return `SELECT o.*, m.role, (SELECT COUNT(*) FROM members c WHERE c.organization_id = o.id) AS members,
		(SELECT COUNT(*) FROM apps c WHERE c.organization_id = o.id AND c.deleted_at IS NULL AND c.id NOT IN ` + unseen + `) AS apps
		FROM organizations o JOIN ` + members + " m ON m.organization_id = o.id ", append(hidden, arg)
}

// Mine lists the organizations of the actor, the personal one first, then by name; at most 200.
func (s *Store) Mine(ctx context.Context, a actor.Actor) ([]Mine, error) {
	var rows []Mine
	query, args := from(a)
	err := s.db.Read(ctx).Raw(query+`WHERE o.deleted_at IS NULL
		ORDER BY CASE WHEN o.kind = 'personal' THEN 0 ELSE 1 END, o.name, o.id LIMIT 200`, args...).Scan(&rows).Error
	return rows, err
}

// Get reads one organization of the actor. Faults: NotFound.
func (s *Store) Get(ctx context.Context, a actor.Actor, id db.ID) (Mine, error) {
	var rows []Mine
	query, args := from(a)
	if err := s.db.Read(ctx).Raw(query+"WHERE o.id = ? AND o.deleted_at IS NULL", append(args, id)...).Scan(&rows).Error; err != nil {
		return Mine{}, err
	}
	if len(rows) == 0 {
		return Mine{}, fault.Missing()
	}
	return rows[0], nil
}

// Member is a person in an organization.
type Member struct {
	UserID    db.ID
	Name      string
	Email     string
	Role      string
	HasFactor bool // a second factor, here or at a provider (actor.ShowsFactor); Members knows it, and who manages members may read it
	CreatedAt time.Time
}

const membersOf = `SELECT m.user_id, u.name, u.email, m.role, m.created_at,
	` + actor.ShowsFactor + ` AS has_factor FROM members m JOIN users u ON u.id = m.user_id
	WHERE m.organization_id = ? AND u.deleted_at IS NULL ORDER BY m.created_at, m.user_id LIMIT 500`

// Members lists the people of an organization, who came first first. Faults: NotFound.
func (s *Store) Members(ctx context.Context, a actor.Actor, id db.ID) ([]Member, error) {
	if _, err := Require(s.db.Read(ctx), a, id, permission.OrgRead); err != nil {
		return nil, err
	}
	var rows []Member
	err := s.db.Read(ctx).Raw(membersOf, id).Scan(&rows).Error
	return rows, err
}

// Input is what people say of an organization.
type Input struct {
	Name           string
	TechnicalEmail string
}

func (in *Input) check() error {
	var p fault.Problems
	in.Name = CheckName(&p, "name", in.Name)
	in.TechnicalEmail = strings.ToLower(CheckEmail(&p, "technical_email", in.TechnicalEmail)) // as accounts keep addresses
	return p.Err()
}

// technicalOfMember refuses a technical address that is not the verified one of a member: whoever could enter any would send the portal's mail
// to strangers. Faults: Invalid about "technical_email".
func technicalOfMember(q *gorm.DB, organizationID db.ID, address string) error {
	if address == "" {
		return nil
	}
	n, err := count(q, `SELECT COUNT(*) FROM members m JOIN users u ON u.id = m.user_id
		WHERE m.organization_id = ? AND u.email = ? AND u.deleted_at IS NULL AND u.email_verified_at IS NOT NULL`, organizationID, address)
	if err == nil && n == 0 {
		return fault.BadField("technical_email", "Enter the address of a member of this organization, or leave it empty. Mail goes only to addresses that their owners have verified.")
	}
	return err
}

// Create makes an organization that the actor owns. Faults: Invalid, Unauthenticated, Conflict when they own MaxOwned already.
func (s *Store) Create(ctx context.Context, a actor.Actor, in Input) (Organization, error) {
	if !a.SignedIn() {
		return Organization{}, fault.New(fault.Unauthenticated, "Sign in to go on.")
	}
	if err := in.check(); err != nil {
		return Organization{}, err
	}
	var o Organization
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := lockRow(tx, "SELECT 1 FROM users WHERE id = ? FOR UPDATE", a.UserID); err != nil {
			return err
		}
		if err := ownsLess(tx.DB, a); err != nil {
			return err
		}
		o = Organization{ID: db.NewID(), Kind: Ordinary, Name: in.Name, TechnicalEmail: in.TechnicalEmail, CreatedAt: tx.Now, UpdatedAt: tx.Now}
		if _, err := tx.Run("INSERT INTO organizations (id, kind, name, technical_email, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)", o.ID, o.Kind, o.Name, o.TechnicalEmail, tx.Now, tx.Now); err != nil {
			return err
		}
		if _, err := tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, ?, ?)", o.ID, a.UserID, permission.Owner, tx.Now); err != nil {
			return err
		}
		if err := technicalOfMember(tx.DB, o.ID, in.TechnicalEmail); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.OrganizationCreated, TargetKind: "organization", TargetID: o.ID, OrganizationID: o.ID, Details: map[string]string{"name": o.Name}})
		return nil
	})
	return o, err
}

// Change sets name and technical address. Faults: Invalid, NotFound, Forbidden below admin.
func (s *Store) Change(ctx context.Context, a actor.Actor, id db.ID, in Input) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := Require(tx.DB, a, id, permission.OrgChange); err != nil {
			return err
		}
		if err := in.check(); err != nil {
			return err
		}
		if err := technicalOfMember(tx.DB, id, in.TechnicalEmail); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE organizations SET name = ?, technical_email = ?, updated_at = ? WHERE id = ? AND deleted_at IS NULL", in.Name, in.TechnicalEmail, tx.Now, id); err != nil {
			return err
		}
		change.Record(tx, change.Organization, id)
		o, err := read(tx.DB, id)
		if err != nil {
			return err
		}
		event := audit.Event{Act: audit.OrganizationChanged, TargetKind: "organization", TargetID: id, OrganizationID: id}
		if name := map[string]string{"name": in.Name}; o.Kind == Personal {
			event.Personal = name // a person's name must be erasable (U8)
		} else {
			event.Details = name
		}
		audit.Record(tx, a, event)
		return nil
	})
}

// Delete ends an organization with its apps; all of its keys stop at once. Until Grace is over an owner can Restore it; the owners and admins are told.
// typedName must be its name. Faults: NotFound, Forbidden below owner, Invalid for another name, Conflict for a personal one, the company's, and one that publishes an API.
func (s *Store) Delete(ctx context.Context, a actor.Actor, id db.ID, typedName string) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := LockMembers(tx, id); err != nil {
			return err
		}
		if _, err := Require(tx.DB, a, id, permission.OrgDelete); err != nil {
			return err
		}
		o, err := read(tx.DB, id)
		if err != nil {
			return err
		}
		if err := deletable(tx.DB, o); err != nil {
			return err
		}
		if typedName != o.Name {
			return fault.BadField("confirm", "Type the name exactly: %s", o.Name)
		}
		if err := s.tellDeleted(tx, o); err != nil {
			return err
		}
		if _, err := tx.Run("UPDATE organizations SET deleted_at = ?, updated_at = ? WHERE id = ?", tx.Now, tx.Now, id); err != nil {
			return err
		}
		change.Record(tx, change.Organization, id)
		audit.Record(tx, a, audit.Event{Act: audit.OrganizationDeleted, TargetKind: "organization", TargetID: id, OrganizationID: id, Details: map[string]string{"name": o.Name}})
		return nil
	})
}

func deletable(q *gorm.DB, o Organization) error {
	switch o.Kind {
	case Personal:
		return fault.New(fault.Conflict, "This is your personal organization. It goes when you delete your account.")
	case Company:
		return fault.New(fault.Conflict, "This is the company’s own organization, which runs the portal. It can’t be deleted.")
	}
	n, err := count(q, "SELECT COUNT(*) FROM apis WHERE publisher_id = ? AND retired_at IS NULL", o.ID)
	if err == nil && n > 0 {
		return fault.New(fault.Conflict, "This organization publishes an API. The API has to be retired or given to another publisher first.")
	}
	return err
}

func read(q *gorm.DB, id db.ID) (Organization, error) {
	var rows []Organization
	if err := q.Raw("SELECT * FROM organizations WHERE id = ? AND deleted_at IS NULL", id).Scan(&rows).Error; err != nil {
		return Organization{}, err
	}
	if len(rows) == 0 {
		return Organization{}, fault.Missing()
	}
	return rows[0], nil
}

// lockRow lets one transaction at a time count and add, so that a bound holds. SQLite has one writer anyway.
func lockRow(tx *db.Tx, query string, id db.ID) error {
	if tx.Home.Dialect != db.Postgres {
		return nil
	}
	return tx.Exec(query, id).Error
}

func count(q *gorm.DB, query string, args ...any) (int64, error) {
	var n int64
	err := q.Raw(query, args...).Scan(&n).Error
	return n, err
}
