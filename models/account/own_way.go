package account

import (
	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// ownWay is true of users u, owners of an organization, who get in also when a provider can't let them in: whom no domain binds, and who have a second factor and a
// password, or a passkey.
const ownWay = `u.deleted_at IS NULL AND u.suspended_at IS NULL AND u.email_verified_at IS NOT NULL
	AND (NOT EXISTS (SELECT 1 FROM domains d WHERE d.proven_at IS NOT NULL AND d.provider <> '' AND u.email LIKE '%@' || d.name)
		OR EXISTS (SELECT 1 FROM factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL AND (f.kind = 'passkey' OR COALESCE(u.password_sealed, '') <> '')))`

// OwnWays counts the owners of an organization, but one (zero: all count), who get in also when the provider of a domain can't let them in.
func OwnWays(q *gorm.DB, organizationID, but db.ID) (n int64, err error) {
	err = q.Raw("SELECT COUNT(*) FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ? AND m.role = ? AND m.user_id <> ? AND "+ownWay,
		organizationID, permission.Owner, but).Scan(&n).Error
	return n, err
}

// WayStays refuses to let an owner go or step down who alone gets in also when the provider can't let in the people of the organization's domain. The caller holds the
// organization's row. Faults: Conflict.
func WayStays(tx *db.Tx, organizationID, leaving db.ID) error {
	if bound, err := bindsPeople(tx.DB, organizationID); err != nil || !bound {
		return err
	}
	others, err := OwnWays(tx.DB, organizationID, leaving)
	if err != nil || others > 0 {
		return err
	}
	all, err := OwnWays(tx.DB, organizationID, db.ID{})
	if err == nil && all > 0 {
		err = fault.New(fault.Conflict, "No other owner could get in while the provider of your domain is away. Another owner has to add a second factor first, or the domain’s rule for signing in has to end.")
	}
	return err
}

func bindsPeople(q *gorm.DB, organizationID db.ID) (bool, error) {
	var n int64
	err := q.Raw("SELECT COUNT(*) FROM domains WHERE organization_id = ? AND proven_at IS NOT NULL AND provider <> ''", organizationID).Scan(&n).Error
	return n > 0, err
}

// KeepWays runs a change of a user's own ways into their account, such as the end of a second factor, and refuses it where it takes the last way in that an owner of an
// organization has when its provider is away. The sessions that the rule of the user's domain would not let begin any more end with it. Faults: Conflict, and the change's.
func KeepWays(tx *db.Tx, userID db.ID, act func() error) error {
	var owned []db.ID
	query := "SELECT o.id FROM organizations o WHERE o.deleted_at IS NULL AND o.id IN (SELECT m.organization_id FROM members m WHERE m.user_id = ? AND m.role = ?) ORDER BY o.id"
	if tx.Home.Dialect == db.Postgres { // of two owners who do it at once one keeps theirs; SQLite has one writer at a time
		query += " FOR UPDATE"
	}
	if err := tx.Raw(query, userID, permission.Owner).Scan(&owned).Error; err != nil {
		return err
	}
	var held []db.ID // those that have such an owner
	for _, id := range owned {
		bound, err := bindsPeople(tx.DB, id)
		if err != nil {
			return err
		}
		n, err := OwnWays(tx.DB, id, db.ID{})
		if err != nil {
			return err
		}
		if bound && n > 0 {
			held = append(held, id)
		}
	}
	if err := act(); err != nil {
		return err
	}
	for _, id := range held {
		if n, err := OwnWays(tx.DB, id, db.ID{}); err != nil {
			return err
		} else if n == 0 {
			return fault.New(fault.Conflict, "You are the only owner of an organization who could get in while the provider of its domain is away. Add another factor first, or have another owner add one.")
		}
	}
	return EndUnspared(tx, userID)
}

// EndUnspared ends the sessions of a user that the rule of their domain would not let begin now, as part of the transaction that takes away what spared them: of who is
// neither an owner with a second factor any more nor an admin of the portal with one, all that began by another means than a provider (S4).
func EndUnspared(tx *db.Tx, userID db.ID) error {
	n, err := tx.Run(`DELETE FROM sessions WHERE user_id = ? AND means <> ? AND EXISTS (SELECT 1 FROM users u JOIN domains d ON u.email LIKE '%@' || d.name
		JOIN organizations o ON o.id = d.organization_id AND o.deleted_at IS NULL
		WHERE u.id = sessions.user_id AND d.proven_at IS NOT NULL AND d.provider <> '' AND d.provider_away_at IS NULL
		AND NOT (EXISTS (SELECT 1 FROM factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL)
			AND (u.staff_role = ? OR EXISTS (SELECT 1 FROM members m WHERE m.user_id = u.id AND m.organization_id = d.organization_id AND m.role = ?))))`,
		userID, ByProvider, permission.StaffAdmin, permission.Owner)
	if err == nil && n > 0 {
		change.Record(tx, change.Session, userID)
	}
	return err
}
