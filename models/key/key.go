package key

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// IDPrefix is how the id of a key is shown.
const IDPrefix = "key"

// VerifyScope is the scope of the portal's own API by which gateways ask about keys.
const VerifyScope = "keys:verify"

// ExpiresSoon is how long ahead a key counts as expiring soon.
const ExpiresSoon = 14 * 24 * time.Hour

// Key is what is kept of a key, without its digest.
type Key struct {
	ID                db.ID
	AppID             db.ID
	Environment       string // live or test
	Name              string
	DataDomain        string // empty goes with any
	Prefix            string // such as gk_live_
	LastFour          string
	CreatedBy         *db.ID
	ResponsibleID     *db.ID     // whom the organization's admins named after the maker had left; nil: the maker
	ConfirmedAt       *time.Time // when they did
	ExpiresAt         *time.Time // nil: without end
	PausedAt          *time.Time
	PausedCause       string // while paused: "" a person, or one of the Paused… names
	SuspendedAt       *time.Time
	SuspendedUntil    *time.Time // nil while SuspendedAt is set: until a person ends it
	SuspendedReason   string
	RevokedAt         *time.Time
	RevokedReason     string
	RotatedFrom       *db.ID
	OverlapEndsAt     *time.Time // set once it was rotated: when it stops by itself
	OverlapExtendedAt *time.Time // when that was made longer, which is once
	RotationUndoneAt  *time.Time // of a new key: its rotation was undone, and RotatedFrom goes on
	LastUsedAt        *time.Time // of a call that was let through (K12)
	LastUsedNetwork   string
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// Hint is what is shown of the key's text: its prefix and last four characters.
func (k Key) Hint() string { return k.Prefix + "…" + k.LastFour }

// EndsAt is when the key stops by itself: its expiry or the end of its overlap, whichever comes first; nil for never.
func (k Key) EndsAt() *time.Time {
	if k.OverlapEndsAt != nil && (k.ExpiresAt == nil || k.OverlapEndsAt.Before(*k.ExpiresAt)) {
		return k.OverlapEndsAt
	}
	return k.ExpiresAt
}

// Responsible is who answers for the key: whom the admins named, or its maker; zero when no person made it.
func (k Key) Responsible() db.ID {
	if k.ResponsibleID != nil {
		return *k.ResponsibleID
	}
	return db.Deref(k.CreatedBy)
}

// Living reports whether the key is neither revoked nor at its end.
func (k Key) Living(now time.Time) bool { return k.RevokedAt == nil && !reached(k.EndsAt(), now) }

// Row is a key with what stands around it, as lists and pages show it.
type Row struct {
	Key
	AppName             string
	AppSuspendedAt      *time.Time
	AppSuspendedUntil   *time.Time
	AppDeletedAt        *time.Time
	OrganizationID      db.ID
	OrganizationName    string
	OrgSuspendedAt      *time.Time
	OrgSuspendedUntil   *time.Time
	OrgDeletedAt        *time.Time
	OwnerSuspendedAt    *time.Time // of a personal organization's user
	OwnerSuspendedUntil *time.Time
	OwnerDeletedAt      *time.Time
	NameKey             string  // by which names are sorted
	Role                string  // of the reader in the organization; empty for staff
	HasDue              int     // 1: its people were told that a policy will make something of it; only lists read it
	Grants              []Grant `gorm:"-"`
}

// MayManage reports whether the reader of the row may rotate, pause, rename and revoke the key: organization admins all, developers those
// that they made or answer for.
func (r Row) MayManage(userID db.ID) bool {
	return permission.Org(r.Role, permission.KeysManageAll) ||
		permission.Org(r.Role, permission.KeysMake) && !userID.IsZero() && (db.Deref(r.CreatedBy) == userID || db.Deref(r.ResponsibleID) == userID)
}

// rowColumns and rowTables make a Row; what reads it adds the reader's role and a WHERE. The digest is never read here.
const (
	rowColumns = `k.id, k.app_id, k.environment, k.name, k.data_domain, k.prefix, k.last_four, k.created_by, k.responsible_id, k.confirmed_at, k.expires_at, k.paused_at, k.paused_cause,
		k.suspended_at, k.suspended_until, k.suspended_reason, k.revoked_at, k.revoked_reason, k.rotated_from, k.overlap_ends_at, k.overlap_extended_at, k.rotation_undone_at,
		k.last_used_at, k.last_used_network, k.created_at, k.updated_at, LOWER(k.name) AS name_key,
		a.name AS app_name, a.suspended_at AS app_suspended_at, a.suspended_until AS app_suspended_until, a.deleted_at AS app_deleted_at,
		o.id AS organization_id, o.name AS organization_name, o.suspended_at AS org_suspended_at, o.suspended_until AS org_suspended_until,
		o.deleted_at AS org_deleted_at, u.suspended_at AS owner_suspended_at, u.suspended_until AS owner_suspended_until, u.deleted_at AS owner_deleted_at`
	rowTables = ` FROM keys k JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id LEFT JOIN users u ON u.id = o.personal_user_id`
)
