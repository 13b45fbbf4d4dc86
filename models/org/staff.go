package org

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// StaffRow is an organization as staff sees it.
type StaffRow struct {
	Organization
	Members    int64
	Apps       int64
	ActiveKeys int64
	Unreached  bool // its letters reach nobody
}

const staffColumns = `SELECT o.*,
	(SELECT COUNT(*) FROM members c WHERE c.organization_id = o.id) AS members,
	(SELECT COUNT(*) FROM apps c WHERE c.organization_id = o.id AND c.deleted_at IS NULL) AS apps,
	(SELECT COUNT(*) FROM keys k JOIN apps c ON c.id = k.app_id WHERE c.organization_id = o.id AND c.deleted_at IS NULL AND ` + activeKey + `) AS active_keys,
	` + Unreached + ` AS unreached
	FROM organizations o WHERE o.deleted_at IS NULL`

// staffArgs are the arguments of staffColumns.
func staffArgs(now time.Time) []any { return append([]any{now, now}, UnreachedArgs(now)...) }

// Unreachable is the State of organizations that are Unreached.
const Unreachable = "unreachable"

// StaffFilter narrows staff's lists. State is "", "suspended" or, for organizations, a kind or Unreachable.
type StaffFilter struct {
	Search string
	State  string
}

// All lists organizations for staff. Faults: Forbidden.
func (s *Store) All(ctx context.Context, a actor.Actor, f StaffFilter, page db.PageRequest) (db.Page[StaffRow], error) {
	if err := RequireStaff(a, permission.StaffOrgsRead); err != nil {
		return db.Page[StaffRow]{}, err
	}
	now := s.db.Now()
	args := append(append(staffArgs(now), Like(f.Search), f.State, f.State, f.State, now, f.State, Unreachable), UnreachedArgs(now)...)
	return db.List(ctx, s.db, db.Listing[StaffRow]{
		Name: "staff organizations/" + f.State + "/" + f.Search,
		Select: staffColumns + ` AND LOWER(o.name) LIKE ? ESCAPE '!' AND (? = '' OR o.kind = ? OR (? = 'suspended' AND o.suspended_at IS NOT NULL AND (o.suspended_until IS NULL OR o.suspended_until > ?))
			OR (? = ? AND ` + Unreached + "))",
		Args:   args,
		IDExpr: "o.id", ID: func(r StaffRow) db.ID { return r.ID }, Default: "-created",
		Sorts: map[string]db.Sort[StaffRow]{
			"created": {Expr: "o.created_at", Value: func(r StaffRow) any { return r.CreatedAt }},
			"name":    {Expr: "o.name", Value: func(r StaffRow) any { return r.Name }},
		},
	}, page)
}

// Any reads one organization for staff. Faults: Forbidden, NotFound.
func (s *Store) Any(ctx context.Context, a actor.Actor, id db.ID) (StaffRow, []Member, error) {
	if err := RequireStaff(a, permission.StaffOrgsRead); err != nil {
		return StaffRow{}, nil, err
	}
	var rows []StaffRow
	if err := s.db.Read(ctx).Raw(staffColumns+" AND o.id = ?", append(staffArgs(s.db.Now()), id)...).Scan(&rows).Error; err != nil {
		return StaffRow{}, nil, err
	}
	if len(rows) == 0 {
		return StaffRow{}, nil, fault.Missing()
	}
	var members []Member
	err := s.db.Read(ctx).Raw(membersOf, id).Scan(&members).Error
	return rows[0], members, err
}

const staffApps = "SELECT " + appColumns + " FROM apps a JOIN organizations o ON o.id = a.organization_id WHERE a.deleted_at IS NULL AND o.deleted_at IS NULL"

// AllApps lists apps for staff; organizationID zero means of all. Faults: Forbidden.
func (s *Store) AllApps(ctx context.Context, a actor.Actor, organizationID db.ID, f StaffFilter, page db.PageRequest) (db.Page[AppRow], error) {
	if err := RequireStaff(a, permission.StaffOrgsRead); err != nil {
		return db.Page[AppRow]{}, err
	}
	now, like, one := s.db.Now(), Like(f.Search), ""
	if !organizationID.IsZero() {
		one = organizationID.String()
	}
	return db.List(ctx, s.db, db.Listing[AppRow]{
		Name: "staff apps/" + one + "/" + f.State + "/" + f.Search,
		Select: staffApps + ` AND (LOWER(a.name) LIKE ? ESCAPE '!' OR LOWER(o.name) LIKE ? ESCAPE '!') AND (? = '' OR CAST(a.organization_id AS TEXT) = ?)
			AND (? = '' OR (a.suspended_at IS NOT NULL AND (a.suspended_until IS NULL OR a.suspended_until > ?)))`,
		Args:   []any{now, now, like, like, one, one, f.State, now},
		IDExpr: "a.id", ID: appID, Sorts: appSorts, Default: "-created",
	}, page)
}

// AnyApp reads one app for staff. Faults: Forbidden, NotFound.
func (s *Store) AnyApp(ctx context.Context, a actor.Actor, id db.ID) (AppRow, error) {
	if err := RequireStaff(a, permission.StaffOrgsRead); err != nil {
		return AppRow{}, err
	}
	now := s.db.Now()
	var rows []AppRow
	if err := s.db.Read(ctx).Raw(staffApps+" AND a.id = ?", now, now, id).Scan(&rows).Error; err != nil {
		return AppRow{}, err
	}
	if len(rows) == 0 {
		return AppRow{}, fault.Missing()
	}
	return rows[0], nil
}

// EndOfDay is the last instant of the day that a form's date names, in loc; nil for an empty date. Faults: Invalid in field.
func EndOfDay(field, date string, loc *time.Location) (*time.Time, error) {
	if date == "" {
		return nil, nil
	}
	d, err := time.ParseInLocation("2006-01-02", date, loc)
	if err != nil {
		return nil, fault.BadField(field, "Enter a day such as %s.", "2026-12-31")
	}
	end := time.Date(d.Year(), d.Month(), d.Day()+1, 0, 0, 0, 0, loc).UTC()
	return &end, nil
}
