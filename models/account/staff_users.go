package account

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// States of a user, as staff filter by them.
const (
	StateActive    = "active"
	StateWaiting   = "waiting" // for approval
	StateSuspended = "suspended"
	StateDeleted   = "deleted"
)

// State is the user's state at now.
func (u User) State(now time.Time) string {
	switch {
	case u.DeletedAt != nil:
		return StateDeleted
	case u.Suspended(now):
		return StateSuspended
	case u.ApprovedAt == nil:
		return StateWaiting
	}
	return StateActive
}

// UserFilter narrows staff's list of users. Zero fields do not narrow.
type UserFilter struct {
	Search string // part of a name or an address
	State  string
	Role   string // a staff role; "none" for people outside the company
}

// where turns the filter into SQL that ends inside a WHERE.
func (f UserFilter) where(now time.Time) (string, []any) {
	query, args := "1 = 1", []any{}
	if words := strings.ToLower(strings.TrimSpace(f.Search)); words != "" {
		pattern := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(words) + "%"
		query += ` AND (LOWER(name) LIKE ? ESCAPE '\' OR LOWER(display_name) LIKE ? ESCAPE '\' OR email LIKE ? ESCAPE '\')`
		args = append(args, pattern, pattern, pattern)
	}
	const suspended = "(suspended_at IS NOT NULL AND (suspended_until IS NULL OR suspended_until > ?))"
	switch f.State {
	case StateActive:
		query, args = query+" AND deleted_at IS NULL AND approved_at IS NOT NULL AND NOT "+suspended, append(args, now)
	case StateWaiting:
		query, args = query+" AND deleted_at IS NULL AND approved_at IS NULL AND NOT "+suspended, append(args, now)
	case StateSuspended:
		query, args = query+" AND deleted_at IS NULL AND "+suspended, append(args, now)
	case StateDeleted:
		query += " AND deleted_at IS NOT NULL"
	}
	switch f.Role {
	case "":
	case "none":
		query += " AND staff_role = ''"
	default:
		query, args = query+" AND staff_role = ?", append(args, f.Role)
	}
	return query, args
}

// Users reads a page of all users. Sorts: created, name, email, signed_in. Faults: Forbidden.
func (s *Store) Users(ctx context.Context, a actor.Actor, f UserFilter, r db.PageRequest) (db.Page[User], error) {
	if err := allowed(a, permission.StaffUsersRead); err != nil {
		return db.Page[User]{}, err
	}
	where, args := f.where(s.db.Now())
	return db.List(ctx, s.db, db.Listing[User]{
		Name: "users", Select: "SELECT * FROM users WHERE " + where, Args: args, IDExpr: "id", ID: func(u User) db.ID { return u.ID },
		Sorts: map[string]db.Sort[User]{
			"created": {Expr: "created_at", Value: func(u User) any { return u.CreatedAt }},
			"name":    {Expr: "name", Value: func(u User) any { return u.Name }},
			"email":   {Expr: "email", Value: func(u User) any { return u.Email }},
			"signed_in": {Expr: "COALESCE(last_signed_in_at, created_at)", Value: func(u User) any {
				if u.LastSignedInAt == nil {
					return u.CreatedAt
				}
				return *u.LastSignedInAt
			}},
		},
		Default: "-created",
	}, r)
}

// allowed asks the one table of permissions; the program itself and its operator may do all.
func allowed(a actor.Actor, p permission.Name) error {
	if a.Trusted() || permission.Staff(a.StaffRole, p) {
		return nil
	}
	return fault.Lacking(string(p), "")
}

// Membership is one organization of a user.
type Membership struct {
	OrganizationID db.ID
	Name           string
	Kind           string // personal, ordinary, company
	Role           string
	FactorFrom     *time.Time // since when a second factor is required of its members; nil: it is not
}

// Lender is an organization of which a user is no member, which requires a second factor and shares an app with one of theirs in such a way that it is opened to them.
type Lender struct {
	OrganizationID db.ID
	Name           string
	FactorFrom     *time.Time // as in Membership
}

// Dossier is what staff see of one user.
type Dossier struct {
	User
	Memberships []Membership
	Lenders     []Lender
	Sessions    []Session
	Factors     []FactorUse
	ShowsFactor bool // as actor.ShowsFactor says it
}

// User reads one user for staff. Faults: Forbidden, NotFound.
func (s *Store) User(ctx context.Context, a actor.Actor, id db.ID) (Dossier, error) {
	if err := allowed(a, permission.StaffUsersRead); err != nil {
		return Dossier{}, err
	}
	u, err := s.ByID(ctx, id)
	if err != nil {
		return Dossier{}, err
	}
	d := Dossier{User: u}
	if d.Sessions, err = s.sessionsOf(ctx, id); err != nil {
		return Dossier{}, err
	}
	if d.Factors, err = s.factorsOf(ctx, id); err != nil {
		return Dossier{}, err
	}
	if err := s.db.Read(ctx).Raw(showsFactor, id).Scan(&d.ShowsFactor).Error; err != nil {
		return Dossier{}, err
	}
	if d.Lenders, err = s.lendersTo(ctx, id); err != nil {
		return Dossier{}, err
	}
	return d, s.db.Read(ctx).Raw(`SELECT o.id AS organization_id, o.name, o.kind, m.role, o.factor_from FROM members m JOIN organizations o ON o.id = m.organization_id
		WHERE m.user_id = ? AND o.deleted_at IS NULL ORDER BY o.kind DESC, o.name, o.id`, id).Scan(&d.Memberships).Error
}

const showsFactor = "SELECT " + actor.ShowsFactor + " FROM users u WHERE u.id = ?"

// What stands around actor.SharedByAll.
const (
	lendersOf = `SELECT o.id AS organization_id, o.name, o.factor_from FROM organizations o WHERE o.factor_from IS NOT NULL AND o.id NOT IN (SELECT m.organization_id FROM members m WHERE m.user_id = ?)
		AND o.id IN (SELECT s.lender_id FROM app_shares s JOIN `
	lendersTo = ` g ON g.share_id = s.id WHERE g.user_id = ?) ORDER BY o.name, o.id`
)

// lendersTo are the Lenders of a user: each once, whatever rights its shares give.
func (s *Store) lendersTo(ctx context.Context, id db.ID) (all []Lender, err error) {
	for _, r := range actor.Rights {
		opened, args := actor.SharedByAll(r, s.db.Now())
		var some []Lender
		if err := s.db.Read(ctx).Raw(lendersOf+opened+lendersTo, slices.Concat([]any{id}, args, []any{id})...).Scan(&some).Error; err != nil {
			return nil, err
		}
		for _, l := range some {
			if !slices.ContainsFunc(all, func(o Lender) bool { return o.OrganizationID == l.OrganizationID }) {
				all = append(all, l)
			}
		}
	}
	return all, nil
}
