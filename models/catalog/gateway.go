package catalog

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// GatewayApp is the name of the app whose keys gateways of an organization use.
const GatewayApp = "Gateway"

// Gateway is what a gateway's key is made from: the app, and the scope keys:verify of the portal's own API.
type Gateway struct {
	API           API
	AppID         db.ID
	PortalID      db.ID
	VerifyScopeID db.ID
}

// EnsureGateway sees to it that the publisher of an API has an app "Gateway" with access to keys:verify. Faults: Forbidden, NotFound, Conflict for a retired
// API, for the portal's own, and when that access is suspended.
func (s *Store) EnsureGateway(ctx context.Context, a actor.Actor, apiID db.ID) (Gateway, error) {
	var g Gateway
	err := s.manage(ctx, a, apiID, func(tx *db.Tx, api API) error {
		if api.IsPortal {
			return fault.New(fault.Conflict, "The portal guards its own API. It needs no gateway.")
		}
		g = Gateway{API: api}
		portal, err := one[API](tx.DB, "SELECT * FROM apis WHERE is_portal AND retired_at IS NULL")
		if err != nil {
			return err
		}
		scope, err := one[Scope](tx.DB, "SELECT * FROM scopes WHERE api_id = ? AND name = ? AND withdrawn_at IS NULL", portal.ID, VerifyScope)
		if err != nil {
			return err
		}
		g.PortalID, g.VerifyScopeID = portal.ID, scope.ID
		if g.AppID, err = gatewayApp(tx, a, api.PublisherID); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.APIConnected, TargetKind: "api", TargetID: apiID, OrganizationID: api.PublisherID, Details: map[string]string{"slug": api.Slug}})
		return gatewayAccess(tx, a, g, api.PublisherID, scope)
	})
	return g, err
}

func gatewayApp(tx *db.Tx, a actor.Actor, organizationID db.ID) (db.ID, error) {
	app, err := one[org.App](tx.DB, "SELECT * FROM apps WHERE organization_id = ? AND name = ? AND deleted_at IS NULL ORDER BY created_at, id LIMIT 1", organizationID, GatewayApp)
	if fault.Is(err, fault.NotFound) {
		app, err = org.InsertApp(tx, a, organizationID, org.AppInput{Name: GatewayApp, Description: "The gateways in front of this organization’s APIs: their keys ask whether a caller’s key may pass."})
	}
	return app.ID, err
}

func gatewayAccess(tx *db.Tx, a actor.Actor, g Gateway, organizationID db.ID, scope Scope) error {
	x, err := one[Access](tx.DB, "SELECT * FROM access WHERE app_id = ? AND api_id = ? AND state IN ('approved', 'suspended')", g.AppID, g.PortalID)
	switch {
	case err == nil && x.StateAt(tx.Now) == Suspended:
		return fault.New(fault.Conflict, "The access of the app Gateway to the portal’s own API is suspended.")
	case err == nil:
		change.Record(tx, change.Access, g.AppID)
		return insertScopes(tx, x.ID, []Scope{scope})
	case !fault.Is(err, fault.NotFound):
		return err
	}
	plan, err := one[Plan](tx.DB, "SELECT * FROM plans WHERE api_id = ? AND retired_at IS NULL ORDER BY needs_approval, created_at, id LIMIT 1", g.PortalID)
	if err != nil {
		return err
	}
	x = Access{ID: db.NewID(), AppID: g.AppID, APIID: g.PortalID}
	if _, err := tx.Run(`INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, requested_by, decided_by, decided_at, created_at, updated_at) VALUES (?, ?, ?, ?, 'approved', ?, ?, ?, ?, ?, ?)`,
		x.ID, g.AppID, g.PortalID, plan.ID, "Verification by the organization’s gateways", a.UserID.Ref(), a.UserID.Ref(), tx.Now, tx.Now, tx.Now); err != nil {
		return err
	}
	change.Record(tx, change.Access, g.AppID)
	record(tx, a, x, organizationID, audit.AccessApproved, map[string]string{"api": "portal", "scopes": scope.Name})
	return insertScopes(tx, x.ID, []Scope{scope})
}

// Checked is when a gateway first and last asked about an API. Faults: Forbidden, NotFound.
func (s *Store) Checked(ctx context.Context, a actor.Actor, apiID db.ID) (API, error) {
	d, err := s.ByID(ctx, a, apiID)
	return d.API, err
}
