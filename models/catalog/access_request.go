package catalog

import (
	"context"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// VerifyScope is the portal's scope by which gateways ask about keys. Only organizations that publish an API have it.
const VerifyScope = "keys:verify"

// RequestInput is what a developer asks for.
type RequestInput struct {
	AppID       db.ID
	PlanID      db.ID
	ScopeIDs    []db.ID
	Purpose     string // may be empty where the request is granted at once
	AgreesTerms bool
}

// Request asks for access of an app to the API of that slug. A plan without approval grants at once, unless a scope is sensitive that the app does not have
// yet, or staff ended the app's access before; else it waits for staff. On top of access in force it widens that. Faults: NotFound for an API or app that the actor can't see, Forbidden
// below admin, Invalid, Conflict when a request waits already or the access is suspended.
func (s *Store) Request(ctx context.Context, a actor.Actor, slug string, in RequestInput) (Access, error) {
	var x Access
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		api, err := one[API](tx.DB, "SELECT x.* FROM apis x WHERE x.slug = ? AND "+Shown, append([]any{slug}, VisibleArgs(a)...)...)
		if err != nil {
			return err
		}
		if in.AppID.IsZero() {
			_, err := s.checkRequest(tx, api, db.ID{}, &in)
			return firstOf(fault.BadField("app", "Choose an app."), err)
		}
		app, o, err := appFor(tx, a, in.AppID)
		if err != nil {
			return err
		}
		asked, err := s.checkRequest(tx, api, o.ID, &in)
		if err != nil {
			return err
		}
		if x, err = insertRequest(tx, a, api, in, asked.scopes); err != nil {
			return err
		}
		record(tx, a, x, o.ID, audit.AccessRequested, map[string]string{"api": api.Slug, "plan": asked.plan.Name, "scopes": scopeNames(asked.scopes)})
		if asked.waits {
			return s.tellStaff(tx, x, app, o, api)
		}
		x.State = Approved
		record(tx, a, x, o.ID, audit.AccessApproved, map[string]string{"api": api.Slug, "plan": asked.plan.Name, "scopes": scopeNames(asked.scopes), "by": "plan without approval"})
		return grant(tx, x, asked.plan.ID, asked.scopes, nil)
	})
	return x, err
}

type asked struct {
	plan   Plan
	scopes []Scope
	waits  bool
}

// checkRequest tells all that is wrong with a request, and whether it has to wait. A zero organization leaves out what depends on it.
func (s *Store) checkRequest(tx *db.Tx, api API, organizationID db.ID, in *RequestInput) (asked, error) {
	var p fault.Problems
	in.Purpose = org.CheckText(&p, "purpose", in.Purpose, 1000)
	p.Check(api.Terms == "" || in.AgreesTerms, "terms", "Agree to the terms to go on.")
	plan, err := planOf(tx, api.ID, in.PlanID)
	if fault.Is(err, fault.NotFound) {
		p.Add("plan", "Choose a plan.")
	} else if err != nil {
		return asked{}, err
	}
	scopes, err := scopesOf(tx, api, in.ScopeIDs)
	if err != nil || organizationID.IsZero() {
		return asked{}, firstOf(p.Err(), err)
	}
	if err := mayAsk(tx, api, organizationID, scopes); err != nil {
		return asked{}, firstOf(p.Err(), err)
	}
	out, err := weigh(tx, api, in.AppID, plan, scopes)
	if err != nil {
		return asked{}, firstOf(p.Err(), err)
	}
	p.Check(in.Purpose != "" || !out.waits, "purpose", "Say what the app does with it.")
	return out, p.Err()
}

// weigh tells whether somebody has to decide.
func weigh(tx *db.Tx, api API, appID db.ID, plan Plan, scopes []Scope) (asked, error) {
	held, err := heldScopes(tx, appID, api.ID)
	if err != nil {
		return asked{}, err
	}
	ended, err := endedByStaff(tx, appID, api.ID)
	if err != nil {
		return asked{}, err
	}
	out := asked{plan: plan, scopes: scopes, waits: plan.NeedsApproval || ended}
	for _, scope := range scopes {
		out.waits = out.waits || scope.Sensitive && !slices.Contains(held, scope.ID)
	}
	return out, nil
}

// scopesOf reads the named scopes of the API. Faults: Invalid when one is not of it or none is named; the portal's own API can be used with none.
func scopesOf(tx *db.Tx, api API, ids []db.ID) ([]Scope, error) {
	if len(ids) == 0 {
		if api.IsPortal {
			return nil, nil
		}
		return nil, fault.BadField("scopes", "Choose at least one scope.")
	}
	if len(ids) > 500 {
		return nil, fault.BadField("scopes", "Choose scopes of this API.")
	}
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b db.ID) int { return slices.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	var scopes []Scope
	if err := tx.Raw("SELECT * FROM scopes WHERE api_id = ? AND id IN ? AND withdrawn_at IS NULL ORDER BY name", api.ID, ids).Scan(&scopes).Error; err != nil {
		return nil, err
	}
	if len(scopes) != len(ids) {
		return nil, fault.BadField("scopes", "Choose scopes of this API.")
	}
	return scopes, nil
}

// mayAsk holds who may have what: an API for invited organizations is for those and its publisher, and keys:verify for publishers.
func mayAsk(tx *db.Tx, api API, organizationID db.ID, scopes []Scope) error {
	if api.Visibility == Invited && api.PublisherID != organizationID {
		n, err := number(tx.DB, "SELECT COUNT(*) FROM api_organizations WHERE api_id = ? AND organization_id = ?", api.ID, organizationID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.BadField("app", "This API is for invited organizations, and this app’s organization is not one of them.")
		}
	}
	for _, scope := range scopes {
		if !api.IsPortal || scope.Name != VerifyScope {
			continue
		}
		n, err := number(tx.DB, "SELECT COUNT(*) FROM apis WHERE publisher_id = ? AND retired_at IS NULL", organizationID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.BadField("scopes", "%s is for organizations that publish an API.", VerifyScope)
		}
	}
	return nil
}

func heldScopes(tx *db.Tx, appID, apiID db.ID) ([]db.ID, error) {
	inForce, err := one[Access](tx.DB, "SELECT * FROM access WHERE app_id = ? AND api_id = ? AND state IN ('approved', 'suspended')", appID, apiID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if inForce.StateAt(tx.Now) == Suspended {
		return nil, fault.New(fault.Conflict, "This access is suspended. While that lasts it can’t be widened.")
	}
	var scopes []Scope
	err = tx.Raw("SELECT s.* FROM access_scopes c JOIN scopes s ON s.id = c.scope_id WHERE c.access_id = ?", inForce.ID).Scan(&scopes).Error
	ids := make([]db.ID, len(scopes))
	for i, scope := range scopes {
		ids[i] = scope.ID
	}
	return ids, err
}

// endedByStaff reports whether staff took the app's access away and have granted none since. What a wider access took the place of is ended too, but
// then that one is in force. Keys that the app still holds work again with new access, so no plan may give it back by itself.
func endedByStaff(tx *db.Tx, appID, apiID db.ID) (bool, error) {
	n, err := number(tx.DB, `SELECT COUNT(*) FROM access x WHERE x.app_id = ? AND x.api_id = ? AND x.state = 'ended' AND NOT EXISTS
		(SELECT 1 FROM access y WHERE y.app_id = x.app_id AND y.api_id = x.api_id AND y.state IN ('approved', 'suspended'))`, appID, apiID)
	return n > 0, err
}

func insertRequest(tx *db.Tx, a actor.Actor, api API, in RequestInput, scopes []Scope) (Access, error) {
	x := Access{ID: db.NewID(), AppID: in.AppID, APIID: api.ID, PlanID: in.PlanID, State: Requested, Purpose: in.Purpose, RequestedBy: a.UserID.Ref(), CreatedAt: tx.Now, UpdatedAt: tx.Now}
	if api.Terms != "" {
		x.TermsVersion, x.TermsAgreedAt, x.TermsAgreedBy = api.TermsVersion, &tx.Now, a.UserID.Ref()
	}
	_, err := tx.Run(`INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, terms_version, terms_agreed_at, terms_agreed_by, requested_by, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, x.ID, x.AppID, x.APIID, x.PlanID, x.State, x.Purpose, x.TermsVersion, x.TermsAgreedAt, x.TermsAgreedBy, x.RequestedBy, tx.Now, tx.Now)
	if db.Duplicate(err) {
		return x, fault.New(fault.Conflict, "A request of this app for this API waits already. Withdraw it to ask for something else.")
	}
	if err != nil {
		return x, err
	}
	return x, insertScopes(tx, x.ID, scopes)
}

func insertScopes(tx *db.Tx, accessID db.ID, scopes []Scope) error {
	for _, scope := range scopes {
		if _, err := tx.Run("INSERT INTO access_scopes (access_id, scope_id) VALUES (?, ?) ON CONFLICT (access_id, scope_id) DO NOTHING", accessID, scope.ID); err != nil {
			return err
		}
	}
	return nil
}

func scopeNames(scopes []Scope) string {
	out := ""
	for i, scope := range scopes {
		if i > 0 {
			out += " "
		}
		out += scope.Name
	}
	return out
}

// record writes the audit event of an act on access.
func record(tx *db.Tx, a actor.Actor, x Access, organizationID db.ID, act audit.Act, details map[string]string) {
	audit.Record(tx, a, audit.Event{Act: act, TargetKind: "access", TargetID: x.ID, OrganizationID: organizationID, Details: details})
}

// grant makes a waiting request the access in force, with the scopes given and those of the access that it takes the place of. Faults: Conflict when the
// request does not wait any more: of two decisions at once, one wins.
func grant(tx *db.Tx, x Access, planID db.ID, scopes []Scope, decidedBy *db.ID) error {
	if _, err := heldScopes(tx, x.AppID, x.APIID); err != nil { // suspended
		return err
	}
	var old []Access
	if err := tx.Raw("UPDATE access SET state = 'ended', reason = 'widened', suspended_until = NULL, updated_at = ? WHERE app_id = ? AND api_id = ? AND state IN ('approved', 'suspended') RETURNING *",
		tx.Now, x.AppID, x.APIID).Scan(&old).Error; err != nil {
		return err
	}
	n, err := tx.Run("UPDATE access SET state = 'approved', plan_id = ?, decided_by = ?, decided_at = ?, updated_at = ? WHERE id = ? AND state = 'requested'", planID, decidedBy, tx.Now, tx.Now, x.ID)
	if err != nil {
		return err
	}
	if n == 0 {
		return decided()
	}
	if _, err := tx.Run("DELETE FROM access_scopes WHERE access_id = ?", x.ID); err != nil {
		return err
	}
	if err := insertScopes(tx, x.ID, scopes); err != nil {
		return err
	}
	for _, o := range old {
		if _, err := tx.Run(`INSERT INTO access_scopes (access_id, scope_id) SELECT x.id, s.id FROM access x, scopes s JOIN access_scopes c ON c.scope_id = s.id
			WHERE x.id = ? AND c.access_id = ? AND s.withdrawn_at IS NULL ON CONFLICT (access_id, scope_id) DO NOTHING`, x.ID, o.ID); err != nil {
			return err
		}
	}
	change.Record(tx, change.Access, x.AppID)
	change.Record(tx, change.API, x.APIID)
	return nil
}

func decided() error {
	return fault.New(fault.Conflict, "This request does not wait any more: somebody decided or withdrew it meanwhile.")
}

// Withdraw takes a waiting request back. Faults: NotFound, Forbidden below admin, Conflict when it does not wait any more.
func (s *Store) Withdraw(ctx context.Context, a actor.Actor, id db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		x, app, err := ownAccess(tx, a, id)
		if err != nil {
			return err
		}
		if err := tx.Unchanged(x.UpdatedAt); err != nil {
			return err
		}
		n, err := tx.Run("UPDATE access SET state = 'withdrawn', updated_at = ? WHERE id = ? AND state = 'requested'", tx.Now, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return decided()
		}
		record(tx, a, x, app.OrganizationID, audit.AccessWithdrawn, nil)
		return nil
	})
}

// ownAccess reads access of an app of the actor's that they may manage. Faults: NotFound, Forbidden.
func ownAccess(tx *db.Tx, a actor.Actor, id db.ID) (Access, org.App, error) {
	x, err := one[Access](tx.DB, "SELECT * FROM access WHERE id = ?", id)
	if err != nil {
		return x, org.App{}, err
	}
	app, _, err := org.AppFor(tx.DB, a, x.AppID, permission.AccessRequest)
	return x, app, err
}

// ChooseOwnPlan puts access on another plan that needs no approval; its keys stay as they are. Faults: NotFound, Forbidden below admin, Invalid for a plan
// that needs approval, Conflict when the access is not in force.
func (s *Store) ChooseOwnPlan(ctx context.Context, a actor.Actor, id, planID db.ID) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		x, app, err := ownAccess(tx, a, id)
		if err != nil {
			return err
		}
		plan, err := planOf(tx, x.APIID, planID)
		if fault.Is(err, fault.NotFound) || err == nil && plan.NeedsApproval {
			return fault.BadField("plan", "Choose a plan that needs no approval. For another one, request access again.")
		}
		if err != nil {
			return err
		}
		return setPlan(tx, a, x, app.OrganizationID, plan, "UPDATE access SET plan_id = ?, updated_at = ? WHERE id = ? AND state = 'approved'")
	})
}

func setPlan(tx *db.Tx, a actor.Actor, x Access, organizationID db.ID, plan Plan, update string) error {
	n, err := tx.Run(update, plan.ID, tx.Now, x.ID)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "This access is not in force.")
	}
	change.Record(tx, change.Access, x.AppID)
	record(tx, a, x, organizationID, audit.AccessPlanChanged, map[string]string{"plan": plan.Name})
	return nil
}
