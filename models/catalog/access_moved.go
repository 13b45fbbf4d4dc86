package catalog

import (
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// movedReason is the reason of access that ended because its app is another organization's now.
const movedReason = "The app was moved to another organization."

// AskAnew ends access in force of an app that moved to an organization, and asks for the same in the name of that one: keys are refused at the API until
// staff approve. A request that waits already takes the scopes on. Nothing is mailed. Faults: Conflict when the access is not in force.
func AskAnew(tx *db.Tx, a actor.Actor, id, organization db.ID) error {
	var old []Access
	err := tx.Raw("UPDATE access SET state = 'ended', reason = ?, suspended_until = NULL, updated_at = ? WHERE id = ? AND state IN ('approved', 'suspended') RETURNING *", movedReason, tx.Now, id).Scan(&old).Error
	if err == nil && len(old) == 0 {
		err = fault.New(fault.Conflict, "This access is not in force.")
	}
	if err != nil {
		return err
	}
	x := old[0]
	record(tx, a, x, organization, audit.AccessEnded, map[string]string{"reason": movedReason})
	change.Record(tx, change.Access, x.AppID)
	change.Record(tx, change.API, x.APIID)
	next, err := one[Access](tx.DB, "SELECT * FROM access WHERE app_id = ? AND api_id = ? AND state = 'requested'", x.AppID, x.APIID)
	if fault.Is(err, fault.NotFound) {
		next = x
		next.ID = db.NewID()
		_, err = tx.Run(`INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, terms_version, terms_agreed_at, terms_agreed_by, requested_by, created_at, updated_at)
			VALUES (?, ?, ?, ?, 'requested', ?, ?, ?, ?, ?, ?, ?)`, next.ID, x.AppID, x.APIID, x.PlanID, x.Purpose, x.TermsVersion, x.TermsAgreedAt, x.TermsAgreedBy, a.UserID.Ref(), tx.Now, tx.Now)
	}
	if err != nil {
		return err
	}
	record(tx, a, next, organization, audit.AccessRequested, map[string]string{"reason": movedReason})
	_, err = tx.Run(`INSERT INTO access_scopes (access_id, scope_id) SELECT x.id, s.id FROM access x, scopes s JOIN access_scopes c ON c.scope_id = s.id
		WHERE x.id = ? AND c.access_id = ? AND s.withdrawn_at IS NULL ON CONFLICT (access_id, scope_id) DO NOTHING`, next.ID, x.ID)
	return err
}

const decidersQuery = "SELECT u.id, u.email, u.language, u.time_zone FROM users u WHERE u.staff_role IN ? AND " + org.SignsIn + " ORDER BY u.created_at, u.id LIMIT 20"

// Deciders are staff who decide about requests and can sign in, at most 20.
func Deciders(tx *db.Tx) ([]org.Recipient, error) {
	roles, err := staffrole.With(tx.DB, permission.StaffRequestsDecide)
	if err != nil {
		return nil, err
	}
	var to []org.Recipient
	err = tx.Raw(decidersQuery, roles, tx.Now).Scan(&to).Error
	return to, err
}
