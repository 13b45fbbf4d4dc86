package staff

import (
	"context"
	"regexp"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// MostWho bounds an answer of Who.
const MostWho = 500

// Object is what somebody may do something to: an organization, an app, a key or an API. The zero Object is none in particular.
type Object struct {
	Kind           string // organization, app, key, api
	ID             db.ID
	Name           string
	OrganizationID db.ID // zero for an API
	AppID          db.ID // of an app and a key
	Organization   string
	CreatedBy      *db.ID // of a key
	ResponsibleID  *db.ID // of a key
}

// Why an answer of Who holds.
const (
	ByStaffRole = "staff"       // by the role among staff
	ByRole      = "role"        // by the role in the organization
	ByMaking    = "made"        // by having made the key, or answering for it, with a role that may make keys
	ByMakingAll = "everybody's" // by a role that manages everybody's keys
)

// Can is somebody who may, and why.
type Can struct {
	ID   db.ID
	Name string
	Role string // in the organization; of staff as permission.Base tells it
	By   string
}

var objectQueries = map[string]string{
	org.Prefix:     "SELECT 'organization' AS kind, id, name, id AS organization_id, name AS organization FROM organizations WHERE id = ? AND deleted_at IS NULL",
	org.AppPrefix:  "SELECT 'app' AS kind, a.id, a.name, a.id AS app_id, o.id AS organization_id, o.name AS organization FROM apps a JOIN organizations o ON o.id = a.organization_id WHERE a.id = ? AND a.deleted_at IS NULL AND o.deleted_at IS NULL",
	catalog.Prefix: "SELECT 'api' AS kind, id, name FROM apis WHERE id = ?",
	key.IDPrefix: `SELECT 'key' AS kind, k.id, k.name, a.id AS app_id, o.id AS organization_id, o.name AS organization, k.created_by, k.responsible_id
		FROM keys k JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id WHERE k.id = ? AND a.deleted_at IS NULL AND o.deleted_at IS NULL`,
}

var (
	objectNeeds = map[string]permission.Name{org.Prefix: permission.StaffOrgsRead, org.AppPrefix: permission.StaffOrgsRead, catalog.Prefix: permission.StaffAPIsRead, key.IDPrefix: permission.StaffKeysRead}
	objectID    = regexp.MustCompile(`\b(key|app|org|api)_[0-9a-z]{26}\b`)
)

// Object finds what a text names: an id, also within an address, or the slug of an API. Faults: Forbidden for what the actor may not see, Invalid about "object"
// for what names nothing.
func (s *Store) Object(ctx context.Context, a actor.Actor, text string) (Object, error) {
	none := fault.BadField("object", "Enter the id of an organization, an app, a key or an API, such as key_…, or leave it empty.")
	query, arg, prefix := "SELECT 'api' AS kind, id, name FROM apis WHERE slug = ?", any(strings.TrimSpace(text)), catalog.Prefix
	if shown := objectID.FindString(text); shown != "" {
		prefix, _, _ = strings.Cut(shown, "_")
		id, err := db.ParseID(prefix, shown)
		if err != nil {
			return Object{}, none
		}
		query, arg = objectQueries[prefix], id
	}
	if err := org.RequireStaff(a, objectNeeds[prefix]); err != nil {
		return Object{}, err
	}
	var rows []Object
	if err := s.db.Read(ctx).Raw(query, arg).Scan(&rows).Error; err != nil {
		return Object{}, err
	}
	if len(rows) == 0 {
		return Object{}, none
	}
	return rows[0], nil
}

// Who are those who may do to o what p allows, by name, at most MostWho: as their next request would be answered. Of a key, keys:make means managing that key.
// Faults: Forbidden, Invalid about "permission" for one that is not in the table, and about "object" when p is about organizations and o belongs to none.
func (s *Store) Who(ctx context.Context, a actor.Actor, p permission.Name, o Object) ([]Can, error) {
	if err := org.RequireStaff(a, permission.StaffUsersRead); err != nil {
		return nil, err
	}
	row, known := permission.Known(p)
	switch {
	case !known:
		return nil, fault.BadField("permission", "Choose a permission of the list.")
	case len(row.Staff) > 0:
		return s.whoOfStaff(ctx, p)
	case o.OrganizationID.IsZero():
		return nil, fault.BadField("object", "This permission is about organizations: name one, or an app or a key of one.")
	case o.Kind == "key" && p == permission.KeysMake:
		return s.whoOfKey(ctx, o)
	}
	return s.whoOfMembers(ctx, o, row.Org, ByRole)
}

// signsIn is true of a user u who can sign in; its argument is now.
const signsIn = ` u.deleted_at IS NULL AND u.email_verified_at IS NOT NULL AND u.approved_at IS NOT NULL AND (u.suspended_at IS NULL OR u.suspended_until <= ?)`

func (s *Store) whoOfStaff(ctx context.Context, p permission.Name) ([]Can, error) {
	roles, err := staffrole.With(s.db.Read(ctx), p)
	if err != nil {
		return nil, err
	}
	var out []Can
	err = s.db.Read(ctx).Raw("SELECT u.id, u.name, u.staff_role AS role, 'staff' AS \"by\" FROM users u WHERE u.staff_role IN ? AND"+signsIn+" ORDER BY LOWER(u.name), u.id LIMIT ?",
		roles, s.db.Now(), MostWho).Scan(&out).Error
	return out, err
}

const whoMembers = `SELECT u.id, u.name, m.role FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ? AND m.role IN ? AND` + signsIn + ` AND ?`

// whoMembers, with one argument more: the app, which to who is kept out of it is not there (Z2).
const whoReach = whoMembers + ` AND EXISTS (SELECT 1 FROM apps a WHERE a.id = ? AND ` + actor.MemberReaches + `)`

// notShut is an argument: it leaves out members m whom their organization keeps out at now, since it requires a second factor and they have none (A12).
func notShut(now time.Time) clause.Expr {
	return clause.Expr{SQL: "NOT " + actor.Shut("m"), Vars: []any{now}}
}

func (s *Store) whoOfMembers(ctx context.Context, o Object, roles []string, by string) ([]Can, error) {
	query, args := whoMembers, []any{o.OrganizationID, roles, s.db.Now(), notShut(s.db.Now())}
	if !o.AppID.IsZero() {
		query, args = whoReach, append(args, o.AppID)
	}
	var out []Can
	err := s.db.Read(ctx).Raw(query+" ORDER BY LOWER(u.name), u.id LIMIT ?", append(args, MostWho)...).Scan(&out).Error
	for i := range out {
		out[i].By = by
	}
	return out, err
}

// whoOfKey are those who may manage one key: by a role that manages all, or by having made it or answering for it.
func (s *Store) whoOfKey(ctx context.Context, o Object) ([]Can, error) {
	out, err := s.whoOfMembers(ctx, o, permission.OrgRoles(permission.KeysManageAll), ByMakingAll)
	if err != nil {
		return nil, err
	}
	makers, err := s.whoOfMembers(ctx, o, permission.OrgRoles(permission.KeysMake), ByMaking)
	for _, c := range makers {
		if !permission.Org(c.Role, permission.KeysManageAll) && (c.ID == db.Deref(o.CreatedBy) || c.ID == db.Deref(o.ResponsibleID)) {
			out = append(out, c)
		}
	}
	return out, err
}
