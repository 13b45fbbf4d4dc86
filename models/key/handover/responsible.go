package handover

import (
	"context"

	"gorm.io/gorm"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// UserPrefix is how the id of a person is shown.
const UserPrefix = "user"

// Person is a member who may answer for keys: a developer, admin or owner of the organization.
type Person struct {
	ID   db.ID
	Name string
}

const able = `SELECT u.id, u.name FROM apps a JOIN members m ON m.organization_id = a.organization_id JOIN users u ON u.id = m.user_id
	WHERE a.id = ? AND u.deleted_at IS NULL AND m.role IN ? AND ` + actor.MemberReaches

// People lists who may answer for the keys of an app, by name. Who may ask is the caller's to check.
func (s *Store) People(ctx context.Context, appID db.ID) ([]Person, error) {
	var rows []Person
	err := s.db.Read(ctx).Raw(able+" ORDER BY LOWER(u.name), u.id LIMIT 500", appID, permission.OrgRoles(permission.KeysMake)).Scan(&rows).Error
	return rows, err
}

// Confirm says that a key stays, and that the person answers for it from now on (K6): they manage it, and are told of its end. It is for admins of the
// organization. Faults: NotFound, Forbidden, Conflict for a key that is over, Invalid (responsible) for who is no member that may make keys.
func (s *Store) Confirm(ctx context.Context, a actor.Actor, keyID, userID db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		r, err := key.ManagedTx(tx, a, keyID)
		if err != nil {
			return err
		}
		if !a.Trusted() && !permission.Org(r.Role, permission.KeysManageAll) {
			return fault.Lacking(string(permission.KeysManageAll), r.OrganizationID.Show(org.Prefix))
		}
		if !r.Living(tx.Now) {
			return fault.New(fault.Conflict, "This key is over. Nobody needs to answer for it.")
		}
		ok, err := mayAnswer(tx.DB, r.AppID, userID)
		if err != nil {
			return err
		}
		if !ok {
			return fault.BadField("responsible", "Choose a member of the organization who may make keys.")
		}
		audit.Record(tx, a, audit.Event{
			Act: audit.KeyConfirmed, TargetKind: "key", TargetID: keyID, OrganizationID: r.OrganizationID,
			Details: map[string]string{"hint": r.Hint(), "name": r.Name, "responsible": userID.Show(UserPrefix)},
		})
		_, err = tx.Run("UPDATE keys SET responsible_id = ?, confirmed_at = ?, updated_at = ? WHERE id = ?", userID, tx.Now, tx.Now, keyID)
		return err
	})
}

func mayAnswer(g *gorm.DB, appID, userID db.ID) (bool, error) {
	var found []Person
	err := g.Raw(able+" AND u.id = ?", appID, permission.OrgRoles(permission.KeysMake), userID).Scan(&found).Error
	return len(found) > 0, err
}
