package catalog

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/openapi"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// Hit is a key that may work now and that a withdrawal or retirement touches.
type Hit struct {
	ID               db.ID
	Name             string
	Prefix           string
	LastFour         string
	AppName          string
	OrganizationName string
	Calls            int64 // at the API, in the last 24 hours
}

// Hits is whom something touches: how many keys, their calls, and the first hundred, who calls most first.
type Hits struct {
	Keys  int64
	Calls int64
	First []Hit `gorm:"-"`
}

const hitTables = ` FROM keys k JOIN apps a ON a.id = k.app_id JOIN organizations o ON o.id = a.organization_id
	WHERE a.deleted_at IS NULL AND o.deleted_at IS NULL AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?) AND (k.overlap_ends_at IS NULL OR k.overlap_ends_at > ?) AND `

const hitCalls = `(SELECT CAST(COALESCE(SUM(h.calls), 0) AS bigint) FROM usage_series u JOIN usage_hours h ON h.series_id = u.id WHERE u.key_id = k.id AND u.api_id = ? AND h.at >= ?)`

// Which keys each withdrawal touches.
const (
	byScope = "EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = k.id AND g.scope_id = ?)"
	byAPI   = "EXISTS (SELECT 1 FROM key_grants g WHERE g.key_id = k.id AND g.api_id = ?)"
	byPlan  = `EXISTS (SELECT 1 FROM access x JOIN key_grants g ON g.api_id = x.api_id WHERE g.key_id = k.id AND x.app_id = k.app_id AND x.plan_id = ? AND x.state IN ('approved', 'suspended'))`
)

// ScopeHits, PlanHits and APIHits tell which keys the withdrawal of a scope, and the retirement of a plan or of an API or one of its versions, touches. Faults:
// Forbidden.
func (s *Store) ScopeHits(ctx context.Context, a actor.Actor, apiID, scopeID db.ID) (Hits, error) {
	return s.hits(ctx, a, apiID, byScope, scopeID)
}

// PlanHits is described at ScopeHits.
func (s *Store) PlanHits(ctx context.Context, a actor.Actor, apiID, planID db.ID) (Hits, error) {
	return s.hits(ctx, a, apiID, byPlan, planID)
}

// APIHits is described at ScopeHits.
func (s *Store) APIHits(ctx context.Context, a actor.Actor, apiID db.ID) (Hits, error) {
	return s.hits(ctx, a, apiID, byAPI, apiID)
}

func (s *Store) hits(ctx context.Context, a actor.Actor, apiID db.ID, which string, id db.ID) (Hits, error) {
	if err := org.RequireStaff(a, permission.StaffAPIsRead); err != nil {
		return Hits{}, err
	}
	var out Hits
	now := s.db.Now()
	day := now.Add(-24 * time.Hour).Truncate(time.Hour)
	q := s.db.Read(ctx)
	if err := q.Raw("SELECT COUNT(*) AS keys, CAST(COALESCE(SUM(t.calls), 0) AS bigint) AS calls FROM (SELECT "+hitCalls+" AS calls"+hitTables+which+") t", apiID, day, now, now, id).Scan(&out).Error; err != nil {
		return out, err
	}
	err := q.Raw("SELECT k.id, k.name, k.prefix, k.last_four, a.name AS app_name, o.name AS organization_name, "+hitCalls+" AS calls"+hitTables+which+" ORDER BY 7 DESC, k.id LIMIT 100",
		apiID, day, now, now, id).Scan(&out.First).Error
	return out, err
}

// Retire ends an API for ever: its versions are retired, all access to it ends, requests for it are refused, and it leaves the catalogue. typedName must be
// its name. Faults: Forbidden, NotFound, Invalid, Conflict for one that is retired and for the portal's own.
func (s *Store) Retire(ctx context.Context, a actor.Actor, id db.ID, typedName string) error {
	return s.manage(ctx, a, id, func(tx *db.Tx, api API) error {
		if api.IsPortal {
			return fault.New(fault.Conflict, "This is the portal’s own API. It can’t be retired.")
		}
		if typedName != api.Name {
			return fault.BadField("confirm", "Type the name exactly: %s", api.Name)
		}
		if err := recordAppsOf(tx, "SELECT DISTINCT app_id FROM access WHERE api_id = ? AND state IN ('approved', 'suspended')", id); err != nil {
			return err
		}
		for _, update := range []string{
			"UPDATE access SET state = 'ended', reason = 'API retired', suspended_until = NULL, updated_at = ? WHERE api_id = ? AND state IN ('approved', 'suspended')",
			"UPDATE access SET state = 'refused', reason = 'API retired', updated_at = ? WHERE api_id = ? AND state = 'requested'",
			"UPDATE api_versions SET state = 'retired', updated_at = ? WHERE api_id = ?",
		} {
			if _, err := tx.Run(update, tx.Now, id); err != nil {
				return err
			}
		}
		audit.Record(tx, a, audit.Event{Act: audit.APIRetired, TargetKind: "api", TargetID: id, OrganizationID: api.PublisherID, Details: map[string]string{"slug": api.Slug}})
		_, err := tx.Run("UPDATE apis SET retired_at = ?, report_only_until = NULL, report_only_live_until = NULL, report_only_test_until = NULL, updated_at = ? WHERE id = ?", tx.Now, tx.Now, id)
		return err
	})
}

// SeedPortal puts the portal's own API into the catalogue, published by the company's organization. It does nothing when it is there already.
func (s *Store) SeedPortal(tx *db.Tx, a actor.Actor, publisherID db.ID) error {
	api := API{ID: db.NewID(), Slug: "portal", Name: "Portal API", PublisherID: publisherID}
	n, err := tx.Run(`INSERT INTO apis (id, slug, name, publisher_id, summary, description, visibility, is_portal, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (slug) DO NOTHING`,
		api.ID, api.Slug, api.Name, publisherID, portalSummary, portalDescription, Public, true, tx.Now, tx.Now)
	if err != nil || n == 0 {
		return err
	}
	if err := insertVersion(tx, a, api, VersionInput{Name: "v1", State: Live}); err != nil {
		return err
	}
	for _, e := range []string{EnvLive, EnvTest} {
		if _, err := tx.Run("INSERT INTO api_environments (api_id, environment, base_url, example_method, example_path) VALUES (?, ?, ?, 'GET', '/v1/whoami')", api.ID, e, s.link("")); err != nil {
			return err
		}
	}
	if _, err := insertPlan(tx, a, api, PlanInput{Name: "Standard", Summary: "For every app.", RateRequests: 600, RatePeriodSeconds: 60, Burst: 100}); err != nil {
		return err
	}
	audit.Record(tx, a, audit.Event{Act: audit.APICreated, TargetKind: "api", TargetID: api.ID, OrganizationID: publisherID, Details: map[string]string{"slug": api.Slug, "name": api.Name}})
	doc, err := openapi.Portal()
	if err != nil {
		return err
	}
	if err := s.equipPortal(tx, a, api, doc); err != nil {
		return err
	}
	return indexAPI(tx, api.ID)
}

// The portal's entry is data that an admin may rewrite, so it is not in the message catalogue.
const (
	portalSummary     = "What this portal itself answers: who a key is, and whether a key may do something now."
	verifySentence    = "Ask whether a key may call an API of your organization"
	portalDescription = `A key of any app tells at ` + "`GET /v1/whoami`" + ` which key, app and organization it belongs to: a first call that needs no other API.

Gateways of organizations that publish an API ask at ` + "`POST /v1/keys/verify`" + ` or ` + "`/v1/authz`" + ` whether a key may do something now. They need a key with ` + "`keys:verify`" + `.

Programs manage apps, keys and access, and read usage, with keys that hold scopes for that. A key manages keys of its own environment and never makes one that can do more than itself.`
)
