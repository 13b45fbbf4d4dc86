package catalog

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// decide runs fn on access whose app and organization are there, for staff who may decide.
func (s *Store) decide(ctx context.Context, a actor.Actor, id db.ID, fn func(tx *db.Tx, x AccessRow, api API) error) error {
	if err := org.RequireStaff(a, permission.StaffRequestsDecide); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := lockAppOf(tx, id); err != nil {
			return err
		}
		x, err := one[AccessRow](tx.DB, "SELECT "+accessColumns+accessTables+" WHERE x.id = ? AND a.deleted_at IS NULL AND o.deleted_at IS NULL", id)
		if err != nil {
			return err
		}
		api, err := one[API](tx.DB, "SELECT * FROM apis WHERE id = ?", x.APIID)
		if err != nil {
			return err
		}
		return fn(tx, x, api)
	})
}

// lockAppOf keeps the app of an access where it is until the commit; it comes before what is read of it.
func lockAppOf(tx *db.Tx, access db.ID) error {
	if tx.Home.Dialect != db.Postgres {
		return nil
	}
	return tx.Exec("SELECT 1 FROM apps WHERE id = (SELECT app_id FROM access WHERE id = ?) FOR SHARE", access).Error
}

// Approval is what is granted: scopes out of those requested, on a plan of the API, to whom.
type Approval struct {
	ScopeIDs       []db.ID
	PlanID         db.ID
	OrganizationID db.ID // of whom who decides read that it asks; zero: whoever asks now
}

// Approve grants a request, whole or reduced; the requester is told. Faults: Forbidden, NotFound, Invalid, Conflict when it does not wait any
// more (of two decisions at once one wins), the app was moved to another organization than the one named, or the access in force is suspended.
func (s *Store) Approve(ctx context.Context, a actor.Actor, id db.ID, in Approval) error {
	return s.decide(ctx, a, id, func(tx *db.Tx, x AccessRow, api API) error {
		if x.State != Requested || api.RetiredAt != nil {
			return decided()
		}
		if of := in.OrganizationID; !of.IsZero() && of != x.OrganizationID {
			return fault.New(fault.Conflict, "The app was moved: another organization asks now. See which before you decide.")
		}
		plan, err := planOf(tx, api.ID, in.PlanID)
		if fault.Is(err, fault.NotFound) {
			return fault.BadField("plan", "Choose a plan.")
		}
		if err != nil {
			return err
		}
		scopes, err := scopesOf(tx, api, in.ScopeIDs)
		if err != nil {
			return err
		}
		if err := wasRequested(tx, id, scopes); err != nil {
			return err
		}
		if err := mayAsk(tx, api, x.OrganizationID, scopes); err != nil {
			return err
		}
		if err := grant(tx, x.Access, plan.ID, scopes, a.UserID.Ref()); err != nil {
			return err
		}
		record(tx, a, x.Access, x.OrganizationID, audit.AccessApproved, map[string]string{"api": api.Slug, "plan": plan.Name, "scopes": scopeNames(scopes)})
		return s.tellRequester(tx, x, "access_approved", approvedSubject, approvedLine, "")
	})
}

// wasRequested holds that an approval gives nothing that was not asked for.
func wasRequested(tx *db.Tx, accessID db.ID, scopes []Scope) error {
	for _, scope := range scopes {
		n, err := number(tx.DB, "SELECT COUNT(*) FROM access_scopes WHERE access_id = ? AND scope_id = ?", accessID, scope.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.BadField("scopes", "%s was not requested.", scope.Name)
		}
	}
	return nil
}

// Refuse answers a request with no and the reason; the requester is told. Faults: Forbidden, NotFound, Invalid without a reason, Conflict when it does not
// wait any more.
func (s *Store) Refuse(ctx context.Context, a actor.Actor, id db.ID, reason string) error {
	return s.decide(ctx, a, id, func(tx *db.Tx, x AccessRow, api API) error {
		reason, err := checkReason(reason)
		if err != nil {
			return err
		}
		n, err := tx.Run("UPDATE access SET state = 'refused', reason = ?, decided_by = ?, decided_at = ?, updated_at = ? WHERE id = ? AND state = 'requested'", reason, a.UserID.Ref(), tx.Now, tx.Now, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return decided()
		}
		record(tx, a, x.Access, x.OrganizationID, audit.AccessRefused, map[string]string{"api": api.Slug, "reason": reason})
		return s.tellRequester(tx, x, "access_refused", refusedSubject, refusedLine, reason)
	})
}

func checkReason(reason string) (string, error) {
	var p fault.Problems
	reason = org.CheckText(&p, "reason", apikey.Redact(reason), 500)
	p.Check(reason != "", "reason", "Say why. The organization reads it.")
	return reason, p.Err()
}

// Suspend stops an app's keys at one API, also while the disk is full (REL-8). Suspending again changes reason and end. Faults: Forbidden, NotFound, Invalid, Conflict when the access is not in
// force.
func (s *Store) Suspend(ctx context.Context, a actor.Actor, id db.ID, in org.Suspension) error {
	return s.decide(db.Urgent(ctx), a, id, func(tx *db.Tx, x AccessRow, api API) error {
		if err := in.Check(tx.Now); err != nil {
			return err
		}
		n, err := tx.Run("UPDATE access SET state = 'suspended', reason = ?, suspended_until = ?, updated_at = ? WHERE id = ? AND state IN ('approved', 'suspended')", in.Reason, in.Until, tx.Now, id)
		if err := s.settled(tx, a, x, n, err, audit.AccessSuspended, map[string]string{"api": api.Slug, "reason": in.Reason}); err != nil {
			return err
		}
		return s.tellRequester(tx, x, "access_suspended", suspendedSubject, suspendedLine, in.Reason)
	})
}

// Unsuspend ends a suspension. Faults: Forbidden, NotFound, Conflict when it is not suspended.
func (s *Store) Unsuspend(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.decide(ctx, a, id, func(tx *db.Tx, x AccessRow, api API) error {
		n, err := tx.Run("UPDATE access SET state = 'approved', reason = '', suspended_until = NULL, updated_at = ? WHERE id = ? AND state = 'suspended'", tx.Now, id)
		return s.settled(tx, a, x, n, err, audit.AccessUnsuspended, map[string]string{"api": api.Slug})
	})
}

// End takes access away for good; the app can request it again, which waits for staff whatever the plan. Faults: Forbidden, NotFound, Invalid without a reason, Conflict when it is not in force.
func (s *Store) End(ctx context.Context, a actor.Actor, id db.ID, reason string) error {
	return s.decide(ctx, a, id, func(tx *db.Tx, x AccessRow, api API) error {
		reason, err := checkReason(reason)
		if err != nil {
			return err
		}
		n, err := tx.Run("UPDATE access SET state = 'ended', reason = ?, suspended_until = NULL, decided_by = ?, decided_at = ?, updated_at = ? WHERE id = ? AND state IN ('approved', 'suspended')",
			reason, a.UserID.Ref(), tx.Now, tx.Now, id)
		if err := s.settled(tx, a, x, n, err, audit.AccessEnded, map[string]string{"api": api.Slug, "reason": reason}); err != nil {
			return err
		}
		return s.tellRequester(tx, x, "access_ended", endedSubject, endedLine, reason)
	})
}

// settled ends an act on access in force that touched n rows.
func (s *Store) settled(tx *db.Tx, a actor.Actor, x AccessRow, n int64, err error, act audit.Act, details map[string]string) error {
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "This access is not in force.")
	}
	change.Record(tx, change.Access, x.AppID)
	record(tx, a, x.Access, x.OrganizationID, act, details)
	return nil
}

// ChoosePlan puts access on any plan of its API; its keys stay as they are. Faults: Forbidden, NotFound, Invalid, Conflict when it is not in force.
func (s *Store) ChoosePlan(ctx context.Context, a actor.Actor, id, planID db.ID) error {
	return s.decide(ctx, a, id, func(tx *db.Tx, x AccessRow, api API) error {
		plan, err := planOf(tx, api.ID, planID)
		if fault.Is(err, fault.NotFound) {
			return fault.BadField("plan", "Choose a plan.")
		}
		if err != nil {
			return err
		}
		return setPlan(tx, a, x.Access, x.OrganizationID, plan, "UPDATE access SET plan_id = ?, updated_at = ? WHERE id = ? AND state IN ('approved', 'suspended')")
	})
}
