package catalog

import (
	"context"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/openapi"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// portalScopes are the scopes of the portal's own API, each with what it allows. A scope is published with its first operation.
var portalScopes = []struct{ name, sentence string }{
	{VerifyScope, verifySentence},
	{"apps:read", "See the apps of your organization"},
	{"apps:write", "Create, change and delete apps of your organization"},
	{"keys:read", "See the keys of your organization, without their secrets"},
	{"keys:write", "Create, rotate, change, pause and revoke keys of your organization"},
	{"access:read", "See which APIs your apps may use, and what they asked for"},
	{"access:write", "Request access to APIs for your apps, and withdraw requests"},
	{"usage:read", "See how the keys of your organization are used"},
	{"policies:read", "See what the portal asks of keys"},
	{"leaks:read", "See where keys of your organization were found"},
	{"audit:read", "See who did what in your organization"},
}

// UpgradePortal brings scopes, route rules and document of the portal's own API to what this program has. It does nothing when that is so, or the API is not
// there yet. What an admin withdrew stays withdrawn; a route rule that was changed is set back, since it is part of the program.
func (s *Store) UpgradePortal(ctx context.Context) error {
	doc, err := openapi.Portal()
	if err != nil {
		return err
	}
	var kept []struct{ Document string }
	q := "SELECT COALESCE(v.openapi_document, '') AS document FROM apis x JOIN api_versions v ON v.api_id = x.id WHERE x.is_portal AND v.name = 'v1'"
	if err := s.db.Read(ctx).Raw(q).Scan(&kept).Error; err != nil || len(kept) == 0 || kept[0].Document == string(doc.JSON) {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		api, err := one[API](tx.DB, "SELECT * FROM apis WHERE is_portal")
		if err != nil {
			return err
		}
		return s.equipPortal(tx, actor.ForSystem(), api, doc)
	})
}

// equipPortal writes what the document says: scopes of operations that there are, route rules, and the document itself.
func (s *Store) equipPortal(tx *db.Tx, a actor.Actor, api API, doc *openapi.Document) error {
	if err := addPortalScopes(tx, a, api, doc); err != nil {
		return err
	}
	for _, o := range doc.Operations {
		if o.Scope == "" {
			continue
		}
		scope, err := one[Scope](tx.DB, "SELECT * FROM scopes WHERE api_id = ? AND name = ?", api.ID, o.Scope)
		if err != nil {
			return err
		}
		_, err = tx.Run(`INSERT INTO route_rules (id, api_id, method, path_template, scope_id, created_at) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (api_id, method, path_template) DO UPDATE SET scope_id = excluded.scope_id`, db.NewID(), api.ID, o.Method, o.Path, scope.ID, tx.Now)
		if err != nil {
			return err
		}
	}
	change.Record(tx, change.API, api.ID)
	audit.Record(tx, a, audit.Event{Act: audit.APIChanged, TargetKind: "api", TargetID: api.ID, OrganizationID: api.PublisherID, Details: map[string]string{"slug": api.Slug, "document": strings.Trim(doc.ETag, `"`)}})
	_, err := tx.Run("UPDATE api_versions SET openapi_document = ?, updated_at = ? WHERE api_id = ? AND name = 'v1'", string(doc.JSON), tx.Now, api.ID)
	return err
}

func addPortalScopes(tx *db.Tx, a actor.Actor, api API, doc *openapi.Document) error {
	for _, scope := range portalScopes {
		if !slices.ContainsFunc(doc.Operations, func(o openapi.Operation) bool { return o.Scope == scope.name }) {
			continue
		}
		n, err := tx.Run("INSERT INTO scopes (id, api_id, name, sentence, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (api_id, name) DO NOTHING", db.NewID(), api.ID, scope.name, scope.sentence, tx.Now)
		if err != nil {
			return err
		}
		if n == 1 {
			audit.Record(tx, a, audit.Event{Act: audit.ScopeAdded, TargetKind: "api", TargetID: api.ID, OrganizationID: api.PublisherID, Details: map[string]string{"scope": scope.name}})
		}
	}
	return nil
}
