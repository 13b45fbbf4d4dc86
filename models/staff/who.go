package staff

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/account"
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
	Environment    string // of a key
}

// Why an answer of Who holds.
const (
	ByStaffRole = "staff"       // by the role among staff
	ByRole      = "role"        // by the role in the organization
	ByMaking    = "made"        // by having made the key, or answering for it, with a role that may make keys
	ByMakingAll = "everybody's" // by a role that manages everybody's keys
	ByShare     = "share"       // by the role in an organization with which the app is shared
)

// Can is somebody who may, and why.
type Can struct {
	ID   db.ID
	Name string
	Role string // in the organization; of staff as permission.Base tells it
	By   string

	// NeedsFactor says that they reach nothing of it before they have a second factor, which is required of them.
	NeedsFactor bool

	// Of ByShare: the share, the organization with which the app is shared, until when, and the right.
	ShareID  db.ID
	Receiver string
	EndsAt   time.Time
	Right    actor.Right
}

var objectQueries = map[string]string{
	org.Prefix:     "SELECT 'organization' AS kind, id, name, id AS organization_id, name AS organization FROM organizations WHERE id = ? AND deleted_at IS NULL",
	org.AppPrefix:  "SELECT 'app' AS kind, a.id, a.name, a.id AS app_id, o.id AS organization_id, o.name AS organization FROM apps a JOIN organizations o ON o.id = a.organization_id WHERE a.id = ? AND a.deleted_at IS NULL AND o.deleted_at IS NULL",
	catalog.Prefix: "SELECT 'api' AS kind, id, name FROM apis WHERE id = ?",
	key.IDPrefix: `SELECT 'key' AS kind, k.id, k.name, a.id AS app_id, o.id AS organization_id, o.name AS organization, k.created_by, k.responsible_id, k.environment
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

// Who are those who may do to o what p allows, by name, at most MostWho, and after them those to whom shares of others open it, at most as many: as their next request
// would be answered. Of a key, keys:make means managing that key. Who lacks nothing but a second factor is among them, and said to.
// Faults: Forbidden, Invalid about "permission" for one that is not in the table, and about "object" when p is about organizations and o belongs to none.
func (s *Store) Who(ctx context.Context, a actor.Actor, p permission.Name, o Object) ([]Can, error) {
	if err := org.RequireStaff(a, permission.StaffUsersRead); err != nil {
		return nil, err
	}
	row, known := permission.Known(p)
	switch {
	case !known:
		return nil, fault.BadField("permission", "Choose a permission of the list.")
	case len(row.Staff) == 0 && o.OrganizationID.IsZero():
		return nil, fault.BadField("object", "This permission is about organizations: name one, or an app or a key of one.")
	}
	l, err := account.LimitsOf(ctx, s.db)
	if err != nil {
		return nil, err
	}
	now := s.db.Now()
	w := asking{q: s.db.Read(ctx), now: now, bare: []any{now, now.Add(-l.Idle()), now.Add(-l.Absolute())}, factor: s.factor}
	if len(row.Staff) > 0 {
		return w.staff(p)
	}
	var own []Can
	if o.Kind == "key" && p == permission.KeysMake {
		own, err = w.managers(o)
	} else {
		own, err = w.members(o, row.Org, ByRole)
	}
	if err != nil {
		return nil, err
	}
	others, err := w.sharers(p, o)
	return append(own, others...), err
}

// asking is one question of Who.
type asking struct {
	q      *gorm.DB
	now    time.Time
	factor bool  // staff need a second factor
	bare   []any // arguments of needsFactor after the condition
}

// signsIn is true of a user u who can sign in; its argument is now.
const signsIn = ` u.deleted_at IS NULL AND u.email_verified_at IS NOT NULL AND u.approved_at IS NOT NULL AND (u.suspended_at IS NULL OR u.suspended_until <= ?)`

// needsFactor and the condition after it, up to andHasNone, say whether a user u reaches nothing of what is asked for want of a second factor: it is required of them, as
// of staff (its argument says whether) or by that condition, and they neither have one nor showed one at their provider, when they last came by it or in a session that lasts. The arguments of
// andHasNone are now, and since when such a session was heard of and began.
const (
	needsFactor = `, CASE WHEN (? AND u.staff_role <> '' OR `
	andHasNone  = `) AND NOT ` + actor.ShowsFactor + `
		AND NOT EXISTS (SELECT 1 FROM sessions x WHERE x.user_id = u.id AND x.factor_at IS NOT NULL AND x.expires_at > ? AND x.last_seen_at >= ? AND x.created_at > ?) THEN 1 ELSE 0 END AS needs_factor`
	byName = ` ORDER BY LOWER(u.name), u.id LIMIT ?`
)

const whoOfStaff = `SELECT u.id, u.name, u.staff_role AS role, 'staff' AS "by"` + needsFactor + `FALSE` + andHasNone + ` FROM users u WHERE u.staff_role IN ? AND` + signsIn + byName

func (w asking) staff(p permission.Name) ([]Can, error) {
	roles, err := staffrole.With(w.q, p)
	if err != nil {
		return nil, err
	}
	var out []Can
	err = w.q.Raw(whoOfStaff, slices.Concat([]any{w.factor}, w.bare, []any{roles, w.now, MostWho})...).Scan(&out).Error
	return out, err
}

// whoMembers are the members of an organization with one of some roles; whoReach, with one argument more, those who reach an app: to who is kept out of it it is not
// there (Z2).
const (
	whoMembers = `SELECT u.id, u.name, m.role` + needsFactor + `COALESCE(o.factor_from <= ?, FALSE)` + andHasNone + ` FROM members m JOIN users u ON u.id = m.user_id
		JOIN organizations o ON o.id = m.organization_id WHERE m.organization_id = ? AND m.role IN ? AND` + signsIn
	whoReach = whoMembers + ` AND EXISTS (SELECT 1 FROM apps a WHERE a.id = ? AND ` + actor.MemberReaches + `)`
)

func (w asking) members(o Object, roles []string, by string) ([]Can, error) {
	query, args := whoMembers+byName, slices.Concat([]any{w.factor, w.now}, w.bare, []any{o.OrganizationID, roles, w.now})
	if !o.AppID.IsZero() {
		query, args = whoReach+byName, append(args, o.AppID)
	}
	var out []Can
	err := w.q.Raw(query, append(args, MostWho)...).Scan(&out).Error
	for i := range out {
		out[i].By = by
	}
	return out, err
}

// managers are those who may manage one key: by a role that manages all, or by having made it or answering for it.
func (w asking) managers(o Object) ([]Can, error) {
	out, err := w.members(o, permission.OrgRoles(permission.KeysManageAll), ByMakingAll)
	if err != nil {
		return nil, err
	}
	makers, err := w.members(o, permission.OrgRoles(permission.KeysMake), ByMaking)
	for _, c := range makers {
		if !permission.Org(c.Role, permission.KeysManageAll) && (c.ID == db.Deref(o.CreatedBy) || c.ID == db.Deref(o.ResponsibleID)) {
			out = append(out, c)
		}
	}
	return out, err
}
