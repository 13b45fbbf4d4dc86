package key

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// GatewayApp is the name of the app that holds a publisher's gateway keys.
const GatewayApp = "Gateway"

// CreateGatewayKey makes a key with keys:verify, without end, by which a gateway asks about the keys of the API's publisher. It belongs to the
// publisher's app "Gateway", which is made with its access to the portal's own API when it is absent. token is of
// NewFormToken(a, GatewayPurpose(apiID)); its repeat gives the key with Again set and no secret. Faults: Forbidden without
// staff:apis:manage, NotFound for an unknown API, Invalid (token), Conflict when the portal's own API can't be used.
func (s *Store) CreateGatewayKey(ctx context.Context, a actor.Actor, apiID db.ID, token string) (Made, error) {
	if !mayStaff(a, permission.StaffAPIsManage) {
		return Made{}, fault.Lacking(string(permission.StaffAPIsManage), "")
	}
	return s.make(ctx, a, GatewayPurpose(apiID), token, func(tx *db.Tx, _ db.ID) (newKey, error) {
		var apis []struct {
			ID, PublisherID db.ID
			Name, Slug      string
		}
		if err := tx.Raw("SELECT id, publisher_id, name, slug FROM apis WHERE id = ?", apiID).Scan(&apis).Error; err != nil {
			return newKey{}, err
		}
		if len(apis) == 0 {
			return newKey{}, fault.Missing()
		}
		app, err := gatewayApp(tx, a, apis[0].PublisherID)
		if err != nil {
			return newKey{}, err
		}
		scope, err := gatewayAccess(tx, a, app)
		if err != nil {
			return newKey{}, err
		}
		audit.Record(tx, a, audit.Event{Act: audit.APIConnected, TargetKind: "api", TargetID: apiID, OrganizationID: apis[0].PublisherID, Details: map[string]string{"api": apis[0].Slug}})
		return newKey{app: app, environment: "live", name: GatewayKeyName(apis[0].Name), scopes: []Choice{scope}}, nil
	})
}

// GatewayKeyName is the name that CreateGatewayKey gives to a key for the API of a name.
func GatewayKeyName(api string) string { return cut("Gateway for "+api, MaxName) }

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// gatewayApp finds the publisher's app of that name, or makes it. The organization's row is locked, so that two callers make one.
func gatewayApp(tx *db.Tx, a actor.Actor, publisher db.ID) (appRow, error) {
	if tx.Home.Dialect == db.Postgres {
		if err := tx.Exec("SELECT 1 FROM organizations WHERE id = ? FOR UPDATE", publisher).Error; err != nil {
			return appRow{}, err
		}
	}
	app := appRow{Name: GatewayApp, OrganizationID: publisher}
	var found []db.ID
	err := tx.Raw("SELECT id FROM apps WHERE organization_id = ? AND name = ? AND deleted_at IS NULL ORDER BY created_at, id LIMIT 1", publisher, GatewayApp).Scan(&found).Error
	if err != nil {
		return appRow{}, err
	}
	if len(found) == 1 {
		app.ID = found[0]
		return app, nil
	}
	app.ID = db.NewID()
	audit.Record(tx, a, audit.Event{Act: audit.AppCreated, TargetKind: "app", TargetID: app.ID, OrganizationID: publisher, Details: map[string]string{"name": GatewayApp}})
	change.Record(tx, change.App, app.ID)
	_, err = tx.Run("INSERT INTO apps (id, organization_id, name, description, created_by, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		app.ID, publisher, GatewayApp, "Holds the keys by which gateways ask about API keys.", a.UserID.Ref(), tx.Now, tx.Now)
	return app, err
}

// gatewayAccess gives the app access to the portal's own API with keys:verify, where it does not have it yet.
func gatewayAccess(tx *db.Tx, a actor.Actor, app appRow) (Choice, error) {
	var scopes []Choice
	err := tx.Raw(`SELECT p.id AS api_id, p.slug AS api, p.name AS api_name, p.is_portal, s.id AS scope_id, s.name AS scope FROM apis p JOIN scopes s ON s.api_id = p.id
		WHERE p.is_portal AND p.retired_at IS NULL AND s.name = ? AND s.withdrawn_at IS NULL`, VerifyScope).Scan(&scopes).Error
	if err != nil {
		return Choice{}, err
	}
	if len(scopes) == 0 {
		return Choice{}, fault.New(fault.Conflict, "The portal’s own API is not in the catalogue, so no gateway can ask it.")
	}
	c := scopes[0]
	access, err := portalAccess(tx, a, app, c)
	if err != nil {
		return Choice{}, err
	}
	n, err := tx.Run("INSERT INTO access_scopes (access_id, scope_id) VALUES (?, ?) ON CONFLICT (access_id, scope_id) DO NOTHING", access, c.ScopeID)
	if n == 1 {
		change.Record(tx, change.Access, app.ID)
	}
	return c, err
}

func portalAccess(tx *db.Tx, a actor.Actor, app appRow, c Choice) (db.ID, error) {
	var found []struct {
		ID    db.ID
		State string
	}
	err := tx.Raw("SELECT id, state FROM access WHERE app_id = ? AND api_id = ? AND state IN ('approved', 'suspended')", app.ID, c.APIID).Scan(&found).Error
	if err != nil {
		return db.ID{}, err
	}
	if len(found) == 1 && found[0].State == "suspended" {
		return db.ID{}, fault.New(fault.Conflict, "The gateway app’s access to the portal’s own API is suspended. Lift that first.")
	}
	if len(found) == 1 {
		return found[0].ID, nil
	}
	var plans []db.ID
	if err := tx.Raw("SELECT id FROM plans WHERE api_id = ? AND retired_at IS NULL ORDER BY needs_approval, created_at, id LIMIT 1", c.APIID).Scan(&plans).Error; err != nil {
		return db.ID{}, err
	}
	if len(plans) == 0 {
		return db.ID{}, fault.New(fault.Conflict, "The portal’s own API has no plan. Add one first.")
	}
	id := db.NewID()
	_, err = tx.Run(`INSERT INTO access (id, app_id, api_id, plan_id, state, purpose, requested_by, decided_by, decided_at, created_at, updated_at)
		VALUES (?, ?, ?, ?, 'approved', ?, ?, ?, ?, ?, ?)`, id, app.ID, c.APIID, plans[0], "Verify the keys that callers present", a.UserID.Ref(), a.UserID.Ref(), tx.Now, tx.Now, tx.Now)
	audit.Record(tx, a, audit.Event{
		Act: audit.AccessApproved, TargetKind: "access", TargetID: id, OrganizationID: app.OrganizationID,
		Details: map[string]string{"app": app.ID.Show("app"), "api": c.API, "scopes": VerifyScope},
	})
	return id, err
}
