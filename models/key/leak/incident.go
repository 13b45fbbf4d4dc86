package leak

import (
	"context"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Row is an incident with its key, as lists show it.
type Row struct {
	Incident
	KeyName          string
	Prefix           string
	LastFour         string
	Environment      string
	AppID            db.ID
	AppName          string
	OrganizationID   db.ID
	OrganizationName string
	KeyPausedAt      *time.Time
	KeyRevokedAt     *time.Time
}

// Hint is what is shown of the key's text.
func (r Row) Hint() string { return r.Prefix + "…" + r.LastFour }

const (
	rowColumns = `i.*, k.name AS key_name, k.prefix, k.last_four, k.environment, k.paused_at AS key_paused_at, k.revoked_at AS key_revoked_at,
		a.id AS app_id, a.name AS app_name, o.id AS organization_id, o.name AS organization_name`
	rowTables = ` FROM leak_incidents i JOIN keys k ON k.id = i.key_id JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id`
)

// States by which lists can be narrowed.
const (
	StateOpen   = "open"
	StateClosed = "closed"
)

// Filter narrows a list. Its zero takes all.
type Filter struct {
	State          string // StateOpen, StateClosed or empty
	OrganizationID db.ID
}

const narrowed = ` AND (? = '' OR (? = 'open' AND i.closed_at IS NULL) OR (? = 'closed' AND i.closed_at IS NOT NULL))`

func listing(name, query string, args []any) db.Listing[Row] {
	return db.Listing[Row]{
		Name: name, Select: query, Args: args, IDExpr: "i.id", ID: func(r Row) db.ID { return r.ID }, Default: "-reported",
		Sorts: map[string]db.Sort[Row]{"reported": {Expr: "i.reported_at", Value: func(r Row) any { return r.ReportedAt }}},
	}
}

// Incidents lists those of the actor's organizations, the last reported first; a program sees those of keys of its environment. Faults: Invalid for a cursor that is none.
func (s *Store) Incidents(ctx context.Context, a actor.Actor, f Filter, r db.PageRequest) (db.Page[Row], error) {
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	query := "SELECT " + rowColumns + rowTables + " JOIN " + members + " m ON m.organization_id = o.id WHERE a.deleted_at IS NULL AND o.deleted_at IS NULL AND (? = '' OR k.environment = ?)" + narrowed + " AND a.id NOT IN " + unseen
	args := append([]any{arg, a.Environment, a.Environment, f.State, f.State, f.State}, hidden...)
	if !f.OrganizationID.IsZero() {
		query += " AND o.id = ?"
		args = append(args, f.OrganizationID)
	}
	return db.List(ctx, s.db, listing("leak incidents", query, args), r)
}

// AllIncidents lists those of all organizations, for staff. Faults: Forbidden, Invalid for a cursor that is none.
func (s *Store) AllIncidents(ctx context.Context, a actor.Actor, f Filter, r db.PageRequest) (db.Page[Row], error) {
	if !mayStaff(a, permission.StaffLeaksRead) {
		return db.Page[Row]{}, fault.Lacking(string(permission.StaffLeaksRead), "")
	}
	query, args := "SELECT "+rowColumns+rowTables+" WHERE 1 = 1"+narrowed, []any{f.State, f.State, f.State}
	if !f.OrganizationID.IsZero() {
		query += " AND o.id = ?"
		args = append(args, f.OrganizationID)
	}
	return db.List(ctx, s.db, listing("all leak incidents", query, args), r)
}

// Detail is an incident with its reports, the last first.
type Detail struct {
	Row
	ByName  string   // who closed it; empty when nobody did, or the program itself, and for others than staff when staff did
	ByStaff bool     // staff closed it, for its people
	List    []Report `gorm:"-"`
	Steps   []Step   `gorm:"-"` // what was done, in its order
	Role    string   // of the reader in the organization; empty for staff
}

// byStaff holds when staff closed the incident as such: somebody of staff who is no member.
const byStaff = "(COALESCE(u.staff_role, '') <> '' AND NOT EXISTS (SELECT 1 FROM members s WHERE s.organization_id = o.id AND s.user_id = u.id))"

// MayResume reports whether the reader may let the key work again: the organization's admins.
func (d Detail) MayResume() bool { return permission.Org(d.Role, permission.KeysManageAll) }

// OfKey reads the last incident of a key of one of the actor's organizations. Faults: NotFound, also for a key that was never reported.
func (s *Store) OfKey(ctx context.Context, a actor.Actor, keyID db.ID) (Detail, error) {
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	g := s.db.Read(ctx)
	var rows []Detail
	err := g.Raw("SELECT "+rowColumns+", m.role, CASE WHEN "+byStaff+" THEN '' ELSE COALESCE(u.name, '') END AS by_name, "+byStaff+" AS by_staff"+rowTables+" JOIN "+members+` m ON m.organization_id = o.id LEFT JOIN users u ON u.id = i.closed_by
		WHERE i.key_id = ? AND a.deleted_at IS NULL AND o.deleted_at IS NULL AND (? = '' OR k.environment = ?) AND a.id NOT IN `+unseen+" ORDER BY i.opened_at DESC LIMIT 1",
		append([]any{arg, keyID, a.Environment, a.Environment}, hidden...)...).Scan(&rows).Error
	return s.detail(g, rows, false, err)
}

// ForStaff reads any incident. Faults: Forbidden, NotFound.
func (s *Store) ForStaff(ctx context.Context, a actor.Actor, id db.ID) (Detail, error) {
	if !mayStaff(a, permission.StaffLeaksRead) {
		return Detail{}, fault.Lacking(string(permission.StaffLeaksRead), "")
	}
	g := s.db.Read(ctx)
	var rows []Detail
	err := g.Raw("SELECT "+rowColumns+", COALESCE(u.name, '') AS by_name"+rowTables+" LEFT JOIN users u ON u.id = i.closed_by WHERE i.id = ?", id).Scan(&rows).Error
	return s.detail(g, rows, true, err)
}

func (s *Store) detail(g *gorm.DB, rows []Detail, staff bool, err error) (Detail, error) {
	if err != nil {
		return Detail{}, err
	}
	if len(rows) == 0 {
		return Detail{}, fault.Missing()
	}
	d := rows[0]
	err = g.Raw("SELECT * FROM leak_reports WHERE incident_id = ? ORDER BY at DESC, report_id DESC, url LIMIT ?", d.ID, MaxReports).Scan(&d.List).Error
	if err == nil {
		d.Steps, err = steps(g, d.Row, staff, s.db.Now())
	}
	return d, err
}

// OpenOf tells which of the keys have an open incident. The caller has found the keys for its reader.
func (s *Store) OpenOf(ctx context.Context, keyIDs []db.ID) (map[db.ID]Incident, error) {
	out := map[db.ID]Incident{}
	if len(keyIDs) == 0 {
		return out, nil
	}
	var rows []Incident
	err := s.db.Read(ctx).Raw("SELECT * FROM leak_incidents WHERE closed_at IS NULL AND key_id IN ?", keyIDs).Scan(&rows).Error
	for _, r := range rows {
		out[r.KeyID] = r
	}
	return out, err
}

// CountOpen counts the open incidents of the actor's organizations, for the console's banner.
func (s *Store) CountOpen(ctx context.Context, a actor.Actor) (n int, err error) {
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	err = s.db.Read(ctx).Raw("SELECT COUNT(*)"+rowTables+" JOIN "+members+" m ON m.organization_id = o.id WHERE a.deleted_at IS NULL AND o.deleted_at IS NULL AND i.closed_at IS NULL AND a.id NOT IN "+unseen, append([]any{arg}, hidden...)...).Scan(&n).Error
	return n, err
}

func itoa(n int) string { return strconv.Itoa(n) }
