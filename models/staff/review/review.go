// Package review is the list of people whose roles somebody should look at again: of the staff, for the portal's admins, and of an organization, for its owners.
// Somebody is on it who has a role of weight and has not used the portal for Unused, or who has no second factor. What is decided about them goes through the
// stores that give and take roles, so that the last owner and the last admin stay, nobody acts above themselves, and nobody decides about themselves. The
// decisions until somebody finishes are one review, which stays as a record.
//
// The portal knows two things of when somebody used it: their last sign-in, and the last request of a session that is still there. A session lasts a day at the
// most, so the sign-in alone tells it to the day. What the keys of somebody's apps do is no use of their role and is not looked at.
package review

import (
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// Prefix of the ids that people see.
const Prefix = "review"

// Bounds.
const (
	Unused  = 90 * 24 * time.Hour // without a sign-in, after which a role is looked at again
	Kept    = 90 * 24 * time.Hour // for how long nobody is asked again about who was kept
	MaxNote = 300                 // characters
	AtOnce  = 25                  // people about whom one act decides
)

// What can be decided.
const (
	Keep   = "keep"
	Demote = "demote"
	Remove = "remove"
)

// Options of a Store. All are required.
type Options struct {
	DB       *db.DB
	Accounts *account.Store
	Orgs     *org.Store
	Handover *handover.Store
	Outbox   *outbox.Outbox
	Link     func(path string) string // absolute address under the base URL, for mails
}

// Store keeps reviews. Safe for concurrent use.
type Store struct {
	db       *db.DB
	accounts *account.Store
	orgs     *org.Store
	handover *handover.Store
	outbox   *outbox.Outbox
	link     func(string) string
}

// NewStore makes a store.
func NewStore(o Options) *Store {
	return &Store{db: o.DB, accounts: o.Accounts, orgs: o.Orgs, handover: o.Handover, outbox: o.Outbox, link: o.Link}
}

// Scope is whose roles are looked at: the members of an organization, or the staff when it is zero.
type Scope struct{ Organization db.ID }

// OfStaff reports whether the scope is the staff.
func (s Scope) OfStaff() bool { return s.Organization.IsZero() }

// String is the scope as the database keeps it.
func (s Scope) String() string {
	if s.OfStaff() {
		return "staff"
	}
	return s.Organization.String()
}

// may fails unless the actor decides in the scope: an owner of the organization, or staff who give and take roles. Faults: NotFound for no member, Forbidden.
func may(q *gorm.DB, a actor.Actor, s Scope) error {
	if s.OfStaff() {
		return org.RequireStaff(a, permission.StaffRolesManage)
	}
	_, err := org.Require(q, a, s.Organization, permission.OwnersManage)
	return err
}

// Line is somebody with a role.
type Line struct {
	UserID     db.ID
	Name       string
	Email      string
	Role       string    // in the organization; of staff as the table of users keeps it
	Effective  string    // of staff: the role with its permissions
	Since      time.Time // member since; of staff: the account is there since
	SignedInAt *time.Time
	SeenAt     *time.Time // the last request of a session that is still there
	Factor     bool       // has a second factor here, or showed one where they last signed in by a provider
	Linked     bool       // signs in by a provider, too, of which the portal does not know what it asks for

	Unused     bool `gorm:"-"` // why they are on the list
	Factorless bool `gorm:"-"`
}

// UsedAt is when they last used the portal, as far as it is known; nil: never.
func (l Line) UsedAt() *time.Time {
	if l.SeenAt != nil && (l.SignedInAt == nil || l.SeenAt.After(*l.SignedInAt)) {
		return l.SeenAt
	}
	return l.SignedInAt
}

// judged is the line with why it is on the list at now. Who has yet to sign in counts from when they came.
func (l Line) judged(s Scope, now time.Time) Line {
	last := l.Since
	if used := l.UsedAt(); used != nil && used.After(last) {
		last = *used
	}
	weighty := s.OfStaff() || permission.Org(l.Role, permission.MembersManage)
	l.Unused, l.Factorless = weighty && now.Sub(last) >= Unused, !l.Factor
	return l
}

// kept is a decision that somebody keeps a role.
type kept struct {
	UserID             db.ID
	Role               string
	Unused, Factorless bool
}

// covers reports whether the decision is about the line as it is now: about the same role, and for nothing that was not known then.
func (k kept) covers(l Line) bool {
	return k.UserID == l.UserID && k.Role == l.Role && (k.Unused || !l.Unused) && (k.Factorless || !l.Factorless)
}

// waiting are the lines about which somebody should decide at now.
func waiting(s Scope, all []Line, decided []kept, now time.Time) []Line {
	var out []Line
	for _, l := range all {
		l = l.judged(s, now)
		if (l.Unused || l.Factorless) && !slices.ContainsFunc(decided, func(k kept) bool { return k.covers(l) }) {
			out = append(out, l)
		}
	}
	return out
}

// Above reports whether the line's role goes beyond the actor's own, who then decides nothing about it.
func (l Line) Above(a actor.Actor) bool {
	return l.Effective != "" && !a.Trusted() && len(permission.Beyond(a.StaffRole, permission.Of(l.Effective))) > 0
}

const facts = ` u.last_signed_in_at AS signed_in_at, (SELECT s.last_seen_at FROM sessions s WHERE s.user_id = u.id ORDER BY s.last_seen_at DESC LIMIT 1) AS seen_at,
	` + actor.ShowsFactor + ` AS factor, EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id) AS linked`

const (
	members = "SELECT u.id AS user_id, u.name, u.email, m.role, m.created_at AS since," + facts +
		" FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ? AND u.deleted_at IS NULL ORDER BY LOWER(u.name), u.id LIMIT 1000"
	staff = "SELECT u.id AS user_id, u.name, u.email, u.staff_role AS role, " + staffrole.Effective + " AS effective, u.created_at AS since," + facts +
		" FROM users u WHERE u.staff_role <> '' AND u.deleted_at IS NULL ORDER BY LOWER(u.name), u.id LIMIT 1000"
	keeps = `SELECT d.user_id, d.role, d.unused, d.factorless FROM review_decisions d JOIN reviews r ON r.id = d.review_id WHERE r.scope = ? AND d.act = 'keep' AND d.decided_at > ?`
)

// due are the lines of the scope about which somebody should decide, by name.
func due(q *gorm.DB, s Scope, now time.Time) ([]Line, error) {
	var all []Line
	var err error
	if s.OfStaff() {
		err = q.Raw(staff).Scan(&all).Error
	} else {
		err = q.Raw(members, s.Organization).Scan(&all).Error
	}
	if err != nil {
		return nil, err
	}
	var decided []kept
	if err := q.Raw(keeps, s.String(), now.Add(-Kept)).Scan(&decided).Error; err != nil {
		return nil, err
	}
	return waiting(s, all, decided, now), nil
}
