package catalog

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// States of access. Approved and Suspended are in force: at most one of an app at an API is; at most one is Requested.
const (
	Requested = "requested"
	Approved  = "approved"
	Refused   = "refused"
	Withdrawn = "withdrawn"
	Suspended = "suspended"
	Ended     = "ended"
)

// Access is an app's leave to use an API, or the request for it.
type Access struct {
	ID             db.ID
	AppID          db.ID
	APIID          db.ID `gorm:"column:api_id"`
	PlanID         db.ID
	State          string
	Purpose        string
	TermsVersion   int
	TermsAgreedAt  *time.Time
	TermsAgreedBy  *db.ID
	RequestedBy    *db.ID
	DecidedBy      *db.ID
	DecidedAt      *time.Time
	Reason         string // of a refusal, suspension or end
	SuspendedUntil *time.Time
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// StateAt is the state at now: a suspension whose time is over is Approved again.
func (x Access) StateAt(now time.Time) string {
	if x.State == Suspended && x.SuspendedUntil != nil && !now.Before(*x.SuspendedUntil) {
		return Approved
	}
	return x.State
}

// AccessRow is access with the names that belong to it and its scopes that are not withdrawn.
type AccessRow struct {
	Access
	AppName           string
	OrganizationID    db.ID
	OrganizationName  string
	APISlug           string `gorm:"column:api_slug"`
	APIName           string `gorm:"column:api_name"`
	PlanName          string
	PlanNeedsApproval bool
	RequesterName     string
	RequesterEmail    string
	DeciderName       string
	Role              string  // of the reader, on lists of their own
	Scopes            []Scope `gorm:"-"`
}

const accessColumns = `x.*, a.name AS app_name, o.id AS organization_id, o.name AS organization_name, i.slug AS api_slug, i.name AS api_name, p.name AS plan_name,
	p.needs_approval AS plan_needs_approval, COALESCE(r.name, '') AS requester_name, COALESCE(r.email, '') AS requester_email, COALESCE(d.name, '') AS decider_name`

const accessTables = ` FROM access x JOIN apps a ON a.id = x.app_id JOIN organizations o ON o.id = a.organization_id JOIN apis i ON i.id = x.api_id JOIN plans p ON p.id = x.plan_id
	LEFT JOIN users r ON r.id = x.requested_by LEFT JOIN users d ON d.id = x.decided_by`

// AccessFilter narrows a list of access; zero fields don't.
type AccessFilter struct {
	OrganizationID db.ID
	AppID          db.ID
	APIID          db.ID
	State          string
	Search         string // app, organization or API; on staff's list
}

func (f AccessFilter) key() string {
	return f.OrganizationID.String() + f.AppID.String() + f.APIID.String() + f.State + "/" + f.Search
}

// where is the part of the condition that the filter makes. Each pair of arguments is the same text twice; "" narrows nothing.
const accessWhere = ` AND a.deleted_at IS NULL AND o.deleted_at IS NULL AND (? = '' OR CAST(o.id AS TEXT) = ?) AND (? = '' OR CAST(a.id AS TEXT) = ?)
	AND (? = '' OR CAST(i.id AS TEXT) = ?) AND (? = '' OR x.state = ?)`

func (f AccessFilter) args() []any {
	text := func(id db.ID) string {
		if id.IsZero() {
			return ""
		}
		return id.String()
	}
	var out []any
	for _, t := range []string{text(f.OrganizationID), text(f.AppID), text(f.APIID), f.State} {
		out = append(out, t, t)
	}
	return out
}

var accessSorts = map[string]db.Sort[AccessRow]{"created": {Expr: "x.created_at", Value: func(r AccessRow) any { return r.CreatedAt }}}

func accessID(r AccessRow) db.ID { return r.ID }

// Access lists requests and access of the actor's organizations, newest first.
func (s *Store) Access(ctx context.Context, a actor.Actor, f AccessFilter, page db.PageRequest) (db.Page[AccessRow], error) {
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	p, err := db.List(ctx, s.db, db.Listing[AccessRow]{
		Name:   "access/" + f.key(),
		Select: "SELECT " + accessColumns + ", m.role" + accessTables + " JOIN " + members + " m ON m.organization_id = o.id WHERE 1 = 1 AND a.id NOT IN " + unseen + accessWhere,
		Args:   append(append([]any{arg}, hidden...), f.args()...), IDExpr: "x.id", ID: accessID, Sorts: accessSorts, Default: "-created",
	}, page)
	if err != nil {
		return p, err
	}
	return p, addScopes(s.db.Read(ctx), p.Rows)
}

// OneAccess reads one of the actor's organizations. Faults: NotFound.
func (s *Store) OneAccess(ctx context.Context, a actor.Actor, id db.ID) (AccessRow, error) {
	members, arg := a.Members()
	unseen, hidden := a.Hidden()
	row, err := one[AccessRow](s.db.Read(ctx), "SELECT "+accessColumns+", m.role"+accessTables+" JOIN "+members+` m ON m.organization_id = o.id
		WHERE x.id = ? AND a.deleted_at IS NULL AND o.deleted_at IS NULL AND a.id NOT IN `+unseen, append([]any{arg, id}, hidden...)...)
	if err != nil {
		return row, err
	}
	rows := []AccessRow{row}
	err = addScopes(s.db.Read(ctx), rows)
	return rows[0], err
}

// Requests lists requests and access for staff; sort "created" has the oldest first. Faults: Forbidden.
func (s *Store) Requests(ctx context.Context, a actor.Actor, f AccessFilter, page db.PageRequest) (db.Page[AccessRow], error) {
	if err := org.RequireStaff(a, permission.StaffRequestsRead); err != nil {
		return db.Page[AccessRow]{}, err
	}
	like := org.Like(f.Search)
	p, err := db.List(ctx, s.db, db.Listing[AccessRow]{
		Name: "requests/" + f.key(),
		Select: "SELECT " + accessColumns + accessTables + ` WHERE (LOWER(a.name) LIKE ? ESCAPE '!' OR LOWER(o.name) LIKE ? ESCAPE '!' OR LOWER(i.name) LIKE ? ESCAPE '!')` +
			accessWhere,
		Args: append([]any{like, like, like}, f.args()...), IDExpr: "x.id", ID: accessID, Sorts: accessSorts, Default: "-created",
	}, page)
	if err != nil {
		return p, err
	}
	return p, addScopes(s.db.Read(ctx), p.Rows)
}

// RequestByID reads one for staff. Faults: Forbidden, NotFound.
func (s *Store) RequestByID(ctx context.Context, a actor.Actor, id db.ID) (AccessRow, error) {
	if err := org.RequireStaff(a, permission.StaffRequestsRead); err != nil {
		return AccessRow{}, err
	}
	row, err := one[AccessRow](s.db.Read(ctx), "SELECT "+accessColumns+accessTables+" WHERE x.id = ? AND a.deleted_at IS NULL AND o.deleted_at IS NULL", id)
	if err != nil {
		return row, err
	}
	rows := []AccessRow{row}
	err = addScopes(s.db.Read(ctx), rows)
	return rows[0], err
}

// addScopes fills Scopes of all rows by one query.
func addScopes(q *gorm.DB, rows []AccessRow) error {
	if len(rows) == 0 {
		return nil
	}
	at := map[db.ID]int{}
	ids := make([]db.ID, len(rows))
	for i, r := range rows {
		ids[i], at[r.ID] = r.ID, i
	}
	var found []struct {
		Scope
		AccessID db.ID
	}
	err := q.Raw("SELECT s.*, c.access_id FROM access_scopes c JOIN scopes s ON s.id = c.scope_id WHERE c.access_id IN ? AND s.withdrawn_at IS NULL ORDER BY s.name", ids).Scan(&found).Error
	for _, f := range found {
		rows[at[f.AccessID]].Scopes = append(rows[at[f.AccessID]].Scopes, f.Scope)
	}
	return err
}

// appFor is org.AppFor, with the organization when it can ask for things now. Faults: as there, Conflict while app or organization is suspended.
func appFor(tx *db.Tx, a actor.Actor, appID db.ID) (org.App, org.Organization, error) {
	app, _, err := org.AppFor(tx.DB, a, appID, permission.AccessRequest)
	if err != nil {
		return app, org.Organization{}, err
	}
	o, err := one[org.Organization](tx.DB, "SELECT * FROM organizations WHERE id = ?", app.OrganizationID)
	if err == nil && (app.Suspended(tx.Now) || o.Suspended(tx.Now)) {
		err = fault.New(fault.Conflict, "This app is suspended. While that lasts it can’t ask for access.")
	}
	return app, o, err
}
